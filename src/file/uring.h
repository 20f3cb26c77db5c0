/* SPDX-License-Identifier: MIT */
/* uring.h - requests by io_uring, which needs no threads: content in the page cache is read at
 * once, and one system call serves many files. A loop opens its ring at the first request, if the
 * kernel supports it.
 *
 * A request waits in a queue until the ring's callback runs, in the ready queue behind the tasks
 * that are ready already, so that their requests are submitted together. Requests that are
 * completed by then wake their tasks at once. For the others the ring's descriptor is in the loop's
 * epoll. The kernel may use the buffers until a request is completed, so a task that is cancelled
 * asks the kernel to cancel the request, and waits for its completion. */
#ifndef FILE_URING_H
#define FILE_URING_H

#include "file/file.h"

struct uring;

/* Open a ring. Returns NULL if the kernel refuses, or there is no memory. */
struct uring *async__uring_open(struct loop *l);

/* Can the ring execute rq? */
bool async__uring_suits(const struct uring *u, const struct file_request *rq);

/* Wait for rq as async__job_await() does. Returns -EAGAIN if a thread must execute it. */
int async__uring_await(struct uring *u, async_task *t, struct file_request *rq);

void async__uring_close(struct uring *u);

#endif
