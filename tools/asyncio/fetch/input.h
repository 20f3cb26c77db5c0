/* SPDX-License-Identifier: MIT */
/* input.h - split a stream of bytes into requests, one for each line, in bounded memory.
 *
 * It reads nothing itself. The caller waits until its descriptor is readable, reads a chunk, feeds
 * it, and takes the requests that have become complete:
 *
 *     while ((r = input_next(&in, &request)) == 0 && !in.eof)
 *         n = read(fd, chunk, sizeof chunk), n > 0 ? input_feed(&in, chunk, n) : input_end(&in); */
#ifndef FETCH_INPUT_H
#define FETCH_INPUT_H

#include "common/text.h"
#include "request.h"

enum { INPUT_LINE_MAX = 1 << 20 };

struct input {
    struct text buffer;
    size_t taken;         /* bytes at the front of the buffer that were given out */
    size_t scanned;       /* bytes behind these in which there is no end of line */
    uint64_t index, line; /* of the request that comes next */
    size_t line_max;
    bool eof;
    bool skipping; /* inside a line that is too long */
};

/* Start with an empty input. The first request gets this index. line_max 0 means
 * INPUT_LINE_MAX. */
void input_init(struct input *in, uint64_t first_index, size_t line_max);
void input_free(struct input *in);

/* Add bytes, which are copied. Returns 0; -EBUSY if input_next() can still return requests, which
 * bounds the memory; -EPIPE after input_end(); -ENOMEM. */
int input_feed(struct input *in, const char *bytes, size_t n);

/* End the input: no more bytes follow. The last line needs no line end. */
void input_end(struct input *in);

/* Take the next request.
 *
 * ret        receives the request if 1 is returned; free it with request_free(). If ret->error is
 *            not empty, the line could not be parsed.
 * Returns    1; 0 if more bytes are needed, or after input_end() if none is left; -ENOMEM. */
int input_next(struct input *in, struct request *ret);

#endif
