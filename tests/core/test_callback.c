/* SPDX-License-Identifier: MIT */
/* Tests of callbacks: soon, later, at a time, cancelled, and misused. */
#include "../frame/loop_test.h"

static void log_word(void *word)
{
    log_event("%s", (const char *)word);
}

LOOP_TEST(callbacks_soon_run_once_in_order_of_calls)
{
    async_callback a = { 0 }, b = { 0 }, c = { 0 };
    async_call_soon(&a, log_word, (void *)"a");
    async_call_soon(&b, log_word, (void *)"b");
    async_call_soon(&c, log_word, (void *)"c");
    expect_events("");
    expect_ok(await_sleep(0));
    expect_events("a b c");
    expect_ok(await_sleep(1));
    expect_events("a b c"); /* once */
    return 0;
}

LOOP_TEST(callbacks_later_run_in_order_of_time)
{
    async_callback a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 }, e = { 0 };
    async_call_later(&a, 2, log_word, (void *)"a");
    async_call_later(&b, 1, log_word, (void *)"b");
    async_call_at(&c, 2, log_word, (void *)"c"); /* as late as a: after it */
    async_call_later(&d, -1, log_word, (void *)"d");
    async_call_at(&e, -5, log_word, (void *)"e");
    expect_ok(await_sleep(0.5));
    expect_contains(event_log, "d");
    expect_contains(event_log, "e");
    clear_events();
    expect_ok(await_sleep(1));
    expect_events("b");
    expect_ok(await_sleep(1));
    expect_events("b a c");
    return 0;
}

LOOP_TEST(callbacks_at_equal_times_run_in_order_of_calls)
{
    static async_callback cbs[100];
    static char words[100][8];
    char expected[1024] = "";
    for (int i = 0; i < 100; i++) {
        snprintf(words[i], sizeof *words, "%d", i);
        async_call_at(&cbs[i], 5, log_word, words[i]);
        strcat(strcat(expected, i ? " " : ""), words[i]);
    }
    expect_ok(await_sleep(5));
    expect_ok(await_sleep(0));
    expect_events(expected);
    return 0;
}

static void log_time(void *arg)
{
    (void)arg;
    log_event("%g", async_time());
    expect_true(async_current_task() == NULL);
    expect_true(async_get_running_loop() != NULL);
}

LOOP_TEST(callback_later_runs_after_its_delay)
{
    async_callback a = { 0 };
    expect_ok(await_sleep(3));
    async_call_later(&a, 0.25, log_time, NULL);
    expect_ok(await_sleep(1));
    expect_events("3.25");
    return 0;
}

/* Not even if it was ready already. */
LOOP_TEST(cancelled_callback_never_runs)
{
    async_callback a = { 0 }, b = { 0 }, c = { 0 };
    async_call_soon(&a, log_word, (void *)"a");
    async_call_later(&b, 1, log_word, (void *)"b");
    async_call_soon(&c, log_word, (void *)"c");
    expect_true(async_callback_cancel(&a));
    expect_true(async_callback_cancel(&b));
    expect_false(async_callback_cancel(&a));
    expect_false(async_callback_cancel(&b));
    expect_ok(await_sleep(2));
    expect_events("c");
    expect_false(async_callback_cancel(&c)); /* it has run already */
    return 0;
}

struct pair {
    async_callback cb, other;
};

static void cancels_other(void *arg)
{
    struct pair *p = arg;
    log_event("first");
    expect_true(async_callback_cancel(&p->other));
}

LOOP_TEST(callback_cancelled_by_another_in_same_iteration_does_not_run)
{
    struct pair p = { 0 };
    async_call_later(&p.cb, 1, cancels_other, &p);
    async_call_later(&p.other, 1, log_word, (void *)"second"); /* ready in the same pass */
    expect_ok(await_sleep(2));
    expect_events("first");
    return 0;
}

static void again(void *arg)
{
    struct pair *p = arg;
    log_event("again");
    async_call_soon(&p->cb, again, p); /* a callback's memory may be reused while it runs */
}

/* So a callback that schedules itself for ever does not starve a timer. */
LOOP_TEST(callback_that_schedules_itself_runs_once_an_iteration)
{
    struct pair p = { 0 };
    async_call_soon(&p.cb, again, &p);
    expect_ok(await_sleep(0));
    expect_events("again");
    expect_ok(await_sleep(0));
    expect_events("again again");
    expect_true(async_callback_cancel(&p.cb));
    expect_ok(await_sleep(1));
    expect_events("again again");
    return 0;
}

