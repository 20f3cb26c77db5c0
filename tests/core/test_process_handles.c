/* SPDX-License-Identifier: MIT */
/* The handle of a process pool: which thread may use it, and its value when the pool was closed. */
#include "processes.h"

#include <pthread.h>

REAL(closed_pool_leaves_a_null_handle)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    int ms = 0;
    pid_t pid;
    expect_ok(await_process_pool_run(p, nap, &ms, &pid));
    expect_ok(await_process_pool_close(&p));
    expect_true(p == NULL);
    expect_ok(await_process_pool_close(&p));
    async_process_pool_drop(&p);
    expect_int(await_process_pool_run(p, nap, &ms, &pid), -EPIPE);
    expect_text(async_fail_text(-EPIPE), "no process pool: it was closed, or never opened");
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
    expect_int(waitpid(child, &status, 0), child);
    expect_int(status, 0);
}

REAL(pool_dropped_in_a_forked_child_still_works_in_the_parent)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    int ms = 0;
    pid_t first, second;
    expect_ok(await_process_pool_run(p, nap, &ms, &first));
    drop_in_a_child(p);
    expect_ok(await_process_pool_run(p, nap, &ms, &second));
    expect_int(first, second);
    return 0;
}

/* --- another thread --- */

ASYNC_DEF(foreign_call, (async_process_pool *)p)
{
    int in = 1, out;
    expect_int(await_process_pool_run(p, add_one, &in, &out), -EPERM);
    expect_int(await_process_pool_close(&p), -EPERM);
    return 0;
}

static void *use_elsewhere(void *pool)
{
    async_process_pool *p = pool;
    expect_ok(async_run(foreign_call(p)));
    async_process_pool_drop(&p);
    return NULL;
}

REAL(use_from_another_loop_is_refused)
{
    pthread_t thread;
    int in = 4, out = 0;
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    expect_ok(pthread_create(&thread, NULL, use_elsewhere, p));
    expect_ok(pthread_join(thread, NULL));
    const char *warnings = captured_stderr();
    expect_contains(
            warnings,
            "await_process_pool_call() of a process pool that belongs to another thread's loop");
    expect_contains(warnings, "await_process_pool_close() of a process pool");
    expect_contains(warnings, "async_process_pool_drop() of a process pool");
    expect_ok(await_process_pool_run(p, add_one, &in, &out));
    expect_int(out, 5);
    return 0;
}

SUITE("process pool handles", closed_pool_leaves_a_null_handle,
      pool_dropped_in_a_forked_child_still_works_in_the_parent, use_from_another_loop_is_refused)
