/* SPDX-License-Identifier: MIT */
/* Tests of the Runner: what it keeps between its runs, Ctrl-C, runs without a main task, and its
 * end. */
#include "../frame/loop_test.h"

#include <signal.h>

ASYNC_DEF(returns, (int)r)
{
    return r;
}

static async_runner *open_virtual(void)
{
    async_runner *rn = async_runner_open(&(const struct async_run_opts){ .virtual_clock = true });
    expect_true(rn != NULL);
    return rn;
}

/* --- task-local variables --- */

ASYNC_LOCAL(int, number, 0);

ASYNC_DEF(sets_number, (int)n)
{
    return async_local_set(number, n);
}

ASYNC_DEF(finds_number)
{
    return async_local_get(number);
}

TEST(variable_set_by_run_is_seen_by_next_run)
{
    async_runner *rn = open_virtual();
    expect_ok(async_runner_run(rn, sets_number(7)));
    expect_int(async_runner_run(rn, finds_number()), 7);
    expect_ok(async_local_get(number)); /* the thread's own value is another one */
    async_runner_close(rn);
    expect_ok(async_run(finds_number()));
}

/* --- Ctrl-C --- */

ASYNC_DEF(is_interrupted)
{
    raise(SIGINT);
    int r = await_sleep(100);
    log_event("%s/%d", result_text(r), async_cancel_cause().kind == ASYNC_CANCEL_SIGNAL);
    return r;
}

ASYNC_DEF(deals_with_the_interrupt)
{
    raise(SIGINT);
    expect_int(await_sleep(100), -ECANCELED);
    async_uncancel();
    return 3;
}

TEST(interrupt_cancels_main_and_run_returns_eintr)
{
    signal(SIGINT, SIG_DFL); /* Check has installed a handler of its own */
    async_runner *rn = open_virtual();
    expect_int(async_runner_run(rn, is_interrupted()), -EINTR);
    expect_events("-ECANCELED/1");
    expect_text(async_fail_text(-EINTR), "interrupted by Ctrl-C");
    expect_int(async_runner_run(rn, returns(5)), 5);
    expect_int(async_runner_run(rn, deals_with_the_interrupt()), 3);
    async_runner_close(rn);
}

/* --- closing --- */

TEST(runner_may_be_closed_twice)
{
    async_runner *rn = open_virtual();
    expect_int(async_runner_run(rn, returns(1)), 1);
    async_runner_close(rn);
    async_runner_close(rn);
    capture_stderr_begin();
    expect_int(async_runner_run(rn, returns(1)), -EINVAL);
    expect_contains(captured_stderr(), "async_runner_run() of a runner that is closed");
    capture_stderr_end();
    async_runner *next = open_virtual();
    async_runner_close(rn); /* does not close the next one, wherever that lies */
    expect_int(async_runner_run(next, returns(2)), 2);
    async_runner_close(next);
}

/* --- run_forever and stop --- */

static void stops(void *arg ASYNC_UNUSED)
{
    expect_ok(async_stop());
}

static void notes(void *word)
{
    log_event("%s", (const char *)word);
}

ASYNC_DEF(ticks_and_stops, (int)n)
{
    for (int i = 1; i <= n; i++) {
        ASYNC_TRY(await_sleep(1));
        log_event("%d", i);
    }
    return async_stop();
}

ASYNC_DEF(spawns, (async_co *)co)
{
    async_spawn(async_background(), *co);
    return 0;
}

TEST(run_forever_ends_when_task_stops_it)
{
    async_runner *rn = open_virtual();
    async_co co = ticks_and_stops(3);
    expect_ok(async_runner_run(rn, spawns(&co)));
    expect_ok(async_runner_run_forever(rn));
    expect_events("1 2 3");
    async_runner_close(rn);
}

