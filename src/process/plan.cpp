// SPDX-License-Identifier: Apache-2.0
#include "process/plan.hpp"

#include <sys/capability.h>

#include "process/environment.hpp"
#include "process/plan_capabilities.hpp"

namespace bulkhead::process {

using plan::TimelineBuilder;

namespace {

constexpr std::uint32_t default_umask = 0022;  // images expect it; runc and crun do the same
constexpr std::size_t home_capacity = 4096;    // "HOME=" and a path of PATH_MAX at most

Result<> plan_groups(TimelineBuilder& timeline, const std::vector<std::uint32_t>& gids, bool denied) {
    const char* pointer = "/process/user/additionalGids";
    if (denied && !gids.empty())
        return fail(Kind::invalid_config, "config.json: ", pointer,
                    ": cannot set any additional groups in a rootless container");
    if (!denied) timeline.init(plan::SetGroups{timeline.numbers(gids)}, pointer);
    return {};
}

void plan_directory(TimelineBuilder& timeline, const spec::Process& process) {
    timeline.init(plan::EnterDirectory{timeline.text(process.cwd)}, "/process/cwd");
}

void plan_limits(TimelineBuilder& timeline, const spec::Process& process) {
    for (std::size_t i = 0; i < process.rlimits.size(); ++i) {
        const spec::Rlimit& limit = process.rlimits[i];
        timeline.init(plan::SetRlimit{limit.soft, limit.hard, static_cast<std::uint32_t>(limit.resource)},
                      cat("/process/rlimits/", i));
    }
}

plan::Text plan_home(TimelineBuilder& timeline, std::uint32_t uid) {
    const plan::Text home = timeline.room("HOME=/", home_capacity);
    timeline.init(plan::FindHome{home, home_capacity, uid}, "/process/env");
    return home;
}

plan::Execute execution_of(TimelineBuilder& timeline, const std::vector<std::string>& arguments,
                           const std::vector<std::string>& environment, plan::Text home) {
    std::vector<plan::Text> variables;
    variables.reserve(environment.size() + 1);
    for (const std::string& entry : environment) variables.push_back(timeline.text(entry));
    if (home.size != 0) variables.push_back(home);
    return {.arguments = timeline.texts(arguments),
            .environment = timeline.list(variables),
            .argv = timeline.pointers(arguments.size() + 1),
            .envp = timeline.pointers(variables.size() + 1)};
}

}  // namespace

void plan_hook_environment(TimelineBuilder& timeline, const spec::ValidSpec& spec) {
    plan_directory(timeline, spec.process());
    plan_limits(timeline, spec.process());
}

ProcessEnvironment plan_environment(TimelineBuilder& timeline, const spec::ValidSpec& spec,
                                    const std::vector<std::string>& extra) {
    const spec::Process& process = spec.process();
    plan_directory(timeline, process);
    std::vector<std::string> environment = process.env;
    environment.insert(environment.end(), extra.begin(), extra.end());
    ProcessEnvironment found{.environment = unique_environment(environment), .home = {}};
    // Before the stage takes the user's ids: the limits need privileges and may leave no descriptor, and only
    // root may be able to read an image's passwd file. FindHome reads a bounded part of a plain file only.
    if (value_of(found.environment, "HOME").empty()) found.home = plan_home(timeline, process.user.uid);
    plan_limits(timeline, process);
    return found;
}

Result<> plan_credentials(TimelineBuilder& timeline, const spec::ValidSpec& spec, const plan::HostFacts& host,
                          const Circumstances& circumstances) {
    const spec::Process& process = spec.process();
    const spec::Capabilities sets = process.capabilities.value_or(spec::Capabilities{});
    const std::uint64_t grantable = grantable_capabilities(spec, host);
    LET(const std::uint64_t bounding, capability_set(sets.bounding, grantable));
    TRY(plan_labels(timeline, spec, host));
    TRY(plan_scheduling(timeline, spec));
    if (!process.terminal) timeline.init(plan::OwnStdio{process.user.uid}, "/process/user/uid");
    timeline.init(plan::LimitBounding{bounding, host.last_capability}, "/process/capabilities/bounding");
    TRY(plan_groups(timeline, process.user.additional_gids, circumstances.groups_denied));
    timeline.init(plan::SetIds{process.user.uid, process.user.gid}, "/process/user");
    // Without no_new_privs seccomp(2) needs CAP_SYS_ADMIN.
    const bool admin = circumstances.filter_follows && !process.no_new_privileges;
    TRY(plan_capabilities(timeline, sets, grantable, admin ? std::uint64_t{1} << CAP_SYS_ADMIN : 0));
    timeline.init(plan::SetUmask{process.user.umask.value_or(default_umask)}, "/process/user/umask");
    if (process.no_new_privileges) timeline.init(plan::ForbidNewPrivileges{}, "/process/noNewPrivileges");
    return {};
}

plan::Execute plan_search(TimelineBuilder& timeline, const spec::ValidSpec& spec,
                          const ProcessEnvironment& found) {
    const spec::Process& process = spec.process();
    const std::vector<std::string>& environment = found.environment;
    const std::vector<std::string> places = candidates(process.args[0], value_of(environment, "PATH"));
    if (spec.has_program())
        timeline.init(plan::FindProgram{timeline.text(process.args[0]), timeline.texts(places)},
                      "/process/args/0");
    return execution_of(timeline, process.args, environment, found.home);
}

plan::Execute plan_hook_program(TimelineBuilder& timeline, const std::string& path,
                                const std::vector<std::string>& arguments,
                                const std::vector<std::string>& environment, std::string pointer) {
    timeline.init(plan::FindProgram{timeline.text(path), timeline.texts({path})}, std::move(pointer));
    return execution_of(timeline, arguments.empty() ? std::vector{path} : arguments, environment, {});
}

}  // namespace bulkhead::process
