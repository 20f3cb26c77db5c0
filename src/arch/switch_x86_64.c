/* SPDX-License-Identifier: MIT */
#include "arch/switch.h"

#include <stdint.h>
#include <string.h>

void async__switch_start(void);

/* The frame that async__switch() leaves behind and takes up again. */
struct frame {
    uint32_t mxcsr;
    uint16_t x87, pad;
    void (*r15)(void), (*r14)(void), (*r13)(void), (*r12)(void), (*rbx)(void), (*rbp)(void);
    void (*rip)(void);
};

void *async__switch_prepare(void *top, void (*entry)(void), void *bottom)
{
    (void)bottom;
    /* 16-byte aligned where async__switch_start begins: its call makes the entry's alignment right. */
    struct frame *f = (struct frame *)top - 1;
    memset(f, 0, sizeof *f);
    __asm__("stmxcsr %0" : "=m"(f->mxcsr));
    __asm__("fnstcw %0" : "=m"(f->x87));
    f->rbx = entry;
    f->rip = async__switch_start;
    return f;
}
