/* SPDX-License-Identifier: MIT */
/* stream_read.c - fuzz the reading functions of streams.
 *
 * The first line of the input is a list of calls, each a letter and a number, such as "l80 e5 r16".
 * The rest of the input are the bytes of the stream:
 *
 *   rN   await_stream_read() of N bytes at most
 *   lN   await_stream_readline() into N bytes
 *   uN   await_stream_readuntil() "\r\n" into N bytes
 *   sN   the same with the separator "--="
 *   eN   await_stream_readexactly() of N bytes
 *   nN   one line of async_lines() with a limit of N bytes
 *   aN   await_stream_read_all() with a limit of N bytes
 *
 * Each call must return what it promises, whatever the pieces are in which the bytes arrive, and
 * whatever calls are cancelled in between: a cancelled call consumes nothing. What the calls leave
 * is read to the end. */
#include "fuzz.h"

#include <asyncio.h>
#include <asyncio/stream_ops.h>
#include <asyncio/testing.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 300, CALLS_MAX = 200 };

/* --- streams on top of others, whose operation read suspends by itself --- */

struct layer {
    async_stream *inner; /* owned */
    char latest[NUMBER_MAX + 1];
    char back[NUMBER_MAX + 1]; /* bytes that were taken back, to be read next */
    size_t latest_size, back_size;
};

static const struct async_stream_ops plain_ops, unread_ops;

static struct layer *layer_of(async_stream *s)
{
    struct layer *l = async_stream_self(s, &plain_ops);
    return l ? l : async_stream_self(s, &unread_ops);
}

static ssize_t layer_read(async_stream *s, void *buf, size_t size)
{
    return await_stream_read(layer_of(s)->inner, buf, size);
}

static void layer_close(async_stream *s)
{
    async_stream_close(layer_of(s)->inner);
}

static void layer_free(async_stream *s)
{
    struct layer *l = layer_of(s);
    async_stream_drop(&l->inner);
    free(l);
}

static const struct async_stream_ops plain_ops = { .read = layer_read,
                                                   .close = layer_close,
                                                   .free = layer_free,
                                                   .read_ahead = 3 };

/* --- a stream that takes bytes back, as a file does --- */

/* Give out bytes that were taken back, or else new ones, and remember what was given out. */
static ssize_t unread_read(async_stream *s, void *buf, size_t size)
{
    struct layer *l = layer_of(s);
    ssize_t n = (ssize_t)(l->back_size < size ? l->back_size : size);
    if (n > 0) {
        memcpy(buf, l->back, (size_t)n);
        l->back_size -= (size_t)n;
        memmove(l->back, l->back + n, l->back_size);
    } else {
        n = await_stream_read(l->inner, buf, size < NUMBER_MAX ? size : NUMBER_MAX);
        if (n < 0)
            return n;
    }
    size_t keep = l->latest_size, room = sizeof l->latest - (size_t)n;
    if (keep > room) {
        memmove(l->latest, l->latest + (keep - room), room);
        keep = room;
    }
    memcpy(l->latest + keep, buf, (size_t)n);
    l->latest_size = keep + (size_t)n;
    return n;
}

static void unread_unread(async_stream *s, size_t n)
{
    struct layer *l = layer_of(s);
    fuzz_check(n <= l->latest_size && l->back_size + n <= sizeof l->back,
               "%zu of %zu bytes taken back behind %zu", n, l->latest_size, l->back_size);
    memmove(l->back + n, l->back, l->back_size);
    memcpy(l->back, l->latest + l->latest_size - n, n);
    l->back_size += n;
    l->latest_size -= n;
}

static const struct async_stream_ops unread_ops = { .read = unread_read,
                                                    .close = layer_close,
                                                    .free = layer_free,
                                                    .unread = unread_unread };

static async_stream *put_layer(async_stream *inner, const struct async_stream_ops *ops)
{
    struct layer *l = calloc(1, sizeof *l);
    async_stream *s = NULL;
    fuzz_check(l, "no memory");
    l->inner = inner;
    fuzz_check(async_stream_new(ops, l, &s) == 0, "no stream");
    return s;
}

/* --- the calls --- */

struct call {
    char kind;
    size_t number;
};

/* What is read: the stream, and where it should be. */
struct reading {
    async_stream *stream;
    const char *bytes; /* that the stream must return */
    size_t size, at;   /* their number, and how many of them were consumed */
    struct fuzz_random *random;
    bool cancels; /* interrupt some of the calls */

    /* the call under way */
    struct call call;
    ssize_t result;
    size_t got;
    char *text; /* what it has read; from malloc() */
};

static const char *separator_of(char kind)
{
    return kind == 'u' ? "\r\n" : kind == 's' ? "--=" : "\n";
}

