/* SPDX-License-Identifier: MIT */
/* Tests of tasks: creation, order, results, names, stacks, handles. */
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

LOOP_TEST(created_tasks_start_later_in_order)
{
    await_task_auto a = async_create_task(step("a"));
    await_task_auto b = async_create_task(step("b"));
    log_event("created");
    expect_ok(await_task(b));
    expect_ok(await_task(a));
    expect_events("created a b a b");
    return 0;
}

LOOP_TEST(result_of_task_is_kept_for_later_awaits)
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

LOOP_TEST(error_is_result_of_task)
{
    await_task_auto t = async_create_task(value(-EIO, 1));
    expect_int(await_task(t), -EIO);
    expect_int(async_task_result(t), -EIO);
    expect_false(async_task_cancelled(t));
    return 0;
}

LOOP_TEST(task_that_awaits_itself_is_refused_with_message)
{
    expect_int(await_task(async_current_task()), -EDEADLK);
    expect_contains(captured_stderr(), "awaits itself");
    return 0;
}

LOOP_TEST(task_id_is_never_reused)
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

LOOP_TEST(null_task_handle_is_harmless)
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

LOOP_TEST(task_name_is_copied_and_can_be_changed)
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
    expect_text(async_task_name(async_current_task()),
                "task_name_is_copied_and_can_be_changed_case");
    expect_ok(await_task(b));
    expect_text(async_task_name(b), "ours");
    return 0;
}

ASYNC_DEF(store_current_task, (async_task **)ret)
{
    *ret = async_current_task();
    return 0;
}

LOOP_TEST(current_task_is_the_running_one)
{
    async_task *self = async_current_task(), *child = NULL;
    await_task_auto t = async_create_task(store_current_task(&child));
    expect_ok(await_task(t));
    expect_true(child == t);
    expect_true(async_current_task() == self);
    return 0;
}

TEST(no_current_task_outside_of_loop)
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

LOOP_TEST(async_call_makes_coroutine_of_plain_function)
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

LOOP_TEST(tasks_of_one_coroutine_have_different_names)
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

LOOP_TEST(coroutine_arguments_are_copied)
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

LOOP_TEST(timeout_of_joining_leaves_task_running)
{
    await_task_auto t = async_create_task(value(3, 1));
    expect_int(await_wait_for(async_joining(t), 0.5), -ETIMEDOUT);
    /* only the wait timed out, because joining shields the task */
    expect_false(async_task_done(t));
    expect_int(await_wait_for(async_joining(t), 1), 3);
    expect_time(1);
    return 0;
}

ASYNC_DEF(one_of_many, (int)i, (int)n)
{
    ASYNC_TRY(await_sleep(1 + (i * 7919 % n) * 1e-3)); /* the last of them n milliseconds later */
    return i;
}

LOOP_TEST(twenty_thousand_sleepers_wake_in_time)
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

LOOP_TEST(reused_task_record_has_its_own_result)
{
    for (int i = 0; i < 3000; i++) {
        await_task_auto t = async_create_task(value(i, 0));
        expect_int(await_task(t), i);
    }
    return 0;
}

LOOP_TEST(task_with_too_large_stack_is_refused_with_message)
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

LOOP_TEST(task_with_larger_stack_can_use_it)
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

LOOP_TEST(task_of_coroutine_without_name_gets_a_name)
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

LOOP_TEST(task_is_cancelled_only_if_it_ended_so)
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

LOOP_TEST(cancel_requests_are_counted_up_to_65535)
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

/* A callback cannot wait, and a task cannot wait for itself. */
LOOP_TEST(handle_dropped_where_task_cannot_be_awaited_lets_it_go_on)
{
    async_callback cb = { 0 };
    async_task *self = async_current_task();
    await_task_auto t = async_create_task(value(3, 1), .name = "goes on");
    await_task_drop(&self);
    expect_contains(captured_stderr(),
                    "the handle of task "
                    "\"handle_dropped_where_task_cannot_be_awaited_lets_it_go_on_case\" is dropped "
                    "where the task cannot be awaited");
    async_call_soon(&cb, drops_what_it_is_given, t);
    expect_ok(await_sleep(0));
    expect_contains(captured_stderr(),
                    "task \"goes on\" is dropped where the task cannot be awaited: it goes on");
    expect_int(await_task(t), 3);
    return 0;
}

/* The record still belongs to the group. */
LOOP_TEST(dropped_handle_of_child_cancels_it)
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

LOOP_TEST(failure_of_dropped_task_that_another_awaits_is_not_reported)
{
    async_task *t = async_create_task(fails_when_cancelled());
    await_task_auto other = async_create_task(awaits(t));
    expect_ok(await_sleep(0));
    await_task_drop(&t);
    expect_int(await_task(other), -EIO);
    expect_text(captured_stderr(), "");
    return 0;
}

static void log_call(async_task *t, void *arg)
{
    (void)t;
    log_event("%s", (const char *)arg);
}

ASYNC_DEF(cleans_up, (const char *)word, (double)seconds)
{
    int r = await_sleep(100), s;
    expect_ok(
            async_task_add_done_callback(async_current_task(), log_call, (void *)(uintptr_t)word));
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

/* All are cancelled at once. The last callback of the last one is awaited, too. */
TEST(tasks_with_lost_handles_clean_up_when_loop_closes)
{
    expect_run_ok(loses_handles());
    expect_events("c=-ECANCELED c bc=-ECANCELED bc abc=-ECANCELED abc");
}

TEST(run_with_too_large_stack_is_refused)
{
    capture_stderr_begin();
    expect_int(async_run(value(0, 1), .stack_size = SIZE_MAX), -EINVAL);
    expect_contains(captured_stderr(),
                    ".stack_size of 18446744073709551615 bytes is more than 1 GiB");
    capture_stderr_end();
}

SUITE("core-task", name_given_to_async_call_is_copied, tasks_of_one_coroutine_have_different_names,
      tasks_with_lost_handles_clean_up_when_loop_closes, run_with_too_large_stack_is_refused,
      task_of_coroutine_without_name_gets_a_name, task_is_cancelled_only_if_it_ended_so,
      cancel_requests_are_counted_up_to_65535,
      handle_dropped_where_task_cannot_be_awaited_lets_it_go_on, dropped_handle_of_child_cancels_it,
      failure_of_dropped_task_that_another_awaits_is_not_reported,
      created_tasks_start_later_in_order, task_id_is_never_reused,
      result_of_task_is_kept_for_later_awaits, error_is_result_of_task,
      task_that_awaits_itself_is_refused_with_message, null_task_handle_is_harmless,
      task_name_is_copied_and_can_be_changed, current_task_is_the_running_one,
      no_current_task_outside_of_loop, async_call_makes_coroutine_of_plain_function,
      coroutine_arguments_are_copied, timeout_of_joining_leaves_task_running,
      twenty_thousand_sleepers_wake_in_time, reused_task_record_has_its_own_result,
      task_with_too_large_stack_is_refused_with_message, task_with_larger_stack_can_use_it)
