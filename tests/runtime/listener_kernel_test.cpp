// SPDX-License-Identifier: Apache-2.0
// The host's half of a seccomp listener, with a child that stands for the stage and a test that is the agent.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <nlohmann/json.hpp>

#include "runtime/meeting.hpp"

namespace bulkhead::runtime {
namespace {

// Where an agent listens.
struct Agent {
    Agent() : socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
        path().copy(address.sun_path, sizeof address.sun_path - 1);
        EXPECT_EQ(::bind(socket.number(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(socket.number(), 1), 0);
    }
    std::string path() const { return folder / "agent"; }
    test::Folder folder;
    Fd socket;
};

// A process whose getppid(2) is for an agent; it ends with 42 once somebody has continued it.
struct Confined : test::Meeting {
    explicit Confined(bool with_listener) {
        context.host.slots.resize(1);
        EXPECT_EQ(error_of(plan::MakeHandshake{{0}}), "");
        std::fflush(nullptr);
        child = ::fork();
        if (child == 0) act(with_listener);
        context.stage.process = std::move(*sys::open_process(child));
        stage.reset();
    }
    ~Confined() {
        (void)sys::signal_process(context.stage.process.number(), SIGKILL);
        if (!reaped) test::reap(child);
    }
    [[noreturn]] void act(bool with_listener) const {
        ::alarm(60);
        sock_filter code[] = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},
                              {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_getppid},
                              {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_USER_NOTIF},
                              {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
        const sock_fprog program{4, code};
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        const int number = ::dup(stage.number());
        ::close(number);
        say({.kind = plan::ReportKind::listening, .error = number});
        if (!with_listener) ::_exit(1);
        ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
        for (;;) ::pause();
    }
    plan::DeliverListener order(const std::string& path) const { return {path, "some \"data\""}; }
    std::uint32_t handshake() const {
        std::uint32_t word = 0;
        EXPECT_EQ(::pread(context.host.slots[0].number(), &word, sizeof word, 0), 4);
        return word;
    }
    pid_t child = -1;
    bool reaped = false;
};

TEST(DeliverListener, HandsListenerAndStateToTheAgent) {
    const Agent agent;
    Confined confined(true);
    confined.context.record.state.id = "box";
    confined.context.stage.pid = confined.child;
    confined.context.record.state.bundle = "/b";
    confined.context.record.state.annotations = {{"a\"b", "c"}};
    ASSERT_EQ(confined.error_of(confined.order(agent.path())), "");

    const Fd connection(::accept4(agent.socket.number(), nullptr, nullptr, SOCK_CLOEXEC));
    std::array<char, 4096> buffer{};
    const auto message = sys::receive(connection.number(), buffer);
    ASSERT_TRUE(message);
    EXPECT_EQ(sys::link_target(cat("/proc/self/fd/", message->fd.number())).value(),
              "anon_inode:seccomp notify");
    const auto state = nlohmann::json::parse(std::string(buffer.data(), message->size));
    EXPECT_EQ(state["fds"][0], "seccompFd");
    EXPECT_EQ(state["pid"], confined.child);
    EXPECT_EQ(state["metadata"], "some \"data\"");
    EXPECT_EQ(state["state"]["id"], "box");
    EXPECT_EQ(state["state"]["status"], "creating");
    EXPECT_EQ(state["state"]["bundle"], "/b");
    EXPECT_EQ(state["state"]["annotations"]["a\"b"], "c");
    EXPECT_EQ(confined.handshake(), 0u) << "the stage may go on";
}

TEST(DeliverListener, ToNobodyFailsAndHoldsTheStageBack) {
    Confined confined(true);
    const std::string error = confined.error_of(confined.order("/nowhere/agent"));
    EXPECT_TRUE(error.starts_with("/linux/seccomp/listenerPath: failed to connect with seccomp agent"))
        << error;
    EXPECT_EQ(confined.handshake(), static_cast<std::uint32_t>(::gettid()));
}

TEST(DeliverListener, OfAStageThatIsGoneFails) {
    const Agent agent;
    Confined confined(false);
    siginfo_t ended{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(confined.child), &ended, WEXITED | WNOWAIT), 0);
    EXPECT_EQ(confined.error_of(confined.order(agent.path())), "container init is gone");
    EXPECT_EQ(confined.handshake(), static_cast<std::uint32_t>(::gettid()));
    EXPECT_EQ(::accept4(agent.socket.number(), nullptr, nullptr, SOCK_CLOEXEC), -1)
        << "the agent hears nothing";
}

TEST(DeliverListener, TellsWhyTheFilterWasRefused) {
    test::Meeting meeting;
    meeting.say({.kind = plan::ReportKind::failed, .step = 1, .error = EINVAL, .call = plan::Call::seccomp});
    EXPECT_NE(meeting.error_of(plan::DeliverListener{"/x", ""}).find("seccomp: invalid argument"),
              std::string::npos);
}

}  // namespace
}  // namespace bulkhead::runtime
