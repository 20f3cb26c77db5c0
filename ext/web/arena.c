/* SPDX-License-Identifier: MIT */
/* arena.c - memory that goes with its request: the strings that a handler asks for, and decoded ones. The first
 * half kilobyte is in the request itself, so that most requests allocate nothing. */
#include "internal.h"

#include <stdlib.h>

struct web_block {
    struct web_block *next;
    _Alignas(16) char bytes[];
};

void *web_alloc(async_web_request *rq, size_t size)
{
    size_t start = (rq->room_used + 7) & ~(size_t)7;
    if (start <= WEB_ROOM && size <= WEB_ROOM - start) {
        rq->room_used = start + size;
        return rq->room + start;
    }
    struct web_block *b;
    if (size > SIZE_MAX - sizeof *b || !(b = malloc(sizeof *b + size)))
        return NULL;
    b->next = rq->blocks;
    rq->blocks = b;
    return b->bytes;
}

char *web_copy(async_web_request *rq, const char *text, size_t size)
{
    char *copy = web_alloc(rq, size + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

void web_release(async_web_request *rq)
{
    for (struct web_block *b; (b = rq->blocks);) {
        rq->blocks = b->next;
        free(b);
    }
    rq->room_used = 0;
}
