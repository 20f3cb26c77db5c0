/* SPDX-License-Identifier: MIT */
/* alloc.h - all memory of the library is allocated by these functions, so that tests can make any
 * allocation fail. Large areas that are touched little by little (stacks, timers) are mapped
 * through the table of system calls in sys.h instead. */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <asyncio/base.h>

void *async__malloc(size_t size);
void *async__calloc(size_t n, size_t size);
void *async__realloc(void *p, size_t size);
void async__free(void *p);
char *async__strdup(const char *s);

/* Use another allocator, even while loops are open, and return the one that was used before. Only
 * for tests. */
async_allocator async__allocator_swap(async_allocator a);

/* Count one user more (change is 1) or less (-1): an open loop, a pool whose threads outlive its
 * loop, or a thread that has a context. async_set_allocator() fails while there are any, because
 * memory must be freed by the allocator that it came from. */
void async__alloc_hold(int change);

/* Return the number of users. */
int async__alloc_held(void);

#endif
