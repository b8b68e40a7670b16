// SPDX-License-Identifier: Apache-2.0
#include "cli/verbs.hpp"

namespace bulkhead::cli::verbs {

Result<Outcome> resume(const Call& call) {
    TRY(runtime::resume(call.site, call.operands[0]));
    return Outcome{};
}

}  // namespace bulkhead::cli::verbs
