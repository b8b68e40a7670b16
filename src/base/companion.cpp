// SPDX-License-Identifier: Apache-2.0
#include "base/companion.hpp"

#include <csignal>
#include <utility>

#include "base/patience.hpp"
#include "base/program.hpp"
#include "base/socket.hpp"
#include "base/sys.hpp"
#include "base/waiting.hpp"

namespace bulkhead {

namespace {

constexpr std::size_t answer_limit = 64 << 10;

}  // namespace

Companion::Companion(Fd socket, Fd process, Fd output)
    : socket_(std::move(socket)), process_(std::move(process)), output_(std::move(output)) {}

Companion& Companion::operator=(Companion&& other) noexcept {
    std::swap(socket_, other.socket_);
    std::swap(process_, other.process_);
    std::swap(output_, other.output_);
    return *this;
}

Companion::~Companion() { end(); }

void Companion::end() {
    if (!process_) return;
    (void)sys::signal_process(process_.number(), SIGKILL);
    (void)sys::wait_process(process_.number(), dying_patience_ms);
    process_.reset();
}

std::string Companion::last_words() const {
    const auto said = output_of(output_.number(), answer_limit);
    return !said || said->empty() ? "it ended without an answer" : quotable(*said);
}

Result<Companion> Companion::start(const std::string& program, const std::vector<std::string>& arguments) {
    LET(auto ends, sys::message_pair());
    LET(Fd output, sys::memory_file("output", false));
    LET(const pid_t pid, spawn_program(program, arguments, ends.second.number(), output.number()));
    LET(Fd process, sys::open_process(pid));
    return Companion(std::move(ends.first), std::move(process), std::move(output));
}

Result<std::string> Companion::ask(std::string_view message, int deadline_ms) {
    if (!process_) return fail(Kind::internal, "it was ended before");
    if (auto sent = sys::send(socket_.number(), message); !sent) return fail(Kind::internal, last_words());
    LET(const bool answered, sys::wait_readable(socket_.number(), deadline_ms));
    if (!answered) {
        end();
        return fail(Kind::internal, "no answer within ", deadline_ms, " ms");
    }
    std::string answer(answer_limit, '\0');
    LET(const sys::Received received, sys::receive(socket_.number(), answer));
    if (received.size == 0) return fail(Kind::internal, last_words());
    answer.resize(received.size);
    return answer;
}

std::string message_of(const std::vector<std::string>& words) {
    std::string message;
    for (const std::string& word : words) message.append(word) += '\0';
    return message;
}

std::vector<std::string> words_of(std::string_view message) {
    std::vector<std::string> words;
    for (std::size_t end = message.find('\0'); end != message.npos; end = message.find('\0')) {
        words.emplace_back(message.substr(0, end));
        message.remove_prefix(end + 1);
    }
    return words;
}

}  // namespace bulkhead
