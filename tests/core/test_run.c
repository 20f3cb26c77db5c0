/* SPDX-License-Identifier: MIT */
/* The way in and out: run, Runner, main; what is left when main returns. */

#include "../frame/loop_test.h"

#include <errno.h>

ASYNC_DEF(returns, (int)r)
{
    return r;
}

TEST(result_comes_back)
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

TEST(nested_run_is_refused)
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

/* cancels_hanging_tasks: main returns while tasks sleep: cancelled and awaited, the result is unaffected. */
TEST(cancels_hanging_tasks)
{
    expect_int(
            run_silently(leaves_tasks(0), &(const struct async_run_opts){ .virtual_clock = true }),
            5);
    expect_events("background=-ECANCELED/4 lost=-ECANCELED/4"); /* ASYNC_CANCEL_SHUTDOWN */
}

/* reports_hanging_tasks_errors: their cleanup errors are said, the result is unaffected. */
ASYNC_DEF(loses_handles, (int)n)
{
    for (int i = 0; i < n; i++)
        async_ignore(async_create_task(returns(0)));
    return await_sleep(1);
}

/* More records than a chunk of the slab has room for. */
TEST(forgets_ended_tasks)
{
    expect_run_ok(loses_handles(3000));
}

TEST(reports_hanging_tasks_errors)
{
    capture_stderr_begin();
    expect_int(async_run(leaves_tasks(-EPROTO), .virtual_clock = true), 5);
    const char *said = captured_stderr();
    capture_stderr_end();
    expect_contains(said, "child-2: Protocol error");
    expect_contains(said, "lost: Protocol error");
}

/* Debug mode names them. */
TEST(debug_names_hanging_tasks)
{
    capture_stderr_begin();
    expect_int(async_run(leaves_tasks(0), .virtual_clock = true, .debug = true), 5);
    const char *said = captured_stderr();
    capture_stderr_end();
    expect_contains(said, "\"child-2\" in the background");
    expect_contains(said, "\"lost\" was left running");
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

/* A value of main beats its own pending cancel; tasks get theirs all the same. */
ASYNC_DEF(main_cancels_itself)
{
    async_task_cancel(async_current_task());
    async_spawn(async_background(), child("background", 0));
    return 0;
}

TEST(shutdown_of_a_cancelled_main)
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

TEST(runner_keeps_its_loop)
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

TEST(runner_inside_a_run)
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

/* Where no task runs, but the loop does. */
TEST(runner_inside_a_callback)
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

TEST(runner_without_a_run)
{
    capture_stderr_begin();
    async_runner *rn = async_runner_open(NULL);
    async_runner_close(rn);
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

TEST(debug_by_environment)
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

/* With a limit and without one, when it is a deadlock. */
TEST(a_runner_that_is_closed_abandons_what_will_not_end)
{
    for (int limit = 0; limit < 2; limit++) {
        async_event never = { 0 };
        async_runner *rn = async_runner_open(
                &(struct async_run_opts){ .virtual_clock = true, .shutdown_timeout = limit });
        expect_ok(async_runner_run(rn, leaves_one_that_will_not_end(&never)));
        capture_stderr_begin();
        async_runner_close(rn);
        const char *said = captured_stderr();
        capture_stderr_end();
        expect_contains(said, limit ? "that have not ended 1 s after main" : "they are abandoned");
        expect_contains(said, "    will_not_end-2: waits for event ");
        expect_ok(async_run(will_end()));
    }
}

SUITE("run", a_runner_that_is_closed_abandons_what_will_not_end, result_comes_back,
      nested_run_is_refused, cancels_hanging_tasks, forgets_ended_tasks,
      reports_hanging_tasks_errors, debug_names_hanging_tasks, shutdown_refuses_spawns,
      shutdown_of_a_cancelled_main, runner_keeps_its_loop, runner_inside_a_run,
      runner_inside_a_callback, runner_without_a_run, debug_by_environment)
