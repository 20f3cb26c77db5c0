/* SPDX-License-Identifier: MIT */
/* output.c - write result lines to standard output. */
#include "output.h"

#include <asyncio/pool.h>
#include <asyncio/scope.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

static const double batch_seconds = 0.02; /* how long a line may wait for others */

static const double sync_seconds = 1;

/* POLLOUT promises that a write of at most this size to a pipe does not block. */
enum { PIECE_MAX = 4096 };

/* Return how many bytes to write next. A piece ends with a line where possible, so that stopping
 * between two pieces cuts no line. */
static size_t piece_size(const char *p, size_t left)
{
    if (left <= PIECE_MAX)
        return left;
    const char *end = memrchr(p, '\n', PIECE_MAX);
    return end ? (size_t)(end - p) + 1 : PIECE_MAX;
}

/* Write the rest of a line of which a piece is in the pipe, although nothing is read any more:
 * enlarge the pipe, and write as far as there is room. */
static void finish_line(struct output *o, const char *p, size_t left)
{
    const char *end = memchr(p, '\n', left);
    size_t n = end ? (size_t)(end - p) + 1 : left;
    int size = fcntl(o->fd, F_GETPIPE_SZ);
    struct pollfd ready = { .fd = o->fd, .events = POLLOUT };
    if (size > 0 && n < (1 << 20))
        async_ignore(fcntl(o->fd, F_SETPIPE_SZ, size + (int)n + PIECE_MAX));
    while (n > 0 && poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT)) {
        ssize_t done = write(o->fd, p, n < PIECE_MAX ? n : PIECE_MAX);
        if (done <= 0)
            return;
        p += done;
        n -= (size_t)done;
    }
}

/* Write the full buffer: to a pipe in pieces that cannot block, to a file at once. */
static int await_write_out(struct output *o)
{
    const char *p = o->out.data;
    for (size_t left = o->out.len; left;) {
        size_t n = left;
        if (o->pollable) {
            int r = await_fd_ready(o->fd, POLLOUT);
            if (r < 0 && o->late && p > o->out.data && p[-1] != '\n')
                finish_line(o, p, left);
            if (r < 0)
                return r;
            n = piece_size(p, left);
        }
        ssize_t done = write(o->fd, p, n);
        if (done < 0 && errno != EINTR && errno != EAGAIN)
            return -errno;
        if (done > 0) {
            p += done;
            left -= (size_t)done;
        }
    }
    return 0;
}

static void fail_output(struct output *o, int error)
{
    if (o->error)
        return;
    o->error = o->late ? -ETIMEDOUT : error;
    if (o->on_error)
        o->on_error(o->arg);
}

/* Have the lines on the disk, at most once a second, and at the end. */
static int await_sync(struct output *o, bool last)
{
    if (!last && async_time() - o->synced < sync_seconds)
        return 0;
    int r = await_to_thread(o->sync(o->arg));
    o->synced = async_time();
    return r == -ECANCELED ? r : 0;
}

/* Swap the two buffers and write the one that is full. */
static int await_batch(struct output *o)
{
    struct text batch = o->lines;
    o->lines = o->out;
    o->out = batch;
    struct text records = o->records;
    o->records = o->out_records;
    o->out_records = records;
    async_event_set(&o->room);
    if (o->terminal && o->before_write && o->out.len)
        o->before_write(o->arg);
    int r = o->error || !o->out.len ? 0 : await_write_out(o);
    if (r == 0 && !o->error && o->written && o->out_records.len) {
        o->written(o->arg, &o->out_records);
        r = await_sync(o, o->closing && !o->lines.len);
    }
    text_reset(&o->out_records, 4 * OUTPUT_BATCH);
    text_reset(&o->out, 4 * OUTPUT_BATCH);
    return r;
}

/* Write batches until the output is closed and empty. After an error the task goes on, to empty the
 * buffers without writing them. */
ASYNC_DEF(write_lines, (struct output *)o)
{
    while (!o->closing || o->lines.len) {
        int r = await_event_wait(&o->due);
        async_event_clear(&o->due);
        if (r == 0)
            r = await_batch(o);
        else if (!o->lines.len)
            return r;
        if (r < 0)
            fail_output(o, r);
        if (o->late)
            return -ETIMEDOUT;
    }
    return 0;
}

void output_start(struct output *o, int fd)
{
    struct stat st;
    o->fd = fd;
    o->terminal = isatty(fd);
    o->pollable =
            fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || o->terminal);
    o->task = async_create_task(write_lines(o), .name = "output");
    if (!o->task)
        fail_output(o, -ENOMEM);
}

static void on_batch_time(void *arg)
{
    struct output *o = arg;
    o->armed = false;
    async_event_set(&o->due);
}

void output_added(struct output *o)
{
    if (o->error) {
        text_reset(&o->lines, 4 * OUTPUT_BATCH);
    } else if (o->lines.len >= OUTPUT_BATCH || o->terminal) {
        async_event_set(&o->due);
    } else if (!o->armed) {
        o->armed = true;
        async_call_later(&o->timer, batch_seconds, on_batch_time, o);
    }
}

static void on_output_deadline(void *arg)
{
    struct output *o = arg;
    o->late = true;
    async_task_cancel(o->task);
}

void output_set_timeout(struct output *o, double seconds)
{
    if (o->limited)
        return;
    o->limited = true;
    async_call_later(&o->deadline, seconds, on_output_deadline, o);
}

int await_output_room(struct output *o)
{
    while (!o->error && o->lines.len >= 2 * OUTPUT_BATCH) {
        async_event_clear(&o->room);
        ASYNC_TRY(await_event_wait(&o->room));
    }
    return 0;
}

int await_output_close(struct output *o)
{
    o->closing = true;
    async_event_set(&o->due);
    int r = await_task(o->task);
    async_callback_cancel(&o->timer);
    async_callback_cancel(&o->deadline);
    await_task_drop(&o->task);
    text_free(&o->lines);
    text_free(&o->out);
    text_free(&o->records);
    text_free(&o->out_records);
    return o->error ? o->error : r;
}
