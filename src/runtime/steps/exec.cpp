// SPDX-License-Identifier: Apache-2.0
// Host steps of a further process in a container: they find its init and the cgroup to be born in.
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/file.h>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "cgroups/group/group.hpp"
#include "cgroups/group/path.hpp"
#include "runtime/record/identity.hpp"
#include "runtime/record/lifecycle.hpp"
#include "runtime/steps/host_steps.hpp"

namespace bulkhead::runtime {

namespace {

std::unexpected<Error> not_running(const State& state) {
    return fail(Kind::bad_state, lifecycle::words(lifecycle::Rule::not_running), ": ", state.id);
}

// "/a/./b/../c" as "/a/c", without a look at the disk; "" for the cgroup itself.
Result<std::string> clean_below(const std::string& path) {
    std::vector<std::string_view> kept;
    for (const std::string_view name : split(path, '/')) {
        if (name == ".." && kept.empty())
            return fail(Kind::usage, "--cgroup ", quoted(path), ": leaves the container's cgroup");
        if (name == "..")
            kept.pop_back();
        else if (!name.empty() && name != ".")
            kept.push_back(name);
    }
    std::string cleaned;
    for (const std::string_view name : kept) cleaned.append(cat('/', name));
    return cleaned;
}

// The cgroup itself, or one below it, with a clean path.
Result<Fd> open_below(Fd group, const std::string& below) {
    if (below.empty()) return group;
    auto opened = cgroups::open(group.number(), below);
    if (!opened) return std::unexpected(std::move(opened).error().under(cat("--cgroup ", quoted(below))));
    return opened;
}

}  // namespace

Result<> apply(const plan::FindInit& op, const ContainerRecord& record, HostResources& host,
               StageProcess& stage) {
    auto init = open_init(record.state);
    if (!init) return not_running(record.state);
    stage.joins = true;
    for (const plan::Inherited& each : op.of_children) {
        const char* name = each.flag == CLONE_NEWPID ? "/ns/pid_for_children" : "/ns/time_for_children";
        LET(host.slots[each.file.index], sys::open(cat("/proc/", record.state.pid, name), O_RDONLY));
    }
    if (op.root) {
        LET(host.slots[op.root->index],
            sys::open(cat("/proc/", record.state.pid, "/root"), O_PATH | O_DIRECTORY));
    }
    // If the process lives now, the files that were opened by its pid were its own.
    if (!op.of_children.empty() || op.root) TRY(sys::signal_process(init->number(), 0));
    host.slots[op.process.index] = std::move(*init);
    return {};
}

// Without its cgroup none of the container's limits would hold the new process.
Result<> apply(const plan::FindCgroup& op, const ContainerRecord& record, ResourceControl& control) {
    if (record.state.cgroup_path.empty()) return {};  // rootless: the container has none
    LET(Fd group, open_own_cgroup(record.state));
    if (!group)
        return fail(Kind::bad_state, "the container's cgroup ", quoted(record.state.cgroup_path),
                    " is gone: ", lifecycle::words(lifecycle::Rule::not_running));
    LET(const std::string below, clean_below(op.below));
    if (!op.below.empty()) control.cgroup_below = below;
    LET(control.cgroup, open_below(std::move(group), below));
    return {};
}

Result<std::string> cgroup_of_init(const State& state) {
    LET(const std::string text, read_kernel_file(sys::here, cat("/proc/", state.pid, "/cgroup")));
    const std::string path = cgroups::own_path(text);
    if (!path.starts_with(state.cgroup_path + "/"))
        return fail(Kind::bad_state, "init is in the cgroup ", quoted(path), ", which is not below ",
                    quoted(state.cgroup_path));
    return path.substr(state.cgroup_path.size());
}

// Unlocks, because closing is not enough: a child that is not the stage yet has a copy of the descriptor. In
// a frozen cgroup it keeps that copy until `resume`, which needs the lock.
Result<> apply(const plan::ReleaseContainer&, ContainerRecord& record) {
    TRY(sys::unlock(record.directory.number()));
    record.directory.reset();
    return {};
}

}  // namespace bulkhead::runtime
