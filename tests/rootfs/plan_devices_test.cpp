// SPDX-License-Identifier: Apache-2.0
#include "rootfs/plan_devices.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "support/planning.hpp"

namespace bulkhead::rootfs {
namespace {

using test::Lines;

const plan::HostFacts root_host{.kernel_major = 6};
const plan::HostFacts nested_host{.kernel_major = 6, .initial_user_namespace = false};
const plan::HostFacts rootless_host{
    .kernel_major = 6, .uid = 1000, .privileged = false, .initial_user_namespace = false};

Result<plan::Timeline> planned(const std::string& patch, const plan::HostFacts& host = root_host) {
    const spec::ValidSpec spec = test::spec_with(patch);
    const MountInputs inputs{.bundle = "/bundle",
                             .root = "/bundle/rootfs",
                             .own_cgroup_namespace = true,
                             .clones_inside = host.rootless(),
                             .host = host};
    plan::TimelineBuilder timeline;
    LET(const Trees trees, plan_trees(timeline, spec, inputs));
    timeline.host(plan::Spawn{0});
    LET(Layout layout, plan_content(timeline, spec, inputs, trees));
    plan_seal(timeline, spec, inputs, trees, std::move(layout));
    timeline.init(plan::Execute{});
    return std::move(timeline).finish();
}

std::string devices(const std::string& list) { return cat(R"({"linux": {"devices": [)", list, "]}}"); }

// The lines that name a path.
Lines about(const std::string& path, const std::string& patch, const plan::HostFacts& host = root_host) {
    const auto timeline = planned(patch, host);
    if (!timeline) return {timeline.error().text};
    Lines lines = test::lines_of(*timeline);
    std::erase_if(lines, [&](const std::string& line) {
        return line.find(path) == std::string::npos || line.starts_with("init compare_place ");
    });
    return lines;
}

std::size_t count(const std::string& verb, const std::string& patch, const plan::HostFacts& host) {
    const Lines lines = test::lines_of(planned(patch, host).value());
    return static_cast<std::size_t>(
        std::ranges::count_if(lines, [&](const std::string& line) { return line.starts_with(verb + " "); }));
}

TEST(DevicesPlan, MakesEachOfTheConfig) {
    EXPECT_EQ(about("/dev/mine", devices(R"({"path": "/dev/mine", "type": "c", "major": 1, "minor": 5,
                                             "fileMode": 416, "uid": 1000, "gid": 5})")),
              Lines{"init make_device /dev/mine c 1:5 mode 640 owner 1000:5 (/linux/devices/0)"});
    EXPECT_EQ(about("/dev/raw", devices(R"({"path": "/dev/raw", "type": "u", "major": 10, "minor": 1})")),
              Lines{"init make_device /dev/raw c 10:1 mode 666 owner 0:0 (/linux/devices/0)"});
    EXPECT_EQ(about("/dev/disk", devices(R"({"path": "/dev/disk", "type": "b", "major": 8, "minor": 0})")),
              Lines{"init make_device /dev/disk b 8:0 mode 666 owner 0:0 (/linux/devices/0)"});
    EXPECT_EQ(about("/dev/pipe", devices(R"({"path": "/dev/pipe", "type": "p", "major": 8, "minor": 9})")),
              Lines{"init make_device /dev/pipe p 0:0 mode 666 owner 0:0 (/linux/devices/0)"});
}

// Engines send st_mode as it is.
TEST(DevicesPlan, TakesOnlyThePermissionsOfTheMode) {
    const auto timeline = planned(
        devices(R"({"path": "/dev/x", "type": "b", "major": 1, "minor": 5, "fileMode": 8630})"));  // 020666
    EXPECT_EQ(test::ops_of<plan::MakeDevice>(*timeline).at(0).mode, S_IFBLK | 0666u);
}

TEST(DevicesPlan, MakesParentsOutsideOfDev) {
    EXPECT_EQ(about("/deep", devices(R"({"path": "/deep//er/./x", "type": "c", "major": 1, "minor": 5})")),
              (Lines{"init make_directory /deep/er if missing (/linux/devices/0)",
                     "init make_device /deep/er/x c 1:5 mode 666 owner 0:0 (/linux/devices/0)"}));
    EXPECT_EQ(about("/top", devices(R"({"path": "/top", "type": "c", "major": 1, "minor": 5})")).size(), 1u);
}

TEST(DevicesPlan, AConfigsNodeReplacesTheDefaultOne) {
    EXPECT_EQ(about("/dev/null", devices(R"({"path": "/dev//null", "type": "c", "major": 1, "minor": 3,
                                             "fileMode": 384})")),
              Lines{"init make_device /dev/null c 1:3 mode 600 owner 0:0 (/linux/devices/0)"});
    EXPECT_EQ(count("init make_device", "{}", root_host), 6u);
}

TEST(DevicesPlan, RefusesPlacesWhereNoneCanBe) {
    for (const std::string path : {"/proc/kcore", "/proc", "/dev/../proc/x"}) {
        const auto refused =
            planned(devices(cat(R"({"path": ")", path, R"(", "type": "c", "major": 1, "minor": 5})")));
        ASSERT_FALSE(refused) << path;
        EXPECT_EQ(refused.error().text, cat("config.json: /linux/devices/0/path: \"", path,
                                            "\": cannot be made because it is inside /proc"));
    }
    const auto refused = planned(devices(R"({"path": "/dev/..", "type": "c", "major": 1, "minor": 5})"));
    EXPECT_EQ(refused.error().text,
              "config.json: /linux/devices/0/path: \"/dev/..\": is the root of the container");
}

// Kubernetes lists every device of the host and binds /dev over them.
TEST(DevicesPlan, ABoundDevKeepsItsOwn) {
    const std::string patch = R"({"mounts": [{"destination": "/dev", "source": "/dev", "options": ["rbind"]}],
        "linux": {"devices": [{"path": "/dev/x", "type": "c", "major": 1, "minor": 5},
                              {"path": "/opt/x", "type": "c", "major": 1, "minor": 5}]}})";
    EXPECT_EQ(about("/dev/x", patch), Lines{});
    EXPECT_EQ(about("/opt/x", patch),
              Lines{"init make_device /opt/x c 1:5 mode 666 owner 0:0 (/linux/devices/1)"});
    EXPECT_EQ(count("init make_device", patch, root_host), 1u);
    EXPECT_EQ(count("init make_link", patch, root_host), 0u);
}

// --- where mknod(2) is refused

TEST(DevicesPlan, BindsTheHostsNodesWhereNoneMayBeMade) {
    const std::string patch = devices(R"({"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229})");
    EXPECT_EQ(about("/dev/fuse", patch, nested_host),
              (Lines{"host clone_tree /dev/fuse (ro,nosuid,noexec,private) (/linux/devices/0)",
                     "init attach_tree on /dev/fuse (/linux/devices/0)"}));
    EXPECT_EQ(count("init make_device", patch, nested_host), 0u);
    EXPECT_EQ(count("init attach_tree", patch, nested_host), 7u);
}

TEST(DevicesPlan, SaysWhatABoundNodeHasToBe) {
    const plan::Timeline timeline =
        planned(devices(R"({"path": "/dev/loop0", "type": "b", "major": 7, "minor": 0})"), nested_host)
            .value();
    bool found = false;
    for (const plan::Step& step : timeline.steps()) {
        const auto* host = std::get_if<plan::HostOp>(&step.op);
        const auto* tree = host == nullptr ? nullptr : std::get_if<plan::CloneTree>(host);
        if (tree == nullptr || tree->path != "/dev/loop0") continue;
        found = true;
        ASSERT_TRUE(tree->device);
        EXPECT_EQ(tree->device->kind, S_IFBLK);
        EXPECT_EQ(tree->device->major, 7u);
        EXPECT_EQ(tree->device->minor, 0u);
    }
    EXPECT_TRUE(found);
}

TEST(DevicesPlan, RootlessTheStageBindsAndLooks) {
    EXPECT_EQ(
        about("/dev/null", "{}", rootless_host),
        (Lines{"init clone_source /dev/null (ro,nosuid,noexec,private)", "init attach_tree on /dev/null",
               "init make_device /dev/null c 1:3 mode 666 owner 0:0"}));
}

TEST(DevicesPlan, ANamedPipeIsMadeEverywhere) {
    const std::string patch = devices(R"({"path": "/dev/pipe", "type": "p"})");
    for (const plan::HostFacts& host : {nested_host, rootless_host})
        EXPECT_EQ(about("/dev/pipe", patch, host),
                  Lines{"init make_device /dev/pipe p 0:0 mode 666 owner 0:0 (/linux/devices/0)"});
}

}  // namespace
}  // namespace bulkhead::rootfs
