// SPDX-License-Identifier: Apache-2.0
#include "cli/verbs.hpp"

namespace bulkhead::cli::verbs {

Result<Outcome> start(const Call& call) {
    TRY(runtime::start(call.site, call.operands[0], call.caller.notify_socket));
    return Outcome{};
}

}  // namespace bulkhead::cli::verbs
