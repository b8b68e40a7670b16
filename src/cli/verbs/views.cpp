// SPDX-License-Identifier: Apache-2.0
// Verbs that show something in a few lines.
#include "base/text.hpp"
#include "cli/command_line.hpp"
#include "cli/render.hpp"
#include "cli/verbs.hpp"

namespace bulkhead::cli::verbs {

Result<VerbResult> state(const Call& call) {
    LET(const runtime::View container, runtime::state(call.site, call.operands[0]));
    return VerbResult{state_json(container), 0, {}};
}

Result<VerbResult> list(const Call& call) {
    LET(runtime::Listing listing, runtime::list(call.site));
    const auto& flags = call.flags<ListFlags>();
    const auto long_shape = flags.format == "json" ? list_json : list_table;
    const auto shape = flags.quiet ? list_ids : long_shape;
    return VerbResult{shape(listing.containers), 0, std::move(listing.warnings)};
}

Result<VerbResult> help(const Call& call) {
    if (call.operands.empty()) return VerbResult{help_text(Command::none), 0, {}};
    const CommandRow* row = find_command(call.operands[0]);
    if (row == nullptr) return fail(Kind::usage, "unknown command ", quoted(call.operands[0]));
    return VerbResult{help_text(row->command), 0, {}};
}

}  // namespace bulkhead::cli::verbs
