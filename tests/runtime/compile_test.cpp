// SPDX-License-Identifier: Apache-2.0
// The order of a container's birth, as facts. The whole lists are golden files (tests/plan).
#include "runtime/compile/compile.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "support/planning.hpp"

namespace bulkhead::runtime {
namespace {

using test::at;
using test::expect_order;
using test::has;
using test::Lines;

plan::HostFacts host() {
    return {.kernel_major = 6, .last_capability = 40, .cgroup_mount = "/cg", .own_cgroup = "/"};
}

CreateOptions options(bool await_start) {
    return {.id = "box",
            .bundle = "/b",
            .root = "/b/rootfs",
            .state_directory = "/run/x/box",
            .await_start = await_start};
}

Lines lines(const CreateOptions& wish, const std::string& patch = "{}",
            const plan::HostFacts& machine = host()) {
    const auto timeline = compile_creation(wish, test::spec_with(patch), machine);
    return timeline ? test::lines_of(*timeline) : Lines{timeline.error().text};
}

TEST(Creation, WritesDownWhatItWillDoBeforeItDoesIt) {
    expect_order(lines(options(true)),
                 {"make_state_directory", "record_intent", "make_cgroup", "record_cgroup", "clone_tree",
                  "make_start_fifo", "spawn", "record_process", "send_go"});
}

TEST(Creation, LetsNothingRunBeforeTheHostIsDone) {
    for (const bool create : {true, false})
        expect_order(lines(options(create)), {"spawn", "attach_device_filter", "record_process", "send_go",
                                              "await_go", "enter_directory", "limit_bounding", "set_groups",
                                              "set_ids", "set_capabilities", "find_program", "execute"});
}

TEST(Creation, IsInItsGroupOfResctrlBeforeAnythingOfItRuns) {
    plan::HostFacts machine = host();
    machine.resctrl_mount = "/r";
    const std::string rdt = R"("linux": {"intelRdt": {"schemata": ["L3:0=f"], "enableMonitoring": true}})";
    for (const bool create : {true, false})
        expect_order(lines(options(create), "{" + rdt + "}", machine),
                     {"record_intent", "make_rdt_group", "make_monitoring_group", "record_rdt_group",
                      "write_schemata", "spawn", "join_rdt_group", "record_process", "send_go"});
    const std::string hooks = R"("hooks": {"prestart": [{"path": "/x"}]})";
    expect_order(lines(options(true), "{" + rdt + ", " + hooks + "}", machine),
                 {"spawn", "await_ready", "join_rdt_group", "record_process", "run_hooks", "send_go"});
    EXPECT_FALSE(has(lines(options(true), "{}", machine), "rdt"));
}

// What is born into a joined pid namespace is the copy.
TEST(Creation, PutsTheCopyIntoItsGroupOfResctrl) {
    plan::HostFacts machine = host();
    machine.resctrl_mount = "/r";
    const std::string joined = R"({"linux": {"intelRdt": {}, "namespaces": [{"type": "mount"},
        {"type": "pid", "path": "/proc/9/ns/pid"}]}})";
    expect_order(lines(options(true), joined, machine), {"await_respawn", "join_rdt_group", "send_go"});
}

TEST(Creation, NeedsAResctrlForIntelRdt) {
    const auto timeline =
        compile_creation(options(true), test::spec_with(R"({"linux": {"intelRdt": {}}})"), host());
    ASSERT_FALSE(timeline);
    EXPECT_EQ(timeline.error().kind, Kind::unsupported);
    EXPECT_EQ(
        timeline.error().text,
        "config.json: /linux/intelRdt: intelRdt is specified in config, but Intel RDT is not supported or "
        "enabled: no resctrl file system is mounted");
}

TEST(Creation, StartsCleanAndClosesLast) {
    const Lines all = lines(options(true));
    expect_order(all, {"spawn", "mark_descriptors", "reset_signals", "set_umask", "join_keyring",
                       "isolate_mounts", "attach_root", "pivot_root", "start_session", "await_go"});
    const std::size_t execute = at(all, "execute");
    EXPECT_EQ(all[execute - 2], "init close_descriptors 3 and up");
    EXPECT_EQ(all[execute - 1], "init report_execution to the host");
    EXPECT_EQ(std::ranges::count_if(all, [](auto& line) { return line.starts_with("init execute"); }), 1);
}

