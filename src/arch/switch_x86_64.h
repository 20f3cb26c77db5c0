/* SPDX-License-Identifier: MIT */
/* The stack switch of the System V ABI on x86-64, in place: no call, no return.
 *
 * A processor predicts a return by the calls that it has seen. A switch that is called and ends in
 * a jump leaves one call too many behind, and every return that follows is predicted wrong:
 * measured, 31 ns a yield against 9. In place, calls and returns of two tasks that wait in the same
 * function pair up, and nothing is mispredicted.
 *
 * Saved are the stack pointer, in *save, and below it, in the red zone (128 bytes that belong to
 * nobody but the function on top; signal handlers leave them alone):
 *      -8   the frame pointer
 *      -16  where to go on
 *      -24  mxcsr and x87 control word
 * The compiler saves the other registers as it likes, for it is told that they are lost. The stack
 * pointer moves only in the switch itself, so a suspended stack, and this code, can be unwound as
 * the function around it. That function's file is compiled with -mno-red-zone: else the compiler
 * might use the same bytes.
 *
 * Loading a control word is dear; it is done only if the two stacks differ. */
#ifndef ARCH_SWITCH_X86_64_H
#define ARCH_SWITCH_X86_64_H

#ifdef __AVX512F__
#define SWITCH_CLOBBERS_MORE                                                                       \
    , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",    \
            "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5",    \
            "k6", "k7"
#else
#define SWITCH_CLOBBERS_MORE
#endif

static inline __attribute__((always_inline)) void async__switch(void **save, void *to)
{
    __asm__ volatile("leaq    1f(%%rip), %%rax\n\t"
                     "movq    %%rbp, -8(%%rsp)\n\t"
                     "movq    %%rax, -16(%%rsp)\n\t"
                     "stmxcsr -24(%%rsp)\n\t"
                     "fnstcw  -20(%%rsp)\n\t"
                     "movl    -24(%%rsp), %%ecx\n\t"
                     "movw    -20(%%rsp), %%dx\n\t"
                     "movq    %%rsp, (%[save])\n\t"
                     "movq    %[to], %%rsp\n\t"
                     "cmpl    -24(%%rsp), %%ecx\n\t"
                     "jne     2f\n\t"
                     "cmpw    -20(%%rsp), %%dx\n\t"
                     "jne     2f\n"
                     "3:\tmovq    -8(%%rsp), %%rbp\n\t"
                     "notrack jmp *-16(%%rsp)\n"
                     "2:\tldmxcsr -24(%%rsp)\n\t"
                     "fldcw   -20(%%rsp)\n\t"
                     "jmp     3b\n"
                     "1:"
                     : [save] "+D"(save), [to] "+S"(to)
                     :
                     : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
                       "r15", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                       "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",
                       "memory", "cc" SWITCH_CLOBBERS_MORE);
}

#endif
