/* SPDX-License-Identifier: MIT */
/* uring_call.h - what uring.c and uring_call.c share. The former queues requests and waits for
 * them, the latter submits them to the kernel and handles their completions. */
#ifndef FILE_URING_CALL_H
#define FILE_URING_CALL_H

#include <asyncio/loop.h>

#include <liburing.h>

#include "file/uring.h"

enum {
    ENTRIES = 256,
    COMPLETIONS = 2 * ENTRIES, /* for which the kernel has room */
    SLOTS = 64,                /* files that are read whole at a time */
};

/* States of a request. */
enum { REQUEST_QUEUED, REQUEST_SUBMITTED, REQUEST_COMPLETED };

/* Steps of a request, in the low bits of the user data of a submission. A small file that is read
 * whole takes four. */
enum { ONLY_STEP, OPEN_STEP, ADVISE_STEP, READ_STEP, CLOSE_STEP, STEP_MASK = 7 };

struct uring {
    struct io_uring ring;
    struct loop *loop;
    async_watch watch; /* of the ring's descriptor */
    async_callback callback;
    bool scheduled;                    /* the callback is queued */
    struct file_request *first, *last; /* the queue */
    uint64_t slots;                    /* a bit for each slot that is free */
    bool has_slots;                    /* the kernel supports slots, so files can be read whole */
    unsigned expected;                 /* completions to come */
};

/* --- uring.c --- */

/* Append a request to the queue, or take it out. */
void async__uring_enqueue(struct uring *u, struct file_request *rq);
void async__uring_dequeue(struct uring *u, const struct file_request *rq);

/* --- uring_call.c --- */

/* Submit as many queued requests as the ring has room for. */
void async__uring_submit(struct uring *u);

/* Handle the completions that have arrived, and wake the tasks whose requests are complete. */
void async__uring_complete(struct uring *u);

#endif
