/* SPDX-License-Identifier: MIT */
/* Tasks: made, started, awaited, named. */
#include "../frame/loop_test.h"

ASYNC_DEF(value, (int)r, (double)after)
{
    ASYNC_TRY(await_sleep(after));
    return r;
}

ASYNC_DEF(step, (const char *)word)
{
    log_event("%s", word);
    ASYNC_TRY(await_sleep(0));
    log_event("%s", word);
    return 0;
}

LOOP_TEST(starts_later_in_order)
{
    await_task_auto a = async_create_task(step("a"));
    await_task_auto b = async_create_task(step("b"));
    log_event("created");
    expect_ok(await_task(b));
    expect_ok(await_task(a));
    expect_events("created a b a b");
    return 0;
}

LOOP_TEST(result_is_kept)
{
    await_task_auto t = async_create_task(value(7, 1));
    expect_int(async_task_result(t), -EINPROGRESS);
    expect_false(async_task_done(t));
    expect_int(await_task(t), 7);
    expect_int(await_task(t), 7);
    expect_int(async_task_result(t), 7);
    expect_true(async_task_done(t));
    expect_false(async_task_cancelled(t));
    expect_time(1);
    return 0;
}

LOOP_TEST(error_is_the_result)
{
    await_task_auto t = async_create_task(value(-EIO, 1));
    expect_int(await_task(t), -EIO);
    expect_int(async_task_result(t), -EIO);
    expect_false(async_task_cancelled(t));
    return 0;
}

LOOP_TEST(task_awaits_on_itself)
{
    expect_int(await_task(async_current_task()), -EDEADLK);
    expect_contains(captured_stderr(), "awaits itself");
    return 0;
}

LOOP_TEST(id_of_a_task_is_not_used_again)
{
    uint64_t last = async_task_id(async_current_task());
    expect_ok(async_task_id(NULL));
    for (int i = 0; i < 3; i++) {
        async_task *t = async_create_task(value(0, 0));
        expect_true(async_task_id(t) > last);
        last = async_task_id(t);
        await_task_drop(&t);
    }
    return 0;
}

LOOP_TEST(null_handles)
{
    expect_int(await_task(NULL), -ENOMEM);
    async_task *none = NULL;
    await_task_drop(&none);
    expect_true(async_task_done(NULL));
    expect_int(async_task_result(NULL), -ENOMEM);
    expect_false(async_task_cancelled(NULL));
    expect_false(async_task_cancel(NULL));
    expect_text(async_task_name(NULL), "");
    async_task_set_name(NULL, "nobody");
    return 0;
}

LOOP_TEST(names)
{
    await_task_auto a = async_create_task(value(0, 0));
    char name[] = "mine";
    await_task_auto b = async_create_task(value(0, 0), .name = name);
    name[0] = 'x'; /* it was copied */
    expect_text(async_task_name(a), "value-2");
    expect_text(async_task_name(b), "mine");
    async_task_set_name(b, "yours");
    async_task_set_name(b, "ours");
    expect_text(async_task_name(b), "ours");
    expect_text(async_task_name(async_current_task()), "names_case");
    expect_ok(await_task(b));
    expect_text(async_task_name(b), "ours");
    return 0;
}

ASYNC_DEF(who_am_i, (async_task **)ret)
{
    *ret = async_current_task();
    return 0;
}

LOOP_TEST(current_task)
{
    async_task *self = async_current_task(), *child = NULL;
    await_task_auto t = async_create_task(who_am_i(&child));
    expect_ok(await_task(t));
    expect_true(child == t);
    expect_true(async_current_task() == self);
    return 0;
}

TEST(no_current_task_outside)
{
    expect_true(async_current_task() == NULL);
    expect_true(async_get_running_loop() == NULL);
    expect_true(async_background() == NULL);
}

static int plain(void *arg)
{
    log_event("%s", (const char *)arg);
    return await_sleep(1);
}

LOOP_TEST(coroutines_without_macros)
{
    await_task_auto t = async_create_task(async_call(plain, (void *)"ran", "plain one"));
    expect_text(async_task_name(t), "plain one-2");
    expect_ok(await_task(t));
    expect_events("ran");
    return 0;
}

/* The text that names a coroutine may be a local variable of the caller. */
LOOP_TEST(name_given_to_async_call_is_copied)
{
    char *name = strdup("worker");
    await_task_auto t = async_create_task(async_call(plain, (void *)"ran", name));
    memset(name, 'x', strlen(name));
    free(name);
    expect_text(async_task_name(t), "worker-2");
    return await_task(t);
}

