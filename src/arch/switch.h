/* SPDX-License-Identifier: MIT */
/* switch.h - leave one stack and go on with another. Which file implements it, the build decides.
 *
 * void async__switch(void **save, void *to)
 *      Save what a function must preserve on this stack, its place in *save, and go on where `to`
 *      was saved. Returns when another switch goes to *save. Floating point control words belong to
 *      what is preserved.
 *
 * void *async__switch_prepare(void *top, void (*entry)(void), void *bottom)
 *      The place to go to in order to call entry() on a fresh stack with this top (16-byte aligned)
 *      and bottom. It runs with the floating point control words of the caller of this function.
 *      entry must not return. */
#ifndef ARCH_SWITCH_H
#define ARCH_SWITCH_H

#include <stddef.h>

#if defined(__x86_64__) && !defined(SWITCH_UCONTEXT)
#include "arch/switch_x86_64.h"
#else
void async__switch(void **save, void *to);
#endif

void *async__switch_prepare(void *top, void (*entry)(void), void *bottom);

#endif
