// SPDX-License-Identifier: Apache-2.0
// Hooks on the host, born through the real stage.
#include <signal.h>
#include <sys/wait.h>

#include <nlohmann/json.hpp>

#include "base/waiting.hpp"
#include "runtime/compile/hook.hpp"
#include "runtime/container/later_hooks.hpp"
#include "runtime/meeting.hpp"
#include "runtime/record/identity.hpp"
#include "runtime/steps/hooks.hpp"

namespace bulkhead::runtime {
namespace {

using test::Folder;

// A shell script as a hook.
nlohmann::json shell(const std::string& script, std::optional<int> timeout = std::nullopt) {
    nlohmann::json hook{{"path", "/bin/sh"}, {"args", {"sh", "-c", script}}, {"env", {"PATH=/usr/bin:/bin"}}};
    if (timeout) hook["timeout"] = *timeout;
    return hook;
}

std::string config_of(const char* kind, const std::vector<nlohmann::json>& hooks) {
    return nlohmann::json{{"hooks", {{kind, hooks}}}}.dump();
}

struct Ran {
    std::string error;
    std::vector<std::string> warnings;
};

Ran ran(plan::HookKind kind, const std::vector<nlohmann::json>& hooks, const Folder& folder,
        const State& state = {}) {
    const std::string word(plan::word(kind));
    const HookOptions options{.bundle = folder.path(), .root = folder.path(), .filter = {}};
    const auto timeline =
        compile_hook_run(kind, options, test::spec_with(config_of(word.c_str(), hooks)), {});
    auto done = run_hooks(*timeline, state);
    if (!done) return {done.error().text, {}};
    return {"", std::move(*done)};
}

TEST(RunHooks, GivesThemTheStateAndTheBundle) {
    const Folder folder;
    const State state{.id = "box", .bundle = folder.path(), .pid = 4711};
    EXPECT_EQ(
        ran(plan::HookKind::prestart, {shell("cat > state; pwd > cwd; umask > mask")}, folder, state).error,
        "");
    const auto read = nlohmann::json::parse(test::text_of(folder / "state"));
    EXPECT_EQ(read["id"], "box");
    EXPECT_EQ(read["status"], "creating");
    EXPECT_EQ(read["pid"], 4711);
    EXPECT_EQ(test::text_of(folder / "cwd"), folder.path() + "\n");
    EXPECT_EQ(test::text_of(folder / "mask"), "0022\n");
}

TEST(RunHooks, TellsEachKindItsStatusAndPid) {
    const Folder folder;
    const State state{.id = "box", .bundle = folder.path(), .pid = 4711};
    const std::tuple<plan::HookKind, const char*, int> rows[] = {
        {plan::HookKind::create_runtime, "creating", 4711},
        {plan::HookKind::poststart, "running", 4711},
        {plan::HookKind::poststop, "stopped", 0}};
    for (const auto& [kind, status, pid] : rows) {
        EXPECT_EQ(ran(kind, {shell("cat > state")}, folder, state).error, "");
        const auto read = nlohmann::json::parse(test::text_of(folder / "state"));
        EXPECT_EQ(read["status"], status);
        EXPECT_EQ(read["pid"], pid);
    }
}

TEST(RunHooks, HasNothingElseOfItsCaller) {
    const Folder folder;
    const Fd leak(::dup2(folder.fd(), 33));  // not close-on-exec
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGUSR1);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    nlohmann::json hook = shell(
        "for n in 3 4 5 6 7 8 9 33; do test ! -e /proc/$$/fd/$n || exit 1; done; cat /proc/$$/environ | tr "
        "'\\0' ' ' > env;"
        // Without a child: around its fork the shell blocks all signals.
        "while read -r line; do case $line in SigBlk*) echo \"$line\" > blocked;; esac; done < "
        "/proc/$$/status");
    hook["env"] = {"PATH=/usr/bin:/bin", "A=b"};
    EXPECT_EQ(ran(plan::HookKind::prestart, {hook}, folder).error, "");
    ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
    EXPECT_EQ(test::text_of(folder / "env"), "PATH=/usr/bin:/bin A=b ");
    EXPECT_EQ(test::text_of(folder / "blocked"), "SigBlk:\t0000000000000000\n");
}

TEST(RunHooks, AHookThatDoesNotReadHoldsNothingUp) {
    const Folder folder;
    State state{.id = "box"};
    state.annotations["large"] = std::string(1 << 20, 'x');
    EXPECT_EQ(ran(plan::HookKind::prestart, {shell("exec <&-; exit 0")}, folder, state).error, "");
    EXPECT_EQ(ran(plan::HookKind::prestart, {shell("wc -c > size")}, folder, state).error, "");
    EXPECT_GT(std::stoul(test::text_of(folder / "size")), 1u << 20);
    EXPECT_NE(ran(plan::HookKind::prestart, {shell("echo x > /proc/self/fd/0")}, folder, state).error, "")
        << "the state cannot be changed";
}

TEST(RunHooks, TheFirstThatFailsEndsThem) {
    const Folder folder;
    const std::string error =
        ran(plan::HookKind::create_runtime,
            {shell("exit 0"), shell("echo out; echo err >&2; exit 7"), shell("echo > third")}, folder)
            .error;
    EXPECT_EQ(error,
              "error running createRuntime hook #1: /bin/sh (/hooks/createRuntime/1): exit status 7, "
              "stdout and stderr: out\\nerr");
    EXPECT_FALSE(test::is_there(folder / "third"));
}

TEST(RunHooks, OfPoststopAllRunAndFailuresAreWarnings) {
    const Folder folder;
    const Ran done =
        ran(plan::HookKind::poststop, {shell("exit 1"), shell("kill -9 $$"), shell("echo > third")}, folder);
    EXPECT_EQ(done.error, "");
    EXPECT_EQ(done.warnings,
              (std::vector<std::string>{
                  "error running poststop hook #0: /bin/sh (/hooks/poststop/0): exit status 1",
                  "error running poststop hook #1: /bin/sh (/hooks/poststop/1): killed by signal 9"}));
    EXPECT_TRUE(test::is_there(folder / "third"));
}

TEST(RunHooks, SaysWhatIsWrongWithAPath) {
    const Folder folder;
    const std::pair<std::string, std::string> rows[] = {{"/missing", "no such file or directory"},
                                                        {"/usr", "is a directory"},
                                                        {"/etc/passwd", "permission denied"}};
    for (const auto& [path, why] : rows) {
        const std::string error = ran(plan::HookKind::prestart, {{{"path", path}}}, folder).error;
        EXPECT_TRUE(
            error.starts_with(cat("error running prestart hook #0: ", path, " (/hooks/prestart/0): exec: ")))
            << error;
        EXPECT_NE(error.find(why), std::string::npos) << error;
    }
}

TEST(RunHooks, AreKilledAtTheirTimeout) {
    const Folder folder;
    const std::uint64_t begin = sys::monotonic_ns();
    EXPECT_EQ(ran(plan::HookKind::prestart, {shell("echo so far; sleep 60 & sleep 60", 1)}, folder).error,
              "error running prestart hook #0: /bin/sh (/hooks/prestart/0): hook ran past specified timeout "
              "of 1 s, "
              "stdout and stderr: so far");
    EXPECT_LT(sys::monotonic_ns() - begin, 3'000'000'000u);
}

TEST(RunHooks, EscapesWhatTheyWrite) {
    const Folder folder;
    EXPECT_TRUE(ran(plan::HookKind::prestart, {shell("printf '\\033]0;x\\007'; exit 1")}, folder)
                    .error.ends_with("\\x1b]0;x\\x07"));
}

TEST(RunHooks, LeavesNoDescriptorBehind) {
    const Folder folder;
    (void)ran(plan::HookKind::prestart, {shell("exit 0")}, folder);
    const std::size_t before = test::open_descriptors();
    (void)ran(plan::HookKind::prestart, {shell("exit 0"), shell("exit 1")}, folder);
    EXPECT_EQ(test::open_descriptors(), before);
}

TEST(Hook, DiesWithTheRuntime) {
    const Folder folder;
    const pid_t runtime = ::fork();
    if (runtime == 0) {
        (void)ran(plan::HookKind::prestart, {shell("echo $$ > pid; exec sleep 60")}, folder);
        ::_exit(0);
    }
    for (int waited = 0; waited < 3000 && test::text_of(folder / "pid").empty(); ++waited) sys::pause(1);
    const pid_t hook = std::stoi(test::text_of(folder / "pid"));
    ::kill(runtime, SIGKILL);
    ::waitpid(runtime, nullptr, 0);
    const auto alive = [&] {
        const auto status = process_status(hook);
        return status && status->alive();
    };
    for (int waited = 0; waited < 3000 && alive(); ++waited) sys::pause(1);
    EXPECT_FALSE(alive());
}

// ---- the hooks of delete --------------------------------------------------------------------------------

TEST(DeleteHooks, AMissingOrBrokenConfigIsAWarning) {
    const Folder folder;
    const State state{.id = "box", .later_hooks = true};
    for (const char* text : {"", "{", "{}"}) {
        if (*text != '\0') test::write_text(folder / config_copy, text);
        const DeleteHooks hooks = hooks_of_delete(folder.fd(), state);
        EXPECT_TRUE(hooks.poststop.steps().empty());
        ASSERT_EQ(hooks.warnings.size(), 1u) << text;
        EXPECT_TRUE(hooks.warnings[0].starts_with("the poststop hooks cannot run: ")) << hooks.warnings[0];
        EXPECT_EQ(run_poststop(hooks, state), hooks.warnings);
    }
}

TEST(DeleteHooks, AreLookedForWhereThereAreAny) {
    const Folder folder;
    EXPECT_TRUE(hooks_of_delete(folder.fd(), {.id = "box"}).warnings.empty()) << "no config is read";
    test::write_text(folder / config_copy, test::config_with(config_of("poststop", {shell("exit 3")})));
    const State state{.id = "box", .bundle = folder.path(), .later_hooks = true};
    const DeleteHooks hooks = hooks_of_delete(folder.fd(), state);
    EXPECT_TRUE(hooks.warnings.empty());
    EXPECT_EQ(run_poststop(hooks, state).size(), 1u);
}

// ---- when the program has taken over ----------------------------------------------------------------------

// A process that holds the fifo as the stage does, and 300 ms later executes a program, or ends.
struct Init {
    Init(const Folder& folder, bool executes) {
        const std::string fifo = folder / fifo_file;
        EXPECT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
        pid = ::fork();
        if (pid == 0) {
            const Fd held(::open(fifo.c_str(), O_RDWR | O_CLOEXEC));
            test::write_text(folder / "held", "");
            ::usleep(300'000);
            if (executes) ::execl("/bin/sleep", "sleep", "60", nullptr);
            ::_exit(0);
        }
        for (int waited = 0; waited < 3000 && !test::is_there(folder / "held"); ++waited) sys::pause(1);
    }
    Init(const Init&) = delete;
    Init& operator=(const Init&) = delete;
    ~Init() {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
    }
    bool lives() const { return process_status(pid)->alive(); }

    // A process that ends closes its descriptors, the fifo with them, before it counts as ended.
    void await_end() const {
        siginfo_t ended{};
        EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOWAIT), 0);
    }

    pid_t pid;
};

TEST(AwaitProgram, WaitsUntilInitHasExecutedItOrHasEnded) {
    for (const bool executes : {true, false}) {
        const Folder folder;
        const Init init(folder, executes);
        test::Meeting meeting;
        meeting.context.record.directory = std::move(*sys::open(folder.path(), O_RDONLY));
        meeting.context.record.state.pid = init.pid;
        meeting.context.record.state.start_time = process_status(init.pid)->start_time;
        const std::uint64_t begin = sys::monotonic_ns();
        EXPECT_EQ(meeting.error_of(plan::AwaitProgram{}), "");
        EXPECT_GT(sys::monotonic_ns() - begin, 200'000'000u);
        if (!executes) init.await_end();
        EXPECT_EQ(init.lives(), executes);
        EXPECT_EQ(meeting.error_of(plan::AwaitProgram{}), "") << "at once";
    }
}

}  // namespace
}  // namespace bulkhead::runtime
