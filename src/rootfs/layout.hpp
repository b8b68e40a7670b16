// SPDX-License-Identifier: Apache-2.0
// Finds the mount of the plan that a path of the container lies in, by its text. A later step reaches the
// path by that mount's descriptor. The stage handles links of the image. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "plan/timeline.hpp"

namespace bulkhead::rootfs {

// The power of a neighbour, who shares the root or a volume, over the names in a mount.
enum class Names : std::uint8_t {
    steady,  // nothing: a file system of the container's own
    shared,  // rename them, and what is mounted on them with them: trees of the host
};

// "/a//b/./c/../d" -> "a/b/d": relative to the root, which ".." does not leave.
std::string cleaned(std::string_view path);

bool is_below(std::string_view path, std::string_view directory);

class Layout {
  public:
    // Paths are cleaned. `used`: all paths that steps name. `joint`: those that are attached, masked or
    // protected; if their texts share a directory, they must really lie in one.
    Layout(std::vector<std::string> used, const std::vector<std::string>& joint);

    // The thing at `path`.
    plan::Path place(plan::TimelineBuilder& timeline, std::string_view path) const;
    // The entry of that name in a directory, not what is attached at it.
    plan::Path entry(plan::TimelineBuilder& timeline, std::string_view path) const;
    // The same as place(), for something that is attached next. A directory that other things will be in as
    // well is found now, and made if `made`.
    plan::Path target(plan::TimelineBuilder& timeline, const std::string& path, bool made,
                      const std::string& pointer);

    // Makes a directory that further steps lie below.
    void make_directory(plan::TimelineBuilder& timeline, const std::string& path);

    // True if the names in the directory of `path` can change.
    Names around(std::string_view path) const;
    // True if a later step reaches something at or below `path`.
    bool is_kept(const std::string& path) const;

    // Records that something is attached at `path` and covers what was there; with `kept` its descriptor
    // stays. Returns its number.
    struct Attached {
        Names names;
        bool kept;
    };
    plan::Anchor attached(plan::TimelineBuilder& timeline, const std::string& path, Attached what,
                          const std::string& pointer);
    // The same for a read-only clone or a mask. If names are steady, it needs no comparison.
    plan::Anchor protected_path(plan::TimelineBuilder& timeline, const std::string& path,
                                const std::string& pointer);
    plan::Anchor masked(plan::TimelineBuilder& timeline, const std::string& path, const std::string& pointer);

    // Appends a comparison of each place that was attached since the last call and that nothing covers.
    void compare(plan::TimelineBuilder& timeline);

  private:
    struct Known {
        std::string path;
        plan::Anchor anchor{};
        Names names = Names::shared;
        bool has_descriptor = false;
        bool to_compare = false;
        std::string pointer{};
    };

    const Known* nearest(std::string_view path, bool itself) const;
    plan::Path beneath(plan::TimelineBuilder& timeline, std::string_view path, bool itself) const;
    void cover(std::string_view path);
    void hold(plan::TimelineBuilder& timeline, const std::string& directory, bool made,
              const std::string& pointer);

    std::vector<std::string> used_;  // sorted
    std::map<std::string, unsigned, std::less<>> children_;
    std::vector<Known> known_;
};

}  // namespace bulkhead::rootfs
