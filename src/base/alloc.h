/* SPDX-License-Identifier: MIT */
/* alloc.h - the first seam: all memory of the library comes through here, so that tests can make
 * any request of it fail. Big, lazily touched areas (stacks, timers) come from the system call seam
 * instead. */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <asyncio/base.h>

void *async__malloc(size_t size);
void *async__calloc(size_t n, size_t size);
void *async__realloc(void *p, size_t size);
void async__free(void *p);
char *async__strdup(const char *s); /* NULL: no memory */

/* For tests: use a, of which more than a loop's memory may come; what was used before. */
async_allocator async__allocator_swap(async_allocator a);
int async__alloc_held(void); /* loops that are open, and pools of theirs */

/* How many loops are open: the allocator may only change while there are none. */
void async__alloc_hold(int change);

#endif
