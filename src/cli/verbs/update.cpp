// SPDX-License-Identifier: Apache-2.0
#include "cli/resources.hpp"
#include "cli/verbs.hpp"

namespace bulkhead::cli::verbs {

Result<Outcome> update(const Call& call) {
    LET(const runtime::UpdateRequest request, update_request(call.options, call.operands[0]));
    LET(runtime::Made made, runtime::update(call.site, request));
    return Outcome{{}, 0, std::move(made.warnings)};
}

}  // namespace bulkhead::cli::verbs
