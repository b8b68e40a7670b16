// SPDX-License-Identifier: Apache-2.0
// Host steps on namespaces: opening those that are joined, and what only the host may write about a process
// in a new one.
#include <fcntl.h>

#include "base/files.hpp"
#include "base/kernel.hpp"
#include "base/sys.hpp"
#include "namespaces/visit.hpp"
#include "runtime/steps/host_steps.hpp"
#include "runtime/steps/mapped_root.hpp"

namespace bulkhead::runtime {

namespace {

// Checks the type before it opens the file: a fifo would block, and opening a device may have any effect.
Result<Fd> open_namespace_file(const std::string& path) {
    LET(const Fd found, sys::open(path, O_PATH));
    LET(const long type, sys::filesystem_type(found.number()));
    if (type != kernel::nsfs_magic) return fail(Kind::invalid_config, quoted(path), ": not a namespace");
    return sys::open(cat("/proc/self/fd/", found.number()), O_RDONLY);
}

std::string process_file(const StageProcess& stage, std::string_view name) {
    return cat("/proc/", stage.pid, '/', name);
}

}  // namespace

Result<> apply(const plan::OpenNamespace& op, HostResources& host) {
    LET(Fd file, open_namespace_file(op.path));
    LET(const std::uint64_t type, sys::namespace_type(file.number()));
    if (type != op.type) return fail(Kind::invalid_config, quoted(op.path), ": a namespace of another type");
    if (!op.refused_as_own.empty()) {
        LET(const bool own, namespaces::is_own(file, op.type));
        if (own) return fail(Kind::invalid_config, quoted(op.path), ": ", op.refused_as_own);
    }
    host.slots[op.slot.index] = std::move(file);
    return {};
}

Result<> apply(const plan::WriteIdMaps& op, const StageProcess& stage) {
    if (op.by_helper) return map_by_helper(stage.pid, op.maps);
    TRY(write_kernel_file(sys::here, process_file(stage, "uid_map"), op.maps.uids));
    if (op.deny_setgroups) TRY(write_kernel_file(sys::here, process_file(stage, "setgroups"), "deny"));
    return write_kernel_file(sys::here, process_file(stage, "gid_map"), op.maps.gids);
}

// A lower value needs CAP_SYS_RESOURCE. An equal value needs nothing, so it is not written.
Result<> apply(const plan::SetOomScore& op, const StageProcess& stage) {
    const std::string path = process_file(stage, "oom_score_adj");
    LET(const std::string now, read_kernel_file(sys::here, path));
    if (now == cat(op.value, '\n')) return {};
    return write_kernel_file(sys::here, path, cat(op.value));
}

}  // namespace bulkhead::runtime
