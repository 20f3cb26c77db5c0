/* SPDX-License-Identifier: MIT */
/* handle.c - posts: calls that other threads send to the loop. */
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

static async_post closed_mark;
#define CLOSED (&closed_mark)

/* --- the handles of this process --- */

static struct {
    pthread_mutex_t mutex;
    uint64_t last_serial;
    async_loop *open;            /* in no particular order */
    async_loop *oldest, *latest; /* retired ones, in the order in which their loops were closed */
    int count;                   /* retired ones */
} handles = { .mutex = PTHREAD_MUTEX_INITIALIZER };

void async__handles_lock(bool lock)
{
    if (lock)
        pthread_mutex_lock(&handles.mutex);
    else
        pthread_mutex_unlock(&handles.mutex);
}

/* The handle that was retired first, if there are enough others; NULL otherwise. The mutex is
 * held. */
static async_loop *reuse_retired(void)
{
    if (handles.count < RETIRED_MIN)
        return NULL;
    async_loop *h = handles.oldest;
    handles.oldest = h->next;
    handles.count--;
    return h;
}

static void retire(async_loop *h)
{
    h->next = NULL;
    *(handles.oldest ? &handles.latest->next : &handles.oldest) = h;
    handles.latest = h;
    handles.count++;
}

/* h is in the list of open handles, because the loops that fork() has closed in a child are never
 * closed again. */
static void unlink_open(const async_loop *h)
{
    async_loop **at = &handles.open;
    while (*at != h)
        at = &(*at)->next;
    *at = h->next;
}

static async_loop *allocate(void)
{
    async__handles_lock(true);
    async_loop *h = reuse_retired();
    uint64_t serial = ++handles.last_serial;
    async__handles_lock(false);
    if (!h) /* from libc: the handle outlives the loop, and so perhaps the allocator */
        h = calloc(1, sizeof *h);
    if (h)
        h->serial = serial;
    return h;
}

int async__handle_open(async_loop **ret)
{
    int event = async__sys.eventfd();
    if (event < 0)
        return -errno;
    async_loop *h = allocate();
    if (!h) {
        async__sys.close(event);
        return -ENOMEM;
    }
    h->event = event;
    h->taken = NULL;
    atomic_store(&h->interrupts, 0);
    atomic_store(&h->wake_pending, false);
    atomic_store(&h->awake, false);
    atomic_store(&h->posts, NULL);
    async__handles_lock(true);
    h->next = handles.open;
    handles.open = h;
    async__handles_lock(false);
    *ret = h;
    return 0;
}

bool async__handle_is_open(uint64_t serial)
{
    async__handles_lock(true);
    const async_loop *h = handles.open;
    while (h && h->serial != serial)
        h = h->next;
    async__handles_lock(false);
    return h;
}

/* --- posts --- */

/* Reverse a list: from the latest first to the order of the calls. */
static async_post *reversed(async_post *p)
{
    async_post *first = NULL;
    while (p) {
        async_post *next = p->next;
        p->next = first;
        first = p;
        p = next;
    }
    return first;
}

/* Run at most n of the posts that were taken. Returns what is left of n. */
static unsigned run_taken(async_loop *h, unsigned n)
{
    for (async_post *p; n > 0 && (p = h->taken); n--) {
        void (*fn)(void *) = p->fn;
        void *arg = p->arg;
        struct thread_context before = context_enter(p->context);
        h->taken = p->next;
        if (p->borrowed) /* from now on it may be posted again */
            __atomic_store_n(&p->pending, 0, __ATOMIC_RELEASE);
        else
            async__free(p);
        fn(arg);
        context_leave(before);
    }
    return n;
}

/* The posts become one list before the first of them runs, because one may call fork(): in the
 * child this list is empty, and no other post runs there. */
void async__handle_stop(async_loop *h)
{
    async_post *left = atomic_exchange(&h->posts, CLOSED), **end = &h->taken;
    while (atomic_load(&h->inside) > 0)
        sched_yield();
    while (*end)
        end = &(*end)->next;
    if (left != CLOSED)
        *end = reversed(left);
    run_taken(h, UINT_MAX);
}

