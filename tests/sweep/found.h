/* SPDX-License-Identifier: MIT */
/* found.h - for tests of the sweeps themselves: what one says of a scenario, and whether its line leads to it again. */
#ifndef SWEEP_FOUND_H
#define SWEEP_FOUND_H

#include "core/run.h"

#include <asyncio/testing.h>

/* The memory that is left behind here is left on purpose. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

/* Nobody who runs the tests asks for one run, or for fewer orders. */
__attribute__((constructor)) static void forget_environment(void)
{
    unsetenv("ASYNC_SWEEP");
    unsetenv("ASYNC_SWEEP_SEEDS");
}

typedef int sweep_fn(async_co co, const struct async_sweep_opts *opts);

/* What the sweep says of co; *failures: what it returns. */
static const char *said_of(sweep_fn *sweep, async_co co, const struct async_sweep_opts *opts,
                           int *failures)
{
    ears_open();
    *failures = sweep(co, opts);
    const char *said = heard();
    ears_close();
    return said;
}

/* The first line that begins a replay, as the value of the variable. */
static char *asked_in(const char *said)
{
    static char value[128];
    const char *at = strstr(said, "asyncio: ASYNC_SWEEP=");
    ck_assert_msg(at != NULL, "no line to repeat it in: %s", said);
    sscanf(at, "asyncio: ASYNC_SWEEP=%127s", value);
    return value;
}

/* The sweep finds what is wrong, and what its first line asks for is one run that finds it again. */
static void finds(sweep_fn *sweep, async_co co, const struct async_sweep_opts *opts, const char *wrong)
{
    char first[8192];
    size_t runs = 0;
    int failures;
    struct async_sweep_opts counted = *opts;
    counted.ret_runs = &runs;
    snprintf(first, sizeof first, "%s", said_of(sweep, co, opts, &failures));
    is_true(failures > 0);
    has_text(first, wrong);
    char *number = strstr(first, ": descriptor "), *end = number ? number : strchr(first, '\n');
    is_true(end != NULL); /* a descriptor that was left open leaves another number to the next */
    *end = '\0';
    setenv("ASYNC_SWEEP", asked_in(first), 1);
    const char *again = said_of(sweep, co, &counted, &failures);
    is(failures, 1);
    is(runs, 1);
    ck_assert_msg(strstr(again, first), "first \"%s\", then \"%s\"", first, again);
    unsetenv("ASYNC_SWEEP");
}

static void finds_nothing(sweep_fn *sweep, async_co co, const struct async_sweep_opts *opts)
{
    int failures;
    const char *said = said_of(sweep, co, opts, &failures);
    ck_assert_msg(failures == 0, "%d: %s", failures, said);
    is_text(said, "");
}

static const struct async_sweep_opts none;

#endif
