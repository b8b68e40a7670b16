// SPDX-License-Identifier: Apache-2.0
// The order of a container's birth, as facts. The whole lists are golden files (tests/plan).
#include "runtime/compile.hpp"

#include <algorithm>

#include "support/planning.hpp"

namespace bulkhead::runtime {
namespace {

using test::Lines;

plan::HostFacts host() { return {.last_capability = 40, .cgroup_mount = "/cg", .own_cgroup = "/"}; }

Blueprint blueprint(bool await_start) {
    return {.id = "box",
            .bundle = "/b",
            .root = "/b/rootfs",
            .state_directory = "/run/x/box",
            .await_start = await_start};
}

Lines lines(const Blueprint& wish, const std::string& patch = "{}") {
    const auto timeline = compile_creation(wish, test::spec_with(patch), host());
    return timeline ? test::lines_of(*timeline) : Lines{timeline.error().text};
}

// Where the first step of this verb stands; the size of the list where there is none.
std::size_t at(const Lines& all, std::string_view verb) {
    const auto found = std::ranges::find_if(all, [&](const std::string& line) {
        return line.substr(5, verb.size()) == verb &&
               (line.size() == 5 + verb.size() || line[5 + verb.size()] == ' ');
    });
    return static_cast<std::size_t>(found - all.begin());
}
bool has(const Lines& all, std::string_view verb) { return at(all, verb) < all.size(); }

void expect_order(const Lines& all, const std::vector<std::string_view>& verbs) {
    for (std::size_t i = 0; i < verbs.size(); ++i) {
        ASSERT_TRUE(has(all, verbs[i])) << verbs[i];
        if (i > 0) {
            EXPECT_LT(at(all, verbs[i - 1]), at(all, verbs[i])) << verbs[i - 1] << " before " << verbs[i];
        }
    }
}

TEST(Creation, WritesDownWhatItWillDoBeforeItDoesIt) {
    expect_order(lines(blueprint(true)),
                 {"make_state_directory", "record_intent", "make_cgroup", "record_cgroup", "clone_tree",
                  "make_start_fifo", "spawn", "record_process", "send_go"});
}

TEST(Creation, LetsNothingRunBeforeTheHostIsDone) {
    for (const bool create : {true, false})
        expect_order(lines(blueprint(create)), {"spawn", "attach_device_filter", "record_process", "send_go",
                                                "await_go", "enter_directory", "limit_bounding", "set_groups",
                                                "set_ids", "set_capabilities", "find_program", "execute"});
}

TEST(Creation, StartsCleanAndClosesLast) {
    const Lines all = lines(blueprint(true));
    expect_order(all, {"spawn", "mark_descriptors", "reset_signals", "set_umask", "join_keyring",
                       "start_session", "isolate_mounts", "attach_root", "pivot_root", "await_go"});
    const std::size_t execute = at(all, "execute");
    EXPECT_EQ(all[execute - 1], "init close_descriptors 3 and up");
    EXPECT_EQ(std::ranges::count_if(all, [](auto& line) { return line.starts_with("init execute"); }), 1);
}

TEST(Create, StopsBeforeTheProgramUntilStart) {
    const Lines all = lines(blueprint(true));
    expect_order(all, {"find_program", "report_ready", "await_ready", "publish", "await_start",
                       "close_descriptors", "execute"});
    EXPECT_TRUE(has(all, "make_start_fifo"));
    EXPECT_FALSE(has(all, "await_execution"));
    EXPECT_TRUE(all.back().starts_with("init execute /bin/true"));
}

TEST(Run, WaitsForNothingButTheExecution) {
    const Lines all = lines(blueprint(false));
    for (const char* verb : {"make_start_fifo", "await_start", "report_ready", "await_ready"})
        EXPECT_FALSE(has(all, verb)) << verb;
    expect_order(all, {"execute", "await_execution", "publish"});
    EXPECT_EQ(all.back(), "host publish the container exists");
}

TEST(Creation, ConnectsTheConsoleFirstAndSendsItLate) {
    Blueprint wish = blueprint(true);
    const std::string terminal = R"({"process": {"terminal": true}})";
    for (const char* verb : {"connect_console", "send_console", "open_terminal"})
        EXPECT_FALSE(has(lines(wish), verb)) << verb;
    wish.console_socket = "/run/console";
    expect_order(lines(wish, terminal),
                 {"connect_console", "spawn", "open_terminal", "await_ready", "send_console", "publish"});
    EXPECT_TRUE(has(lines(wish, terminal), "connect_console"));
    EXPECT_FALSE(has(lines(wish, terminal), "own_stdio"));
}

TEST(Creation, TellsWhoAskedBeforeItPublishes) {
    Blueprint wish = blueprint(true);
    for (const char* verb : {"send_pidfd", "write_pid_file"}) EXPECT_FALSE(has(lines(wish), verb)) << verb;
    wish.pid_file = "/run/pid";
    wish.pidfd_socket = "/run/pidfd";
    expect_order(lines(wish), {"await_ready", "send_pidfd", "write_pid_file", "publish"});
}

TEST(Creation, KeepsTheDescriptorsAndTheKeyringOfTheCaller) {
    Blueprint wish = blueprint(true);
    wish.preserve_fds = 4;
    wish.new_keyring = false;
    const Lines all = lines(wish);
    EXPECT_EQ(all[at(all, "mark_descriptors")], "init mark_descriptors 7 and up: close-on-exec");
    EXPECT_EQ(all[at(all, "close_descriptors")], "init close_descriptors 7 and up");
    EXPECT_FALSE(has(all, "join_keyring"));
}

TEST(Creation, MakesTheCgroupOfTheConfigOrOfTheId) {
    EXPECT_TRUE(cgroup_path(blueprint(true), test::spec_with(), host()).value().ends_with("/box"));
    EXPECT_EQ(cgroup_path(blueprint(true), test::spec_with(R"({"linux": {"cgroupsPath": "/a/b"}})"), host())
                  .value(),
              "/a/b");
    const Lines all = lines(blueprint(true), R"({"linux": {"cgroupsPath": "/a/b"}})");
    EXPECT_EQ(all[at(all, "make_cgroup")], "host make_cgroup /cg/a/b (/linux/cgroupsPath)");
}

TEST(Creation, ErrorsOfTheRoomsComeThrough) {
    const std::string mount = R"({"mounts": [{"destination": "/proc/x", "type": "tmpfs"}]})";
    EXPECT_TRUE(
        lines(blueprint(true), mount).at(0).starts_with("config.json: /mounts/0/destination: \"/proc/x\""));
}

TEST(Creation, OfMoreMountsThanSlotsIsRefused) {
    nlohmann::json patch;
    for (int i = 0; i < 300; ++i)
        patch["mounts"].push_back({{"destination", cat("/m", i)}, {"source", "/s"}, {"options", {"bind"}}});
    const auto refused = compile_creation(blueprint(true), test::spec_with(patch.dump()), host());
    EXPECT_EQ(refused.error().kind, Kind::unsupported);
    EXPECT_EQ(refused.error().text, "more than 256 bind mounts");
}

TEST(Start, ReleasesInitAndRemovesTheFifo) {
    EXPECT_EQ(test::lines_of(compile_start().value()),
              (Lines{"host release_init by the exec fifo", "host remove_start_fifo exec.fifo"}));
}

TEST(Removal, KillsWhereSomethingMayRun) {
    const Lines rest{"host remove_cgroup", "host remove_state_directory /run/x/box"};
    EXPECT_EQ(test::lines_of(compile_removal("/run/x/box", false).value()), rest);
    const Lines all = test::lines_of(compile_removal("/run/x/box", true).value());
    EXPECT_EQ(all.at(0), "host kill_container everything in its cgroup");
    EXPECT_EQ(Lines(all.begin() + 1, all.end()), rest);
}

}  // namespace
}  // namespace bulkhead::runtime
