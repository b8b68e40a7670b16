// SPDX-License-Identifier: Apache-2.0
#include "cli/verbs.hpp"

namespace bulkhead::cli::verbs {

Result<Outcome> remove(const Call& call) {
    TRY(runtime::remove(call.site, call.operands[0], call.options.force));
    return Outcome{};
}

}  // namespace bulkhead::cli::verbs
