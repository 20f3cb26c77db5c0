/* SPDX-License-Identifier: MIT */
/* The counter that stands in for the clock: what it calls surely early is early, whoever held the thread up. */
#include "suite.h"

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
static void look(struct bound_clock *c, int64_t before, int64_t after)
{
    uint64_t tick = ticks();
    spin(before);
    int64_t now = async__sys.clock();
    spin(after);
    async__bound_clock_learn(c, tick, now);
}

static void must_not_lag(const struct bound_clock *c)
{
    for (int ms = 0; ms < 5; ms++) {
        int64_t when = async__sys.clock() + ms * MS;
        while (async__sys.clock() < when)
            ;
        must(!surely_before(c, when));
    }
}

START_TEST(held_up_while_looking)
{
    for (int i = 0; i < 4; i++) {
        struct bound_clock c;
        async__bound_clock_init(&c, async__sys.clock());
        spin(300 * 1000);
        look(&c, i & 1 ? 5 * MS : 0, i & 2 ? 5 * MS : 0);
        must_not_lag(&c);
        look(&c, 0, 0);
        must_not_lag(&c);
    }
}
END_TEST

/* The reading that it starts with may be old, too. */
START_TEST(held_up_at_the_start)
{
    struct bound_clock c;
    int64_t now = async__sys.clock();
    spin(5 * MS);
    async__bound_clock_init(&c, now);
    spin(300 * 1000);
    look(&c, 0, 0);
    must_not_lag(&c);
}
END_TEST

/* It is of use: once it has learnt, it knows what is far off. */
START_TEST(says_what_is_early)
{
    struct bound_clock c;
    async__bound_clock_init(&c, async__sys.clock());
    must(!surely_before(&c, NEVER));
    spin(5 * MS);
    look(&c, 0, 0);
    if (c.usable)
        must(surely_before(&c, async__sys.clock() + INT64_C(1000) * MS));
}
END_TEST

/* What a delay counts from is never in the past, and never goes back, whenever the clock is looked at. */
START_TEST(soon_is_neither_early_nor_backwards)
{
    struct bound_clock c;
    int64_t last = 0;
    async__bound_clock_init(&c, async__sys.clock());
    spin(300 * 1000);
    for (int i = 0; i < 20000; i++) {
        if (i % 50 == 0)
            look(&c, i & 1 ? 20 * 1000 : 0, 0);
        int64_t now = async__sys.clock(), said = soon(&c);
        if (said == 0)
            continue; /* it does not know */
        must(said >= now);
        must(said >= last);
        last = said;
    }
    must(!c.usable || last > 0);
}
END_TEST

/* Nor is a counter believed that stands still, runs back, or has run on for longer than the arithmetic allows. */
START_TEST(counter_out_of_order)
{
    struct bound_clock c;
    async__bound_clock_init(&c, async__sys.clock());
    c.usable = true; /* whatever the processor says of its own */
    async__bound_clock_learn(&c, c.tick0, c.ns0 + MS);
    must(!surely_before(&c, NEVER));
    must(soon(&c) == 0);
    spin(300 * 1000);
    look(&c, 0, 0);
    c.tick = ticks() + (UINT64_C(1) << 32);
    must(!surely_before(&c, NEVER));
    must(soon(&c) == 0);
    c.tick = ticks() - (UINT64_C(1) << 34);
    must(!surely_before(&c, NEVER));
    must(soon(&c) == 0);
}
END_TEST

SUITE("clock", counter_out_of_order, held_up_while_looking, held_up_at_the_start,
      says_what_is_early, soon_is_neither_early_nor_backwards)