LOOP_TEST(tasks_of_one_coroutine_have_names_that_tell_them_apart)
{
    await_task_auto a = async_create_task(value(0, 0));
    await_task_auto b = async_create_task(value(0, 0));
    expect_text(async_task_name(a), "value-2");
    expect_text(async_task_name(b), "value-3");
    return 0;
}

ASYNC_DEF(six, (int)a, (double)b, (const char *)c, (long)d, (char)e, (int *)ret)
{
    *ret = a + (int)b + (int)strlen(c) + (int)d + e;
    return 0;
}

LOOP_TEST(arguments_are_copied)
{
    int sum = 0, five = 5;
    async_co co = six(1, 2.0, "abc", 4, (char)five, &sum);
    five = 0;
    async_co copy = co;
    await_task_auto t = async_create_task(copy);
    expect_ok(await_task(t));
    expect_int(sum, 15);
    return 0;
}

LOOP_TEST(joining_as_an_object)
{
    await_task_auto t = async_create_task(value(3, 1));
    expect_int(await_wait_for(async_joining(t), 0.5), -ETIMEDOUT);
    expect_false(async_task_done(t)); /* shielded: only the waiting was limited */
    expect_int(await_wait_for(async_joining(t), 1), 3);
    expect_time(1);
    return 0;
}

ASYNC_DEF(one_of_many, (int)i, (int)n)
{
    ASYNC_TRY(await_sleep(1 + (i * 7919 % n) * 1e-3)); /* the last of them n milliseconds later */
    return i;
}

LOOP_TEST(twenty_thousand_sleepers)
{
    static async_task *tasks[20000];
    int n = reduced_count(countof(tasks));
    for (int i = 0; i < n; i++)
        tasks[i] = async_create_task(one_of_many(i, n));
    for (int i = 0; i < n; i++)
        expect_int(await_task(tasks[i]), i);
    expect_time(1 + (n - 1) * 1e-3);
    for (int i = 0; i < n; i++)
        await_task_drop(&tasks[i]);
    return 0;
}

/* A record that is used again is another task: the old result is with the old handle. */
LOOP_TEST(records_are_used_again)
{
    for (int i = 0; i < 3000; i++) {
        await_task_auto t = async_create_task(value(i, 0));
        expect_int(await_task(t), i);
    }
    return 0;
}

LOOP_TEST(too_large_a_stack)
{
    async_task *t = async_create_task(value(0, 0), .stack_size = SIZE_MAX);
    expect_true(t == NULL);
    expect_contains(
            captured_stderr(),
            "task \"value-2\": .stack_size of 18446744073709551615 bytes is more than 1 GiB");
    expect_int(await_task(t), -ENOMEM);
    return 0;
}

ASYNC_DEF(deep)
{
    char room[400 * 1024];
    memset(room, 1, sizeof room);
    __asm__ volatile("" : : "r"(room) : "memory");
    return await_sleep(1);
}

LOOP_TEST(larger_stacks)
{
    await_task_auto t = async_create_task(deep(), .stack_size = 500 * 1024);
    expect_ok(await_task(t));
    return 0;
}

static int raw(void *frame)
{
    (void)frame;
    return await_sleep(1);
}

LOOP_TEST(coroutine_without_a_name)
{
    int r;
    const async_co co = { .run = raw };
    await_group (r, g) {
        expect_text(async_task_name(async_group_create_task(g, co)), "task-2");
        async_group_cancel(g);
        expect_text(async_task_name(async_group_create_task(g, co)), "task-3"); /* refused */
    }
    return r;
}

/* Of the three ways to be asked about only one is a cancellation. */
LOOP_TEST(cancelled_or_not)
{
    await_task_auto t = async_create_task(value(0, 1));
    await_task_auto u = async_create_task(value(0, 100));
    expect_false(async_task_cancelled(t));
    expect_ok(await_task(t));
    expect_false(async_task_cancelled(t));
    expect_true(async_task_cancel_opt(u, NULL));
    expect_int(await_task(u), -ECANCELED);
    expect_true(async_task_cancelled(u));
    return 0;
}

