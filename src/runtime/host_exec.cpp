// SPDX-License-Identifier: Apache-2.0
// Host steps of a further process in a container: whom it joins, and where it is born.
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/file.h>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "cgroups/group.hpp"
#include "cgroups/path.hpp"
#include "runtime/host_ops.hpp"
#include "runtime/lifecycle.hpp"
#include "runtime/own_cgroup.hpp"
#include "runtime/process_identity.hpp"

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

Result<> apply(Workshop& workshop, const StepContext&, const plan::FindInit& op) {
    auto init = open_init(workshop.state);
    if (!init) return not_running(workshop.state);
    workshop.joins = true;
    for (const plan::Inherited& each : op.of_children) {
        const char* name = each.flag == CLONE_NEWPID ? "/ns/pid_for_children" : "/ns/time_for_children";
        LET(workshop.slots[each.file.index], sys::open(cat("/proc/", workshop.state.pid, name), O_RDONLY));
    }
    if (op.root) {
        LET(workshop.slots[op.root->index],
            sys::open(cat("/proc/", workshop.state.pid, "/root"), O_PATH | O_DIRECTORY));
    }
    // What was opened by its pid was its own if it lives now.
    if (!op.of_children.empty() || op.root) TRY(sys::signal_process(init->number(), 0));
    workshop.slots[op.process.index] = std::move(*init);
    return {};
}

// Without its cgroup none of the container's limits would hold the new process.
Result<> apply(Workshop& workshop, const StepContext&, const plan::FindCgroup& op) {
    if (workshop.state.cgroup_path.empty()) return {};  // rootless: it was given up behind compile
    LET(Fd group, open_own_cgroup(workshop.state));
    if (!group)
        return fail(Kind::bad_state, "the container's cgroup ", quoted(workshop.state.cgroup_path),
                    " is gone: ", lifecycle::words(lifecycle::Rule::not_running));
    workshop.cgroup_optional = workshop.state.cgroup_optional;
    LET(const std::string below, clean_below(op.below));
    if (!op.below.empty()) workshop.cgroup_below = below;
    LET(workshop.cgroup, open_below(std::move(group), below));
    return {};
}

Result<std::string> cgroup_of_init(const Workshop& workshop) {
    const State& state = workshop.state;
    LET(const std::string text, read_kernel_file(sys::here, cat("/proc/", state.pid, "/cgroup")));
    const std::string path = cgroups::own_path(text);
    if (!path.starts_with(state.cgroup_path + "/"))
        return fail(Kind::bad_state, "init is in the cgroup ", quoted(path), ", which is not below ",
                    quoted(state.cgroup_path));
    return path.substr(state.cgroup_path.size());
}

// Said, not left to the end of the descriptor: a child that is not the stage yet has a copy of it, and in a
// frozen cgroup it stays like that until `resume`, which wants the lock.
Result<> apply(Workshop& workshop, const StepContext&, const plan::ReleaseContainer&) {
    TRY(sys::unlock(workshop.directory.number()));
    workshop.directory.reset();
    return {};
}

}  // namespace bulkhead::runtime
