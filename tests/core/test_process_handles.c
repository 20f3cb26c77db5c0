/* SPDX-License-Identifier: MIT */
/* The handle of a pool of processes: who may use it, and what it is when the pool has gone. */
#include "processes.h"

#include <pthread.h>

REAL(a_handle_is_null_when_its_pool_was_closed)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    int ms = 0;
    pid_t pid;
    ok(await_process_pool_run(p, nap, &ms, &pid));
    ok(await_process_pool_close(&p));
    is_true(p == NULL);
    ok(await_process_pool_close(&p));
    async_process_pool_drop(&p);
    is(await_process_pool_run(p, nap, &ms, &pid), -EPIPE);
    is_text(async_fail_text(-EPIPE), "no process pool: it was closed, or never opened");
    return 0;
}

static void drop_in_a_child(async_process_pool *p)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        async_process_pool_drop(&p);
        _exit(0);
    }
    is(waitpid(child, &status, 0), child);
    is(status, 0);
}

REAL(a_pool_that_is_dropped_in_a_child_goes_on_in_its_parent)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    int ms = 0;
    pid_t first, second;
    ok(await_process_pool_run(p, nap, &ms, &first));
    drop_in_a_child(p);
    ok(await_process_pool_run(p, nap, &ms, &second));
    is(first, second);
    return 0;
}

/* --- another thread --- */

ASYNC_DEF(foreign_call, (async_process_pool *)p)
{
    int in = 1, out;
    is(await_process_pool_run(p, add_one, &in, &out), -EPERM);
    is(await_process_pool_close(&p), -EPERM);
    return 0;
}

static void *use_elsewhere(void *pool)
{
    async_process_pool *p = pool;
    ok(async_run(foreign_call(p)));
    async_process_pool_drop(&p);
    return NULL;
}

REAL(a_pool_is_for_its_own_loop)
{
    pthread_t thread;
    int in = 4, out = 0;
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    ok(pthread_create(&thread, NULL, use_elsewhere, p));
    ok(pthread_join(thread, NULL));
    const char *said = heard();
    has_text(said, "await_process_pool_call: the process pool belongs to another thread's loop");
    has_text(said, "await_process_pool_close: the process pool");
    has_text(said, "async_process_pool_drop: the process pool");
    ok(await_process_pool_run(p, add_one, &in, &out));
    is(out, 5);
    return 0;
}

SUITE("handles of process pools", a_handle_is_null_when_its_pool_was_closed,
      a_pool_that_is_dropped_in_a_child_goes_on_in_its_parent, a_pool_is_for_its_own_loop)
