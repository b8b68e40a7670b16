// SPDX-License-Identifier: Apache-2.0
// A root that is a stack of layers, asked for with annotations (run.bulkhead.overlay.*). Pure, like plan.hpp:
// paths are looked at as text; that no link leads out of an allowed directory is seen when they are opened.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "rootfs/overlay_grants.hpp"
#include "spec/spec.hpp"

namespace bulkhead::rootfs {

// A directory of the host: one that the administrator allowed, and the way on from there ("." for itself).
struct AllowedPath {
    std::string allowed;  // absolute
    std::string below;    // relative, without ".."
    std::string pointer;  // of the annotation that names it

    bool operator==(const AllowedPath&) const = default;
};

struct Overlay {
    std::vector<AllowedPath> lower;  // topmost first
    std::vector<AllowedPath> upper;  // the upper directory that is kept and its work directory, or nothing
    std::string size;  // of the tmpfs for a throw-away upper; empty: no upper at all, or a kept one
};

// Each path as two strings, as the stage takes them.
std::vector<std::string> pairs_of(const std::vector<AllowedPath>& paths);

// The names of the annotations, sorted: `features` lists them.
std::span<const std::string_view> overlay_annotations();

// True if the root comes from layers, so that root.path need not exist.
bool wants_overlay(const spec::Spec& spec);

// nullopt: the root is no overlay. Errors name annotation, value and reason.
Result<std::optional<Overlay>> read_overlay(const spec::Spec& spec, const OverlayGrants& grants);

}  // namespace bulkhead::rootfs
