/* SPDX-License-Identifier: MIT */
#include "arch/switch.h"

void async__switch_bottom(void);

/* A stack that was left, as switch_x86_64.h describes it. */
struct switch_frame {
    uint32_t unused, saved_errno, mxcsr;
    uint16_t x87, padding;
    uint64_t registers[5]; /* the stack pointer points to the first one */
    void *frame_pointer;
    void (*resume)(void);
    void (*caller)(void); /* the return address of entry(): the stack is aligned above it */
};

void *async__switch_prepare(void *top, void (*entry)(void), void *bottom)
{
    (void)bottom;
    struct switch_frame *f = (struct switch_frame *)top - 1;
    f->saved_errno = 0;
    f->resume = entry;
    f->frame_pointer = NULL;
    f->caller = async__switch_bottom;
    __asm__("stmxcsr %0" : "=m"(f->mxcsr));
    __asm__("fnstcw %0" : "=m"(f->x87));
    return f->registers;
}