static void frees(void *arg)
{
    free(arg);
    log_event("freed");
}

LOOP_TEST(callback_may_free_its_own_memory)
{
    async_callback *cb = calloc(1, sizeof *cb);
    async_call_soon(cb, frees, cb);
    expect_ok(await_sleep(0));
    expect_events("freed");
    return 0;
}

static void wakes(void *event)
{
    async_event_set(event);
}

LOOP_TEST(callback_sets_event_and_wakes_task)
{
    async_event e = { 0 };
    async_callback cb = { 0 };
    async_call_later(&cb, 4, wakes, &e);
    expect_ok(await_event_wait(&e));
    expect_time(4);
    return 0;
}

static void spawns(void *group)
{
    expect_ok(async_spawn((async_group *)group, async_sleep(2)));
}

LOOP_TEST(callback_spawns_task_into_group)
{
    int r;
    async_callback cb = { 0 };
    await_group (r, g) {
        async_call_later(&cb, 1, spawns, g);
        expect_ok(await_sleep(1));
        expect_ok(await_sleep(0));
    }
    expect_ok(r);
    expect_time(3);
    return 0;
}

static void cancels(void *task)
{
    expect_true(async_task_cancel(task, .reason = "by a callback"));
}

LOOP_TEST(callback_cancels_task)
{
    async_callback cb = { 0 };
    await_task_auto t = async_create_task(async_sleep(100));
    async_call_later(&cb, 1, cancels, t);
    expect_int(await_task(t), -ECANCELED);
    expect_time(1);
    return 0;
}

/* --- when main returns --- */

static async_callback lasting[3];

static void adds_another(void *arg)
{
    log_event("ready");
    async_call_soon(&lasting[2], adds_another, arg);
}

static void starts_a_task(void *arg)
{
    log_event("starts");
    *(async_task **)arg = async_create_task(async_sleep(1000));
}

static async_task *started;

ASYNC_DEF(cleans_up)
{
    int r = await_sleep(1000);
    log_event("cleanup");
    async_call_soon(&lasting[1], log_word, (void *)"after");
    return r;
}

ASYNC_DEF(returns_before_callbacks)
{
    expect_ok(async_spawn(async_background(), cleans_up()));
    expect_ok(await_sleep(1));
    async_call_soon(&lasting[0], adds_another, NULL);
    async_call_soon(&lasting[1], starts_a_task, &started);
    return 0;
}

/* Callbacks that are ready when main returns run. So do, once, those that the cleanup of tasks
 * schedules. A callback that schedules itself does not run for ever, and its memory belongs to its
 * owner again. */
static void check_end(uint64_t seed)
{
    clear_events();
    expect_run_ok(returns_before_callbacks(), .seed = seed);
    expect_contains(event_log, "ready");
    expect_contains(event_log, "starts");
    expect_contains(strstr(event_log, "cleanup"), "after");
    expect_false(async_callback_cancel(&lasting[2]));
    expect_ok(lasting[2].state);
}

TEST(callbacks_ready_when_main_returns_run)
{
    for (uint64_t seed = 0; seed < 50; seed++)
        check_end(seed);
}

ASYNC_DEF(returns_at_once)
{
    async_call_soon(&lasting[0], log_word, (void *)"a");
    async_call_soon(&lasting[1], starts_a_task, &started);
    return 0;
}

TEST(callback_ready_when_main_returns_at_once_runs)
{
    expect_run_ok(returns_at_once());
    expect_events("a starts");
}

static void awaits(void *arg)
{
    int r;
    *(int *)arg = await_sleep(1);
    await_timeout (r, 1)
        log_event("not reached");
    expect_int(r, -EPERM);
    expect_int(await_gather(NULL, async_sleep(1)), -EPERM);
}

LOOP_TEST(await_in_callback_is_refused_with_message)
{
    int result = 0;
    async_callback cb = { 0 };
    async_call_soon(&cb, awaits, &result);
    expect_ok(await_sleep(0));
    expect_int(result, -EPERM);
    expect_contains(captured_stderr(), "await_sleep() in a callback");
    expect_events("");
    return 0;
}

static void runs(void *arg)
{
    *(int *)arg = async_run(async_sleep(1));
}

