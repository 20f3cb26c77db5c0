/* SPDX-License-Identifier: MIT */
#include "arch/switch.h"

#include <stdint.h>

void async__switch_start(void);

/* What async__switch() finds at and below the stack pointer. */
struct frame {
    uint32_t mxcsr;
    uint16_t x87, pad;
    void (*go_on)(void);
    void *frame_pointer;
    void (*entry)(void);
    void *align;
};

void *async__switch_prepare(void *top, void (*entry)(void), void *bottom)
{
    (void)bottom;
    struct frame *f = (struct frame *)((char *)top - sizeof *f);
    *f = (struct frame){ .go_on = async__switch_start, .entry = entry };
    __asm__("stmxcsr %0" : "=m"(f->mxcsr));
    __asm__("fnstcw %0" : "=m"(f->x87));
    return &f->entry;
}
