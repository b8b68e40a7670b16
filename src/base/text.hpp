// SPDX-License-Identifier: Apache-2.0
// Small text helpers. No iostream, no locale: both cost start-up time, and g++ 12 has no std::format.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead {

inline void append(std::string& to, std::string_view piece) { to.append(piece); }
inline void append(std::string& to, char piece) { to.push_back(piece); }
template <std::same_as<bool> Truth>
void append(std::string& to, Truth piece) = delete;  // would otherwise be the character 1
template <std::integral Number>
requires(!std::same_as<Number, char> && !std::same_as<Number, bool>) void append(std::string& to,
                                                                                 Number number) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    to.append(digits, end);
}

// cat("pid ", 12, ": ", name) joins its arguments to one string.
template <class... Pieces>
std::string cat(const Pieces&... pieces) {
    std::string joined;
    (append(joined, pieces), ...);
    return joined;
}

std::string octal(std::uint32_t number);
std::string hexadecimal(std::uint64_t number);

// Digits only: no sign, no blank, nothing after. nullopt also if the value does not fit.
template <std::unsigned_integral Number>
std::optional<Number> parse_decimal(std::string_view text) {
    Number value{};
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

std::vector<std::string_view> split(std::string_view text, char separator);
// The words of a line, with any number of blanks before, between and after them.
std::vector<std::string_view> blank_separated(std::string_view line);
std::string join(const std::vector<std::string>& words, std::string_view separator);
std::string lower(std::string_view text);

// Length of the well-formed UTF-8 sequence at the start of `text`, which is not empty; 0 if there is none
// (RFC 3629, table 3-7 of Unicode: no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view text);

// For messages: control bytes, DEL, C1 and invalid UTF-8 escaped, cut to `limit` bytes, so that nothing a
// container or a config says can drive an operator's terminal or break a log line.
inline constexpr std::size_t message_limit = 256;
std::string quotable(std::string_view text, std::size_t limit = message_limit);
// The same in double quotes: "sh\x1b"
std::string quoted(std::string_view text);

// One reference token of a JSON pointer (RFC 6901, section 3).
std::string pointer_token(std::string_view key);

// `text` as a JSON string, with its quotes; invalid UTF-8 becomes U+FFFD.
std::string json_string(std::string_view text);

}  // namespace bulkhead
