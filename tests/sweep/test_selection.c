/* SPDX-License-Identifier: MIT */
/* Tests of the orders that a sweep tries, of the runs that it makes, and of the environment
 * variables that select them. */
#include "sweep_test.h"

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

/* In the default order, the second task comes when the first has ended. */
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

TEST(dependence_on_order_is_found)
{
    expect_sweep_finds(async_sweep_order_opt, counts(false), &none, "the result is -EPROTO");
    expect_sweep_passes(async_sweep_order_opt, counts(true), &none);
}

/* --- all of them --- */

TEST(environment_variable_selects_one_run)
{
    size_t runs = 0;
    expect_ok(async_sweep(counts(true), .ret_runs = &runs));
    expect_true(runs > 200);
    static const char *const others[] = { "order:another:7", "cancel+alloc:another:16+16" };
    for (size_t i = 0; i < countof(others); i++) {
        setenv("ASYNC_SWEEP", others[i], 1);
        runs = 0;
        expect_ok(async_sweep(counts(true), .ret_runs = &runs));
        expect_ok(runs);
    }
    unsetenv("ASYNC_SWEEP");
    setenv("ASYNC_SWEEP_SEEDS", "7", 1);
    expect_ok(async_sweep_order(counts(true), .ret_runs = &runs));
    expect_int(runs, 8);
}

/* It must not look like a success. */
TEST(environment_variable_not_understood_is_a_failure)
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
        expect_contains(sweep_report(async_sweep_opt, counts(true), &none, &failures),
                        bad[i].sentence);
        expect_int(failures, -EINVAL);
    }
    setenv("ASYNC_SWEEP", "order:counts:7", 1);
    expect_contains(sweep_report(async_sweep_opt, counts(true), &none, &failures),
                    "the run is correct");
    expect_ok(failures);
    unsetenv("ASYNC_SWEEP");
    setenv("ASYNC_SWEEP_SEEDS", "many", 1);
    expect_contains(sweep_report(async_sweep_order_opt, counts(true), &none, &failures),
                    "must be a number above 0");
    expect_int(failures, -EINVAL);
}

TEST(selected_sweep_that_does_not_exist_is_reported)
{
    for (int there = 0; there < 2; there++) {
        capture_stderr_begin();
        pid_t pid = fork();
        if (pid == 0) {
            setenv("ASYNC_SWEEP", there ? "order:counts:7" : "order:count:7", 1);
            exit(async_sweep(counts(true)));
        }
        int status = -1;
        expect_int(waitpid(pid, &status, 0), pid);
        const char *output = captured_stderr();
        capture_stderr_end();
        expect_ok(status);
        expect_contains(
                output,
                there ? "the run is correct"
                      : "ASYNC_SWEEP=order:count:7: this program makes no sweep of this kind and "
                        "name");
        expect_int(!strstr(output, "makes no sweep"), there);
    }
}

ASYNC_DEF(fails)
{
    return -EIO;
}

TEST(scenario_that_fails_without_fault_is_reported)
{
    int failures;
    expect_contains(sweep_report(async_sweep_opt, fails(), &none, &failures),
                    "fails: without any fault: the result is -EIO");
    expect_int(failures, -EINVAL);
    expect_sweep_passes(async_sweep_opt, fails(),
                        &(const struct async_sweep_opts){ .expect = -EIO });
}

LOOP_TEST(sweep_inside_run_is_refused)
{
    expect_int(async_sweep(fails()), -EBUSY);
    return 0;
}

SUITE("sweep-selection", environment_variable_not_understood_is_a_failure,
      selected_sweep_that_does_not_exist_is_reported, dependence_on_order_is_found,
      environment_variable_selects_one_run, scenario_that_fails_without_fault_is_reported,
      sweep_inside_run_is_refused)
