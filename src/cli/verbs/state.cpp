// SPDX-License-Identifier: Apache-2.0
#include "cli/render.hpp"
#include "cli/verbs.hpp"

namespace bulkhead::cli::verbs {

Result<Outcome> state(const Call& call) {
    LET(const runtime::View container, runtime::state(call.site, call.operands[0]));
    return Outcome{state_json(container), 0, {}};
}

}  // namespace bulkhead::cli::verbs
