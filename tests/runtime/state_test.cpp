// SPDX-License-Identifier: Apache-2.0
#include "runtime/state.hpp"

#include <limits>
#include <nlohmann/json.hpp>

#include "base/files.hpp"
#include "support/folder.hpp"

namespace bulkhead::runtime {
namespace {

using test::Folder;

const State example{.id = "box",
                    .bundle = "/srv/bundle",
                    .rootfs = "/srv/bundle/rootfs",
                    .created = "2026-11-21T10:00:00.123456789Z",
                    .annotations = {{"a", "b"}, {"com.example/key", ""}},
                    .cgroup_mount = "/sys/fs/cgroup",
                    .cgroup_path = "/box",
                    .cgroup_inode = std::numeric_limits<std::uint64_t>::max(),
                    .private_pids = false,
                    .new_keyring = false,
                    .cgroup_optional = true,
                    .uid_map = "0 1000 1\n1 100000 65536\n",
                    .gid_map = "0 1001 1\n",
                    .later_hooks = true,
                    .rdt = {},
                    .unit = {},
                    .pid = 4194304,
                    .start_time = 18446744073709551614ul,
                    .pidfd_inode = 17};

void expect_same(const State& one, const State& other) {
    EXPECT_EQ(one.id, other.id);
    EXPECT_EQ(one.bundle, other.bundle);
    EXPECT_EQ(one.rootfs, other.rootfs);
    EXPECT_EQ(one.created, other.created);
    EXPECT_EQ(one.annotations, other.annotations);
    EXPECT_EQ(one.cgroup_mount, other.cgroup_mount);
    EXPECT_EQ(one.cgroup_path, other.cgroup_path);
    EXPECT_EQ(one.cgroup_inode, other.cgroup_inode);
    EXPECT_EQ(one.kept_cgroups, other.kept_cgroups);
    EXPECT_EQ(one.private_pids, other.private_pids);
    EXPECT_EQ(one.new_keyring, other.new_keyring);
    EXPECT_EQ(one.cgroup_optional, other.cgroup_optional);
    EXPECT_EQ(one.uid_map, other.uid_map);
    EXPECT_EQ(one.gid_map, other.gid_map);
    EXPECT_EQ(one.later_hooks, other.later_hooks);
    EXPECT_EQ(one.has_program, other.has_program);
    EXPECT_EQ(one.rdt.mount, other.rdt.mount);
    EXPECT_EQ(one.rdt.path, other.rdt.path);
    EXPECT_EQ(one.rdt.shared, other.rdt.shared);
    EXPECT_EQ(one.rdt.inode, other.rdt.inode);
    EXPECT_EQ(one.rdt.monitoring, other.rdt.monitoring);
    EXPECT_EQ(one.rdt.monitoring_inode, other.rdt.monitoring_inode);
    EXPECT_EQ(one.unit.name, other.unit.name);
    EXPECT_EQ(one.unit.invocation, other.unit.invocation);
    EXPECT_EQ(one.unit.addresses, other.unit.addresses);
    EXPECT_EQ(one.pid, other.pid);
    EXPECT_EQ(one.start_time, other.start_time);
    EXPECT_EQ(one.pidfd_inode, other.pidfd_inode);
}

TEST(State, ComesBackAsItWas) {
    expect_same(deserialize(serialize(example)).value(), example);
    expect_same(deserialize(serialize(State{})).value(), State{});
}

// --systemd-cgroup
State with_unit() {
    State state = example;
    state.unit = {"p-a\\x2bb.scope", "0123456789abcdef0123456789abcdef", {"bus unix:path=/a\"b", "peer x"}};
    return state;
}

TEST(State, RemembersTheUnitAndWhereToAskForIt) {
    expect_same(deserialize(serialize(with_unit())).value(), with_unit());
    State early = with_unit();
    early.unit.invocation.clear();
    expect_same(deserialize(serialize(early)).value(), early);
    EXPECT_FALSE(nlohmann::json::parse(serialize(example)).contains("systemd"));
}

TEST(State, WithADamagedUnitIsRefused) {
    const nlohmann::json good = nlohmann::json::parse(serialize(with_unit()));
    for (const char* key : {"unit", "invocation"}) {
        nlohmann::json changed = good;
        changed["systemd"].erase(key);
        EXPECT_FALSE(deserialize(changed.dump())) << key;
        changed["systemd"][key] = 5;
        EXPECT_FALSE(deserialize(changed.dump())) << key;
    }
    nlohmann::json changed = good;
    changed["systemd"] = "p-n.scope";
    EXPECT_FALSE(deserialize(changed.dump()));
}

TEST(State, KeepsAGroupOfResctrlWholeOrNotAtAll) {
    State state = example;
    state.rdt = {.mount = "/sys/fs/resctrl",
                 .path = "/sys/fs/resctrl/box",
                 .shared = true,
                 .inode = std::numeric_limits<std::uint64_t>::max(),
                 .monitoring = "/sys/fs/resctrl/box/mon_groups/box",
                 .monitoring_inode = 9};
    expect_same(deserialize(serialize(state)).value(), state);
    const nlohmann::json good = nlohmann::json::parse(serialize(state));
    for (const auto& [key, value] : good["intelRdt"].items()) {
        nlohmann::json changed = good;
        changed["intelRdt"].erase(key);
        EXPECT_FALSE(deserialize(changed.dump())) << key;
        changed["intelRdt"][key] = true;
        EXPECT_FALSE(deserialize(changed.dump())) << key;
    }
}

TEST(State, HostileAnnotationsStayAnnotations) {
    State state = example;
    state.annotations = {{"quote", "\", \"pid\": 1, \"x\": \""},
                         {"newline\n\t\x1b", "\\\x7f\xc2\x9b"},
                         {"}", "{"},
                         {"gr\xc3\xbcn", "\xf0\x9f\x98\x80"},
                         {"pid", "7"}};
    expect_same(deserialize(serialize(state)).value(), state);
    EXPECT_EQ(nlohmann::json::parse(serialize(state)).size(), 18u);
}

TEST(State, InvalidUtf8IsReplacedAndNothingElse) {
    State state = example;
    state.bundle = "/srv/\xff";
    EXPECT_EQ(deserialize(serialize(state)).value().bundle, "/srv/\xef\xbf\xbd");
}

TEST(State, DamagedOnesAreRefused) {
    const std::string good = serialize(example);
    for (std::size_t length = 0; length + 3 < good.size(); length += 7)
        EXPECT_FALSE(deserialize(good.substr(0, length))) << length;
    EXPECT_EQ(deserialize("[]").error().kind, Kind::invalid_config);
    EXPECT_EQ(deserialize(good + "{}").error().kind, Kind::invalid_config);
}

TEST(State, WithoutOrWithAWrongPropertyAreRefused) {
    const nlohmann::json good = nlohmann::json::parse(serialize(example));
    for (const auto& [key, value] : good.items()) {
        if (key == "annotations") continue;
        nlohmann::json changed = good;
        changed.erase(key);
        EXPECT_FALSE(deserialize(changed.dump())) << key;
        for (const nlohmann::json& wrong :
             {nlohmann::json(nullptr), nlohmann::json(-1), nlohmann::json(true)}) {
            changed[key] = wrong;
            EXPECT_FALSE(deserialize(changed.dump())) << key << wrong;
        }
    }
    nlohmann::json far = good;
    far["pid"] = 2147483648;
    EXPECT_FALSE(deserialize(far.dump()));
}

TEST(State, RemembersThatThereIsNothingToRun) {
    State state = example;
    state.has_program = false;
    expect_same(deserialize(serialize(state)).value(), state);
}

TEST(State, RemembersCgroupsThatWereThere) {
    State state = example;
    state.kept_cgroups = {7, 18446744073709551615u};
    expect_same(deserialize(serialize(state)).value(), state);
    nlohmann::json odd = nlohmann::json::parse(serialize(state));
    odd["keptCgroups"] = {1, "x"};
    EXPECT_FALSE(deserialize(odd.dump()));
}

TEST(State, OfAnotherVersionIsRefusedAsSuch) {
    nlohmann::json other = nlohmann::json::parse(serialize(example));
    other["format"] = 1;
    const auto refused = deserialize(other.dump());
    EXPECT_EQ(refused.error().kind, Kind::unsupported);
    EXPECT_EQ(refused.error().text, "state.json: written by another version (format 1)");
}

TEST(State, IsSavedForItsOwnerAlone) {
    const Folder folder;
    EXPECT_EQ(load(folder.fd()).error().kind, Kind::not_found);
    ASSERT_TRUE(save(folder.fd(), example));
    expect_same(load(folder.fd()).value(), example);
    EXPECT_EQ(test::status_of_path(folder / "state.json").st_mode & 07777, 0600u);
    State later = example;
    later.pid = 8;
    ASSERT_TRUE(save(folder.fd(), later));
    EXPECT_EQ(load(folder.fd()).value().pid, 8);
    EXPECT_EQ(names_in(folder.fd()).value(), std::vector<std::string>{"state.json"});
}

}  // namespace
}  // namespace bulkhead::runtime
