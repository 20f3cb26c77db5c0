/* SPDX-License-Identifier: MIT */
/* The stack switch for every other processor uses swapcontext() of libc. It makes a system call to
 * set the signal mask, and is a hundred times slower. What a switch saves is the address of a
 * ucontext_t, which lies on the stack itself. */
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