TEST(Create, StopsBeforeTheProgramUntilStart) {
    const Lines all = lines(options(true));
    expect_order(all, {"find_program", "close_descriptors", "report_ready", "await_ready", "publish",
                       "await_start", "execute"});
    EXPECT_EQ(all[at(all, "close_descriptors") - 1], "init keep_descriptor the exec fifo");
    EXPECT_EQ(all[at(all, "close_descriptors")], "init close_descriptors 3 and up");
    EXPECT_EQ(all[at(all, "await_start") + 1], "init close_descriptors 3 and up");
    EXPECT_TRUE(has(all, "make_start_fifo"));
    EXPECT_FALSE(has(all, "await_execution"));
    EXPECT_TRUE(all.back().starts_with("init execute /bin/true"));
}

TEST(Create, KeepsTheNotifySocketUntilStartAndNoLonger) {
    for (const char* patch :
         {"{}", R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "pid", "path": "/p"}]}})"})
        for (const bool create : {true, false}) {
            CreateOptions wish = options(create);
            wish.notify = true;
            const Lines all = lines(wish, patch);
            expect_order(all, {"make_notify_socket", "spawn", "mount_notify_socket", "pivot_root",
                               "close_descriptors", "execute"});
            const auto kept = std::ranges::count(all, "init keep_descriptor the notify socket");
            EXPECT_EQ(kept, create ? 1 : 0);
            const std::string before = all[at(all, "close_descriptors") - 1];
            EXPECT_EQ(before == "init keep_descriptor the notify socket", create) << before;
            EXPECT_EQ(all[at(all, "execute") - 2], "init close_descriptors 3 and up");
        }
}

TEST(Run, WaitsForNothingButTheExecution) {
    const Lines all = lines(options(false));
    for (const char* verb : {"make_start_fifo", "await_start", "report_ready", "await_ready"})
        EXPECT_FALSE(has(all, verb)) << verb;
    expect_order(all, {"execute", "await_execution", "publish"});
    EXPECT_EQ(all.back(), "host publish the container exists");
}

TEST(Creation, ConnectsTheConsoleFirstAndSendsItLate) {
    CreateOptions wish = options(true);
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
    CreateOptions wish = options(true);
    for (const char* verb : {"send_pidfd", "write_pid_file"}) EXPECT_FALSE(has(lines(wish), verb)) << verb;
    wish.pid_file = "/run/pid";
    wish.pidfd_socket = "/run/pidfd";
    expect_order(lines(wish), {"await_ready", "send_pidfd", "write_pid_file", "publish"});
}

TEST(Creation, KeepsTheDescriptorsAndTheKeyringOfTheCaller) {
    CreateOptions wish = options(true);
    wish.preserve_fds = 4;
    wish.new_keyring = false;
    const Lines all = lines(wish);
    EXPECT_EQ(all[at(all, "mark_descriptors")], "init mark_descriptors 7 and up: close-on-exec");
    EXPECT_EQ(all[at(all, "close_descriptors")], "init close_descriptors 7 and up");
    EXPECT_FALSE(has(all, "join_keyring"));
}

TEST(Creation, MakesTheCgroupOfTheConfigOrOfTheId) {
    EXPECT_TRUE(cgroup_path(options(true), test::spec_with(), host()).value().ends_with("/box"));
    EXPECT_EQ(
        cgroup_path(options(true), test::spec_with(R"({"linux": {"cgroupsPath": "/a/b"}})"), host()).value(),
        "/a/b");
    const Lines all = lines(options(true), R"({"linux": {"cgroupsPath": "/a/b"}})");
    EXPECT_EQ(all[at(all, "make_cgroup")], "host make_cgroup /cg/a/b (/linux/cgroupsPath)");
}

// Whether MakeCgroup is allowed to go without; nothing where there is no such step.
std::optional<bool> cgroup_is_optional(const CreateOptions& wish, const std::string& patch = "{}") {
    const auto timeline = compile_creation(wish, test::spec_with(patch), host());
    for (const plan::Step& step : timeline->steps())
        if (const auto* op = std::get_if<plan::HostOp>(&step.op))
            if (const auto* make = std::get_if<plan::MakeCgroup>(op)) return make->optional;
    return std::nullopt;
}

