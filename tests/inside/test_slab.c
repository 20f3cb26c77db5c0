/* SPDX-License-Identifier: MIT */
/* Tests of slabs: records do not overlap, and memory is given back after a burst. */
#include "../frame/suite.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/slab.h"
#include "base/sys.h"

enum { SIZE = 128, MANY = 60000 };

/* A chunk in use and a cached one, which may have been mapped together with others. */
#define KEPT ((long)(2 * SLAB_CHUNK + SLAB_ARENA))

static long mapped;

static void *counting_map(size_t size)
{
    mapped += (long)size;
    return async__sys_kernel.map(size);
}

static int counting_unmap(void *p, size_t size)
{
    mapped -= (long)size;
    return async__sys_kernel.unmap(p, size);
}

static void *no_map(size_t size)
{
    (void)size;
    return NULL;
}

static void count_mappings(void)
{
    async__sys.map = counting_map;
    async__sys.unmap = counting_unmap;
}

static void fill(unsigned char *record, uint32_t id)
{
    memset(record, (int)(id * 7), SIZE);
    memcpy(record, &id, sizeof id);
}

static void check_filled(const unsigned char *record, uint32_t id)
{
    uint32_t found;
    memcpy(&found, record, sizeof found);
    expect_true(found == id);
    for (size_t i = sizeof id; i < SIZE; i++)
        expect_true(record[i] == (unsigned char)(id * 7));
}

/* Compared with a model: a random number of records is in use, each with its own content. */
TEST(slab_records_do_not_overlap)
{
    struct slab s;
    static unsigned char *live[MANY];
    static uint32_t ids[MANY];
    size_t n = 0;
    uint64_t x = 88172645463325252;
    count_mappings();
    async__slab_init(&s, SIZE);
    for (uint32_t i = 1; i <= 600000; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        unsigned phase = i / 40000 % 3; /* phases: grow, stay, shrink */
        bool take = n == 0 || (n < MANY && x % 100 < (phase == 0 ? 80 : phase == 1 ? 50 : 20));
        if (take) {
            live[n] = slab_take(&s);
            expect_true(live[n] && (uintptr_t)live[n] % 64 == 0);
            ids[n] = i;
            fill(live[n++], i);
        } else {
            size_t k = (size_t)(x >> 20) % n;
            check_filled(live[k], ids[k]);
            slab_give(&s, live[k]);
            live[k] = live[--n];
            ids[k] = ids[n];
        }
        expect_true(s.live == n);
    }
    while (n > 0) {
        check_filled(live[n - 1], ids[n - 1]);
        slab_give(&s, live[--n]);
    }
    expect_ok(s.live);
    expect_at_most(mapped, KEPT);
    async__slab_close(&s);
    expect_ok(mapped);
}

TEST(burst_of_records_gives_memory_back)
{
    struct slab s;
    static void *records[MANY];
    count_mappings();
    async__slab_init(&s, SIZE);
    for (int order = 0; order < 2; order++) {
        for (int i = 0; i < MANY; i++)
            records[i] = slab_take(&s);
        expect_at_least(mapped, MANY * SIZE);
        for (int i = 0; i < MANY; i++)
            slab_give(&s, records[order ? i : MANY - 1 - i]);
        expect_at_most(mapped, KEPT);
    }
    async__slab_close(&s);
    expect_ok(mapped);
}

static void mark(void *record, void *arg)
{
    (void)arg;
    ((unsigned char *)record)[SIZE - 1]++;
}

TEST(slab_each_visits_each_record_once)
{
    struct slab s;
    static unsigned char *records[2000];
    async__slab_init(&s, SIZE);
    for (int i = 0; i < 2000; i++) {
        records[i] = slab_take(&s);
        memset(records[i], 0, SIZE);
    }
    for (int i = 0; i < 2000; i += 3)
        slab_give(&s, records[i]);
    async__slab_each(&s, mark, NULL);
    for (int i = 0; i < 2000; i++)
        if (i % 3)
            expect_int(records[i][SIZE - 1], 1);
    async__slab_close(&s);
}

TEST(slab_without_memory_returns_null)
{
    struct slab s;
    async__slab_init(&s, SIZE);
    async__sys.map = no_map;
    expect_null(slab_take(&s));
    expect_ok(s.live);
    async__sys.map = async__sys_kernel.map;
    void *p = slab_take(&s);
    expect_not_null(p);
    async__sys.map = no_map;
    for (uint32_t i = 1; i < s.per_chunk; i++)
        expect_not_null(slab_take(&s));
    expect_null(slab_take(&s));
    slab_give(&s, p);
    expect_ptr(slab_take(&s), p);
    async__slab_close(&s);
}

/* When many records are in use, chunks are mapped several at a time. */
TEST(slab_without_memory_for_arena_uses_single_chunks)
{
    struct slab s;
    async__slab_init(&s, SIZE);
    int n = 0;
    while (!s.arena) {
        expect_not_null(slab_take(&s));
        expect_less(++n, MANY);
    }
    while (s.arena) {
        expect_not_null(slab_take(&s));
        n++;
    }
    async__sys.map = no_map;
    while (slab_take(&s))
        n++;
    expect_int(s.live, (size_t)n);
    async__sys.map = async__sys_kernel.map;
    expect_not_null(slab_take(&s));
    async__slab_close(&s);
}

/* The next crowd needs no mapping. */
TEST(arena_that_is_free_again_is_kept)
{
    struct slab s;
    static void *records[MANY];
    async__slab_init(&s, SIZE);
    int n = 0, before;
    while (!s.arena) {
        expect_less(n, MANY);
        records[n++] = slab_take(&s);
    }
    before = n - 1; /* these lie in chunks that were mapped alone */
    while (s.arena)
        records[n++] = slab_take(&s);
    while (s.open && s.open->fresh < s.per_chunk)
        records[n++] = slab_take(&s);
    expect_null(s.arena);
    for (int i = before; i < n; i++)
        slab_give(&s, records[i]);
    expect_not_null(s.arena);
    async__sys.map = no_map;
    for (int i = before; i < n; i++)
        expect_not_null(slab_take(&s));
    async__sys.map = async__sys_kernel.map;
    async__slab_close(&s);
}

SUITE("inside-slab", slab_without_memory_for_arena_uses_single_chunks, slab_records_do_not_overlap,
      burst_of_records_gives_memory_back, slab_each_visits_each_record_once,
      slab_without_memory_returns_null, arena_that_is_free_again_is_kept)
