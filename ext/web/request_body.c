/* SPDX-License-Identifier: MIT */
#include "request_body.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 4096 };

/* Make room for size more bytes and a '\0'. The capacity doubles, but never exceeds what a body of
 * limit bytes needs. */
static bool grow_body(struct web_body *b, size_t size, size_t limit)
{
    size_t capacity = b->capacity ? b->capacity * 2 : FIRST_CAPACITY;
    while (capacity <= b->size + size)
        capacity *= 2;
    if (capacity > limit)
        capacity = limit + 1;
    char *bytes = realloc(b->bytes, capacity);
    if (!bytes)
        return false;
    b->bytes = bytes;
    b->capacity = capacity;
    return true;
}

int web_body_append(struct web_body *b, const void *bytes, size_t size, size_t limit)
{
    if (size > limit - b->size)
        return 413;
    if (b->size + size >= b->capacity && !grow_body(b, size, limit))
        return 503;
    memcpy(b->bytes + b->size, bytes, size);
    b->size += size;
    b->bytes[b->size] = '\0';
    return 0;
}

bool web_body_discard(struct web_body *b, size_t size, size_t limit)
{
    b->discarded += size;
    return b->discarded <= WEB_DISCARD_MAX + limit;
}

void web_body_free(struct web_body *b)
{
    free(b->bytes);
}
