/* SPDX-License-Identifier: MIT */
/* Sweeps of calls on threads. Faults are injected on the loop's side; the functions on threads do
 * their work. */
#include "scenario.h"

#include <pthread.h>

ASYNC_LOCAL(int, number, 0);

/* The function has run if, and only if, its call returned its result. */
ASYNC_THREAD(makes, (bool *)ran, (int)n)
{
    *ran = true;
    return async_local_get(number) == 7 ? n : -EPROTO;
}

ASYNC_DEF(calls, (int)n)
{
    for (int i = 0; i < 3; i++) {
        bool ran = false;
        int r = await_makes(&ran, n + i);
        scenario_expect(ran == (r >= 0));
        scenario_expect(r < 0 || r == n + i);
        ASYNC_TRY(r);
    }
    return 0;
}

SCENARIO(calls_at_once)
{
    ASYNC_TRY(async_local_set(number, 7));
    return await_gather(NULL, calls(1), calls(10), calls(100));
}

/* In real time, because the virtual clock waits for threads only for a moment, which may be too
 * short on a slow machine. */
REAL_SCENARIO(calls_in_blocks)
{
    int r, s = 0;
    ASYNC_TRY(async_local_set(number, 7));
    await_timeout (r, 1000) {
        await_group (s, g) {
            async_spawn(g, calls(1));
            ASYNC_TRY(await_calls(2));
        }
        await_shield (s)
            s = await_calls(3);
        r = s;
    }
    return r;
}

/* What a call owns is freed by exactly one side. */
static void give_back(void *owned)
{
    account.kept++;
    free(owned);
}

ASYNC_THREAD(fills, (int *)owned)
{
    *owned = 42;
    return 0;
}

ASYNC_DEF(hands_over)
{
    int *owned = malloc(sizeof *owned);
    account.made++;
    int r = await_to_thread(fills(owned), .abandon = true, .owned = owned, .release = give_back);
    scenario_expect(r < 0 || *owned == 42);
    if (r != -ECANCELED) {
        account.used++;
        free(owned);
    }
    return r;
}

SCENARIO(abandoned_calls)
{
    ASYNC_TRY(await_gather(NULL, hands_over(), hands_over()));
    return await_hands_over();
}

/* The message of an error arrives, and the pool is empty afterwards. */
ASYNC_THREAD(fails, (int)code)
{
    return async_fail(code, "the function failed");
}

SCENARIO(a_call_that_fails)
{
    struct async_pool_stats s;
    int r = await_to_thread(fails(-EPROTO));
    scenario_expect(r != -EPROTO || !strcmp(async_fail_text(r), "the function failed"));
    ASYNC_TRY(async_pool_stats(ASYNC_POOL_THREADS, &s));
    scenario_expect(s.queued == 0 && s.running == 0);
    return r == -EPROTO ? 0 : r;
}

/* --- thread pools of one's own --- */

ASYNC_DEF(calls_in, (async_thread_pool **)p, (int)n)
{
    bool ran = false;
    int r = await_thread_pool_call(*p, makes(&ran, n));
    scenario_expect(ran == (r >= 0));
    scenario_expect(r < 0 || r == n);
    return r;
}

/* One thread and room for one call in the queue, so one of the three waits for room. */
SCENARIO(calls_in_a_bounded_pool)
{
    ASYNC_TRY(async_local_set(number, 7));
    async_thread_pool *p = async_thread_pool_open(.threads = 1, .max_queued = 1, .name = "swept");
    if (!p)
        return -errno;
    int r = await_gather(NULL, calls_in(&p, 1), calls_in(&p, 2), calls_in(&p, 3));
    int closed = await_thread_pool_close(&p);
    return r < 0 ? r : closed;
}

ASYNC_DEF(hands_over_to, (async_thread_pool *)p)
{
    int *owned = malloc(sizeof *owned);
    account.made++;
    int r = await_thread_pool_call(p, fills(owned), .abandon = true, .owned = owned,
                                   .release = give_back);
    scenario_expect(r < 0 || *owned == 42);
    if (r != -ECANCELED) {
        account.used++;
        free(owned);
    }
    return r;
}

SCENARIO(abandoned_calls_in_a_pool)
{
    async_thread_pool *p = async_thread_pool_open(.threads = 1, .max_queued = 1);
    if (!p)
        return -errno;
    int r = await_gather(NULL, hands_over_to(p), hands_over_to(p), hands_over_to(p));
    int closed = await_thread_pool_close(&p);
    return r < 0 ? r : closed;
}

ASYNC_DEF(drops, (async_thread_pool **)p)
{
    async_thread_pool_drop(p);
    return 0;
}

/* The pool is dropped while calls are queued, or run: each of them ends, with its result or with
 * -EPIPE. */
SCENARIO(pool_dropped_with_calls)
{
    ASYNC_TRY(async_local_set(number, 7));
    async_thread_pool *p = async_thread_pool_open(.threads = 1, .max_queued = 1);
    int n[4];
    if (!p)
        return -errno;
    int failed = await_gather_all(n, calls_in(&p, 1), calls_in(&p, 2), calls_in(&p, 3), drops(&p));
    async_thread_pool_drop(&p);
    if (failed < 0)
        return failed;
    for (int i = 0; i < 3; i++)
        if (n[i] < 0 && n[i] != -EPIPE)
            return n[i];
    return n[3];
}

/* Tasks that are only a call, and have no stack outside of sweeps. */
SCENARIO(calls_as_tasks)
{
    bool first = false, second = false;
    ASYNC_TRY(async_local_set(number, 7));
    int r = await_gather(NULL, makes(&first, 1), makes(&second, 2));
    scenario_expect(r != 0 || (first && second));
    return r;
}

/* A thread that the library has not started wakes the task by a post. Nothing else shows that there
 * will be one. The post is not on the stack, because it may run after a task that was cancelled. */
static struct {
    async_loop *loop;
    async_post post;
    async_event arrived;
} posting;

static void arrives(void *arg)
{
    (void)arg;
    async_event_set(&posting.arrived);
}

static void *posts(void *arg)
{
    async_ignore(async_call_soon_signalsafe(posting.loop, &posting.post, arrives, NULL));
    return arg;
}

REAL_SCENARIO(wait_for_a_post)
{
    pthread_t thread;
    memset(&posting, 0, sizeof posting);
    posting.loop = async_get_running_loop();
    if (pthread_create(&thread, NULL, posts, NULL) != 0)
        return -EAGAIN;
    int r = await_event_wait(&posting.arrived);
    pthread_join(thread, NULL);
    return r;
}
