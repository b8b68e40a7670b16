// SPDX-License-Identifier: Apache-2.0
#include "cli/request.hpp"
#include "cli/verbs.hpp"

namespace bulkhead::cli::verbs {

Result<Outcome> kill(const Call& call) {
    LET(const int signal, parse_signal(call.operands.size() > 1 ? call.operands[1] : "TERM"));
    TRY(runtime::kill(call.site, call.operands[0], signal, call.options.all));
    return Outcome{};
}

}  // namespace bulkhead::cli::verbs
