// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/state.hpp"

#include <sys/stat.h>
#include <unistd.h>

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
    EXPECT_EQ(one.notify_descriptor, other.notify_descriptor);
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
        changed["intelRdt"][key] = nlohmann::json::array();
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
        nlohmann::json changed = good;
        changed.erase(key);
        EXPECT_FALSE(deserialize(changed.dump())) << key;
        for (const nlohmann::json& wrong :
             {nlohmann::json(nullptr), nlohmann::json(-1), nlohmann::json(true)}) {
            if (value.is_boolean() && wrong.is_boolean()) continue;
            changed[key] = wrong;
            EXPECT_FALSE(deserialize(changed.dump())) << key << wrong;
        }
    }
    nlohmann::json far = good;
    far["pid"] = 2147483648;
    EXPECT_FALSE(deserialize(far.dump()));
}

// With all that a record may have.
State full() {
    State state = with_unit();
    state.kept_cgroups = {7, 9};
    state.root_mount = {3, 4};
    state.has_program = false;
    state.notify_descriptor = 17;
    state.rdt = {.mount = "/sys/fs/resctrl", .path = "/sys/fs/resctrl/box", .inode = 5};
    return state;
}

TEST(State, TellsEveryWrongTypeByItsPlace) {
    const nlohmann::json good = nlohmann::json::parse(serialize(full()));
    const nlohmann::json flat = good.flatten();
    unsigned checked = 0;
    for (const auto& [pointer, value] : flat.items())
        for (const char* wrong : {"null", "true", "-1", "1e400", "0.5", "9223372036854775808000", "[]", "{}",
                                  "[1]", "{\"a\": 1}", "9223372036854775807", "\"text\""}) {
            const nlohmann::json other = nlohmann::json::parse(wrong, nullptr, false);
            const bool possible = (value.is_string() && other.is_string()) ||
                                  (value.is_boolean() && other.is_boolean()) ||
                                  (value.is_number() && other == 9223372036854775807);
            if (possible) continue;
            nlohmann::json changed = good;
            changed[nlohmann::json::json_pointer(pointer)] = "\x01";
            std::string text = changed.dump();
            text.replace(text.find("\"\\u0001\""), 8, wrong);
            const auto refused = deserialize(text);
            ASSERT_FALSE(refused) << pointer << ' ' << wrong;
            EXPECT_TRUE(refused.error().text.starts_with(cat("state.json: ", pointer)))
                << refused.error().text;
            ++checked;
        }
    EXPECT_GT(checked, 300u);
}

TEST(State, HasNoAnnotationButText) {
    for (const char* odd : {"9223372036854775807", "null", "[\"x\"]", "{\"x\": \"y\"}", "1.5"}) {
        std::string text = serialize(example);
        text.replace(text.find("\"b\""), 3, odd);
        EXPECT_TRUE(deserialize(text).error().text.starts_with("state.json: /annotations/a: ")) << odd;
    }
}

TEST(State, WithAnUnknownNameIsRefused) {
    std::string text = serialize(full());
    text.replace(text.find("keptCgroups"), 11, "keptCgrouqs");
    EXPECT_EQ(deserialize(text).error().text, "state.json: /keptCgrouqs: an array: is not known here");
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
    EXPECT_EQ(refused.error().text, "state.json: /format: 1: written by another version");
}

