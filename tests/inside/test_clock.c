/* SPDX-License-Identifier: MIT */
/* Tests of the coarse clock, which reads the processor's counter: a time that it calls early is
 * early, even if the thread loses the processor at a bad moment. */
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

/* Read the clock as the loop does, but lose the processor before or after reading. */
static void look(struct coarse_clock *c, int64_t before, int64_t after)
{
    uint64_t tick = cpu_ticks();
    spin(before);
    int64_t now = async__sys.clock();
    spin(after);
    async__coarse_clock_update(c, tick, now);
}

static void expect_not_behind(const struct coarse_clock *c)
{
    for (int ms = 0; ms < 5; ms++) {
        int64_t when = async__sys.clock() + ms * MS;
        while (async__sys.clock() < when)
            ;
        expect_true(!coarse_clock_before(c, when));
    }
}

TEST(clock_read_while_thread_is_held_up_is_not_behind)
{
    for (int i = 0; i < 4; i++) {
        struct coarse_clock c;
        async__coarse_clock_init(&c, async__sys.clock());
        spin(300 * 1000);
        look(&c, i & 1 ? 5 * MS : 0, i & 2 ? 5 * MS : 0);
        expect_not_behind(&c);
        look(&c, 0, 0);
        expect_not_behind(&c);
    }
}

TEST(clock_started_from_old_reading_is_not_behind)
{
    struct coarse_clock c;
    int64_t now = async__sys.clock();
    spin(5 * MS);
    async__coarse_clock_init(&c, now);
    spin(300 * 1000);
    look(&c, 0, 0);
    expect_not_behind(&c);
}

/* Once it has measured its rate. */
TEST(clock_recognises_time_that_is_far_off)
{
    struct coarse_clock c;
    async__coarse_clock_init(&c, async__sys.clock());
    expect_true(!coarse_clock_before(&c, NEVER));
    spin(5 * MS);
    look(&c, 0, 0);
    if (c.usable)
        expect_true(coarse_clock_before(&c, async__sys.clock() + INT64_C(1000) * MS));
}

/* A delay counts from it. */
TEST(coarse_now_is_never_in_past_and_never_goes_back)
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
            continue; /* the rate is not known yet */
        expect_true(latest >= now);
        expect_true(latest >= last);
        last = latest;
    }
    expect_true(!c.usable || last > 0);
}

/* Nor one that has run on for longer than the arithmetic allows. */
TEST(counter_that_stands_still_or_runs_back_is_not_trusted)
{
    struct coarse_clock c;
    async__coarse_clock_init(&c, async__sys.clock());
    c.usable = true; /* whatever the processor reports about its counter */
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

SUITE("inside-clock", counter_that_stands_still_or_runs_back_is_not_trusted,
      clock_read_while_thread_is_held_up_is_not_behind,
      clock_started_from_old_reading_is_not_behind, clock_recognises_time_that_is_far_off,
      coarse_now_is_never_in_past_and_never_goes_back)
