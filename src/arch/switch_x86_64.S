/* SPDX-License-Identifier: MIT */
/* The stack switch of the System V ABI on x86-64.
 *
 * The frame, from the saved stack pointer up: mxcsr and x87 control word, r15 r14 r13 r12 rbx rbp, the place to
 * go on. It ends in a jump, not in `ret`: the processor's return predictor would be wrong every time, which costs
 * three times as much as all the rest. Loading a control word is dear, so it is done only if the two stacks
 * differ. The CFA rules hold at every instruction: a suspended stack can be unwound, and so can this function. */

        .text
        .globl  async__switch
        .hidden async__switch
        .type   async__switch, @function
        .p2align 4
async__switch:
        .cfi_startproc
        endbr64
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
        subq    $8, %rsp
        .cfi_adjust_cfa_offset 8
        stmxcsr (%rsp)
        fnstcw  4(%rsp)
        movl    (%rsp), %eax
        movzwl  4(%rsp), %edx
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        cmpl    %eax, (%rsp)
        jne     1f
        cmpw    %dx, 4(%rsp)
        jne     2f
0:      addq    $8, %rsp
        .cfi_adjust_cfa_offset -8
        popq    %r15
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
        popq    %rcx
        .cfi_adjust_cfa_offset -8
        .cfi_register rip, rcx
        notrack jmp *%rcx

        /* the rare ways through; at 1 and 2 the frame is complete again */
1:
        .cfi_def_cfa rsp, 64
        .cfi_offset rip, -8
        .cfi_offset rbp, -16
        .cfi_offset rbx, -24
        .cfi_offset r12, -32
        .cfi_offset r13, -40
        .cfi_offset r14, -48
        .cfi_offset r15, -56
        ldmxcsr (%rsp)
        cmpw    %dx, 4(%rsp)
        je      0b
2:      fldcw   4(%rsp)
        jmp     0b
        .cfi_endproc
        .size   async__switch, . - async__switch

/* Where a fresh stack begins: there is no caller, and an unwinder must not look for one. The entry is in rbx. */
        .globl  async__switch_start
        .hidden async__switch_start
        .type   async__switch_start, @function
        .p2align 4
async__switch_start:
        .cfi_startproc
        .cfi_undefined rip
        .cfi_undefined rbp
        endbr64
        xorl    %ebp, %ebp
        call    *%rbx
        ud2
        .cfi_endproc
        .size   async__switch_start, . - async__switch_start

        .section .note.GNU-stack, "", @progbits
