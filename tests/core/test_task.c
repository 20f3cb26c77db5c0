/* SPDX-License-Identifier: MIT */
/* Tasks: made, started, awaited, cancelled, named. */
#include "run.h"

ASYNC_DEF(value, (int)r, (double)after)
{
    ASYNC_TRY(await_sleep(after));
    return r;
}

ASYNC_DEF(step, (const char *)word)
{
    note("%s", word);
    ASYNC_TRY(await_sleep(0));
    note("%s", word);
    return 0;
}

CASE(starts_later_in_order)
{
    await_task_auto a = async_create_task(step("a"));
    await_task_auto b = async_create_task(step("b"));
    note("created");
    ok(await_task(b));
    ok(await_task(a));
    is_trail("created a b a b");
    return 0;
}

CASE(result_is_kept)
{
    await_task_auto t = async_create_task(value(7, 1));
    is(async_task_result(t), -EINPROGRESS);
    is_false(async_task_done(t));
    is(await_task(t), 7);
    is(await_task(t), 7);
    is(async_task_result(t), 7);
    is_true(async_task_done(t));
    is_false(async_task_cancelled(t));
    is_time(1);
    return 0;
}

CASE(error_is_the_result)
{
    await_task_auto t = async_create_task(value(-EIO, 1));
    is(await_task(t), -EIO);
    is(async_task_result(t), -EIO);
    is_false(async_task_cancelled(t));
    return 0;
}

/* cancel: the awaiter sees it, the task is done and cancelled, a further cancel returns false. */
CASE(cancel)
{
    await_task_auto t = async_create_task(value(1, 100));
    ok(await_sleep(1));
    is_true(async_task_cancel(t));
    is_false(async_task_done(t));
    is(await_task(t), -ECANCELED);
    is_true(async_task_done(t));
    is_true(async_task_cancelled(t));
    is_false(async_task_cancel(t));
    is(async_task_result(t), -ECANCELED);
    is_time(1);
    ok(await_sleep(0)); /* the awaiter is not cancelled itself */
    return 0;
}

CASE(cancel_finished)
{
    await_task_auto t = async_create_task(value(1, 0));
    is(await_task(t), 1);
    is_false(async_task_cancel(t));
    is(await_task(t), 1);
    is_false(async_task_cancel(NULL));
    return 0;
}

ASYNC_DEF(cancels_itself)
{
    is_true(async_task_cancel(async_current_task()));
    is(await_sleep(100), -ECANCELED);
    is(await_sleep(0), -ECANCELED); /* level-triggered */
    return -ECANCELED;
}

CASE(cancel_current_task)
{
    await_task_auto t = async_create_task(cancels_itself());
    is(await_task(t), -ECANCELED);
    is_true(async_task_cancelled(t));
    is_time(0);
    return 0;
}

ASYNC_DEF(cancels_itself_and_ends)
{
    async_task_cancel(async_current_task());
    return 5;
}

/* A cancel is delivered at suspensions only. */
CASE(value_after_cancelling_itself)
{
    await_task_auto t = async_create_task(cancels_itself_and_ends());
    is(await_task(t), 5);
    is_false(async_task_cancelled(t));
    return 0;
}

ASYNC_DEF(catches)
{
    is(await_sleep(100), -ECANCELED);
    return 42;
}

CASE(cancel_task_catching)
{
    await_task_auto t = async_create_task(catches());
    ok(await_sleep(1));
    is_true(async_task_cancel(t));
    is(await_task(t), 42);
    is_false(async_task_cancelled(t));
    is_true(async_task_done(t));
    return 0;
}

ASYNC_DEF(never, (bool *)ran)
{
    *ran = true;
    return 0;
}

CASE(cancelled_before_first_step)
{
    bool ran = false;
    await_task_auto t = async_create_task(never(&ran));
    is_true(async_task_cancel(t));
    is(await_task(t), -ECANCELED);
    is_true(async_task_cancelled(t));
    is_false(ran);
    return 0;
}

/* A runnable task, woken already: the cancel is not lost. */
ASYNC_DEF(sleeps_twice)
{
    int first = await_sleep(1), second = await_sleep(1);
    note("%s %s", shown(first), shown(second));
    return second;
}

ASYNC_DEF(cancels_at_one, (async_task **)t)
{
    ok(await_sleep(1));
    is_true(async_task_cancel(*t));
    return 0;
}

CASE(cancel_of_a_runnable_task)
{
    async_task *victim = NULL;
    await_task_auto killer = async_create_task(cancels_at_one(&victim)); /* its timer is the first */
    await_task_auto sleeper = async_create_task(sleeps_twice());
    victim = sleeper;
    ok(await_task(killer));
    is(await_task(sleeper), -ECANCELED);
    is_trail("0 -ECANCELED"); /* its sleep had ended: success beats the cancel that came after */
    return 0;
}

