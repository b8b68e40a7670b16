// SPDX-License-Identifier: Apache-2.0
#include "cgroups/devices/device_filter.hpp"

#include <cerrno>

#include "cgroups/devices/bpf_call.hpp"

namespace bulkhead::cgroups {

namespace {

// Other processes may remove or replace programs between the query and the change.
constexpr int attempts = 8;

bool is_gone(const Error& error) { return error.err == ENOENT; }

// Our programs on this cgroup, without its parents, oldest first.
Result<std::vector<Fd>> own_programs(int cgroup_fd) {
    LET(const auto ids, bpf::attached(cgroup_fd));
    std::vector<Fd> own;
    for (const std::uint32_t id : ids) {
        auto program = bpf::open_program(id);
        if (!program && is_gone(program.error())) continue;
        if (!program) return std::unexpected(std::move(program).error());
        LET(const std::string name, bpf::name_of(program->number()));
        if (name == device_filter_name) own.push_back(std::move(*program));
    }
    return own;
}

Result<> detach_all(int cgroup_fd, std::span<const Fd> programs) {
    for (const Fd& program : programs)
        if (auto detached = bpf::detach(cgroup_fd, program.number()); !detached && !is_gone(detached.error()))
            return detached;
    return {};
}

// Replaces the first of `old`, then detaches the rest. In between both hold, which only allows less.
Result<> replace_all(int cgroup_fd, int program, std::span<const Fd> old) {
    if (old.empty()) return bpf::attach(cgroup_fd, program);
    TRY(bpf::replace(cgroup_fd, program, old.front().number()));
    auto detached = detach_all(cgroup_fd, old.subspan(1));
    if (!detached) (void)bpf::replace(cgroup_fd, old.front().number(), program);
    return detached;
}

}  // namespace

Result<> attach_device_filter(int cgroup_fd, std::span<const bpf_insn> program) {
    LET(const Fd loaded, bpf::load_device_program(program, device_filter_name));
    return bpf::attach(cgroup_fd, loaded.number());
}

Result<Installed> install_device_filter(int cgroup_fd, std::span<const bpf_insn> program) {
    LET(Fd loaded, bpf::load_device_program(program, device_filter_name));
    for (int attempt = 1;; ++attempt) {
        LET(std::vector<Fd> old, own_programs(cgroup_fd));
        auto replaced = replace_all(cgroup_fd, loaded.number(), old);
        if (replaced) return Installed{std::move(loaded), std::move(old)};
        if (!is_gone(replaced.error()) || attempt == attempts)
            return std::unexpected(std::move(replaced).error());
    }
}

Result<> restore_device_filter(int cgroup_fd, const Installed& installed) {
    const int now = installed.now.number();
    if (installed.before.empty()) return bpf::detach(cgroup_fd, now);
    TRY(bpf::replace(cgroup_fd, installed.before.front().number(), now));
    for (std::size_t i = 1; i < installed.before.size(); ++i)
        TRY(bpf::attach(cgroup_fd, installed.before[i].number()));
    return {};
}

Result<> remove_device_filter(int cgroup_fd) {
    LET(const std::vector<Fd> own, own_programs(cgroup_fd));
    return detach_all(cgroup_fd, own);
}

Result<bool> has_device_filter(int cgroup_fd) {
    LET(const std::vector<Fd> own, own_programs(cgroup_fd));
    return !own.empty();
}

}  // namespace bulkhead::cgroups
