/* SPDX-License-Identifier: MIT */
#include "file/uring.h"

#include <asyncio/loop.h>

#include <liburing.h>

#include "base/alloc.h"
#include "task/scope.h"

enum {
    ENTRIES = 256,
    ANSWERS = 2 * ENTRIES, /* that the kernel has room for */
    SLOTS = 64,            /* files that are read whole at a time */
    LARGE = 64 * 1024, /* bytes that would be copied on the loop's thread, if they are in the cache */
};

/* Where a call stands. */
enum { QUEUED, FLYING, SETTLED };

/* The steps of a small file that is read whole, in the low bits of what the kernel hands back. */
enum { ALONE, OPENED, ADVISED, READ, CLOSED, STEP = 7 };

struct uring {
    struct io_uring ring;
    struct loop *loop;
    async_watch watch; /* of the ring's descriptor */
    async_callback callback;
    bool called;                  /* it is */
    struct file_op *first, *last; /* QUEUED */
    uint64_t slots;               /* bits: those that are free */
    unsigned expected;            /* answers to come */
};

static void take_turn(void *arg);

/* --- the line --- */

static void call_soon(struct uring *u)
{
    if (u->called)
        return;
    u->called = true;
    async_call_soon(&u->callback, take_turn, u);
}

static void enqueue(struct uring *u, struct file_op *op)
{
    op->state = QUEUED;
    op->next = NULL;
    *(u->first ? &u->last->next : &u->first) = op;
    u->last = op;
    call_soon(u);
}

static void dequeue(struct uring *u, const struct file_op *op)
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

static void settle(struct file_op *op)
{
    async_task *t = op->waiter;
    op->state = SETTLED;
    if (t->node.state == TASK_PARKED) { /* else it was interrupted a moment ago */
        t->value = 0;
        async__wake(t, WOKEN);
    }
}

static void settle_with(struct file_op *op, int64_t result)
{
    op->result = result;
    op->over = true;
    settle(op);
}

/* --- asking --- */

/* What the kernel hands back stays as it is when the rest is filled in. */
static struct io_uring_sqe *ask(struct uring *u, struct file_op *op, unsigned step)
{
    struct io_uring_sqe *q = io_uring_get_sqe(&u->ring);
    io_uring_sqe_set_data64(q, (uint64_t)(uintptr_t)op | step);
    u->expected++;
    op->pending++;
    return q;
}

/* Open, look, read, close, without a number: one after the other, and what has been opened is closed whatever came of
 * reading. O_NONBLOCK: the other end of a FIFO is not waited for. To be advised says ESPIPE of one. RWF_NOWAIT: only what
 * is in the page cache; files that the kernel makes up, whose reads end where a record does, say EOPNOTSUPP. So a short
 * read is the end. */
static void ask_for_all(struct uring *u, struct file_op *op, size_t size)
{
    int flags = O_RDONLY | O_NOCTTY | O_NONBLOCK;
    unsigned slot = (unsigned)__builtin_ctzll(u->slots);
    u->slots &= ~(UINT64_C(1) << slot);
    op->slot = (uint8_t)slot;
    op->done = size;
    struct io_uring_sqe *q = ask(u, op, OPENED);
    io_uring_prep_openat_direct(q, AT_FDCWD, op->path, flags, 0, slot);
    q->flags |= IOSQE_IO_LINK;
    q = ask(u, op, ADVISED);
    io_uring_prep_fadvise(q, (int)slot, 0, 0, POSIX_FADV_SEQUENTIAL);
    q->flags |= IOSQE_FIXED_FILE | IOSQE_IO_LINK;
    q = ask(u, op, READ);
    io_uring_prep_read(q, (int)slot, op->buf, (unsigned)size, 0);
    q->rw_flags = RWF_NOWAIT;
    q->flags |= IOSQE_FIXED_FILE | IOSQE_IO_HARDLINK;
    io_uring_prep_close_direct(ask(u, op, CLOSED), slot);
}

static void ask_for(struct uring *u, struct file_op *op, size_t size)
{
    uint64_t at = (uint64_t)op->offset + op->done;
    op->state = FLYING;
    if (op->call == FILE_SLURP)
        ask_for_all(u, op, size);
    else if (op->call == FILE_READ)
        io_uring_prep_read(ask(u, op, ALONE), op->fd, op->buf + op->done, (unsigned)size, at);
    else if (op->call == FILE_WRITE)
        io_uring_prep_write(ask(u, op, ALONE), op->fd, op->data + op->done, (unsigned)size, at);
    else
        io_uring_prep_fsync(ask(u, op, ALONE), op->fd, op->flags ? IORING_FSYNC_DATASYNC : 0);
}

/* 0, or the errno that a test has in the kernel's place; or it makes *size smaller. */
static int test_answer(struct file_op *op, size_t *size)
{
    static const int calls[][5] = {
        [FILE_SLURP] = { SYS_OPEN, SYS_STATUS, SYS_READ, SYS_CLOSE },
        [FILE_READ] = { SYS_READ },
        [FILE_WRITE] = { SYS_WRITE },
        [FILE_SYNC] = { SYS_SYNC },
    };
    for (const int *call = calls[op->call]; *call; call++) {
        int err;
        while ((err = async__sys.file_meets(&op->fate, *call, size)) == EINTR)
            ;
        if (err)
            return err;
    }
    return 0;
}

static unsigned steps(const struct file_op *op)
{
    return op->call == FILE_SLURP ? 4 : 1;
}

