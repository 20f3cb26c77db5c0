/* SPDX-License-Identifier: MIT */
/* The counter that stands in for the clock: what it calls surely early is early, whoever held the thread up. */
#include "../frame/suite.h"
#include "base/clock.h"
#include "base/sys.h"

enum { MS = 1000 * 1000 };

static void spin(int64_t ns)
{
    int64_t end = async__sys.clock() + ns;
    while (async__sys.clock() < end)
        ;
}

/* Look as the loop does, but lose the processor before the clock is read, or after. */
static void look(struct coarse_clock *c, int64_t before, int64_t after)
{
    uint64_t tick = cpu_ticks();
    spin(before);
    int64_t now = async__sys.clock();
    spin(after);
    async__coarse_clock_update(c, tick, now);
}

static void must_not_lag(const struct coarse_clock *c)
{
    for (int ms = 0; ms < 5; ms++) {
        int64_t when = async__sys.clock() + ms * MS;
        while (async__sys.clock() < when)
            ;
        expect_true(!coarse_clock_before(c, when));
    }
}

TEST(held_up_while_looking)
{
    for (int i = 0; i < 4; i++) {
        struct coarse_clock c;
        async__coarse_clock_init(&c, async__sys.clock());
        spin(300 * 1000);
        look(&c, i & 1 ? 5 * MS : 0, i & 2 ? 5 * MS : 0);
        must_not_lag(&c);
        look(&c, 0, 0);
        must_not_lag(&c);
    }
}

/* The reading that it starts with may be old, too. */
TEST(held_up_at_the_start)
{
    struct coarse_clock c;
    int64_t now = async__sys.clock();
    spin(5 * MS);
    async__coarse_clock_init(&c, now);
    spin(300 * 1000);
    look(&c, 0, 0);
    must_not_lag(&c);
}

/* It is of use: once it has learnt, it knows what is far off. */
TEST(says_what_is_early)
{
    struct coarse_clock c;
    async__coarse_clock_init(&c, async__sys.clock());
    expect_true(!coarse_clock_before(&c, NEVER));
    spin(5 * MS);
    look(&c, 0, 0);
    if (c.usable)
        expect_true(coarse_clock_before(&c, async__sys.clock() + INT64_C(1000) * MS));
}

/* What a delay counts from is never in the past, and never goes back, whenever the clock is looked at. */
TEST(soon_is_neither_early_nor_backwards)
{
    struct coarse_clock c;
    int64_t last = 0;
    async__coarse_clock_init(&c, async__sys.clock());
    spin(300 * 1000);
    for (int i = 0; i < 20000; i++) {
        if (i % 50 == 0)
            look(&c, i & 1 ? 20 * 1000 : 0, 0);
        int64_t now = async__sys.clock(), latest = coarse_now(&c);
        if (latest == 0)
            continue; /* it does not know */
        expect_true(latest >= now);
        expect_true(latest >= last);
        last = latest;
    }
    expect_true(!c.usable || last > 0);
}

/* Nor is a counter believed that stands still, runs back, or has run on for longer than the arithmetic allows. */
TEST(counter_out_of_order)
{
    struct coarse_clock c;
    async__coarse_clock_init(&c, async__sys.clock());
    c.usable = true; /* whatever the processor says of its own */
    async__coarse_clock_update(&c, c.tick0, c.ns0 + MS);
    expect_true(!coarse_clock_before(&c, NEVER));
    expect_true(coarse_now(&c) == 0);
    spin(300 * 1000);
    look(&c, 0, 0);
    c.tick = cpu_ticks() + (UINT64_C(1) << 32);
    expect_true(!coarse_clock_before(&c, NEVER));
    expect_true(coarse_now(&c) == 0);
    c.tick = cpu_ticks() - (UINT64_C(1) << 34);
    expect_true(!coarse_clock_before(&c, NEVER));
    expect_true(coarse_now(&c) == 0);
}

SUITE("clock", counter_out_of_order, held_up_while_looking, held_up_at_the_start,
      says_what_is_early, soon_is_neither_early_nor_backwards)
