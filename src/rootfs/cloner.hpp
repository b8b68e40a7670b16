// SPDX-License-Identifier: Apache-2.0
// Trees of the host: decides which lane clones them, and when they get their attributes. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plan/host_facts.hpp"
#include "plan/timeline.hpp"
#include "rootfs/layout.hpp"

namespace bulkhead::rootfs {

// A tree of the host that the container gets.
struct Source {
    std::string path;
    bool recursive = false;
    plan::MountAttributes attributes{};
    std::vector<std::uint32_t> propagation{};
    std::optional<plan::IdMaps> id_maps{};
    std::optional<plan::DeviceIdentity> device{};  // what it has to be; the stage does not check it
};

// A clone, which a later step attaches. If the kernel can change only attached mounts, that step sets
// attributes and propagation, else they are empty here.
struct Tree {
    plan::Slot slot;
    plan::MountAttributes attributes{};
    std::vector<std::uint32_t> propagation{};
};

// A clone that the stage makes.
struct InnerClone {
    Source source;
    plan::Slot slot;
    std::string pointer;
};

// Hands each clone to the lane that may make it: the host, or the stage in its user namespace.
class Cloner {
  public:
    Cloner(plan::TimelineBuilder& timeline, bool inside, const plan::HostFacts& host)
        : timeline_(timeline), inside_(inside), changes_clones_(host.sets_mount_attributes()) {}

    bool is_inside() const { return inside_; }
    Tree operator()(Source source, std::string pointer);
    // Those of the stage.
    std::vector<InnerClone> inner() && { return std::move(inner_); }

  private:
    plan::TimelineBuilder& timeline_;
    bool inside_;
    bool changes_clones_;
    std::vector<InnerClone> inner_;
};

// Init lane: the clones that the host may not make. They come before IsolateMounts, so that they go on
// receiving mounts from the host.
void plan_inner_clones(plan::TimelineBuilder& timeline, const std::vector<InnerClone>& clones);

// Init lane: attaches a clone below the root.
void plan_attachment(plan::TimelineBuilder& timeline, Layout& layout, const Tree& tree,
                     const std::string& target, const std::string& pointer);

}  // namespace bulkhead::rootfs
