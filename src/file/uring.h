/* SPDX-License-Identifier: MIT */
/* uring.h - calls on files by io_uring, for those that are better off so: no thread, and what is in the page cache is read at
 * once, many files by one system call. A loop has a ring from its first such call on, if it can.
 *
 * A call stands in line until the ring's callback has its turn, in the ready queue behind the tasks that are ready
 * already: so their calls go to the kernel together. What it has done by then is told at once; the rest is told by the
 * ring's descriptor, which is in the loop's epoll. The buffers are the kernel's until it has answered: a task that is cancelled
 * says so to the kernel, and waits for the answer. */
#ifndef FILE_URING_H
#define FILE_URING_H

#include "file/file.h"

struct uring;

/* NULL: it cannot be had. */
struct uring *async__uring_open(struct loop *l);

/* Whether op goes through it. */
bool async__uring_suits(const struct uring *u, const struct file_op *op);

/* As async__job_await(); -EAGAIN: a thread must make the call. */
int async__uring_await(struct uring *u, async_task *t, struct file_op *op);

void async__uring_close(struct uring *u);

#endif
