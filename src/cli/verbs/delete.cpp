// SPDX-License-Identifier: Apache-2.0
#include "cli/verbs.hpp"

namespace bulkhead::cli::verbs {

Result<Outcome> remove(const Call& call) {
    LET(runtime::Made removed, runtime::remove(call.site, call.operands[0], call.options.force));
    return Outcome{{}, 0, std::move(removed.warnings)};
}

}  // namespace bulkhead::cli::verbs
