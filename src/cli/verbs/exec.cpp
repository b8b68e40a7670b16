// SPDX-License-Identifier: Apache-2.0
#include "cli/request.hpp"
#include "cli/verbs.hpp"

namespace bulkhead::cli::verbs {

namespace {

Result<runtime::Made> attempt(const Call& call) {
    LET(const runtime::ExecRequest request, exec_request(call.flags<ExecFlags>(), call.operands));
    return runtime::exec(call.site, request);
}

}  // namespace

// What the process returns can be anything from 0 to 255, so a caller tells a failure of ours by the text and
// by runc's 255. A wrong command line does not come this far and ends with 1.
Result<VerbResult> exec(const Call& call) {
    constexpr int failed = 255;
    auto made = attempt(call);
    if (!made) return VerbResult{{}, failed, {}, std::move(made).error().under("exec failed")};
    return VerbResult{{}, made->exit_status, std::move(made->warnings)};
}

}  // namespace bulkhead::cli::verbs
