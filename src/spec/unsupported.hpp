// SPDX-License-Identifier: Apache-2.0
// What the standard allows and this version does not do yet. Asking for it is an error, never silence: a
// container that runs without its seccomp profile is worse than one that does not run.
#pragma once

#include <span>
#include <string_view>

#include "base/error.hpp"
#include "spec/spec.hpp"

namespace bulkhead::spec {

struct Unsupported {
    std::string_view pointer;  // JSON pointer; * stands for every element or key
    std::string_view value;    // the one value of it that is not supported; empty: all of them
    bool (*asked_for)(const Spec& spec);
};

// Sorted by pointer, then value. ARCHITECTURE.md has the same list; a test compares them.
std::span<const Unsupported> unsupported_properties();

// Kind::unsupported for the first property of the table that the spec asks for:
//     config.json: /linux/intelRdt: not supported yet
Result<> check_supported(const Spec& spec);

}  // namespace bulkhead::spec
