// SPDX-License-Identifier: Apache-2.0
#include "cgroups/group/path.hpp"

#include <climits>
#include <vector>

#include "base/text.hpp"

namespace bulkhead::cgroups {

namespace {

std::unexpected<Error> refuse(std::string_view value, std::string_view reason) {
    return fail(Kind::invalid_config, "/linux/cgroupsPath: ", quoted(value), ": ", reason);
}

// Empty if the component has no fault.
std::string_view fault_of(std::string_view component) {
    if (component == "..") return "must not contain \"..\"";
    if (component.size() > NAME_MAX) return "a name in it has more than 255 bytes";
    if (component.find('\0') != std::string_view::npos) return "must not contain a NUL byte";
    return {};
}

// "a//./b/" as "/a/b"; "" if nothing is left.
Result<std::string> cleaned(std::string_view path, std::string_view value) {
    std::string clean;
    for (const std::string_view component : split(path, '/')) {
        if (component.empty() || component == ".") continue;
        if (const auto fault = fault_of(component); !fault.empty()) return refuse(value, fault);
        clean.append("/").append(component);
    }
    return clean;
}

// The parent of an absolute path: "/a" for "/a/b", "" for "/a" and for "/".
std::string_view parent_of(std::string_view path) { return path.substr(0, path.rfind('/')); }

}  // namespace

std::string own_path(std::string_view proc_self_cgroup_text) {
    for (const std::string_view line : split(proc_self_cgroup_text, '\n'))
        if (line.starts_with("0::")) return std::string(line.substr(3));
    return {};
}

Result<std::string> container_path(std::string_view cgroups_path, std::string_view id,
                                   std::string_view own_path) {
    const std::string_view value = cgroups_path.empty() ? id : cgroups_path;
    LET(std::string path, cleaned(value, value));
    if (path.empty()) return refuse(value, "names the root of the hierarchy");
    if (!value.starts_with('/')) {
        // the kernel shows "/../x" to a process outside of its cgroup namespace's root
        auto parent = cleaned(own_path.empty() ? "" : parent_of(own_path), own_path);
        if (!parent)
            return refuse(value, cat("is relative to the runtime's own cgroup, which is ", own_path));
        path.insert(0, *parent);
    }
    if (path.size() >= PATH_MAX) return refuse(value, "is longer than 4095 bytes");
    return path;
}

Result<std::string> below_mount(std::string_view path) {
    const auto clean = cleaned(path, path);
    if (!clean || clean->empty() || *clean != path || path.size() >= PATH_MAX)
        return fail(Kind::internal, "not the path of a container's cgroup: ", quoted(path));
    return clean->substr(1);
}

}  // namespace bulkhead::cgroups
