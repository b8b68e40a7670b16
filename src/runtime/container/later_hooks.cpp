// SPDX-License-Identifier: Apache-2.0
#include "runtime/container/later_hooks.hpp"

#include <sys/file.h>

#include "base/sys.hpp"
#include "runtime/compile/hook.hpp"
#include "runtime/container/observe.hpp"
#include "runtime/container/probe.hpp"
#include "runtime/steps/hooks.hpp"
#include "runtime/steps/walk.hpp"
#include "seccomp/cache.hpp"
#include "spec/parse.hpp"

namespace bulkhead::runtime {

namespace {

Result<spec::ValidSpec> kept_spec(int directory) {
    LET(const std::string text, load_config(directory));
    LET(spec::Spec spec, spec::parse(text));
    return spec::validate(std::move(spec));
}

HookOptions options_of(const State& state) {
    return {.bundle = state.bundle,
            .root = state.rootfs,
            .has_cgroup = !state.cgroup_path.empty(),
            .otherwise = birthplaces(!state.unit.name.empty(), state.cgroup_optional),
            .new_keyring = state.new_keyring,
            .rdt = rdt_entry(state),
            .filter = {}};
}

Result<plan::Timeline> poststop_of(int directory, const State& state) {
    LET(const spec::ValidSpec spec, kept_spec(directory));
    return compile_hook_run(plan::HookKind::poststop, options_of(state), spec, {});
}

Result<> remove_by_force(const Site& site, const State& state, Fd directory) {
    LET(const plan::Timeline timeline, compile_removal(cat(site.root, '/', state.id), true, state));
    ExecutionContext context;
    context.record.state = state;
    context.record.directory = std::move(directory);
    return walk(timeline, context);
}

}  // namespace

Result<StartHooks> hooks_of_start(const Site& site, int directory, const State& state) {
    StartHooks hooks;
    if (!state.later_hooks) return hooks;
    LET(const spec::ValidSpec spec, kept_spec(directory));
    HookOptions options = options_of(state);
    plan::HostFacts host;
    if (has_hooks(spec, plan::HookKind::start_container)) {
        LET(host, probe_kernel());
        LET(const Fd root, open_root(site));
        if (spec->linux.seccomp) {
            LET(options.filter, seccomp::cached_program(root.number(), *spec->linux.seccomp));
        }
    }
    LET(hooks.start_container, compile_hook_run(plan::HookKind::start_container, options, spec, host));
    LET(hooks.poststart, compile_hook_run(plan::HookKind::poststart, options, spec, host));
    return hooks;
}

DeleteHooks hooks_of_delete(int directory, const State& state) {
    DeleteHooks hooks;
    if (!state.later_hooks) return hooks;
    auto poststop = poststop_of(directory, state);
    if (poststop)
        hooks.poststop = std::move(*poststop);
    else
        hooks.warnings.push_back(cat("the poststop hooks cannot run: ", poststop.error().text));
    return hooks;
}

std::vector<std::string> run_poststop(const DeleteHooks& hooks, const State& state) {
    std::vector<std::string> warnings = hooks.warnings;
    auto failed = run_hooks(hooks.poststop, state);
    if (!failed) return {failed.error().text};
    warnings.insert(warnings.end(), failed->begin(), failed->end());
    return warnings;
}

Error with_warnings(Error error, const std::vector<std::string>& warnings) {
    for (const std::string& each : warnings) error.text.append("; ").append(each);
    return error;
}

Error discard(const Site& site, const State& state, Fd directory, Error why) {
    const auto locked = lock_container(directory, state.id);
    const auto status = sys::status_of(directory.number());
    if (!locked || !status || status->st_nlink == 0) return why;
    const DeleteHooks hooks = hooks_of_delete(directory.number(), state);
    if (const auto removed = remove_by_force(site, state, std::move(directory)); !removed)
        return with_warnings(std::move(why), {removed.error().text});
    return with_warnings(std::move(why), run_poststop(hooks, state));
}

}  // namespace bulkhead::runtime
