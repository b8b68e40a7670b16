// SPDX-License-Identifier: Apache-2.0
#include "runtime/steps/mapped_root.hpp"

#include <linux/sched.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "base/guarded.hpp"
#include "base/patience.hpp"
#include "base/program.hpp"
#include "base/socket.hpp"
#include "base/sys.hpp"
#include "base/text.hpp"
#include "base/waiting.hpp"

namespace bulkhead::runtime {

namespace {

// "0 100000 65536\n1 ...\n" as arguments: pid, then three numbers a line.
std::vector<std::string> helper_arguments(pid_t pid, const std::string& map) {
    std::vector<std::string> arguments{cat(pid)};
    for (const std::string_view line : split(map, '\n'))
        for (const std::string_view number : split(line, ' '))
            if (!number.empty()) arguments.emplace_back(number);
    return arguments;
}

Result<> map_one(const char* program, pid_t pid, const std::string& map) {
    constexpr int deadline_ms = 10'000;
    const auto done = run_program(program, helper_arguments(pid, map), deadline_ms);
    if (!done) return std::unexpected(Error(done.error()).under(program));
    return {};
}

// An answer is the kind, the errno and the sentence; none is a success.
struct Head {
    Kind kind;
    int err;
};

std::string answer_of(const Result<>& result) {
    if (result) return {};
    const Head head{result.error().kind, result.error().err};
    std::string answer(reinterpret_cast<const char*>(&head), sizeof head);
    return answer.append(result.error().text, 0, 2000);
}

Result<> result_of(std::string_view answer) {
    Head head{};
    if (answer.size() < sizeof head) return {};
    std::memcpy(&head, answer.data(), sizeof head);
    return std::unexpected(Error{head.kind, head.err, std::string(answer.substr(sizeof head))});
}

// The child's part. Nothing of the parent's is given back at its end: it is another's. So no exception leaves
// it either, which would.
[[noreturn]] void act_when_told(int socket, const std::function<Result<>()>& act) noexcept {
    std::array<char, 1> go{};
    const auto told = sys::receive(socket, go);
    if (!told || told->size == 0) ::_exit(1);
    const std::string answer = answer_of(guarded(act));
    if (!answer.empty()) (void)sys::send(socket, answer);
    ::_exit(answer.empty() ? 0 : 1);
}

// More than it takes to empty a cgroup and remove it (host_steps.hpp).
constexpr int action_patience_ms = 60'000;

Result<> direct(pid_t pid, int socket, const plan::IdMaps& maps) {
    TRY(map_by_helper(pid, maps));
    TRY(sys::send(socket, "g"));
    std::array<char, 4096> answer{};
    LET(const bool answered, sys::wait_readable(socket, action_patience_ms));
    if (!answered) return fail(Kind::internal, "no answer within ", action_patience_ms, " ms");
    LET(const sys::Received received, sys::receive(socket, answer));
    return result_of({answer.data(), received.size});
}

}  // namespace

Result<> map_by_helper(pid_t pid, const plan::IdMaps& maps) {
    TRY(map_one("/usr/bin/newuidmap", pid, maps.uids));
    return map_one("/usr/bin/newgidmap", pid, maps.gids);
}

Result<> as_mapped_root(const plan::IdMaps& maps, const std::function<Result<>()>& act) {
    LET(auto ends, sys::message_pair());
    int pidfd = -1;
    clone_args arguments{};
    arguments.flags = CLONE_NEWUSER | CLONE_PIDFD;
    arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    arguments.exit_signal = SIGCHLD;
    LET(const pid_t pid, sys::clone_process(arguments));
    if (pid == 0) {
        ends.first.reset();  // so that the end of the parent is the end of the stream
        act_when_told(ends.second.number(), act);
    }
    const Fd process(pidfd);
    ends.second.reset();
    auto done = direct(pid, ends.first.number(), maps);
    ends.first.reset();
    if (!done) (void)sys::signal_process(process.number(), SIGKILL);
    LET(const int status, sys::wait_process(process.number(), dying_patience_ms));
    if (done && status != 0)
        return fail(Kind::internal, "a child in the container's user namespace ended with ", status);
    return done;
}

}  // namespace bulkhead::runtime
