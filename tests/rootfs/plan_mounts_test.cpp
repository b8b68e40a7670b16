// SPDX-License-Identifier: Apache-2.0
#include "rootfs/plan_mounts.hpp"

#include "rootfs/planned.hpp"

namespace bulkhead::rootfs {
namespace {

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
        const Lines all = test::lines_of(planned(mount, no_cgroup_namespace).value());
        EXPECT_TRUE(has(all, "host clone_tree /cg/box (ro,nosuid,rslave) (/mounts/0)"));
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
    EXPECT_EQ(all[1], "host clone_tree /srv/a recursively (ro,rslave) (/mounts/0)");
    EXPECT_EQ(all[2], "host clone_tree /bundle/b (noexec,rslave) (/mounts/2)");
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
    EXPECT_EQ(timeline.slot_count(), 3);
}

TEST(Mounts, OfCgroupWithoutItsNamespaceTakeWhatAMountOfItWould) {
    const auto with = [](std::string_view words) {
        return about_mounts(
            one_mount(cat(R"({"destination": "/cg", "type": "cgroup", "options": [)", words, "]}")),
            no_cgroup_namespace);
    };
    EXPECT_EQ(with(R"("rro", "nsdelegate", "sync", "private")").at(0),
              "host clone_tree /cg/box (tree ro,rslave,private) (/mounts/0)");
    EXPECT_EQ(
        with(R"("ro", "memory")"),
        Lines{
            "config.json: /mounts/0/options: \"memory\": a bind mount cannot have a file system's options"});
}

TEST(Options, ErrorsNameTheMount) {
    for (const char* options : {R"(["bind", "size"])", R"(["idmap"])", R"(["tmpcopyup"])"})
        EXPECT_TRUE(
            lines(one_mount(cat(R"({"destination": "/a", "source": "/a", "options": )", options, "}")))
                .at(0)
                .starts_with("config.json: /mounts/0/options: \""))
            << options;
}

TEST(Options, RecursiveOnesOfANewFileSystemAreItsOwn) {
    EXPECT_EQ(
        about_mounts(one_mount(R"({"destination": "/t", "type": "tmpfs", "options": ["rro", "rw", "rnosuid",
                                         "suid", "nodev", "rdev", "rshared", "private"]})")),
        Lines{"init mount_filesystem tmpfs on /t (ro,nosuid,rshared,private) (/mounts/0)"});
}

TEST(Options, ATmpfsHasASizeOfItsOwnOrNone) {
    const auto sized = [](const char* options) {
        const std::string config =
            cat(R"({"destination": "/t", "type": "tmpfs", "options": [)", options, R"("tmpcopyup"]})");
        return test::ops_of<plan::MountFilesystem>(planned(one_mount(config)).value()).at(0).sized != 0;
    };
    EXPECT_FALSE(sized(""));
    EXPECT_FALSE(sized(R"("mode=755", "nr_inodes=5", )"));
    EXPECT_TRUE(sized(R"("size=64m", )"));
    EXPECT_TRUE(sized(R"("nr_blocks=8", )"));
}

TEST(Options, CopyUpIsForTmpfs) {
    EXPECT_EQ(about_mounts(one_mount(R"({"destination": "/t", "type": "tmpfs", "options": ["tmpcopyup"]})")),
              Lines{"init mount_filesystem tmpfs on /t (with what is below) (/mounts/0)"});
    EXPECT_EQ(about_mounts(one_mount(R"({"destination": "/t", "type": "ramfs", "options": ["tmpcopyup"]})")),
              Lines{"config.json: /mounts/0/options: \"tmpcopyup\": is for a new tmpfs only"});
}

// ---- what is changed afterwards -------------------------------------------------------------------------

TEST(Remount, OfTheMountOrTheWholeFileSystem) {
    const auto with = [](std::string_view words) {
        return about_mounts(
            one_mount(cat(R"({"destination": "/proc", "type": "none", "options": [)", words, "]}")));
    };
    EXPECT_EQ(with(R"("remount", "ro", "nosuid", "size=1m")"),
              Lines{"init remount /proc (ro,nosuid,size=1m,ro) (/mounts/0)"});
    EXPECT_EQ(with(R"("remount", "rw", "sync")"), Lines{"init remount /proc (not ro,sync,rw) (/mounts/0)"});
    EXPECT_EQ(with(R"("remount", "bind", "ro", "sync", "slave")"),
              Lines{"init remount_bind /proc (ro,slave) (/mounts/0)"});
}

TEST(ReadOnlyTmpfs, WaitsForWhatIsMadeInIt) {
    const auto all = [](std::string_view more) {
        return about_mounts(
            cat(R"({"mounts": [{"destination": "/t", "type": "tmpfs", "options": ["ro", "nosuid"]})", more));
    };
    const std::string at_once = "init mount_filesystem tmpfs on /t (ro,nosuid) (/mounts/0)";
    const std::string before = "init mount_filesystem tmpfs on /t (nosuid) (/mounts/0)";
    const std::string behind = "init remount_bind /t (ro) (/mounts/0)";
    EXPECT_EQ(all("]}"), Lines{at_once});
    for (const char* more :
         {R"(, {"destination": "/t/x", "type": "tmpfs"}]})", R"(], "process": {"cwd": "/t/x"}})",
          R"(], "linux": {"devices": [{"path": "/t/n", "type": "c", "major": 1, "minor": 3}]}})"}) {
        const Lines found = all(more);
        EXPECT_EQ(found.at(0), before) << more;
        EXPECT_EQ(found.back(), behind) << more;
    }
    EXPECT_EQ(all(R"(, {"destination": "/tx", "type": "tmpfs"}]})").at(0), at_once) << "beside it";
    const Lines hidden =
        all(R"(, {"destination": "/t", "type": "tmpfs"}, {"destination": "/t/x", "type": "tmpfs"}]})");
    EXPECT_EQ(hidden.at(0), at_once) << "nothing is made in what is covered";
    EXPECT_FALSE(has(hidden, behind));
}

TEST(MountLabel, IsAnOptionOfNewFileSystems) {
    const auto with_label = [](std::string_view mount) {
        return about_mounts(
            cat(R"({"linux": {"mountLabel": "system_u:object_r:container_file_t:s0:c1,c2"}, "mounts": [)",
                mount, "]}"));
    };
    EXPECT_EQ(with_label(R"({"destination": "/t", "type": "tmpfs", "options": ["size=1m"]})"),
              Lines{"init mount_filesystem tmpfs on /t "
                    "(size=1m,context=system_u:object_r:container_file_t:s0:c1,c2) (/mounts/0)"});
    EXPECT_EQ(with_label(R"({"destination": "/q", "type": "mqueue"})"),
              Lines{"init mount_filesystem mqueue on /q "
                    "(rootcontext=system_u:object_r:container_file_t:s0:c1,c2) (/mounts/0)"});
    for (const char* mount :
         {R"({"destination": "/proc", "type": "proc"})", R"({"destination": "/s", "type": "sysfs"})",
          R"({"destination": "/c", "type": "cgroup"})",
          R"({"destination": "/b", "source": "/b", "options": ["bind"]})"})
        for (const std::string& line : with_label(mount)) EXPECT_EQ(line.find("context="), line.npos) << line;
}

}  // namespace
}  // namespace bulkhead::rootfs