/* Read one line through a generator, and leave the loop. */
static ssize_t await_one_line(struct reading *rd, size_t limit)
{
    int r;
    ssize_t n = 0;
    await_for_each (r, line, async_lines(rd->stream, .limit = limit)) {
        n = (ssize_t)strlen(line);
        memcpy(rd->text, line, (size_t)n + 1);
        rd->got = 1;
        break;
    }
    return r < 0 ? r : n;
}

static ssize_t await_read_all(struct reading *rd, size_t limit)
{
    async_data_auto all = NULL;
    size_t size = 0;
    int r = await_stream_read_all(rd->stream, &all, &size, .limit = limit);
    if (r < 0)
        return r;
    fuzz_check(size <= limit && !all[size], "%zu bytes, limit %zu", size, limit);
    free(rd->text);
    rd->text = fuzz_copy(all, size);
    return (ssize_t)size;
}

/* Make the call. Its buffer has exactly the size that the call may use; a line that a generator
 * returns is copied with a NUL. */
static ssize_t await_one_call(struct reading *rd)
{
    size_t n = rd->call.number;
    rd->got = 0;
    rd->text = malloc(n + (rd->call.kind == 'n'));
    switch (rd->call.kind) {
    case 'r':
        return await_stream_read(rd->stream, rd->text, n);
    case 'l':
        return await_stream_readline(rd->stream, rd->text, n);
    case 'e':
        return await_stream_readexactly(rd->stream, rd->text, n, &rd->got);
    case 'n':
        return await_one_line(rd, n);
    case 'a':
        return await_read_all(rd, n);
    default:
        return await_stream_readuntil(rd->stream, separator_of(rd->call.kind), rd->text, n);
    }
}

/* --- what they must return --- */

/* Returns the length up to the end of the next separator, or to the end of the stream. */
static size_t length_of_text(const struct reading *rd, const char *separator)
{
    size_t left = rd->size - rd->at, m = strlen(separator);
    const char *from = rd->bytes + rd->at, *hit = memmem(from, left, separator, m);
    return hit ? (size_t)(hit - from) + m : left;
}

/* The call has consumed n bytes and returned them. */
static void check_consumed(struct reading *rd, size_t n)
{
    fuzz_check(n <= rd->size - rd->at, "%zu bytes of %zu", n, rd->size - rd->at);
    fuzz_check(!n || memcmp(rd->text, rd->bytes + rd->at, n) == 0, "%c%zu: wrong bytes",
               rd->call.kind, rd->call.number);
    rd->at += n;
}

static void check_text(struct reading *rd)
{
    size_t n = length_of_text(rd, separator_of(rd->call.kind));
    if (n >= rd->call.number) {
        fuzz_check(rd->result == -ENOBUFS, "%c%zu: %zd for %zu bytes", rd->call.kind,
                   rd->call.number, rd->result, n);
        return;
    }
    fuzz_check(rd->result == (ssize_t)n && !rd->text[n], "%c%zu: %zd for %zu bytes", rd->call.kind,
               rd->call.number, rd->result, n);
    check_consumed(rd, n);
}

/* A line of a generator ends at a NUL for its reader, since it is a string. */
static void check_line(struct reading *rd)
{
    size_t n = length_of_text(rd, "\n");
    if (n > rd->call.number) {
        fuzz_check(rd->result == -ENOBUFS, "n%zu: %zd for %zu bytes", rd->call.number, rd->result,
                   n);
        return;
    }
    const char *line = rd->bytes + rd->at;
    size_t shown = n > 0 && line[n - 1] == '\n' ? n - 1 : n;
    fuzz_check(rd->got == (n > 0), "n%zu: %zu lines", rd->call.number, rd->got);
    fuzz_check(rd->result == (ssize_t)strnlen(line, shown), "n%zu: %zd for %zu bytes",
               rd->call.number, rd->result, shown);
    fuzz_check(!n || memcmp(rd->text, line, (size_t)rd->result) == 0, "n%zu: wrong bytes",
               rd->call.number);
    rd->at += n;
}

static void check_exactly(struct reading *rd)
{
    size_t left = rd->size - rd->at, wanted = rd->call.number, n = left < wanted ? left : wanted;
    fuzz_check(rd->result == (n == wanted ? (ssize_t)n : -ENODATA), "e%zu: %zd with %zu left",
               wanted, rd->result, left);
    fuzz_check(rd->got == n, "e%zu: got %zu with %zu left", wanted, rd->got, left);
    check_consumed(rd, n);
}

static void check_some(struct reading *rd)
{
    size_t left = rd->size - rd->at, most = left < rd->call.number ? left : rd->call.number;
    fuzz_check(rd->result >= (most > 0) && (size_t)rd->result <= most, "r%zu: %zd with %zu left",
               rd->call.number, rd->result, left);
    check_consumed(rd, (size_t)rd->result);
}

