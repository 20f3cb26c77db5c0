/* SPDX-License-Identifier: MIT */
#include "input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What a buffer may keep while it is idle; a longer line gives its memory back. */
enum { KEEP = 256 * 1024 };

void input_init(struct input *in, uint64_t first_index, size_t line_max)
{
    *in = (struct input){ .index = first_index, .line_max = line_max ? line_max : INPUT_LINE_MAX };
}

void input_free(struct input *in)
{
    text_free(&in->buffer);
    *in = (struct input){ 0 };
}

/* Drop what was given out: once a chunk, not once a line, as no byte is to move twice. */
static void compact(struct input *in)
{
    if (in->taken == in->buffer.len)
        text_reset(&in->buffer, KEEP);
    else
        text_consume(&in->buffer, in->taken);
    in->taken = 0;
}

int input_feed(struct input *in, const char *bytes, size_t n)
{
    if (in->eof)
        return -EPIPE;
    if (in->taken + in->scanned < in->buffer.len)
        return -EBUSY;
    compact(in);
    text_put(&in->buffer, bytes, n);
    return in->buffer.error;
}

void input_end(struct input *in)
{
    in->eof = true;
}

enum found { NOTHING, LINE, TOO_LONG };

/* The next line, or as much of it as proves that it is too long. */
static enum found find_line(struct input *in, const char **ret, size_t *ret_len)
{
    const char *from = in->buffer.data + in->taken;
    size_t have = in->buffer.len - in->taken;
    if (!have)
        return NOTHING;
    const char *end = memchr(from + in->scanned, '\n', have - in->scanned);
    size_t len = end ? (size_t)(end - from) : have;
    in->scanned = len;
    if (len > in->line_max)
        return TOO_LONG;
    if (!end && !in->eof)
        return NOTHING;
    in->taken += len + (end ? 1 : 0);
    in->scanned = 0;
    *ret = from;
    *ret_len = len;
    return LINE;
}

/* Drop bytes up to the next line end. True when it was found, or nothing can follow. */
static bool resync(struct input *in)
{
    const char *from = in->buffer.data + in->taken;
    size_t have = in->buffer.len - in->taken;
    const char *end = have ? memchr(from, '\n', have) : NULL;
    in->taken += end ? (size_t)(end - from) + 1 : have;
    in->scanned = 0;
    in->skipping = !end;
    return end || in->eof;
}

static void trim(const char **s, size_t *n, bool first)
{
    bool bom = first && *n >= 3 && memcmp(*s, "\xef\xbb\xbf", 3) == 0; /* of some editors */
    if (bom) {
        *s += 3;
        *n -= 3;
    }
    while (*n && memchr(" \t\r", (*s)[*n - 1], 3))
        --*n;
    while (*n && memchr(" \t\r", **s, 3)) {
        ++*s;
        --*n;
    }
}

/* "line 4: " in front, even if the end gets lost. */
static void number_error(struct request_spec *s)
{
    char text[sizeof s->error];
    memcpy(text, s->error, sizeof text);
    int n = snprintf(s->error, sizeof s->error, "line %llu: ", (unsigned long long)s->line);
    snprintf(s->error + n, sizeof s->error - (size_t)n, "%.*s", (int)sizeof s->error - n - 1, text);
}

static int give(struct input *in, struct request_spec *s)
{
    s->index = in->index++;
    s->line = in->line;
    if (s->error[0])
        number_error(s);
    return 1;
}

static int too_long(struct input *in, struct request_spec *s)
{
    in->line++;
    in->skipping = true;
    snprintf(s->error, sizeof s->error, "the line is longer than %zu bytes", in->line_max);
    return give(in, s);
}

int input_next(struct input *in, struct request_spec *ret)
{
    const char *s = NULL;
    size_t n = 0;
    *ret = (struct request_spec){ 0 };
    if (in->skipping && !resync(in))
        return 0;
    for (;;) {
        enum found f = find_line(in, &s, &n);
        if (f == NOTHING)
            return 0;
        if (f == TOO_LONG)
            return too_long(in, ret);
        trim(&s, &n, ++in->line == 1);
        if (n && *s != '#')
            break;
    }
    int r = request_spec_parse(ret, s, n);
    if (r < 0) {
        request_spec_free(ret);
        return r;
    }
    return give(in, ret);
}
