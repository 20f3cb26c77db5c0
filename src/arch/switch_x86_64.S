/* SPDX-License-Identifier: MIT */
/* Where the first function on a stack would return to on x86-64: nowhere. An unwinder that asks who called it finds this
 * frame, and that it has no caller. It is jumped to, not called: a call that never returns would leave its address in
 * the return predictor, and the returns of whoever goes on next would all be predicted wrong. The switch itself is in
 * switch_x86_64.h. */

        .text
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
