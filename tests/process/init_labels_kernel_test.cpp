// SPDX-License-Identifier: Apache-2.0
// The attributes are files of an invented tree here: what a security module does is shown in the machine of
// tests/vm, whose kernel has one.
#include <sys/vfs.h>

#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/stage.hpp"
// then what includes base/raw.hpp
#include "process/init_ops.hpp"

namespace bulkhead::process {
namespace {

using test::fails;
using test::Folder;
using test::in_namespaces;
using test::Stage;
using test::succeeded;

constexpr int all_new = CLONE_NEWNS | CLONE_NEWPID;

TEST(OpenProcfs, IsANewOneThatNobodyHasMountedOver) {
    NEEDS_ROOT();
    const Folder folder;
    test::write_text(folder / "version", "mounted over");
    in_namespaces(CLONE_NEWNS, [&] {
        ASSERT_EQ(::mount((folder / "version").c_str(), "/proc/version", nullptr, MS_BIND, nullptr), 0);
        Stage stage;
        const std::size_t open = test::open_descriptors();
        ASSERT_TRUE(succeeded(apply(stage.context, plan::OpenProcfs{1})));
        EXPECT_EQ(test::open_descriptors(), open + 1);
        EXPECT_TRUE(test::closes_on_exec(stage.context.procfs));
        const Fd file(::openat(stage.context.procfs, "version", O_RDONLY | O_CLOEXEC));
        char text[6] = {};
        ASSERT_EQ(::read(file.number(), text, 5), 5);
        EXPECT_STREQ(text, "Linux");
        ::close(stage.context.procfs);
    });
}

TEST(OpenProcfs, CanBeTheHosts) {
    Stage stage;
    ASSERT_TRUE(succeeded(apply(stage.context, plan::OpenProcfs{0})));
    struct stat own {
    }, host{};
    ASSERT_EQ(::fstat(stage.context.procfs, &own), 0);
    ASSERT_EQ(::stat("/proc", &host), 0);
    EXPECT_EQ(own.st_dev, host.st_dev);
    ::close(stage.context.procfs);
}

TEST(OpenProcfs, WithoutThePermissionItIsTheHosts) {
    NEEDS_ROOT();
    test::in_child([] {
        ASSERT_EQ(::setresuid(1234, 1234, 1234), 0);
        Stage stage;
        EXPECT_TRUE(succeeded(apply(stage.context, plan::OpenProcfs{1})));
    });
}

TEST(OpenProcfs, RefusesAnythingElseAtThatPath) {
    NEEDS_ROOT();
    in_namespaces(CLONE_NEWNS, [] {
        const std::string part = cat("/proc/", ::getpid());
        ASSERT_EQ(::mount(part.c_str(), "/proc", nullptr, MS_BIND, nullptr), 0);
        Stage stage;
        EXPECT_TRUE(fails(apply(stage.context, plan::OpenProcfs{0}), EXDEV, plan::Call::check));
        EXPECT_EQ(stage.context.procfs, -1);
    });
    in_namespaces(CLONE_NEWNS, [] {
        ASSERT_EQ(::mount("tmpfs", "/proc", "tmpfs", 0, nullptr), 0);
        Stage stage;
        EXPECT_TRUE(fails(apply(stage.context, plan::OpenProcfs{0}), EXDEV, plan::Call::check));
    });
}

// An invented procfs whose attributes are plain files: they show what was written.
class Tree {
  public:
    Tree() { std::filesystem::create_directories(folder_ / "thread-self/attr/apparmor"); }
    void attribute(const std::string& name) { test::write_text(path(name), ""); }
    std::string text(const std::string& name) const { return test::text_of(path(name)); }
    std::string path(const std::string& name) const { return folder_ / ("thread-self/attr/" + name); }

    plan::Outcome set(const std::string& module, const std::string& attribute, const std::string& value) {
        return set_below(folder_.fd(), module, attribute, value);
    }
    static plan::Outcome set_below(int procfs, const std::string& module, const std::string& attribute,
                                   const std::string& value) {
        Stage stage;
        stage.context.procfs = procfs;
        return apply(stage.context,
                     plan::SetLabel{stage.text(module), stage.text(attribute), stage.text(value)});
    }

  private:
    Folder folder_;
};

TEST(SetLabel, WritesAndReadsBack) {
    Tree tree;
    tree.attribute("exec");
    EXPECT_TRUE(succeeded(tree.set("selinux", "exec", "system_u:system_r:container_t:s0:c1,c2")));
    EXPECT_EQ(tree.text("exec"), "system_u:system_r:container_t:s0:c1,c2");
}

TEST(SetLabel, PrefersTheModulesOwnDirectory) {
    Tree tree;
    tree.attribute("exec");
    tree.attribute("apparmor/exec");
    // A plain file shows the command word, which a kernel takes off: so this label is not in force.
    EXPECT_TRUE(fails(tree.set("apparmor", "exec", "exec docker-default"), EACCES, plan::Call::check));
    EXPECT_EQ(tree.text("apparmor/exec"), "exec docker-default");
    EXPECT_EQ(tree.text("exec"), "");
}

TEST(SetLabel, WhatIsShownMustBeTheLabelAndNothingElse) {
    const std::pair<const char*, bool> shown[] = {
        {"box", true},
        {"box\n", true},
        {"box (enforce)\n", true},
        {"box (complain)", true},
        {"boxer", false},
        {"box_x (enforce)", false},
        {"bo", false},
        {"unconfined", false},
        {"box (of) (enforce)\n", false},
        {"box (enforce) ", false},
        {" box", false},
    };
    for (const auto& [text, good] : shown) {
        Tree tree;
        // What stands behind the written bytes stays: the file then shows label and rest.
        test::write_text(tree.path("exec"), text);
        const auto outcome = tree.set("selinux", "exec", std::string(text).substr(0, 3));
        const bool same_start = std::string(text).starts_with("box");
        if (!same_start) continue;
        EXPECT_EQ(outcome.error == 0, good) << text;
    }
}

TEST(SetLabel, WithoutTheAttributeSaysSo) {
    Tree tree;
    EXPECT_TRUE(fails(tree.set("selinux", "exec", "x"), ENOENT, plan::Call::openat2));
}

TEST(SetLabel, RefusesAMountOverTheAttribute) {
    NEEDS_ROOT();
    Tree tree;
    tree.attribute("exec");
    const Folder other;
    test::write_text(other / "exec", "");
    in_namespaces(CLONE_NEWNS, [&] {
        ASSERT_EQ(::mount((other / "exec").c_str(), tree.path("exec").c_str(), nullptr, MS_BIND, nullptr), 0);
        const Fd seen(::open(tree.path("../..").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        EXPECT_TRUE(
            fails(Tree::set_below(seen.number(), "selinux", "exec", "x"), EXDEV, plan::Call::openat2));
        EXPECT_EQ(test::text_of(other / "exec"), "");
    });
}

TEST(SetLabel, WithoutAModuleIsRefusedByTheKernel) {
    NEEDS_ROOT();
    if (test::is_there("/sys/module/apparmor/parameters/enabled") ||
        test::is_there("/sys/fs/selinux/enforce"))
        GTEST_SKIP() << "this kernel has a security module";
    in_namespaces(CLONE_NEWNS, [] {
        Stage stage;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::OpenProcfs{1})));
        EXPECT_NE(apply(stage.context,
                        plan::SetLabel{stage.text("apparmor"), stage.text("exec"), stage.text("exec box")})
                      .error,
                  0);
    });
}

}  // namespace
}  // namespace bulkhead::process
