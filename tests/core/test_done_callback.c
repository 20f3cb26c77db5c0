/* SPDX-License-Identifier: MIT */
/* Tests of done callbacks, and of the list of all tasks. */
#include "../frame/loop_test.h"

ASYNC_DEF(value, (int)r, (double)after)
{
    int e = await_sleep(after);
    return e < 0 ? e : r;
}

static void log_result(async_task *t, void *word)
{
    expect_true(async_current_task() == NULL); /* between the steps of tasks */
    log_event("%s:%s", (const char *)word, result_text(async_task_result(t)));
}

/* They never run inside the call that ends the task. */
LOOP_TEST(done_callbacks_run_after_end_in_order_of_registration)
{
    await_task_auto t = async_create_task(value(3, 1));
    expect_ok(async_task_add_done_callback(t, log_result, "a"));
    expect_ok(async_task_add_done_callback(t, log_result, "b"));
    expect_int(await_task(t), 3);
    expect_events("a:3 b:3");
    return 0;
}

LOOP_TEST(done_callback_of_ended_task_runs_soon)
{
    await_task_auto t = async_create_task(value(3, 0));
    expect_int(await_task(t), 3);
    expect_ok(async_task_add_done_callback(t, log_result, "late"));
    expect_events("");
    expect_ok(await_sleep(0));
    expect_events("late:3");
    return 0;
}

LOOP_TEST(done_callback_of_cancelled_task_runs)
{
    await_task_auto t = async_create_task(value(3, 100));
    await_task_auto never = async_create_task(value(3, 100));
    expect_ok(async_task_add_done_callback(never, log_result, "never"));
    async_task_cancel(never);
    expect_ok(async_task_add_done_callback(t, log_result, "t"));
    expect_ok(await_sleep(1));
    async_task_cancel(t);
    expect_ok(await_sleep(0));
    expect_ok(await_sleep(0));
    expect_events("never:-ECANCELED t:-ECANCELED");
    return 0;
}

/* The task's record stays until they have run. */
LOOP_TEST(done_callbacks_run_although_handle_was_dropped)
{
    async_task *t = async_create_task(value(3, 1), .name = "a name of its own");
    expect_ok(async_task_add_done_callback(t, log_result, "a"));
    await_task_drop(&t);
    expect_ok(await_sleep(0));
    expect_events("a:-ECANCELED");
    t = async_create_task(value(4, 0));
    expect_int(await_task(t), 4);
    expect_ok(async_task_add_done_callback(t, log_result, "b"));
    expect_ok(async_task_add_done_callback(t, log_result, "c"));
    await_task_drop(&t);
    expect_events("a:-ECANCELED");
    expect_ok(await_sleep(0));
    expect_events("a:-ECANCELED b:4 c:4");
    return 0;
}

ASYNC_DEF(adds_to_itself, (const char *)word)
{
    expect_ok(async_task_add_done_callback(async_current_task(), log_result,
                                           (void *)(uintptr_t)word));
    return 0;
}

/* A child of a group and main have no handle that the test could drop. */
ASYNC_DEF(add_to_themselves)
{
    int r;
    await_group (r, g)
        async_spawn(g, adds_to_itself("child"));
    expect_ok(r);
    async_spawn(async_background(), adds_to_itself("background"));
    expect_ok(await_sleep(0));
    expect_ok(await_adds_to_itself("main"));
    return 0;
}

static void adds_another(async_task *t, void *word)
{
    log_result(t, word);
    expect_ok(async_task_add_done_callback(t, log_result, "another"));
}

TEST(done_callbacks_run_at_loop_close)
{
    expect_run_ok(add_to_themselves());
    expect_events("child:0 background:0 main:0");
}

TEST(done_callbacks_run_at_loop_close_in_debug_mode)
{
    expect_run_ok(add_to_themselves(), .debug = true, .slow_step = 1e9);
    expect_events("child:0 background:0 main:0");
}

static void adds_itself(async_task *t, void *arg)
{
    (void)arg;
    if (async_task_add_done_callback(t, adds_itself, NULL) < 0)
        log_event("over");
}

