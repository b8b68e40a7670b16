// SPDX-License-Identifier: Apache-2.0
// The verbs, one file each under verbs/: from a call to what shall be printed. None of them writes to stdout
// but `events`, which prints as things happen.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/site.hpp"
#include "runtime/container/container.hpp"

namespace bulkhead::cli {

struct Call {
    runtime::Site site;
    Options options;
    std::vector<std::string> operands;  // as many as the verb's row asks for
    Caller caller{};
};

struct Outcome {
    std::string output;
    int exit_code = 0;
    std::vector<std::string> warnings;
    std::optional<Error> failure;  // told before the program ends with exit_code, which is not 1 then
};

namespace verbs {

Result<Outcome> create(const Call& call);
Result<Outcome> run(const Call& call);
Result<Outcome> start(const Call& call);
Result<Outcome> state(const Call& call);
Result<Outcome> exec(const Call& call);
Result<Outcome> ps(const Call& call);
Result<Outcome> events(const Call& call);
Result<Outcome> kill(const Call& call);
Result<Outcome> pause(const Call& call);
Result<Outcome> resume(const Call& call);
Result<Outcome> update(const Call& call);
Result<Outcome> remove(const Call& call);  // delete is a word of C++
Result<Outcome> list(const Call& call);
Result<Outcome> spec(const Call& call);
Result<Outcome> features(const Call& call);
Result<Outcome> explain(const Call& call);
Result<Outcome> help(const Call& call);

}  // namespace verbs

}  // namespace bulkhead::cli
