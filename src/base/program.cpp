// SPDX-License-Identifier: Apache-2.0
#include "base/program.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "base/patience.hpp"
#include "base/sys.hpp"
#include "base/text.hpp"
#include "base/waiting.hpp"

namespace bulkhead {

namespace {

// The child's file actions between fork and exec.
class SpawnFiles {
  public:
    SpawnFiles(int input, int output) {
        ::posix_spawn_file_actions_init(&actions_);
        if (input < 0)
            ::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
        else
            ::posix_spawn_file_actions_adddup2(&actions_, input, 0);
        ::posix_spawn_file_actions_adddup2(&actions_, output, 1);
        ::posix_spawn_file_actions_adddup2(&actions_, output, 2);
        ::posix_spawn_file_actions_addclosefrom_np(
            &actions_,
            3);  // descriptors that the caller left open for the container
    }
    ~SpawnFiles() { ::posix_spawn_file_actions_destroy(&actions_); }
    SpawnFiles(const SpawnFiles&) = delete;
    SpawnFiles& operator=(const SpawnFiles&) = delete;
    const posix_spawn_file_actions_t* value() const { return &actions_; }

  private:
    posix_spawn_file_actions_t actions_;
};

}  // namespace

Result<pid_t> spawn_program(const std::string& program, const std::vector<std::string>& arguments, int input,
                            int output) {
    std::vector<std::string> words{program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    std::array<char*, 1> environment{nullptr};
    const SpawnFiles files(input, output);
    // A caller that ignores it would have the kernel reap the program for us.
    (void)::signal(SIGCHLD, SIG_DFL);
    pid_t pid = 0;
    const int err =
        ::posix_spawn(&pid, program.c_str(), files.value(), nullptr, argv.data(), environment.data());
    if (err != 0) return system_error(err, "posix_spawn", program);
    return pid;
}

Result<std::string> output_of(int file, std::size_t limit) {
    LET(const struct stat status, sys::status_of(file));
    if (static_cast<std::size_t>(status.st_size) > limit)
        return fail(Kind::internal, "its output is larger than ", limit, " bytes");
    ::lseek(file, 0, SEEK_SET);
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    LET(const std::size_t size, sys::read(file, text));
    text.resize(size);
    while (text.ends_with('\n')) text.pop_back();
    return text;
}

Result<std::string> run_program(const std::string& program, const std::vector<std::string>& arguments,
                                int deadline_ms, std::size_t output_limit) {
    constexpr int let_die_ms = 1'000;
    // The output goes to a memory file and not through a pipe, so a helper that hangs or floods cannot block
    // us.
    LET(const Fd output, sys::memory_file("output", false));
    LET(const pid_t pid, spawn_program(program, arguments, -1, output.number()));
    LET(const Fd process, sys::open_process(pid));
    auto ended = sys::wait_readable(process.number(), deadline_ms);
    const bool in_time = ended.value_or(false);
    if (!in_time) TRY(sys::signal_process(process.number(), SIGKILL));
    // The files that it reads may hold it in the kernel (ps(1) reads the memory of other processes). Then it
    // stays behind until they let it go.
    const auto status = sys::wait_process(process.number(), in_time ? dying_patience_ms : let_die_ms);
    if (!ended) return std::unexpected(std::move(ended).error());
    if (!in_time) return fail(Kind::internal, "no answer within ", deadline_ms, " ms");
    TRY(status);
    LET(std::string text, output_of(output.number(), output_limit));
    if (*status != 0)
        return fail(Kind::not_found, text.empty() ? cat("exit status ", *status) : quotable(text));
    return text;
}

}  // namespace bulkhead
