/* SPDX-License-Identifier: MIT */
/* clock.h - time: int64_t nanoseconds inside the library, saturating; double seconds in the public
 * interface. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* A deadline that never comes. */
#define NEVER INT64_MAX

/* Convert seconds to nanoseconds, rounded up so that nothing is early. Values below 0 and NaN give
 * 0; values beyond 285 years give NEVER. */
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

/* now + delay, at most NEVER. */
static inline int64_t ns_after(int64_t now, int64_t delay)
{
    int64_t sum;
    return __builtin_add_overflow(now, delay, &sum) ? NEVER : sum;
}

/* Read the processor's own counter, which costs half as much as the clock. Returns 0 if there is
 * none. */
static inline uint64_t cpu_ticks(void)
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

/* A coarse clock: it extrapolates from the latest reading of the system clock by the processor's
 * counter. The rate of the counter is measured between the readings that the clock is given. Its
 * rate is deliberately 2 % too high, so that its time is never before the real one: an answer "this
 * deadline has not passed" can be relied upon, the opposite answer must be verified. */
struct coarse_clock {
    uint64_t tick0, tick; /* counter just after the first reading, and just before the latest */
    int64_t ns0, ns;      /* the first and the latest reading of the system clock */
    uint64_t per_tick;    /* upper bound of the rate, in ns * 2^24; 0: not known yet */
    int64_t latest;       /* the latest result of coarse_now() */
    bool usable;
};

/* A tick count this far from the latest reading is too old for the arithmetic, or the counter has
 * run backwards. */
#define COARSE_CLOCK_TICKS_MAX (UINT64_C(1) << 33)

/* Give the clock a reading of the system clock, `now`. `tick` is a reading of the counter from
 * before it, because the thread may be delayed between the two, and the bound must hold all the
 * same. */
void async__coarse_clock_init(struct coarse_clock *c, int64_t now);
void async__coarse_clock_update(struct coarse_clock *c, uint64_t tick, int64_t now);

/* Return true if the time is certainly earlier than `when`. */
static inline bool coarse_clock_before(const struct coarse_clock *c, int64_t when)
{
    if (c->per_tick == 0)
        return false;
    uint64_t passed = cpu_ticks() - c->tick;
    if (passed >= COARSE_CLOCK_TICKS_MAX)
        return false;
    return c->ns + (int64_t)((passed * c->per_tick) >> 24) < when;
}

/* Return a time from which a delay may be counted. It is at most a few microseconds after the real
 * time and never before it, so that a delay may end late by as much, but never early. It does not
 * go backwards, so equal delays end in the order in which they began. Returns 0 if the latest
 * reading is too old. */
static inline int64_t coarse_now(struct coarse_clock *c)
{
    enum {
        FRESH = 100 * 1000, /* ns after a reading during which the result is accurate enough */
        OUT_OF_ORDER = 128  /* ns by which the processor may read its counter ahead of time */
    };
    uint64_t passed = cpu_ticks() - c->tick;
    if (c->per_tick == 0 || passed >= COARSE_CLOCK_TICKS_MAX)
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
