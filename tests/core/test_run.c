/* SPDX-License-Identifier: MIT */
/* Tests of async_run() and of the Runner: how a run begins and ends, and what becomes of remaining
 * tasks. */
#include "../frame/loop_test.h"

#include <errno.h>

ASYNC_DEF(returns, (int)r)
{
    return r;
}

TEST(run_returns_result_of_main)
{
    expect_int(async_run(returns(7)), 7);
    expect_int(async_run(returns(-EIO)), -EIO);
    expect_int(async_run(returns(-ECANCELED)), -ECANCELED);
    expect_true(async_get_running_loop() == NULL);
}

ASYNC_DEF(nests, (int)r)
{
    expect_int(async_run(returns(1)), -EBUSY);
    errno = 0;
    expect_true(async_runner_open(NULL) == NULL);
    expect_int(errno, EBUSY);
    return r;
}

TEST(run_inside_run_is_refused_with_message)
{
    capture_stderr_begin();
    expect_int(async_run(nests(3)), 3);
    expect_contains(captured_stderr(), "async_run() inside a running loop");
    expect_int(async_run(returns(4)), 4);
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

ASYNC_DEF(child, (const char *)word, (int)error)
{
    int r = await_sleep(100), s;
    await_shield (s)
        expect_ok(await_sleep(1));
    log_event("%s=%s/%d", word, result_text(r), async_cancel_cause().kind);
    return error ? error : r;
}

static async_task *lost;

ASYNC_DEF(leaves_tasks, (int)error)
{
    async_spawn(async_background(), child("background", error));
    lost = async_create_task(child("lost", error), .name = "lost");
    expect_ok(await_sleep(1));
    return 5;
}

/* The result of main stays. */
TEST(shutdown_cancels_and_awaits_remaining_tasks)
{
    expect_int(
            run_silently(leaves_tasks(0), &(const struct async_run_opts){ .virtual_clock = true }),
            5);
    expect_events("background=-ECANCELED/4 lost=-ECANCELED/4"); /* ASYNC_CANCEL_SHUTDOWN */
}

/* Errors of their cleanup are reported. The result of main stays. */
ASYNC_DEF(loses_handles, (int)n)
{
    for (int i = 0; i < n; i++)
        async_ignore(async_create_task(returns(0)));
    return await_sleep(1);
}

/* There are more records than a chunk of the slab holds. */
TEST(lost_handles_of_ended_tasks_are_freed)
{
    expect_run_ok(loses_handles(3000));
}

TEST(shutdown_reports_errors_of_remaining_tasks)
{
    capture_stderr_begin();
    expect_int(async_run(leaves_tasks(-EPROTO), .virtual_clock = true), 5);
    const char *output = captured_stderr();
    capture_stderr_end();
    expect_contains(output, "child-2: Protocol error");
    expect_contains(output, "lost: Protocol error");
}

TEST(debug_reports_remaining_tasks)
{
    capture_stderr_begin();
    expect_int(async_run(leaves_tasks(0), .virtual_clock = true, .debug = true), 5);
    const char *output = captured_stderr();
    capture_stderr_end();
    expect_contains(output, "\"child-2\" in the background");
    expect_contains(output, "\"lost\" was left running");
}

ASYNC_DEF(spawns_in_cleanup)
{
    expect_int(await_sleep(100), -ECANCELED);
    expect_int(async_spawn(async_background(), child("never", 0)), -ECANCELED);
    expect_int(await_sleep(0), -ECANCELED);
    return -ECANCELED;
}

ASYNC_DEF(never_started)
{
    log_event("started");
    return 0;
}

ASYNC_DEF(leaves_stubborn_tasks)
{
    async_spawn(async_background(), spawns_in_cleanup());
    expect_ok(await_sleep(1));
    async_spawn(async_background(), never_started());
    return 0;
}

TEST(shutdown_refuses_spawns)
{
    expect_run_ok(leaves_stubborn_tasks());
    expect_events("");
}

/* A value returned by main is stronger than its own pending cancel. The tasks are cancelled all the
 * same. */
ASYNC_DEF(main_cancels_itself)
{
    async_task_cancel(async_current_task());
    async_spawn(async_background(), child("background", 0));
    return 0;
}

TEST(value_of_cancelled_main_is_returned_and_tasks_are_cancelled)
{
    expect_run_ok(main_cancels_itself());
    expect_events(""); /* it had not started */
}

/* --- Runner --- */

ASYNC_DEF(ticks)
{
    for (;;) {
        ASYNC_TRY(await_sleep(1));
        log_event("tick");
    }
}

ASYNC_DEF(starts_ticks)
{
    async_spawn(async_background(), ticks());
    return await_sleep(1.5);
}

TEST(runner_keeps_tasks_between_runs)
{
    const struct async_run_opts opts = { .virtual_clock = true };
    capture_stderr_begin();
    async_runner *rn = async_runner_open(&opts);
    expect_true(rn != NULL);
    expect_ok(async_runner_run(rn, starts_ticks()));
    expect_events("tick");
    expect_ok(async_runner_run(rn, async_sleep(2)));
    expect_events("tick tick tick");
    expect_int(async_runner_run(rn, returns(-EIO)), -EIO);
    async_runner_close(rn);
    expect_events("tick tick tick");
    expect_text(captured_stderr(), "");
    capture_stderr_end();
    async_runner_close(NULL);
    expect_true(async_get_running_loop() == NULL);
}

ASYNC_DEF(nests_runner, (async_runner *)rn)
{
    expect_int(async_runner_run(rn, returns(1)), -EBUSY);
    expect_contains(captured_stderr(), "async_runner_run() inside a run");
    return 6;
}

TEST(run_inside_runner_is_refused)
{
    capture_stderr_begin();
    async_runner *rn = async_runner_open(NULL);
    expect_int(async_runner_run(rn, nests_runner(rn)), 6);
    expect_int(async_runner_run(rn, returns(1)), 1);
    expect_int(async_run(returns(2)), -EBUSY); /* this thread's loop is open */
    expect_contains(captured_stderr(), "async_run() inside");
    async_runner_close(rn);
    expect_int(async_run(returns(2)), 2);
    capture_stderr_end();
}

static void on_call(void *arg)
{
    async_runner *rn = arg;
    expect_int(async_runner_run(rn, returns(1)), -EBUSY);
    expect_contains(captured_stderr(), "async_runner_run() inside a run");
    async_runner_close(rn);
    expect_contains(captured_stderr(), "async_runner_close() inside a run");
    log_event("called");
}

ASYNC_DEF(calls_back, (async_runner *)rn)
{
    async_callback cb = { 0 };
    async_call_soon(&cb, on_call, rn);
    expect_ok(await_sleep(0.001));
    return 6;
}

TEST(runner_run_in_callback_is_refused)
{
    capture_stderr_begin();
    async_runner *rn = async_runner_open(NULL);
    expect_int(async_runner_run(rn, calls_back(rn)), 6);
    expect_events("called");
    expect_int(async_runner_run(rn, returns(1)), 1);
    async_runner_close(rn);
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

TEST(runner_closes_without_run)
{
    capture_stderr_begin();
    async_runner *rn = async_runner_open(NULL);
    async_runner_close(rn);
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

TEST(environment_variable_turns_debug_mode_on_and_off)
{
    setenv("ASYNCIO_DEBUG", "1", 1);
    capture_stderr_begin();
    expect_int(async_run(leaves_tasks(0), .virtual_clock = true), 5);
    expect_contains(captured_stderr(), "\"lost\" was left running");
    setenv("ASYNCIO_DEBUG", "0", 1);
    expect_int(async_run(leaves_tasks(0), .virtual_clock = true), 5);
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

ASYNC_DEF(will_not_end, (async_event *)never)
{
    int r;
    await_shield (r)
        r = await_event_wait(never);
    return r;
}

ASYNC_DEF(leaves_one_that_will_not_end, (async_event *)never)
{
    async_task *forgotten = async_create_task(will_not_end(never));
    (void)forgotten;
    return await_sleep(1);
}

ASYNC_DEF(will_end)
{
    return 0;
}

/* With a shutdown timeout, and without one as a deadlock. */
TEST(closed_runner_abandons_tasks_that_do_not_end)
{
    for (int limit = 0; limit < 2; limit++) {
        async_event never = { 0 };
        async_runner *rn = async_runner_open(
                &(struct async_run_opts){ .virtual_clock = true, .shutdown_timeout = limit });
        expect_ok(async_runner_run(rn, leaves_one_that_will_not_end(&never)));
        capture_stderr_begin();
        async_runner_close(rn);
        const char *output = captured_stderr();
        capture_stderr_end();
        expect_contains(output,
                        limit ? "that have not ended 1 s after main" : "they are abandoned");
        expect_contains(output, "    will_not_end-2: waits for event ");
        expect_ok(async_run(will_end()));
    }
}

SUITE("core-run", closed_runner_abandons_tasks_that_do_not_end, run_returns_result_of_main,
      run_inside_run_is_refused_with_message, shutdown_cancels_and_awaits_remaining_tasks,
      lost_handles_of_ended_tasks_are_freed, shutdown_reports_errors_of_remaining_tasks,
      debug_reports_remaining_tasks, shutdown_refuses_spawns,
      value_of_cancelled_main_is_returned_and_tasks_are_cancelled, runner_keeps_tasks_between_runs,
      run_inside_runner_is_refused, runner_run_in_callback_is_refused, runner_closes_without_run,
      environment_variable_turns_debug_mode_on_and_off)
