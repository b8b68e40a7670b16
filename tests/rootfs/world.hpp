// SPDX-License-Identifier: Apache-2.0
// A root of a container that is none yet: a tmpfs in a mount namespace of its own, which goes with the test.
// What changes mounts is tried in both ways, by mount_setattr(2) and by mount(2).
#pragma once

#include <sys/mount.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "base/sys.hpp"
#include "base/text.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/kernel_release.hpp"
#include "support/stage.hpp"

namespace bulkhead::test {

enum class Way : unsigned char { by_call, by_name };

// The first is that of this kernel.
inline std::vector<Way> ways() {
    return kernel_at_least(5, 14) ? std::vector{Way::by_call, Way::by_name} : std::vector{Way::by_name};
}

struct World {
    explicit World(const std::string& at, Way way = ways().front())
        : changing(way == Way::by_call ? plan::Call::mount_setattr : plan::Call::mount), path(at) {
        EXPECT_EQ(::mount("tmpfs", at.c_str(), "tmpfs", 0, "mode=755"), 0) << std::strerror(errno);
        root = Fd(::open(at.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        stage.context.root = root.number();
        if (way == Way::by_name) {
            procfs = Fd(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
            self = Fd(::openat(procfs.number(), "self", O_PATH | O_DIRECTORY | O_CLOEXEC));
            stage.context.self = self.number();
        }
    }

    std::string operator/(const std::string& name) const { return path + "/" + name; }
    void make_directory(const std::string& name, mode_t mode = 0755) const {
        EXPECT_EQ(::mkdir((*this / name).c_str(), mode), 0) << name;
        EXPECT_EQ(::chmod((*this / name).c_str(), mode), 0);
    }
    void make_link(const std::string& name, const std::string& to) const {
        EXPECT_EQ(::symlink(to.c_str(), (*this / name).c_str()), 0) << name;
    }
    plan::Slot clone_of(const std::string& source, bool recursive = false) {
        trees.push_back(std::move(*sys::clone_tree(sys::here, source, recursive)));
        return stage.slot(trees.back().number());
    }

    plan::Call changing;  // the call that changes a mount
    std::string path;
    Fd root, procfs, self;
    Stage stage;
    std::vector<Fd> trees;
};

inline void in_world(const std::function<void(World&)>& body) {
    for (const Way way : ways()) {
        SCOPED_TRACE(way == Way::by_call ? "by mount_setattr(2)" : "by mount(2)");
        const Folder folder;
        in_namespaces(CLONE_NEWNS, [&] {
            ::umask(0);  // as in the stage
            World world(folder.path(), way);
            body(world);
        });
    }
}

// A line of mountinfo (proc(5)); the last one at a path is the topmost.
struct MountLine {
    std::string point, attributes, type, source, options, propagation;
};

inline std::vector<MountLine> mount_table() {
    std::vector<MountLine> table;
    const std::string text = text_of("/proc/self/mountinfo");
    for (const std::string_view line : split(text, '\n')) {
        const std::vector<std::string_view> words = split(line, ' ');
        const auto dash = static_cast<std::size_t>(std::ranges::find(words, "-") - words.begin());
        if (dash + 3 >= words.size()) continue;
        MountLine mount{std::string(words[4]),        std::string(words[5]),
                        std::string(words[dash + 1]), std::string(words[dash + 2]),
                        std::string(words[dash + 3]), {}};
        for (std::size_t i = 6; i < dash; ++i) mount.propagation.append(words[i]);
        table.push_back(std::move(mount));
    }
    return table;
}

inline MountLine mount_at(const std::string& path) {
    MountLine found;
    for (const MountLine& mount : mount_table())
        if (mount.point == path) found = mount;
    return found;
}

}  // namespace bulkhead::test
