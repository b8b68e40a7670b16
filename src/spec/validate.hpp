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

// A Spec that passed every check. Only validate makes one, so a function that takes a ValidSpec need not
// check again. It differs from what was parsed in process.capabilities: unknown names are gone, and so is
// what the kernel would refuse because of another set (with a warning each); and in a pids.limit of 0 before
// version 1.3, which meant no limit and is -1 here.
class ValidSpec {
  public:
    const Spec& operator*() const { return spec_; }
    const Spec* operator->() const { return &spec_; }
    // Both are there in every ValidSpec.
    const Process& process() const { return *spec_.process; }
    const Root& root() const { return *spec_.root; }
    // False if the document has no process: such a container can be created, but not started (config.md,
    // "Process"), and process() is process_that_waits().
    bool has_program() const { return has_program_; }

    // For the person who runs this: capabilities that are left out, relative paths.
    const std::vector<std::string>& warnings() const { return warnings_; }

  private:
    ValidSpec(Spec spec, bool has_program, std::vector<std::string> warnings)
        : spec_(std::move(spec)), has_program_(has_program), warnings_(std::move(warnings)) {}
    friend Result<ValidSpec> validate(Spec spec);

    Spec spec_;
    bool has_program_;
    std::vector<std::string> warnings_;
};

// What stands for a process that is not given: root in "/", without a capability, that never gets a program.
Process process_that_waits();

// Before 1.3 the standard told 0 and no limit not apart, and 0 is what podman 4 writes for --pids-limit=-1.
// `version` is the document's.
void lift_the_zero_of_old_versions(Pids& pids, std::string_view version);

// Runs the checks in order. Errors are Kind::invalid_config and name the JSON pointer, the value and the
// reason, in runc's words if it has any.
Result<ValidSpec> validate(Spec spec);

}  // namespace bulkhead::spec
