/* SPDX-License-Identifier: MIT */
/* switch_x86_64.S - the stack switch of the System V ABI on x86-64; the stack frame is described in
 * switch_x86_64.h.
 *
 * A processor predicts the target of each `ret` from the calls that it has seen. A switch breaks
 * this order: the call was made on one stack, and the return happens on another one. A prediction
 * that is wrong costs as much as two switches. So async__switch() is tail called and returns for
 * its caller, and it compares two addresses. thread->left_from is where the task that was left last
 * will continue; because of the tail call, it is also what the processor will predict. A task that
 * continues at the same address, because it waits in the same function, is resumed by `ret`; all
 * others by an indirect jump, which has a predictor of its own. */

        .text

/* int async__switch(void **save, void *to, int value, struct switch_thread *thread) */
        .globl  async__switch
        .hidden async__switch
        .type   async__switch, @function
        .p2align 5
async__switch:
        .cfi_startproc
        movq    (%rsp), %r8
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbp, 0
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbx, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r12, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r13, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r14, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r15, 0
        stmxcsr -8(%rsp)
        fnstcw  -4(%rsp)
        movl    -8(%rsp), %r9d
        movzwl  -4(%rsp), %r10d
        movq    8(%rcx), %r11
        movl    (%r11), %eax
        movl    %eax, -12(%rsp)
        movq    %r8, (%rcx)
        movq    %rsp, (%rdi)
        movq    %rsp, %r8

/* Continue on the stack rsi and return edx. r8 is the stack pointer that was saved, from which an
 * unwinder finds the way: a profiler may interrupt each instruction. rcx is thread, r11 the address
 * of errno, r9d and r10d the present control words. Loading a control word takes long, so it is
 * done only if it differs. The low six bits of mxcsr record what has happened; they differ often,
 * and the ABI does not preserve them. */
        .globl  async__switch_arrive
        .hidden async__switch_arrive
async__switch_arrive:
        .cfi_def_cfa r8, 56
        movq    %rsi, %rsp
        .cfi_def_cfa rsp, 56
        xorl    -8(%rsp), %r9d
        movl    -12(%rsp), %eax
        movl    %eax, (%r11)
        movl    %edx, %eax
        testl   $-64, %r9d
        jne     2f
        cmpw    -4(%rsp), %r10w
        jne     2f
1:      popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore r15
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore r14
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore r13
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore r12
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbp
        movq    (%rsp), %rdx
        cmpq    %rdx, (%rcx)
        jne     3f
        ret
2:      .cfi_adjust_cfa_offset 48
        .cfi_rel_offset r15, 0
        .cfi_rel_offset r14, 8
        .cfi_rel_offset r13, 16
        .cfi_rel_offset r12, 24
        .cfi_rel_offset rbx, 32
        .cfi_rel_offset rbp, 40
        ldmxcsr -8(%rsp)
        fldcw   -4(%rsp)
        jmp     1b
3:      .cfi_adjust_cfa_offset -48
        .cfi_restore r15
        .cfi_restore r14
        .cfi_restore r13
        .cfi_restore r12
        .cfi_restore rbx
        .cfi_restore rbp
        addq    $8, %rsp
        .cfi_adjust_cfa_offset -8
        .cfi_register rip, rdx
        notrack jmp *%rdx
        .cfi_endproc
        .size   async__switch, . - async__switch

/* Where the first function on a stack would return to: nowhere. An unwinder finds this stack frame
 * above that function, and that it has no caller. The function is jumped to and not called, because
 * a call that never returns would leave its address with the predictor. */
        .globl  async__switch_bottom
        .hidden async__switch_bottom
        .type   async__switch_bottom, @function
        .p2align 4
        .cfi_startproc
        .cfi_undefined rip
        .cfi_undefined rbp
        nop /* an unwinder looks a return address up by the byte before it */
async__switch_bottom:
        ud2
        .cfi_endproc
        .size   async__switch_bottom, . - async__switch_bottom

        .section .note.GNU-stack, "", @progbits
