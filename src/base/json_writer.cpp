// SPDX-License-Identifier: Apache-2.0
#include "base/json_writer.hpp"

#include <utility>

namespace bulkhead {

JsonWriter& JsonWriter::begin(Style style, char opening, char closing) {
    separate();
    text_.push_back(opening);
    levels_.push_back({style, closing});
    if (style == Style::lines) ++depth_;
    line_ = text_.size() - 1;
    return *this;
}

JsonWriter& JsonWriter::end() {
    const Level level = levels_.back();
    levels_.pop_back();
    if (level.style == Style::lines) --depth_;
    if (level.style == Style::lines && !level.empty) new_line(depth_);
    text_.push_back(level.closing);
    return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
    separate();
    const bool compact = levels_.back().style == Style::compact;
    text_.append(json_string(name)).append(compact ? ":" : ": ");
    has_key_ = true;
    return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
    separate();
    text_.append(json);
    return *this;
}

// Writes what stands between a member and the one before. A value after its key is no member of its own.
void JsonWriter::separate() {
    constexpr std::size_t line_limit = 100;
    if (has_key_ || levels_.empty()) {
        has_key_ = false;
        return;
    }
    Level& level = levels_.back();
    const bool first = std::exchange(level.empty, false);
    if (!first) text_.push_back(',');
    if (level.style == Style::lines) {
        new_line(depth_);
    } else if (level.style == Style::filled && text_.size() - line_ > line_limit) {
        new_line(depth_ + 1);
    } else if (!first && level.style != Style::compact) {
        text_.push_back(' ');
    }
}

void JsonWriter::new_line(std::size_t depth) {
    text_.push_back('\n');
    for (std::size_t i = 0; i < depth; ++i) text_.append(indent_);
    line_ = text_.size();
}

}  // namespace bulkhead
