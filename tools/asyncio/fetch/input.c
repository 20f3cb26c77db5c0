/* SPDX-License-Identifier: MIT */
/* input.c - split input into lines, and parse each line. */
#include "input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Bytes of capacity that an empty buffer keeps; what a longer line needed is freed. */
enum { KEEP_CAPACITY = 256 * 1024 };

void input_init(struct input *in, uint64_t first_index, size_t line_max)
{
    *in = (struct input){ .index = first_index, .line_max = line_max ? line_max : INPUT_LINE_MAX };
}

void input_free(struct input *in)
{
    text_free(&in->buffer);
    *in = (struct input){ 0 };
}

/* Remove the lines that were given out. This is done once for each chunk, not for each line, so
 * that no byte is moved twice. */
static void remove_taken(struct input *in)
{
    if (in->taken == in->buffer.len)
        text_reset(&in->buffer, KEEP_CAPACITY);
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
    remove_taken(in);
    text_put(&in->buffer, bytes, n);
    return in->buffer.error;
}

void input_end(struct input *in)
{
    in->eof = true;
}

enum found { FOUND_NOTHING, FOUND_LINE, FOUND_TOO_LONG };

/* Find the next line, or enough of it to prove that it is too long. */
static enum found find_line(struct input *in, const char **ret, size_t *ret_len)
{
    const char *from = in->buffer.data + in->taken;
    size_t have = in->buffer.len - in->taken;
    if (!have)
        return FOUND_NOTHING;
    const char *end = memchr(from + in->scanned, '\n', have - in->scanned);
    size_t len = end ? (size_t)(end - from) : have;
    in->scanned = len;
    if (len > in->line_max)
        return FOUND_TOO_LONG;
    if (!end && !in->eof)
        return FOUND_NOTHING;
    in->taken += len + (end ? 1 : 0);
    in->scanned = 0;
    *ret = from;
    *ret_len = len;
    return FOUND_LINE;
}

/* Skip the rest of a line that is too long. Returns true at its end, or when no more input
 * follows. */
static bool skip_line(struct input *in)
{
    const char *from = in->buffer.data + in->taken;
    size_t have = in->buffer.len - in->taken;
    const char *end = have ? memchr(from, '\n', have) : NULL;
    in->taken += end ? (size_t)(end - from) + 1 : have;
    in->scanned = 0;
    in->skipping = !end;
    return end || in->eof;
}

/* Remove white space at both ends, and in the first line the byte order mark that some editors
 * write. */
static void trim_line(const char **s, size_t *n, bool first)
{
    bool bom = first && *n >= 3 && memcmp(*s, "\xef\xbb\xbf", 3) == 0;
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

/* Put "line 4: " in front of the error, which loses its end if it becomes too long. */
static void prefix_error(struct request *s)
{
    char text[sizeof s->error];
    memcpy(text, s->error, sizeof text);
    int n = snprintf(s->error, sizeof s->error, "line %llu: ", (unsigned long long)s->line);
    snprintf(s->error + n, sizeof s->error - (size_t)n, "%.*s", (int)sizeof s->error - n - 1, text);
}

static int give_request(struct input *in, struct request *s)
{
    s->index = in->index++;
    s->line = in->line;
    if (s->error[0])
        prefix_error(s);
    return 1;
}

static int give_too_long(struct input *in, struct request *s)
{
    in->line++;
    in->skipping = true;
    snprintf(s->error, sizeof s->error, "the line is longer than %zu bytes", in->line_max);
    return give_request(in, s);
}

int input_next(struct input *in, struct request *ret)
{
    const char *s = NULL;
    size_t n = 0;
    *ret = (struct request){ .timeout = -1, .max_body = -1, .retries = -1 };
    if (in->skipping && !skip_line(in))
        return 0;
    for (;;) {
        enum found f = find_line(in, &s, &n);
        if (f == FOUND_NOTHING)
            return 0;
        if (f == FOUND_TOO_LONG)
            return give_too_long(in, ret);
        trim_line(&s, &n, ++in->line == 1);
        if (n && *s != '#')
            break;
    }
    int r = request_parse(ret, s, n);
    if (r < 0) {
        request_free(ret);
        return r;
    }
    return give_request(in, ret);
}
