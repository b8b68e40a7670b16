// SPDX-License-Identifier: Apache-2.0
#include "cgroups/systemd/unit.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.hpp"

namespace bulkhead::cgroups {

namespace {

constexpr std::string_view slice_suffix = ".slice";
constexpr std::string_view root_slice = "-.slice";
constexpr std::size_t name_limit = 255;  // UNIT_NAME_MAX without its NUL

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_unit_letter(char c) { return is_alphanumeric(c) || std::string_view(":-_.\\@").contains(c); }

std::unexpected<Error> refuse(std::string_view value, std::string_view reason) {
    return fail(Kind::invalid_config, "config.json: /linux/cgroupsPath: ", quoted(value), ": ", reason);
}

// Empty if the name has no fault.
std::string fault_of(std::string_view unit) {
    if (unit.size() > name_limit) return "the name of the unit has more than 255 bytes";
    if (unit.starts_with('@') || !std::ranges::all_of(unit, is_unit_letter))
        return cat(quoted(unit), " is no name of a unit: it may have letters, digits and : - _ . \\ @");
    return {};
}

// The slice a-b.slice is in a.slice. So a dash stands between two names.
std::string fault_of_slice(std::string_view slice) {
    if (std::string fault = fault_of(slice); !fault.empty()) return fault;
    if (slice == root_slice) return {};
    const std::size_t size = slice.ends_with(slice_suffix) ? slice.size() - slice_suffix.size() : 0;
    const auto names = split(slice.substr(0, size), '-');
    if (size == 0 || std::ranges::count(names, std::string_view()) != 0)
        return cat("invalid slice name: ", quoted(slice));
    return {};
}

// The slices around a slice, outermost first, then the slice itself; none for the root slice.
std::vector<std::string> expanded(std::string_view slice) {
    std::vector<std::string> slices;
    if (slice == root_slice) return slices;
    const std::size_t end = slice.size() - slice_suffix.size();
    for (std::size_t dash = slice.find('-'); dash < end; dash = slice.find('-', dash + 1))
        slices.push_back(cat(slice.substr(0, dash), slice_suffix));
    slices.emplace_back(slice);
    return slices;
}

std::string parent_of(std::string_view slice) {
    const auto slices = expanded(slice);
    return slices.size() < 2 ? std::string(root_slice) : slices[slices.size() - 2];
}

// systemd's cg_escape: marks a name that could be one of the kernel's files in the same directory.
std::string directory_of(std::string_view unit) {
    constexpr std::array<std::string_view, 9> owners{"cgroup", "cpu",    "cpuacct", "cpuset", "io",
                                                     "blkio",  "memory", "devices", "pids"};
    const auto is_file_of = [&](std::string_view owner) {
        return unit.starts_with(owner) && unit.substr(owner.size()).starts_with('.');
    };
    const bool needs =
        unit.starts_with('_') || unit.starts_with('.') || std::ranges::any_of(owners, is_file_of);
    return cat(needs ? "_" : "", unit);
}

Result<Unit> slice_of(std::string_view value, std::string_view given_slice, std::string_view name) {
    if (const std::string fault = fault_of_slice(name); !fault.empty()) return refuse(value, fault);
    if (name == root_slice) return refuse(value, "names the root of the hierarchy");
    const std::string parent = parent_of(name);
    if (!given_slice.empty() && given_slice != parent)
        return refuse(value, cat(name, " is not in ", given_slice, ": by its name it is in ", parent));
    return Unit{std::string(name), parent};
}

Result<Unit> unit_named(std::string_view value, std::string_view default_slice) {
    const auto parts = split(value, ':');
    if (parts.size() != 3)
        return refuse(value, cat("expected cgroupsPath to be of format \"slice:prefix:name\" for systemd "
                                 "cgroups, got ",
                                 quoted(value), " instead"));
    const std::string_view slice = parts[0] == "-" ? root_slice : parts[0], prefix = parts[1],
                           name = parts[2];
    if (name.empty()) return refuse(value, "the name is empty");
    if (const std::string fault = slice.empty() ? "" : fault_of_slice(slice); !fault.empty())
        return refuse(value, fault);
    if (name.ends_with(slice_suffix)) return slice_of(value, slice, name);
    const std::string unit = cat(prefix, prefix.empty() ? "" : "-", name, ".scope");
    if (const std::string fault = fault_of(unit); !fault.empty()) return refuse(value, fault);
    return Unit{unit, std::string(slice.empty() ? default_slice : slice)};
}

}  // namespace

Result<Unit> unit_of(std::string_view cgroups_path, std::string_view id, bool of_user) {
    const std::string_view default_slice = of_user ? "user.slice" : "system.slice";
    if (!cgroups_path.empty()) return unit_named(cgroups_path, default_slice);
    const std::string unit = cat("bulkhead-", unit_escaped(id), ".scope");
    if (unit.size() > name_limit)
        return fail(Kind::usage, "the container ID ", quoted(id), " is too long for the name of a scope, ",
                    "and the config has no /linux/cgroupsPath");
    return Unit{unit, std::string(default_slice)};
}

std::string cgroup_of(const Unit& unit, std::string_view manager) {
    std::string path(manager == "/" ? "" : manager);
    for (const std::string& slice : expanded(unit.slice)) path += cat('/', directory_of(slice));
    return path += cat('/', directory_of(unit.name));
}

std::string unit_escaped(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string escaped;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (is_unit_letter(c) && c != '\\')
            escaped += c;
        else
            escaped += cat("\\x", digits[byte >> 4], digits[byte & 15]);
    }
    return escaped;
}

}  // namespace bulkhead::cgroups
