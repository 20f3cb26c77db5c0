/* SPDX-License-Identifier: MIT */
/* Two threads with a loop each, and one with none: what belongs to another's loop is refused with a word, and nothing
 * of it is touched. */
#include "run.h"

#include <errno.h>
#include <pthread.h>

/* What the first loop has. */
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

static void is_not_called(void *arg)
{
    (void)arg;
    note("called");
}

static void is_not_told(async_task *t, void *arg)
{
    (void)t;
    (void)arg;
    note("told");
}

static void joins(void *(*fn)(void *arg))
{
    pthread_t t;
    ok(pthread_create(&t, NULL, fn, NULL));
    ok(pthread_join(t, NULL));
}

/* Neither awaits nor waits for it, though the first of the tasks is its own. */
ASYNC_DEF(intrudes)
{
    await_task_auto own = async_create_task(sleeps());
    async_task *both[] = { own, theirs.child };
    is(await_task(theirs.child), -EPERM);
    is(await_wait(both, 2, ASYNC_ALL_COMPLETED, ASYNC_FOREVER), -EPERM);
    is_false(async_task_cancel(theirs.child));
    is(async_task_add_done_callback(theirs.child, is_not_told, NULL), -EPERM);
    is(async_task_remove_done_callback(theirs.child, is_not_told, NULL), 0);
    is(async_spawn(theirs.group, nothing()), -EPERM);
    is(async_spawn(theirs.background, nothing()), -EPERM);
    is_true(async_group_create_task(theirs.group, nothing()) == NULL);
    async_group_cancel(theirs.group);
    async_group_cancel(theirs.background);
    await_task_drop(&theirs.lost);
    is_true(theirs.lost == NULL);
    async_task *all[8];
    is(async_all_tasks(all, countof(all)), 2); /* this one, and its own */
    is(await_task(own), 0);
    return 0;
}

static void uses_event(void *arg)
{
    (void)arg;
    async_event_set(&theirs.event);
}

/* A callback is no task, and is told so in other words. */
ASYNC_DEF(calls_back)
{
    async_callback cb = { 0 };
    async_call_soon(&cb, uses_event, NULL);
    return await_sleep(0);
}

static void *with_a_loop(void *arg)
{
    ok(async_run(intrudes(), .virtual_clock = true));
    ok(async_run(calls_back(), .virtual_clock = true));
    return arg;
}

static void *without_a_loop(void *arg)
{
    is_false(async_callback_cancel(&theirs.armed));
    async_group_cancel(theirs.background);
    is(async_all_tasks(NULL, 0), 0);
    return arg;
}

ASYNC_DEF(waits_for_theirs)
{
    return await_event_wait(&theirs.event);
}

CASE(what_another_loop_has)
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
        ok(await_sleep(0));
        joins(with_a_loop);
        const char *said = heard();
        has_text(said, "task \"intrudes\" awaits a task of another thread's loop");
        has_text(said, "task \"intrudes\" waits for a task of another thread's loop");
        has_text(said, "async_task_cancel() of task \"sleeps-2\" from a thread that does not run its loop");
        has_text(said, "async_task_add_done_callback() to a task of another thread's loop");
        has_text(said, "async_spawn() into a group of another thread's loop");
        has_text(said, "async_group_cancel() of a group of another thread's loop");
        has_text(said, "task \"?\" is dropped where the task cannot be awaited: it goes on");
        has_text(said, "a thread uses an event that belongs to another thread's loop");
        joins(without_a_loop);
        has_text(heard(), "async_group_cancel() of a group of another thread's loop");
    }
    ok(r);
    is_time(1);
    is(await_task(lost), 0);
    await_task_drop(&lost);
    is_trail("");
    return 0;
}

/* --- no loop at all --- */

START_TEST(calls_that_need_a_loop)
{
    async_callback cb = { 0 };
    ears_open();
    async_call_later(&cb, 1, is_not_called, NULL);
    async_call_at(&cb, 1, is_not_called, NULL);
    has_text(heard(), "on a thread without a loop: the function will not be called");
    is_false(async_callback_cancel(&cb));
    is(async_spawn(NULL, nothing()), -EPERM);
    has_text(heard(), "async_spawn() outside of a task");
    is(async_uncancel(), -EPERM);
    has_text(heard(), "async_uncancel() outside of a task");
    is(async_cancelling(), -EPERM);
    has_text(heard(), "async_cancelling() outside of a task");
    is(async_with_outcome(), -EPERM);
    has_text(heard(), "async_with_outcome() outside of a task");
    async_lock lock = { 0 };
    async_condition condition = ASYNC_CONDITION(&lock);
    is(async_condition_notify(&condition, 1), -EPERM);
    has_text(heard(), "calls async_condition_notify() without holding the condition's lock");
    is(async_cancel_cause().kind, 0);
    is_text(async_cancel_cause().who, "");
    is_true(async_background() == NULL);
    is(async_fail(-EIO, "nobody keeps it"), -EIO);
    is_text(heard(), "");
    ears_close();
}
END_TEST

static void asks(void *arg)
{
    (void)arg;
    is(async_uncancel(), -EPERM);
    is(async_cancelling(), -EPERM);
    is(async_with_outcome(), -EPERM);
    is(async_cancel_cause().kind, 0);
    note("asked");
}

CASE(calls_that_need_a_task)
{
    async_callback cb = { 0 };
    async_call_soon(&cb, asks, NULL);
    ok(await_sleep(0));
    is_trail("asked");
    has_text(heard(), "async_with_outcome() in a callback");
    return 0;
}

SUITE("foreign", what_another_loop_has, calls_that_need_a_loop, calls_that_need_a_task)
