// SPDX-License-Identifier: Apache-2.0
// BULKHEAD_STAGE_FILE is the linked stage; CMake rebuilds this object whenever that file changes.
    .section .rodata
    .globl bulkhead_stage_begin
    .globl bulkhead_stage_end
    .balign 16
bulkhead_stage_begin:
    .incbin BULKHEAD_STAGE_FILE
bulkhead_stage_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
