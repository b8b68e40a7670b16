// SPDX-License-Identifier: Apache-2.0
// The command line, with runc's parser habits. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/flags.hpp"

namespace bulkhead::cli {

struct CommandLine {
    Command command = Command::none;
    Options options;                    // the defaults of bulkhead.yaml are not in it yet
    std::vector<std::string> operands;  // the rest: container id, signal
    // The flags in a plain form: every one by its long name, a value as a word of its own.
    std::vector<std::string> globals;  // from before and after the verb
    std::vector<std::string> flags;    // the verb's own
    // The first mistake, if any. What could be read is there nevertheless, so that the error finds its way
    // into --log (crun #455: an early failure that left the log empty).
    std::optional<Error> error;
};

// `words` is argv without argv[0]. The habits are those of Go's flag package and of runc, and CLI11's own
// parser has none of them: a long name after one dash or two, --x=v and --x v, --debug=false, globals before
// and after the verb, flags after operands (except where the verb says otherwise), `--` ends the flags, short
// names cannot be glued, a value may begin with a dash. Errors are Go's words, which engines match on.
CommandLine parse_command_line(std::span<const char* const> words);

// runc's `"create" requires exactly 1 argument(s)`.
Result<> check_operands(const CommandLine& line);

// The help of one command; Command::none: of the whole program.
std::string help_text(Command command);

}  // namespace bulkhead::cli
