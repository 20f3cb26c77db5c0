/* SPDX-License-Identifier: MIT */
/* uring.c - who waits for the ring, and when the kernel is asked. */
#include "file/uring_call.h"

#include "base/alloc.h"
#include "task/scope.h"

/* Bytes that would be copied on the loop's thread, if they are in the cache. */
enum { LARGE = 64 * 1024 };

static void take_turn(void *arg);

/* --- the line --- */

static void call_soon(struct uring *u)
{
    if (u->called)
        return;
    u->called = true;
    async_call_soon(&u->callback, take_turn, u);
}

void async__uring_enqueue(struct uring *u, struct file_op *op)
{
    op->state = QUEUED;
    op->next = NULL;
    *(u->first ? &u->last->next : &u->first) = op;
    u->last = op;
    call_soon(u);
}

void async__uring_dequeue(struct uring *u, const struct file_op *op)
{
    struct file_op **at = &u->first, *before = NULL;
    while (*at != op) {
        before = *at;
        at = &before->next;
    }
    *at = op->next;
    if (u->last == op)
        u->last = before;
}

/* --- turns --- */

/* What the kernel does not take now it is asked again, when others have had their turn: it is short of memory. */
static void take_turn(void *arg)
{
    struct uring *u = arg;
    u->called = false;
    async__uring_ask(u);
    async_ignore(async__sys.uring_enter(&u->ring));
    async__uring_hear(u);
    if (u->first || io_uring_sq_ready(&u->ring))
        call_soon(u);
}

static void has_news(void *arg, int events)
{
    struct uring *u = arg;
    (void)events;
    if (!u->called)
        take_turn(u);
}

/* --- waiting --- */

static void ask_to_cancel(struct uring *u, struct file_op *op)
{
    op->left = true;
    if (io_uring_sq_space_left(&u->ring) == 0)
        take_turn(u);
    struct io_uring_sqe *q = op->state == FLYING ? io_uring_get_sqe(&u->ring) : NULL;
    if (!q)
        return;
    unsigned step = op->call == FILE_SLURP ? READ : ALONE;
    io_uring_prep_cancel64(q, (uint64_t)(uintptr_t)op | step, 0);
    io_uring_sqe_set_data64(q, 0);
    u->expected++;
    call_soon(u);
}

/* The kernel may use our frame until it has answered. */
static void wait_to_the_end(async_task *t, const struct file_op *op)
{
    async_scope shield;
    shield_enter(&shield, t);
    while (op->state != SETTLED) {
        wait_is(t, WAITS_FILE);
        wait_in(t, NULL);
    }
    shield_leave(&shield, t);
}

static void interrupted(struct uring *u, async_task *t, struct file_op *op)
{
    op->left = true;
    if (op->state == QUEUED && op->done == 0) {
        async__uring_dequeue(u, op);
        return;
    }
    if (op->state == FLYING)
        ask_to_cancel(u, op);
    wait_to_the_end(t, op);
}

int async__uring_await(struct uring *u, async_task *t, struct file_op *op)
{
    op->waiter = t;
    async__uring_enqueue(u, op);
    u->loop->external++;
    wait_is(t, WAITS_FILE);
    if (wait_in(t, NULL) == INTERRUPTED && op->state != SETTLED)
        interrupted(u, t, op);
    u->loop->external--;
    if (op->over)
        return 0;
    return op->left && op->done == 0 ? async__deliver_cancel(t) : -EAGAIN;
}

/* --- life --- */

bool async__uring_suits(const struct uring *u, const struct file_op *op)
{
    switch (op->call) {
    case FILE_SLURP:
        return u->has_slots;
    case FILE_READ:
    case FILE_WRITE:
        return op->size > 0 && op->size <= LARGE && op->offset >= 0;
    default:
        return op->call == FILE_SYNC;
    }
}

static int watch(struct uring *u)
{
    struct poller *f = &u->loop->poller;
    int fd = u->ring.ring_fd;
    struct fd_entry *e = async__poller_entry(f, fd);
    if (!e)
        return -ENOMEM;
    async__poller_fail_waiters(e);
    e->generation++;
    e->registered = e->owned = false;
    u->watch = (async_watch){ .fn = has_news, .arg = u, .fd = fd };
    e->watch = &u->watch;
    int r = async__poller_register(f, fd, e, EPOLLIN, false);
    if (r < 0)
        e->watch = NULL;
    return r;
}

struct uring *async__uring_open(struct loop *l)
{
    struct uring *u = async__calloc(1, sizeof *u);
    if (!u)
        return NULL;
    u->loop = l;
    if (async__sys.uring_open(&u->ring, ENTRIES) < 0) {
        async__free(u);
        return NULL;
    }
    u->has_slots = io_uring_register_files_sparse(&u->ring, SLOTS) == 0;
    u->slots = u->has_slots ? UINT64_MAX : 0;
    if (watch(u) == 0)
        return u;
    io_uring_queue_exit(&u->ring);
    async__free(u);
    return NULL;
}

void async__uring_close(struct uring *u)
{
    struct poller *f = &u->loop->poller;
    struct fd_entry *e = &f->entries[u->ring.ring_fd];
    e->watch = NULL;
    async__poller_unregister(f, u->ring.ring_fd, e);
    io_uring_queue_exit(&u->ring);
    async__free(u);
}
