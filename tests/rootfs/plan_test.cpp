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
    LET(const Trees trees,
        plan_trees(timeline, spec, {"/bundle", "/bundle/rootfs", "/cg/box", own_cgroup_namespace}));
    timeline.host(plan::Spawn{0});
    TRY(plan_inside(timeline, spec, trees));
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
        "host clone_tree /bundle/rootfs recursively (/root/path)",
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

TEST(Mounts, BelowProcAreRefused) {
    const std::pair<std::string_view, std::string_view> table[] = {
        {"/proc/sys", "tmpfs"},         {"/proc/self/attr", "tmpfs"},    {"/proc//1", "bind"},
        {"/dev/../proc/acpi", "tmpfs"}, {"/proc/sysrq-trigger", "bind"}, {"proc/cpuinfos", "bind"},
        {"/../proc/x", "proc"},
    };
    for (const auto& [destination, type] : table) {
        const auto refused = planned(one_mount(
            cat(R"({"destination": ")", destination, R"(", "type": ")", type, R"(", "source": "/x"})")));
        ASSERT_FALSE(refused) << destination;
        EXPECT_EQ(refused.error().kind, Kind::invalid_config);
        EXPECT_TRUE(refused.error().text.starts_with("config.json: /mounts/0/destination: \"/proc/"))
            << destination;
        EXPECT_TRUE(refused.error().text.ends_with("cannot be mounted because it is inside /proc"))
            << destination;
    }
}

TEST(Mounts, OfLxcfsBelowProcAreTaken) {
    for (const char* file : {"cpuinfo", "diskstats", "loadavg", "meminfo", "slabinfo", "stat", "swaps",
                             "uptime", "sys/crypto/fips_enabled", "sys/kernel/ns_last_pid"})
        EXPECT_TRUE(planned(one_mount(cat(R"({"destination": "/proc/)", file,
                                          R"(", "source": "/var/lib/lxcfs", "options": ["bind"]})"))))
            << file;
}

TEST(Mounts, OverProcMustBeProc) {
    EXPECT_TRUE(planned(one_mount(R"({"destination": "/proc", "type": "proc"})")));
    for (const char* mount :
         {R"({"destination": "/proc", "type": "tmpfs"})",
          R"({"destination": "/proc", "type": "proc", "source": "/x", "options": ["bind"]})"}) {
        const auto refused = planned(one_mount(mount));
        ASSERT_FALSE(refused) << mount;
        EXPECT_EQ(refused.error().text,
                  "config.json: /mounts/0/destination: \"/proc\" cannot be mounted because it "
                  "is not of type proc");
    }
}

TEST(Mounts, HaveCleanedTargets) {
    const std::pair<std::string_view, std::string_view> table[] = {
        {"/a//b/./c/", "a/b/c"}, {"/a/../b", "b"},      {"/../../x", "x"},
        {"rel/../y", "y"},       {"/a/b/../../c", "c"},
    };
    for (const auto& [destination, target] : table) {
        const plan::Timeline timeline =
            planned(one_mount(cat(R"({"destination": ")", destination, R"(", "type": "tmpfs"})"))).value();
        EXPECT_EQ(timeline.arena().text(test::ops_of<plan::MountFilesystem>(timeline).at(0).target), target);
    }
}

TEST(Mounts, CgroupMeansTheOneHierarchy) {
    const plan::Timeline timeline =
        planned(one_mount(R"({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup"})"))
            .value();
    const auto mount = test::ops_of<plan::MountFilesystem>(timeline).at(0);
    EXPECT_STREQ(timeline.arena().text(mount.type), "cgroup2");
    EXPECT_STREQ(timeline.arena().text(mount.source), "cgroup");
}

// cgroup2 shows the whole hierarchy of the host to who has no cgroup namespace of its own.
TEST(Mounts, OfCgroupWithoutItsNamespaceAreABindOfTheContainersOwn) {
    for (const char* type : {"cgroup", "cgroup2"}) {
        const std::string mount = one_mount(cat(R"({"destination": "/sys/fs/cgroup", "type": ")", type,
                                                R"(", "options": ["ro", "nosuid"]})"));
        const Lines all = test::lines_of(planned(mount, false).value());
        EXPECT_TRUE(has(all, "host clone_tree /cg/box (ro,nosuid) (/mounts/0)"));
        EXPECT_TRUE(has(all, "init attach_tree on /sys/fs/cgroup (/mounts/0)"));
        EXPECT_FALSE(has_verb(all, "mount_filesystem"));
    }
}

