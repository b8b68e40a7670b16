// SPDX-License-Identifier: Apache-2.0
#include "cli/program.hpp"

#include <unistd.h>

#include <array>

#include "base/waiting.hpp"
#include "cli/output.hpp"
#include "cli/render.hpp"
#include "cli/site.hpp"

namespace bulkhead::cli {

namespace {

using Verb = Result<VerbResult> (*)(const Call&);

// In the order of Command, without none.
constexpr std::array<Verb, commands.size()> handlers{
    verbs::create, verbs::run,  verbs::start,    verbs::state,   verbs::exec,   verbs::ps,
    verbs::events, verbs::kill, verbs::pause,    verbs::resume,  verbs::update, verbs::remove,
    verbs::list,   verbs::spec, verbs::features, verbs::explain, verbs::help,
};
static_assert(handlers.back() == verbs::help);

}  // namespace

Result<VerbResult> perform(const CommandLine& line, const Options& options, const Caller& caller) {
    if (line.error) return std::unexpected(*line.error);
    const Command command = line.command;
    if (options.global.version) return VerbResult{version_text(this_build()), 0, {}};
    if (options.global.help || command == Command::none) return VerbResult{help_text(command), 0, {}};
    TRY(check_operands(line));
    LET(runtime::Site site, site_of(options, caller));
    const Verb verb = handlers[static_cast<std::size_t>(command) - 1];
    return verb(Call{std::move(site), options, line.operands, caller});
}

namespace {

// A command that a signal asked to end undoes what it began and then ends by that signal, as its caller
// expects.
int tell_error(const Error& error, const Log& log, int code) {
    log.error(error);
    if (error.kind == Kind::interrupted) sys::end_by(error.signal);
    return code;
}

}  // namespace

int tell(const Result<VerbResult>& outcome, const Log& log) {
    constexpr int failed = 1;
    // The only place that reports an error; warnings of a failed command are dropped.
    if (!outcome) return tell_error(outcome.error(), log, failed);
    if (!outcome->output.empty()) {
        if (auto written = write_out(STDOUT_FILENO, outcome->output); !written) {
            log.error(std::move(written).error().under("stdout"));
            return failed;
        }
    }
    log.warnings(outcome->warnings);
    if (outcome->failure) return tell_error(*outcome->failure, log, outcome->exit_code);
    return outcome->exit_code;
}

}  // namespace bulkhead::cli
