/* SPDX-License-Identifier: MIT */
/* clock.h - time: int64_t nanoseconds inside, saturating; double seconds at the public edge. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define NEVER INT64_MAX

/* Seconds as nanoseconds, rounded up so that nothing is early: below 0 and NaN are 0, beyond 285 years NEVER. */
static inline int64_t ns_of(double seconds)
{
    if (!(seconds > 0))
        return 0;
    if (seconds >= 9e9)
        return NEVER;
    double ns = seconds * 1e9;
    int64_t n = (int64_t)ns;
    return n + ((double)n < ns);
}

/* now + delay, at most NEVER */
static inline int64_t ns_after(int64_t now, int64_t delay)
{
    int64_t sum;
    return __builtin_add_overflow(now, delay, &sum) ? NEVER : sum;
}

/* The processor's own counter: cheaper than the clock by half, good only for bounds. 0: there is none. */
static inline uint64_t ticks(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t t;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(t));
    return t;
#else
    return 0;
#endif
}

/* A clock that answers "is it later than x?" with a counter instead of a system clock, whenever the answer is
 * surely no. It learns the counter's rate from the readings of the system clock that it is shown. */
struct coarse_clock {
    uint64_t tick0, tick; /* after the first, before the latest reading */
    int64_t ns0, ns;
    uint64_t per_tick; /* upper bound, ns * 2^24; 0: not known yet */
    int64_t latest;    /* the latest answer of coarse_now() */
    bool usable;
};

/* tick: from before now was read. The thread may be held up between the two, and the bound must stay one. */
void async__coarse_clock_init(struct coarse_clock *c, int64_t now);
void async__coarse_clock_update(struct coarse_clock *c, uint64_t tick, int64_t now);

/* true: it is surely earlier than when. */
static inline bool coarse_clock_before(const struct coarse_clock *c, int64_t when)
{
    if (c->per_tick == 0)
        return false;
    uint64_t passed = ticks() - c->tick;
    if (passed >= UINT64_C(1) << 33) /* too long ago for the arithmetic; also a counter that ran back */
        return false;
    return c->ns + (int64_t)((passed * c->per_tick) >> 24) < when;
}

/* A time that is not before now, and hardly after: for a deadline, which may be late by a trifle, never early; and not
 * before what was said earlier, so that equal delays end in the order in which they began. 0: the latest reading is
 * too old to say so. */
static inline int64_t coarse_now(struct coarse_clock *c)
{
    enum {
        FRESH = 100 * 1000,
        OUT_OF_ORDER = 128
    }; /* ns; the processor may read its counter ahead of time */
    uint64_t passed = ticks() - c->tick;
    if (c->per_tick == 0 || passed >= UINT64_C(1) << 33)
        return 0;
    int64_t ns = (int64_t)((passed * c->per_tick) >> 24);
    if (ns >= FRESH)
        return 0;
    ns += c->ns + OUT_OF_ORDER;
    if (ns > c->latest)
        c->latest = ns;
    return c->latest;
}

#endif
