// SPDX-License-Identifier: Apache-2.0
#include "cgroups/helper.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/sys.hpp"
#include "base/text.hpp"

namespace bulkhead::cgroups {

namespace {

constexpr std::size_t output_limit = 64 << 10;

// What the child opens and closes between fork and exec.
class SpawnFiles {
  public:
    explicit SpawnFiles(int output) {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_adddup2(&actions_, output, 1);
        ::posix_spawn_file_actions_adddup2(&actions_, output, 2);
        ::posix_spawn_file_actions_addclosefrom_np(&actions_,
                                                   3);  // what the caller left open for the container
    }
    ~SpawnFiles() { ::posix_spawn_file_actions_destroy(&actions_); }
    SpawnFiles(const SpawnFiles&) = delete;
    SpawnFiles& operator=(const SpawnFiles&) = delete;
    const posix_spawn_file_actions_t* value() const { return &actions_; }

  private:
    posix_spawn_file_actions_t actions_;
};

// Output goes to memory and not through a pipe: a helper that hangs or floods cannot block us.
Result<pid_t> spawn(const std::string& program, const std::string& request, int output) {
    std::string name = program;
    std::string argument = request;
    std::array<char*, 3> arguments{name.data(), argument.data(), nullptr};
    std::array<char*, 1> environment{nullptr};
    const SpawnFiles files(output);
    pid_t pid = 0;
    const int err =
        ::posix_spawn(&pid, name.c_str(), files.value(), nullptr, arguments.data(), environment.data());
    if (err != 0) return system_error(err, "posix_spawn", program);
    return pid;
}

Result<std::string> output_of(int file) {
    ::lseek(file, 0, SEEK_SET);
    std::string text(output_limit + 1, '\0');
    LET(const std::size_t size, sys::read(file, text));
    if (size > output_limit)
        return fail(Kind::internal, "its output is larger than ", output_limit, " bytes");
    text.resize(size);
    while (text.ends_with('\n')) text.pop_back();
    return text;
}

Result<std::string> ask(const std::string& program, const std::string& request, int deadline_ms) {
    LET(const Fd output, sys::memory_file("host-helper", false));
    LET(const pid_t pid, spawn(program, request, output.number()));
    LET(const Fd process, sys::open_process(pid));
    LET(const bool ended, sys::wait_readable(process.number(), deadline_ms));
    if (!ended) TRY(sys::signal_process(process.number(), SIGKILL));
    LET(const int status, sys::wait_process(process.number()));
    if (!ended) return fail(Kind::internal, "no answer within ", deadline_ms, " ms");
    LET(std::string text, output_of(output.number()));
    if (status != 0)
        return fail(Kind::not_found, text.empty() ? cat("exit status ", status) : quotable(text));
    return text;
}

}  // namespace

Result<std::string> ask_helper(const std::string& program, const std::string& request, int deadline_ms) {
    if (!program.starts_with('/'))
        return fail(Kind::internal, "not an absolute path: host helper ", quoted(program));
    auto answer = ask(program, request, deadline_ms);
    if (!answer)
        return std::unexpected(std::move(answer).error().under(cat(quotable(program), ' ', request)));
    return answer;
}

}  // namespace bulkhead::cgroups
