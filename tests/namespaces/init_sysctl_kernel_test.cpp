// SPDX-License-Identifier: Apache-2.0
#include <sys/utsname.h>

#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/stage.hpp"
// then what includes base/raw.hpp
#include "namespaces/init_ops.hpp"

namespace bulkhead::namespaces {
namespace {

using test::fails;
using test::Folder;
using test::in_namespaces;
using test::Stage;
using test::succeeded;

plan::Outcome set(int procfs, const std::string& path, const std::string& value) {
    Stage stage;
    stage.context.procfs = procfs;
    return apply(stage.context, plan::SetSysctl{stage.text(path), stage.text(value)});
}

int open_proc() { return ::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC); }

TEST(SetSysctl, SetsTheParameterOfTheNamespaceAndNotTheHosts) {
    NEEDS_ROOT();
    const std::string before = test::text_of("/proc/sys/kernel/msgmax");
    in_namespaces(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS, [] {
        const Fd proc(open_proc());
        const std::size_t open = test::open_descriptors();
        EXPECT_TRUE(succeeded(set(proc.number(), "net/ipv4/ip_default_ttl", "77")));
        EXPECT_TRUE(succeeded(set(proc.number(), "kernel/msgmax", "1234")));
        EXPECT_TRUE(succeeded(set(proc.number(), "kernel/domainname", "yard.example")));
        EXPECT_EQ(test::text_of("/proc/sys/net/ipv4/ip_default_ttl"), "77\n");
        EXPECT_EQ(test::text_of("/proc/sys/kernel/msgmax"), "1234\n");
        EXPECT_EQ(test::text_of("/proc/sys/kernel/domainname"), "yard.example\n");
        EXPECT_EQ(test::open_descriptors(), open);
    });
    EXPECT_EQ(test::text_of("/proc/sys/kernel/msgmax"), before);
}

TEST(SetSysctl, SaysWhatTheKernelSays) {
    NEEDS_ROOT();
    in_namespaces(CLONE_NEWNET, [] {
        const Fd proc(open_proc());
        EXPECT_TRUE(fails(set(proc.number(), "net/core/nothing", "1"), ENOENT, plan::Call::openat2));
        EXPECT_TRUE(fails(set(proc.number(), "net/ipv4/ip_default_ttl", "many"), EINVAL, plan::Call::write));
        EXPECT_TRUE(fails(set(proc.number(), "net/ipv4", "1"), EISDIR, plan::Call::openat2));
    });
}

TEST(SetSysctl, FollowsNoLinkAndLeavesNoMount) {
    NEEDS_ROOT();
    const Folder folder;
    std::filesystem::create_directories(folder / "sys/net");
    test::write_text(folder / "target", "untouched");
    ASSERT_EQ(::symlinkat("../../target", folder.fd(), "sys/net/link"), 0);
    EXPECT_TRUE(fails(set(folder.fd(), "net/link", "1"), ELOOP, plan::Call::openat2));
    EXPECT_TRUE(fails(set(folder.fd(), "../target", "1"), EXDEV, plan::Call::openat2));
    EXPECT_EQ(test::text_of(folder / "target"), "untouched");
}

TEST(SetSysctl, RefusesWhatIsMountedOverTheTree) {
    NEEDS_ROOT();
    const Folder folder;
    test::write_text(folder / "somaxconn", "untouched");
    in_namespaces(CLONE_NEWNS | CLONE_NEWNET, [&] {
        ASSERT_EQ(::mount(folder.path().c_str(), "/proc/sys/net/core", nullptr, MS_BIND, nullptr), 0);
        const Fd proc(open_proc());
        EXPECT_TRUE(fails(set(proc.number(), "net/core/somaxconn", "1"), EXDEV, plan::Call::openat2));
        EXPECT_EQ(test::text_of(folder / "somaxconn"), "untouched");
    });
}

}  // namespace
}  // namespace bulkhead::namespaces
