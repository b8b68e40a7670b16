// SPDX-License-Identifier: Apache-2.0
// runc's parser habits, as a pure function: argv in, plain words for CLI11 out.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "cli/commands.hpp"

namespace bulkhead::cli {

// A command line in its plain form: every flag by its long name, a value as a word of its own, a boolean as
// --name or --name=false.
struct Arguments {
    Command command = Command::none;
    std::vector<std::string> globals;   // global flags, from before and after the verb
    std::vector<std::string> flags;     // the verb's own
    std::vector<std::string> operands;  // the rest: container id, signal
    // The first mistake, if any. What could be read is there nevertheless, so that the error finds its way
    // into --log (crun #455: an early failure that left the log empty).
    std::optional<Error> error;
};

// `words` is argv without argv[0]. The habits: a long name after one dash or two, --x=v and --x v,
// --debug=false, globals before and after the verb, flags after operands (except where the verb says
// otherwise), `--` ends the flags, short names cannot be glued. A value may begin with a dash. Errors are
// Go's words, which engines match on.
Arguments normalise(std::span<const char* const> words);

// runc's `"create" requires exactly 1 argument(s)`.
Result<> check_operands(const Arguments& arguments);

}  // namespace bulkhead::cli