ASYNC_DEF(uncancels)
{
    is(await_sleep(100), -ECANCELED);
    is(async_cancelling(), 1);
    is(async_uncancel(), 0);
    is(async_cancelling(), 0);
    ok(await_sleep(1));
    note("waited");
    is(await_sleep(100), -ECANCELED);
    is(async_cancelling(), 1);
    return -ECANCELED;
}

CASE(uncancel_basic)
{
    await_task_auto t = async_create_task(uncancels());
    ok(await_sleep(1));
    is_true(async_task_cancel(t));
    ok(await_sleep(2));
    is_trail("waited");
    is_false(async_task_done(t));
    is_true(async_task_cancel(t));
    is(await_task(t), -ECANCELED);
    is_true(async_task_cancelled(t));
    is_time(3);
    is(async_uncancel(), 0); /* of nothing: nothing */
    is(await_task(t), -ECANCELED);
    return 0;
}

ASYNC_DEF(counts)
{
    is(await_sleep(100), -ECANCELED);
    is(async_cancelling(), 2);
    is(async_uncancel(), 1);
    is(await_sleep(0), -ECANCELED); /* still cancelled */
    is(async_uncancel(), 0);
    ok(await_sleep(0));
    return 0;
}

/* Two cancels make 2, one uncancel leaves it cancelled. */
CASE(two_requests)
{
    await_task_auto t = async_create_task(counts());
    ok(await_sleep(1));
    is_true(async_task_cancel(t));
    is_true(async_task_cancel(t));
    ok(await_task(t));
    return 0;
}

CASE(uncancel_drops_an_undelivered_cancel)
{
    async_task_cancel(async_current_task());
    is(async_cancelling(), 1);
    is(async_uncancel(), 0);
    ok(await_sleep(1));
    is_time(1);
    return 0;
}

CASE(task_awaits_on_itself)
{
    is(await_task(async_current_task()), -EDEADLK);
    has_text(heard(), "awaits itself");
    return 0;
}

CASE(null_handles)
{
    is(await_task(NULL), -ENOMEM);
    async_task *none = NULL;
    await_task_drop(&none);
    return 0;
}

/* A cancelled task's await of a finished task fails too: every await_ is a cancellation point. */
CASE(await_finished_when_cancelled)
{
    await_task_auto t = async_create_task(value(3, 0));
    is(await_task(t), 3);
    async_task_cancel(async_current_task());
    is(await_task(t), -ECANCELED);
    is(await_task(NULL), -ECANCELED);
    async_uncancel();
    is(await_task(t), 3);
    return 0;
}

ASYNC_DEF(joins, (async_task *)t, (const char *)who)
{
    int r = await_task(t);
    note("%s=%s", who, shown(r));
    return r;
}

/* Cancelling the waiter does not cancel the task; joiners wake in their order. */
CASE(several_joiners)
{
    await_task_auto t = async_create_task(value(3, 2));
    await_task_auto a = async_create_task(joins(t, "a"));
    await_task_auto b = async_create_task(joins(t, "b"));
    await_task_auto c = async_create_task(joins(t, "c"));
    ok(await_sleep(1));
    is_true(async_task_cancel(b));
    is(await_task(c), 3);
    is(await_task(a), 3);
    is_trail("b=-ECANCELED a=3 c=3");
    return 0;
}

/* A join takes nothing from others: chosen, then cancelled, it returns its success; the next await_ fails. */
ASYNC_DEF(joins_twice, (async_task *)t)
{
    int first = await_task(t), second = await_task(t);
    note("%s %s", shown(first), shown(second));
    return 0;
}

CASE(join_chosen_then_cancelled)
{
    await_task_auto t = async_create_task(value(9, 1));
    await_task_auto j = async_create_task(joins_twice(t));
    await_task_auto k = async_create_task(cancels_at_one(&j)); /* wakes behind t in the same pass */
    ok(await_task(k));
    ok(await_task(j));
    is_trail("9 -ECANCELED");
    return 0;
}

CASE(names)
{
    await_task_auto a = async_create_task(value(0, 0));
    char name[] = "mine";
    await_task_auto b = async_create_task(value(0, 0), .name = name);
    name[0] = 'x'; /* it was copied */
    is_text(async_task_name(a), "value");
    is_text(async_task_name(b), "mine");
    async_task_set_name(b, "yours");
    async_task_set_name(b, "ours");
    is_text(async_task_name(b), "ours");
    is_text(async_task_name(async_current_task()), "names_case");
    ok(await_task(b));
    is_text(async_task_name(b), "ours");
    return 0;
}

ASYNC_DEF(who_am_i, (async_task **)ret)
{
    *ret = async_current_task();
    return 0;
}

CASE(current_task)
{
    async_task *self = async_current_task(), *child = NULL;
    await_task_auto t = async_create_task(who_am_i(&child));
    ok(await_task(t));
    is_true(child == t);
    is_true(async_current_task() == self);
    return 0;
}

