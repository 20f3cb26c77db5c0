/* SPDX-License-Identifier: MIT */
#include "output.h"

#include <asyncio/scope.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

static const double patience = 0.02; /* seconds that a line may wait for others */

/* To write no more than this to a pipe that is ready cannot block: it is what POLLOUT promises. */
enum { PIECE = 4096 };

/* Pieces end where a line ends, if it can be: who stops between two has not cut one. */
static size_t piece(const char *p, size_t left)
{
    if (left <= PIECE)
        return left;
    const char *end = memrchr(p, '\n', PIECE);
    return end ? (size_t)(end - p) + 1 : PIECE;
}

/* Nobody reads any more, and a line longer than a piece was begun: into the pipe with the rest, as far as there is room. */
static void finish_line(struct writer *w, const char *p, size_t left)
{
    const char *end = memchr(p, '\n', left);
    size_t n = end ? (size_t)(end - p) + 1 : left;
    int size = fcntl(w->fd, F_GETPIPE_SZ);
    struct pollfd ready = { .fd = w->fd, .events = POLLOUT };
    if (size > 0 && n < (1 << 20))
        async_ignore(fcntl(w->fd, F_SETPIPE_SZ, size + (int)n + PIECE));
    while (n > 0 && poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT)) {
        ssize_t done = write(w->fd, p, n < PIECE ? n : PIECE);
        if (done <= 0)
            return;
        p += done;
        n -= (size_t)done;
    }
}

static int await_write(struct writer *w)
{
    const char *p = w->out.data;
    for (size_t left = w->out.len; left;) {
        size_t n = left;
        if (w->waits) {
            int r = await_fd_ready(w->fd, POLLOUT);
            if (r < 0 && w->late && p > w->out.data && p[-1] != '\n')
                finish_line(w, p, left);
            if (r < 0)
                return r;
            n = piece(p, left);
        }
        ssize_t done = write(w->fd, p, n);
        if (done < 0 && errno != EINTR && errno != EAGAIN)
            return -errno;
        if (done > 0) {
            p += done;
            left -= (size_t)done;
        }
    }
    return 0;
}

static void fail(struct writer *w, int error)
{
    if (w->error)
        return;
    w->error = w->late ? -ETIMEDOUT : error;
    if (w->on_error)
        w->on_error(w->arg);
}

static int await_batch(struct writer *w)
{
    struct text batch = w->lines;
    w->lines = w->out;
    w->out = batch;
    async_event_set(&w->room);
    if (w->terminal && w->before && w->out.len)
        w->before(w->arg);
    int r = w->error || !w->out.len ? 0 : await_write(w);
    text_reset(&w->out, 4 * WRITER_BATCH);
    return r;
}

ASYNC_DEF(writer_run, (struct writer *)w)
{
    while (!w->closing || w->lines.len) {
        int r = await_event_wait(&w->due);
        async_event_clear(&w->due);
        if (r == 0)
            r = await_batch(w);
        else if (!w->lines.len)
            return r;
        if (r < 0)
            fail(w, r);
        if (w->late)
            return -ETIMEDOUT;
    }
    return 0;
}

void writer_start(struct writer *w, int fd)
{
    struct stat st;
    w->fd = fd;
    w->terminal = isatty(fd);
    w->waits = fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || w->terminal);
    w->task = async_create_task(writer_run(w));
    if (!w->task)
        fail(w, -ENOMEM);
}

static void on_time(void *arg)
{
    struct writer *w = arg;
    w->armed = false;
    async_event_set(&w->due);
}

void writer_added(struct writer *w)
{
    if (w->error) {
        text_reset(&w->lines, 4 * WRITER_BATCH);
    } else if (w->lines.len >= WRITER_BATCH || w->terminal) {
        async_event_set(&w->due);
    } else if (!w->armed) {
        w->armed = true;
        async_call_later(&w->timer, patience, on_time, w);
    }
}

static void on_limit(void *arg)
{
    struct writer *w = arg;
    w->late = true;
    async_task_cancel(w->task);
}

void writer_limit(struct writer *w, double seconds)
{
    if (w->limited)
        return;
    w->limited = true;
    async_call_later(&w->limit, seconds, on_limit, w);
}

int await_writer_room(struct writer *w)
{
    while (!w->error && w->lines.len >= 2 * WRITER_BATCH) {
        async_event_clear(&w->room);
        ASYNC_TRY(await_event_wait(&w->room));
    }
    return 0;
}

int await_writer_close(struct writer *w)
{
    w->closing = true;
    async_event_set(&w->due);
    int r = await_task(w->task);
    async_callback_cancel(&w->timer);
    async_callback_cancel(&w->limit);
    await_task_drop(&w->task);
    text_free(&w->lines);
    text_free(&w->out);
    return w->error ? w->error : r;
}
