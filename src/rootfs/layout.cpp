// SPDX-License-Identifier: Apache-2.0
#include "rootfs/layout.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace bulkhead::rootfs {

using plan::TimelineBuilder;

namespace {

std::string_view parent_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == path.npos ? "" : path.substr(0, slash);
}

}  // namespace

std::string cleaned(std::string_view path) {
    std::vector<std::string> kept;
    for (const std::string_view name : split(path, '/')) {
        if (name.empty() || name == ".") continue;
        if (name == "..") {
            if (!kept.empty()) kept.pop_back();
            continue;
        }
        kept.emplace_back(name);
    }
    return join(kept, "/");
}

bool is_below(std::string_view path, std::string_view directory) {
    return path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/';
}

Layout::Layout(std::vector<std::string> used, const std::vector<std::string>& joint)
    : used_(std::move(used)) {
    std::ranges::sort(used_);
    for (const std::string& path : joint) ++children_[std::string(parent_of(path))];
}

const Layout::Known* Layout::nearest(std::string_view path, bool itself) const {
    const Known* found = nullptr;
    for (const Known& each : known_)
        if (is_below(path, each.path) || (itself && path == each.path))
            if (found == nullptr || each.path.size() > found->path.size()) found = &each;
    return found;
}

// A path that is too long for the kernel needs no anchor, because nothing can be attached there.
plan::Path Layout::beneath(TimelineBuilder& timeline, std::string_view path, bool itself) const {
    constexpr std::size_t path_limit = 4096;
    const plan::Text text = timeline.text(path);
    const Known* found = nullptr;
    for (const Known& each : known_)
        if (each.has_descriptor && (is_below(path, each.path) || (itself && path == each.path)))
            if (found == nullptr || each.path.size() > found->path.size()) found = &each;
    if (found == nullptr || found->path.size() >= path_limit) return {text};
    const std::size_t skip = std::min(found->path.size() + 1, path.size());
    return {text, static_cast<std::uint16_t>(skip), found->anchor};
}

plan::Path Layout::place(TimelineBuilder& timeline, std::string_view path) const {
    return beneath(timeline, path, true);
}

plan::Path Layout::entry(TimelineBuilder& timeline, std::string_view path) const {
    return beneath(timeline, path, false);
}

plan::Path Layout::target(TimelineBuilder& timeline, const std::string& path, bool made,
                          const std::string& pointer) {
    const std::string directory(parent_of(path));
    const auto children = children_.find(directory);
    const Known* known = nearest(path, true);
    const bool there = known != nullptr && (known->path == path || known->path == directory);
    if (!directory.empty() && !there && children != children_.end() && children->second > 1 &&
        around(path) == Names::shared)
        hold(timeline, directory, made, pointer);
    return place(timeline, path);
}

void Layout::make_directory(TimelineBuilder& timeline, const std::string& path) {
    const Known* known = nearest(path, true);
    if (known == nullptr || known->path != path) return hold(timeline, path, true, {});
    timeline.init(plan::MakeDirectory{place(timeline, path)});
}

void Layout::hold(TimelineBuilder& timeline, const std::string& directory, bool made,
                  const std::string& pointer) {
    const plan::Path path = place(timeline, directory);
    const plan::Anchor anchor = timeline.anchor();
    if (made)
        timeline.init(plan::MakeDirectory{path, anchor}, pointer);
    else
        timeline.init(plan::HoldDirectory{path, anchor}, pointer);
    known_.push_back({.path = directory, .anchor = anchor, .has_descriptor = true});
}

Names Layout::around(std::string_view path) const {
    const Known* known = nearest(path, false);
    return known == nullptr ? Names::shared : known->names;
}

bool Layout::is_kept(const std::string& path) const {
    const auto same = std::ranges::equal_range(used_, path);
    const auto below = std::ranges::lower_bound(used_, path + "/");
    return same.size() > 1 || (below != used_.end() && is_below(*below, path));
}

void Layout::cover(std::string_view path) {
    std::erase_if(known_, [&](const Known& each) { return each.path == path || is_below(each.path, path); });
}

plan::Anchor Layout::attached(TimelineBuilder& timeline, const std::string& path, Attached what,
                              const std::string& pointer) {
    const bool to_compare = around(path) == Names::shared;
    cover(path);
    known_.push_back({.path = path,
                      .anchor = timeline.anchor(),
                      .names = what.names,
                      .has_descriptor = what.kept,
                      .to_compare = to_compare,
                      .pointer = pointer});
    return known_.back().anchor;
}

// Its clone includes everything that was attached below, as mounts of their own.
plan::Anchor Layout::protected_path(TimelineBuilder& timeline, const std::string& path,
                                    const std::string& pointer) {
    const bool shared = std::ranges::any_of(
        known_, [&](const Known& each) { return each.names == Names::shared && is_below(each.path, path); });
    if (shared || around(path) == Names::shared)
        return attached(timeline, path, {Names::shared, true}, pointer);
    cover(path);
    return {};
}

plan::Anchor Layout::masked(TimelineBuilder& timeline, const std::string& path, const std::string& pointer) {
    if (around(path) == Names::shared) return attached(timeline, path, {Names::shared, false}, pointer);
    cover(path);
    return {};
}

void Layout::compare(TimelineBuilder& timeline) {
    for (Known& each : known_) {
        if (!each.to_compare) continue;
        timeline.init(plan::ComparePlace{timeline.text(each.path), each.anchor}, each.pointer);
        each.to_compare = false;
    }
}

}  // namespace bulkhead::rootfs
