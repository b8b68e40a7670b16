// SPDX-License-Identifier: Apache-2.0
#include "cli/standard_input.hpp"

#include <unistd.h>

#include <cstddef>
#include <string_view>

#include "base/sys.hpp"
#include "base/waiting.hpp"
#include "spec/json.hpp"

namespace bulkhead::cli {

namespace {

// Looks for the end of an object or array, byte by byte. The reader reports what is wrong inside it.
class DocumentEnd {
  public:
    // The byte is the bracket that closes the outermost one.
    bool is_at(char letter) {
        if (escaped_) {
            escaped_ = false;
        } else if (in_string_) {
            escaped_ = letter == '\\';
            in_string_ = letter != '"';
        } else if (letter == '"') {
            in_string_ = true;
        } else if (letter == '{' || letter == '[') {
            ++depth_;
        } else if (letter == '}' || letter == ']') {
            return depth_ > 0 && --depth_ == 0;
        }
        return false;
    }

  private:
    std::size_t depth_ = 0;
    bool in_string_ = false;
    bool escaped_ = false;
};

}  // namespace

Result<std::string> read_document(int patience_ms) {
    std::string text;
    DocumentEnd end;
    char buffer[4096];
    for (;;) {
        LET(const bool given, sys::wait_readable(STDIN_FILENO, patience_ms));
        if (!given)
            return fail(Kind::kernel, "-: no whole JSON document, and nothing more for ", patience_ms, " ms");
        LET(const std::size_t count, sys::read(STDIN_FILENO, buffer));
        if (count == 0) return text;
        for (const char letter : std::string_view(buffer, count)) {
            text.push_back(letter);
            if (end.is_at(letter)) return text;
        }
        if (text.size() > json::document_limit)
            return fail(Kind::invalid_config, "-: larger than ", json::document_limit, " bytes");
    }
}

Result<std::string> read_to_end(std::size_t limit, int patience_ms) {
    std::string text;
    char buffer[4096];
    for (;;) {
        LET(const bool given, sys::wait_readable(STDIN_FILENO, patience_ms));
        if (!given) return fail(Kind::kernel, "-: no end, and nothing more for ", patience_ms, " ms");
        LET(const std::size_t count, sys::read(STDIN_FILENO, buffer));
        if (count == 0) return text;
        text.append(buffer, count);
        if (text.size() > limit) return fail(Kind::invalid_config, "-: larger than ", limit, " bytes");
    }
}

}  // namespace bulkhead::cli
