// SPDX-License-Identifier: Apache-2.0
// gcc -static -nostdlib -nostartfiles -fno-stack-protector -fno-pie -no-pie
// minimal [native|i386|x32]: needs write and exit_group and nothing else. With a word it makes one more call, getppid, by
// that door of the kernel, and says so if it lived through it.
static long call(long number, long first, long second, long third) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(first), "S"(second), "d"(third) : "rcx", "r11", "memory");
    return result;
}

static void say(const char* text) {
    long length = 0;
    while (text[length]) length++;
    call(1, 1, (long)text, length);
}

__attribute__((used)) static void begin(long* stack) {
    const char* door = stack[0] > 1 ? (const char*)stack[2] : "";
    say("alive\n");
    if (*door == 'n') call(110, 0, 0, 0);
    if (*door == 'x') call(110 | 0x40000000, 0, 0, 0);
    if (*door == 'i') {
        long result;
        __asm__ volatile("int $0x80" : "=a"(result) : "a"(64) : "memory");
    }
    if (*door) say("survived\n");
    call(231, 0, 0, 0);
}

__asm__(".globl _start\n_start: xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call begin\n");
