/* SPDX-License-Identifier: MIT */
/* access.c - check that a call may use a connection, a statement or a pool. */
#include "access.h"

#include <asyncio/error.h>
#include <asyncio/sync.h>
#include <asyncio/task.h>

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static uint64_t current_thread(void)
{
    static _Atomic uint64_t latest;
    static _Thread_local uint64_t number;
    if (number == 0)
        number = atomic_fetch_add(&latest, 1) + 1;
    return number;
}

struct sqlite_home sqlite_home_of_caller(void)
{
    return (struct sqlite_home){ .process = getpid(), .thread = current_thread() };
}

bool sqlite_is_forked(const struct sqlite_home *home)
{
    return home->process != getpid();
}

uint64_t sqlite_current_task(void)
{
    return async_task_id(async_current_task());
}

uint64_t sqlite_current_loop(void)
{
    async_event event = { 0 };
    async_event_clear(&event); /* binds the event to the current loop */
    return event.loop;
}

static int refuse_access(int code, const char *what, const char *why)
{
    if (!async_current_task())
        fprintf(stderr, "asyncio: %s %s\n", what, why);
    return async_fail(code, "%s %s", what, why);
}

int sqlite_check_home(const struct sqlite_home *home, const char *what)
{
    if (sqlite_is_forked(home))
        return refuse_access(-EPERM, what, "belongs to the process that forked this one");
    if (home->thread != current_thread())
        return refuse_access(-EPERM, what,
                             "belongs to another thread: use it on the thread that opened it");
    return 0;
}

/* The messages are those of the core's own await_ functions. */
int sqlite_check_task(const char *function)
{
    char name[64];
    if (async_current_task())
        return 0;
    snprintf(name, sizeof name, "%s()", function);
    if (sqlite_current_loop())
        return refuse_access(-EPERM, name,
                             "in a callback: a callback must not await; create a task with "
                             "async_spawn()");
    return refuse_access(-EPERM, name,
                         "outside of a task: no loop runs on this thread; call it in a coroutine "
                         "that async_run() or async_main() runs");
}

int sqlite_check_use(const struct sqlite_home *home, const char *what, const char *function)
{
    int r = home ? sqlite_check_home(home, what) : 0;
    if (r == 0)
        r = sqlite_check_task(function);
    if (r < 0)
        return r;
    return home ? 0 : refuse_access(-EPIPE, what, "is NULL: it was closed, or never opened");
}

/* A child of fork() inherits the count, and cannot lower it: it closes no connection of its
 * parent. So its process differs from the one that opened the latest connection. */
static struct {
    _Atomic int connections;
    _Atomic pid_t process;
} opened;

int sqlite_check_process(void)
{
    if (atomic_load(&opened.connections) == 0 || atomic_load(&opened.process) == getpid())
        return 0;
    return refuse_access(-EPERM, "SQLite",
                         "cannot be used in a child of fork() whose parent had a connection open: "
                         "call exec first, or fork before the first connection is opened");
}

void sqlite_count_connections(int change)
{
    if (change > 0)
        atomic_store(&opened.process, getpid());
    atomic_fetch_add(&opened.connections, change);
}

void sqlite_warn_not_dropped(const char *function, int error)
{
    if (async_current_task()) /* outside of tasks refuse_access() has printed it */
        fprintf(stderr, "asyncio: %s: %s\n", function, async_fail_text(error));
}
