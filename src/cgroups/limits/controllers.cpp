// SPDX-License-Identifier: Apache-2.0
#include "cgroups/limits/controllers.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "base/text.hpp"
#include "cgroups/group/path.hpp"
#include "cgroups/limits/resources.hpp"

namespace bulkhead::cgroups {

namespace {

constexpr const char* delegated = "cgroup.controllers";
constexpr const char* handed_down = "cgroup.subtree_control";

bool has(std::string_view list, std::string_view word) {
    return std::ranges::count(split(list, ' '), word) != 0;
}

// "cgroup.max.depth" belongs to no controller.
bool needs_controller(const plan::CgroupSetting& setting) {
    return !setting.may_lack && controller_of(setting.file) != "cgroup";
}

// "a/b/c" -> "", "a", "a/b": the cgroups above, as paths below the root.
std::vector<std::string> above(const std::string& below) {
    std::vector<std::string> parents{""};
    for (std::size_t end = below.find('/'); end != std::string::npos; end = below.find('/', end + 1))
        parents.push_back(below.substr(0, end));
    return parents;
}

std::string file_in(const std::string& parent, const char* file) {
    return parent.empty() ? file : cat(parent, '/', file);
}

std::string shown(const std::string& parent) { return cat('/', quotable(parent)); }

// ---- what is missing ------------------------------------------------------------------------------------

// The mount point of the cgroup v1 hierarchy with this controller, for the error text. The mount's options
// stand behind the dash and name its controllers, so no path can be mistaken for one.
std::string v1_mount(std::string_view controller) {
    constexpr std::size_t point = 4;
    const auto mounts = read_kernel_file(sys::here, "/proc/self/mountinfo");
    if (!mounts) return {};
    for (const std::string_view line : split(*mounts, '\n')) {
        const std::size_t dash = line.find(" - cgroup ");
        if (dash == line.npos) continue;
        const std::string_view options = line.substr(line.rfind(' ') + 1);
        if (std::ranges::count(split(options, ','), controller) != 0)
            return std::string(split(line, ' ')[point]);
    }
    return {};
}

std::unexpected<Error> lacks(const plan::CgroupSetting& setting, const std::string& parent,
                             const std::string& list) {
    const std::string_view controller = controller_of(setting.file);
    const std::string v1 = v1_mount(controller);
    const std::string found = !v1.empty()
                                  ? cat("it is mounted as cgroup v1 at ", quotable(v1))
                                  : cat("cgroup ", shown(parent), parent.empty() ? " has " : " hands down ",
                                        list.empty() ? "none" : quotable(list));
    return fail(Kind::unsupported, setting.pointer, ": the cgroup controller ", quoted(controller),
                " is not available: ", found);
}

bool may_write(int hierarchy_fd, const std::string& file) {
    return ::faccessat(hierarchy_fd, file.c_str(), W_OK, AT_EACCESS) == 0;
}

// ---- huge pages -----------------------------------------------------------------------------------------

// "2MB" -> 2048
std::uint64_t kilobytes(std::string_view size) {
    const std::uint64_t number = parse_decimal<std::uint32_t>(size.substr(0, size.size() - 2)).value_or(0);
    const char unit = size[size.size() - 2];
    return number << (unit == 'G' ? 20 : unit == 'M' ? 10 : 0);
}

Result<> check_page_size(const plan::CgroupSetting& setting) {
    constexpr std::string_view folder = "/sys/kernel/mm/hugepages";
    const std::vector<std::string_view> parts = split(setting.file, '.');
    if (parts[0] != "hugetlb" || parts.size() < 3 || parts[1].size() < 3) return {};
    if (sys::status_at(sys::here, cat(folder, "/hugepages-", kilobytes(parts[1]), "kB"))) return {};
    const auto directory = sys::open(std::string(folder), O_RDONLY | O_DIRECTORY);
    const auto sizes = directory ? names_in(directory->number()) : std::vector<std::string>();
    return fail(Kind::unsupported, setting.pointer, ": ", quoted(parts[1]),
                ": this machine has no huge pages of this size, only ", sizes ? join(*sizes, ", ") : "");
}

// ---- handing down ---------------------------------------------------------------------------------------

// Of the cgroups above only the hierarchy's root, which has no cgroup.type, may have processes. In any other
// the kernel refuses (EBUSY) or, for a threaded controller, would make it a threaded domain, in which a
// container cannot be.
Result<bool> is_occupied(int hierarchy_fd, const std::string& parent) {
    if (!sys::status_at(hierarchy_fd, file_in(parent, "cgroup.type"))) return false;
    LET(const std::string processes, read_kernel_file(hierarchy_fd, file_in(parent, "cgroup.procs")));
    return !processes.empty();
}

std::string cannot_give(const std::string& parent, std::string_view controller) {
    return cat("cgroup ", shown(parent), " cannot hand down the controller ", controller);
}

std::unexpected<Error> in_the_way(const std::string& parent, std::string_view controller) {
    return fail(Kind::bad_state, cannot_give(parent, controller), ": there are processes in it");
}

Result<> hand_down(int hierarchy_fd, const std::string& parent, bool occupied, std::string_view controller) {
    if (occupied) return in_the_way(parent, controller);
    auto written = write_kernel_file(hierarchy_fd, file_in(parent, handed_down), cat('+', controller));
    if (!written) return std::unexpected(std::move(written).error().under(cannot_give(parent, controller)));
    return {};
}

// The needed controllers, then all others that the machine has.
Result<std::vector<std::string>> all_and(int hierarchy_fd, std::span<const std::string> needed) {
    LET(const std::string all, read_kernel_line(hierarchy_fd, delegated));
    std::vector<std::string> wanted(needed.begin(), needed.end());
    for (const std::string_view each : split(all, ' '))
        if (!each.empty() && std::ranges::count(needed, each) == 0) wanted.emplace_back(each);
    return wanted;
}

Result<std::vector<std::string>> missing_in(int hierarchy_fd, const std::string& parent,
                                            std::span<const std::string> controllers) {
    LET(const std::string there, read_kernel_line(hierarchy_fd, file_in(parent, handed_down)));
    std::vector<std::string> missing;
    for (const std::string& each : controllers)
        if (!has(there, each)) missing.push_back(each);
    return missing;
}

}  // namespace

std::vector<std::string> controllers_of(std::span<const plan::CgroupSetting> settings) {
    std::vector<std::string> controllers;
    for (const plan::CgroupSetting& each : settings)
        if (needs_controller(each)) controllers.emplace_back(controller_of(each.file));
    std::ranges::sort(controllers);
    const auto doubles = std::ranges::unique(controllers);
    controllers.erase(doubles.begin(), doubles.end());
    return controllers;
}

Result<> check_settings(int hierarchy_fd, const std::string& path,
                        std::span<const plan::CgroupSetting> settings) {
    LET(const std::string below, below_mount(path));
    LET(const std::string all, read_kernel_line(hierarchy_fd, delegated));
    for (const plan::CgroupSetting& each : settings) {
        if (!needs_controller(each)) continue;
        if (!has(all, controller_of(each.file))) return lacks(each, "", all);
        TRY(check_page_size(each));
    }
    for (const std::string& parent : above(below)) {
        const auto given = read_kernel_line(hierarchy_fd, file_in(parent, handed_down));
        if (!given && given.error().err == ENOENT) return {};  // a later step makes it
        if (!given) return std::unexpected(given.error());
        const auto lacking = std::ranges::find_if(settings, [&given](const plan::CgroupSetting& each) {
            return needs_controller(each) && !has(*given, controller_of(each.file));
        });
        if (lacking == settings.end()) continue;
        if (!may_write(hierarchy_fd, file_in(parent, handed_down))) return lacks(*lacking, parent, *given);
        LET(const bool occupied, is_occupied(hierarchy_fd, parent));
        if (occupied)
            return std::unexpected(
                in_the_way(parent, controller_of(lacking->file)).error().under(lacking->pointer));
    }
    return {};
}

// The parent hands down everything already, unless this is the first container below it.
Result<> enable_controllers(int hierarchy_fd, const std::string& path, std::span<const std::string> needed) {
    LET(const std::string below, below_mount(path));
    const std::vector<std::string> parents = above(below);
    LET(std::vector<std::string> wanted, all_and(hierarchy_fd, needed));
    LET(const std::vector<std::string> lacking, missing_in(hierarchy_fd, parents.back(), wanted));
    if (lacking.empty()) return {};
    for (const std::string& parent : parents) {
        LET(const std::vector<std::string> missing, missing_in(hierarchy_fd, parent, wanted));
        if (missing.empty()) continue;
        LET(const bool occupied, is_occupied(hierarchy_fd, parent));
        for (const std::string& each : missing) {
            auto given = hand_down(hierarchy_fd, parent, occupied, each);
            if (given) continue;
            if (std::ranges::count(needed, each) != 0) return given;
            std::erase(wanted, each);  // the cgroups below cannot have it either
        }
    }
    return {};
}

}  // namespace bulkhead::cgroups