LOOP_TEST(run_in_callback_is_refused_with_message)
{
    int result = 0;
    async_callback cb = { 0 };
    async_call_soon(&cb, runs, &result);
    expect_ok(await_sleep(0));
    expect_int(result, -EBUSY);
    expect_contains(captured_stderr(), "async_run() inside");
    return 0;
}

LOOP_TEST(million_timers_armed_and_cancelled_never_fire)
{
    async_callback kept = { 0 }, cb[8] = { 0 };
    int refused = 0;
    async_call_later(&kept, 5, log_word, (void *)"kept");
    for (int i = 0; i < 1000000; i++) {
        if (i >= 8 && !async_callback_cancel(&cb[i % 8]))
            refused++;
        async_call_later(&cb[i % 8], 10 + i % 1000, log_word, (void *)"never");
    }
    for (int i = 0; i < 8; i++)
        expect_true(async_callback_cancel(&cb[i]));
    expect_ok(refused);
    expect_ok(await_sleep(100));
    expect_events("kept");
    return 0;
}

/* --- misuse --- */

static void log_its_word(void *word)
{
    log_event("%s", (const char *)word);
}

LOOP_TEST(callback_scheduled_twice_runs_once_with_message)
{
    async_callback cb = { 0 };
    async_call_soon(&cb, log_its_word, (void *)"first");
    async_call_soon(&cb, log_its_word, (void *)"second");
    expect_contains(captured_stderr(), "async_call_soon() of a callback that is scheduled already");
    async_call_later(&cb, 1, log_its_word, (void *)"third");
    expect_contains(captured_stderr(),
                    "async_call_later() of a callback that is scheduled already");
    expect_ok(await_sleep(2));
    expect_events("first");
    async_call_later(&cb, 1, log_its_word, (void *)"later");
    async_call_soon(&cb, log_its_word, (void *)"soon");
    expect_contains(captured_stderr(), "scheduled already");
    expect_ok(await_sleep(2));
    expect_events("first later");
    return 0;
}

LOOP_TEST(callback_may_be_scheduled_again_while_it_runs_and_after_cancel)
{
    async_callback cb = { 0 };
    async_call_later(&cb, 1, log_its_word, (void *)"never");
    expect_true(async_callback_cancel(&cb));
    async_call_soon(&cb, log_its_word, (void *)"now");
    expect_ok(await_sleep(0));
    expect_events("now");
    return 0;
}

static int counted;

static void counts_up(void *arg)
{
    (void)arg;
    counted++;
}

static async_callback armed, other;

ASYNC_DEF(leaves_one_armed)
{
    async_call_later(&armed, 100, counts_up, NULL);
    return await_sleep(0);
}

ASYNC_DEF(cancels_what_is_gone)
{
    async_call_later(&other, 1, counts_up, NULL);
    expect_false(async_callback_cancel(&armed)); /* it had the same slot in another loop */
    expect_false(async_callback_cancel(&armed));
    return await_sleep(2);
}

TEST(callback_armed_in_closed_loop_cannot_be_cancelled_in_next_loop)
{
    capture_stderr_begin();
    expect_ok(async_run(leaves_one_armed(), .virtual_clock = true));
    expect_text(captured_stderr(), ""); /* the loop gives it back in silence, as asyncio does */
    expect_ok(async_run(cancels_what_is_gone(), .virtual_clock = true));
    expect_text(captured_stderr(), "");
    capture_stderr_end();
    expect_int(counted, 1);
}

SUITE("core-callback", callback_scheduled_twice_runs_once_with_message,
      callback_may_be_scheduled_again_while_it_runs_and_after_cancel,
      callback_armed_in_closed_loop_cannot_be_cancelled_in_next_loop,
      callbacks_ready_when_main_returns_run, callback_ready_when_main_returns_at_once_runs,
      callbacks_soon_run_once_in_order_of_calls, callbacks_later_run_in_order_of_time,
      callbacks_at_equal_times_run_in_order_of_calls, callback_later_runs_after_its_delay,
      cancelled_callback_never_runs, callback_cancelled_by_another_in_same_iteration_does_not_run,
      callback_that_schedules_itself_runs_once_an_iteration, callback_may_free_its_own_memory,
      callback_sets_event_and_wakes_task, callback_spawns_task_into_group, callback_cancels_task,
      await_in_callback_is_refused_with_message, run_in_callback_is_refused_with_message,
      million_timers_armed_and_cancelled_never_fire)
