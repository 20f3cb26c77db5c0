/* SPDX-License-Identifier: MIT */
/* uring_call.c - what the kernel is asked, and what its answers mean. */
#include "file/uring_call.h"

#include "task/scope.h"

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
        [FILE_SLURP] = { SYS_OPEN, SYS_READ, SYS_CLOSE },
        [FILE_READ] = { SYS_READ },
        [FILE_WRITE] = { SYS_WRITE },
        [FILE_SYNC] = { SYS_SYNC },
    };
    for (const int *call = calls[op->call]; *call; call++) {
        int err;
        while ((err = async__sys.apply_file_fault(&op->fault, *call, size)) == EINTR)
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
void async__uring_ask(struct uring *u)
{
    for (struct file_op *op; (op = u->first);) {
        if (u->expected + steps(op) > ANSWERS || io_uring_sq_space_left(&u->ring) < steps(op) ||
            (op->call == FILE_SLURP && !u->slots))
            return;
        async__uring_dequeue(u, op);
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
        async__uring_enqueue(u, op);
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
        async__uring_enqueue(u, op);
    else
        settle_with(op, op->call == FILE_WRITE ? 0 : (int64_t)op->done);
}

/* At once: the ring may be full. What could not be closed is replaced by the next one there. */
static void close_slot(struct uring *u, unsigned slot)
{
    async_ignore(io_uring_register_files_update(&u->ring, slot, &(int){ -1 }, 1));
}

/* result: of reading, fd: of opening, other: of looking, offset: of closing; done: what was asked for. */
static void read_whole(struct uring *u, struct file_op *op)
{
    if (op->fd == 0 && op->offset == -ECANCELED) { /* something before has failed, and it is open still */
        close_slot(u, op->slot);
        op->offset = 0;
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

void async__uring_hear(struct uring *u)
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
