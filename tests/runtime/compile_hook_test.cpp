// SPDX-License-Identifier: Apache-2.0
// How hooks are born, and where they stand in the life of a container.
#include <algorithm>

#include "runtime/compile/hook.hpp"
#include "support/planning.hpp"

namespace bulkhead::runtime {
namespace {

using plan::HookKind;
using test::Lines;

const HookOptions hook_blueprint{.bundle = "/b", .root = "/b/rootfs", .filter = {}};

plan::HostFacts host() {
    return {.kernel_major = 6,
            .kernel_minor = 18,
            .last_capability = 40,
            .cgroup_mount = "/cg",
            .own_cgroup = "/"};
}

std::string hooks_of(std::string_view kind, std::string_view more = "") {
    return cat(R"({"hooks": {")", kind, R"(": [{"path": "/h")", more, R"(}]}})");
}

// The birth of the first hook of this kind.
Lines birth(HookKind kind, const std::string& patch, const HookOptions& options = hook_blueprint) {
    const auto run = compile_hooks(kind, options, test::spec_with(patch), host());
    return run ? test::lines_of(*run->hooks.at(0).timeline) : Lines{run.error().text};
}

Lines creation(const std::string& patch, bool await_start = true) {
    const CreateOptions options{.id = "box",
                                .bundle = "/b",
                                .root = "/b/rootfs",
                                .state_directory = "/run/x/box",
                                .await_start = await_start};
    const auto timeline = compile_creation(options, test::spec_with(patch), host());
    return timeline ? test::lines_of(*timeline) : Lines{timeline.error().text};
}

// Where the first line that begins with this stands; the size where there is none.
std::size_t at(const Lines& all, std::string_view begin) {
    const auto found =
        std::ranges::find_if(all, [&](const std::string& line) { return line.starts_with(begin); });
    return static_cast<std::size_t>(found - all.begin());
}

void expect_order(const Lines& all, const std::vector<std::string_view>& begins) {
    for (std::size_t i = 0; i < begins.size(); ++i) {
        ASSERT_LT(at(all, begins[i]), all.size()) << begins[i];
        if (i > 0) {
            EXPECT_LT(at(all, begins[i - 1]), at(all, begins[i])) << begins[i - 1] << " before " << begins[i];
        }
    }
}

std::ptrdiff_t count(const Lines& all, std::string_view begin) {
    return std::ranges::count_if(all, [&](const std::string& line) { return line.starts_with(begin); });
}

TEST(Hook, OnTheHostIsBornWithNothingButTheRightsOfItsCaller) {
    const Lines expected{
        "host make_hook_streams the state to read, and a pipe for the output",
        "host spawn the stage in the cgroup, new namespaces: none",
        "init mark_descriptors 3 and up: close-on-exec",
        "init reset_signals all at their default, none blocked",
        "init take_stdio of the hook",
        "init set_umask 022",
        "init start_session setsid",
        "init enter_directory /b (/hooks/prestart/0)",
        "init close_descriptors 3 and up",
        "init die_with_host",
        "init find_program /h in 1 place(s) (/hooks/prestart/0)",
        "init report_execution to the host",
        "init execute /h (/hooks/prestart/0)",
        "host await_execution of the program",
    };
    EXPECT_EQ(birth(HookKind::prestart, hooks_of("prestart")), expected);
}

TEST(Hook, OnTheHostIsTheSameOfEveryKind) {
    const std::pair<HookKind, std::string_view> kinds[] = {{HookKind::create_runtime, "createRuntime"},
                                                           {HookKind::poststart, "poststart"},
                                                           {HookKind::poststop, "poststop"}};
    for (const auto& [kind, word] : kinds) {
        const Lines all = birth(kind, hooks_of(word));
        EXPECT_EQ(all.size(), 14u) << word;
        EXPECT_EQ(at(all, cat("init execute /h (/hooks/", word, "/0)")), 12u) << word;
    }
}

TEST(Hook, OfCreateContainerJoinsTheContainerAndStartsInItsRoot) {
    expect_order(
        birth(HookKind::create_container, hooks_of("createContainer")),
        {"host make_hook_streams", "host find_init", "host find_cgroup", "host spawn", "init take_stdio",
         "init join_container", "init respawn", "host await_respawn", "init start_session",
         "init enter_directory /b/rootfs", "init die_with_host", "init find_program /h", "init execute /h"});
}

TEST(Hook, OfCreateContainerWithoutACgroupOrAPidNamespace) {
    HookOptions options = hook_blueprint;
    options.has_cgroup = false;
    const Lines all = birth(HookKind::create_container,
                            R"({"hooks": {"createContainer": [{"path": "/h"}]},
                                "linux": {"namespaces": [{"type": "mount"}]}})",
                            options);
    EXPECT_EQ(count(all, "host find_cgroup"), 0);
    EXPECT_EQ(count(all, "init respawn"), 0);
    EXPECT_EQ(count(all, "init join_container"), 1);
}

