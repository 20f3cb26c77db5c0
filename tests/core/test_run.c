/* SPDX-License-Identifier: MIT */
/* The way in and out: run, Runner, main; what is left when main returns. */
#include "run.h"

#include <errno.h>

ASYNC_DEF(returns, (int)r)
{
    return r;
}

START_TEST(result_comes_back)
{
    is(async_run(returns(7)), 7);
    is(async_run(returns(-EIO)), -EIO);
    is(async_run(returns(-ECANCELED)), -ECANCELED);
    is_true(async_get_running_loop() == NULL);
}
END_TEST

ASYNC_DEF(nests, (int)r)
{
    is(async_run(returns(1)), -EBUSY);
    errno = 0;
    is_true(async_runner_open(NULL) == NULL);
    is(errno, EBUSY);
    return r;
}

START_TEST(nested_run_is_refused)
{
    ears_open();
    is(async_run(nests(3)), 3);
    has_text(heard(), "async_run() inside a running loop");
    is(async_run(returns(4)), 4);
    is_text(heard(), "");
    ears_close();
}
END_TEST

ASYNC_DEF(child, (const char *)word, (int)error)
{
    int r = await_sleep(100), s;
    await_shield (s)
        ok(await_sleep(1));
    note("%s=%s/%d", word, shown(r), async_cancel_cause().kind);
    return error ? error : r;
}

static async_task *lost;

ASYNC_DEF(leaves_tasks, (int)error)
{
    async_spawn(async_background(), child("background", error));
    lost = async_create_task(child("lost", error), .name = "lost");
    ok(await_sleep(1));
    return 5;
}

/* cancels_hanging_tasks: main returns while tasks sleep: cancelled and awaited, the result is unaffected. */
START_TEST(cancels_hanging_tasks)
{
    is(run_heard(leaves_tasks(0), &(const struct async_run_opts){ .virtual_clock = true }), 5);
    is_trail("background=-ECANCELED/4 lost=-ECANCELED/4"); /* ASYNC_CANCEL_SHUTDOWN */
}
END_TEST

/* reports_hanging_tasks_errors: their cleanup errors are said, the result is unaffected. */
ASYNC_DEF(loses_handles, (int)n)
{
    for (int i = 0; i < n; i++)
        async_ignore(async_create_task(returns(0)));
    return await_sleep(1);
}

/* More records than a chunk of the slab has room for. */
START_TEST(forgets_ended_tasks)
{
    RUN(loses_handles(3000));
}
END_TEST

START_TEST(reports_hanging_tasks_errors)
{
    ears_open();
    is(async_run(leaves_tasks(-EPROTO), .virtual_clock = true), 5);
    const char *said = heard();
    ears_close();
    has_text(said, "child-2: Protocol error");
    has_text(said, "lost: Protocol error");
}
END_TEST

/* Debug mode names them. */
START_TEST(debug_names_hanging_tasks)
{
    ears_open();
    is(async_run(leaves_tasks(0), .virtual_clock = true, .debug = true), 5);
    const char *said = heard();
    ears_close();
    has_text(said, "\"child-2\" in the background");
    has_text(said, "\"lost\" was left running");
}
END_TEST

ASYNC_DEF(spawns_in_cleanup)
{
    is(await_sleep(100), -ECANCELED);
    is(async_spawn(async_background(), child("never", 0)), -ECANCELED);
    is(await_sleep(0), -ECANCELED);
    return -ECANCELED;
}

ASYNC_DEF(never_started)
{
    note("started");
    return 0;
}

ASYNC_DEF(leaves_stubborn_tasks)
{
    async_spawn(async_background(), spawns_in_cleanup());
    ok(await_sleep(1));
    async_spawn(async_background(), never_started());
    return 0;
}

START_TEST(shutdown_refuses_spawns)
{
    RUN(leaves_stubborn_tasks());
    is_trail("");
}
END_TEST

/* A value of main beats its own pending cancel; tasks get theirs all the same. */
ASYNC_DEF(main_cancels_itself)
{
    async_task_cancel(async_current_task());
    async_spawn(async_background(), child("background", 0));
    return 0;
}

START_TEST(shutdown_of_a_cancelled_main)
{
    RUN(main_cancels_itself());
    is_trail(""); /* it had not started */
}
END_TEST

/* --- Runner --- */

