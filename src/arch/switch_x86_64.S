/* SPDX-License-Identifier: MIT */
/* Where a fresh stack begins on x86-64: there is no caller, and an unwinder must not look for one. The entry's address
 * is on top of the stack, which is aligned for the call. The switch itself is in switch_x86_64.h. */

        .text
        .globl  async__switch_start
        .hidden async__switch_start
        .type   async__switch_start, @function
        .p2align 4
async__switch_start:
        .cfi_startproc
        .cfi_undefined rip
        .cfi_undefined rbp
        endbr64
        call    *(%rsp)
        ud2
        .cfi_endproc
        .size   async__switch_start, . - async__switch_start

        .section .note.GNU-stack, "", @progbits
