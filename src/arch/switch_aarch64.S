/* SPDX-License-Identifier: MIT */
/* The stack switch for the AAPCS64. Its stack frame holds x19 to x30, d8 to d15 and the floating
 * point control register. It ends in `ret`, because branch target identification allows a `ret` to
 * land behind a call. */

        .text
        .globl  async__switch_stacks
        .hidden async__switch_stacks
        .type   async__switch_stacks, %function
        .p2align 4
async__switch_stacks:
        .cfi_startproc
        hint    #34 /* bti c */
        stp     x29, x30, [sp, #-176]!
        .cfi_def_cfa_offset 176
        .cfi_offset x29, -176
        .cfi_offset x30, -168
        stp     x19, x20, [sp, #16]
        .cfi_offset x19, -160
        .cfi_offset x20, -152
        stp     x21, x22, [sp, #32]
        .cfi_offset x21, -144
        .cfi_offset x22, -136
        stp     x23, x24, [sp, #48]
        .cfi_offset x23, -128
        .cfi_offset x24, -120
        stp     x25, x26, [sp, #64]
        .cfi_offset x25, -112
        .cfi_offset x26, -104
        stp     x27, x28, [sp, #80]
        .cfi_offset x27, -96
        .cfi_offset x28, -88
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mrs     x9, fpcr
        str     x9, [sp, #160]
        mov     x10, sp
        str     x10, [x0]
        mov     sp, x1
        ldr     x11, [sp, #160]
        cmp     x9, x11
        b.eq    1f
        msr     fpcr, x11
1:      ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        ldp     x29, x30, [sp], #176
        .cfi_def_cfa_offset 0
        .cfi_restore x29
        .cfi_restore x30
        ret
        .cfi_endproc
        .size   async__switch_stacks, . - async__switch_stacks

/* The first code on a fresh stack. It has no caller, and calls the entry function, which is in
 * x19. */
        .globl  async__switch_start
        .hidden async__switch_start
        .type   async__switch_start, %function
        .p2align 4
async__switch_start:
        .cfi_startproc
        .cfi_undefined x30
        hint    #36 /* bti j */
        mov     x29, xzr
        mov     x30, xzr
        blr     x19
        brk     #0
        .cfi_endproc
        .size   async__switch_start, . - async__switch_start

        .section .note.GNU-stack, "", %progbits
