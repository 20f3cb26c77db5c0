/* SPDX-License-Identifier: MIT */
/* fp.h - floating point control: rounding, precision, and which exceptions trap. Each task has
 * settings of its own. */
#ifndef ARCH_FP_H
#define ARCH_FP_H

#include <stdint.h>

struct fp_control {
    uint64_t word;
    uint16_t x87;
};

/* Read the settings of this thread. */
static inline void fp_control_get(struct fp_control *c)
{
#if defined(__x86_64__)
    uint32_t mxcsr;
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    __asm__ volatile("fnstcw %0" : "=m"(c->x87));
    c->word = mxcsr & ~UINT32_C(0x3f); /* without the flags of exceptions that have occurred */
#elif defined(__aarch64__)
    __asm__ volatile("mrs %0, fpcr" : "=r"(c->word));
#else
    c->word = 0;
#endif
}

/* Change the settings of this thread. Loading a control word costs much more than reading it, so
 * nothing is loaded if nothing differs. */
static inline void fp_control_set(const struct fp_control *c)
{
    struct fp_control now;
    fp_control_get(&now);
    if (__builtin_expect(now.word == c->word, 1)) {
#if defined(__x86_64__)
        if (__builtin_expect(now.x87 != c->x87, 0))
            __asm__ volatile("fldcw %0" : : "m"(c->x87));
#endif
        return;
    }
#if defined(__x86_64__)
    uint32_t mxcsr = (uint32_t)c->word;
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    __asm__ volatile("fldcw %0" : : "m"(c->x87));
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(c->word));
#endif
}

#endif
