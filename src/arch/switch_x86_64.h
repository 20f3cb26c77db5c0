/* SPDX-License-Identifier: MIT */
/* switch_x86_64.h - the stack switch of the System V ABI on x86-64.
 *
 * The stack of a task that was left, from its stack pointer upwards:
 *      -12  errno
 *      -8   mxcsr
 *      -4   x87 control word
 *       0   r15, r14, r13, r12, rbx, rbp
 *      48   where to continue
 * What lies below the stack pointer is in the red zone: 128 bytes that signal handlers leave alone.
 * switch_x86_64.S has the code, and how it deals with the prediction of returns. */
#ifndef ARCH_SWITCH_X86_64_H
#define ARCH_SWITCH_X86_64_H

#include <stdbool.h>
#include <stdint.h>

/* The assembler code relies on the places of these members. */
struct switch_thread {
    void *left_from; /* the return address of the async__switch() that was called last */
    int *errno_at;   /* of this thread */
};

int async__switch(void **save, void *to, int value, struct switch_thread *thread);

#ifdef __AVX512F__
#define SWITCH_CLOBBERS_MORE                                                                       \
    , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",    \
            "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5",    \
            "k6", "k7"
#else
#define SWITCH_CLOBBERS_MORE
#endif

/* Write the same stack frame as async__switch() would push, but leave out the registers: the
 * compiler saves those that it needs, because all are declared as overwritten. The frame lies in
 * the red zone and the stack pointer does not move, because the compiler's unwind tables have no
 * entry for this code: a signal handler that unwinds the stack would crash. The function around it
 * is compiled with -mno-red-zone, so that the compiler puts nothing there. */
static inline __attribute__((always_inline)) void async__switch_in_place(
        void **save, void *to, int value, struct switch_thread *thread)
{
    __asm__ volatile("leaq    1f(%%rip), %%rax\n\t"
                     "leaq    -56(%%rsp), %%r8\n\t"
                     "movq    %%rax, 48(%%r8)\n\t"
                     "movq    %%rbp, 40(%%r8)\n\t"
                     "stmxcsr -8(%%r8)\n\t"
                     "fnstcw  -4(%%r8)\n\t"
                     "movl    -8(%%r8), %%r9d\n\t"
                     "movzwl  -4(%%r8), %%r10d\n\t"
                     "movq    8(%%rcx), %%r11\n\t"
                     "movl    (%%r11), %%eax\n\t"
                     "movl    %%eax, -12(%%r8)\n\t"
                     "movq    %%r8, (%%rdi)\n\t"
                     "jmp     async__switch_arrive\n"
                     "1:"
                     : "+D"(save), "+S"(to), "+d"(value), "+c"(thread)
                     :
                     : "rax", "rbx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0",
                       "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                       "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory",
                       "cc" SWITCH_CLOBBERS_MORE);
}

enum { SWITCH_RESETS_FP = true };

static inline void async__switch_reset(void *sp, const struct fp_control *fp)
{
    ((uint32_t *)sp)[-2] = (uint32_t)fp->word;
    ((uint16_t *)sp)[-2] = fp->x87;
}

#endif
