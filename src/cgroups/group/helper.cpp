// SPDX-License-Identifier: Apache-2.0
#include "cgroups/group/helper.hpp"

#include "base/program.hpp"
#include "base/text.hpp"

namespace bulkhead::cgroups {

Result<std::string> ask_helper(const std::string& program, const std::string& request, int deadline_ms) {
    if (!program.starts_with('/'))
        return fail(Kind::internal, "not an absolute path: host helper ", quoted(program));
    auto answer = run_program(program, {request}, deadline_ms);
    if (!answer)
        return std::unexpected(std::move(answer).error().under(cat(quotable(program), ' ', request)));
    return answer;
}

}  // namespace bulkhead::cgroups