TEST(Creation, NeedsTheCgroupThatTheConfigNames) {
    CreateOptions wish = options(true);
    EXPECT_EQ(cgroup_is_optional(wish), false);
    wish.cgroup_optional = true;
    EXPECT_EQ(cgroup_is_optional(wish), true);
    EXPECT_EQ(cgroup_is_optional(wish, R"({"linux": {"cgroupsPath": "/a/b"}})"), false);
}

TEST(Creation, MakesNoCgroupWhereThatIsDisabled) {
    CreateOptions wish = options(true);
    wish.no_cgroup = true;
    const Lines all = lines(wish);
    for (const char* verb : {"make_cgroup", "record_cgroup", "attach_device_filter"})
        EXPECT_FALSE(has(all, verb)) << verb;
    EXPECT_EQ(cgroup_path(wish, test::spec_with(), host()).value(), "");
    EXPECT_EQ(lines(wish, R"({"linux": {"cgroupsPath": "/a"}})").at(0),
              "--cgroup-manager disabled: config.json: /linux/cgroupsPath: \"/a\" asks for a cgroup");
}

TEST(Creation, OnAMachineWithoutCgroupsIsForThoseWhoNeedNone) {
    plan::HostFacts machine = host();
    machine.cgroup_mount.clear();
    machine.no_cgroup_mount = "none found";
    CreateOptions wish = options(true);
    EXPECT_EQ(lines(wish, "{}", machine), Lines{"none found"});
    wish.cgroup_optional = true;
    EXPECT_FALSE(has(lines(wish, "{}", machine), "make_cgroup"));
    EXPECT_EQ(lines(wish, R"({"linux": {"cgroupsPath": "/a"}})", machine), Lines{"none found"});
}

// ---- the systemd driver ----------------------------------------------------------------------------------

CreateOptions by_systemd() {
    CreateOptions wish = options(true);
    wish.systemd = true;
    return wish;
}

plan::HostFacts booted(bool of_user = false) {
    plan::HostFacts machine = host();
    machine.systemd_of_user = of_user;
    machine.systemd_version = 252;
    machine.systemd_cgroup = of_user ? "/user.slice/user-7.slice/user@7.service" : "/";
    return machine;
}

// What is needed to find out what is in the scope is on disk before the process there becomes anything.
TEST(Systemd, StartsTheUnitWithTheProcessThatStillWaits) {
    const Lines all =
        lines(by_systemd(), R"({"linux": {"resources": {"memory": {"limit": 1048576}}}})", booted());
    expect_order(all, {"record_intent", "make_start_fifo", "spawn", "start_unit", "record_cgroup",
                       "enable_controllers", "limit_cgroup", "send_prepared", "mark_descriptors",
                       "attach_device_filter", "record_process", "send_go"});
    EXPECT_FALSE(has(all, "make_cgroup"));
    const std::string& line = all.at(at(all, "start_unit"));
    EXPECT_NE(line.find("bulkhead-box.scope (Description bulkhead container box, Slice system.slice, "),
              std::string::npos)
        << line;
    EXPECT_NE(line.find("MemoryMax 1048576"), std::string::npos) << line;
    EXPECT_FALSE(has(lines(options(true)), "start_unit"));
    EXPECT_FALSE(has(lines(options(true)), "send_prepared"));
}

TEST(Systemd, KnowsTheCgroupThatTheUnitWillHave) {
    const auto path = [](const std::string& patch, const plan::HostFacts& machine) {
        return cgroup_path(by_systemd(), test::spec_with(patch), machine).value();
    };
    EXPECT_EQ(path("{}", booted()), "/system.slice/bulkhead-box.scope");
    EXPECT_EQ(path(R"({"linux": {"cgroupsPath": "a-b.slice:p:n"}})", booted()),
              "/a.slice/a-b.slice/p-n.scope");
    EXPECT_EQ(path("{}", booted(true)),
              "/user.slice/user-7.slice/user@7.service/user.slice/bulkhead-box.scope");
}

TEST(Systemd, MapsIdsOnlyWhenTheProcessIsInItsCgroup) {
    const std::string user = R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "user"}],
        "uidMappings": [{"containerID": 0, "hostID": 7, "size": 1}],
        "gidMappings": [{"containerID": 0, "hostID": 8, "size": 1}]}})";
    const Lines all = lines(by_systemd(), user, booted());
    expect_order(all, {"spawn", "start_unit", "record_cgroup", "write_id_maps", "send_prepared"});
    EXPECT_EQ(std::ranges::count_if(all, [](auto& line) { return line.starts_with("host send_prepared"); }),
              1);
}