// The stage is not in the pid namespace that it joins, but its children will be.
TEST(Hook, OfCreateContainerIsInThePidNamespaceThatWillBeJoined) {
    const Lines all = birth(HookKind::create_container,
                            R"({"hooks": {"createContainer": [{"path": "/h"}]},
                                "linux": {"namespaces": [{"type": "mount"}, {"type": "pid", "path": "/p"}]}})");
    expect_order(all, {"init join_namespace", "init join_container", "init respawn"});
    EXPECT_EQ(all[at(all, "init join_container")].find("pid"), std::string::npos) << "only once";
}

TEST(Hook, OfAContainerWithNewClocksHasThem) {
    for (const auto& [kind, word] : {std::pair{HookKind::create_container, "createContainer"},
                                     std::pair{HookKind::start_container, "startContainer"}})
        expect_order(birth(kind, cat(R"({"hooks": {")", word, R"(": [{"path": "/h"}]},
                                "linux": {"namespaces": [{"type": "mount"}, {"type": "time"}]}})")),
                     {"init join_namespace", "init join_container"});
}

TEST(Hook, OfStartContainerIsHeldToThePolicyOfTheProcess) {
    HookOptions options = hook_blueprint;
    options.filter = seccomp::Program{.instructions = {sock_filter{}}};
    const Lines all = birth(HookKind::start_container,
                            R"({"hooks": {"startContainer": [{"path": "/h"}]},
                                "process": {"cwd": "/work", "noNewPrivileges": true, "terminal": true,
                                            "user": {"uid": 7, "gid": 8}}})",
                            options);
    expect_order(all,
                 {"host find_init", "init take_stdio", "init join_container", "init enter_directory /work",
                  "init limit_bounding", "init set_groups", "init set_ids user 7 group 8",
                  "init set_capabilities", "init forbid_new_privileges", "init respawn", "init await_go",
                  "init die_with_host", "init find_program /h", "init load_seccomp", "init execute /h"});
    for (const char* verb : {"init find_home", "init open_terminal", "init claim_terminal",
                             "init replace_null", "host release_container"})
        EXPECT_EQ(count(all, verb), 0) << verb;
}

TEST(Hook, HasJustItsArgumentsAndItsEnvironment) {
    const auto execute = [](std::string_view kind, HookKind number, std::string_view more) {
        const auto run = compile_hooks(number, hook_blueprint, test::spec_with(hooks_of(kind, more)), host());
        const plan::Timeline& birth = *run->hooks.at(0).timeline;
        const auto op = test::ops_of<plan::Execute>(birth).at(0);
        Lines words;
        for (std::uint32_t i = 0; i < op.arguments.count; ++i)
            words.emplace_back(birth.arena().text(op.arguments, i));
        words.emplace_back("--");
        for (std::uint32_t i = 0; i < op.environment.count; ++i)
            words.emplace_back(birth.arena().text(op.environment, i));
        return words;
    };
    constexpr const char* given = R"(, "args": ["h", "-v"], "env": ["A=1", "A=2"])";
    for (const auto& [word, kind] :
         {std::pair{"poststop", HookKind::poststop}, std::pair{"createContainer", HookKind::create_container},
          std::pair{"startContainer", HookKind::start_container}}) {
        EXPECT_EQ(execute(word, kind, given), (Lines{"h", "-v", "--", "A=1", "A=2"})) << word;
        EXPECT_EQ(execute(word, kind, ""), (Lines{"/h", "--"})) << word;
    }
}

TEST(Hooks, OfAKindKeepTheirOrderAndTimeouts) {
    const auto run = compile_hooks(HookKind::poststop, hook_blueprint,
                                   test::spec_with(R"({"hooks": {"poststop": [{"path": "/a", "timeout": 3},
                                                                              {"path": "/b"}]}})"),
                                   host());
    ASSERT_EQ(run->hooks.size(), 2u);
    EXPECT_EQ(run->hooks[0].path, "/a");
    EXPECT_EQ(run->hooks[0].timeout_s, 3);
    EXPECT_EQ(run->hooks[1].path, "/b");
    EXPECT_EQ(run->hooks[1].timeout_s, std::nullopt);
}

TEST(Hooks, ThatAreNotThereAreNoStep) {
    EXPECT_TRUE(
        compile_hook_run(HookKind::poststop, hook_blueprint, test::spec_with(), host())->steps().empty());
    const auto one =
        compile_hook_run(HookKind::poststop, hook_blueprint, test::spec_with(hooks_of("poststop")), host());
    EXPECT_EQ(test::lines_of(*one), Lines{"host run_hooks poststop /h (/hooks/poststop)"});
}

