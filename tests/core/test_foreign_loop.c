/* SPDX-License-Identifier: MIT */
/* Tests of objects of another thread's loop: their use is refused with a message and changes
 * nothing. One of the threads has no loop at all. */
#include "../frame/loop_test.h"

#include <errno.h>
#include <pthread.h>

/* Objects of the first loop. */
static struct {
    async_task *child, *lost;
    async_group *group, *background;
    async_callback armed;
    async_event event;
} theirs;

ASYNC_DEF(nothing)
{
    return 0;
}

ASYNC_DEF(sleeps)
{
    return await_sleep(1);
}

static void log_call(void *arg)
{
    (void)arg;
    log_event("called");
}

static void log_done(async_task *t, void *arg)
{
    (void)t;
    (void)arg;
    log_event("told");
}

static void log_result(async_future *f, void *arg)
{
    (void)arg;
    log_event("%s", result_text(async_future_result(f)));
}

static void joins(void *(*fn)(void *arg))
{
    pthread_t t;
    expect_ok(pthread_create(&t, NULL, fn, NULL));
    expect_ok(pthread_join(t, NULL));
}

/* Awaiting a task of another loop is refused, although the first task in the array belongs to this
 * loop. */
ASYNC_DEF(use_objects_of_other_loop)
{
    await_task_auto own = async_create_task(sleeps());
    async_task *both[] = { own, theirs.child };
    expect_int(await_task(theirs.child), -EPERM);
    expect_int(await_wait(both, 2, ASYNC_ALL_COMPLETED, ASYNC_FOREVER), -EPERM);
    expect_false(async_task_cancel(theirs.child));
    expect_false(async_callback_cancel(&theirs.armed));
    expect_int(async_task_add_done_callback(theirs.child, log_done, NULL), -EPERM);
    expect_ok(async_task_remove_done_callback(theirs.child, log_done, NULL));
    expect_int(async_spawn(theirs.group, nothing()), -EPERM);
    expect_int(async_spawn(theirs.background, nothing()), -EPERM);
    expect_true(async_group_create_task(theirs.group, nothing()) == NULL);
    async_group_cancel(theirs.group);
    async_group_cancel(theirs.background);
    await_task_drop(&theirs.lost);
    expect_true(theirs.lost == NULL);
    async_task *all[8];
    expect_int(async_all_tasks(all, countof(all)), 2); /* this task and its child */
    expect_ok(await_task(own));
    return 0;
}

static void uses_event(void *arg)
{
    (void)arg;
    async_event_set(&theirs.event);
}

/* A callback is not a task. The message says so. */
ASYNC_DEF(calls_back)
{
    async_callback cb = { 0 };
    async_call_soon(&cb, uses_event, NULL);
    return await_sleep(0);
}

static void *with_a_loop(void *arg)
{
    expect_ok(async_run(use_objects_of_other_loop(), .virtual_clock = true));
    expect_ok(async_run(calls_back(), .virtual_clock = true));
    return arg;
}

static void *without_a_loop(void *arg)
{
    expect_false(async_callback_cancel(&theirs.armed));
    async_group_cancel(theirs.background);
    expect_ok(async_all_tasks(NULL, 0));
    return arg;
}

ASYNC_DEF(waits_for_theirs)
{
    return await_event_wait(&theirs.event);
}

LOOP_TEST(objects_of_another_loop_are_refused_with_message)
{
    int r;
    async_task *lost = NULL;
    theirs.background = async_background();
    await_group (r, g) {
        theirs.group = g;
        theirs.child = async_group_create_task(g, sleeps());
        async_spawn(g, waits_for_theirs());
        theirs.lost = lost = async_create_task(sleeps(), .name = "lost");
        async_call_later(&theirs.armed, 0.5, uses_event, NULL);
        expect_ok(await_sleep(0));
        joins(with_a_loop);
        const char *output = captured_stderr();
        expect_contains(
                output,
                "task \"use_objects_of_other_loop\" awaits a task of another thread's loop");
        expect_contains(
                output,
                "task \"use_objects_of_other_loop\" waits for a task of another thread's loop");
        expect_contains(output,
                        "async_task_cancel() of task \"sleeps-2\" from a thread that does not run "
                        "its loop");
        expect_contains(output,
                        "async_task_add_done_callback() to a task of another thread's loop");
        expect_contains(output, "async_callback_cancel() on a thread whose loop did not schedule");
        expect_contains(output, "async_spawn() into a group of another thread's loop");
        expect_contains(output, "async_group_cancel() of a group of another thread's loop");
        expect_contains(output,
                        "task \"?\" is dropped where the task cannot be awaited: it goes on");
        expect_contains(output, "a thread uses an event that belongs to another thread's loop");
        joins(without_a_loop);
        expect_contains(captured_stderr(),
                        "async_group_cancel() of a group of another thread's loop");
    }
    expect_ok(r);
    expect_time(1);
    expect_ok(await_task(lost));
    await_task_drop(&lost);
    expect_events("");
    return 0;
}

/* --- locks, limiters, futures --- */

static struct {
    async_rwlock lock;
    async_limiter limiter;
    async_token token;
    async_future future;
    async_future_callback on_done;
} shared = { .limiter = ASYNC_LIMITER(1) };

