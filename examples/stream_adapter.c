/* SPDX-License-Identifier: MIT */
/* A stream of a new kind, on top of another stream: it turns all that passes through it into
 * capital letters, and counts the bytes. TLS would be built in the same way. Lines, printf() and
 * the rest of stream.h work on it as on any other stream. */
#include <asyncio.h>
#include <asyncio/testing.h> /* a pair of streams in memory, instead of a connection */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* --- the adapter --- */

struct upper {
    async_stream *inner; /* owned */
    size_t bytes_read, bytes_written;
};

static const struct async_stream_ops upper_ops;

static struct upper *upper_of(async_stream *s)
{
    return async_stream_self(s, &upper_ops);
}

static void to_upper(char *to, const char *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (char)toupper((unsigned char)from[i]);
}

/* The inner stream waits, and consumes nothing if the task is cancelled. */
static ssize_t upper_read(async_stream *s, void *buf, size_t size)
{
    struct upper *u = upper_of(s);
    ssize_t n = await_stream_read(u->inner, buf, size);
    if (n > 0) {
        to_upper(buf, buf, (size_t)n);
        u->bytes_read += (size_t)n;
    }
    return n;
}

/* Write at least one byte. The library calls again for the rest. */
static ssize_t upper_write(async_stream *s, const void *buf, size_t size)
{
    struct upper *u = upper_of(s);
    char piece[512];
    size_t part = size < sizeof piece ? size : sizeof piece;
    to_upper(piece, buf, part);
    ssize_t n = await_stream_write_some(u->inner, piece, part);
    if (n > 0)
        u->bytes_written += (size_t)n;
    return n;
}

static int upper_write_eof(async_stream *s)
{
    return async_stream_write_eof(upper_of(s)->inner);
}

/* await_stream_close() calls this before the stream is closed, so it may suspend. TLS would send
 * its close_notify here. */
static int upper_finish(async_stream *s)
{
    return await_stream_write(upper_of(s)->inner, "(the end)\n", 10);
}

/* Closing the inner stream wakes a task that is suspended in upper_read() or upper_write(). */
static void upper_close(async_stream *s)
{
    async_stream_close(upper_of(s)->inner);
}

static void upper_free(async_stream *s)
{
    struct upper *u = upper_of(s);
    async_stream_drop(&u->inner);
    free(u);
}

static const struct async_stream_ops upper_ops = {
    .read = upper_read,
    .write = upper_write,
    .write_eof = upper_write_eof,
    .finish = upper_finish,
    .close = upper_close,
    .free = upper_free,
};

/* Make *ret a stream on top of inner, and the owner of inner, also after an error. */
static int upper_open(async_stream *inner, async_stream **ret)
{
    struct upper *u = calloc(1, sizeof *u);
    int r = -ENOMEM;
    if (u) {
        u->inner = inner;
        r = async_stream_new(&upper_ops, u, ret);
    }
    if (r < 0) {
        free(u);
        async_stream_drop(&inner);
    }
    return r;
}

/* --- a program that uses it --- */

ASYNC_DEF(print_all, (async_stream *)s)
{
    int r;
    await_for_each (r, line, async_lines(s))
        printf("peer received: %s\n", line);
    return r;
}

ASYNC_DEF(amain)
{
    async_stream *near_end;
    async_stream_auto far_end = NULL;
    async_stream_auto upper = NULL;
    char line[64];
    ASYNC_TRY(async_stream_pair(&near_end, &far_end));
    ASYNC_TRY(upper_open(near_end, &upper));

    ASYNC_TRY(await_stream_printf(far_end, "hello\nfrom %d lines\n", 2));
    for (int i = 0; i < 2; i++) {
        ASYNC_TRY(await_stream_readline(upper, line, sizeof line));
        printf("we received: %s", line);
    }

    await_task_auto peer = async_create_task(print_all(far_end));
    ASYNC_TRY(await_stream_write(upper, "and back\n", 9));
    printf("%zu bytes read, %zu bytes written\n", upper_of(upper)->bytes_read,
           upper_of(upper)->bytes_written);
    ASYNC_TRY(await_stream_close(upper));
    return await_task(peer);
}

int main(void)
{
    return async_main(amain());
}
