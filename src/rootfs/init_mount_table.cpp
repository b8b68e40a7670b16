// SPDX-License-Identifier: Apache-2.0
#include "rootfs/init_mount_table.hpp"

#include <asm/errno.h>

namespace bulkhead::rootfs {

namespace {

constexpr struct {
    const char* word;
    std::uint32_t attribute;
} words[] = {
    {"ro", MOUNT_ATTR_RDONLY},         {"nosuid", MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV},       {"noexec", MOUNT_ATTR_NOEXEC},
    {"noatime", MOUNT_ATTR_NOATIME},   {"nodiratime", MOUNT_ATTR_NODIRATIME},
    {"relatime", MOUNT_ATTR_RELATIME}, {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW},
};

}  // namespace

long MountTable::next(MountLine& line) {
    if (at_end()) return error_;
    line.id = number();
    line.parent = number();
    skip_field();  // device
    skip_field();  // the mount's root in its file system
    read_path(line);
    line.attributes = read_attributes();
    while (current() != '\n' && !at_end()) advance();
    advance();
    if (error_ < 0) return error_;
    return line.length < mount_path_limit ? 1 : -ENAMETOOLONG;
}

// The byte at hand; 0 at the end.
char MountTable::current() {
    if (at_ == size_ && error_ == 0) {
        const long count = raw::call(__NR_read, long{file_.number()}, bytes_, sizeof bytes_);
        at_ = 0;
        size_ = count > 0 ? static_cast<std::size_t>(count) : 0;
        if (count < 0) error_ = count;
    }
    return at_ < size_ ? bytes_[at_] : '\0';
}

void MountTable::advance() {
    if (!at_end()) ++at_;
}

void MountTable::skip_field() {
    while (current() != ' ' && current() != '\n' && !at_end()) advance();
    if (current() == ' ') advance();
}

std::uint32_t MountTable::number() {
    std::uint32_t value = 0;
    for (; current() >= '0' && current() <= '9'; advance())
        value = value * 10 + static_cast<std::uint32_t>(current() - '0');
    skip_field();
    return value;
}

// Space, tabulator, newline and backslash are written as three octal digits.
char MountTable::unescaped() {
    char letter = current();
    advance();
    if (letter != '\\') return letter;
    letter = 0;
    for (int i = 0; i < 3 && current() >= '0' && current() <= '7'; ++i, advance())
        letter = static_cast<char>(letter * 8 + (current() - '0'));
    return letter;
}

void MountTable::read_path(MountLine& line) {
    line.length = 0;
    while (current() != ' ' && current() != '\n' && !at_end()) {
        const char letter = unescaped();
        if (line.length < mount_path_limit) line.path[line.length++] = letter;
    }
    if (line.length < mount_path_limit) line.path[line.length] = '\0';
    skip_field();
}

// "ro,nosuid,relatime". There are three rules for access times, and the third has no word.
std::uint32_t MountTable::read_attributes() {
    std::uint32_t attributes = MOUNT_ATTR_STRICTATIME;
    while (current() != ' ' && current() != '\n' && !at_end()) {
        char word[16];
        std::size_t size = 0;
        for (; current() != ',' && current() != ' ' && current() != '\n' && !at_end(); advance())
            if (size < sizeof word - 1) word[size++] = current();
        word[size] = '\0';
        if (current() == ',') advance();
        for (const auto& known : words) {
            if (!raw::equal(known.word, word)) continue;
            if (known.attribute == MOUNT_ATTR_NOATIME || known.attribute == MOUNT_ATTR_RELATIME)
                attributes &= ~std::uint32_t{MOUNT_ATTR__ATIME};
            attributes |= known.attribute;
        }
    }
    return attributes;
}

}  // namespace bulkhead::rootfs