TEST(Mounts, ByTypeInheritModeAndWantPlainTargets) {
    const std::tuple<std::string_view, unsigned, unsigned> table[] = {
        {"tmpfs", 1, 0}, {"proc", 0, 1}, {"sysfs", 0, 1}, {"mqueue", 0, 0}};
    for (const auto& [type, inherit, plain] : table) {
        const plan::Timeline timeline =
            planned(one_mount(cat(R"({"destination": "/proc/../)", type == "proc" ? "proc" : "x",
                                  R"(", "type": ")", type, R"("})")))
                .value();
        const auto mount = test::ops_of<plan::MountFilesystem>(timeline).at(0);
        EXPECT_EQ(mount.inherit_mode, inherit) << type;
        EXPECT_EQ(mount.plain_target_only, plain) << type;
        EXPECT_EQ(timeline.arena().text(mount.source), type) << "the source that nobody gave";
    }
}

TEST(Mounts, OptionsAreAttributesAndData) {
    EXPECT_TRUE(has(lines(one_mount(R"({"destination": "/tmp", "type": "tmpfs", "source": "shm",
                                        "options": ["nosuid", "size=64k", "ro"]})")),
                    "init mount_filesystem tmpfs on /tmp (ro,nosuid,size=64k) (/mounts/0)"));
}

TEST(Binds, AreClonedByTheHostAndAttachedInOrder) {
    const Lines all = lines(R"({"mounts": [
        {"destination": "/a", "source": "/srv/a", "options": ["rbind", "ro"]},
        {"destination": "/t", "type": "tmpfs"},
        {"destination": "/b", "source": "b", "options": ["bind", "noexec"]}]})");
    EXPECT_EQ(all[1], "host clone_tree /srv/a recursively (ro) (/mounts/0)");
    EXPECT_EQ(all[2], "host clone_tree /bundle/b (noexec) (/mounts/2)");
    const auto at = [&](std::string_view line) { return std::ranges::find(all, line) - all.begin(); };
    EXPECT_LT(at("init attach_tree on /a (/mounts/0)"), at("init attach_tree /b (/mounts/2)"));
    EXPECT_TRUE(has(all, "init attach_tree on /b (/mounts/2)"));
}

TEST(Binds, HaveSlotsOfTheirOwn) {
    const plan::Timeline timeline = planned(R"({"mounts": [
        {"destination": "/a", "source": "/a", "options": ["bind"]},
        {"destination": "/b", "source": "/b", "options": ["bind"]}]})")
                                        .value();
    const auto trees = test::ops_of<plan::AttachTree>(timeline);
    EXPECT_EQ(test::ops_of<plan::AttachRoot>(timeline).at(0).tree.index, 0);
    EXPECT_EQ(trees.at(0).tree.index, 1);
    EXPECT_EQ(trees.at(1).tree.index, 2);
    EXPECT_EQ(test::ops_of<plan::PivotRoot>(timeline).at(0).tree.index, 0);
    EXPECT_EQ(timeline.slot_count(), 3);
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
    const Lines all = lines(R"({"linux": {"maskedPaths": ["/proc/acpi", "/proc/keys", "/proc/acpi"],
                                          "readonlyPaths": ["/proc/bus"]}, "root": {"readonly": true}})");
    const Lines expected{"init protect_path /proc/bus read-only (/linux/readonlyPaths/0)",
                         "init mask_path /proc/acpi (/linux/maskedPaths/0)",
                         "init mask_path /proc/keys (/linux/maskedPaths/1)",
                         "init protect_root / read-only (/root/readonly)",
                         "init pivot_root and detach the host's root (/root/path)"};
    ASSERT_GT(all.size(), 6u);
    EXPECT_EQ(Lines(all.end() - 6, all.end() - 1), expected);
}

TEST(Terminal, IsOpenedWhereItIsAskedFor) {
    EXPECT_FALSE(has_verb(lines("{}"), "open_terminal"));
    EXPECT_TRUE(has(lines(R"({"process": {"terminal": true, "user": {"uid": 7, "gid": 0},
                                          "consoleSize": {"height": 25, "width": 80}}})"),
                    "init open_terminal /dev/console, owner 7, 25 rows, 80 columns (/process/terminal)"));
    EXPECT_TRUE(has(lines(R"({"process": {"terminal": true}})"),
                    "init open_terminal /dev/console, owner 0, 0 rows, 0 columns (/process/terminal)"));
}

TEST(WorkingDirectory, IsMadeUnlessItIsTheRoot) {
    for (const std::string& line : lines(R"({"process": {"cwd": "/.."}})"))
        EXPECT_FALSE(line.ends_with("(/process/cwd)")) << line;
    EXPECT_TRUE(has(lines(R"({"process": {"cwd": "/srv/./www"}})"),
                    "init make_directory /srv/www if missing (/process/cwd)"));
}

TEST(Options, ErrorsNameTheMount) {
    for (const char* options : {R"(["remount"])", R"(["bind", "remount"])"})
        EXPECT_TRUE(
            lines(one_mount(cat(R"({"destination": "/a", "source": "/a", "options": )", options, "}")))
                .at(0)
                .starts_with("config.json: /mounts/0/options/"));
}

}  // namespace
}  // namespace bulkhead::rootfs
