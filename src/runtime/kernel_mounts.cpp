// SPDX-License-Identifier: Apache-2.0
#include "runtime/kernel_mounts.hpp"

#include <algorithm>

namespace bulkhead::runtime {

namespace {

// mountinfo writes blank, tab, newline and backslash as \ooo.
std::string unescaped(std::string_view text) {
    constexpr std::size_t digits = 3;
    std::string plain;
    for (std::size_t at = 0; at < text.size(); ++at) {
        unsigned byte = 0;
        const char* first = text.data() + at + 1;
        const bool escape = text[at] == '\\' && text.size() - at > digits &&
                            std::from_chars(first, first + digits, byte, 8).ptr == first + digits;
        plain.push_back(escape ? static_cast<char>(byte) : text[at]);
        if (escape) at += digits;
    }
    return plain;
}

}  // namespace

Result<std::vector<std::string>> kernel_mounts(std::string_view mountinfo) {
    constexpr std::size_t point = 4,
                          first_tag = 6;  // id parent major:minor root POINT options tags... - TYPE
    std::vector<std::string> found;
    for (const std::string_view line : split(mountinfo, '\n')) {
        if (line.empty()) continue;
        const std::vector<std::string_view> words = split(line, ' ');
        const auto tags = words.begin() + static_cast<std::ptrdiff_t>(std::min(first_tag, words.size()));
        const auto dash = std::find(tags, words.end(), "-");
        if (words.end() - dash < 2)
            return fail(Kind::internal, "/proc/self/mountinfo: ", quoted(line), ": not understood");
        if (dash[1] == "proc" || dash[1] == "sysfs") found.push_back(unescaped(words[point]));
    }
    return found;
}

}  // namespace bulkhead::runtime