// Containers live longer than the binary that made them.
TEST(State, OfTheVersionBeforeIsRead) {
    nlohmann::json before = nlohmann::json::parse(serialize(full()));
    before["format"] = 2;
    for (auto& value : before)
        if (value.is_boolean()) value = value.get<bool>() ? 1 : 0;
    before["intelRdt"]["shared"] = 0;
    expect_same(deserialize(before.dump()).value(), full());
    before["privatePids"] = 2;
    EXPECT_FALSE(deserialize(before.dump()));
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

// What is in the record's place and could not be one: a failure of the kernel would say nothing about it.
TEST(State, InTheFormOfAnythingButAFileIsDamaged) {
    for (const char* kind : {"directory", "fifo", "link", "dangling link"}) {
        const Folder folder;
        test::write_text(folder / "other", serialize(example));
        const std::string path = folder / "state.json";
        const std::string_view name(kind);
        const int made = name == "directory" ? ::mkdir(path.c_str(), 0700)
                         : name == "fifo"    ? ::mkfifo(path.c_str(), 0600)
                         : name == "link"    ? ::symlink("other", path.c_str())
                                             : ::symlink("nothing", path.c_str());
        ASSERT_EQ(made, 0);
        const auto read = read_record(folder.fd());
        ASSERT_FALSE(read) << kind;
        EXPECT_EQ(read.error().kind, Kind::invalid_config) << kind;
        EXPECT_EQ(read.error().text, "state.json: not a regular file") << kind;
    }
}

// ---- Remains --------------------------------------------------------------------------------------------

TEST(Remains, OfASoundRecordAreAllOfIt) {
    const Remains remains = remains_of(serialize(full()));
    expect_same(remains.state, full());
    EXPECT_TRUE(remains.tells_kept_cgroups);
}

TEST(Remains, OfADamagedLineAreTheOthers) {
    const std::string good = serialize(example);
    for (const char damage : {'\0', '"', '{', '\xff', '\n', ','}) {
        std::string text = good;
        text[text.find("\"created\"") + 3] = damage;
        const Remains remains = remains_of(text);
        State expected = example;
        expected.created.clear();
        if (deserialize(text)) continue;
        expected.annotations = remains.state.annotations;  // they stand on several lines
        expect_same(remains.state, expected);
        EXPECT_TRUE(remains.tells_kept_cgroups);
    }
}

TEST(Remains, OfAWrongTypeAreTheOtherProperties) {
    nlohmann::ordered_json changed = nlohmann::ordered_json::parse(serialize(example));
    changed["annotations"]["a"] = 9223372036854775807;
    const Remains remains = remains_of(changed.dump());
    EXPECT_EQ(remains.state.pid, example.pid);
    EXPECT_EQ(remains.state.start_time, example.start_time);
    EXPECT_EQ(remains.state.cgroup_inode, example.cgroup_inode);
    EXPECT_TRUE(remains.tells_kept_cgroups);
}

// Half a number is another number.
TEST(Remains, OfACutRecordHaveNoHalfNumbers) {
    const std::string good = serialize(example);
    for (std::size_t length = 0; length < good.size(); ++length) {
        const State state = remains_of(good.substr(0, length)).state;
        EXPECT_TRUE(state.pid == 0 || state.pid == example.pid) << length;
        EXPECT_TRUE(state.start_time == 0 || state.start_time == example.start_time) << length;
        EXPECT_TRUE(state.pidfd_inode == 0 || state.pidfd_inode == example.pidfd_inode) << length;
        EXPECT_TRUE(state.cgroup_inode == 0 || state.cgroup_inode == example.cgroup_inode) << length;
        EXPECT_TRUE(state.cgroup_path.empty() || state.cgroup_path == example.cgroup_path) << length;
    }
}

TEST(Remains, DoNotTellWhoMadeTheCgroupWhereTheLineMayBeLost) {
    State kept = example;
    kept.kept_cgroups = {11, 12};
    const std::string good = serialize(kept);
    EXPECT_EQ(remains_of(good.substr(0, good.find("\"uidMap\""))).state.kept_cgroups, kept.kept_cgroups);
    for (const char* wrong :
         {"\"keptCgrouqs\": [11, 12]", "\"keptCgroups\": [11, ", "\"keptCgroups\": [\"x\"]", ""}) {
        std::string text = good;
        const std::size_t at = text.find("\"keptCgroups\"");
        text.replace(at, text.find(",\n", at) - at, wrong);
        EXPECT_FALSE(remains_of(text).tells_kept_cgroups) << wrong;
    }
}

TEST(Remains, AreNotWhatAnAnnotationSays) {
    State state = example;
    state.annotations = {{"pid", "1"}, {"cgroupPath", "/other"}, {"x", "\",\n  \"pid\": 1,\n"}};
    std::string text = serialize(state);
    text.replace(text.find("  \"format\""), 4, "    ");
    text.insert(text.find('{'), "{");
    const Remains remains = remains_of(text);
    EXPECT_EQ(remains.state.pid, example.pid);
    EXPECT_EQ(remains.state.cgroup_path, example.cgroup_path);
}

}  // namespace
}  // namespace bulkhead::runtime
