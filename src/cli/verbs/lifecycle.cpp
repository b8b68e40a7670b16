// SPDX-License-Identifier: Apache-2.0
// Verbs that change a container and have nothing to show.
#include "cli/request.hpp"
#include "cli/resources.hpp"
#include "cli/verbs.hpp"

namespace bulkhead::cli::verbs {

Result<VerbResult> create(const Call& call) {
    LET(const runtime::CreateRequest request,
        create_request(call.options, call.flags<CreateFlags>(), call.operands[0], call.caller));
    LET(runtime::Made made, runtime::create(call.site, request));
    return VerbResult{{}, 0, std::move(made.warnings)};
}

Result<VerbResult> run(const Call& call) {
    LET(const runtime::CreateRequest request,
        run_request(call.options, call.flags<RunFlags>(), call.operands[0], call.caller));
    LET(runtime::Made made, runtime::run(call.site, request));
    return VerbResult{{}, made.exit_status, std::move(made.warnings)};
}

Result<VerbResult> start(const Call& call) {
    TRY(runtime::start(call.site, call.operands[0], call.caller.notify_socket));
    return VerbResult{};
}

Result<VerbResult> kill(const Call& call) {
    LET(const int signal, parse_signal(call.operands.size() > 1 ? call.operands[1] : "TERM"));
    TRY(runtime::kill(call.site, call.operands[0], signal, call.flags<KillFlags>().all));
    return VerbResult{};
}

Result<VerbResult> pause(const Call& call) {
    TRY(runtime::pause(call.site, call.operands[0]));
    return VerbResult{};
}

Result<VerbResult> resume(const Call& call) {
    TRY(runtime::resume(call.site, call.operands[0]));
    return VerbResult{};
}

Result<VerbResult> update(const Call& call) {
    LET(const runtime::UpdateRequest request, update_request(call.flags<UpdateFlags>(), call.operands[0]));
    LET(runtime::Made made, runtime::update(call.site, request));
    return VerbResult{{}, 0, std::move(made.warnings)};
}

Result<VerbResult> remove(const Call& call) {
    LET(runtime::Made removed, runtime::remove(call.site, call.operands[0], call.flags<DeleteFlags>().force));
    return VerbResult{{}, 0, std::move(removed.warnings)};
}

}  // namespace bulkhead::cli::verbs
