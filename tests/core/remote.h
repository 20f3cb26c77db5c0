/* SPDX-License-Identifier: MIT */
/* remote.h - helpers for the tests of coroutines that other threads submit to a loop. */
#ifndef TESTS_REMOTE_H
#define TESTS_REMOTE_H

#include "../frame/loop_test.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { THREADS = 4, CALLS = 200 };

static async_loop *home;
static async_event never;
static atomic_int begun, cancelled;

ASYNC_DEF(doubles, (int)n)
{
    if (n < 0)
        return async_fail(-EPROTO, "%d is negative", n);
    ASYNC_TRY(await_sleep(n % 3 * 0.001));
    return 2 * n;
}

ASYNC_DEF(waits_for_ever)
{
    atomic_fetch_add(&begun, 1);
    int r = await_event_wait(&never);
    atomic_fetch_add(&cancelled, r == -ECANCELED);
    return r;
}

typedef int thread_fn(void);

/* A thread that does fn(), while the loop runs on; its result. */
struct helper {
    thread_fn *fn;
    int result;
    async_event ended;
};

static void set_ended(void *helper)
{
    async_event_set(&((struct helper *)helper)->ended);
}

static void *helper_main(void *arg)
{
    struct helper *h = arg;
    h->result = h->fn();
    expect_ok(async_call_soon_threadsafe(home, set_ended, h));
    return NULL;
}

ASYNC_DEF(run_in_thread, (thread_fn *)fn)
{
    struct helper h = { .fn = fn };
    pthread_t t;
    if (!home) /* other threads read it */
        home = async_get_running_loop();
    expect_ok(pthread_create(&t, NULL, helper_main, &h));
    expect_ok(await_event_wait(&h.ended));
    expect_ok(pthread_join(t, NULL));
    return h.result;
}

#endif
