// SPDX-License-Identifier: Apache-2.0
// The rootfs room's part of a timeline, from a patch on the small config.
#pragma once

#include <algorithm>

#include "rootfs/plan.hpp"
#include "support/planning.hpp"

namespace bulkhead::rootfs {

using test::Lines;

inline const MountInputs ours{.bundle = "/bundle",
                              .root = "/bundle/rootfs",
                              .cgroup = "/cg/box",
                              .own_cgroup_namespace = true,
                              .host = {.kernel_major = 6, .kernel_minor = 18}};

inline MountInputs changed(MountInputs inputs, void (*change)(MountInputs&)) {
    change(inputs);
    return inputs;
}
inline const MountInputs no_cgroup_namespace =
    changed(ours, [](MountInputs& inputs) { inputs.own_cgroup_namespace = false; });
inline const MountInputs rootless = changed(ours, [](MountInputs& inputs) { inputs.clones_inside = true; });

inline Result<plan::Timeline> planned(const std::string& patch, const MountInputs& inputs = ours) {
    const spec::ValidSpec spec = test::spec_with(patch);
    plan::TimelineBuilder timeline;
    LET(const Trees trees, plan_trees(timeline, spec, inputs));
    timeline.host(plan::Spawn{0});
    LET(Layout layout, plan_content(timeline, spec, inputs, trees));
    plan_seal(timeline, spec, inputs, trees, std::move(layout));
    timeline.init(plan::Execute{});
    return std::move(timeline).finish();
}

// The lines of the mounts, or the error.
inline Lines lines(const std::string& patch, const MountInputs& inputs = ours) {
    const auto timeline = planned(patch, inputs);
    return timeline ? test::lines_of(*timeline) : Lines{timeline.error().text};
}
inline Lines about_mounts(const std::string& patch, const MountInputs& inputs = ours) {
    Lines all = lines(patch, inputs);
    if (all.size() > 1) std::erase_if(all, [](auto& line) { return line.find("(/mounts/") == line.npos; });
    std::erase_if(all, [](auto& line) { return line.starts_with("init compare_place "); });  // of their own
    return all;
}

inline bool has(const Lines& all, std::string_view line) { return std::ranges::find(all, line) != all.end(); }
inline bool has_verb(const Lines& all, std::string_view verb) {
    return std::ranges::any_of(
        all, [&](const std::string& line) { return line.starts_with(cat("init ", verb, ' ')); });
}

inline std::string one_mount(std::string_view mount) { return cat(R"({"mounts": [)", mount, "]}"); }

}  // namespace bulkhead::rootfs
