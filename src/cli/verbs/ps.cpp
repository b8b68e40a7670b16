// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <array>

#include "base/program.hpp"
#include "cli/processes.hpp"
#include "cli/verbs.hpp"

namespace bulkhead::cli::verbs {

namespace {

constexpr int deadline_ms = 10'000;
constexpr std::size_t output_limit = 64 << 20;  // every process of the host, with command lines

// Not by PATH, which is the caller's.
Result<std::string> find_ps() {
    constexpr std::array places{"/usr/bin/ps", "/bin/ps"};
    for (const char* place : places)
        if (::access(place, X_OK) == 0) return std::string(place);
    return fail(Kind::unsupported, "ps is neither in /usr/bin nor in /bin; --format json does without");
}

Result<std::string> table(const Call& call, const std::vector<pid_t>& pids) {
    LET(const std::string program, find_ps());
    std::vector<std::string> options(call.operands.begin() + 1, call.operands.end());
    if (options.empty()) options.emplace_back("-ef");
    auto printed = run_program(program, options, deadline_ms, output_limit);
    if (!printed) return std::unexpected(std::move(printed).error().under("ps"));
    return processes_table(*printed, pids);
}

}  // namespace

Result<VerbResult> ps(const Call& call) {
    LET(const std::vector<pid_t> pids, runtime::processes(call.site, call.operands[0]));
    if (call.flags<PsFlags>().format == "json") return VerbResult{processes_json(pids), 0, {}};
    LET(std::string output, table(call, pids));
    return VerbResult{std::move(output), 0, {}};
}

}  // namespace bulkhead::cli::verbs