ASYNC_DEF(ticks)
{
    for (;;) {
        ASYNC_TRY(await_sleep(1));
        note("tick");
    }
}

ASYNC_DEF(starts_ticks)
{
    async_spawn(async_background(), ticks());
    return await_sleep(1.5);
}

START_TEST(runner_keeps_its_loop)
{
    const struct async_run_opts opts = { .virtual_clock = true };
    ears_open();
    async_runner *rn = async_runner_open(&opts);
    is_true(rn != NULL);
    ok(async_runner_run(rn, starts_ticks()));
    is_trail("tick");
    ok(async_runner_run(rn, async_sleep(2)));
    is_trail("tick tick tick");
    is(async_runner_run(rn, returns(-EIO)), -EIO);
    async_runner_close(rn);
    is_trail("tick tick tick");
    is_text(heard(), "");
    ears_close();
    async_runner_close(NULL);
    is_true(async_get_running_loop() == NULL);
}
END_TEST

ASYNC_DEF(nests_runner, (async_runner *)rn)
{
    is(async_runner_run(rn, returns(1)), -EBUSY);
    has_text(heard(), "async_runner_run() inside a run");
    return 6;
}

START_TEST(runner_inside_a_run)
{
    ears_open();
    async_runner *rn = async_runner_open(NULL);
    is(async_runner_run(rn, nests_runner(rn)), 6);
    is(async_runner_run(rn, returns(1)), 1);
    is(async_run(returns(2)), -EBUSY); /* this thread's loop is open */
    has_text(heard(), "async_run() inside");
    async_runner_close(rn);
    is(async_run(returns(2)), 2);
    ears_close();
}
END_TEST

static void on_call(void *arg)
{
    async_runner *rn = arg;
    is(async_runner_run(rn, returns(1)), -EBUSY);
    has_text(heard(), "async_runner_run() inside a run");
    async_runner_close(rn);
    has_text(heard(), "async_runner_close() inside a run");
    note("called");
}

ASYNC_DEF(calls_back, (async_runner *)rn)
{
    async_callback cb = { 0 };
    async_call_soon(&cb, on_call, rn);
    ok(await_sleep(0.001));
    return 6;
}

/* Where no task runs, but the loop does. */
START_TEST(runner_inside_a_callback)
{
    ears_open();
    async_runner *rn = async_runner_open(NULL);
    is(async_runner_run(rn, calls_back(rn)), 6);
    is_trail("called");
    is(async_runner_run(rn, returns(1)), 1);
    async_runner_close(rn);
    is_text(heard(), "");
    ears_close();
}
END_TEST

START_TEST(runner_without_a_run)
{
    ears_open();
    async_runner *rn = async_runner_open(NULL);
    async_runner_close(rn);
    is_text(heard(), "");
    ears_close();
}
END_TEST

START_TEST(debug_by_environment)
{
    setenv("ASYNCIO_DEBUG", "1", 1);
    ears_open();
    is(async_run(leaves_tasks(0), .virtual_clock = true), 5);
    has_text(heard(), "\"lost\" was left running");
    setenv("ASYNCIO_DEBUG", "0", 1);
    is(async_run(leaves_tasks(0), .virtual_clock = true), 5);
    is_text(heard(), "");
    ears_close();
}
END_TEST

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
START_TEST(a_runner_that_is_closed_abandons_what_will_not_end)
{
    for (int limit = 0; limit < 2; limit++) {
        async_event never = { 0 };
        async_runner *rn = async_runner_open(
                &(struct async_run_opts){ .virtual_clock = true, .shutdown_timeout = limit });
        ok(async_runner_run(rn, leaves_one_that_will_not_end(&never)));
        ears_open();
        async_runner_close(rn);
        const char *said = heard();
        ears_close();
        has_text(said, limit ? "that have not ended 1 s after main" : "they are abandoned");
        has_text(said, "    will_not_end-2: waits for event ");
        ok(async_run(will_end()));
    }
}
END_TEST

SUITE("run", a_runner_that_is_closed_abandons_what_will_not_end, result_comes_back,
      nested_run_is_refused, cancels_hanging_tasks, forgets_ended_tasks,
      reports_hanging_tasks_errors, debug_names_hanging_tasks, shutdown_refuses_spawns,
      shutdown_of_a_cancelled_main, runner_keeps_its_loop, runner_inside_a_run,
      runner_inside_a_callback, runner_without_a_run, debug_by_environment)
