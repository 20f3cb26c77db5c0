/* SPDX-License-Identifier: MIT */
/* memory.c - streams without descriptors, for tests: the kernel has no part in them, so virtual time need not wait for
 * it, and a run can be repeated to the byte. */
#include "io/memory.h"

#include <asyncio/testing.h>

#include <limits.h>

#include "base/alloc.h"

enum { ROOM = 4096 };

static int side_index(enum fd_ready side)
{
    return side == FD_WRITABLE;
}

static async_task **place(struct memory *m, int end, enum fd_ready side)
{
    return &m->wait[end][side_index(side)];
}

/* Whoever waits there looks again. */
static void wake(struct memory *m, int end, enum fd_ready side)
{
    async_task **who = place(m, end, side), *t = *who;
    *who = NULL;
    if (!t || t->node.state != TASK_PARKED) /* interrupted a moment ago: it will see for itself */
        return;
    t->value = 0;
    async__wake(t, WOKEN);
}

bool async__memory_ready(const async_stream *s, enum fd_ready side)
{
    const struct memory *m = s->memory;
    const struct ring *r = &m->to[side == FD_READABLE ? s->which : !s->which];
    return side == FD_READABLE ? r->count > 0 || r->ended : r->count < r->room || r->ended || r->broken;
}

ssize_t async__memory_read(async_stream *s, void *buf, size_t size)
{
    ssize_t n = async__sys.ring_get(&s->memory->to[s->which], buf, size);
    if (n > 0)
        wake(s->memory, !s->which, FD_WRITABLE);
    return n;
}

ssize_t async__memory_write(async_stream *s, const void *buf, size_t size)
{
    ssize_t n = async__sys.ring_put(&s->memory->to[!s->which], buf, size);
    if (n > 0)
        wake(s->memory, !s->which, FD_READABLE);
    return n;
}

int async__memory_wait(async_stream *s, async_task *t, enum fd_ready side)
{
    struct memory *m = s->memory;
    int end = s->which, r = checkpoint(t);
    if (r < 0)
        return r;
    *place(m, end, side) = t;
    wait_is(t, WAITS_STREAM);
    enum wake why = wait_in(t, NULL);
    bool open = s->fd >= 0; /* else m may be gone */
    if (open && *place(m, end, side) == t)
        *place(m, end, side) = NULL;
    return why == INTERRUPTED ? async__deliver_cancel(t) : 0;
}

int async__memory_write_eof(async_stream *s)
{
    s->memory->to[!s->which].ended = true;
    wake(s->memory, !s->which, FD_READABLE);
    return 0;
}

/* What is kept for each loop. */
struct memory_streams {
    struct loop_module module; /* first */
    int open;                  /* streams in memory */
};

static void memory_streams_close(struct loop_module *m, struct loop *l)
{
    (void)l;
    async__free(m);
}

static void memory_streams_leak_check(const struct loop_module *m, const struct loop *l)
{
    const struct memory_streams *s = (const struct memory_streams *)m;
    (void)l;
    if (s->open)
        async__warn("the loop closes with %d streams in memory open", s->open);
}

static struct memory_streams *memory_streams(struct loop *l)
{
    struct memory_streams *s = (struct memory_streams *)l->module[MODULE_STREAMS];
    if (s)
        return s;
    s = async__calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->module = (struct loop_module){ .close = memory_streams_close, .leak_check = memory_streams_leak_check };
    l->module[MODULE_STREAMS] = &s->module;
    return s;
}

void async__memory_close(async_stream *s)
{
    struct memory *m = s->memory;
    struct loop *l = async__loop;
    int end = s->which;
    m->open[end] = false;
    m->to[!end].ended = true;
    m->to[end].broken = true;
    if (l && s->home == l->serial) { /* else the loop has closed, and nobody waits */
        memory_streams(l)->open--;
        wake(m, end, FD_READABLE);
        wake(m, end, FD_WRITABLE);
        wake(m, !end, FD_READABLE);
        wake(m, !end, FD_WRITABLE);
    }
    if (!m->open[!end])
        async__free(m);
}

static struct memory *memory_new(size_t room)
{
    size_t bytes;
    struct memory *m = NULL;
    if (!__builtin_mul_overflow(room, 2, &bytes) && !__builtin_add_overflow(bytes, sizeof *m, &bytes))
        m = async__malloc(bytes);
    if (!m)
        return NULL;
    *m = (struct memory){ 0 };
    for (int i = 0; i < 2; i++) {
        m->to[i] = (struct ring){ .room = room, .bytes = m->bytes + (size_t)i * room };
        m->open[i] = true;
    }
    return m;
}

int async_stream_pair_opt(async_stream **ret_a, async_stream **ret_b, const struct async_pair_opts *opts)
{
    struct loop *l = async__loop;
    async_stream *s[2] = { NULL, NULL };
    size_t room = opts && opts->room ? opts->room : ROOM;
    if (!l) {
        async__warn("async_stream_pair on a thread without a loop");
        return -EPERM;
    }
    struct memory *m = memory_streams(l) ? memory_new(room) : NULL;
    int r = m ? async__stream_new(INT_MAX, STREAM_MEMORY, &s[0]) : -ENOMEM;
    if (r == 0)
        r = async__stream_new(INT_MAX, STREAM_MEMORY, &s[1]);
    if (r < 0) {
        async__free(s[0]);
        async__free(m);
        return r;
    }
    for (uint8_t i = 0; i < 2; i++) {
        s[i]->memory = m;
        s[i]->which = i;
    }
    memory_streams(l)->open += 2;
    *ret_a = s[0];
    *ret_b = s[1];
    return 0;
}
