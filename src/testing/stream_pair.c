/* SPDX-License-Identifier: MIT */
/* stream_pair.c - two streams in memory, each the peer of the other, for tests. The kernel has no
 * part in them, so virtual time need not wait for it, and a run can be repeated to the byte. */
#include <asyncio/testing.h>

#include "base/alloc.h"
#include "base/ring.h"
#include "io/stream.h"

enum { DEFAULT_ROOM = 4096 };

struct pair_end {
    struct stream_pair *pair;
    struct ring in;              /* what this end will read */
    async_task *reader, *writer; /* the tasks that wait here */
    bool open;
};

/* Freed when both ends are closed. */
struct stream_pair {
    struct pair_end end[2];
    char bytes[];
};

static struct pair_end *end_of(const async_stream *s)
{
    return s->self;
}

static struct pair_end *peer_of(struct pair_end *e)
{
    return &e->pair->end[e == &e->pair->end[0]];
}

/* A task that was interrupted a moment ago is not parked any more, and finds out for itself. */
static void wake_waiter(async_task **waiter)
{
    async_task *t = *waiter;
    *waiter = NULL;
    if (!t || t->node.state != TASK_PARKED)
        return;
    t->value = 0;
    async__wake(t, WOKEN);
}

/* --- the operations --- */

static bool pair_is_ready(struct pair_end *e, enum async_stream_side side)
{
    const struct ring *r = side == ASYNC_STREAM_READABLE ? &e->in : &peer_of(e)->in;
    bool has_some = side == ASYNC_STREAM_READABLE ? r->count > 0 : r->count < r->room || r->broken;
    return has_some || r->ended;
}

static ssize_t ring_result(ssize_t n)
{
    return n >= 0 ? n : errno == EAGAIN ? ASYNC_STREAM_WOULD_BLOCK : -errno;
}

static ssize_t pair_read(async_stream *s, void *buf, size_t size)
{
    struct pair_end *e = end_of(s);
    ssize_t n;
    /* So that a sweep injects no fault into an attempt that must wait. */
    if (!pair_is_ready(e, ASYNC_STREAM_READABLE))
        return ASYNC_STREAM_WOULD_BLOCK;
    while ((n = async__sys.ring_get(&e->in, buf, size)) < 0 && errno == EINTR)
        ;
    if (n > 0)
        wake_waiter(&peer_of(e)->writer);
    return ring_result(n);
}

static ssize_t pair_write(async_stream *s, const void *buf, size_t size)
{
    struct pair_end *e = end_of(s), *peer = peer_of(e);
    ssize_t n;
    if (!pair_is_ready(e, ASYNC_STREAM_WRITABLE))
        return ASYNC_STREAM_WOULD_BLOCK;
    while ((n = async__sys.ring_put(&peer->in, buf, size)) < 0 && errno == EINTR)
        ;
    if (n > 0)
        wake_waiter(&peer->reader);
    return ring_result(n);
}

static int pair_wait(async_stream *s, enum async_stream_side side)
{
    async_task *t = async__loop->sched.current;
    struct pair_end *e = end_of(s);
    async_task **waiter = side == ASYNC_STREAM_READABLE ? &e->reader : &e->writer;
    int r = checkpoint(t);
    if (r < 0 || pair_is_ready(e, side))
        return r;
    *waiter = t;
    wait_is(t, WAITS_STREAM);
    enum wake why = wait_in(t, NULL);
    if (!s->closed && *waiter == t) /* if it is closed, the pair may be gone */
        *waiter = NULL;
    return why == INTERRUPTED ? async__deliver_cancel(t) : 0;
}

static int pair_write_eof(async_stream *s)
{
    struct pair_end *peer = peer_of(end_of(s));
    peer->in.ended = true;
    wake_waiter(&peer->reader);
    return 0;
}

/* --- what is kept for each loop --- */

struct pairs {
    struct loop_module module; /* first */
    int open;                  /* streams in memory */
};

static void pairs_close(struct loop_module *m, struct loop *l)
{
    (void)l;
    async__free(m);
}

static void pairs_leak_check(const struct loop_module *m, const struct loop *l)
{
    const struct pairs *p = (const struct pairs *)m;
    (void)l;
    if (p->open)
        async__warn("the loop closes with %d stream%s in memory open; use async_stream_auto",
                    p->open, PLURAL(p->open));
}

/* The state of l, allocated at the first call. Returns NULL if there is no memory. */
static struct pairs *pairs_of(struct loop *l)
{
    struct pairs *p = (struct pairs *)l->module[MODULE_STREAMS];
    if (p)
        return p;
    p = async__calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->module = (struct loop_module){ .close = pairs_close, .leak_check = pairs_leak_check };
    l->module[MODULE_STREAMS] = &p->module;
    return p;
}

/* --- the end --- */

static void wake_all_waiters(struct pair_end *e)
{
    wake_waiter(&e->reader);
    wake_waiter(&e->writer);
}

/* If the loop has closed, no task waits any more. */
static void pair_close(async_stream *s)
{
    struct pair_end *e = end_of(s), *peer = peer_of(e);
    e->open = false;
    e->in.broken = peer->in.ended = true;
    if (stream_loop_runs(s)) {
        pairs_of(async__loop)->open--;
        wake_all_waiters(e);
        wake_all_waiters(peer);
    }
    if (!peer->open)
        async__free(e->pair);
}

static const struct async_stream_ops pair_ops = { .read = pair_read,
                                                  .write = pair_write,
                                                  .wait = pair_wait,
                                                  .write_eof = pair_write_eof,
                                                  .close = pair_close };

/* --- creation --- */

static struct stream_pair *pair_new(size_t room)
{
    size_t bytes;
    struct stream_pair *p = NULL;
    if (!__builtin_mul_overflow(room, 2, &bytes) &&
        !__builtin_add_overflow(bytes, sizeof *p, &bytes))
        p = async__malloc(bytes);
    if (!p)
        return NULL;
    for (size_t i = 0; i < 2; i++)
        p->end[i] = (struct pair_end){ .pair = p,
                                       .in = { .room = room, .bytes = p->bytes + i * room },
                                       .open = true };
    return p;
}

int async_stream_pair_opt(async_stream **ret_a, async_stream **ret_b,
                          const struct async_pair_opts *opts)
{
    struct loop *l = async__loop;
    async_stream *s[2] = { NULL, NULL };
    size_t room = opts && opts->room ? opts->room : DEFAULT_ROOM;
    if (!l) {
        async__warn("async_stream_pair() on a thread without a loop; call it in a task or "
                    "callback");
        return -EPERM;
    }
    struct stream_pair *p = pairs_of(l) ? pair_new(room) : NULL;
    int r = p ? async__stream_new(&pair_ops, &s[0]) : -ENOMEM;
    if (r == 0)
        r = async__stream_new(&pair_ops, &s[1]);
    if (r < 0) {
        async__free(s[0]);
        async__free(p);
        return r;
    }
    for (int i = 0; i < 2; i++)
        s[i]->self = &p->end[i];
    pairs_of(l)->open += 2;
    *ret_a = s[0];
    *ret_b = s[1];
    return 0;
}