START_TEST(no_current_task_outside)
{
    is_true(async_current_task() == NULL);
    is_true(async_get_running_loop() == NULL);
    is_true(async_background() == NULL);
}
END_TEST

ASYNC_DEF(slow_cleanup, (const char *)word)
{
    int r = await_sleep(100);
    int s;
    await_shield (s)
        ok(await_sleep(1));
    ok(s);
    note("%s=%s", word, shown(r));
    return r;
}

/* A handle's block is left: its task is cancelled and awaited. */
CASE(left_block_cancels_and_awaits)
{
    {
        await_task_auto t = async_create_task(slow_cleanup("t"));
        ok(await_sleep(1));
        is_trail("");
        (void)t;
    }
    is_trail("t=-ECANCELED");
    is_time(2);
    return 0;
}

/* ...shielded: also if we are cancelled ourselves. */
CASE(left_block_awaits_when_cancelled)
{
    {
        await_task_auto t = async_create_task(slow_cleanup("t"));
        ok(await_sleep(1));
        async_task_cancel(async_current_task());
        (void)t;
    }
    is_trail("t=-ECANCELED");
    is_time(2);
    is(await_sleep(0), -ECANCELED);
    async_uncancel();
    return 0;
}

static int plain(void *arg)
{
    note("%s", (const char *)arg);
    return await_sleep(1);
}

CASE(coroutines_without_macros)
{
    await_task_auto t = async_create_task(async_call(plain, (void *)"ran", "plain one"));
    is_text(async_task_name(t), "plain one");
    ok(await_task(t));
    is_trail("ran");
    return 0;
}

ASYNC_DEF(six, (int)a, (double)b, (const char *)c, (long)d, (char)e, (int *)ret)
{
    *ret = a + (int)b + (int)strlen(c) + (int)d + e;
    return 0;
}

CASE(arguments_are_copied)
{
    int sum = 0, five = 5;
    async_co co = six(1, 2.0, "abc", 4, (char)five, &sum);
    five = 0;
    async_co copy = co;
    await_task_auto t = async_create_task(copy);
    ok(await_task(t));
    is(sum, 15);
    return 0;
}

CASE(joining_as_an_object)
{
    await_task_auto t = async_create_task(value(3, 1));
    is(await_wait_for(async_joining(t), 0.5), -ETIMEDOUT);
    is_false(async_task_done(t)); /* shielded: only the waiting was limited */
    is(await_wait_for(async_joining(t), 1), 3);
    is_time(1);
    return 0;
}

ASYNC_DEF(twenty_thousandth, (int)i)
{
    ASYNC_TRY(await_sleep(1 + (i * 7919 % 20000) * 1e-3));
    return i;
}

CASE(twenty_thousand_sleepers)
{
    enum { N = 20000 };
    static async_task *tasks[N];
    for (int i = 0; i < N; i++)
        tasks[i] = async_create_task(twenty_thousandth(i));
    for (int i = 0; i < N; i++)
        is(await_task(tasks[i]), i);
    is_time(20.999);
    for (int i = 0; i < N; i++)
        await_task_drop(&tasks[i]);
    return 0;
}

/* A record that is used again is another task: the old result is with the old handle. */
CASE(records_are_used_again)
{
    for (int i = 0; i < 3000; i++) {
        await_task_auto t = async_create_task(value(i, 0));
        is(await_task(t), i);
    }
    return 0;
}

CASE(too_large_a_stack)
{
    async_task *t = async_create_task(value(0, 0), .stack_size = SIZE_MAX);
    is_true(t == NULL);
    is(await_task(t), -ENOMEM);
    return 0;
}

ASYNC_DEF(deep)
{
    char room[400 * 1024];
    memset(room, 1, sizeof room);
    __asm__ volatile("" : : "r"(room) : "memory");
    return await_sleep(1);
}

CASE(larger_stacks)
{
    await_task_auto t = async_create_task(deep(), .stack_size = 500 * 1024);
    ok(await_task(t));
    return 0;
}

SUITE("task", starts_later_in_order, result_is_kept, error_is_the_result, cancel, cancel_finished,
      cancel_current_task, value_after_cancelling_itself, cancel_task_catching,
      cancelled_before_first_step, cancel_of_a_runnable_task, uncancel_basic, two_requests,
      uncancel_drops_an_undelivered_cancel, task_awaits_on_itself, null_handles,
      await_finished_when_cancelled, several_joiners, join_chosen_then_cancelled, names, current_task,
      no_current_task_outside, left_block_cancels_and_awaits, left_block_awaits_when_cancelled,
      coroutines_without_macros, arguments_are_copied, joining_as_an_object,
      twenty_thousand_sleepers, records_are_used_again, too_large_a_stack, larger_stacks)
