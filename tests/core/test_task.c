/* SPDX-License-Identifier: MIT */
/* Tasks: made, started, awaited, named. */
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

CASE(task_awaits_on_itself)
{
    is(await_task(async_current_task()), -EDEADLK);
    has_text(heard(), "awaits itself");
    return 0;
}

CASE(id_of_a_task_is_not_used_again)
{
    uint64_t last = async_task_id(async_current_task());
    is(async_task_id(NULL), 0);
    for (int i = 0; i < 3; i++) {
        async_task *t = async_create_task(value(0, 0));
        is_true(async_task_id(t) > last);
        last = async_task_id(t);
        await_task_drop(&t);
    }
    return 0;
}

CASE(null_handles)
{
    is(await_task(NULL), -ENOMEM);
    async_task *none = NULL;
    await_task_drop(&none);
    is_true(async_task_done(NULL));
    is(async_task_result(NULL), -ENOMEM);
    is_false(async_task_cancelled(NULL));
    is_false(async_task_cancel(NULL));
    is_text(async_task_name(NULL), "");
    async_task_set_name(NULL, "nobody");
    return 0;
}

CASE(names)
{
    await_task_auto a = async_create_task(value(0, 0));
    char name[] = "mine";
    await_task_auto b = async_create_task(value(0, 0), .name = name);
    name[0] = 'x'; /* it was copied */
    is_text(async_task_name(a), "value-2");
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

static int plain(void *arg)
{
    note("%s", (const char *)arg);
    return await_sleep(1);
}

CASE(coroutines_without_macros)
{
    await_task_auto t = async_create_task(async_call(plain, (void *)"ran", "plain one"));
    is_text(async_task_name(t), "plain one-2");
    ok(await_task(t));
    is_trail("ran");
    return 0;
}

/* The text that names a coroutine may be a local variable of the caller. */
CASE(name_given_to_async_call_is_copied)
{
    char *name = strdup("worker");
    await_task_auto t = async_create_task(async_call(plain, (void *)"ran", name));
    memset(name, 'x', strlen(name));
    free(name);
    is_text(async_task_name(t), "worker-2");
    return await_task(t);
}

CASE(tasks_of_one_coroutine_have_names_that_tell_them_apart)
{
    await_task_auto a = async_create_task(value(0, 0));
    await_task_auto b = async_create_task(value(0, 0));
    is_text(async_task_name(a), "value-2");
    is_text(async_task_name(b), "value-3");
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

ASYNC_DEF(one_of_many, (int)i, (int)n)
{
    ASYNC_TRY(await_sleep(1 + (i * 7919 % n) * 1e-3)); /* the last of them n milliseconds later */
    return i;
}

CASE(twenty_thousand_sleepers)
{
    static async_task *tasks[20000];
    int n = at_most(countof(tasks));
    for (int i = 0; i < n; i++)
        tasks[i] = async_create_task(one_of_many(i, n));
    for (int i = 0; i < n; i++)
        is(await_task(tasks[i]), i);
    is_time(1 + (n - 1) * 1e-3);
    for (int i = 0; i < n; i++)
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
    has_text(heard(), "task \"value-2\": .stack_size of 18446744073709551615 bytes is more than 1 GiB");
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

static int raw(void *frame)
{
    (void)frame;
    return await_sleep(1);
}

CASE(coroutine_without_a_name)
{
    int r;
    const async_co co = { .run = raw };
    await_group (r, g) {
        is_text(async_task_name(async_group_create_task(g, co)), "task-2");
        async_group_cancel(g);
        is_text(async_task_name(async_group_create_task(g, co)), "task-3"); /* refused */
    }
    return r;
}

/* Of the three ways to be asked about only one is a cancellation. */
CASE(cancelled_or_not)
{
    await_task_auto t = async_create_task(value(0, 1));
    await_task_auto u = async_create_task(value(0, 100));
    is_false(async_task_cancelled(t));
    ok(await_task(t));
    is_false(async_task_cancelled(t));
    is_true(async_task_cancel_opt(u, NULL));
    is(await_task(u), -ECANCELED);
    is_true(async_task_cancelled(u));
    return 0;
}

CASE(requests_to_cancel_without_end)
{
    async_task *self = async_current_task();
    for (int i = 0; i < 70000; i++)
        is_true(async_task_cancel(self));
    is(async_cancelling(), UINT16_MAX);
    is(await_sleep(1), -ECANCELED);
    while (async_uncancel() > 0)
        ;
    return await_sleep(1);
}

static void drops_what_it_is_given(void *task)
{
    async_task *t = task;
    await_task_drop(&t);
    is_true(t == NULL);
}

/* A callback cannot wait, nor can a task wait for itself: the task goes on. */
CASE(dropped_where_nobody_can_wait)
{
    async_callback cb = { 0 };
    async_task *self = async_current_task();
    await_task_auto t = async_create_task(value(3, 1), .name = "goes on");
    await_task_drop(&self);
    has_text(heard(),
             "the handle of task \"dropped_where_nobody_can_wait_case\" is dropped where the task cannot be awaited");
    async_call_soon(&cb, drops_what_it_is_given, t);
    ok(await_sleep(0));
    has_text(heard(), "task \"goes on\" is dropped where the task cannot be awaited: it goes on");
    is(await_task(t), 3);
    return 0;
}

/* It is ended all the same, but the handle is the group's. */
CASE(child_of_a_group_is_dropped)
{
    int r;
    await_group (r, g) {
        async_task *t = async_group_create_task(g, value(0, 100)), *kept = t;
        await_task_drop(&t);
        is_true(async_task_cancelled(kept));
        is_time(0);
    }
    return r;
}

ASYNC_DEF(fails_when_cancelled)
{
    is(await_sleep(100), -ECANCELED);
    return -EIO;
}

ASYNC_DEF(awaits, (async_task *)t)
{
    return await_task(t);
}

/* Its owner does not want to know, but somebody else does: so nobody is told that nobody has read it. */
CASE(failure_of_a_dropped_task_is_read_by_another)
{
    async_task *t = async_create_task(fails_when_cancelled());
    await_task_auto other = async_create_task(awaits(t));
    ok(await_sleep(0));
    await_task_drop(&t);
    is(await_task(other), -EIO);
    is_text(heard(), "");
    return 0;
}

static void is_called(async_task *t, void *arg)
{
    (void)t;
    note("%s", (const char *)arg);
}

ASYNC_DEF(cleans_up, (const char *)word, (double)seconds)
{
    int r = await_sleep(100), s;
    ok(async_task_add_done_callback(async_current_task(), is_called, (void *)(uintptr_t)word));
    await_shield (s)
        s = await_sleep(seconds);
    note("%s=%s", word, shown(r));
    return s;
}

ASYNC_DEF(loses_handles)
{
    for (int i = 0; i < 3; i++)
        is_true(async_create_task(cleans_up(&"abc"[i], 3 - i)) != NULL);
    return await_sleep(1);
}

/* All are told at once; the last callback of the last one is awaited, too. */
START_TEST(tasks_whose_handles_are_lost_clean_up)
{
    RUN(loses_handles());
    is_trail("c=-ECANCELED c bc=-ECANCELED bc abc=-ECANCELED abc");
}
END_TEST

START_TEST(stack_that_no_run_can_have)
{
    ears_open();
    is(async_run(value(0, 1), .stack_size = SIZE_MAX), -EINVAL);
    has_text(heard(), ".stack_size of 18446744073709551615 bytes is more than 1 GiB");
    ears_close();
}
END_TEST

SUITE("task", name_given_to_async_call_is_copied,
      tasks_of_one_coroutine_have_names_that_tell_them_apart,
      tasks_whose_handles_are_lost_clean_up, stack_that_no_run_can_have,
      coroutine_without_a_name, cancelled_or_not, requests_to_cancel_without_end,
      dropped_where_nobody_can_wait, child_of_a_group_is_dropped,
      failure_of_a_dropped_task_is_read_by_another, starts_later_in_order, id_of_a_task_is_not_used_again, result_is_kept,
      error_is_the_result, task_awaits_on_itself, null_handles, names, current_task,
      no_current_task_outside, coroutines_without_macros, arguments_are_copied, joining_as_an_object,
      twenty_thousand_sleepers, records_are_used_again, too_large_a_stack, larger_stacks)
