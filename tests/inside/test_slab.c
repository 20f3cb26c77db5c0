/* SPDX-License-Identifier: MIT */
/* Slabs: records stay apart, and a burst leaves nothing behind. */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/slab.h"
#include "base/sys.h"
#include "suite.h"

enum { SIZE = 128, MANY = 60000 };

/* A chunk that serves, and one kept warm, which may have been mapped with others. */
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
    must(found == id);
    for (size_t i = sizeof id; i < SIZE; i++)
        must(record[i] == (unsigned char)(id * 7));
}

/* Against a model: a random number of records lives, each with its own content. */
START_TEST(records_stay_apart)
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
        unsigned phase = i / 40000 % 3; /* grow, stay, shrink */
        bool take = n == 0 || (n < MANY && x % 100 < (phase == 0 ? 80 : phase == 1 ? 50 : 20));
        if (take) {
            live[n] = slab_take(&s);
            must(live[n] && (uintptr_t)live[n] % 64 == 0);
            ids[n] = i;
            fill(live[n++], i);
        } else {
            size_t k = (size_t)(x >> 20) % n;
            check_filled(live[k], ids[k]);
            slab_give(&s, live[k]);
            live[k] = live[--n];
            ids[k] = ids[n];
        }
        must(s.live == n);
    }
    while (n > 0) {
        check_filled(live[n - 1], ids[n - 1]);
        slab_give(&s, live[--n]);
    }
    ck_assert_uint_eq(s.live, 0);
    ck_assert_int_le(mapped, KEPT);
    async__slab_close(&s);
    ck_assert_int_eq(mapped, 0);
}
END_TEST

START_TEST(burst_leaves_nothing)
{
    struct slab s;
    static void *records[MANY];
    count_mappings();
    async__slab_init(&s, SIZE);
    for (int order = 0; order < 2; order++) {
        for (int i = 0; i < MANY; i++)
            records[i] = slab_take(&s);
        ck_assert_int_ge(mapped, MANY * SIZE);
        for (int i = 0; i < MANY; i++)
            slab_give(&s, records[order ? i : MANY - 1 - i]);
        ck_assert_int_le(mapped, KEPT);
    }
    async__slab_close(&s);
    ck_assert_int_eq(mapped, 0);
}
END_TEST

static void mark(void *record, void *arg)
{
    (void)arg;
    ((unsigned char *)record)[SIZE - 1]++;
}

START_TEST(each_record_once)
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
            ck_assert_uint_eq(records[i][SIZE - 1], 1);
    async__slab_close(&s);
}
END_TEST

START_TEST(no_memory)
{
    struct slab s;
    async__slab_init(&s, SIZE);
    async__sys.map = no_map;
    ck_assert_ptr_null(slab_take(&s));
    ck_assert_uint_eq(s.live, 0);
    async__sys.map = async__sys_kernel.map;
    void *p = slab_take(&s);
    ck_assert_ptr_nonnull(p);
    async__sys.map = no_map;
    for (uint32_t i = 1; i < s.per_chunk; i++)
        ck_assert_ptr_nonnull(slab_take(&s));
    ck_assert_ptr_null(slab_take(&s));
    slab_give(&s, p);
    ck_assert_ptr_eq(slab_take(&s), p);
    async__slab_close(&s);
}
END_TEST

/* Many live: chunks come in larger pieces then. */
START_TEST(no_memory_for_a_large_piece)
{
    struct slab s;
    async__slab_init(&s, SIZE);
    int n = 0;
    while (!s.arena) {
        ck_assert_ptr_nonnull(slab_take(&s));
        ck_assert_int_lt(++n, MANY);
    }
    while (s.arena) {
        ck_assert_ptr_nonnull(slab_take(&s));
        n++;
    }
    async__sys.map = no_map;
    while (slab_take(&s))
        n++;
    ck_assert_uint_eq(s.live, (size_t)n);
    async__sys.map = async__sys_kernel.map;
    ck_assert_ptr_nonnull(slab_take(&s));
    async__slab_close(&s);
}
END_TEST

SUITE("slab", no_memory_for_a_large_piece, records_stay_apart, burst_leaves_nothing,
      each_record_once, no_memory)