LOOP_TEST(requests_to_cancel_without_end)
{
    async_task *self = async_current_task();
    for (int i = 0; i < 70000; i++)
        expect_true(async_task_cancel(self));
    expect_int(async_cancelling(), UINT16_MAX);
    expect_int(await_sleep(1), -ECANCELED);
    while (async_uncancel() > 0)
        ;
    return await_sleep(1);
}

static void drops_what_it_is_given(void *task)
{
    async_task *t = task;
    await_task_drop(&t);
    expect_true(t == NULL);
}

/* A callback cannot wait, nor can a task wait for itself: the task goes on. */
LOOP_TEST(dropped_where_nobody_can_wait)
{
    async_callback cb = { 0 };
    async_task *self = async_current_task();
    await_task_auto t = async_create_task(value(3, 1), .name = "goes on");
    await_task_drop(&self);
    expect_contains(
            captured_stderr(),
            "the handle of task \"dropped_where_nobody_can_wait_case\" is dropped where the task cannot be awaited");
    async_call_soon(&cb, drops_what_it_is_given, t);
    expect_ok(await_sleep(0));
    expect_contains(captured_stderr(),
                    "task \"goes on\" is dropped where the task cannot be awaited: it goes on");
    expect_int(await_task(t), 3);
    return 0;
}

/* It is ended all the same, but the handle is the group's. */
LOOP_TEST(child_of_a_group_is_dropped)
{
    int r;
    await_group (r, g) {
        async_task *t = async_group_create_task(g, value(0, 100)), *kept = t;
        await_task_drop(&t);
        expect_true(async_task_cancelled(kept));
        expect_time(0);
    }
    return r;
}

ASYNC_DEF(fails_when_cancelled)
{
    expect_int(await_sleep(100), -ECANCELED);
    return -EIO;
}

ASYNC_DEF(awaits, (async_task *)t)
{
    return await_task(t);
}

/* Its owner does not want to know, but somebody else does: so nobody is told that nobody has read it. */
LOOP_TEST(failure_of_a_dropped_task_is_read_by_another)
{
    async_task *t = async_create_task(fails_when_cancelled());
    await_task_auto other = async_create_task(awaits(t));
    expect_ok(await_sleep(0));
    await_task_drop(&t);
    expect_int(await_task(other), -EIO);
    expect_text(captured_stderr(), "");
    return 0;
}

static void is_called(async_task *t, void *arg)
{
    (void)t;
    log_event("%s", (const char *)arg);
}

ASYNC_DEF(cleans_up, (const char *)word, (double)seconds)
{
    int r = await_sleep(100), s;
    expect_ok(
            async_task_add_done_callback(async_current_task(), is_called, (void *)(uintptr_t)word));
    await_shield (s)
        s = await_sleep(seconds);
    log_event("%s=%s", word, result_text(r));
    return s;
}

ASYNC_DEF(loses_handles)
{
    for (int i = 0; i < 3; i++)
        expect_true(async_create_task(cleans_up(&"abc"[i], 3 - i)) != NULL);
    return await_sleep(1);
}

/* All are told at once; the last callback of the last one is awaited, too. */
TEST(tasks_whose_handles_are_lost_clean_up)
{
    expect_run_ok(loses_handles());
    expect_events("c=-ECANCELED c bc=-ECANCELED bc abc=-ECANCELED abc");
}

TEST(stack_that_no_run_can_have)
{
    capture_stderr_begin();
    expect_int(async_run(value(0, 1), .stack_size = SIZE_MAX), -EINVAL);
    expect_contains(captured_stderr(),
                    ".stack_size of 18446744073709551615 bytes is more than 1 GiB");
    capture_stderr_end();
}

SUITE("task", name_given_to_async_call_is_copied,
      tasks_of_one_coroutine_have_names_that_tell_them_apart, tasks_whose_handles_are_lost_clean_up,
      stack_that_no_run_can_have, coroutine_without_a_name, cancelled_or_not,
      requests_to_cancel_without_end, dropped_where_nobody_can_wait, child_of_a_group_is_dropped,
      failure_of_a_dropped_task_is_read_by_another, starts_later_in_order,
      id_of_a_task_is_not_used_again, result_is_kept, error_is_the_result, task_awaits_on_itself,
      null_handles, names, current_task, no_current_task_outside, coroutines_without_macros,
      arguments_are_copied, joining_as_an_object, twenty_thousand_sleepers, records_are_used_again,
      too_large_a_stack, larger_stacks)
