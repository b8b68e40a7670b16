// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <csignal>
#include <exception>
#include <span>
#include <string_view>

#include "base/guarded.hpp"
#include "base/text.hpp"
#include "cli/administrator.hpp"
#include "cli/output.hpp"
#include "cli/program.hpp"

namespace {

using namespace bulkhead;

int exit_code(std::span<const char* const> words) {
    if (auto filled = cli::fill_standard_descriptors(); !filled)
        return cli::tell(std::unexpected(filled.error()), {});
    const cli::CommandLine line = cli::parse_command_line(words);
    const cli::Caller caller = cli::look_at_caller();
    // --version prints the version even if the log cannot be opened.
    if (line.options.global.version && !line.error)
        return cli::tell(cli::perform(line, line.options, caller), {});
    // The log is opened before anything else may fail, because engines read it for every failure.
    const Result<cli::Opening> opening = cli::open_call(line.options, line.command, caller);
    if (!opening) return cli::tell(std::unexpected(opening.error()), {});
    const cli::Log& log = opening->log;
    log.debug(
        cat("words ", join(line.globals, " "), ' ', join(line.flags, " "), ' ', join(line.operands, " ")));
    if (!opening->options.defaults.file.empty())
        log.debug(cat("defaults of ", opening->options.defaults.file));
    if (opening->trouble) {
        const bool needed = cli::uses_defaults(line.command);
        if (needed) return cli::tell(std::unexpected(*opening->trouble), log);
        log.warnings({opening->trouble->text});
    }
    return cli::tell(guarded([&] { return cli::perform(line, opening->options, caller); }), log);
}

// Ends the process if an exception cannot be caught (during another exception, or in a child of ours),
// without an abort, which an engine takes for a crash of the container.
[[noreturn]] void give_up() {
    constexpr std::string_view words = "bulkhead: unexpected exception where none can be handled\n";
    (void)!::write(STDERR_FILENO, words.data(), words.size());
    ::_exit(1);
}

}  // namespace

int main(int argc, char** argv) {
    // A write beyond the caller's RLIMIT_FSIZE must be an error, with its undo, and not the end of the
    // runtime.
    (void)std::signal(SIGXFSZ, SIG_IGN);
    // argv may be empty (execve with no arguments).
    const std::span<const char* const> words(argv, static_cast<std::size_t>(argc));
    std::set_terminate(give_up);
    // Turns every exception into an error, also if there is no log yet.
    const Result<int> ended =
        guarded([&]() -> Result<int> { return exit_code(words.empty() ? words : words.subspan(1)); });
    const int code = ended ? *ended : cli::tell(std::unexpected(ended.error()), {});
#ifdef BULKHEAD_INSTRUMENTED
    // Leaks and coverage are reported when main returns.
    return code;
#else
    // Nothing is buffered and nothing is worth tearing down.
    ::_exit(code);
#endif
}
