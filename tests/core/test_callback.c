/* SPDX-License-Identifier: MIT */
/* Callbacks: soon, later, at a time, not at all. */
#include "run.h"

static void says(void *word)
{
    note("%s", (const char *)word);
}

CASE(soon_in_order)
{
    async_callback a = { 0 }, b = { 0 }, c = { 0 };
    async_call_soon(&a, says, (void *)"a");
    async_call_soon(&b, says, (void *)"b");
    async_call_soon(&c, says, (void *)"c");
    is_trail("");
    ok(await_sleep(0));
    is_trail("a b c");
    ok(await_sleep(1));
    is_trail("a b c"); /* once */
    return 0;
}

CASE(later_in_order)
{
    async_callback a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 }, e = { 0 };
    async_call_later(&a, 2, says, (void *)"a");
    async_call_later(&b, 1, says, (void *)"b");
    async_call_at(&c, 2, says, (void *)"c"); /* as late as a: after it */
    async_call_later(&d, -1, says, (void *)"d");
    async_call_at(&e, -5, says, (void *)"e");
    ok(await_sleep(0.5));
    has_text(trail, "d");
    has_text(trail, "e");
    forget_trail();
    ok(await_sleep(1));
    is_trail("b");
    ok(await_sleep(1));
    is_trail("b a c");
    return 0;
}

CASE(equal_times_in_the_order_of_calls)
{
    static async_callback cbs[100];
    static char words[100][8];
    char expected[1024] = "";
    for (int i = 0; i < 100; i++) {
        snprintf(words[i], sizeof *words, "%d", i);
        async_call_at(&cbs[i], 5, says, words[i]);
        strcat(strcat(expected, i ? " " : ""), words[i]);
    }
    ok(await_sleep(5));
    ok(await_sleep(0));
    is_trail(expected);
    return 0;
}

static void says_when(void *arg)
{
    (void)arg;
    note("%g", async_time());
    is_true(async_current_task() == NULL);
    is_true(async_get_running_loop() != NULL);
}

CASE(not_early)
{
    async_callback a = { 0 };
    ok(await_sleep(3));
    async_call_later(&a, 0.25, says_when, NULL);
    ok(await_sleep(1));
    is_trail("3.25");
    return 0;
}

/* A cancelled handle never runs, even when already in the ready list. */
CASE(cancelled)
{
    async_callback a = { 0 }, b = { 0 }, c = { 0 };
    async_call_soon(&a, says, (void *)"a");
    async_call_later(&b, 1, says, (void *)"b");
    async_call_soon(&c, says, (void *)"c");
    is_true(async_callback_cancel(&a));
    is_true(async_callback_cancel(&b));
    is_false(async_callback_cancel(&a));
    is_false(async_callback_cancel(&b));
    ok(await_sleep(2));
    is_trail("c");
    is_false(async_callback_cancel(&c)); /* it has run */
    return 0;
}

struct pair {
    async_callback cb, other;
};

static void cancels_other(void *arg)
{
    struct pair *p = arg;
    note("first");
    is_true(async_callback_cancel(&p->other));
}

CASE(cancelled_when_due)
{
    struct pair p = { 0 };
    async_call_later(&p.cb, 1, cancels_other, &p);
    async_call_later(&p.other, 1, says, (void *)"second"); /* ready in the same pass */
    ok(await_sleep(2));
    is_trail("first");
    return 0;
}

static void again(void *arg)
{
    struct pair *p = arg;
    note("again");
    async_call_soon(&p->cb, again, p); /* its memory is ours again while it runs */
}

/* Added in a turn: run in the next one; a callback for ever does not starve a timer. */
CASE(adds_itself)
{
    struct pair p = { 0 };
    async_call_soon(&p.cb, again, &p);
    ok(await_sleep(0));
    is_trail("again");
    ok(await_sleep(0));
    is_trail("again again");
    is_true(async_callback_cancel(&p.cb));
    ok(await_sleep(1));
    is_trail("again again");
    return 0;
}

static void frees(void *arg)
{
    free(arg);
    note("freed");
}

CASE(frees_itself)
{
    async_callback *cb = calloc(1, sizeof *cb);
    async_call_soon(cb, frees, cb);
    ok(await_sleep(0));
    is_trail("freed");
    return 0;
}

static void wakes(void *event)
{
    async_event_set(event);
}

CASE(wakes_a_task)
{
    async_event e = { 0 };
    async_callback cb = { 0 };
    async_call_later(&cb, 4, wakes, &e);
    ok(await_event_wait(&e));
    is_time(4);
    return 0;
}

static void spawns(void *group)
{
    ok(async_spawn((async_group *)group, async_sleep(2)));
}

CASE(spawns_a_task)
{
    int r;
    async_callback cb = { 0 };
    await_group (r, g) {
        async_call_later(&cb, 1, spawns, g);
        ok(await_sleep(1));
        ok(await_sleep(0));
    }
    ok(r);
    is_time(3);
    return 0;
}

static void cancels(void *task)
{
    is_true(async_task_cancel(task, .reason = "by a callback"));
}

CASE(cancels_a_task)
{
    async_callback cb = { 0 };
    await_task_auto t = async_create_task(async_sleep(100));
    async_call_later(&cb, 1, cancels, t);
    is(await_task(t), -ECANCELED);
    is_time(1);
    return 0;
}

/* --- when main returns --- */

static async_callback lasting[3];

static void adds_another(void *arg)
{
    note("ready");
    async_call_soon(&lasting[2], adds_another, arg);
}

