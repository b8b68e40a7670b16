// SPDX-License-Identifier: Apache-2.0
#include "cgroups/group/walk.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "base/sys.hpp"

namespace bulkhead::cgroups {

namespace {

using Names = std::vector<std::string>;

// Child cgroups only. The type in the entry saves a stat for each of the forty files beside them.
Result<Names> children(int directory) {
    LET(Fd again, sys::open_at(directory, ".", O_RDONLY | O_DIRECTORY));
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(again.number()), ::closedir);
    if (!stream) return system_error(errno, "fdopendir");
    (void)again.release();  // the stream closes it
    Names names;
    while (const dirent* entry = ::readdir(stream.get())) {
        const std::string_view name = entry->d_name;
        if (entry->d_type == DT_DIR && name != "." && name != "..") names.emplace_back(name);
    }
    return names;
}

Result<Fd> open_directory(int parent, const std::string& name) {
    return sys::open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

class Walk {
  public:
    Walk(const Enter& enter, const Leave& leave) : enter_(enter), leave_(leave) {}

    Result<> run(int top) {
        LET(here_, open_directory(top, "."));
        TRY(enter());
        while (!levels_.empty())
            if (levels_.back().empty()) {
                TRY(up());
            } else {
                TRY(down());
            }
        return {};
    }

  private:
    Result<> enter() {
        if (auto entered = enter_(here_.number()); !entered && !is_gone(entered.error())) return entered;
        auto names = children(here_.number());
        if (!names && !is_gone(names.error())) return std::unexpected(std::move(names).error());
        levels_.push_back(names ? std::move(*names) : Names{});
        return {};
    }

    Result<> down() {
        auto below = open_directory(here_.number(), levels_.back().back());
        if (below) {
            here_ = std::move(*below);
            return enter();
        }
        if (!is_gone(below.error())) return std::unexpected(std::move(below).error());
        levels_.back().pop_back();
        return {};
    }

    // Finds the parent again by ".." (kernfs keeps it for removed directories, too, and cgroup v2 has no
    // rename). A descriptor for each level would need as many as the container likes.
    Result<> up() {
        levels_.pop_back();
        if (levels_.empty()) return {};
        LET(here_, open_directory(here_.number(), ".."));
        TRY(leave_(here_.number(), levels_.back().back()));
        levels_.back().pop_back();
        return {};
    }

    const Enter& enter_;
    const Leave& leave_;
    Fd here_;
    std::vector<Names> levels_;  // by level the names left to visit; the last name is the current one
};

}  // namespace

bool is_gone(const Error& error) { return error.err == ENOENT || error.err == ENODEV; }

Result<> walk(int top, const Enter& enter, const Leave& leave) { return Walk(enter, leave).run(top); }

}  // namespace bulkhead::cgroups
