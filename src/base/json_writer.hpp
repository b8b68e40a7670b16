// SPDX-License-Identifier: Apache-2.0
// Writes JSON text from front to back. The text is well-formed if each object() and array() has its end(),
// and each member of an object its key().
#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"

namespace bulkhead {

class JsonWriter {
  public:
    // The layout of the members of an object or array: a line for each; on one line with spaces; on one line
    // without; on lines of about 100 bytes.
    enum class Style : unsigned char { lines, spaced, compact, filled };

    // indent: of a line, for each object or array of lines around it; depth: how many are around this text
    // already.
    explicit JsonWriter(std::string_view indent = "  ", std::size_t depth = 0)
        : indent_(indent), depth_(depth) {}

    JsonWriter& object(Style style) { return begin(style, '{', '}'); }
    JsonWriter& array(Style style) { return begin(style, '[', ']'); }
    JsonWriter& end();

    JsonWriter& key(std::string_view name);

    JsonWriter& value(std::string_view text) { return raw(json_string(text)); }
    JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
    JsonWriter& value(const char* text) { return value(std::string_view(text)); }
    JsonWriter& value(std::same_as<bool> auto flag) { return raw(flag ? "true" : "false"); }
    template <std::integral Number>
    requires(!std::same_as<Number, bool>) JsonWriter& value(Number number) { return raw(cat(number)); }
    // A value that is JSON already.
    JsonWriter& raw(std::string_view json);

    template <class Value>
    JsonWriter& member(std::string_view name, const Value& member) {
        return key(name).value(member);
    }

    std::string text() && { return std::move(text_); }

  private:
    struct Level {
        Style style;
        char closing;
        bool empty = true;
    };

    JsonWriter& begin(Style style, char opening, char closing);
    void separate();
    void new_line(std::size_t depth);

    std::string text_;
    std::string indent_;
    std::size_t depth_;
    std::size_t line_ = 0;  // where the line begins, in a filled one
    std::vector<Level> levels_;
    bool has_key_ = false;
};

}  // namespace bulkhead
