// SPDX-License-Identifier: Apache-2.0
// Writes to descriptors that somebody else opened. Closed pipes and a read-only /dev/null are common there
// (go-runc's null IO, podman closing a pipe early), so no write may kill the process or be repeated blindly.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace bulkhead::cli {

// Opens /dev/null on those of 0-2 that the caller left closed. The next file opened would have taken the
// number: the log would be the container's stdin, and messages would go into whatever is number 2.
Result<> fill_standard_descriptors();

// One write(2) if the kernel takes it whole. A broken pipe is an error, not a signal; the process's own way
// with SIGPIPE is put back afterwards, so that hooks do not inherit an ignored one. So is a reader that takes
// nothing for caller_patience_ms. A descriptor that cannot be written to takes everything: a caller who opens
// /dev/null read-only wants no output.
Result<> write_out(int fd, std::string_view text);

// With everything around it in the log, a message stays below PIPE_BUF, 4096 bytes: one write(2) that is not
// mixed with others.
inline constexpr std::size_t message_limit = 4000;

// `text` without control bytes and invalid UTF-8 (see quotable). The middle of one that is longer than
// message_limit, as it stands within quotes, is left out: engines match on the end of long lines.
std::string one_line(std::string_view text);

}  // namespace bulkhead::cli
