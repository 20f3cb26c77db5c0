/* SPDX-License-Identifier: MIT */
#include "arch/switch.h"

#include <stdint.h>
#include <string.h>

void async__switch_start(void);

/* The stack frame that async__switch_stacks() saves and restores. */
struct switch_frame {
    uint64_t x29;
    void (*x30)(void);
    void (*x19)(void);
    uint64_t x20_to_x28[9];
    uint64_t d8_to_d15[8];
    uint64_t fpcr, pad;
};

void *async__switch_prepare(void *top, void (*entry)(void), void *bottom)
{
    (void)bottom;
    struct switch_frame *f = (struct switch_frame *)top - 1;
    memset(f, 0, sizeof *f);
    __asm__("mrs %0, fpcr" : "=r"(f->fpcr));
    f->x19 = entry;
    f->x30 = async__switch_start;
    return f;
}
