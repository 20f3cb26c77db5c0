/* SPDX-License-Identifier: MIT */
/* uring.c - the ring of a loop: its queue of requests, and the tasks that wait for them. */
#include "file/uring_call.h"

#include "base/alloc.h"
#include "task/scope.h"

/* More bytes are left to threads, because the kernel copies what is in the page cache on the thread
 * that submits the request. */
enum { LARGE = 64 * 1024 };

static void run_ring(void *arg);

/* --- the queue --- */

static void schedule_ring(struct uring *u)
{
    if (u->scheduled)
        return;
    u->scheduled = true;
    async_call_soon(&u->callback, run_ring, u);
}

void async__uring_enqueue(struct uring *u, struct file_request *rq)
{
    rq->state = REQUEST_QUEUED;
    rq->next = NULL;
    *(u->first ? &u->last->next : &u->first) = rq;
    u->last = rq;
    schedule_ring(u);
}

void async__uring_dequeue(struct uring *u, const struct file_request *rq)
{
    struct file_request **at = &u->first, *before = NULL;
    while (*at != rq) {
        before = *at;
        at = &before->next;
    }
    *at = rq->next;
    if (u->last == rq)
        u->last = before;
}

/* --- submission and completion --- */

/* What the kernel does not accept now, because it is short of memory, is submitted again after
 * other tasks have run. */
static void run_ring(void *arg)
{
    struct uring *u = arg;
    u->scheduled = false;
    async__uring_submit(u);
    async_ignore(async__sys.uring_enter(&u->ring));
    async__uring_complete(u);
    if (u->first || io_uring_sq_ready(&u->ring))
        schedule_ring(u);
}

static void on_completions(void *arg, int events)
{
    struct uring *u = arg;
    (void)events;
    if (!u->scheduled)
        run_ring(u);
}

/* --- waiting --- */

static void submit_cancel(struct uring *u, struct file_request *rq)
{
    rq->cancelled = true;
    if (io_uring_sq_space_left(&u->ring) == 0)
        run_ring(u);
    struct io_uring_sqe *q = rq->state == REQUEST_SUBMITTED ? io_uring_get_sqe(&u->ring) : NULL;
    if (!q)
        return;
    unsigned step = rq->kind == FILE_READ_WHOLE ? READ_STEP : ONLY_STEP;
    io_uring_prep_cancel64(q, (uint64_t)(uintptr_t)rq | step, 0);
    io_uring_sqe_set_data64(q, 0);
    u->expected++;
    schedule_ring(u);
}

/* The kernel may use the stack frame of t until the request is completed. */
static void wait_for_completion(async_task *t, const struct file_request *rq)
{
    async_scope shield;
    shield_enter(&shield, t);
    while (rq->state != REQUEST_COMPLETED) {
        wait_is(t, WAITS_FILE);
        wait_in(t, NULL);
    }
    shield_leave(&shield, t);
}

static void request_interrupted(struct uring *u, async_task *t, struct file_request *rq)
{
    rq->cancelled = true;
    if (rq->state == REQUEST_QUEUED && rq->done == 0) {
        async__uring_dequeue(u, rq);
        return;
    }
    if (rq->state == REQUEST_SUBMITTED)
        submit_cancel(u, rq);
    wait_for_completion(t, rq);
}

int async__uring_await(struct uring *u, async_task *t, struct file_request *rq)
{
    rq->waiter = t;
    async__uring_enqueue(u, rq);
    u->loop->external++;
    wait_is(t, WAITS_FILE);
    if (wait_in(t, NULL) == INTERRUPTED && rq->state != REQUEST_COMPLETED)
        request_interrupted(u, t, rq);
    u->loop->external--;
    if (rq->made)
        return 0;
    return rq->cancelled && rq->done == 0 ? async__deliver_cancel(t) : -EAGAIN;
}

/* --- life --- */

bool async__uring_suits(const struct uring *u, const struct file_request *rq)
{
    switch (rq->kind) {
    case FILE_READ_WHOLE:
        return u->has_slots;
    case FILE_READ:
    case FILE_WRITE:
        return rq->size > 0 && rq->size <= LARGE && rq->offset >= 0;
    default:
        return rq->kind == FILE_SYNC;
    }
}

static int watch_ring(struct uring *u)
{
    struct poller *f = &u->loop->poller;
    int fd = u->ring.ring_fd;
    struct fd_entry *e = async__poller_entry(f, fd);
    if (!e)
        return -ENOMEM;
    async__poller_fail_waiters(e);
    e->generation++;
    e->registered = e->owned = false;
    u->watch = (async_watch){ .fn = on_completions, .arg = u, .fd = fd };
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
    if (watch_ring(u) == 0)
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