TEST(callbacks_ready_at_stop_run_before_end)
{
    async_callback a = { 0 }, b = { 0 }, c = { 0 };
    async_runner *rn = open_virtual();
    async_call_soon(&a, stops, NULL);
    async_call_soon(&b, notes, (void *)"ready");
    async_call_later(&c, 1, notes, (void *)"later");
    expect_ok(async_runner_run_forever(rn));
    expect_events("ready");
    expect_ok(async_runner_run(rn, async_sleep(2))); /* what is left goes on in the next run */
    expect_events("ready later");
    async_runner_close(rn);
}

TEST(stop_before_run_forever_runs_ready_callbacks_once)
{
    async_callback a = { 0 };
    async_runner *rn = open_virtual();
    async_call_soon(&a, notes, (void *)"ready");
    expect_ok(async_stop());
    expect_ok(async_runner_run_forever(rn));
    expect_events("ready");
    async_runner_close(rn);
}

ASYNC_DEF(stops_its_own_run)
{
    expect_int(async_stop(), -EINVAL);
    expect_contains(captured_stderr(), "async_stop() in a run that ends with its main task");
    return 9;
}

TEST(stop_in_run_with_main_is_refused_with_message)
{
    capture_stderr_begin();
    expect_int(async_run(stops_its_own_run()), 9);
    expect_int(async_stop(), -EPERM);
    expect_contains(captured_stderr(), "async_stop() on a thread without a loop");
    capture_stderr_end();
}

static void interrupts(void *arg ASYNC_UNUSED)
{
    raise(SIGINT);
}

TEST(interrupt_ends_run_forever)
{
    signal(SIGINT, SIG_DFL);
    async_callback cb = { 0 };
    async_runner *rn = open_virtual();
    async_call_later(&cb, 1, interrupts, NULL);
    expect_int(async_runner_run_forever(rn), -EINTR);
    async_runner_close(rn);
}

static void does_nothing(void *arg ASYNC_UNUSED) {}

TEST(stop_that_comes_after_an_interrupt_does_not_end_the_next_run)
{
    static async_callback a, b, rest[1000];
    signal(SIGINT, SIG_DFL);
    async_runner *rn = open_virtual();
    async_call_soon(&a, interrupts, NULL);
    async_call_soon(&b, stops, NULL);
    for (size_t i = 0; i < countof(rest); i++)
        async_call_soon(&rest[i], does_nothing, NULL);
    expect_int(async_runner_run_forever(rn), -EINTR);
    expect_int(async_runner_run(rn, returns(7)), 7);
    async_runner_close(rn);
}

static async_callback after_interrupt[1000];

static void notes_end(async_task *t ASYNC_UNUSED, void *arg ASYNC_UNUSED)
{
    log_event("ended");
}

/* Its done callback is ready when the loop is interrupted, behind what takes several iterations. */
ASYNC_DEF(ends_before_an_interrupt)
{
    expect_ok(async_task_add_done_callback(async_current_task(), notes_end, NULL));
    async_call_soon(&after_interrupt[0], interrupts, NULL);
    for (size_t i = 1; i < countof(after_interrupt); i++)
        async_call_soon(&after_interrupt[i], does_nothing, NULL);
    return 0;
}

TEST(interrupt_of_run_forever_lets_done_callbacks_run)
{
    signal(SIGINT, SIG_DFL);
    async_runner *rn = open_virtual();
    async_co co = ends_before_an_interrupt();
    expect_ok(async_runner_run(rn, spawns(&co)));
    expect_int(async_runner_run_forever(rn), -EINTR);
    expect_events("ended");
    async_runner_close(rn);
}

SUITE("core-runner", variable_set_by_run_is_seen_by_next_run,
      interrupt_cancels_main_and_run_returns_eintr, runner_may_be_closed_twice,
      run_forever_ends_when_task_stops_it, callbacks_ready_at_stop_run_before_end,
      stop_before_run_forever_runs_ready_callbacks_once,
      stop_in_run_with_main_is_refused_with_message, interrupt_ends_run_forever,
      stop_that_comes_after_an_interrupt_does_not_end_the_next_run,
      interrupt_of_run_forever_lets_done_callbacks_run)