static void starts_a_task(void *arg)
{
    note("starts");
    *(async_task **)arg = async_create_task(async_sleep(1000));
}

static async_task *started;

ASYNC_DEF(cleans_up)
{
    int r = await_sleep(1000);
    note("cleanup");
    async_call_soon(&lasting[1], says, (void *)"after");
    return r;
}

ASYNC_DEF(returns_before_callbacks)
{
    ok(async_spawn(async_background(), cleans_up()));
    ok(await_sleep(1));
    async_call_soon(&lasting[0], adds_another, NULL);
    async_call_soon(&lasting[1], starts_a_task, &started);
    return 0;
}

/* What is ready then runs, and once more what the cleanup of tasks has made ready; what adds itself does not run for ever,
 * and its memory is its owner's again. */
static void check_end(uint64_t seed)
{
    forget_trail();
    RUN(returns_before_callbacks(), .seed = seed);
    has_text(trail, "ready");
    has_text(trail, "starts");
    has_text(strstr(trail, "cleanup"), "after");
    is_false(async_callback_cancel(&lasting[2]));
    is(lasting[2].state, 0);
}

START_TEST(ready_when_main_returns)
{
    for (uint64_t seed = 0; seed < 50; seed++)
        check_end(seed);
}
END_TEST

ASYNC_DEF(returns_at_once)
{
    async_call_soon(&lasting[0], says, (void *)"a");
    async_call_soon(&lasting[1], starts_a_task, &started);
    return 0;
}

START_TEST(ready_when_main_returns_at_once)
{
    RUN(returns_at_once());
    is_trail("a starts");
}
END_TEST

static void awaits(void *arg)
{
    int r;
    *(int *)arg = await_sleep(1);
    await_timeout (r, 1)
        note("not reached");
    is(r, -EPERM);
    is(await_gather(NULL, async_sleep(1)), -EPERM);
}

CASE(must_not_await)
{
    int result = 0;
    async_callback cb = { 0 };
    async_call_soon(&cb, awaits, &result);
    ok(await_sleep(0));
    is(result, -EPERM);
    has_text(heard(), "await_sleep() in a callback");
    is_trail("");
    return 0;
}

static void runs(void *arg)
{
    *(int *)arg = async_run(async_sleep(1));
}

CASE(must_not_run)
{
    int result = 0;
    async_callback cb = { 0 };
    async_call_soon(&cb, runs, &result);
    ok(await_sleep(0));
    is(result, -EBUSY);
    has_text(heard(), "async_run() inside");
    return 0;
}

CASE(a_million_armed_and_cancelled)
{
    async_callback kept = { 0 }, cb[8] = { 0 };
    int refused = 0;
    async_call_later(&kept, 5, says, (void *)"kept");
    for (int i = 0; i < 1000000; i++) {
        if (i >= 8 && !async_callback_cancel(&cb[i % 8]))
            refused++;
        async_call_later(&cb[i % 8], 10 + i % 1000, says, (void *)"never");
    }
    for (int i = 0; i < 8; i++)
        is_true(async_callback_cancel(&cb[i]));
    is(refused, 0);
    ok(await_sleep(100));
    is_trail("kept");
    return 0;
}

/* --- misuse --- */

static void says_its_word(void *word)
{
    note("%s", (const char *)word);
}

CASE(callback_scheduled_twice_runs_once_with_a_message)
{
    async_callback cb = { 0 };
    async_call_soon(&cb, says_its_word, (void *)"first");
    async_call_soon(&cb, says_its_word, (void *)"second");
    has_text(heard(), "async_call_soon() of a callback that is scheduled already");
    async_call_later(&cb, 1, says_its_word, (void *)"third");
    has_text(heard(), "async_call_later() of a callback that is scheduled already");
    ok(await_sleep(2));
    is_trail("first");
    async_call_later(&cb, 1, says_its_word, (void *)"later");
    async_call_soon(&cb, says_its_word, (void *)"soon");
    has_text(heard(), "scheduled already");
    ok(await_sleep(2));
    is_trail("first later");
    return 0;
}

CASE(callback_can_be_scheduled_again_while_it_runs_and_after_a_cancel)
{
    async_callback cb = { 0 };
    async_call_later(&cb, 1, says_its_word, (void *)"never");
    is_true(async_callback_cancel(&cb));
    async_call_soon(&cb, says_its_word, (void *)"now");
    ok(await_sleep(0));
    is_trail("now");
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
    is_false(async_callback_cancel(&armed)); /* which had the same place in another loop */
    is_false(async_callback_cancel(&armed));
    return await_sleep(2);
}

START_TEST(one_that_was_armed_in_a_loop_that_is_closed)
{
    ears_open();
    ok(async_run(leaves_one_armed(), .virtual_clock = true));
    is_text(heard(), ""); /* the loop gives it back in silence, as asyncio does */
    ok(async_run(cancels_what_is_gone(), .virtual_clock = true));
    is_text(heard(), "");
    ears_close();
    is(counted, 1);
}
END_TEST

SUITE("callback", callback_scheduled_twice_runs_once_with_a_message,
      callback_can_be_scheduled_again_while_it_runs_and_after_a_cancel,
      one_that_was_armed_in_a_loop_that_is_closed, ready_when_main_returns,
      ready_when_main_returns_at_once, soon_in_order, later_in_order, equal_times_in_the_order_of_calls,
      not_early, cancelled, cancelled_when_due, adds_itself, frees_itself, wakes_a_task,
      spawns_a_task, cancels_a_task, must_not_await, must_not_run, a_million_armed_and_cancelled)
