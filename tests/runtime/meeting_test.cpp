// SPDX-License-Identifier: Apache-2.0
// The host's ear: what it makes of a report, and of silence.
#include "runtime/meeting.hpp"

#include <signal.h>

#include <array>
#include <cerrno>

#include "base/waiting.hpp"

namespace bulkhead::runtime {
namespace {

using plan::Call;
using plan::ReportKind;
using test::Meeting;

constexpr const char* prefix = "unable to start container process: ";

std::string sentence(const plan::Report& report, const std::string& program = "sh") {
    Meeting meeting(test::small_timeline(program));
    meeting.say(report);
    const std::string text = meeting.error_of(plan::AwaitReady{});
    EXPECT_TRUE(text.starts_with(prefix)) << text;
    return text.substr(std::min(text.size(), std::string_view(prefix).size()));
}

// A process that ends at once with `code`, or waits where it is negative.
pid_t process(int code) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::alarm(60);
    if (code >= 0) ::_exit(code);
    for (;;) ::pause();
}

TEST(AwaitReady, ReturnsWhenTheStageIsReady) {
    Meeting meeting;
    meeting.say({.kind = ReportKind::ready});
    EXPECT_EQ(meeting.error_of(plan::AwaitReady{}), "");
}

TEST(AwaitReady, TakesTheTerminalOnTheWay) {
    Meeting meeting;
    const test::Folder folder;
    meeting.say({.kind = ReportKind::terminal}, folder.fd());
    meeting.say({.kind = ReportKind::ready});
    EXPECT_EQ(meeting.error_of(plan::AwaitReady{}), "");
    EXPECT_EQ(sys::status_of(meeting.context.streams.terminal.number())->st_ino,
              sys::status_of(folder.fd())->st_ino);
}

// Whoever may trace the stage's copy may write to its socket.
TEST(AwaitRespawn, AdoptsNobodyElsesChild) {
    Meeting meeting;
    meeting.say({.kind = ReportKind::respawned, .error = ::getppid()});
    EXPECT_EQ(meeting.error_of(plan::AwaitRespawn{}),
              cat(prefix, "process ", ::getppid(), " is none of ours"));
    EXPECT_EQ(meeting.context.stage.pid, 0);
}

TEST(AwaitRespawn, AdoptsOnceAndTakesNoTerminalAfterwards) {
    Meeting meeting;
    const pid_t first = process(0), second = process(0), third = process(0);
    meeting.context.stage.process = std::move(*sys::open_process(first));
    meeting.say({.kind = ReportKind::respawned, .error = second});
    meeting.say({.kind = ReportKind::respawned, .error = third});
    const test::Folder folder;
    meeting.say({.kind = ReportKind::terminal}, folder.fd());
    meeting.say({.kind = ReportKind::ready});
    EXPECT_EQ(meeting.error_of(plan::AwaitReady{}), "");
    EXPECT_EQ(meeting.context.stage.pid, second);
    EXPECT_FALSE(meeting.context.streams.terminal);
    for (const pid_t child : {second, third}) test::reap(child);
}

TEST(AwaitReady, SendsAStoppedStageOnItsWayButNotForEver) {
    Meeting meeting;
    const pid_t child = process(-1);
    meeting.context.stage.pid = child;
    meeting.context.stage.process = std::move(*sys::open_process(child));
    const pid_t storm = ::fork();
    if (storm == 0) {
        ::alarm(60);
        while (::kill(child, SIGSTOP) == 0) ::usleep(100);
        ::_exit(0);
    }
    const std::uint64_t begin = sys::monotonic_ns();
    EXPECT_EQ(meeting.error_of(plan::AwaitReady{}),
              cat(prefix,
                  "the process was stopped from inside the container for 2000 ms before it could "
                  "execute the program"));
    EXPECT_LT(sys::monotonic_ns() - begin, 10'000'000'000u);
    ::kill(storm, SIGKILL);
    ::kill(child, SIGKILL);
    for (const pid_t each : {storm, child}) test::reap(each);
}

TEST(AwaitReady, EndsWhereTheCallerWantsIt) {
    test::in_child([] {
        sigset_t blocked;
        ::sigemptyset(&blocked);
        ::sigaddset(&blocked, SIGTERM);
        ::sigaddset(&blocked, SIGUSR1);
        ASSERT_EQ(::sigprocmask(SIG_BLOCK, &blocked, nullptr), 0);
        ::raise(SIGUSR1);
        EXPECT_TRUE(sys::heed_interrupts());
        ::raise(SIGTERM);
        Meeting meeting;
        EXPECT_EQ(meeting.error_of(plan::AwaitReady{}), cat(prefix, "interrupted by signal 15"));
    });
}

// As one that somebody keeps asleep, or frozen.
TEST(AwaitReady, HasATotalDeadline) {
    Meeting meeting;
    const pid_t child = process(-1);
    meeting.context.stage.pid = child;
    meeting.context.stage.process = std::move(*sys::open_process(child));
    meeting.context.stage.endurance = Endurance(60);
    EXPECT_EQ(meeting.error_of(plan::AwaitReady{}),
              cat(prefix, "the process has not executed the program within 60 ms (state S)"));
    ::kill(child, SIGKILL);
    test::reap(child);
}

TEST(AwaitReady, AStoppedStageIsContinued) {
    Meeting meeting;
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(60);
        ::raise(SIGSTOP);
        const plan::Report report{.kind = ReportKind::ready};
        (void)sys::send(meeting.stage.number(), {reinterpret_cast<const char*>(&report), sizeof report});
        ::_exit(0);
    }
    meeting.context.stage.pid = child;
    meeting.context.stage.process = std::move(*sys::open_process(child));
    EXPECT_EQ(meeting.error_of(plan::AwaitReady{}), "");
    test::reap(child);
}

TEST(Failures, NameStepObjectPropertyCallAndErrno) {
    EXPECT_EQ(sentence({.kind = ReportKind::failed, .step = 1, .error = EPERM, .call = Call::sethostname}),
              "error during container init: step 1, set_hostname box (/hostname): sethostname: operation not "
              "permitted");
    EXPECT_EQ(sentence({.kind = ReportKind::failed, .step = 1, .error = ENOMEM}),
              "error during container init: step 1, set_hostname box (/hostname): cannot allocate memory");
    EXPECT_EQ(sentence({.kind = ReportKind::failed, .step = 999, .error = EPERM}),
              "unknown step 999: operation not permitted");
}

TEST(Failures, OfTheSearchAreInRuncsWords) {
    const auto search = [](int error, const std::string& program) {
        return sentence({.kind = ReportKind::failed, .step = 2, .error = error, .call = Call::faccessat},
                        program);
    };
    EXPECT_EQ(search(ENOENT, "sh"), "exec: \"sh\": executable file not found in $PATH");
    EXPECT_EQ(search(EACCES, "sh"), "exec: \"sh\": executable file not found in $PATH");
    EXPECT_EQ(search(ENOENT, "/x"), "exec: \"/x\": stat /x: no such file or directory");
    EXPECT_EQ(search(EISDIR, "/x"), "exec: \"/x\": is a directory: permission denied");
    EXPECT_EQ(search(EACCES, "/x"), "exec: \"/x\": permission denied");
    EXPECT_EQ(search(ENOENT, "/\x1b"), "exec: \"/\\x1b\": stat /\\x1b: no such file or directory");
}

TEST(Failures, OfExecveNameTheProgram) {
    EXPECT_EQ(sentence({.kind = ReportKind::failed, .step = 4, .error = ENOEXEC, .call = Call::execve}, "/x"),
              "exec /x: exec format error");
    EXPECT_EQ(
        sentence({.kind = ReportKind::failed, .step = 0, .error = ENOMEM, .call = Call::execve}),
        "error during container init: step 0, spawn the stage in the cgroup, new namespaces: none: execve: "
        "cannot allocate memory");
}

TEST(AwaitExecution, EndsWithTheSocketAndKeepsTheTimesOfATracedRun) {
    Meeting meeting;
    meeting.context.walk.traced = true;
    struct {
        plan::Report report{.kind = ReportKind::executing, .times = 2};
        plan::StepTime times[2] = {{100, 1, 0}, {200, 2, 0}};
    } message;
    ASSERT_TRUE(sys::send(meeting.stage.number(), {reinterpret_cast<const char*>(&message), sizeof message}));
    meeting.stage.reset();
    EXPECT_EQ(meeting.error_of(plan::AwaitExecution{}), "");
    ASSERT_EQ(meeting.context.walk.times.size(), 2u);
    EXPECT_EQ(meeting.context.walk.times[1].ended, 200u);
}

TEST(AwaitExecution, TakesNoMoreTimesThanWereSent) {
    Meeting meeting;
    meeting.context.walk.traced = true;
    meeting.say({.kind = ReportKind::executing, .times = 1000});
    meeting.stage.reset();
    EXPECT_EQ(meeting.error_of(plan::AwaitExecution{}), "");
    EXPECT_TRUE(meeting.context.walk.times.empty());
}

TEST(AwaitExecution, AFailureBehindItIsAFailure) {
    Meeting meeting;
    meeting.say({.kind = ReportKind::executing});
    meeting.say({.kind = ReportKind::failed, .step = 4, .error = EACCES, .call = Call::execve});
    EXPECT_EQ(meeting.error_of(plan::AwaitExecution{}), cat(prefix, "exec sh: permission denied"));
}

// Behind ReportExecution there may be a filter, and always is execve.
TEST(AwaitExecution, AFaultBehindItKillsTheStage) {
    Meeting meeting;
    const pid_t child = process(-1);
    meeting.context.stage.process = std::move(*sys::open_process(child));
    meeting.context.walk.fault = {.step = 4, .action = plan::Fault::killed};
    meeting.say({.kind = ReportKind::executing});
    meeting.say({.kind = ReportKind::at_fault, .step = 4});
    meeting.stage.reset();
    EXPECT_EQ(meeting.error_of(plan::AwaitExecution{}),
              cat(prefix, "container init was killed by signal 9 at step 4, execute sh"));
}

// A stage that says nothing more: `end` is how its process ends.
template <class End>
std::string silence(const std::vector<plan::Report>& said, End end) {
    Meeting meeting;
    for (const plan::Report& report : said) meeting.say(report);
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(60);
        end();
        for (;;) ::pause();
    }
    meeting.context.stage.process = std::move(*sys::open_process(child));
    meeting.context.walk.fault = {.step = 1, .action = plan::Fault::killed};
    siginfo_t ended{};
    if (said.empty()) ::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT);
    meeting.stage.reset();
    return meeting.error_of(plan::AwaitReady{});
}

