/* SPDX-License-Identifier: MIT */
/* fp.h - floating point control: rounding, precision, what traps. A property of each task. */
#ifndef ARCH_FP_H
#define ARCH_FP_H

#include <stdint.h>

struct fp_control {
    uint64_t word;
    uint16_t x87;
};

static inline void fp_control_get(struct fp_control *c)
{
#if defined(__x86_64__)
    uint32_t mxcsr;
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    __asm__ volatile("fnstcw %0" : "=m"(c->x87));
    c->word = mxcsr & ~UINT32_C(0x3f); /* not the flags of what happened */
#elif defined(__aarch64__)
    __asm__ volatile("mrs %0, fpcr" : "=r"(c->word));
#else
    c->word = 0;
#endif
}

/* Loading is dear: only if it differs. */
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
