// SPDX-License-Identifier: Apache-2.0
// Bytes to descriptors that somebody else opened: closed pipes and read-only /dev/null are everyday
// (go-runc's null IO, podman closing a pipe early), so no write may kill the process or be repeated blindly.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace bulkhead::cli {

// Opens /dev/null on those of 0-2 that the caller left closed. The next file opened would have taken the
// number: the log would be the container's stdin, and messages would go into whatever is number 2.
Result<> fill_standard_descriptors();

// One write(2) where the kernel takes it whole. A broken pipe is an error, not a signal; the process's own
// way with SIGPIPE is put back afterwards, so that hooks do not inherit an ignored one.
Result<> write_out(int fd, std::string_view text);

// `text` without control bytes and invalid UTF-8 (see quotable), but whole: engines match on the end of long
// lines.
std::string one_line(std::string_view text);

}  // namespace bulkhead::cli