void async__handle_close(async_loop *h)
{
    async__handle_stop(h);
    async__sys.close(h->event);
    h->event = -1;
    async__handles_lock(true);
    unlink_open(h);
    retire(h);
    async__handles_lock(false);
}

static void write_event(const async_loop *h)
{
    uint64_t one = 1;
    async_ignore(async__sys.write(h->event, &one, sizeof one));
}

/* One write wakes the loop for any number of posts: the next write comes after it has begun to take
 * them. A loop that is awake needs none. Both threads first store what the other one loads: here
 * wake_pending before awake, in handle_fall_asleep() awake before wake_pending. So at least one of
 * them sees the other's store, and no wake-up is lost. */
void async__handle_wake(async_loop *h)
{
    if (!atomic_exchange(&h->wake_pending, true) && !atomic_load(&h->awake))
        write_event(h);
}

void async__handle_embed(async_loop *h)
{
    if (handle_fall_asleep(h))
        write_event(h);
}

/* The descriptor is registered edge-triggered and is never read. Each write is an edge, and a write
 * that arrives after its posts were taken costs one idle iteration, not a descriptor that stays
 * readable. */
bool async__handle_run_posts(async_loop *h)
{
    /* Clear it before the posts are taken, so that a later one wakes the loop again. */
    if (atomic_load_explicit(&h->wake_pending, memory_order_relaxed))
        atomic_store(&h->wake_pending, false);
    /* Threads may post faster than the loop runs, and it has other things to do. */
    unsigned left = run_taken(h, POSTS_PER_ITERATION);
    /* Take also what came after older posts, because its wake-up may have been seen already. */
    async_post *first = atomic_load(&h->posts);
    if (!h->taken && first && first != CLOSED) {
        h->taken = reversed(atomic_exchange(&h->posts, NULL));
        run_taken(h, left);
    }
    return h->taken;
}

static int push(async_loop *h, async_post *p)
{
    async_post *head = atomic_load(&h->posts);
    do {
        if (head == CLOSED)
            return -EPIPE;
        p->next = head;
    } while (!atomic_compare_exchange_weak(&h->posts, &head, p));
    async__handle_wake(h);
    return 0;
}

int async__handle_post(async_loop *h, async_post *p)
{
    handle_enter(h);
    int r = push(h, p);
    handle_leave(h);
    return r;
}

/* Only the thread that called fork() exists in the child. A thread of the parent may have been
 * inside a handle at that moment, and will never leave the copy. The event of h counts for the
 * parent, even if only the child writes to it. The next Ctrl-C in the child counts as the second:
 * it ends the child. */
void async__handles_forked(void)
{
    for (async_loop *h = handles.oldest; h; h = h->next)
        atomic_store(&h->inside, 0);
    for (async_loop *h = handles.open, *next; h; h = next) {
        next = h->next;
        atomic_store(&h->inside, 0);
        h->of_parent[0] = h->taken;
        h->of_parent[1] = atomic_exchange(&h->posts, CLOSED);
        h->taken = NULL;
        atomic_store(&h->interrupts, 1); /* so that the next Ctrl-C ends the child */
        async__sys.close(h->event);
        h->event = -1;
        retire(h);
    }
    handles.open = NULL;
}

int async_call_soon_threadsafe(async_loop *h, void (*fn)(void *arg), void *arg)
{
    async_post *p = async__malloc(sizeof *p);
    if (!p)
        return -ENOMEM;
    *p = (async_post){ .fn = fn, .arg = arg, .context = async__context_of_caller() };
    int r = async__handle_post(h, p);
    if (r < 0) {
        async__context_unref(p->context);
        async__free(p);
    }
    return r;
}

int async_call_soon_signalsafe(async_loop *h, async_post *p, void (*fn)(void *arg), void *arg)
{
    int saved = errno;
    if (__atomic_exchange_n(&p->pending, 1, __ATOMIC_ACQ_REL))
        return -EBUSY;
    p->fn = fn;
    p->arg = arg;
    p->context = NULL;
    p->borrowed = true;
    int r = async__handle_post(h, p);
    if (r < 0)
        __atomic_store_n(&p->pending, 0, __ATOMIC_RELEASE);
    errno = saved;
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
