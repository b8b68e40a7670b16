// SPDX-License-Identifier: Apache-2.0
// A document from descriptor 0.
#pragma once

#include <cstddef>
#include <string>

#include "base/error.hpp"
#include "base/patience.hpp"

namespace bulkhead::cli {

// The first document, up to the bracket that closes it; a caller that keeps the pipe open after it, or writes
// more, is not waited for. Text that begins with no bracket is read to the end. At most json::document_limit
// bytes; a caller that gives nothing more for `patience_ms` is an error.
Result<std::string> read_document(int patience_ms = caller_patience_ms);

// Reads everything, at most `limit` bytes; for text that only its end ends.
Result<std::string> read_to_end(std::size_t limit, int patience_ms = caller_patience_ms);

}  // namespace bulkhead::cli
