/* SPDX-License-Identifier: MIT */
/* uring_call.h - what the two halves of the ring share: uring.c, who waits and when the kernel is asked; uring_call.c, what it
 * is asked and what its answers mean. */
#ifndef FILE_URING_CALL_H
#define FILE_URING_CALL_H

#include <asyncio/loop.h>

#include <liburing.h>

#include "file/uring.h"

enum {
    ENTRIES = 256,
    ANSWERS = 2 * ENTRIES, /* that the kernel has room for */
    SLOTS = 64,            /* files that are read whole at a time */
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
    bool has_slots;               /* the kernel has them: files are read whole here */
    unsigned expected;            /* answers to come */
};

/* --- uring.c --- */

/* The last in line, or out of the line. */
void async__uring_enqueue(struct uring *u, struct file_op *op);
void async__uring_dequeue(struct uring *u, const struct file_op *op);

/* --- uring_call.c --- */

/* Give the ring as many of those in line as there is room for. */
void async__uring_ask(struct uring *u);

/* What the kernel has answered by now: whose call is over is woken. */
void async__uring_hear(struct uring *u);

#endif
