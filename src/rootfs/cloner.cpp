// SPDX-License-Identifier: Apache-2.0
#include "rootfs/cloner.hpp"

#include <utility>

namespace bulkhead::rootfs {

Tree Cloner::operator()(Source source, std::string pointer) {
    Tree tree{.slot = timeline_.slot()};
    if (!changes_clones_) {
        tree.attributes = std::exchange(source.attributes, {});
        tree.propagation = std::exchange(source.propagation, {});
    }
    if (inside_)
        inner_.push_back({std::move(source), tree.slot, std::move(pointer)});
    else
        timeline_.host(plan::CloneTree{.path = std::move(source.path),
                                       .slot = tree.slot,
                                       .recursive = source.recursive,
                                       .attributes = source.attributes,
                                       .propagation = std::move(source.propagation),
                                       .id_maps = std::move(source.id_maps),
                                       .device = source.device},
                       std::move(pointer));
    return tree;
}

void plan_inner_clones(plan::TimelineBuilder& timeline, const std::vector<InnerClone>& clones) {
    for (const auto& [source, slot, pointer] : clones)
        timeline.init(plan::CloneSource{.path = timeline.text(source.path),
                                        .attributes = source.attributes,
                                        .propagation = timeline.numbers(source.propagation),
                                        .slot = slot,
                                        .recursive = source.recursive},
                      pointer);
}

void plan_attachment(plan::TimelineBuilder& timeline, Layout& layout, const Tree& tree,
                     const std::string& target, const std::string& pointer) {
    const plan::Path place = layout.target(timeline, target, true, pointer);
    timeline.init(
        plan::AttachTree{.tree = tree.slot,
                         .target = place,
                         .attributes = tree.attributes,
                         .propagation = timeline.numbers(tree.propagation),
                         .anchor = layout.attached(timeline, target, {Names::shared, true}, pointer)},
        pointer);
}

}  // namespace bulkhead::rootfs
