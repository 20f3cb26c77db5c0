/* SPDX-License-Identifier: MIT */
#include "arch/switch.h"

#include <stdint.h>

void async__switch_bottom(void);

/* What async__switch() finds at and below the stack pointer, and entry() where its caller would
 * be. */
struct frame {
    uint32_t mxcsr;
    uint16_t x87, pad;
    void (*go_on)(void);
    void *frame_pointer;
    void (*caller)(void); /* at the top: as behind a call, the stack is aligned above it */
};

void *async__switch_prepare(void *top, void (*entry)(void), void *bottom)
{
    (void)bottom;
    struct frame *f = (struct frame *)top - 1;
    f->go_on = entry;
    f->frame_pointer = NULL;
    f->caller = async__switch_bottom;
    __asm__("stmxcsr %0" : "=m"(f->mxcsr));
    __asm__("fnstcw %0" : "=m"(f->x87));
    return &f->caller;
}
