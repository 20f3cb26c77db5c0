/* SPDX-License-Identifier: MIT */
/* Tests of an argument that a task owns: .drop is called exactly once, whatever becomes of the
 * task. */
#include "remote.h"

static int dropped;
static int marker;

static void drop(void *owned)
{
    expect_true(owned == &marker);
    expect_true(async_current_task() == NULL);
    log_event("dropped");
    dropped++;
}

#define OWNED .owned = &marker, .drop = drop

ASYNC_DEF(runs, (double)seconds)
{
    int r = await_sleep(seconds);
    log_event("ended");
    return r;
}

LOOP_TEST(task_that_ends_drops_owned_argument_after_body)
{
    await_task_auto t = async_create_task(runs(1), OWNED);
    expect_ok(await_sleep(0.5));
    expect_ok(dropped);
    expect_ok(await_task(t));
    expect_events("ended dropped");
    return 0;
}

ASYNC_DEF(fails)
{
    return -EIO;
}

LOOP_TEST(task_that_fails_drops_owned_argument)
{
    await_task_auto t = async_create_task(fails(), OWNED);
    expect_int(await_task(t), -EIO);
    expect_int(dropped, 1);
    return 0;
}

LOOP_TEST(task_cancelled_before_first_step_drops_owned_argument)
{
    await_task_auto t = async_create_task(runs(0), OWNED);
    expect_true(async_task_cancel(t));
    expect_int(await_task(t), -ECANCELED);
    expect_events("dropped");
    return 0;
}

LOOP_TEST(handle_dropped_before_first_step_drops_owned_argument)
{
    {
        await_task_auto t ASYNC_UNUSED = async_create_task(runs(0), OWNED);
    }
    expect_events("dropped");
    return 0;
}

LOOP_TEST(children_that_never_start_drop_owned_arguments)
{
    int r;
    await_group (r, g) {
        async_spawn(g, fails());
        for (int i = 0; i < 3; i++)
            async_spawn(g, runs(1), OWNED);
    }
    expect_int(r, -EIO);
    expect_int(dropped, 3);
    return 0;
}

LOOP_TEST(child_refused_by_cancelled_group_drops_owned_argument_at_once)
{
    int r;
    await_group (r, g) {
        async_group_cancel(g);
        expect_int(async_spawn(g, runs(0), OWNED), -ECANCELED);
        expect_int(dropped, 1);
        async_task *t = async_group_create_task(g, runs(0), OWNED);
        expect_int(dropped, 2);
        expect_int(async_task_result(t), -ECANCELED);
    }
    return r;
}

LOOP_TEST(task_with_too_large_stack_drops_owned_argument)
{
    expect_true(async_create_task(runs(0), OWNED, .stack_size = (size_t)2 << 30) == NULL);
    expect_int(dropped, 1);
    expect_contains(captured_stderr(), ".stack_size of 2147483648 bytes is more than 1 GiB");
    return 0;
}

LOOP_TEST(detached_task_drops_owned_argument)
{
    async_spawn(async_background(), runs(1), OWNED, .name = "with a name");
    expect_ok(await_sleep(2));
    expect_events("ended dropped");
    return 0;
}

LOOP_TEST(renamed_task_drops_owned_argument)
{
    await_task_auto t = async_create_task(runs(1), OWNED);
    async_task_set_name(t, "another name");
    expect_ok(await_task(t));
    expect_int(dropped, 1);
    return 0;
}

ASYNC_DEF(leaves_a_task_that_drops)
{
    async_spawn(async_background(), runs(10), OWNED);
    return await_sleep(0);
}

TEST(task_cancelled_by_shutdown_drops_owned_argument)
{
    expect_run_ok(leaves_a_task_that_drops());
    expect_events("ended dropped");
}

/* --- out of memory: each allocation that creating the task makes fails in turn --- */

static int fail_at;

static bool fails_now(void)
{
    return fail_at > 0 && --fail_at == 0;
}

static void *test_malloc(void *ctx ASYNC_UNUSED, size_t size)
{
    return fails_now() ? NULL : malloc(size);
}

static void *test_realloc(void *ctx ASYNC_UNUSED, void *p, size_t size)
{
    return fails_now() ? NULL : realloc(p, size);
}

static void test_free(void *ctx ASYNC_UNUSED, void *p)
{
    free(p);
}

ASYNC_DEF(creates_without_memory)
{
    for (int k = 1; k < 4; k++) {
        dropped = 0;
        fail_at = k;
        await_task_auto t = async_create_task(runs(0), OWNED, .name = "a name that must be copied");
        fail_at = 0;
        expect_int(dropped, t ? 0 : 1);
        expect_int(await_task(t), t ? 0 : -ENOMEM);
        expect_int(dropped, 1);
    }
    return 0;
}

TEST(task_without_memory_drops_owned_argument_at_once)
{
    const async_allocator allocator = { test_malloc, test_realloc, test_free, NULL };
    expect_ok(async_set_allocator(&allocator));
    expect_run_ok(creates_without_memory());
}

TEST(task_refused_outside_of_loop_drops_owned_argument)
{
    capture_stderr_begin();
    expect_true(async_create_task(runs(0), OWNED) == NULL);
    expect_int(async_spawn(NULL, runs(0), OWNED), -EPERM);
    expect_contains(captured_stderr(), "async_create_task");
    capture_stderr_end();
    expect_int(dropped, 2);
}

/* --- tasks that another thread creates --- */

static int creates_from_a_thread(void)
{
    async_remote_auto r = async_create_task_threadsafe(home, doubles(2), OWNED);
    expect_int(async_remote_wait(r, ASYNC_FOREVER), 4);
    return 0;
}

LOOP_TEST(task_created_by_another_thread_drops_owned_argument_on_loops_thread)
{
    expect_ok(await_run_in_thread(creates_from_a_thread));
    expect_int(dropped, 1);
    return 0;
}

static async_loop *closed;

ASYNC_DEF(remembers_its_loop)
{
    closed = async_get_running_loop();
    return 0;
}

TEST(task_refused_by_closed_loop_drops_owned_argument)
{
    expect_ok(async_run(remembers_its_loop()));
    async_remote_auto r = async_create_task_threadsafe(closed, doubles(2), OWNED);
    expect_int(dropped, 1);
    expect_int(async_remote_wait(r, 0), -EPIPE);
}

SUITE("core-owned_argument", task_that_ends_drops_owned_argument_after_body,
      task_that_fails_drops_owned_argument, task_cancelled_before_first_step_drops_owned_argument,
      handle_dropped_before_first_step_drops_owned_argument,
      children_that_never_start_drop_owned_arguments,
      child_refused_by_cancelled_group_drops_owned_argument_at_once,
      task_with_too_large_stack_drops_owned_argument, detached_task_drops_owned_argument,
      renamed_task_drops_owned_argument, task_cancelled_by_shutdown_drops_owned_argument,
      task_without_memory_drops_owned_argument_at_once,
      task_refused_outside_of_loop_drops_owned_argument,
      task_created_by_another_thread_drops_owned_argument_on_loops_thread,
      task_refused_by_closed_loop_drops_owned_argument)
