// SPDX-License-Identifier: Apache-2.0
#include "plan/explain.hpp"

#include "cli/request.hpp"
#include "cli/verbs.hpp"

namespace bulkhead::cli::verbs {

Result<Outcome> explain(const Call& call) {
    LET(const runtime::CreateRequest request,
        create_request(call.options, call.operands.empty() ? "ID" : call.operands[0], call.caller));
    LET(const plan::Timeline timeline, runtime::explain(call.site, request));
    return Outcome{call.options.json ? plan::explain_json(timeline) : plan::explain_text(timeline), 0, {}};
}

}  // namespace bulkhead::cli::verbs