TEST(Systemd, HasItsPropertiesFromAnnotationsLast) {
    const Lines all = lines(
        by_systemd(), R"({"annotations": {"org.systemd.property.CollectMode": "'inactive'"}})", booted());
    EXPECT_TRUE(all.at(at(all, "start_unit")).contains("DefaultDependencies false, CollectMode inactive)"));
    EXPECT_EQ(
        lines(by_systemd(), R"({"annotations": {"org.systemd.property.KillSignal": "TERM"}})", booted()),
        Lines{"config.json: /annotations/org.systemd.property.KillSignal: \"TERM\": \"TERM\": is no value"});
    EXPECT_TRUE(
        has(lines(options(true), R"({"annotations": {"org.systemd.property.KillSignal": "TERM"}})"), "spawn"))
        << "they are for this driver alone";
}

TEST(Systemd, RefusesAPathOfTheOtherDriver) {
    EXPECT_TRUE(
        lines(by_systemd(), R"({"linux": {"cgroupsPath": "/a/b"}})", booted())
            .at(0)
            .starts_with("config.json: /linux/cgroupsPath: \"/a/b\": expected cgroupsPath to be of format"));
}

TEST(Systemd, NeverGoesWithout) {
    CreateOptions wish = by_systemd();
    wish.cgroup_optional = true;
    plan::HostFacts machine = booted();
    machine.cgroup_mount.clear();
    machine.no_cgroup_mount = "none found";
    EXPECT_EQ(lines(wish, "{}", machine), Lines{"none found"});
}

TEST(Systemd, IsToldOfNewLimitsWhenTheKernelHasTakenThem) {
    const std::vector<plan::CgroupSetting> settings{{.file = "pids.max", .text = "7", .pointer = {}}};
    const State state{.cgroup_mount = "/cg", .cgroup_path = "/a"};
    const Changes of_unit{
        .settings = settings, .properties = {{"TasksMax", "t", {"7"}}}, .created = {}, .devices = {}};
    const Changes of_files{.settings = settings, .properties = {}, .created = {}, .devices = {}};
    EXPECT_EQ(test::lines_of(compile_update(of_unit, state, booted()).value()),
              (Lines{"host enable_controllers pids, and what can be had", "host change_limits pids.max 7",
                     "host change_unit TasksMax 7", "host limit_cgroup pids.max 7"}));
    EXPECT_EQ(test::lines_of(compile_update(of_files, state, booted()).value()),
              (Lines{"host enable_controllers pids, and what can be had", "host change_limits pids.max 7"}));
}

TEST(Update, ChangesSchemataOfTheContainersGroup) {
    State state;
    state.rdt = {.mount = "/r", .path = "/r/box", .monitoring = {}};
    const Changes changes{
        .settings = {}, .properties = {}, .schemata = {"L3:0=f", "MB:0=20"}, .created = {}, .devices = {}};
    EXPECT_EQ(test::lines_of(compile_update(changes, state, host()).value()),
              Lines{"host change_schemata L3:0=f, MB:0=20"});
}

TEST(Update, ChangesTheDeviceRulesLast) {
    const std::vector<spec::DeviceRule> all{{true, spec::DeviceRuleType::all, {}, {}, "rwm"}};
    const Changes both{.settings = {{.file = "pids.max", .text = "7", .pointer = {}}},
                       .properties = {},
                       .created = {},
                       .devices = all};
    const Changes rules{.settings = {}, .properties = {}, .created = {}, .devices = all};
    const std::string last = "host replace_device_filter 2 instructions (/linux/resources/devices)";
    EXPECT_EQ(
        test::lines_of(compile_update(both, {}, host()).value()),
        (Lines{"host enable_controllers pids, and what can be had", "host change_limits pids.max 7", last}));
    EXPECT_EQ(test::lines_of(compile_update(rules, {}, host()).value()), Lines{last});
}

TEST(Creation, HandsTheCgroupOverBeforeThereIsAnybodyWhoCouldUseIt) {
    const std::string owner = R"({"mounts": [{"destination": "/sys/fs/cgroup", "type": "cgroup",
        "source": "cgroup"}], "linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "cgroup"}]}})";
    expect_order(lines(options(true), owner), {"make_cgroup", "record_cgroup", "delegate_cgroup", "spawn"});
    expect_order(lines(by_systemd(), owner, booted()),
                 {"spawn", "start_unit", "record_cgroup", "delegate_cgroup", "send_prepared"});
    EXPECT_FALSE(has(lines(options(true)), "delegate_cgroup"));
}

