/* SPDX-License-Identifier: MIT */
/* output.h - lines to standard output, many in one write().
 *
 * Whoever has a line appends it to .lines, which cannot suspend and so works in a task that is being
 * cancelled, and calls writer_added(). A task of its own writes: when 64 KiB have come together, 20 ms
 * after the first line, on a terminal at once. A reader that does not read holds up nobody who has room:
 * pipes are only written to when they are ready. */
#ifndef FETCH_WRITER_H
#define FETCH_WRITER_H

#include "common/text.h"

#include <asyncio/loop.h>
#include <asyncio/sync.h>
#include <asyncio/task.h>

enum { WRITER_BATCH = 64 * 1024 };

struct writer {
    struct text lines;           /* to be written next */
    int error;                   /* the first one; nothing is written any more */
    void (*on_error)(void *arg); /* called once */
    void (*before)(void *arg);   /* called before each write to a terminal */
    void *arg;

    int fd;
    bool terminal, waits; /* whether it can be waited for */
    bool closing, armed, limited, late;
    struct text out; /* is being written */
    async_event due, room;
    async_callback timer, limit;
    async_task *task;
};

/* Start; on_error, before and arg are set by the caller. Without memory for its task: on_error. */
void writer_start(struct writer *w, int fd);

void writer_added(struct writer *w);

/* Suspends while two batches wait to be written. 0, or -ECANCELED. */
int await_writer_room(struct writer *w) ASYNC_CHECK;

/* From now on the reader has so many seconds. What is not written by then is dropped, but for the rest of a line that was
 * begun, if a pipe can be made to hold it; the error is -ETIMEDOUT. The first call counts. */
void writer_limit(struct writer *w, double seconds);

/* Everything that is there is written, and the task ends. 0, or the first error. */
int await_writer_close(struct writer *w) ASYNC_CHECK;

#endif
