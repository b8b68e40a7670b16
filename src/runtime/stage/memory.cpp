// SPDX-License-Identifier: Apache-2.0
// The four functions that g++ calls in code that does not name them. Compiled with
// -fno-tree-loop-distribute-patterns, or each loop would become a call of itself.
#include <cstddef>

extern "C" {

void* memcpy(void* to, const void* from, std::size_t size) {
    auto* target = static_cast<char*>(to);
    const auto* source = static_cast<const char*>(from);
    for (std::size_t i = 0; i < size; ++i) target[i] = source[i];
    return to;
}

void* memmove(void* to, const void* from, std::size_t size) {
    if (to <= from) return memcpy(to, from, size);
    auto* target = static_cast<char*>(to);
    const auto* source = static_cast<const char*>(from);
    while (size-- > 0) target[size] = source[size];
    return to;
}

void* memset(void* to, int byte, std::size_t size) {
    auto* target = static_cast<char*>(to);
    for (std::size_t i = 0; i < size; ++i) target[i] = static_cast<char>(byte);
    return to;
}

int memcmp(const void* left, const void* right, std::size_t size) {
    const auto* a = static_cast<const unsigned char*>(left);
    const auto* b = static_cast<const unsigned char*>(right);
    for (std::size_t i = 0; i < size; ++i)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
}
}
