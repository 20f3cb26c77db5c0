/* SPDX-License-Identifier: MIT */
/* rwlock.c - a read-write lock consists of a lock, whose owner is the writer, and a count of
 * readers. All waiting tasks are in the queue of that lock, in the order in which they came. */
#include <asyncio/rwlock.h>

#include "sync/bind.h"
#include "sync/lock.h"
#include "task/scope.h"
#include "task/task.h"

/* What a task waits for. It is stored in the task's `value` while it waits. */
enum wanted { WANTS_TO_READ = 1, WANTS_TO_WRITE };

/* Has the lock been left behind by a loop that is closed? The child of a fork() uses the locks of
 * the parent's loop as if it were that loop. */
static bool is_left_behind(const async_rwlock *l)
{
    const struct loop *here = async__loop;
    if (!here && async__forked)
        return false;
    return l->lock.loop != (here ? here->serial : 0) && !async__handle_is_open(l->lock.loop);
}

/* Readers that a closed loop has left will never release the lock; a writer that it has left may
 * have stopped in the middle of a change, which async__lock_bind() reports. */
static int bind_rwlock(async_rwlock *l, struct loop *loop)
{
    if (is_left_behind(l))
        l->readers = 0;
    return async__lock_bind(&l->lock, loop);
}

static void grant_write_lock(async_rwlock *l)
{
    if (l->readers == 0)
        lock_set_owner(&l->lock, async__wake_first(&l->lock.waiters, 0));
}

/* Give the lock to the first tasks in the queue: to all readers before the first writer, or to a
 * writer. So the lock is never free while a task waits. */
static void grant_lock(async_rwlock *l)
{
    struct async_waiter *w;
    while (!l->lock.owner && (w = l->lock.waiters.head) && task_of(w)->value == WANTS_TO_READ) {
        async__wake_first(&l->lock.waiters, 0);
        l->readers++;
    }
    if (!l->lock.owner && l->lock.waiters.head)
        grant_write_lock(l);
}

static void end_read(async_rwlock *l)
{
    l->readers--;
    grant_lock(l);
}

static void end_write(async_rwlock *l)
{
    lock_clear_owner(&l->lock);
    grant_lock(l);
}

/* Wait until t is granted the lock. If t is cancelled while it is first in the queue, others behind
 * it may now be granted the lock. */
static NOINLINE int wait_for_rwlock(async_rwlock *l, async_task *t, enum wanted wanted)
{
    bool chosen;
    wait_is(t, WAITS_RWLOCK);
    t->value = (int)wanted;
    int r = async__lock_wait(&l->lock, t, &chosen);
    if (r == 0)
        return 0;
    if (!chosen)
        grant_lock(l);
    else if (wanted == WANTS_TO_READ)
        end_read(l);
    else
        end_write(l);
    return r;
}

int await_rwlock_acquire_read(async_rwlock *l)
{
    async_task *t;
    int r = await_begin(&t, "await_rwlock_acquire_read");
    if (r == 0)
        r = bind_rwlock(l, t->loop);
    if (r < 0)
        return r;
    if (l->lock.owner || l->lock.waiters.head)
        return wait_for_rwlock(l, t, WANTS_TO_READ);
    l->readers++;
    return 0;
}

int await_rwlock_acquire_write(async_rwlock *l)
{
    async_task *t;
    int r = await_begin(&t, "await_rwlock_acquire_write");
    if (r == 0)
        r = bind_rwlock(l, t->loop);
    if (r < 0)
        return r;
    if (l->lock.owner || l->readers > 0)
        return wait_for_rwlock(l, t, WANTS_TO_WRITE);
    lock_set_owner(&l->lock, t);
    return 0;
}

/* A lock that was left behind is not bound here: the next task that acquires it must find what it
 * was left with. */
int async_rwlock_release_read(async_rwlock *l)
{
    bool held = l->readers > 0 && !is_left_behind(l);
    int r = held ? bind_here(&l->lock.loop, "a read-write lock") : 0;
    if (r < 0)
        return r;
    if (!held) {
        async__warn(
                "async_rwlock_release_read() of a lock that no task holds for reading: release it "
                "once for each await_rwlock_acquire_read()");
        return -EPERM;
    }
    end_read(l);
    return 0;
}

int async_rwlock_release_write(async_rwlock *l)
{
    const async_task *t = async_current_task();
    if (!t || l->lock.owner != t) {
        if (t)
            async__warn("task \"%s\" calls async_rwlock_release_write() and does not hold the lock "
                        "for writing: the task that has acquired it must release it",
                        async__task_label(t).text);
        else
            async__warn(
                    "code outside of a task calls async_rwlock_release_write(): the task that has "
                    "acquired the lock must release it");
        return -EPERM;
    }
    end_write(l);
    return 0;
}

/* --- as context managers --- */

ASYNC__MAKE(read_enter, "acquire_read", await_rwlock_acquire_read, (async_rwlock *)l)
ASYNC__MAKE(read_leave, "release_read", async_rwlock_release_read, (async_rwlock *)l)
ASYNC__MAKE(write_enter, "acquire_write", await_rwlock_acquire_write, (async_rwlock *)l)
ASYNC__MAKE(write_leave, "release_write", async_rwlock_release_write, (async_rwlock *)l)

async_context_manager async_rwlock_reader(async_rwlock *l)
{
    return (async_context_manager){ read_enter(l), read_leave(l) };
}

async_context_manager async_rwlock_writer(async_rwlock *l)
{
    return (async_context_manager){ write_enter(l), write_leave(l) };
}