ASYNC_DEF(use_shared_objects_of_other_loop)
{
    async_token token = { 0 };
    async_future_callback on_done = { 0 };
    expect_int(await_rwlock_acquire_read(&shared.lock), -EPERM);
    expect_contains(captured_stderr(), "uses a lock that belongs to another thread's loop");
    expect_int(async_rwlock_release_read(&shared.lock), -EPERM);
    expect_contains(captured_stderr(),
                    "uses a read-write lock that belongs to another thread's loop");
    expect_int(await_limiter_acquire(&shared.limiter, &token), -EPERM);
    expect_int(async_limiter_release(&shared.limiter, &shared.token), -EPERM);
    expect_int(async_limiter_resize(&shared.limiter, 5), -EPERM);
    expect_contains(captured_stderr(), "uses a limiter that belongs to another thread's loop");
    expect_int(async_future_add_done_callback(&shared.future, &on_done, log_result, NULL), -EPERM);
    expect_contains(captured_stderr(), "uses a future that belongs to another thread's loop");
    return 0;
}

ASYNC_DEF(remove_callback_of_other_loop)
{
    expect_false(async_future_remove_done_callback(&shared.future, &shared.on_done));
    expect_contains(captured_stderr(), "async_callback_cancel() on a thread whose loop did not");
    return 0;
}

static void *uses_shared_objects(void *arg)
{
    expect_ok(async_run(use_shared_objects_of_other_loop(), .virtual_clock = true));
    return arg;
}

static void *removes_callback(void *arg)
{
    expect_ok(async_run(remove_callback_of_other_loop(), .virtual_clock = true));
    return arg;
}

LOOP_TEST(lock_limiter_and_future_of_another_loop_are_refused_unchanged)
{
    expect_ok(await_rwlock_acquire_read(&shared.lock));
    expect_ok(await_limiter_acquire(&shared.limiter, &shared.token));
    expect_ok(async_future_add_done_callback(&shared.future, &shared.on_done, log_result, NULL));
    joins(uses_shared_objects);
    expect_int(shared.lock.readers, 1);
    expect_int(async_limiter_borrowed(&shared.limiter), 1);
    expect_int(async_limiter_total(&shared.limiter), 1);
    expect_ok(async_future_set_result(&shared.future, 7));
    joins(removes_callback); /* which is scheduled by now */
    expect_ok(await_sleep(0));
    expect_events("7");
    expect_ok(async_limiter_release(&shared.limiter, &shared.token));
    return async_rwlock_release_read(&shared.lock);
}

/* --- no loop at all --- */

TEST(calls_that_need_loop_are_refused_without_one)
{
    async_callback cb = { 0 };
    capture_stderr_begin();
    async_call_later(&cb, 1, log_call, NULL);
    async_call_at(&cb, 1, log_call, NULL);
    expect_contains(captured_stderr(),
                    "on a thread without a loop: the function will not be called");
    expect_false(async_callback_cancel(&cb));
    expect_int(async_spawn(NULL, nothing()), -EPERM);
    expect_contains(captured_stderr(), "async_spawn() outside of a task");
    expect_int(async_uncancel(), -EPERM);
    expect_contains(captured_stderr(), "async_uncancel() outside of a task");
    expect_int(async_cancelling(), -EPERM);
    expect_contains(captured_stderr(), "async_cancelling() outside of a task");
    expect_int(async_with_outcome(), -EPERM);
    expect_contains(captured_stderr(), "async_with_outcome() outside of a task");
    async_lock lock = { 0 };
    async_condition condition = ASYNC_CONDITION(&lock);
    expect_int(async_condition_notify(&condition, 1), -EPERM);
    expect_contains(captured_stderr(),
                    "calls async_condition_notify() without holding the condition's lock");
    async_rwlock rwlock = { 0 };
    expect_int(async_rwlock_release_write(&rwlock), -EPERM);
    expect_contains(captured_stderr(), "calls async_rwlock_release_write()");
    expect_int(async_started(1), -EPERM);
    expect_contains(captured_stderr(), "async_started() outside of a task");
    async_future future = { 0 };
    async_future_callback on_done = { 0 };
    expect_int(async_future_add_done_callback(&future, &on_done, log_result, NULL), -EPERM);
    expect_contains(captured_stderr(), "async_future_add_done_callback() outside of a task");
    async_co co = nothing();
    expect_null(async_create_task_opt(&co, NULL));
    expect_contains(captured_stderr(), "async_create_task() outside of a task");
    expect_ok(async_cancel_cause().kind);
    expect_text(async_cancel_cause().who, "");
    expect_true(async_background() == NULL);
    expect_int(async_fail(-EIO, "nobody keeps it"), -EIO);
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

static void call_without_task(void *arg)
{
    (void)arg;
    expect_int(async_uncancel(), -EPERM);
    expect_int(async_cancelling(), -EPERM);
    expect_int(async_with_outcome(), -EPERM);
    expect_ok(async_cancel_cause().kind);
    log_event("asked");
}

LOOP_TEST(calls_that_need_task_are_refused_in_callback)
{
    async_callback cb = { 0 };
    async_call_soon(&cb, call_without_task, NULL);
    expect_ok(await_sleep(0));
    expect_events("asked");
    expect_contains(captured_stderr(), "async_with_outcome() in a callback");
    return 0;
}

SUITE("core-foreign_loop", objects_of_another_loop_are_refused_with_message,
      calls_that_need_loop_are_refused_without_one, calls_that_need_task_are_refused_in_callback,
      lock_limiter_and_future_of_another_loop_are_refused_unchanged)
