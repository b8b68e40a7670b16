// SPDX-License-Identifier: Apache-2.0
#include "rootfs/plan.hpp"

#include <algorithm>

#include "support/planning.hpp"

namespace bulkhead::rootfs {
namespace {

using test::Lines;

Result<plan::Timeline> planned(const std::string& patch, bool own_cgroup_namespace = true) {
    const spec::ValidSpec spec = test::spec_with(patch);
    plan::TimelineBuilder timeline;
    const MountInputs inputs{.bundle = "/bundle",
                             .root = "/bundle/rootfs",
                             .cgroup = "/cg/box",
                             .own_cgroup_namespace = own_cgroup_namespace,
                             .host = {.kernel_major = 6}};
    LET(const Trees trees, plan_trees(timeline, spec, inputs));
    timeline.host(plan::Spawn{0});
    LET(Layout layout, plan_content(timeline, spec, inputs, trees));
    plan_seal(timeline, spec, inputs, trees, std::move(layout));
    timeline.init(plan::Execute{});
    return std::move(timeline).finish();
}

Lines lines(const std::string& patch) {
    const auto timeline = planned(patch);
    return timeline ? test::lines_of(*timeline) : Lines{timeline.error().text};
}

bool has(const Lines& all, std::string_view line) { return std::ranges::find(all, line) != all.end(); }
bool has_verb(const Lines& all, std::string_view verb) {
    return std::ranges::any_of(
        all, [&](const std::string& line) { return line.starts_with(cat("init ", verb, ' ')); });
}

std::string one_mount(std::string_view mount) { return cat(R"({"mounts": [)", mount, "]}"); }

TEST(RootfsPlan, OfASmallConfig) {
    const Lines expected{
        "host clone_tree /bundle/rootfs recursively (rslave) (/root/path)",
        "host spawn the stage in the cgroup, new namespaces: none",
        "init isolate_mounts",
        "init attach_root",
        "init make_directory /dev if missing",
        "init make_device",
        "init make_link",
        "init pivot_root",
        "init execute",
    };
    const Lines all = lines("{}");
    std::size_t next = 0;  // in this order, with other steps in between
    for (const std::string& line : all)
        if (next < expected.size() && line.starts_with(expected[next])) ++next;
    EXPECT_EQ(next, expected.size()) << "not found in order: "
                                     << expected[std::min(next, expected.size() - 1)];
    EXPECT_EQ(std::ranges::count_if(all, [](auto& line) { return line.starts_with("init make_device"); }), 6);
    EXPECT_EQ(std::ranges::count_if(all, [](auto& line) { return line.starts_with("init make_link"); }), 6);
}

TEST(RootfsPlan, MakesTheSixDefaultDevices) {
    const plan::Timeline timeline = planned("{}").value();
    const std::tuple<std::string_view, unsigned, unsigned> expected[] = {
        {"dev/null", 1, 3}, {"dev/zero", 1, 5},   {"dev/full", 1, 7},
        {"dev/tty", 5, 0},  {"dev/random", 1, 8}, {"dev/urandom", 1, 9}};
    const auto devices = test::ops_of<plan::MakeDevice>(timeline);
    ASSERT_EQ(devices.size(), std::size(expected));
    for (std::size_t i = 0; i < devices.size(); ++i) {
        const auto& [path, major, minor] = expected[i];
        EXPECT_EQ(timeline.arena().text(devices[i].path), path);
        EXPECT_EQ(devices[i].major, major);
        EXPECT_EQ(devices[i].minor, minor);
        EXPECT_EQ(devices[i].mode, 0020666u);
    }
}

TEST(Dev, BoundFromOutsideBringsItsOwnNodes) {
    const Lines bound =
        lines(one_mount(R"({"destination": "/dev/", "source": "/dev", "options": ["rbind"]})"));
    EXPECT_FALSE(has_verb(bound, "make_device"));
    EXPECT_FALSE(has_verb(bound, "make_link"));
    EXPECT_FALSE(has(bound, "init make_directory /dev if missing"));
    const Lines own = lines(one_mount(R"({"destination": "/dev", "type": "tmpfs"})"));
    EXPECT_TRUE(has_verb(own, "make_device") && has_verb(own, "make_link"));
}

TEST(Paths, MasksComeAfterReadOnlyOnesAndOnce) {
    const Lines all = lines(R"({"mounts": [{"destination": "/proc", "type": "proc"}],
                               "linux": {"maskedPaths": ["/proc/acpi", "/proc/keys", "/proc//acpi"],
                                         "readonlyPaths": ["/proc/bus"]}, "root": {"readonly": true}})");
    const Lines expected{"init protect_path /proc/bus read-only (/linux/readonlyPaths/0)",
                         "init mask_path /proc/acpi (/linux/maskedPaths/0)",
                         "init mask_path /proc/keys (/linux/maskedPaths/1)",
                         "init compare_place /proc with what was attached there (/mounts/0)",
                         "init protect_root / read-only (/root/readonly)",
                         "init pivot_root and detach the host's root (/root/path)"};
    ASSERT_GT(all.size(), 7u);
    EXPECT_EQ(Lines(all.end() - 7, all.end() - 1), expected);
}

TEST(Terminal, IsOpenedWhereItIsAskedFor) {
    EXPECT_FALSE(has_verb(lines("{}"), "open_terminal"));
    EXPECT_TRUE(has(lines(R"({"process": {"terminal": true, "user": {"uid": 7, "gid": 0},
                                          "consoleSize": {"height": 25, "width": 80}}})"),
                    "init open_terminal owner 7, 25 rows, 80 columns (/process/terminal)"));
    const Lines all = lines(R"({"process": {"terminal": true}})");
    EXPECT_TRUE(has(all, "init open_terminal owner 0, 0 rows, 0 columns (/process/terminal)"));
    EXPECT_TRUE(has(all, "init mount_console /dev/console (/process/terminal)"));
}

