/* SPDX-License-Identifier: MIT */
/* input.h - requests out of a stream of bytes: a line each, in memory that does not grow with
 * their number.
 *
 * It reads nothing itself. Whoever drives it waits until the descriptor is readable, reads a
 * chunk, feeds it, and takes what has become complete:
 *
 *     while ((r = input_next(&in, &spec)) == 0 && !in.eof)
 *         n = read(fd, chunk, sizeof chunk), n > 0 ? input_feed(&in, chunk, n) : input_end(&in);
 */
#ifndef FETCH_INPUT_H
#define FETCH_INPUT_H

#include "request.h"
#include "common/text.h"

enum { INPUT_LINE_MAX = 1 << 20 };

struct input {
    struct text buffer;
    size_t taken;   /* bytes of the buffer that are done */
    size_t scanned; /* bytes behind these that hold no line end */
    uint64_t index, line;
    size_t line_max;
    bool eof;
    bool skipping; /* the rest of a line that was too long */
};

/* Start. line_max 0: INPUT_LINE_MAX. The first spec gets this index. */
void input_init(struct input *in, uint64_t first_index, size_t line_max);
void input_free(struct input *in);

/* More bytes (copied). -EBUSY: take what is there with input_next() first, this is what bounds the
 * memory. -EPIPE: after input_end(). -ENOMEM. */
int input_feed(struct input *in, const char *bytes, size_t n);

/* There are no more; a last line needs no line end. */
void input_end(struct input *in);

/* 1: *ret is the next, to be freed with request_spec_free(); look at its error first. 0: more
 * bytes are needed, or after input_end(): that was all. -ENOMEM. */
int input_next(struct input *in, struct request_spec *ret);

#endif
