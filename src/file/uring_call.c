/* SPDX-License-Identifier: MIT */
/* uring_call.c - how requests are submitted to the kernel, and what their completions mean. */
#include "file/uring_call.h"

#include "task/scope.h"

static void complete_request(struct file_request *rq)
{
    async_task *t = rq->waiter;
    rq->state = REQUEST_COMPLETED;
    if (t->node.state == TASK_PARKED) { /* otherwise it was interrupted a moment ago */
        t->value = 0;
        async__wake(t, WOKEN);
    }
}

static void complete_with(struct file_request *rq, int64_t result)
{
    rq->result = result;
    rq->made = true;
    complete_request(rq);
}

/* --- submission --- */

/* Return the next free entry for a step of a request. The functions of liburing that fill it in do
 * not change its user data. */
static struct io_uring_sqe *next_submission(struct uring *u, struct file_request *rq, unsigned step)
{
    struct io_uring_sqe *q = io_uring_get_sqe(&u->ring);
    io_uring_sqe_set_data64(q, (uint64_t)(uintptr_t)rq | step);
    u->expected++;
    rq->pending++;
    return q;
}

/* Submit four linked steps, which use a slot instead of a descriptor: open, advise, read, close.
 * The hard link closes what was opened, whatever the result of reading. O_NONBLOCK, so that a FIFO
 * does not wait for its other end; posix_fadvise() then fails with ESPIPE for it. RWF_NOWAIT reads
 * only what is in the page cache, and fails with EOPNOTSUPP for files that the kernel generates,
 * whose reads end at the end of a record. So a short read is the end of the file. */
static void submit_read_whole(struct uring *u, struct file_request *rq, size_t size)
{
    int flags = O_RDONLY | O_NOCTTY | O_NONBLOCK;
    unsigned slot = (unsigned)__builtin_ctzll(u->slots);
    u->slots &= ~(UINT64_C(1) << slot);
    rq->slot = (uint8_t)slot;
    rq->done = size;
    struct io_uring_sqe *q = next_submission(u, rq, OPEN_STEP);
    io_uring_prep_openat_direct(q, AT_FDCWD, rq->path, flags, 0, slot);
    q->flags |= IOSQE_IO_LINK;
    q = next_submission(u, rq, ADVISE_STEP);
    io_uring_prep_fadvise(q, (int)slot, 0, 0, POSIX_FADV_SEQUENTIAL);
    q->flags |= IOSQE_FIXED_FILE | IOSQE_IO_LINK;
    q = next_submission(u, rq, READ_STEP);
    io_uring_prep_read(q, (int)slot, rq->buf, (unsigned)size, 0);
    q->rw_flags = RWF_NOWAIT;
    q->flags |= IOSQE_FIXED_FILE | IOSQE_IO_HARDLINK;
    io_uring_prep_close_direct(next_submission(u, rq, CLOSE_STEP), slot);
}

static void submit_request(struct uring *u, struct file_request *rq, size_t size)
{
    uint64_t at = (uint64_t)rq->offset + rq->done;
    rq->state = REQUEST_SUBMITTED;
    if (rq->kind == FILE_READ_WHOLE)
        submit_read_whole(u, rq, size);
    else if (rq->kind == FILE_READ)
        io_uring_prep_read(next_submission(u, rq, ONLY_STEP), rq->fd, rq->buf + rq->done,
                           (unsigned)size, at);
    else if (rq->kind == FILE_WRITE)
        io_uring_prep_write(next_submission(u, rq, ONLY_STEP), rq->fd, rq->data + rq->done,
                            (unsigned)size, at);
    else
        io_uring_prep_fsync(next_submission(u, rq, ONLY_STEP), rq->fd,
                            rq->flags ? IORING_FSYNC_DATASYNC : 0);
}

/* Returns 0, or the errno that a test injects into a system call of rq. It may also reduce
 * *size. */
static int injected_error(struct file_request *rq, size_t *size)
{
    static const int calls[][5] = {
        [FILE_READ_WHOLE] = { SYS_OPEN, SYS_READ, SYS_CLOSE },
        [FILE_READ] = { SYS_READ },
        [FILE_WRITE] = { SYS_WRITE },
        [FILE_SYNC] = { SYS_SYNC },
    };
    for (const int *call = calls[rq->kind]; *call; call++) {
        int err;
        while ((err = async__sys.apply_file_fault(&rq->fault, *call, size)) == EINTR)
            ;
        if (err)
            return err;
    }
    return 0;
}

