// SPDX-License-Identifier: Apache-2.0
#include "runtime/steps/endurance.hpp"

#include "base/text.hpp"

namespace bulkhead::runtime {

std::optional<std::string> Endurance::exhausted(const std::optional<ProcessStatus>& status, int slept_ms) {
    if (status && status->stopped()) stopped_ms_ += slept_ms;
    if (stopped_ms_ >= stopped_patience_ms)
        return cat("was stopped from inside the container for ", stopped_patience_ms,
                   " ms before it could execute the program");
    if (exposed_ && status && status->busy_ms >= busy_patience_ms)
        return cat(
            "has used ", busy_patience_ms,
            " ms of the processor without executing the program, as if it were kept in a loop from inside "
            "the container");
    if (total_.passed())
        return cat("has not executed the program within ", total_ms_, " ms",
                   status ? cat(" (state ", status->state, ')') : "");
    return std::nullopt;
}

}  // namespace bulkhead::runtime
