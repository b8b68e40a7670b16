// SPDX-License-Identifier: Apache-2.0
// Host steps on namespaces: opening those that are joined, and what only the host may write about a process
// in a new one.
#include <fcntl.h>

#include "base/files.hpp"
#include "base/kernel.hpp"
#include "base/program.hpp"
#include "base/socket.hpp"
#include "base/sys.hpp"
#include "namespaces/visit.hpp"
#include "runtime/host_ops.hpp"

namespace bulkhead::runtime {

namespace {

// Looked at before it is opened: a fifo would block, a device might do anything.
Result<Fd> open_namespace_file(const std::string& path) {
    LET(const Fd found, sys::open(path, O_PATH));
    LET(const long type, sys::filesystem_type(found.number()));
    if (type != kernel::nsfs_magic) return fail(Kind::invalid_config, quoted(path), ": not a namespace");
    return sys::open(cat("/proc/self/fd/", found.number()), O_RDONLY);
}

std::string process_file(const Workshop& workshop, std::string_view name) {
    return cat("/proc/", workshop.pid, '/', name);
}

// "0 100000 65536\n1 ...\n" as arguments: pid, then three numbers a line.
std::vector<std::string> helper_arguments(pid_t pid, const std::string& map) {
    std::vector<std::string> arguments{cat(pid)};
    for (const std::string_view line : split(map, '\n'))
        for (const std::string_view number : split(line, ' '))
            if (!number.empty()) arguments.emplace_back(number);
    return arguments;
}

Result<> map_by_helper(const Workshop& workshop, const char* program, const std::string& map) {
    constexpr int deadline_ms = 10'000;
    const auto done = run_program(program, helper_arguments(workshop.pid, map), deadline_ms);
    if (!done) return std::unexpected(Error(done.error()).under(program));
    return {};
}

}  // namespace

Result<> apply(Workshop& workshop, const StepContext&, const plan::OpenNamespace& op) {
    LET(Fd file, open_namespace_file(op.path));
    LET(const std::uint64_t type, sys::namespace_type(file.number()));
    if (type != op.type) return fail(Kind::invalid_config, quoted(op.path), ": a namespace of another type");
    if (!op.refused_as_own.empty()) {
        LET(const bool own, namespaces::is_own(file, op.type));
        if (own) return fail(Kind::invalid_config, quoted(op.path), ": ", op.refused_as_own);
    }
    workshop.slots[op.slot.index] = std::move(file);
    return {};
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::WriteIdMaps& op) {
    if (op.by_helper) {
        TRY(map_by_helper(workshop, "/usr/bin/newuidmap", op.maps.uids));
        return map_by_helper(workshop, "/usr/bin/newgidmap", op.maps.gids);
    }
    TRY(write_kernel_file(sys::here, process_file(workshop, "uid_map"), op.maps.uids));
    if (op.deny_setgroups) TRY(write_kernel_file(sys::here, process_file(workshop, "setgroups"), "deny"));
    return write_kernel_file(sys::here, process_file(workshop, "gid_map"), op.maps.gids);
}

// Lowering it wants CAP_SYS_RESOURCE, which nobody needs to leave it as it is.
Result<> apply(Workshop& workshop, const StepContext&, const plan::SetOomScore& op) {
    const std::string path = process_file(workshop, "oom_score_adj");
    LET(const std::string now, read_kernel_file(sys::here, path));
    if (now == cat(op.value, '\n')) return {};
    return write_kernel_file(sys::here, path, cat(op.value));
}

// A child that has failed already has said why.
Result<> apply(Workshop& workshop, const StepContext&, const plan::SendPrepared&) {
    const auto sent = sys::send(workshop.report.number(), {&plan::prepared_message, 1});
    if (!sent && sent.error().err == EPIPE) return {};
    return sent;
}

}  // namespace bulkhead::runtime
