/* SPDX-License-Identifier: MIT */
/* The orders that a sweep tries; which runs it makes, and what the environment may ask of it. */
#include "found.h"

#include <sys/wait.h>

/* --- order --- */

static int shared;

ASYNC_DEF(reads_and_writes, (async_lock *)l)
{
    int r;
    if (!l) {
        int before = shared;
        ASYNC_TRY(await_sleep(0));
        shared = before + 1;
        return 0;
    }
    await_with (r, l) {
        int before = shared;
        r = await_sleep(0);
        shared = before + 1;
    }
    return r;
}

/* The second one comes when the first has gone: in the usual order. */
ASYNC_DEF(comes_later, (async_lock *)l)
{
    for (int i = 0; i < 3; i++)
        ASYNC_TRY(await_sleep(0));
    return await_reads_and_writes(l);
}

ASYNC_DEF(counts, (bool)careful)
{
    async_lock l = { 0 };
    async_lock *used = careful ? &l : NULL;
    shared = 0;
    ASYNC_TRY(await_gather(NULL, reads_and_writes(used), comes_later(used)));
    return shared == 2 ? 0 : -EPROTO;
}

START_TEST(an_order_that_was_taken_for_granted)
{
    finds(async_sweep_order_opt, counts(false), &none, "the result is -EPROTO");
    finds_nothing(async_sweep_order_opt, counts(true), &none);
}
END_TEST

/* --- all of them --- */

START_TEST(only_what_is_asked_for_runs)
{
    size_t runs = 0;
    is(async_sweep(counts(true), .ret_runs = &runs), 0);
    is_true(runs > 200);
    static const char *const others[] = { "order:another:7", "cancel+alloc:another:16+16" };
    for (size_t i = 0; i < countof(others); i++) {
        setenv("ASYNC_SWEEP", others[i], 1);
        runs = 0;
        is(async_sweep(counts(true), .ret_runs = &runs), 0);
        is(runs, 0);
    }
    unsetenv("ASYNC_SWEEP");
    setenv("ASYNC_SWEEP_SEEDS", "7", 1);
    is(async_sweep_order(counts(true), .ret_runs = &runs), 0);
    is(runs, 8);
}
END_TEST

/* What the environment asks for is no sweep, or not there: that must not look like a success. */
START_TEST(an_environment_that_is_not_understood)
{
    static const struct {
        const char *value, *sentence;
    } bad[] = {
        { "cancle:counts:16", "must begin with cancel:, alloc:, alloc-rest:, syscall: or order:" },
        { "cancel", "must begin with" },
        { "cancel+none:counts:16+16", "must begin with" },
        { "cancel+:counts:16+16", "must begin with" },
        { "cancel+order:counts:16+16", "must begin with" },
        { "order+cancel:counts:16+16", "must begin with" },
        { "cancel+alloc:counts:16", "must have the form cancel+alloc:name:number+number" },
        { "cancel+alloc:counts:16+16+16", "must have the form cancel+alloc:name:number+number" },
        { "cancel:counts:16+16", "must have the form cancel:name:number" },
        { "cancel+alloc:counts:16+160000", "the run has no such point" },
        { ":counts:16", "must begin with" },
        { "cancel:counts", "must have the form cancel:name:number" },
        { "cancel::16", "must have the form cancel:name:number" },
        { "cancel:counts:", "must have the form cancel:name:number" },
        { "cancel:counts:0", "must have the form cancel:name:number" },
        { "cancel:counts:-1", "must have the form cancel:name:number" },
        { "cancel:counts:16x", "must have the form cancel:name:number" },
        { "cancel:counts:99999999999999999999", "must have the form cancel:name:number" },
        { "cancel:counts:1", "the run has no such point" },
        { "cancel:counts:160000", "the run has no such point" },
        { "alloc:counts:160000", "the run has no such point" },
        { "syscall:counts:160000", "the run has no such point" },
    };
    int failures;
    for (size_t i = 0; i < countof(bad); i++) {
        setenv("ASYNC_SWEEP", bad[i].value, 1);
        has_text(said_of(async_sweep_opt, counts(true), &none, &failures), bad[i].sentence);
        is(failures, -EINVAL);
    }
    setenv("ASYNC_SWEEP", "order:counts:7", 1);
    has_text(said_of(async_sweep_opt, counts(true), &none, &failures), "the run is correct");
    is(failures, 0);
    unsetenv("ASYNC_SWEEP");
    setenv("ASYNC_SWEEP_SEEDS", "many", 1);
    has_text(said_of(async_sweep_order_opt, counts(true), &none, &failures), "must be a number above 0");
    is(failures, -EINVAL);
}
END_TEST

START_TEST(a_sweep_that_is_not_there_is_named_at_the_end)
{
    for (int there = 0; there < 2; there++) {
        ears_open();
        pid_t pid = fork();
        if (pid == 0) {
            setenv("ASYNC_SWEEP", there ? "order:counts:7" : "order:count:7", 1);
            exit(async_sweep(counts(true)));
        }
        int status = -1;
        is(waitpid(pid, &status, 0), pid);
        const char *said = heard();
        ears_close();
        is(status, 0);
        has_text(said, there ? "the run is correct"
                             : "ASYNC_SWEEP=order:count:7: this program makes no sweep of this kind and name");
        is(!strstr(said, "makes no sweep"), there);
    }
}
END_TEST

ASYNC_DEF(fails)
{
    return -EIO;
}

START_TEST(a_scenario_that_fails_by_itself)
{
    int failures;
    has_text(said_of(async_sweep_opt, fails(), &none, &failures),
             "fails: without any fault: the result is -EIO");
    is(failures, -EINVAL);
    finds_nothing(async_sweep_opt, fails(), &(const struct async_sweep_opts){ .expect = -EIO });
}
END_TEST

CASE(no_sweep_within_a_run)
{
    is(async_sweep(fails()), -EBUSY);
    return 0;
}

SUITE("asked", an_environment_that_is_not_understood, a_sweep_that_is_not_there_is_named_at_the_end,
      an_order_that_was_taken_for_granted, only_what_is_asked_for_runs,
      a_scenario_that_fails_by_itself, no_sweep_within_a_run)
