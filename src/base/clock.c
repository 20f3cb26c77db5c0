/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <stdatomic.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#if defined(__x86_64__)
static bool ask_processor(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & (1u << 8));
}
#endif

/* Does the counter tick at one rate in all states of the processor? Otherwise it cannot be used.
 * The result is stored, because each loop needs it, and in a virtual machine the instruction takes
 * tens of microseconds. Threads that execute it at the same time get the same result. */
static bool counter_is_steady(void)
{
#if defined(__x86_64__)
    static atomic_int answer = -1;
    int steady = atomic_load_explicit(&answer, memory_order_relaxed);
    if (steady < 0)
        atomic_store_explicit(&answer, steady = ask_processor(), memory_order_relaxed);
    return steady;
#elif defined(__aarch64__)
    return true;
#else
    return false;
#endif
}

void async__coarse_clock_init(struct coarse_clock *c, int64_t now)
{
    *c = (struct coarse_clock){ .usable = counter_is_steady() };
    c->tick0 = c->tick = cpu_ticks();
    c->ns0 = c->ns = now;
}

/* Extrapolate from this reading from now on, and correct the rate of the counter. */
void async__coarse_clock_update(struct coarse_clock *c, uint64_t tick, int64_t now)
{
    if (!c->usable)
        return;
    c->tick = tick;
    c->ns = now;
    uint64_t passed = c->tick - c->tick0;
    int64_t elapsed = now - c->ns0;
    if (elapsed < 200 * 1000 || passed == 0)
        return; /* the measured interval is too short for an accurate rate */
    /* 2 % above the measured rate, so that the bound also holds while the system clock is being
     * slewed. */
    double rate = (double)elapsed / (double)passed * 1.02;
    c->per_tick = rate < 64 ? (uint64_t)(rate * 16777216.0) : 0;
    /* Measure again every 10 s, because a virtual machine may have moved to another processor. */
    if (elapsed > INT64_C(10000000000)) {
        c->tick0 = cpu_ticks();
        c->ns0 = now;
    }
}
