/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"

#include <asyncio/base.h>

#include <stdatomic.h>
#include <stdlib.h>

static void *libc_malloc(void *ctx, size_t size)
{
    (void)ctx;
    return malloc(size);
}

static void *libc_realloc(void *ctx, void *p, size_t size)
{
    (void)ctx;
    return realloc(p, size);
}

static void libc_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static const async_allocator libc = { libc_malloc, libc_realloc, libc_free, NULL };
static async_allocator chosen = { libc_malloc, libc_realloc, libc_free, NULL };
static atomic_int users; /* see async__alloc_hold() */

int async_set_allocator(const async_allocator *a)
{
    if (atomic_load(&users) > 0)
        return -EBUSY;
    chosen = a ? *a : libc;
    return 0;
}

async_allocator async__allocator_swap(async_allocator a)
{
    async_allocator before = chosen;
    chosen = a;
    return before;
}

int async__alloc_held(void)
{
    return atomic_load(&users);
}

void async__alloc_hold(int change)
{
    atomic_fetch_add(&users, change);
}

void *async__malloc(size_t size)
{
    return chosen.malloc(chosen.ctx, size);
}

void *async__calloc(size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        return NULL;
    void *p = chosen.malloc(chosen.ctx, bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

void *async__realloc(void *p, size_t size)
{
    return chosen.realloc(chosen.ctx, p, size);
}

void async__free(void *p)
{
    if (p)
        chosen.free(chosen.ctx, p);
}

char *async__strdup(const char *s)
{
    size_t size = strlen(s) + 1;
    char *copy = async__malloc(size);
    return copy ? memcpy(copy, s, size) : NULL;
}
