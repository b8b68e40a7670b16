// SPDX-License-Identifier: Apache-2.0
// Which step finds its path beneath which mount, and what is compared before the root becomes the root.
#include "rootfs/layout.hpp"

#include <gtest/gtest.h>

#include "rootfs/planned.hpp"

namespace bulkhead::rootfs {
namespace {

// A place as "number:rest", where 0 is the root.
class Plan {
  public:
    Plan(std::vector<std::string> used, const std::vector<std::string>& joint)
        : layout_(std::move(used), joint) {}

    unsigned attach(const std::string& path, Names names = Names::shared) {
        last_ = layout_.target(timeline_, path, true, "");
        return layout_.attached(timeline_, path, {names, true}, "").index;
    }
    unsigned protect(const std::string& path) {
        last_ = layout_.target(timeline_, path, false, "");
        return layout_.protected_path(timeline_, path, "").index;
    }
    unsigned mask(const std::string& path) {
        last_ = layout_.target(timeline_, path, false, "");
        return layout_.masked(timeline_, path, "").index;
    }
    std::string target() const { return words(last_); }
    std::string place(const std::string& path) { return words(layout_.place(timeline_, path), path); }
    std::string entry(const std::string& path) { return words(layout_.entry(timeline_, path), path); }
    bool is_kept(const std::string& path) const { return layout_.is_kept(path); }

  private:
    static std::string words(plan::Path path, const std::string& text = {}) {
        return cat(path.below.index, ':', text.empty() ? cat(path.skip) : text.substr(path.skip));
    }

    plan::TimelineBuilder timeline_;
    Layout layout_;
    plan::Path last_;
};

TEST(Layout, FindsAPathBeneathTheLongestMount) {
    Plan plan({}, {});
    EXPECT_EQ(plan.place("proc/kcore"), "0:proc/kcore");
    EXPECT_EQ(plan.attach("proc", Names::steady), 1u);
    EXPECT_EQ(plan.attach("a"), 2u);
    EXPECT_EQ(plan.attach("a/b"), 3u);
    EXPECT_EQ(plan.target(), "2:2");
    EXPECT_EQ(plan.place("proc/kcore"), "1:kcore");
    EXPECT_EQ(plan.place("a/b/c/d"), "3:c/d");
    EXPECT_EQ(plan.place("a/bc"), "2:bc");
    EXPECT_EQ(plan.place("process"), "0:process");
}

TEST(Layout, TheMountItselfIsNoEntryOfIt) {
    Plan plan({}, {});
    plan.attach("a");
    plan.attach("a/b");
    EXPECT_EQ(plan.place("a/b"), "2:");
    EXPECT_EQ(plan.entry("a/b"), "1:b");
}

TEST(Layout, ALaterMountCoversEarlierOnes) {
    Plan plan({}, {});
    plan.attach("a/b");
    plan.attach("a");
    EXPECT_EQ(plan.place("a/b/c"), "2:b/c");
    plan.attach("a");
    EXPECT_EQ(plan.target(), "2:1") << "on the one that is there";
    EXPECT_EQ(plan.place("a/b/c"), "3:b/c");
}

TEST(Layout, AReadOnlyCloneCoversWhatItHasTakenAlong) {
    Plan plan({}, {});
    plan.attach("a/b");
    EXPECT_EQ(plan.protect("a"), 2u);
    EXPECT_EQ(plan.place("a/b/c"), "2:b/c");
}

TEST(Layout, WhereNamesAreSteadyNobodyLooksAgain) {
    Plan plan({}, {});
    plan.attach("proc", Names::steady);
    EXPECT_EQ(plan.protect("proc/sys"), 0u);
    EXPECT_EQ(plan.mask("proc/kcore"), 0u);
    EXPECT_EQ(plan.place("proc/sys/kernel"), "1:sys/kernel");
    EXPECT_EQ(plan.mask("etc/secret"), 2u);
}

TEST(Layout, ADirectoryThatSeveralSharedIsFoundOnce) {
    const std::vector<std::string> joint{"vol/a/m", "vol/a/ro", "vol/b"};
    Plan plan(joint, joint);
    EXPECT_EQ(plan.protect("vol/a/ro"), 2u);
    EXPECT_EQ(plan.target(), "1:6");
    EXPECT_EQ(plan.mask("vol/a/m"), 3u);
    EXPECT_EQ(plan.target(), "1:6");
    EXPECT_EQ(plan.mask("vol/b"), 4u);
    EXPECT_EQ(plan.target(), "0:0");
}

TEST(Layout, KeepsWhatSomethingLiesIn) {
    const Plan plan({"a", "a/b", "a-b", "c", "d", "d"}, {});
    EXPECT_TRUE(plan.is_kept("a"));
    EXPECT_FALSE(plan.is_kept("a/b"));
    EXPECT_FALSE(plan.is_kept("c"));
    EXPECT_TRUE(plan.is_kept("d")) << "twice";
}

// ---- in the plan ----------------------------------------------------------------------------------------

Lines compared(const std::string& patch) {
    Lines all = lines(patch);
    std::erase_if(all, [](const std::string& line) { return !line.starts_with("init compare_place "); });
    for (std::string& line : all) line = line.substr(19, line.find(" with") - 19);
    return all;
}

TEST(Compare, WhatIsVisibleAndInNamesOfOthers) {
    EXPECT_EQ(compared(R"({"mounts": [{"destination": "/dev", "type": "tmpfs"},
                                      {"destination": "/dev/shm", "type": "tmpfs"},
                                      {"destination": "/a/b", "type": "tmpfs"},
                                      {"destination": "/a", "type": "bind", "source": "/x", "options": ["bind"]},
                                      {"destination": "/a/c", "type": "tmpfs"}],
                          "linux": {"maskedPaths": ["/etc/secret", "/dev/shm/x"]}})"),
              (Lines{"/dev", "/a", "/a/c", "/etc/secret"}));
}

TEST(Compare, WhatAReadOnlyCloneCoversIsComparedBefore) {
    const Lines all = lines(R"({"mounts": [{"destination": "/a/b", "type": "tmpfs"}],
                               "linux": {"readonlyPaths": ["/a"]}})");
    const auto at = [&](std::string_view begin) {
        return std::ranges::find_if(all, [&](const std::string& line) { return line.starts_with(begin); });
    };
    EXPECT_LT(at("init compare_place /a/b "), at("init protect_path /a "));
    EXPECT_LT(at("init protect_path /a "), at("init compare_place /a with"));
    EXPECT_NE(at("init compare_place /a with"), all.end());
}

TEST(Compare, BeforeHooksMountOverAnything) {
    MountInputs inputs = ours;
    inputs.root_place = "/bundle/rootfs";
    plan::TimelineBuilder timeline;
    const spec::ValidSpec spec = test::spec_with(one_mount(R"({"destination": "/t", "type": "tmpfs"})"));
    const auto trees = plan_trees(timeline, spec, inputs);
    timeline.host(plan::Spawn{0});
    ASSERT_TRUE(plan_content(timeline, spec, inputs, *trees));
    timeline.init(plan::Execute{});
    EXPECT_TRUE(has_verb(test::lines_of(test::finished(std::move(timeline))), "compare_place"));
}

}  // namespace
}  // namespace bulkhead::rootfs