TEST(Hooks, AreEarlyOrLate) {
    for (const char* kind : {"prestart", "createRuntime", "createContainer"}) {
        EXPECT_TRUE(has_early_hooks(test::spec_with(hooks_of(kind)))) << kind;
        EXPECT_FALSE(has_later_hooks(test::spec_with(hooks_of(kind)))) << kind;
    }
    for (const char* kind : {"startContainer", "poststart", "poststop"}) {
        EXPECT_FALSE(has_early_hooks(test::spec_with(hooks_of(kind)))) << kind;
        EXPECT_TRUE(has_later_hooks(test::spec_with(hooks_of(kind)))) << kind;
    }
}

constexpr const char* three =
    R"("hooks": {"createContainer": [{"path": "/3"}], "createRuntime": [{"path": "/2"}],
                                           "prestart": [{"path": "/1"}]})";

TEST(CreationWithHooks, RunsThemWhereAllIsMountedAndNothingIsSealed) {
    const Lines all = creation(cat("{", three, R"(, "root": {"readonly": true},
                                   "linux": {"maskedPaths": ["/m"], "readonlyPaths": ["/r"]}})"));
    expect_order(
        all, {"host spawn", "init attach_root", "init make_device", "init report_ready", "host await_ready",
              "host attach_device_filter", "host record_process", "host run_hooks prestart /1",
              "host run_hooks createRuntime /2", "host run_hooks createContainer /3", "host send_go",
              "init await_go", "init protect_path", "init mask_path", "init protect_root", "init pivot_root",
              "init enter_directory"});
    EXPECT_EQ(count(all, "host attach_device_filter"), 1);
    EXPECT_EQ(count(all, "host record_process"), 1);
}

TEST(CreationWithHooks, ShowsThemTheRootAtItsPlaceOnTheHost) {
    const Lines with = creation(hooks_of("prestart")), without = creation(hooks_of("poststop"));
    EXPECT_NE(with[at(with, "init attach_root")].find("/b/rootfs"), std::string::npos);
    EXPECT_EQ(without[at(without, "init attach_root")].find("/b/rootfs"), std::string::npos);
}

TEST(CreationWithHooks, SetsKernelParametersBehindThem) {
    const std::string parameters = R"("linux": {"sysctl": {"net.ipv4.conf.eth0.forwarding": "1"},
                                                "namespaces": [{"type": "mount"}, {"type": "network"}]})";
    expect_order(creation(cat("{", three, ", ", parameters, "}")),
                 {"init open_procfs", "host run_hooks", "init set_sysctl", "init pivot_root"});
    expect_order(creation(cat("{", parameters, "}")), {"init set_sysctl", "init attach_root"});
}

TEST(CreationWithHooks, OfAJoinedPidNamespaceRecordsTheCopyAsWell) {
    const Lines all = creation(cat("{", three, R"(, "linux": {"namespaces": [
                                   {"type": "mount"}, {"type": "pid", "path": "/p"}]}})"));
    EXPECT_EQ(count(all, "host record_process"), 2);
    EXPECT_EQ(count(all, "host attach_device_filter"), 1);
    EXPECT_EQ(count(all, "host send_go"), 2);
}

TEST(CreationWithHooks, OfLaterKindsDoesNotWaitForThem) {
    for (const char* kind : {"startContainer", "poststart", "poststop"})
        EXPECT_EQ(count(creation(hooks_of(kind)), "host run_hooks"), 0) << kind;
}

TEST(RunWithHooks, OfStartContainerWaitsBeforeTheProgram) {
    expect_order(
        creation(hooks_of("startContainer"), false),
        {"host send_go", "init set_ids", "init find_program", "init report_ready", "host await_ready",
         "host run_hooks startContainer /h", "init close_descriptors", "init execute"});
    EXPECT_EQ(count(creation(hooks_of("startContainer"), false), "host send_go"), 2);
}

TEST(StartWithHooks, SeesTheProgramByTheFifo) {
    const std::string keep = "init keep_descriptor the exec fifo";
    EXPECT_EQ(count(creation(hooks_of("poststart")), keep), 2) << "until start, and until execve";
    EXPECT_EQ(count(creation("{}"), keep), 1);
    EXPECT_EQ(count(creation(hooks_of("poststart"), false), keep), 0);
    EXPECT_EQ(test::lines_of(*compile_start(true)),
              (Lines{"host release_init by the exec fifo", "host await_program executed by init",
                     "host remove_start_fifo exec.fifo"}));
}

}  // namespace
}  // namespace bulkhead::runtime
