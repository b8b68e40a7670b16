// SPDX-License-Identifier: Apache-2.0
#include "cgroups/group/mount.hpp"

#include <fcntl.h>

#include "base/kernel.hpp"
#include "base/sys.hpp"
#include "base/text.hpp"
#include "cgroups/group/helper.hpp"

namespace bulkhead::cgroups {

namespace {

constexpr const char* usual_mount = "/sys/fs/cgroup";
constexpr const char* hybrid_mount = "/sys/fs/cgroup/unified";

// The type of the file system at `path`, for the error text.
std::string kind_at(const std::string& path) {
    const auto directory = sys::open(path, O_PATH | O_DIRECTORY);
    if (!directory) return directory.error().text;
    const auto type = sys::filesystem_type(directory->number());
    if (!type) return type.error().text;
    return cat(path, " has file system type 0x", hexadecimal(static_cast<std::uint64_t>(*type)));
}

bool is_hierarchy(const std::string& path) { return open_hierarchy(path).has_value(); }

std::unexpected<Error> none_found(std::string_view others) {
    return fail(Kind::unsupported,
                "cgroup v2 is needed, and no cgroup2 file system is mounted: ", kind_at(usual_mount), "; ",
                others);
}

}  // namespace

Result<Fd> open_hierarchy(const std::string& mount) {
    LET(Fd directory, sys::open(mount, O_RDONLY | O_DIRECTORY));
    LET(const long type, sys::filesystem_type(directory.number()));
    if (type != kernel::cgroup2_super_magic)
        return fail(Kind::unsupported, quotable(mount), ": not cgroup v2");
    return directory;
}

Result<Hierarchy> find_hierarchy(Result<std::string> (*helper)()) {
    if (is_hierarchy(usual_mount)) return Hierarchy{usual_mount, false};
    if (is_hierarchy(hybrid_mount)) return Hierarchy{hybrid_mount, true};
    if (helper == nullptr) return none_found("other places were not looked at");
    const auto program = helper();
    if (!program) return none_found(program.error().text);
    const auto elsewhere = ask_helper(*program, "cgroup2-mount");
    if (!elsewhere) return none_found(elsewhere.error().text);
    if (!is_hierarchy(*elsewhere)) return none_found(cat(quotable(*elsewhere), " is not one either"));
    return Hierarchy{*elsewhere, true};
}

}  // namespace bulkhead::cgroups
