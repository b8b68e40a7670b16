// SPDX-License-Identifier: Apache-2.0
// The verbs, a function each: from a call to its output. None of them writes to stdout but `events`, which
// prints as things happen.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "cli/flags.hpp"
#include "cli/site.hpp"
#include "runtime/container/container.hpp"

namespace bulkhead::cli {

struct Call {
    runtime::Site site;
    Options options;
    std::vector<std::string> operands;  // as many as the verb's row asks for
    Caller caller{};

    // The verb's own.
    template <class Flags>
    const Flags& flags() const {
        return std::get<Flags>(options.verb);
    }
};

struct VerbResult {
    std::string output;
    int exit_code = 0;
    std::vector<std::string> warnings;
    std::optional<Error> failure;  // told before the program ends with exit_code, which is not 1 then
};

namespace verbs {

Result<VerbResult> create(const Call& call);
Result<VerbResult> run(const Call& call);
Result<VerbResult> start(const Call& call);
Result<VerbResult> state(const Call& call);
Result<VerbResult> exec(const Call& call);
Result<VerbResult> ps(const Call& call);
Result<VerbResult> events(const Call& call);
Result<VerbResult> kill(const Call& call);
Result<VerbResult> pause(const Call& call);
Result<VerbResult> resume(const Call& call);
Result<VerbResult> update(const Call& call);
Result<VerbResult> remove(const Call& call);  // delete is a word of C++
Result<VerbResult> list(const Call& call);
Result<VerbResult> spec(const Call& call);
Result<VerbResult> features(const Call& call);
Result<VerbResult> explain(const Call& call);
Result<VerbResult> help(const Call& call);

}  // namespace verbs

}  // namespace bulkhead::cli
