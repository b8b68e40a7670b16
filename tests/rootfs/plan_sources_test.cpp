// SPDX-License-Identifier: Apache-2.0
#include "rootfs/planned.hpp"

namespace bulkhead::rootfs {
namespace {

// ---- propagation ----------------------------------------------------------------------------------------

TEST(Propagation, OfAClonedTreeBeginsWithThatOfTheRoot) {
    const std::pair<const char*, const char*> table[] = {
        {"null", " (rslave)"},
        {R"("slave")", " (rslave)"},
        {R"("rslave")", " (rslave)"},
        {R"("private")", " (rprivate)"},
        {R"("rprivate")", " (rprivate)"},
        {R"("unbindable")", " (rprivate)"},
        {R"("shared")", ""},
        {R"("runbindable")", " (rprivate)"},
        {R"("rshared")", ""},
    };
    for (const auto& [word, options] : table) {
        const Lines all =
            lines(cat(R"({"linux": {"rootfsPropagation": )", word,
                      R"(}, "mounts": [{"destination": "/a", "source": "/a", "options": ["bind"]}]})"));
        EXPECT_TRUE(has(all, cat("host clone_tree /a", options, " (/mounts/0)"))) << word;
        const char* root = *options == '\0' ? " (rslave)" : options;
        EXPECT_TRUE(has(all, cat("host clone_tree /bundle/rootfs recursively", root, " (/root/path)")))
            << word;
    }
}

TEST(Propagation, OfTheMountComesBehind) {
    EXPECT_TRUE(has(lines(one_mount(R"({"destination": "/a", "source": "/a",
                                        "options": ["rbind", "rshared", "unbindable"]})")),
                    "host clone_tree /a recursively (rslave,rshared,unbindable) (/mounts/0)"));
}

TEST(Propagation, DoesNotReachTheHostThroughAUserNamespace) {
    EXPECT_TRUE(has(lines(R"({"linux": {"rootfsPropagation": "rshared", "namespaces": [{"type": "mount"},
                              {"type": "user", "path": "/x"}]},
                              "mounts": [{"destination": "/a", "source": "/a", "options": ["bind", "rshared"]}]})"),
                    "host clone_tree /a (rslave,rshared) (/mounts/0)"));
}

// ---- id maps --------------------------------------------------------------------------------------------

// Of the only clone of a mount, or the error.
struct Mapped {
    std::optional<plan::IdMaps> maps;
    std::string error;
};
Mapped mapped(const std::string& patch, const MountInputs& inputs = ours) {
    const auto timeline = planned(patch, inputs);
    if (!timeline) return {.maps = {}, .error = timeline.error().text};
    for (const plan::Step& step : timeline->steps())
        if (const auto* host = std::get_if<plan::HostOp>(&step.op);
            host != nullptr && step.pointer == "/mounts/0")
            if (const auto* clone = std::get_if<plan::CloneTree>(host)) return {clone->id_maps, {}};
    return {.maps = {}, .error = "no clone"};
}

constexpr const char* own_maps = R"("uidMappings": [{"containerID": 0, "hostID": 1000, "size": 2},
                                                    {"containerID": 5, "hostID": 7, "size": 1}],
                                    "gidMappings": [{"containerID": 0, "hostID": 4294967294, "size": 1}])";
constexpr const char* user_namespace = R"("linux": {"namespaces": [{"type": "mount"}, {"type": "user"}],
    "uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
    "gidMappings": [{"containerID": 0, "hostID": 200000, "size": 65536}]})";

std::string id_mapped(std::string_view words, std::string_view more = "") {
    return cat(R"({"mounts": [{"destination": "/a", "source": "/a", "options": [)", words, "]", more, "}]}");
}

TEST(IdMaps, AreTheMountsOwn) {
    for (const auto& [words, whole] : {std::pair(R"("bind")", false), std::pair(R"("bind", "idmap")", false),
                                       std::pair(R"("rbind", "ridmap")", true)}) {
        const Mapped found = mapped(id_mapped(words, cat(", ", own_maps)));
        ASSERT_TRUE(found.maps) << words << found.error;
        EXPECT_EQ(found.maps->uids, "0 1000 2\n5 7 1\n");
        EXPECT_EQ(found.maps->gids, "0 4294967294 1\n");
        EXPECT_EQ(found.maps->whole_tree, whole) << words;
    }
}

TEST(IdMaps, AreThoseOfTheContainerWhereThereAreNoOthers) {
    const Mapped found = mapped(cat("{", user_namespace, R"(, "mounts": [{"destination": "/a", "source": "/a",
                                                         "options": ["bind", "idmap"]}]})"));
    ASSERT_TRUE(found.maps) << found.error;
    EXPECT_EQ(found.maps->uids, "0 100000 65536\n");
    EXPECT_EQ(found.maps->gids, "0 200000 65536\n");
    EXPECT_FALSE(mapped(cat("{", user_namespace, R"(, "mounts": [{"destination": "/a", "source": "/a",
                                                                  "options": ["bind"]}]})"))
                     .maps)
        << "nobody asked";
}

TEST(IdMaps, AreRefusedWhereTheyCannotBe) {
    EXPECT_EQ(
        mapped(id_mapped(R"("bind", "idmap")")).error,
        "config.json: /mounts/0/options: an id-mapped mount needs uidMappings and gidMappings, its own or "
        "those of linux");
    EXPECT_EQ(mapped(id_mapped(R"("bind")", cat(", ", own_maps)), rootless).error,
              "config.json: /mounts/0/uidMappings: id-mapped mounts are not supported for rootless "
              "containers: they "
              "need privileges");
    EXPECT_EQ(mapped(one_mount(cat(R"({"destination": "/a", "type": "tmpfs", )", own_maps, "}"))).error,
              "config.json: /mounts/0/uidMappings: id-mapped mounts are only supported for bind-mounts");
}

