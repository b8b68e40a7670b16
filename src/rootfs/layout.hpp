// SPDX-License-Identifier: Apache-2.0
// Which mount of the plan a path of the container lies in, as far as its text says so: what a later step
// needs there it reaches by that mount's descriptor. Links of the image are the stage's business. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "plan/timeline.hpp"

namespace bulkhead::rootfs {

// What a neighbour who shares the root, or a volume, can do to the names in a mount.
enum class Names : std::uint8_t {
    steady,  // nothing: a file system of the container's own
    shared,  // rename them, and what is mounted on them with them: trees of the host
};

// "/a//b/./c/../d" -> "a/b/d": relative to the root, which ".." does not leave.
std::string cleaned(std::string_view path);

bool is_below(std::string_view path, std::string_view directory);

class Layout {
  public:
    // Paths are cleaned. `used`: all that steps name. `joint`: those of them that have to lie in one
    // directory if their texts say so: what is attached, masked or protected.
    Layout(std::vector<std::string> used, const std::vector<std::string>& joint);

    // What is at `path`.
    plan::Path place(plan::TimelineBuilder& timeline, std::string_view path) const;
    // The entry of that name in a directory, whatever is attached at it.
    plan::Path entry(plan::TimelineBuilder& timeline, std::string_view path) const;
    // The same as place(), for something that is attached next. A directory that other things will be in as
    // well is found now, and with `made` made.
    plan::Path target(plan::TimelineBuilder& timeline, const std::string& path, bool made,
                      const std::string& pointer);

    // Makes a directory that further steps lie below.
    void make_directory(plan::TimelineBuilder& timeline, const std::string& path);

    // True if the names in the directory of `path` can change.
    Names around(std::string_view path) const;
    // True if a step reaches something at or below `path` beside what is attached there.
    bool is_kept(const std::string& path) const;

    // Something is attached at `path` and covers what was there; with `kept` its descriptor stays. The number
    // that it gets.
    struct Attached {
        Names names;
        bool kept;
    };
    plan::Anchor attached(plan::TimelineBuilder& timeline, const std::string& path, Attached what,
                          const std::string& pointer);
    // The same for a read-only clone or a mask. Where names are steady nobody has to look at it again.
    plan::Anchor protected_path(plan::TimelineBuilder& timeline, const std::string& path,
                                const std::string& pointer);
    plan::Anchor masked(plan::TimelineBuilder& timeline, const std::string& path, const std::string& pointer);

    // Appends a look at each place that was attached since the last call, and that nothing covers.
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