// BPF_PROG_TYPE_CGROUP_DEVICE is for root of the machine.
TEST(Creation, FiltersDevicesWhereTheKernelLetsIt) {
    const std::string user = R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "user"}],
        "uidMappings": [{"containerID": 0, "hostID": 7, "size": 1}],
        "gidMappings": [{"containerID": 0, "hostID": 8, "size": 1}]}})";
    plan::HostFacts nested = host(), rootless = host();
    nested.initial_user_namespace = false;
    rootless.privileged = false;
    rootless.uid = 7;
    rootless.gid = 8;
    EXPECT_TRUE(has(lines(options(true), user), "attach_device_filter"));
    EXPECT_FALSE(has(lines(options(true), "{}", nested), "attach_device_filter"));
    const Lines all = lines(options(true), user, rootless);
    EXPECT_FALSE(has(all, "attach_device_filter"));
    expect_order(all, {"spawn", "write_id_maps", "send_prepared", "record_process", "send_go"});
}

TEST(Creation, ErrorsOfTheRoomsComeThrough) {
    const std::string mount = R"({"mounts": [{"destination": "/proc/x", "type": "tmpfs"}]})";
    EXPECT_TRUE(
        lines(options(true), mount).at(0).starts_with("config.json: /mounts/0/destination: \"/proc/x\""));
}

TEST(Creation, OfMoreMountsThanSlotsIsRefused) {
    nlohmann::json patch;
    for (int i = 0; i <= plan::slot_limit; ++i)
        patch["mounts"].push_back({{"destination", cat("/m", i)}, {"source", "/s"}, {"options", {"bind"}}});
    const auto refused = compile_creation(options(true), test::spec_with(patch.dump()), host());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, Kind::unsupported);
    EXPECT_EQ(refused.error().text, "more than 4096 bind mounts");
}

// ---- births

std::string patch_with(const std::string& namespaces, const std::string& members = "") {
    return cat(R"({"linux": {)", members, R"("namespaces": [{"type": "mount"}, )", namespaces, "]}}");
}
const std::string among_inhabitants = patch_with(R"({"type": "pid", "path": "/p"})");

// Whoever is in a joined pid namespace sees a process that holds no more than the program will.
TEST(LateBirth, ComesBehindEveryPrivilegeThatIsGivenUp) {
    for (const bool create : {true, false})
        expect_order(lines(options(create), among_inhabitants),
                     {"open_namespace", "spawn", "join_namespace", "pivot_root", "enter_directory", "set_ids",
                      "set_capabilities", "respawn", "await_respawn", "start_session", "attach_device_filter",
                      "record_process", "send_go", "await_go", "find_program", "execute"});
}

TEST(LateBirth, LeavesDescriptorsBehind) {
    for (const bool create : {true, false}) {
        const Lines all = lines(options(create), among_inhabitants);
        EXPECT_EQ(all[at(all, "respawn") - 1], "init close_descriptors 3 and up");
        EXPECT_EQ(std::ranges::count(all, "init keep_descriptor the exec fifo"), create ? 1 : 0);
    }
}

TEST(LateBirth, RecordsTheCopyAndNobodyElse) {
    const Lines all = lines(options(true), among_inhabitants);
    for (const char* verb : {"record_process", "send_go", "respawn", "start_session"})
        EXPECT_EQ(std::ranges::count_if(
                      all, [&](const std::string& line) { return line.substr(5).starts_with(verb); }),
                  1)
            << verb;
}

TEST(LateBirth, ClaimsTheTerminalAsTheLeaderOfTheSession) {
    expect_order(lines(options(true), R"({"process": {"terminal": true}, "linux": {"namespaces": [
                     {"type": "mount"}, {"type": "pid", "path": "/p"}]}})"),
                 {"open_terminal", "respawn", "start_session", "claim_terminal", "await_go"});
}

TEST(EarlyBirth, ComesBeforeTheFileSystem) {
    const std::string inside = patch_with(R"({"type": "user", "path": "/u"}, {"type": "pid"})");
    expect_order(lines(options(true), inside),
                 {"open_namespace", "spawn", "send_prepared", "join_namespace", "assume_ids",
                  "unshare_namespaces", "respawn", "await_respawn", "isolate_mounts", "pivot_root",
                  "start_session", "record_process", "send_go", "await_go", "set_ids"});
}

