/* SPDX-License-Identifier: MIT */
/* switch.h - leave one stack and go on with another. Which file implements it, the build decides. */
#ifndef ARCH_SWITCH_H
#define ARCH_SWITCH_H

#include <stddef.h>

/* Save what a function must preserve on this stack, its place in *save, and go on where `to` was saved.
 * Returns when somebody switches to *save. Floating point control words belong to what is preserved. */
void async__switch(void **save, void *to);

/* The place to go to in order to call entry() on a fresh stack with this top (16-byte aligned). It runs with
 * the floating point control words of the caller of this function. entry must not return. The bottom and
 * size are for systems that need to know. */
void *async__switch_prepare(void *top, void (*entry)(void), void *bottom);

#endif
