/* SPDX-License-Identifier: MIT */
/* switch.h - leave one stack and continue on another one.
 *
 * A stack that was left is known by its stack pointer. What a function must preserve lies on the
 * stack itself: callee-saved registers, floating point control words, and errno, which belongs to
 * each task as it belongs to each thread.
 *
 * int async__switch(void **save, void *to, int value, struct switch_thread *thread)
 *      Leave this stack, store its stack pointer in *save, and continue on the stack `to`: the call
 *      that left it returns value. Callers end with `return async__switch(...)`, so that the
 *      compiler makes it a tail call; see switch_x86_64.S for the reason.
 *
 * void async__switch_in_place(void **save, void *to, int value, struct switch_thread *thread)
 *      The same for a function that is not returned from at its next switch. It does not disturb
 *      the processor's prediction of returns.
 *
 * void *async__switch_prepare(void *top, void (*entry)(void), void *bottom)
 *      Make a new stack, with this top (16-byte aligned) and bottom, one that was left: switching
 *      to it calls entry(), which must not return, with the floating point control words of the
 *      caller of this function. Returns its stack pointer.
 *
 * void async__switch_reset(void *sp, const struct fp_control *fp)
 *      Let a stack that was left continue with these floating point control words. Only if
 *      SWITCH_RESETS_FP is true; otherwise this does nothing. */
#ifndef ARCH_SWITCH_H
#define ARCH_SWITCH_H

#include <stddef.h>

#include "arch/fp.h"

#if defined(__x86_64__) && !defined(SWITCH_UCONTEXT)
#include "arch/switch_x86_64.h"
#else
#include "arch/switch_portable.h"
#endif

void *async__switch_prepare(void *top, void (*entry)(void), void *bottom);

#endif
