// SPDX-License-Identifier: Apache-2.0
#include "cli/verbs.hpp"

namespace bulkhead::cli::verbs {

Result<Outcome> pause(const Call& call) {
    TRY(runtime::pause(call.site, call.operands[0]));
    return Outcome{};
}

}  // namespace bulkhead::cli::verbs