TEST(Silence, IsExplainedByTheEndOfTheProcess) {
    EXPECT_EQ(silence({}, [] { ::_exit(9); }), cat(prefix, "container init exited with status 9"));
    EXPECT_EQ(silence({}, [] { ::kill(::getpid(), SIGKILL); }),
              cat(prefix, "container init was killed by signal 9"));
}

TEST(Silence, AfterAFaultNamesTheStep) {
    EXPECT_EQ(silence({{.kind = ReportKind::at_fault, .step = 1}}, [] {}),
              cat(prefix, "container init was killed by signal 9 at step 1, set_hostname box"));
}

// A tracer of the copy may have taken its socket, and may say anything.
TEST(Lies, AboutAFaultThatNobodyAskedForAreRefused) {
    for (const std::uint16_t step : {std::uint16_t{1}, std::uint16_t{65535}})
        EXPECT_EQ(sentence({.kind = ReportKind::at_fault, .step = step}),
                  "the stage is at a fault that nobody asked for");
}

TEST(Lies, WithoutEndHaveOne) {
    Meeting meeting;
    for (int i = 0; i < 40; ++i) meeting.say({.kind = ReportKind::executing});
    EXPECT_EQ(meeting.error_of(plan::AwaitReady{}), cat(prefix, "the stage says too much"));
}

