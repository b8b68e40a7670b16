// SPDX-License-Identifier: Apache-2.0
// Whose processes a procfs shows, by each of the two ways to make it.
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>

#include <functional>

#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/stage.hpp"
// then what includes base/raw.hpp
#include "rootfs/init_filesystem.hpp"

namespace bulkhead::rootfs {
namespace {

using test::in_child;
using test::Stage;

// The first process of a pid namespace of its own, and an open file of that.
struct Inhabitant {
    Inhabitant() {
        std::fflush(nullptr);
        int ready[2];
        EXPECT_EQ(::pipe2(ready, O_CLOEXEC), 0);
        pid = static_cast<pid_t>(::syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0));
        if (pid == 0) {
            ::alarm(60);
            ::close(ready[1]);
            char byte = 0;
            if (::read(ready[0], &byte, 1) >= 0) ::_exit(0);  // the test ends
        }
        namespace_file =
            Fd(::open(("/proc/" + std::to_string(pid) + "/ns/pid").c_str(), O_RDONLY | O_CLOEXEC));
        end = Fd(ready[1]);
        ::close(ready[0]);
    }
    ~Inhabitant() {
        end.reset();
        test::reap(pid);
    }
    pid_t pid = -1;
    Fd namespace_file;
    Fd end;
};

// The processes that a file system context shows once it is mounted.
std::vector<std::string> shown(long context) {
    const raw::Handle opened(context);
    EXPECT_GE(context, 0) << std::strerror(static_cast<int>(-context));
    EXPECT_TRUE(test::closes_on_exec(opened.number()));
    EXPECT_EQ(raw::fsconfig(opened.number(), FSCONFIG_CMD_CREATE, nullptr, nullptr), 0);
    const Fd mount(static_cast<int>(::syscall(SYS_fsmount, opened.number(), 1, 0)));
    std::vector<std::string> pids;
    for (const auto& entry :
         std::filesystem::directory_iterator("/proc/self/fd/" + std::to_string(mount.number())))
        if (std::isdigit(entry.path().filename().string()[0])) pids.push_back(entry.path().filename());
    return pids;
}

const std::vector<std::string> only_one{"1"};

// The procfs that `open` makes for a joined namespace shows its inhabitant, and nothing is left behind.
void expect_one_inhabitant(const std::function<long(const plan::StageContext&)>& open) {
    const Inhabitant inhabitant;
    in_child([&] {
        ASSERT_EQ(::setns(inhabitant.namespace_file.number(), CLONE_NEWPID), 0);
        Stage stage;
        stage.context.joined_pids = inhabitant.namespace_file.number();
        const std::size_t before = test::open_descriptors();
        EXPECT_EQ(shown(open(stage.context)), only_one);
        EXPECT_EQ(test::open_descriptors(), before);
        EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "there is a child";
    });
}

TEST(OpenFilesystem, OfProcShowsTheNamespaceThatWasJoined) {
    NEEDS_ROOT();
    expect_one_inhabitant([](const auto& stage) { return open_filesystem(stage, "proc"); });
}

TEST(OpenProcfsByChild, ShowsTheNamespaceThatItsChildrenAreIn) {
    NEEDS_ROOT();
    expect_one_inhabitant(open_procfs_by_child);
}

TEST(OpenProcfsByChild, BringsBackWhyItFailed) {
    NEEDS_ROOT();
    const Inhabitant inhabitant;
    in_child([&] {
        ASSERT_EQ(::setresuid(1234, 1234, 1234), 0);
        Stage stage;
        stage.context.joined_pids = inhabitant.namespace_file.number();
        const std::size_t before = test::open_descriptors();
        EXPECT_EQ(open_procfs_by_child(stage.context), -EPERM);
        EXPECT_EQ(test::open_descriptors(), before);
    });
}

TEST(OpenProcfsByChild, OfADeadNamespaceFails) {
    NEEDS_ROOT();
    in_child([] {
        ASSERT_EQ(::unshare(CLONE_NEWPID), 0);
        in_child([] {});  // its first process, and its last
        const Fd dead(::open("/proc/self/ns/pid_for_children", O_RDONLY | O_CLOEXEC));
        Stage stage;
        stage.context.joined_pids = dead.number();
        EXPECT_EQ(open_procfs_by_child(stage.context), -ENOMEM);
    });
}

TEST(OpenFilesystem, OfAnythingElseIsThatAndNothingMore) {
    NEEDS_ROOT();
    in_child([] {
        Stage stage;
        EXPECT_GT(shown(open_filesystem(stage.context, "proc")).size(), 1u) << "nothing was joined";
        stage.context.joined_pids = 9999;  // not looked at
        for (const char* type : {"tmpfs", "procfoo"}) {
            const raw::Handle opened(open_filesystem(stage.context, type));
            EXPECT_EQ(opened.number() >= 0, std::string_view(type) == "tmpfs") << type;
        }
        EXPECT_EQ(open_filesystem(stage.context, "procfoo"), -ENODEV);
    });
}

}  // namespace
}  // namespace bulkhead::rootfs
