// SPDX-License-Identifier: Apache-2.0
// Before 5.14 the kernel changes no mount that is not attached (mount_setattr(2)): the same wishes, in other
// steps. And what an old kernel cannot do at all.
#include "rootfs/planned.hpp"

namespace bulkhead::rootfs {
namespace {

MountInputs on(unsigned major, unsigned minor, MountInputs inputs = ours) {
    inputs.host.kernel_major = major;
    inputs.host.kernel_minor = minor;
    return inputs;
}
const MountInputs oldest = on(5, 10);
const MountInputs oldest_rootless = on(5, 10, rootless);

constexpr const char* bind = R"({"destination": "/a", "source": "/srv/a",
                                 "options": ["rbind", "ro", "rnosuid", "shared"]})";

TEST(Oldest, AClonedTreeIsChangedByTheStepThatAttachesIt) {
    EXPECT_EQ(about_mounts(one_mount(bind), oldest),
              (Lines{"host clone_tree /srv/a recursively (/mounts/0)",
                     "init attach_tree on /a (ro,tree nosuid,rslave,shared) (/mounts/0)"}));
    EXPECT_EQ(about_mounts(one_mount(bind), oldest_rootless),
              (Lines{"init clone_source /srv/a recursively (/mounts/0)",
                     "init attach_tree on /a (ro,tree nosuid,rslave,shared) (/mounts/0)"}));
    EXPECT_EQ(about_mounts(one_mount(bind), on(5, 14)), about_mounts(one_mount(bind)));
    EXPECT_EQ(about_mounts(one_mount(bind), on(5, 13)), about_mounts(one_mount(bind), oldest))
        << "mount_setattr(2) of 5.12 and 5.13 does not know nosymfollow";
}

TEST(Oldest, SoIsTheRoot) {
    const Lines all = lines("{}", oldest);
    EXPECT_TRUE(has(all, "host clone_tree /bundle/rootfs recursively (/root/path)"));
    EXPECT_TRUE(has(all, "init attach_root the tree of the root (rslave) (/root/path)"));
    EXPECT_TRUE(has(lines(R"({"linux": {"rootfsPropagation": "private"}})", oldest),
                    "init attach_root the tree of the root (rprivate) (/root/path)"));
}

TEST(Oldest, TheStageIsToldBeforeTheFirstMount) {
    const Lines all = lines(one_mount(bind), oldest);
    const auto isolated = std::ranges::find_if(
        all, [](const std::string& line) { return line.starts_with("init isolate_mounts "); });
    ASSERT_NE(isolated, all.end());
    EXPECT_EQ(*(isolated + 1), "init open_self in procfs, to change mounts by mount(2)");
    EXPECT_TRUE((isolated + 2)->starts_with("init attach_root ")) << *(isolated + 2);
    for (const MountInputs& inputs : {ours, on(5, 14)})
        EXPECT_FALSE(has_verb(lines(one_mount(bind), inputs), "open_self"));
}

// Not only the mounts of the config: whatever is cloned has nothing until it is attached.
TEST(Oldest, NoCloneHasAnythingYet) {
    MountInputs inputs = oldest;
    inputs.host.initial_user_namespace = false;  // devices are bound
    const auto timeline = planned(
        R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "user", "path": "/u"}]}, "mounts": [)" +
            std::string(bind) + R"(, {"destination": "/sys", "type": "sysfs", "options": ["ro"]},
                                     {"destination": "/q", "type": "mqueue", "options": ["noexec"]}]})",
        inputs);
    ASSERT_TRUE(timeline) << timeline.error().text;
    std::size_t clones = 0, wishes = 0;
    for (const plan::Step& step : timeline->steps()) {
        const auto* host = std::get_if<plan::HostOp>(&step.op);
        if (host == nullptr) continue;
        if (const auto* clone = std::get_if<plan::CloneTree>(host)) {
            EXPECT_EQ(clone->attributes, plan::MountAttributes{}) << clone->path;
            EXPECT_TRUE(clone->propagation.empty()) << clone->path;
            ++clones;
        }
        if (const auto* queues = std::get_if<plan::OpenMessageQueues>(host)) {
            EXPECT_EQ(queues->attributes, plan::MountAttributes{});
            ++clones;
        }
    }
    for (const auto& attach : test::ops_of<plan::AttachTree>(*timeline))
        wishes += attach.attributes != plan::MountAttributes{};
    EXPECT_EQ(clones, 1 + 3 + 6u) << "root, mounts, devices";
    EXPECT_EQ(wishes, clones - 1);
}

TEST(MessageQueues, HaveTheirPropagationFromTheStepThatAttachesThem) {
    const std::string patch =
        R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "user", "path": "/u"}]},
        "mounts": [{"destination": "/q", "type": "mqueue", "options": ["noexec", "shared"]}]})";
    EXPECT_EQ(about_mounts(patch), (Lines{"host open_message_queues of the host (/mounts/0)",
                                          "init attach_tree on /q (shared) (/mounts/0)"}));
    EXPECT_EQ(about_mounts(patch, oldest), (Lines{"host open_message_queues of the host (/mounts/0)",
                                                  "init attach_tree on /q (noexec,shared) (/mounts/0)"}));
}

// ---- what there is no other way for ---------------------------------------------------------------------

TEST(Oldest, HasNoIdMappedMounts) {
    const std::string own = R"({"destination": "/a", "source": "/a", "options": ["bind"],
        "uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}],
        "gidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]})";
    EXPECT_EQ(
        lines(one_mount(own), on(5, 11)),
        Lines{"config.json: /mounts/0/uidMappings: an id-mapped mount needs Linux 5.12, and this is 5.11"});
    EXPECT_EQ(planned(one_mount(own), on(5, 11)).error().kind, Kind::unsupported);
    const std::string the_containers = R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "user"}],
        "uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}],
        "gidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]},
        "mounts": [{"destination": "/a", "source": "/a", "options": ["rbind", "ridmap"]}]})";
    EXPECT_EQ(lines(the_containers, oldest),
              Lines{"config.json: /mounts/0/options: an id-mapped mount needs Linux 5.12, and this is 5.10"});
    EXPECT_TRUE(planned(one_mount(own), on(5, 12)));
}

TEST(Oldest, HasNoOverlayInAUserNamespace) {
    const auto with = [](std::string_view layers, std::string_view namespaces) {
        return cat(R"({"annotations": {"run.bulkhead.overlay.lower": ")", layers, R"("},
                       "root": {"path": "rootfs", "readonly": true},
                       "linux": {"namespaces": [{"type": "mount"})",
                   namespaces, "]}}");
    };
    constexpr const char* user = R"(, {"type": "user", "path": "/u"})";
    MountInputs inputs = oldest, newer = on(5, 11);
    inputs.overlay_grants = newer.overlay_grants = {{"/layers"}, {}};
    EXPECT_EQ(
        lines(with("/layers/a:/layers/b", user), inputs),
        Lines{"config.json: /annotations/run.bulkhead.overlay.lower: an overlay in a user namespace needs "
              "Linux 5.11, and this is 5.10"});
    EXPECT_TRUE(planned(with("/layers/a:/layers/b", user), newer));
    EXPECT_TRUE(planned(with("/layers/a:/layers/b", ""), inputs)) << "the host's may";
}

}  // namespace
}  // namespace bulkhead::rootfs
