// SPDX-License-Identifier: Apache-2.0
#include "cli/resources.hpp"
#include "cli/verbs.hpp"

namespace bulkhead::cli::verbs {

Result<Outcome> update(const Call& call) {
    LET(const runtime::UpdateRequest request, update_request(call.options, call.operands[0]));
    TRY(runtime::update(call.site, request));
    return Outcome{};
}

}  // namespace bulkhead::cli::verbs
