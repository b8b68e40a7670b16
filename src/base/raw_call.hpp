// SPDX-License-Identifier: Apache-2.0
// One raw system call: no libc, no errno. A result below zero is -errno. Usable freestanding, and in the few
// lines between clone3 and execve.
#pragma once

#include <asm/unistd.h>

namespace bulkhead::raw {

#if defined(__x86_64__)
inline long invoke(long number, long a, long b, long c, long d, long e, long f) {
    long result;
    register const long r10 asm("r10") = d;
    register const long r8 asm("r8") = e;
    register const long r9 asm("r9") = f;
    asm volatile("syscall"
                 : "=a"(result)
                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
inline long invoke(long number, long a, long b, long c, long d, long e, long f) {
    register long x8 asm("x8") = number;
    register long x0 asm("x0") = a;
    register long x1 asm("x1") = b;
    register long x2 asm("x2") = c;
    register long x3 asm("x3") = d;
    register long x4 asm("x4") = e;
    register long x5 asm("x5") = f;
    asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}
#else
#error "bulkhead's stage knows x86-64 and aarch64"
#endif

inline long word(long value) { return value; }
inline long word(unsigned long value) { return static_cast<long>(value); }
template <class Pointee>
long word(Pointee* pointer) {
    return reinterpret_cast<long>(pointer);
}

template <class... Arguments>
long call(long number, Arguments... arguments) {
    static_assert(sizeof...(Arguments) <= 6);
    const long words[6] = {word(arguments)...};
    return invoke(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

}  // namespace bulkhead::raw
