// SPDX-License-Identifier: Apache-2.0
#include "plan/explain.hpp"

#include <algorithm>

#include "cli/request.hpp"
#include "cli/verbs.hpp"

namespace bulkhead::cli::verbs {

namespace {

template <class Op>
bool has(const plan::Timeline& timeline) {
    return std::ranges::any_of(timeline.steps(), [](const plan::Step& step) {
        const auto* host = std::get_if<plan::HostOp>(&step.op);
        return host != nullptr && std::holds_alternative<Op>(*host);
    });
}

// The step that mounts an overlay: if there is one, and if its upper directory is kept.
struct Overlaid {
    bool at_all = false, kept = false;
};

Overlaid overlaid(const plan::Timeline& timeline) {
    Overlaid found;
    for (const plan::Step& step : timeline.steps())
        if (const auto* init = std::get_if<plan::InitStep>(&step.op))
            plan::visit<bool>(*init, [&]<class Op>(const Op& op) {
                if constexpr (std::is_same_v<Op, plan::MountOverlay>) found = {true, op.upper.count != 0};
                return true;
            });
    return found;
}

// Which of bulkhead.yaml has made the timeline what it is: a line of its own, or nothing.
std::string defaults_in_force(const Options& options, const ExplainFlags& flags,
                              const plan::Timeline& timeline) {
    const Defaults& defaults = options.defaults;
    std::vector<std::string> keys;
    if (!options.names_a_cgroup_manager() && defaults.cgroup_manager == "systemd" &&
        has<plan::StartUnit>(timeline))
        keys.emplace_back("cgroup-manager");
    const Overlaid overlay = overlaid(timeline);
    if (!flags.overlay_from && defaults.overlay_from && overlay.at_all) keys.emplace_back("overlay-from");
    if (!flags.overlay_upper_from && defaults.overlay_upper_from && overlay.kept)
        keys.emplace_back("overlay-upper-from");
    return keys.empty() ? "" : cat("# ", quotable(defaults.file), ": ", join(keys, ", "), '\n');
}

}  // namespace

Result<VerbResult> explain(const Call& call) {
    const auto& flags = call.flags<ExplainFlags>();
    LET(const runtime::CreateRequest request,
        explain_request(call.options, flags, call.operands.empty() ? "ID" : call.operands[0], call.caller));
    LET(const plan::Timeline timeline, runtime::explain(call.site, request));
    if (flags.json) return VerbResult{plan::explain_json(timeline), 0, {}};
    return VerbResult{
        cat(defaults_in_force(call.options, flags, timeline), plan::explain_text(timeline)), 0, {}};
}

}  // namespace bulkhead::cli::verbs
