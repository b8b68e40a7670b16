// SPDX-License-Identifier: Apache-2.0
#include "runtime/steps/mount_table.hpp"

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

struct Mount {
    std::uint64_t number = 0;
    std::string point;
    std::string_view type;
};

Result<Mount> mount_of(std::string_view line) {
    constexpr std::size_t point = 4,
                          first_tag = 6;  // id parent major:minor root POINT options tags... - TYPE
    const std::vector<std::string_view> words = split(line, ' ');
    const auto tags = words.begin() + static_cast<std::ptrdiff_t>(std::min(first_tag, words.size()));
    const auto dash = std::find(tags, words.end(), "-");
    const auto number = parse_decimal<std::uint64_t>(words[0]);
    if (words.end() - dash < 2 || !number)
        return fail(Kind::internal, "/proc/self/mountinfo: ", quoted(line), ": not understood");
    return Mount{*number, unescaped(words[point]), dash[1]};
}

Result<std::vector<Mount>> mounts_where(std::string_view mountinfo, auto wanted) {
    std::vector<Mount> found;
    for (const std::string_view line : split(mountinfo, '\n')) {
        if (line.empty()) continue;
        LET(Mount mount, mount_of(line));
        if (wanted(mount)) found.push_back(std::move(mount));
    }
    return found;
}

}  // namespace

Result<std::vector<std::string>> kernel_mounts(std::string_view mountinfo) {
    LET(std::vector<Mount> mounts, mounts_where(mountinfo, [](const Mount& mount) {
            return mount.type == "proc" || mount.type == "sysfs";
        }));
    std::vector<std::string> found;
    for (Mount& mount : mounts) found.push_back(std::move(mount.point));
    return found;
}

Result<bool> has_mount(std::string_view mountinfo, std::uint64_t number, const std::string& point) {
    LET(const std::vector<Mount> mounts, mounts_where(mountinfo, [&](const Mount& mount) {
            return mount.number == number && mount.point == point;
        }));
    return !mounts.empty();
}

Result<std::string> resctrl_mount(std::string_view mountinfo) {
    LET(const std::vector<Mount> mounts,
        mounts_where(mountinfo, [](const Mount& mount) { return mount.type == "resctrl"; }));
    return mounts.empty() ? std::string() : mounts.front().point;
}

}  // namespace bulkhead::runtime
