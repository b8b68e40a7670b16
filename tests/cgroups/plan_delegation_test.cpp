// SPDX-License-Identifier: Apache-2.0
#include "cgroups/group/delegation.hpp"
#include "support/planning.hpp"

namespace bulkhead::cgroups {
namespace {

const plan::HostFacts root_host{};
const plan::HostFacts rootless_host{.uid = 1000, .privileged = false, .initial_user_namespace = false};

// What the step says; "" without one.
std::string planned(const spec::ValidSpec& spec, const plan::HostFacts& host = root_host) {
    plan::TimelineBuilder timeline;
    plan_delegation(timeline, spec, host);
    const test::Lines lines = test::lines_of(test::finished(std::move(timeline)));
    return lines.empty() ? "" : lines.front();
}

struct Config {
    std::string source = "cgroup";
    std::string destination = "/sys/fs/cgroup";
    std::string options = R"(["nosuid"])";
    std::string type = "cgroup";
    std::string namespaces = R"({"type": "cgroup"})";
    std::string user = "0";
    std::string linux_more;
};

spec::ValidSpec spec_of(const Config& config) {
    return test::spec_with(cat(
        R"({"process": {"user": {"uid": )", config.user, R"(, "gid": 0}}, "mounts": [{"destination": "/proc",
            "type": "proc", "source": "proc"}, {"destination": ")",
        config.destination, R"(", "type": ")", config.type, R"(", "source": ")", config.source,
        R"(", "options": )", config.options, R"(}], "linux": {"namespaces": [{"type": "mount"}, )",
        config.namespaces, "]", config.linux_more, "}}"));
}

constexpr const char* new_user = R"({"type": "cgroup"}, {"type": "user"})";
constexpr const char* maps = R"(, "uidMappings": [{"containerID": 0, "hostID": 100000, "size": 1000},
    {"containerID": 1000, "hostID": 5000, "size": 1}], "gidMappings": [{"containerID": 0, "hostID": 7, "size": 1}])";

TEST(Delegation, IsForTheUserOfTheProgram) {
    EXPECT_EQ(planned(spec_of({})), "host delegate_cgroup to user 0 (/mounts/1)");
    EXPECT_EQ(planned(spec_of({.user = "1000"})), "host delegate_cgroup to user 1000 (/mounts/1)");
}

TEST(Delegation, IsForItsIdOnTheHost) {
    const auto owner = [](const char* user) {
        return planned(spec_of({.namespaces = new_user, .user = user, .linux_more = maps}));
    };
    EXPECT_EQ(owner("0"), "host delegate_cgroup to user 100000 (/mounts/1)");
    EXPECT_EQ(owner("999"), "host delegate_cgroup to user 100999 (/mounts/1)");
    EXPECT_EQ(owner("1000"), "host delegate_cgroup to user 5000 (/mounts/1)");
}

TEST(Delegation, WithAUserNamespaceThatIsJoinedNeedsItsMaps) {
    constexpr const char* joined = R"({"type": "cgroup"}, {"type": "user", "path": "/proc/9/ns/user"})";
    EXPECT_EQ(planned(spec_of({.namespaces = joined, .linux_more = maps})),
              "host delegate_cgroup to user 100000 (/mounts/1)");
    EXPECT_EQ(planned(spec_of({.namespaces = joined})), "");
    EXPECT_EQ(planned(spec_of({.namespaces = joined, .user = "77777", .linux_more = maps})), "")
        << "not mapped";
}

TEST(Delegation, WantsTheCgroupMountedWritable) {
    EXPECT_EQ(planned(spec_of({.options = R"(["nosuid", "ro"])"})), "");
    EXPECT_EQ(planned(spec_of({.options = R"(["ro", "rw"])"})), "") << "config-linux.md: does not contain ro";
    EXPECT_EQ(planned(spec_of({.options = R"(["rro"])"})), "");
    EXPECT_EQ(planned(spec_of({.source = "cgroup2"})), "") << "config-linux.md: the source is cgroup";
    EXPECT_EQ(planned(spec_of({.destination = "/sys/fs/cgroup/x"})), "");
    EXPECT_EQ(planned(spec_of({.destination = "/cgroup"})), "");
    EXPECT_NE(planned(spec_of({.options = R"(["rw"])"})), "");
    EXPECT_NE(planned(spec_of({.type = "cgroup2"})), "");
    EXPECT_NE(planned(spec_of({.destination = "/sys//fs/./cgroup/"})), "");
}

TEST(Delegation, WantsANewCgroupNamespace) {
    EXPECT_EQ(planned(spec_of({.namespaces = R"({"type": "pid"})"})), "");
    EXPECT_EQ(planned(spec_of({.namespaces = R"({"type": "cgroup", "path": "/proc/9/ns/cgroup"})"})), "");
}

TEST(Delegation, WithoutPrivilegesTheCgroupStaysTheCallers) {
    EXPECT_EQ(planned(spec_of({.namespaces = new_user, .linux_more = maps}), rootless_host), "");
}

TEST(Delegation, RootOfAUserNamespaceHasPrivileges) {
    const plan::HostFacts nested{.initial_user_namespace = false};
    EXPECT_NE(planned(spec_of({.namespaces = new_user, .linux_more = maps}), nested), "");
}

}  // namespace
}  // namespace bulkhead::cgroups