static unsigned steps_of(const struct file_request *rq)
{
    return rq->kind == FILE_READ_WHOLE ? 4 : 1;
}

void async__uring_submit(struct uring *u)
{
    for (struct file_request *rq; (rq = u->first);) {
        if (u->expected + steps_of(rq) > COMPLETIONS ||
            io_uring_sq_space_left(&u->ring) < steps_of(rq) ||
            (rq->kind == FILE_READ_WHOLE && !u->slots))
            return;
        async__uring_dequeue(u, rq);
        size_t size = rq->size - rq->done;
        int err = injected_error(rq, &size);
        if (err)
            complete_with(rq, -err);
        else
            submit_request(u, rq, size);
    }
}

/* --- completion --- */

/* Errors by which the ring tells that it cannot execute a request, or not at once. */
static bool needs_thread(int64_t r)
{
    return r == -EAGAIN || r == -EINVAL || r == -EOPNOTSUPP || r == -EINTR || r == -ECANCELED;
}

/* A cancellation takes effect only if nothing was done. Otherwise the request goes on to its
 * end. */
static void request_failed(struct uring *u, struct file_request *rq, int64_t r)
{
    if (r == -EINTR && !rq->cancelled)
        async__uring_enqueue(u, rq);
    else if (needs_thread(r))
        complete_request(rq);
    else
        complete_with(rq, r);
}

static void bytes_transferred(struct uring *u, struct file_request *rq, int64_t n)
{
    bool goes_on = rq->kind == FILE_WRITE || (rq->whole && n > 0);
    rq->done += (size_t)n;
    if (rq->kind == FILE_WRITE && n == 0)
        complete_with(rq, -EIO);
    else if (goes_on && rq->done < rq->size)
        async__uring_enqueue(u, rq);
    else
        complete_with(rq, rq->kind == FILE_WRITE ? 0 : (int64_t)rq->done);
}

/* Close by a system call, because the ring may be full. If that fails, the next file in this slot
 * replaces the one that is open. */
static void close_slot(struct uring *u, unsigned slot)
{
    async_ignore(io_uring_register_files_update(&u->ring, slot, &(int){ -1 }, 1));
}

/* All four steps are completed. Their results are in fd (open), other (advise), result (read) and
 * offset (close); done is the number of bytes that were requested. */
static void read_whole_completed(struct uring *u, struct file_request *rq)
{
    if (rq->fd == 0 &&
        rq->offset == -ECANCELED) { /* an earlier step failed, and the file is open */
        close_slot(u, rq->slot);
        rq->offset = 0;
    }
    u->slots |= UINT64_C(1) << rq->slot;
    size_t requested = rq->done;
    rq->done = 0;
    int64_t r = rq->fd < 0 ? rq->fd : rq->other < 0 ? -EAGAIN : rq->result;
    if (r == (int64_t)requested && requested < rq->size)
        r = -EAGAIN;
    if (r >= 0 && rq->offset < 0)
        r = rq->offset;
    rq->offset = 0;
    if (r < 0)
        request_failed(u, rq, r == -ENXIO ? -EAGAIN : r);
    else
        complete_with(rq, r);
}

static void step_completed(struct uring *u, struct file_request *rq, unsigned step, int64_t r)
{
    rq->pending--;
    switch (step) {
    case OPEN_STEP:
        rq->fd = (int)r;
        break;
    case ADVISE_STEP:
        rq->other = (int)r;
        break;
    case READ_STEP:
        rq->result = r;
        break;
    case CLOSE_STEP:
        rq->offset = r;
        break;
    default:
        if (r < 0)
            request_failed(u, rq, r);
        else if (rq->kind == FILE_SYNC)
            complete_with(rq, 0);
        else
            bytes_transferred(u, rq, r);
        return;
    }
    if (rq->pending == 0)
        read_whole_completed(u, rq);
}

void async__uring_complete(struct uring *u)
{
    struct io_uring_cqe *c;
    while (io_uring_peek_cqe(&u->ring, &c) == 0) {
        uint64_t data = c->user_data;
        int64_t r = c->res;
        io_uring_cqe_seen(&u->ring, c);
        u->expected--;
        if (data)
            step_completed(u, (struct file_request *)(uintptr_t)(data & ~(uint64_t)STEP_MASK),
                           data & STEP_MASK, r);
    }
}
