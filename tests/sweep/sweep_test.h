/* SPDX-License-Identifier: MIT */
/* sweep_test.h - test the sweeps of <asyncio/testing.h> themselves: what a sweep reports for a
 * scenario, and whether its report leads to the same fault again. */
#ifndef SWEEP_TEST_H
#define SWEEP_TEST_H

#include "../frame/loop_test.h"

#include <asyncio/testing.h>
#include <poll.h>

/* The scenarios leak on purpose. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

/* A developer may have set these to replay one run, or to try fewer orders. */
__attribute__((constructor)) static void forget_environment(void)
{
    unsetenv("ASYNC_SWEEP");
    unsetenv("ASYNC_SWEEP_SEEDS");
}

typedef int sweep_fn(async_co co, const struct async_sweep_opts *opts);

/* Run a sweep over co. Returns its report, which is valid until the next call. */
static const char *sweep_report(sweep_fn *sweep, async_co co, const struct async_sweep_opts *opts,
                                int *ret_failures)
{
    capture_stderr_begin();
    *ret_failures = sweep(co, opts);
    const char *report = captured_stderr();
    capture_stderr_end();
    return report;
}

/* Return the first value of ASYNC_SWEEP in a report, which replays one run. */
static char *replay_value(const char *report)
{
    static char value[128];
    const char *at = strstr(report, "asyncio: ASYNC_SWEEP=");
    expect_that(at != NULL, "expected a line with ASYNC_SWEEP, got \"%s\"", report);
    sscanf(at, "asyncio: ASYNC_SWEEP=%127s", value);
    return value;
}

/* The report is cut before the number of a descriptor, because one that was left open gives another
 * number to the next. */
static void cut_report(char *report)
{
    char *number = strstr(report, ": descriptor ");
    char *end = number ? number : strchr(report, '\n');
    expect_not_null(end);
    *end = '\0';
}

/* Sweep co. The report must contain a text, and the value of ASYNC_SWEEP in it must lead to one run
 * with the same report. */
static void expect_sweep_finds(sweep_fn *sweep, async_co co, const struct async_sweep_opts *opts,
                               const char *fault)
{
    static char first[sizeof capture.text];
    size_t runs = 0;
    int failures;
    struct async_sweep_opts counted = *opts;
    counted.ret_runs = &runs;
    snprintf(first, sizeof first, "%s", sweep_report(sweep, co, opts, &failures));
    expect_greater(failures, 0);
    expect_contains(first, fault);
    setenv("ASYNC_SWEEP", replay_value(first), 1);
    cut_report(first);
    const char *again = sweep_report(sweep, co, &counted, &failures);
    expect_int(failures, 1);
    expect_int(runs, 1);
    expect_contains(again, first);
    unsetenv("ASYNC_SWEEP");
}

static void expect_sweep_passes(sweep_fn *sweep, async_co co, const struct async_sweep_opts *opts)
{
    int failures;
    const char *report = sweep_report(sweep, co, opts, &failures);
    expect_text(report, "");
    expect_ok(failures);
}

static const struct async_sweep_opts none;

#endif
