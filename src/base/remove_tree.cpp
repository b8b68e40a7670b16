// SPDX-License-Identifier: Apache-2.0
#include "base/remove_tree.hpp"

#include <fcntl.h>

#include <cerrno>

#include "base/deadline.hpp"
#include "base/files.hpp"
#include "base/sys.hpp"
#include "base/text.hpp"

namespace bulkhead {

namespace {

// Going down into a directory and up again by ".." would be at the mercy of a process that moves directories
// meanwhile, and a descriptor for each level at that of one that nests them. So a directory that is not empty
// moves its directories to the top, where each is removed in turn.
class Removal {
  public:
    explicit Removal(int top) : top_(top) {}

    // Every name that is there now.
    Result<> round() {
        LET(const std::vector<std::string> names, names_in(top_));
        for (const std::string& name : names) TRY(remove(name));
        return {};
    }

  private:
    // True if it is gone; false: a directory with something in it.
    static Result<bool> remove_simple(int parent, const std::string& name) {
        auto removed = sys::remove_at(parent, name);
        if (!removed && removed.error().err == EISDIR) removed = sys::remove_at(parent, name, AT_REMOVEDIR);
        if (removed || removed.error().err == ENOENT) return true;
        if (removed.error().err == ENOTEMPTY || removed.error().err == EEXIST) return false;
        return std::unexpected(removed.error());
    }

    Result<> remove(const std::string& name) {
        LET(const bool gone, remove_simple(top_, name));
        if (gone) return {};
        LET(const Fd inner, sys::open_at(top_, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
        LET(const std::vector<std::string> names, names_in(inner.number()));
        for (const std::string& each : names) {
            LET(const bool removed, remove_simple(inner.number(), each));
            if (!removed) TRY(raise(inner.number(), each));
        }
        (void)remove_simple(top_, name);  // the next round looks again
        return {};
    }

    // A name that is taken is no error: the next round has another.
    Result<> raise(int from, const std::string& name) {
        auto raised = sys::rename_at(from, name, top_, cat("removed:", ++raised_));
        const int err = raised ? 0 : raised.error().err;
        return err == ENOTEMPTY || err == EEXIST || err == ENOTDIR ? Result<>() : raised;
    }

    int top_;
    std::uint64_t raised_ = 0;
};

}  // namespace

Result<> remove_below(int directory) {
    constexpr int patience_ms = 10'000;
    const Deadline deadline(patience_ms);
    Removal removal(directory);
    for (;;) {
        LET(const std::vector<std::string> names, names_in(directory));
        if (names.empty()) return {};
        if (deadline.left_ms() == 0) return system_error(ENOTEMPTY, "rmdir", names.front());
        TRY(removal.round());
    }
}

}  // namespace bulkhead
