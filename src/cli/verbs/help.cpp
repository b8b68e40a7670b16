// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "cli/options.hpp"
#include "cli/verbs.hpp"

namespace bulkhead::cli::verbs {

Result<Outcome> help(const Call& call) {
    if (call.operands.empty()) return Outcome{help_text(Command::none), 0, {}};
    const CommandRow* row = find_command(call.operands[0]);
    if (row == nullptr) return fail(Kind::usage, "unknown command ", quoted(call.operands[0]));
    return Outcome{help_text(row->command), 0, {}};
}

}  // namespace bulkhead::cli::verbs