TEST(Births, OfOthersNeedNoCopy) {
    EXPECT_FALSE(has(lines(options(true)), "respawn"));
    EXPECT_FALSE(has(lines(options(true)), "await_respawn"));
}

// ---- seccomp

const std::string profile = R"({"linux": {"seccomp": {"defaultAction": "SCMP_ACT_ALLOW",
    "listenerPath": "/run/agent", "listenerMetadata": "m"}}})";

CreateOptions filtered(bool create, bool notifies) {
    CreateOptions wish = options(create);
    wish.filter = seccomp::Program{
        .instructions = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}}, .flags = 0, .notifies = notifies};
    return wish;
}

TEST(Filter, IsTheLastStepBeforeTheProgram) {
    for (const bool create : {true, false}) {
        const Lines all = lines(filtered(create, false), profile);
        expect_order(all, {"close_descriptors", "report_execution", "load_seccomp", "execute"});
        EXPECT_EQ(at(all, "load_seccomp") + 1, at(all, "execute"));
        for (const char* verb : {"make_handshake", "map_handshake", "deliver_listener", "await_delivery"})
            EXPECT_FALSE(has(all, verb)) << verb;
    }
}

TEST(Filter, ThatNobodyAskedForIsNoStep) { EXPECT_FALSE(has(lines(options(true)), "load_seccomp")); }

// The agent learns of the container before `create` ends, so that it can answer the first call of `start`.
TEST(Listener, IsDeliveredWithinCreate) {
    expect_order(lines(filtered(true, true), profile),
                 {"make_handshake", "spawn", "await_go", "map_handshake", "find_program", "load_seccomp",
                  "deliver_listener", "await_delivery", "report_ready", "await_ready", "publish",
                  "await_start", "report_execution", "execute"});
}

TEST(Listener, OfRunIsDeliveredLast) {
    const Lines all = lines(filtered(false, true), profile);
    expect_order(all, {"make_handshake", "spawn", "map_handshake", "close_descriptors", "report_execution",
                       "load_seccomp", "deliver_listener", "await_delivery", "execute", "await_execution"});
    EXPECT_EQ(at(all, "await_delivery") + 1, at(all, "execute"));
}

// seccomp(2) wants one of no_new_privs and CAP_SYS_ADMIN; execve takes the latter away.
TEST(Filter, KeepsTheCapabilityItNeedsAndNoOther) {
    const auto effective = [](const CreateOptions& wish, const std::string& patch) {
        const auto timeline = compile_creation(wish, test::spec_with(patch), host());
        return test::ops_of<plan::SetCapabilities>(*timeline).at(0).effective;
    };
    constexpr std::uint64_t admin = 1u << 21;
    EXPECT_EQ(effective(filtered(true, false), "{}"), admin);
    EXPECT_EQ(effective(filtered(true, false), R"({"process": {"noNewPrivileges": true}})"), 0u);
    EXPECT_EQ(effective(options(true), "{}"), 0u);
}

TEST(Filter, ComesBehindNoNewPrivileges) {
    expect_order(lines(filtered(true, false), R"({"process": {"noNewPrivileges": true}})"),
                 {"forbid_new_privileges", "load_seccomp", "execute"});
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

TEST(Removal, StopsTheUnitWhenNothingRunsInIt) {
    State state;
    state.unit.name = "p-n.scope";
    expect_order(test::lines_of(compile_removal("/run/x/box", true, state).value()),
                 {"kill_container", "stop_unit", "remove_cgroup", "remove_state_directory"});
}

TEST(Removal, TakesTheGroupOfResctrlAwayWhenNothingRunsInIt) {
    State state;
    state.rdt.mount = "/sys/fs/resctrl";
    expect_order(test::lines_of(compile_removal("/run/x/box", true, state).value()),
                 {"kill_container", "remove_rdt_group", "remove_cgroup", "remove_state_directory"});
}

TEST(Removal, TakesTheRootsMountAwayWhenNothingRunsInIt) {
    State state;
    state.root_mount = {.number = 7, .unique = 0};
    expect_order(test::lines_of(compile_removal("/run/x/box", true, state).value()),
                 {"kill_container", "detach_root", "remove_cgroup", "remove_state_directory"});
}

}  // namespace
}  // namespace bulkhead::runtime