ASYNC_DEF(adds_for_ever)
{
    return async_task_add_done_callback(async_current_task(), adds_itself, NULL);
}

TEST(done_callback_that_adds_itself_does_not_keep_loop_open)
{
    expect_run_ok(adds_for_ever());
    expect_events("over");
}

LOOP_TEST(done_callback_added_by_another_runs)
{
    await_task_auto t = async_create_task(value(3, 1));
    expect_ok(async_task_add_done_callback(t, adds_another, "one"));
    expect_int(await_task(t), 3);
    expect_ok(await_sleep(0));
    expect_events("one:3 another:3");
    return 0;
}

static void removes(async_task *t, void *word)
{
    log_event("removed%zu", async_task_remove_done_callback(t, log_result, word));
}

LOOP_TEST(removed_done_callback_does_not_run)
{
    static char a[] = "a", b[] = "b";
    await_task_auto t = async_create_task(value(3, 1));
    expect_ok(async_task_add_done_callback(t, log_result, a));
    expect_ok(async_task_add_done_callback(t, log_result, b));
    expect_ok(async_task_add_done_callback(t, log_result, a));
    expect_int(async_task_remove_done_callback(t, log_result, a), 2);
    expect_ok(async_task_remove_done_callback(t, log_result, a));
    expect_int(await_task(t), 3);
    expect_events("b:3");
    return 0;
}

/* It is safe, but the callbacks are scheduled already. */
LOOP_TEST(removing_done_callback_during_delivery_is_too_late)
{
    static char a[] = "a";
    await_task_auto t = async_create_task(value(3, 1));
    expect_ok(async_task_add_done_callback(t, removes, a));
    expect_ok(async_task_add_done_callback(t, log_result, a));
    expect_int(await_task(t), 3);
    expect_events("removed0 a:3");
    return 0;
}

static void starts_another(async_task *t, void *ret)
{
    (void)t;
    async_spawn(async_background(), adds_to_itself("started"));
    *(async_task **)ret = NULL;
}

LOOP_TEST(done_callback_may_drop_and_start_tasks)
{
    async_task *t = async_create_task(value(3, 1));
    expect_ok(async_task_add_done_callback(t, starts_another, &t));
    expect_int(await_task(t), 3);
    expect_true(t == NULL);
    expect_ok(await_sleep(1));
    expect_events("started:0");
    return 0;
}

ASYNC_LOCAL(int, request, 1);

static void sees(async_task *t, void *arg)
{
    (void)t;
    log_event("%d", async_local_get(request));
    expect_ok(async_local_set(request, 99)); /* each callback has a copy of its own */
    (void)arg;
}

LOOP_TEST(done_callback_runs_in_context_of_task_that_added_it)
{
    await_task_auto t = async_create_task(value(3, 1));
    expect_ok(async_task_add_done_callback(t, sees, NULL));
    expect_ok(async_local_set(request, 2));
    expect_ok(async_task_add_done_callback(t, sees, NULL));
    expect_ok(async_local_set(request, 3));
    expect_ok(async_task_add_done_callback(t, sees, NULL));
    expect_int(await_task(t), 3);
    expect_events("1 2 3");
    expect_int(async_local_get(request), 3);
    return 0;
}

static void sets_and_sees(async_task *t, void *arg)
{
    (void)t;
    (void)arg;
    int before = async_local_get(request);
    expect_ok(async_local_set(request, before + 1));
    log_event("%d>%d", before, async_local_get(request));
}

LOOP_TEST(variable_set_by_done_callback_is_not_seen_by_next_one)
{
    await_task_auto t = async_create_task(value(3, 1));
    expect_ok(async_task_add_done_callback(t, sets_and_sees, NULL));
    expect_ok(async_task_add_done_callback(t, sets_and_sees, NULL));
    expect_int(await_task(t), 3);
    expect_ok(await_sleep(0));
    expect_events("1>2 1>2");
    expect_int(async_local_get(request), 1);
    return 0;
}

ASYNC_DEF(awaits, (async_task *)t)
{
    return await_task(t);
}