/* As many of those in line as there is room for. */
static void ask_all(struct uring *u)
{
    for (struct file_op *op; (op = u->first);) {
        if (u->expected + steps(op) > ANSWERS || io_uring_sq_space_left(&u->ring) < steps(op) ||
            (op->call == FILE_SLURP && !u->slots))
            return;
        dequeue(u, op);
        size_t size = op->size - op->done;
        int err = test_answer(op, &size);
        if (err)
            settle_with(op, -err);
        else
            ask_for(u, op, size);
    }
}

/* --- answers --- */

/* The ring cannot, or will not at once. */
static bool is_for_threads(int64_t r)
{
    return r == -EAGAIN || r == -EINVAL || r == -EOPNOTSUPP || r == -EINTR || r == -ECANCELED;
}

/* A cancel is heard if nothing was done. Else what has begun goes to its end. */
static void not_done(struct uring *u, struct file_op *op, int64_t r)
{
    if (r == -EINTR && !op->left)
        enqueue(u, op);
    else if (is_for_threads(r))
        settle(op);
    else
        settle_with(op, r);
}

static void transferred(struct uring *u, struct file_op *op, int64_t n)
{
    bool goes_on = op->call == FILE_WRITE || (op->whole && n > 0);
    op->done += (size_t)n;
    if (op->call == FILE_WRITE && n == 0)
        settle_with(op, -EIO);
    else if (goes_on && op->done < op->size)
        enqueue(u, op);
    else
        settle_with(op, op->call == FILE_WRITE ? 0 : (int64_t)op->done);
}

/* result: of reading, fd: of opening, other: of looking, offset: of closing; done: what was asked for. */
static void read_whole(struct uring *u, struct file_op *op)
{
    if (op->fd == 0 && op->offset == -ECANCELED) { /* something before has failed, and it is open still */
        io_uring_prep_close_direct(ask(u, op, CLOSED), op->slot);
        return;
    }
    u->slots |= UINT64_C(1) << op->slot;
    size_t asked = op->done;
    op->done = 0;
    int64_t r = op->fd < 0 ? op->fd : op->other < 0 ? -EAGAIN : op->result;
    if (r == (int64_t)asked && asked < op->size)
        r = -EAGAIN;
    if (r >= 0 && op->offset < 0)
        r = op->offset;
    op->offset = 0;
    if (r < 0)
        not_done(u, op, r == -ENXIO ? -EAGAIN : r);
    else
        settle_with(op, r);
}

static void answered(struct uring *u, struct file_op *op, unsigned step, int64_t r)
{
    op->pending--;
    switch (step) {
    case OPENED:
        op->fd = (int)r;
        break;
    case ADVISED:
        op->other = (int)r;
        break;
    case READ:
        op->result = r;
        break;
    case CLOSED:
        op->offset = r;
        break;
    default:
        if (r < 0)
            not_done(u, op, r);
        else if (op->call == FILE_SYNC)
            settle_with(op, 0);
        else
            transferred(u, op, r);
        return;
    }
    if (op->pending == 0)
        read_whole(u, op);
}

static void hear(struct uring *u)
{
    struct io_uring_cqe *c;
    while (io_uring_peek_cqe(&u->ring, &c) == 0) {
        uint64_t data = c->user_data;
        int64_t r = c->res;
        io_uring_cqe_seen(&u->ring, c);
        u->expected--;
        if (data)
            answered(u, (struct file_op *)(uintptr_t)(data & ~(uint64_t)STEP), data & STEP, r);
    }
}

/* --- turns --- */

/* What the kernel does not take now it is asked again, when others have had their turn: it is short of memory. */
static void take_turn(void *arg)
{
    struct uring *u = arg;
    u->called = false;
    ask_all(u);
    async_ignore(async__sys.uring_enter(&u->ring));
    hear(u);
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
        dequeue(u, op);
        return;
    }
    if (op->state == FLYING)
        ask_to_cancel(u, op);
    wait_to_the_end(t, op);
}

int async__uring_await(struct uring *u, async_task *t, struct file_op *op)
{
    op->waiter = t;
    enqueue(u, op);
    u->loop->jobs++;
    wait_is(t, WAITS_FILE);
    if (wait_in(t, NULL) == INTERRUPTED && op->state != SETTLED)
        interrupted(u, t, op);
    u->loop->jobs--;
    if (op->over)
        return 0;
    return op->left && op->done == 0 ? async__deliver(t) : -EAGAIN;
}

/* --- life --- */

bool async__uring_suits(const struct uring *u, const struct file_op *op)
{
    switch (op->call) {
    case FILE_SLURP:
        return u->slots || u->expected; /* it has some */
    case FILE_READ:
    case FILE_WRITE:
        return op->size > 0 && op->size <= LARGE && op->offset >= 0;
    default:
        return op->call == FILE_SYNC;
    }
}

static int watch(struct uring *u)
{
    struct fds *f = &u->loop->fds;
    int fd = u->ring.ring_fd;
    struct fd_entry *e = async__fds_entry(f, fd);
    if (!e)
        return -ENOMEM;
    async__fds_strand(e);
    e->generation++;
    e->known = e->owned = false;
    u->watch = (async_watch){ .fn = has_news, .arg = u, .fd = fd };
    e->watch = &u->watch;
    int r = async__fds_register(f, fd, e, EPOLLIN, false);
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
    if (io_uring_register_files_sparse(&u->ring, SLOTS) == 0)
        u->slots = UINT64_MAX;
    if (watch(u) == 0)
        return u;
    io_uring_queue_exit(&u->ring);
    async__free(u);
    return NULL;
}

void async__uring_close(struct uring *u)
{
    struct fds *f = &u->loop->fds;
    struct fd_entry *e = &f->entries[u->ring.ring_fd];
    e->watch = NULL;
    async__fds_unregister(f, u->ring.ring_fd, e);
    io_uring_queue_exit(&u->ring);
    async__free(u);
}
