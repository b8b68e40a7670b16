// SPDX-License-Identifier: Apache-2.0
// Spec -> ValidSpec: what its properties have to do with each other, and what this version can do. Pure:
// looks at nothing but the Spec.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "spec/spec.hpp"

namespace bulkhead::spec {

// A Spec that passed every check. Only validate makes one, so whoever takes a ValidSpec need not look again.
// It differs from what was parsed in process.capabilities: unknown names are gone (with a warning), and so
// are ambient ones that are not both permitted and inheritable, which the kernel would not raise; and in a
// pids.limit of 0 before version 1.3, which meant no limit and is -1 here.
class ValidSpec {
  public:
    const Spec& operator*() const { return spec_; }
    const Spec* operator->() const { return &spec_; }
    // Both are there in every ValidSpec: validate insists.
    const Process& process() const { return *spec_.process; }
    const Root& root() const { return *spec_.root; }

    // For the person who runs this: unknown capabilities, relative mount destinations.
    const std::vector<std::string>& warnings() const { return warnings_; }

  private:
    ValidSpec(Spec spec, std::vector<std::string> warnings)
        : spec_(std::move(spec)), warnings_(std::move(warnings)) {}
    friend Result<ValidSpec> validate(Spec spec);

    Spec spec_;
    std::vector<std::string> warnings_;
};

// Runs the checks in order, the table of what is not supported yet last. Errors are Kind::invalid_config or
// Kind::unsupported and name the JSON pointer, the value and the reason, in runc's words where it has any.
Result<ValidSpec> validate(Spec spec);

}  // namespace bulkhead::spec
