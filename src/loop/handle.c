/* SPDX-License-Identifier: MIT */
#include "loop/handle.h"

#include <asyncio/loop.h>

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "loop/loop.h"

enum { RETIRED_MIN = 4096, POSTS_PER_ITERATION = 64 };

static struct post closed_mark;
#define CLOSED (&closed_mark)

static struct {
    pthread_mutex_t mutex;
    async_loop *oldest, *latest;
    int count;
} retired = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static async_loop *handle_reuse(void)
{
    async_loop *g = NULL;
    pthread_mutex_lock(&retired.mutex);
    if (retired.count >= RETIRED_MIN) {
        g = retired.oldest;
        retired.oldest = g->next;
        retired.count--;
    }
    pthread_mutex_unlock(&retired.mutex);
    return g;
}

static void handle_retire(async_loop *g)
{
    g->next = NULL;
    pthread_mutex_lock(&retired.mutex);
    *(retired.oldest ? &retired.latest->next : &retired.oldest) = g;
    retired.latest = g;
    retired.count++;
    pthread_mutex_unlock(&retired.mutex);
}

int async__handle_open(struct loop *l)
{
    int event = async__sys.eventfd();
    if (event < 0)
        return -errno;
    async_loop *g = handle_reuse();
    if (!g) /* libc's: it outlives the loop, and so perhaps the allocator */
        g = calloc(1, sizeof *g);
    if (!g) {
        async__sys.close(event);
        return -ENOMEM;
    }
    g->event = event;
    g->taken = NULL;
    atomic_store(&g->signals, 0);
    atomic_store(&g->wake_pending, false);
    atomic_store(&g->posts, NULL);
    l->handle = g;
    return 0;
}

/* From the latest first to the order of the calls. */
static struct post *reversed(struct post *p)
{
    struct post *first = NULL;
    while (p) {
        struct post *next = p->next;
        p->next = first;
        first = p;
        p = next;
    }
    return first;
}

/* Run at most n of those that were taken in; what is left of n. */
static unsigned run_posts(async_loop *g, unsigned n)
{
    for (struct post *p; n > 0 && (p = g->taken); n--) {
        void (*fn)(void *) = p->fn;
        void *arg = p->arg;
        struct thread_context before = context_enter(p->context);
        g->taken = p->next;
        if (!p->kept)
            async__free(p);
        fn(arg);
        context_leave(before);
    }
    return n;
}

/* Nobody can post any more; who still rings is waited for, the rest of what was accepted is run. */
void async__handle_close(async_loop *g)
{
    struct post *left = atomic_exchange(&g->posts, CLOSED);
    while (atomic_load(&g->inside) > 0)
        sched_yield();
    run_posts(g, UINT_MAX);
    g->taken = reversed(left);
    run_posts(g, UINT_MAX);
    async__sys.close(g->event);
    g->event = -1;
    if (!g->kept)
        handle_retire(g);
}

bool async__handle_is_open(async_loop *g)
{
    return atomic_load(&g->posts) != CLOSED;
}

/* One write wakes the loop for however many posts: the next one comes when it has begun to read them. */
void async__handle_wake(async_loop *g)
{
    uint64_t one = 1;
    if (!atomic_exchange(&g->wake_pending, true))
        async_ignore(async__sys.write(g->event, &one, sizeof one));
}

/* The descriptor is registered edge-triggered and never read: each write is an edge, and a write that comes late,
 * after its ring was seen, costs one idle turn instead of a descriptor that stays readable. */
bool async__handle_run_posts(async_loop *g)
{
    if (atomic_load_explicit(&g->wake_pending, memory_order_relaxed))
        atomic_store(&g->wake_pending, false); /* before the posts are taken: a later one rings again */
    /* Threads may post faster than we run, and the loop has other things to do. */
    unsigned left = run_posts(g, POSTS_PER_ITERATION);
    /* Take in also what came behind older ones: its ring may have been heard already. */
    if (!g->taken && atomic_load(&g->posts)) {
        g->taken = reversed(atomic_exchange(&g->posts, NULL));
        run_posts(g, left);
    }
    return g->taken;
}

/* Its event counts for the parent, even if it is only written here. The next Ctrl-C is the second: it ends the child. */
void async__handle_forked(async_loop *g)
{
    atomic_store(&g->posts, CLOSED);
    atomic_store(&g->signals, 1);
    async__sys.close(g->event);
    g->event = -1;
}

void async__handles_lock(bool lock)
{
    if (lock)
        pthread_mutex_lock(&retired.mutex);
    else
        pthread_mutex_unlock(&retired.mutex);
}

static int post(async_loop *g, struct post *p)
{
    struct post *head = atomic_load(&g->posts);
    do {
        if (head == CLOSED)
            return -EPIPE;
        p->next = head;
    } while (!atomic_compare_exchange_weak(&g->posts, &head, p));
    async__handle_wake(g);
    return 0;
}

int async__handle_post(async_loop *g, struct post *p)
{
    handle_enter(g);
    int r = post(g, p);
    handle_leave(g);
    return r;
}

int async_call_soon_threadsafe(async_loop *g, void (*fn)(void *arg), void *arg)
{
    struct post *p = async__malloc(sizeof *p);
    if (!p)
        return -ENOMEM;
    *p = (struct post){ .fn = fn, .arg = arg, .context = async__context_of_caller() };
    int r = async__handle_post(g, p);
    if (r < 0) {
        async__context_unref(p->context);
        async__free(p);
    }
    return r;
}

async_loop *async_get_running_loop(void)
{
    struct loop *l = async__loop;
    if (!l)
        return NULL;
    l->shared = true;
    return l->handle;
}