TEST(Lies, AboutTimesOfStepsThatAreNoneAreDropped) {
    Meeting meeting;
    meeting.context.walk.traced = true;
    struct {
        plan::Report report{.kind = ReportKind::executing, .times = 2};
        plan::StepTime times[2] = {{100, 4'000'000'000, 0}, {200, 2, 0}};
    } message;
    ASSERT_TRUE(sys::send(meeting.stage.number(), {reinterpret_cast<const char*>(&message), sizeof message}));
    meeting.stage.reset();
    EXPECT_EQ(meeting.error_of(plan::AwaitExecution{}), "");
    ASSERT_EQ(meeting.context.walk.times.size(), 1u);
    EXPECT_EQ(meeting.context.walk.times[0].step, 2u);
}

TEST(Lies, OfHalfAReportEndTheStage) {
    Meeting meeting;
    const pid_t child = process(-1);
    meeting.context.stage.process = std::move(*sys::open_process(child));
    ASSERT_TRUE(sys::send(meeting.stage.number(), "lie"));
    EXPECT_EQ(meeting.error_of(plan::AwaitReady{}), cat(prefix, "container init was killed by signal 9"));
}

// ... and may keep the socket, whose end then says nothing.
TEST(AwaitExecution, EndsAlsoWhereTheSocketIsKept) {
    Meeting meeting;
    const pid_t child = process(-1);  // which is no stage
    meeting.context.stage.pid = child;
    meeting.context.stage.process = std::move(*sys::open_process(child));
    meeting.say({.kind = ReportKind::executing});
    EXPECT_EQ(meeting.error_of(plan::AwaitExecution{}), "");
    ::kill(child, SIGKILL);
    test::reap(child);
}

TEST(AwaitRespawn, TakesTheCopyForTheFirst) {
    Meeting meeting;
    const pid_t first = process(0), copy = process(-1);
    meeting.context.stage.process = std::move(*sys::open_process(first));
    meeting.context.stage.pid = first;
    meeting.say({.kind = ReportKind::respawned, .error = copy});
    EXPECT_EQ(meeting.error_of(plan::AwaitRespawn{}), "");
    EXPECT_EQ(meeting.context.stage.pid, copy);
    EXPECT_EQ(::waitpid(first, nullptr, WNOHANG), -1) << "the first is reaped";
    ASSERT_TRUE(sys::signal_process(meeting.context.stage.process.number(), SIGKILL));
    EXPECT_EQ(test::reap(copy), 128 + SIGKILL);
}

plan::Timeline respawning_timeline() {
    plan::TimelineBuilder builder;
    builder.host(plan::Spawn{});
    builder.init(plan::Respawn{});
    builder.host(plan::AwaitRespawn{});
    builder.init(plan::Execute{});  // 3
    return test::finished(std::move(builder));
}

// Both may speak first: the first process of its copy, and the copy of its fault.
TEST(AwaitRespawn, KillsTheCopyThatIsAtFaultWhoeverSpeaksFirst) {
    for (const bool copy_first : {true, false}) {
        Meeting meeting(respawning_timeline());
        const pid_t first = process(0), copy = process(-1);
        meeting.context.stage.process = std::move(*sys::open_process(first));
        meeting.context.walk.fault = {.step = 3, .action = plan::Fault::killed};
        const plan::Report fault{.kind = ReportKind::at_fault, .step = 3};
        if (copy_first) meeting.say(fault);
        meeting.say({.kind = ReportKind::respawned, .error = copy});
        if (!copy_first) meeting.say(fault);
        meeting.stage.reset();
        const std::string error = copy_first ? meeting.error_of(plan::AwaitRespawn{})
                                             : cat(meeting.error_of(plan::AwaitRespawn{}),
                                                   meeting.error_of(plan::AwaitExecution{}));
        EXPECT_TRUE(error.starts_with(cat(prefix, "container init was killed by signal 9 at step 3")))
            << error;
        EXPECT_EQ(::waitpid(copy, nullptr, WNOHANG), -1) << "the copy is reaped";
    }
}

// Whoever is not adopted is not reaped, either.
TEST(AwaitRespawn, AdoptsACopyThatFailedBeforeTheFirstHadToldItsPid) {
    Meeting meeting(respawning_timeline());
    const pid_t first = process(0), copy = process(1);
    meeting.context.stage.process = std::move(*sys::open_process(first));
    meeting.say({.kind = ReportKind::failed, .step = 3, .error = ENOMEM, .call = Call::close_range});
    meeting.say({.kind = ReportKind::respawned, .error = copy});
    EXPECT_NE(meeting.error_of(plan::AwaitRespawn{}).find("close_range: cannot allocate memory"),
              std::string::npos);
    EXPECT_EQ(meeting.context.stage.pid, copy);
    test::reap(copy);
}

TEST(AwaitRespawn, SaysWhatACopyFailedAtWhosePidNobodyTold) {
    Meeting meeting(respawning_timeline());
    meeting.say({.kind = ReportKind::failed, .step = 3, .error = ENOMEM, .call = Call::close_range});
    meeting.stage.reset();
    EXPECT_NE(meeting.error_of(plan::AwaitRespawn{}).find("close_range: cannot allocate memory"),
              std::string::npos);
}

TEST(AwaitRespawn, OfACopyThatIsNotThereFails) {
    Meeting meeting;
    meeting.say({.kind = ReportKind::respawned, .error = 0x3ffffffe});
    EXPECT_NE(meeting.error_of(plan::AwaitRespawn{}).find("no such process"), std::string::npos);
}

TEST(AwaitRespawn, HearsOfAFailureInstead) {
    Meeting meeting;
    meeting.say({.kind = ReportKind::failed, .step = 1, .error = ENOMEM, .call = Call::clone});
    EXPECT_NE(meeting.error_of(plan::AwaitRespawn{}).find("clone: cannot allocate memory"),
              std::string::npos);
}

// Both lanes run at the same time: what is said early is not said again.
TEST(AwaitReady, IsContentWithWhatWasHeardOnTheWay) {
    Meeting meeting;
    meeting.say({.kind = ReportKind::listening, .error = 5});
    meeting.say({.kind = ReportKind::ready});
    meeting.say({.kind = ReportKind::executing});
    meeting.stage.reset();
    EXPECT_EQ(meeting.error_of(plan::AwaitExecution{}), "");
    EXPECT_EQ(meeting.error_of(plan::AwaitReady{}), "");
    EXPECT_EQ(meeting.context.stage.listener, 5);
}

TEST(SendGo, IsOneMessageAndNoFailureWhereNobodyHears) {
    Meeting meeting;
    EXPECT_EQ(meeting.error_of(plan::SendGo{}), "");
    std::array<char, 8> buffer{};
    EXPECT_EQ(sys::receive(meeting.stage.number(), buffer)->size, 1u);
    EXPECT_EQ(buffer[0], plan::go_message);
    meeting.stage.reset();
    EXPECT_EQ(meeting.error_of(plan::SendGo{}), "");
    meeting.context.stage.report.reset();
    EXPECT_EQ(meeting.error_of(plan::SendGo{}), "sendmsg: bad file descriptor");
}

}  // namespace
}  // namespace bulkhead::runtime
