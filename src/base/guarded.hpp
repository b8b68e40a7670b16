// SPDX-License-Identifier: Apache-2.0
// Errors are values here, and each use of a library catches what that throws. If something gets past that (no
// memory, a mistake of ours), it is an error like any other, and no abort in the middle of a step.
#pragma once

#include <exception>
#include <type_traits>

#include "base/error.hpp"

namespace bulkhead {

// Returns the Result of `act`; an exception becomes Kind::internal.
template <class Act>
std::invoke_result_t<const Act&> guarded(const Act& act) {
    try {
        return act();
    } catch (const std::exception& exception) {
        return fail(Kind::internal, "unexpected exception: ", quotable(exception.what()));
    } catch (...) {
        return fail(Kind::internal, "unexpected exception");
    }
}

}  // namespace bulkhead
