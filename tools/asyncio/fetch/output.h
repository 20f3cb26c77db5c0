/* SPDX-License-Identifier: MIT */
/* output.h - write result lines to standard output, many with one write().
 *
 * A line is appended to .lines, followed by output_added(). Neither suspends, so they also work in
 * a task that is being cancelled. A task of its own writes: as soon as there are 64 KiB, otherwise
 * 20 ms after the first line, and to a terminal at once. Pipes are written only while they are
 * ready, so a reader that is slow does not block the other tasks. */
#ifndef FETCH_OUTPUT_H
#define FETCH_OUTPUT_H

#include "common/text.h"

#include <asyncio/loop.h>
#include <asyncio/sync.h>
#include <asyncio/task.h>

enum { OUTPUT_BATCH = 64 * 1024 };

struct output {
    struct text lines;               /* the lines that are written next */
    struct text records;             /* about these lines, passed to `written` */
    int error;                       /* the first error; after it nothing is written */
    void (*on_error)(void *arg);     /* called once */
    void (*before_write)(void *arg); /* called before each write to a terminal */
    void (*written)(void *arg, struct text *records); /* called when lines were written, or NULL */
    async_co (*sync)(void *arg); /* has what was written on the disk; called once a second */
    void *arg;

    int fd;
    bool terminal, pollable;
    bool closing, armed, limited, late;
    struct text out, out_records; /* the lines that are being written, and their records */
    double synced;                /* when `sync` was called last */
    async_event due, room;
    async_callback timer, deadline;
    async_task *task;
};

/* Start. The caller has set on_error, before_write and arg. If there is no memory for the task,
 * on_error is called. */
void output_start(struct output *o, int fd);

void output_added(struct output *o);

/* Wait while two batches are not yet written. Returns 0 or -ECANCELED. */
int await_output_room(struct output *o) ASYNC_CHECK;

/* Stop writing after so many seconds. Lines that are not written by then are dropped, and the error
 * is -ETIMEDOUT. A line of which a part is written is completed if the pipe can be enlarged to hold
 * the rest. Only the first call has an effect. */
void output_set_timeout(struct output *o, double seconds);

/* Write what is left, and end the task. Returns 0 or the first error. */
int await_output_close(struct output *o) ASYNC_CHECK;

#endif
