// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <csignal>
#include <span>

#include "base/text.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/program.hpp"

namespace {

using namespace bulkhead;

int exit_code(std::span<const char* const> words) {
    if (auto filled = cli::fill_standard_descriptors(); !filled)
        return cli::tell(std::unexpected(filled.error()), {});
    const cli::Arguments arguments = cli::normalise(words);
    const Result<cli::Options> options = cli::read_options(arguments);
    if (!options) return cli::tell(std::unexpected(options.error()), {});
    // The version is told whatever becomes of the log.
    if (options->version && !arguments.error) return cli::tell(cli::perform(arguments, *options), {});
    // Before anything else may fail: engines read the log for every failure.
    const Result<cli::Log> log = cli::open_log(*options);
    if (!log) return cli::tell(std::unexpected(log.error()), {});
    log->debug(cat("words ", join(arguments.globals, " "), ' ', join(arguments.flags, " "), ' ',
                   join(arguments.operands, " ")));
    return cli::tell(cli::perform(arguments, *options), *log);
}

}  // namespace

int main(int argc, char** argv) {
    // A write beyond the caller's RLIMIT_FSIZE shall be an error, with its undo, and not the end of the
    // runtime.
    (void)std::signal(SIGXFSZ, SIG_IGN);
    // argv may be empty (execve with no arguments).
    const std::span<const char* const> words(argv, static_cast<std::size_t>(argc));
    const int code = exit_code(words.empty() ? words : words.subspan(1));
#ifdef BULKHEAD_INSTRUMENTED
    // What was leaked and what was covered is found out on the way out.
    return code;
#else
    // Nothing is buffered and nothing is worth tearing down.
    ::_exit(code);
#endif
}