// Hooks may write into a root that will be read-only, and mount where masks will be.
TEST(Content, IsAllThereBeforeAnythingIsSealed) {
    const Lines all = lines(R"({"root": {"readonly": true}, "process": {"cwd": "/srv"},
                               "linux": {"maskedPaths": ["/m"], "readonlyPaths": ["/r"]}})");
    plan::TimelineBuilder timeline;
    const spec::ValidSpec spec =
        test::spec_with(R"({"process": {"cwd": "/srv"}, "root": {"readonly": true}})");
    MountInputs inputs{.bundle = "/bundle", .root = "/bundle/rootfs", .cgroup = "/cg/box"};
    inputs.root_place = "/bundle/rootfs";
    const auto trees = plan_trees(timeline, spec, inputs);
    timeline.host(plan::Spawn{0});
    ASSERT_TRUE(plan_content(timeline, spec, inputs, *trees));
    timeline.init(plan::Execute{});
    const Lines content = test::lines_of(test::finished(std::move(timeline)));
    for (const char* verb : {"protect_path", "mask_path", "protect_root", "pivot_root"}) {
        EXPECT_TRUE(has_verb(all, verb)) << verb;
        EXPECT_FALSE(has_verb(content, verb)) << verb;
    }
    EXPECT_TRUE(has_verb(content, "make_directory"));
}

TEST(WorkingDirectory, IsMadeUnlessItIsTheRoot) {
    for (const std::string& line : lines(R"({"process": {"cwd": "/.."}})"))
        EXPECT_FALSE(line.ends_with("(/process/cwd)")) << line;
    EXPECT_TRUE(has(lines(R"({"process": {"cwd": "/srv/./www"}})"),
                    "init make_directory /srv/www if missing (/process/cwd)"));
}

}  // namespace
}  // namespace bulkhead::rootfs