LOOP_TEST(removing_done_callback_spares_joiners_and_other_callbacks)
{
    int r;
    static char a[] = "a", b[] = "b";
    await_task_auto t = async_create_task(value(3, 1));
    await_group (r, g) {
        async_spawn(g, awaits(t));
        expect_ok(await_sleep(0));
        expect_ok(async_task_add_done_callback(t, log_result, a));
        expect_ok(async_task_add_done_callback(t, removes, a));
        expect_ok(async_task_add_done_callback(t, log_result, b));
        expect_int(async_task_remove_done_callback(t, log_result, a), 1);
        expect_int(async_task_remove_done_callback(t, removes, a), 1);
        expect_ok(async_task_remove_done_callback(NULL, log_result, b));
    }
    expect_int(await_task(t), 3);
    expect_ok(await_sleep(0));
    expect_events("b:3");
    return r;
}

LOOP_TEST(done_callback_without_task_or_function_is_refused)
{
    expect_int(async_task_add_done_callback(NULL, log_result, NULL), -EINVAL);
    expect_int(async_task_add_done_callback(async_current_task(), NULL, NULL), -EINVAL);
    expect_ok(async_task_remove_done_callback(NULL, log_result, NULL));
    return 0;
}

ASYNC_DEF(fails, (double)after)
{
    ASYNC_TRY(await_sleep(after));
    return -EIO;
}

static void nothing(async_task *t, void *arg)
{
    (void)t, (void)arg;
}

LOOP_TEST(done_callback_does_not_retrieve_error)
{
    async_task *t = async_create_task(fails(1));
    expect_ok(async_task_add_done_callback(t, nothing, NULL));
    expect_ok(await_sleep(2));
    await_task_drop(&t);
    expect_contains(captured_stderr(), "was never retrieved");
    return 0;
}

/* --- all tasks --- */

LOOP_TEST(all_tasks_lists_tasks_that_have_not_ended)
{
    int r;
    async_task *all[8] = { NULL }, *me = async_current_task();
    expect_int(async_all_tasks(NULL, 0), 1);
    expect_int(async_all_tasks(all, 8), 1);
    expect_true(all[0] == me);
    await_task_auto t = async_create_task(value(1, 1));
    await_group (r, g) {
        async_spawn(g, value(2, 2));
        async_spawn(async_background(), value(3, 3));
        expect_int(async_all_tasks(all, 8), 4); /* those that have not started too */
        size_t seen = 0;
        for (size_t i = 0; i < 4; i++)
            seen += all[i] == me ? 1 : all[i] == t ? 2 : 0;
        expect_int(seen, 3);
        all[1] = NULL;
        expect_int(async_all_tasks(all, 1), 4);
        expect_true(all[1] == NULL);
        expect_ok(await_sleep(1.5));
        expect_int(async_all_tasks(NULL, 0), 3); /* t has ended, though its handle is there */
    }
    expect_ok(r);
    expect_int(async_all_tasks(NULL, 0), 2);
    return 0;
}

TEST(all_tasks_outside_of_loop_is_empty)
{
    async_task *all[1];
    expect_ok(async_all_tasks(all, 1));
}

SUITE("core-done_callback", done_callbacks_run_after_end_in_order_of_registration,
      done_callback_of_ended_task_runs_soon, done_callback_of_cancelled_task_runs,
      done_callbacks_run_although_handle_was_dropped, done_callbacks_run_at_loop_close,
      done_callback_that_adds_itself_does_not_keep_loop_open, done_callback_added_by_another_runs,
      removed_done_callback_does_not_run, removing_done_callback_during_delivery_is_too_late,
      done_callback_may_drop_and_start_tasks, done_callback_runs_in_context_of_task_that_added_it,
      variable_set_by_done_callback_is_not_seen_by_next_one,
      removing_done_callback_spares_joiners_and_other_callbacks,
      done_callback_without_task_or_function_is_refused, done_callback_does_not_retrieve_error,
      all_tasks_lists_tasks_that_have_not_ended, all_tasks_outside_of_loop_is_empty,
      done_callbacks_run_at_loop_close_in_debug_mode)
