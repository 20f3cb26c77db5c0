/* SPDX-License-Identifier: MIT */
#include "stream_buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int web_stream_buffer_init(struct web_stream_buffer *b)
{
    *b = (struct web_stream_buffer){ .bytes = malloc(WEB_STREAM_BUFFER_SIZE) };
    return b->bytes ? 0 : -ENOMEM;
}

void web_stream_buffer_free(struct web_stream_buffer *b)
{
    free(b->bytes);
}

static size_t smaller_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* One piece without a wrap. */
static size_t put_piece(struct web_stream_buffer *b, const char *bytes, size_t size)
{
    size_t at = (b->start + b->fill) % WEB_STREAM_BUFFER_SIZE;
    size = smaller_of(size,
                      smaller_of(WEB_STREAM_BUFFER_SIZE - b->fill, WEB_STREAM_BUFFER_SIZE - at));
    memcpy(b->bytes + at, bytes, size);
    b->fill += size;
    return size;
}

static size_t take_piece(struct web_stream_buffer *b, char *bytes, size_t size)
{
    size = smaller_of(size, smaller_of(b->fill, WEB_STREAM_BUFFER_SIZE - b->start));
    memcpy(bytes, b->bytes + b->start, size);
    b->start = (b->start + size) % WEB_STREAM_BUFFER_SIZE;
    b->fill -= size;
    return size;
}

size_t web_stream_buffer_put(struct web_stream_buffer *b, const char *bytes, size_t size)
{
    size_t n = put_piece(b, bytes, size);
    return n + put_piece(b, bytes + n, size - n);
}

size_t web_stream_buffer_take(struct web_stream_buffer *b, char *bytes, size_t size)
{
    size_t n = take_piece(b, bytes, size);
    return n + take_piece(b, bytes + n, size - n);
}
