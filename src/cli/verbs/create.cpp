// SPDX-License-Identifier: Apache-2.0
#include "cli/request.hpp"
#include "cli/verbs.hpp"

namespace bulkhead::cli::verbs {

Result<Outcome> create(const Call& call) {
    LET(const runtime::CreateRequest request, create_request(call.options, call.operands[0], call.caller));
    LET(runtime::Made made, runtime::create(call.site, request));
    return Outcome{{}, 0, std::move(made.warnings)};
}

}  // namespace bulkhead::cli::verbs
