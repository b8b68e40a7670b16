// SPDX-License-Identifier: Apache-2.0
// What the host does to and with namespaces, by itself: files of nsfs, and the procfs files of a process.
#include <sched.h>

#include "namespaces/visit.hpp"
#include "runtime/meeting.hpp"

namespace bulkhead::runtime {
namespace {

using test::Meeting;

std::string opened(const std::string& path, std::uint64_t type, const std::string& refused_as_own = "") {
    Meeting meeting;
    meeting.context.host.slots.resize(1);
    const std::string error = meeting.error_of(
        plan::OpenNamespace{.path = path, .type = type, .slot = {0}, .refused_as_own = refused_as_own});
    EXPECT_EQ(error.empty(), static_cast<bool>(meeting.context.host.slots[0]));
    return error;
}

TEST(OpenNamespace, TakesOneOfItsType) {
    EXPECT_EQ(opened("/proc/self/ns/net", CLONE_NEWNET), "");
    EXPECT_EQ(opened("/proc/self/ns/net", CLONE_NEWUTS),
              "\"/proc/self/ns/net\": a namespace of another type");
}

TEST(OpenNamespace, RefusesWhatIsNone) {
    const test::Folder folder;
    ASSERT_TRUE(sys::make_fifo_at(folder.fd(), "fifo", 0600));
    for (const std::string& path : {folder.path(), folder / "fifo", std::string("/proc/self/stat")})
        EXPECT_EQ(opened(path, CLONE_NEWNET), cat('"', path, "\": not a namespace"));
    EXPECT_EQ(opened("/nowhere", CLONE_NEWNET), "open /nowhere: no such file or directory");
}

TEST(OpenNamespace, RefusesTheRuntimesOwnWhereThatIsNoneOfTheContainers) {
    NEEDS_ROOT();
    EXPECT_EQ(opened("/proc/self/ns/mnt", CLONE_NEWNS, "it is the host's"),
              "\"/proc/self/ns/mnt\": it is the host's");
    test::in_child([] {
        const Fd old = *namespaces::open_own(CLONE_NEWUTS);
        ASSERT_EQ(::unshare(CLONE_NEWUTS), 0);
        EXPECT_EQ(opened(cat("/proc/self/fd/", old.number()), CLONE_NEWUTS, "it is the host's"), "");
    });
}

// A process in a new user namespace, at the host's side of the steps.
struct Unmapped : Meeting {
    Unmapped() {
        std::fflush(nullptr);
        clone_args arguments{};
        arguments.flags = CLONE_NEWUSER;
        arguments.exit_signal = SIGCHLD;
        context.stage.pid = *sys::clone_process(arguments);
        if (context.stage.pid != 0) return;
        ::alarm(60);
        for (;;) ::pause();
    }
    ~Unmapped() {
        ::kill(context.stage.pid, SIGKILL);
        test::reap(context.stage.pid);
    }
    std::string file(const std::string& name) const {
        return test::text_of(cat("/proc/", context.stage.pid, '/', name));
    }
};

TEST(WriteIdMaps, WritesBothAndLeavesGroupsAlone) {
    NEEDS_ROOT();
    Unmapped process;
    ASSERT_EQ(process.error_of(plan::WriteIdMaps{.maps = {"0 1000 5\n", "0 2000 6\n"}}), "");
    EXPECT_EQ(process.file("uid_map"), "         0       1000          5\n");
    EXPECT_EQ(process.file("gid_map"), "         0       2000          6\n");
    EXPECT_EQ(process.file("setgroups"), "allow\n");
}

TEST(WriteIdMaps, DeniesGroupsWhereItIsTold) {
    NEEDS_ROOT();
    Unmapped process;
    ASSERT_EQ(process.error_of(plan::WriteIdMaps{.maps = {"0 0 1\n", "0 0 1\n"}, .deny_setgroups = true}),
              "");
    EXPECT_EQ(process.file("setgroups"), "deny\n");
}

TEST(WriteIdMaps, ThatTheKernelRefusesNameTheFile) {
    NEEDS_ROOT();
    Unmapped process;
    const std::string error = process.error_of(plan::WriteIdMaps{.maps = {"0 0 0\n", "0 0 1\n"}});
    EXPECT_NE(error.find("uid_map"), std::string::npos) << error;
    EXPECT_NE(error.find("invalid argument"), std::string::npos) << error;
}

TEST(SetOomScore, IsThatOfTheProcess) {
    NEEDS_ROOT();
    Unmapped process;
    ASSERT_EQ(process.error_of(plan::SetOomScore{321}), "");
    EXPECT_EQ(process.file("oom_score_adj"), "321\n");
    EXPECT_NE(process.error_of(plan::SetOomScore{1001}), "");
}

TEST(SetOomScore, ThatIsThereNeedsNoPermission) {
    NEEDS_ROOT();
    Unmapped process;
    ASSERT_EQ(process.error_of(plan::SetOomScore{321}), "");
    test::in_child([&] {
        ASSERT_EQ(::setresuid(1234, 1234, 1234), 0);
        EXPECT_EQ(process.error_of(plan::SetOomScore{321}), "");
        EXPECT_NE(process.error_of(plan::SetOomScore{320}), "");
    });
}

TEST(SendPrepared, IsOneMessageAndNoFailureWhereNobodyHears) {
    Meeting meeting;
    EXPECT_EQ(meeting.error_of(plan::SendPrepared{}), "");
    char message = 0;
    EXPECT_EQ(sys::receive(meeting.stage.number(), {&message, 1})->size, 1u);
    EXPECT_EQ(message, plan::prepared_message);
    meeting.stage.reset();
    EXPECT_EQ(meeting.error_of(plan::SendPrepared{}), "");
}

}  // namespace
}  // namespace bulkhead::runtime
