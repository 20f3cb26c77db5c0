/* SPDX-License-Identifier: MIT */
/* stream_buffer.h - the bytes of a streamed response between the handler, which writes them, and
 * MHD, which reads them. A ring of fixed size. */
#ifndef WEB_STREAM_BUFFER_H
#define WEB_STREAM_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

enum { WEB_STREAM_BUFFER_SIZE = 65536 };

struct web_stream_buffer {
    char *bytes;
    size_t start, fill; /* the first byte, and how many there are */
};

/* Allocate an empty buffer. Returns 0 or -ENOMEM. */
int web_stream_buffer_init(struct web_stream_buffer *b);
void web_stream_buffer_free(struct web_stream_buffer *b);

/* Copy up to size bytes in, or out. Returns how many were copied. */
size_t web_stream_buffer_put(struct web_stream_buffer *b, const char *bytes, size_t size);
size_t web_stream_buffer_take(struct web_stream_buffer *b, char *bytes, size_t size);

static inline bool web_stream_buffer_is_full(const struct web_stream_buffer *b)
{
    return b->fill == WEB_STREAM_BUFFER_SIZE;
}

#endif
