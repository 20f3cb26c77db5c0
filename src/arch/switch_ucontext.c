/* SPDX-License-Identifier: MIT */
/* The stack switch for every other processor: libc's own, which makes a system call to set the
 * signal mask and is a hundred times slower. The stack pointer is the address of a ucontext_t, which lives at
 * the top of it. */
#include "arch/switch.h"

#include <stdlib.h>
#include <ucontext.h>

void async__switch_stacks(void **save, void *to)
{
    ucontext_t here;
    *save = &here;
    if (swapcontext(&here, to) < 0)
        abort();
}

void *async__switch_prepare(void *top, void (*entry)(void), void *bottom)
{
    ucontext_t *uc = (ucontext_t *)(((size_t)top - sizeof(ucontext_t)) & ~(size_t)63);
    if (getcontext(uc) < 0)
        abort();
    uc->uc_stack.ss_sp = bottom;
    uc->uc_stack.ss_size = (size_t)((char *)uc - (char *)bottom) & ~(size_t)15;
    uc->uc_link = NULL;
    makecontext(uc, entry, 0);
    return uc;
}