// ---- without privileges ---------------------------------------------------------------------------------

TEST(Rootless, TheStageClonesBeforeAnythingIsMounted) {
    const Lines all = lines(R"({"mounts": [
        {"destination": "/a", "source": "/srv/a", "options": ["rbind", "ro", "rnoexec", "shared"]},
        {"destination": "/b", "source": "b", "options": ["bind"]}]})",
                            rootless);
    EXPECT_EQ(all.at(1), "init clone_source /bundle/rootfs recursively (rslave) (/root/path)");
    EXPECT_EQ(all.at(2), "init clone_source /srv/a recursively (ro,tree noexec,rslave,shared) (/mounts/0)");
    EXPECT_EQ(all.at(3), "init clone_source /bundle/b (rslave) (/mounts/1)");
    EXPECT_TRUE(std::ranges::none_of(all, [](auto& line) { return line.starts_with("host clone_tree"); }));
    const auto at = [&](std::string_view line) { return std::ranges::find(all, line) - all.begin(); };
    EXPECT_LT(3, at("init isolate_mounts"));
    EXPECT_TRUE(has(all, "init attach_tree on /a (/mounts/0)"));
}

TEST(Rootless, CgroupsOfOthersBelowSysAreReadOnly) {
    const MountInputs both =
        changed(rootless, [](MountInputs& inputs) { inputs.own_cgroup_namespace = false; });
    const std::string all_of_sys =
        one_mount(R"({"destination": "/x/sys", "source": "/sys/", "options": ["rbind"]})");
    const std::string protect = "init protect_path /x/sys/fs/cgroup read-only (/mounts/0)";
    EXPECT_TRUE(has(lines(all_of_sys, both), protect));
    EXPECT_FALSE(has(lines(all_of_sys, rootless), protect)) << "they are the container's own";
    EXPECT_FALSE(has(lines(all_of_sys, no_cgroup_namespace), protect)) << "root may ask for anything";
    EXPECT_FALSE(
        has_verb(lines(one_mount(R"({"destination": "/x", "source": "/srv", "options": ["rbind"]})"), both),
                 "protect_path"));
    EXPECT_EQ(about_mounts(one_mount(R"({"destination": "/sys/fs/cgroup", "type": "cgroup"})"), both),
              Lines{"init mount_filesystem tmpfs on /sys/fs/cgroup "
                    "(ro,nosuid,nodev,noexec,nr_blocks=1,nr_inodes=1,mode=555) (/mounts/0)"});
}

// ---- sysfs and mqueue belong to namespaces --------------------------------------------------------------

std::string with_namespaces(std::string_view list, std::string_view mount) {
    const bool maps = list.find(R"({"type": "user"})") != list.npos;
    constexpr const char* mappings = R"(, "uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}],
                                         "gidMappings": [{"containerID": 0, "hostID": 1, "size": 1}])";
    return cat(R"({"linux": {"namespaces": [{"type": "mount"}, )", list, "]", maps ? mappings : "",
               R"(}, "mounts": [)", mount, "]}");
}
constexpr const char* sysfs =
    R"({"destination": "/sys", "type": "sysfs", "options": ["ro", "nosuid", "noatime"]})";
constexpr const char* queues = R"({"destination": "/q", "type": "mqueue", "options": ["noexec"]})";

TEST(Sysfs, IsTheHostsWhereTheNetworkNamespaceIsNotTheContainers) {
    for (const char* list :
         {R"({"type": "user"})", R"({"type": "user"}, {"type": "network", "path": "/n"})"}) {
        const Lines all = about_mounts(with_namespaces(list, sysfs));
        EXPECT_EQ(all,
                  (Lines{"host clone_tree /sys recursively (ro,nosuid,tree ro,nosuid,rslave) (/mounts/0)",
                         "init attach_tree on /sys (/mounts/0)"}))
            << list;
    }
    for (const char* list : {R"({"type": "pid"})", R"({"type": "user"}, {"type": "network"})",
                             R"({"type": "user", "path": "/u"}, {"type": "network", "path": "/n"})"})
        EXPECT_EQ(about_mounts(with_namespaces(list, sysfs)),
                  Lines{"init mount_filesystem sysfs on /sys (ro,nosuid,noatime) (/mounts/0)"})
            << list;
}

TEST(Sysfs, OfTheHostIsClonedInsideWithoutPrivileges) {
    const MountInputs both =
        changed(rootless, [](MountInputs& inputs) { inputs.own_cgroup_namespace = false; });
    EXPECT_EQ(about_mounts(with_namespaces(R"({"type": "user"})", sysfs), both),
              (Lines{"init clone_source /sys recursively (ro,nosuid,tree ro,nosuid,rslave) (/mounts/0)",
                     "init attach_tree on /sys (/mounts/0)",
                     "init protect_path /sys/fs/cgroup read-only (/mounts/0)"}));
}

TEST(MessageQueues, AreOpenedByTheHostWhereTheIpcNamespaceIsNotTheContainers) {
    EXPECT_EQ(
        about_mounts(with_namespaces(R"({"type": "user"})", queues)),
        (Lines{"host open_message_queues of the host (/mounts/0)", "init attach_tree on /q (/mounts/0)"}));
    for (const char* list :
         {R"({"type": "ipc"})", R"({"type": "user"}, {"type": "ipc"})", R"({"type": "pid"})",
          R"({"type": "user", "path": "/u"}, {"type": "ipc", "path": "/i"})"})
        EXPECT_EQ(about_mounts(with_namespaces(list, queues)),
                  Lines{"init mount_filesystem mqueue on /q (noexec) (/mounts/0)"})
            << list;
}

}  // namespace
}  // namespace bulkhead::rootfs
