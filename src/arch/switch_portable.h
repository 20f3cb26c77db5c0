/* SPDX-License-Identifier: MIT */
/* switch_portable.h - the functions of switch.h by a plain switch, which one assembler function or
 * libc provides. */
#ifndef ARCH_SWITCH_PORTABLE_H
#define ARCH_SWITCH_PORTABLE_H

#include <stdbool.h>

struct switch_thread {
    int *errno_at; /* of this thread */
    int value;     /* on its way from one stack to another */
};

void async__switch_stacks(void **save, void *to);

static inline int async__switch(void **save, void *to, int value, struct switch_thread *thread)
{
    int saved_errno = *thread->errno_at;
    thread->value = value;
    async__switch_stacks(save, to);
    *thread->errno_at = saved_errno;
    return thread->value;
}

static inline void async__switch_in_place(void **save, void *to, int value,
                                          struct switch_thread *thread)
{
    async__switch(save, to, value, thread);
}

/* The function at the bottom of the stack must set the control words itself. */
enum { SWITCH_RESETS_FP = false };

static inline void async__switch_reset(void *sp, const struct fp_control *fp)
{
    (void)sp;
    (void)fp;
}

#endif
