/* SPDX-License-Identifier: MIT */
/* tracked_malloc.c - replaces malloc(), calloc(), realloc() and free() of the whole program, and
 * pthread_create(). Records of blocks come from a fixed array, since a record cannot be allocated
 * inside malloc(). */
#include "tracked_malloc.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__

const char *tracking_unavailable(void)
{
    return "the sanitizer has a malloc() of its own";
}

void tracking_begin(long n, enum fault_extent extent)
{
    (void)n, (void)extent;
}

bool tracking_end(void)
{
    return false;
}

size_t tracked_blocks(struct tracked_block *ret_oldest)
{
    (void)ret_oldest;
    return 0;
}

#else

enum { BUCKETS = 4096, RECORDS = 32768 };

struct record {
    struct record *next;
    void *p;
    struct tracked_block block;
};

/* glibc's own functions, under the names that it offers to programs that replace malloc(). */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void __libc_free(void *p);

static _Thread_local bool tracking;   /* record the allocations of this thread */
static _Thread_local long countdown;  /* allocations up to the one that fails; 0: none fails */
static _Thread_local long attempt;    /* n of tracking_begin() */
static _Thread_local bool fail_after; /* the later ones, too */
static _Thread_local bool failed;

static atomic_flag lock = ATOMIC_FLAG_INIT; /* of the table; held for a few instructions */
static struct record records[RECORDS], *buckets[BUCKETS], *spare;
static size_t used, live;

const char *tracking_unavailable(void)
{
    const char *preload = getenv("LD_PRELOAD");
    return preload && strstr(preload, "vgpreload") ? "valgrind has a malloc() of its own" : NULL;
}

/* --- the table of blocks --- */

static void table_lock(void)
{
    while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire))
        ;
}

static void table_unlock(void)
{
    atomic_flag_clear_explicit(&lock, memory_order_release);
}

static struct record **bucket_of(const void *p)
{
    return &buckets[((uintptr_t)p >> 4) % BUCKETS];
}

static void block_add(void *p, struct tracked_block block)
{
    table_lock();
    struct record *r = spare;
    if (r)
        spare = r->next;
    else if (used < RECORDS)
        r = &records[used++];
    else
        abort(); /* the scenario needs more blocks at a time than this file provides for */
    struct record **b = bucket_of(p);
    *r = (struct record){ .next = *b, .p = p, .block = block };
    *b = r;
    live++;
    table_unlock();
}

/* Forget a block. Returns false if it was not recorded. */
static bool block_remove(const void *p, struct tracked_block *ret)
{
    bool found = false;
    table_lock();
    for (struct record **at = bucket_of(p), *r; (r = *at) && !found; at = &r->next) {
        if (r->p != p)
            continue;
        found = true;
        *ret = r->block;
        *at = r->next;
        r->next = spare;
        spare = r;
        live--;
        break;
    }
    table_unlock();
    return found;
}

size_t tracked_blocks(struct tracked_block *ret_oldest)
{
    table_lock();
    size_t n = live;
    ret_oldest->attempt = 0;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct record *r = buckets[i]; r; r = r->next)
            if (ret_oldest->attempt == 0 || r->block.attempt < ret_oldest->attempt)
                *ret_oldest = r->block;
    table_unlock();
    return n;
}

/* --- faults --- */

void tracking_begin(long n, enum fault_extent extent)
{
    attempt = countdown = n;
    fail_after = extent == FAIL_ALL_FROM;
    failed = false;
    tracking = true;
}

bool tracking_end(void)
{
    tracking = false;
    countdown = 0;
    return failed;
}

static bool must_fail(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    countdown = fail_after;
    failed = true;
    errno = ENOMEM;
    return true;
}

static void *record_block(void *p, size_t size)
{
    if (p && tracking)
        block_add(p, (struct tracked_block){ .size = size, .attempt = attempt });
    return p;
}

/* --- what is replaced --- */

void *malloc(size_t size)
{
    return must_fail() ? NULL : record_block(__libc_malloc(size), size);
}

void *calloc(size_t n, size_t size)
{
    return must_fail() ? NULL : record_block(__libc_calloc(n, size), n * size);
}

/* The record goes first: as soon as the block is free, another thread may be given its address. */
void free(void *p)
{
    struct tracked_block ignored;
    if (p)
        block_remove(p, &ignored);
    __libc_free(p);
}

/* A recorded block stays recorded wherever it moves to, and whichever thread moves it. */
void *realloc(void *p, size_t size)
{
    struct tracked_block before;
    if (!p)
        return malloc(size);
    if (must_fail())
        return NULL;
    bool recorded = block_remove(p, &before);
    void *moved = __libc_realloc(p, size);
    if (!recorded)
        return record_block(moved, size);
    if (!moved && size == 0)
        return NULL; /* glibc has freed it */
    if (moved)
        before.size = size;
    block_add(moved ? moved : p, before);
    return moved;
}

/* Not recorded: glibc allocates a table for thread-local variables with each new stack, and keeps
 * both for a later thread. How many it keeps depends on how many threads happen to run at once. */
int pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    bool before = tracking;
    tracking = false;
    if (!real) {
        void *symbol = dlsym(RTLD_NEXT, "pthread_create");
        memcpy(&real, &symbol, sizeof real);
    }
    int r = real(ret, attr, fn, arg);
    tracking = before;
    return r;
}

#endif