static void check_all(struct reading *rd)
{
    size_t left = rd->size - rd->at;
    fuzz_check(rd->result == (left > rd->call.number ? -ENOBUFS : (ssize_t)left),
               "a%zu: %zd with %zu left", rd->call.number, rd->result, left);
    if (rd->result >= 0)
        check_consumed(rd, left);
}

static void check_call(struct reading *rd)
{
    switch (rd->call.kind) {
    case 'r':
        check_some(rd);
        break;
    case 'e':
        check_exactly(rd);
        break;
    case 'n':
        check_line(rd);
        break;
    case 'a':
        check_all(rd);
        break;
    default:
        check_text(rd);
    }
}

/* --- tasks --- */

/* Make a call, some of them within a timeout, until it is not cancelled. */
static int await_call(struct reading *rd)
{
    for (;;) {
        int r = 0;
        if (rd->cancels && fuzz_random_below(rd->random, 2)) {
            await_timeout (r, (double)fuzz_random_below(rd->random, 5))
                rd->result = await_one_call(rd);
        } else {
            rd->result = await_one_call(rd);
        }
        if (rd->result != -ECANCELED)
            check_call(rd);
        free(rd->text);
        rd->text = NULL;
        if (rd->result != -ECANCELED)
            return 0;
        fuzz_check(r == -ETIMEDOUT && rd->got == 0, "%d, %zu bytes", r, rd->got);
    }
}

/* Write the bytes in pieces, with delays in between. */
ASYNC_DEF(write_pieces, (struct reading *)rd, (async_stream *)to)
{
    for (size_t at = 0, n; at < rd->size; at += n) {
        n = fuzz_random_piece(rd->random, rd->size - at);
        ASYNC_TRY(await_stream_write(to, rd->bytes + at, n));
        if (fuzz_random_below(rd->random, 2))
            ASYNC_TRY(await_sleep((double)fuzz_random_below(rd->random, 4)));
    }
    return async_stream_write_eof(to);
}

/* Returns the next call of the list, or one with the kind 0 at its end. */
static struct call next_call(const char **list, const char *end)
{
    struct call c = { 0, 0 };
    while (*list < end && !strchr("rlusena", **list))
        ++*list;
    if (*list < end)
        c.kind = *(*list)++;
    for (; *list < end && **list >= '0' && **list <= '9'; ++*list)
        c.number = (c.number * 10 + (size_t)(**list - '0')) % NUMBER_MAX;
    c.number += c.kind && c.number == 0; /* 0 means another limit for some of them */
    return c;
}

/* Make the calls of the list, and then read the rest. */
ASYNC_DEF(read_by_list, (struct reading *)rd, (const char *)list, (const char *)end)
{
    int count = 0;
    while ((rd->call = next_call(&list, end)).kind && count++ < CALLS_MAX)
        ASYNC_TRY(await_call(rd));
    do {
        rd->call = (struct call){ 'r', 64 };
        ASYNC_TRY(await_call(rd));
    } while (rd->result > 0);
    fuzz_check(rd->at == rd->size, "%zu of %zu bytes were read", rd->at, rd->size);
    return 0;
}

ASYNC_DEF(run_input, (struct reading *)rd, (const char *)list, (const char *)end,
          (const struct async_stream_ops *)layer)
{
    async_stream_auto to = NULL;
    async_stream_auto from = NULL;
    size_t room = rd->cancels ? 1 + fuzz_random_below(rd->random, 16) : 4096;
    ASYNC_TRY(async_stream_pair(&to, &from, .room = room));
    if (layer)
        from = put_layer(from, layer);
    rd->stream = from;
    return await_gather(NULL, write_pieces(rd, to), read_by_list(rd, list, end));
}

/* All runs share a loop, because a new one for each would take most of the time. */
static void run_once(const uint8_t *data, size_t size, bool cancels,
                     const struct async_stream_ops *layer)
{
    static async_runner *runner;
    if (!runner)
        runner = async_runner_open(&(struct async_run_opts){ .virtual_clock = true });
    const char *text = (const char *)data, *end = memchr(text, '\n', size);
    struct fuzz_random random;
    fuzz_random_init(&random, data, size);
    struct reading rd = { .random = &random, .cancels = cancels };
    end = end ? end : text + size;
    rd.bytes = end < text + size ? end + 1 : end;
    rd.size = size - (size_t)(rd.bytes - text);
    int r = async_runner_run(runner, run_input(&rd, text, end, layer));
    fuzz_check(r == 0, "the run returned %d", r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) /* a file that is empty has no list of calls */
        return 0;
    run_once(data, size, false, NULL);
    run_once(data, size, true, NULL);
    run_once(data, size, true, &plain_ops);
    run_once(data, size, true, &unread_ops);
    return 0;
}
