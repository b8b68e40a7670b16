// SPDX-License-Identifier: Apache-2.0
// Waits for a hook that may hang, flood its output, ignore signals or leave a daemon behind.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/waiting.hpp"

namespace bulkhead::runtime {

// The end of a hook, and its output.
struct Supervised {
    static constexpr std::size_t output_limit = 4096;

    sys::Ending ending;
    bool in_time = true;
    std::string output;  // its last bytes, where the reason stands: at most output_limit
    bool cut = false;    // there were more
    std::string left;    // if it could not be reaped: what becomes of it; how it ended is unknown then
};

// Waits until the child `pid`, which leads its process group, has ended, and reaps it; the rest of its group
// may go on. After `timeout_s` seconds the whole group is killed. Meanwhile everything that comes out of
// `output` is read, so that a full pipe holds nobody up; others who hold its other end are not waited for.
// Errors: Kind::interrupted, with the group killed.
Result<Supervised> supervise(pid_t pid, const Fd& process, const Fd& output,
                             std::optional<std::int64_t> timeout_s);

}  // namespace bulkhead::runtime
