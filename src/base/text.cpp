// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"

namespace bulkhead {

namespace {

constexpr char hex_digits[] = "0123456789abcdef";

std::string based(std::uint64_t number, int base) {
    char digits[72];
    return {digits, std::to_chars(digits, digits + sizeof digits, number, base).ptr};
}

bool is_control(std::string_view sequence) {
    const auto first = static_cast<unsigned char>(sequence[0]);
    if (sequence.size() == 1) return first < 0x20 || first == 0x7f;
    return sequence.size() == 2 && first == 0xc2 && static_cast<unsigned char>(sequence[1]) < 0xa0;  // C1
}

void append_escaped_byte(std::string& to, char byte, std::string_view prefix) {
    const auto value = static_cast<unsigned char>(byte);
    to.append(prefix);
    to.push_back(hex_digits[value >> 4]);
    to.push_back(hex_digits[value & 15]);
}

}  // namespace

std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const auto tail = [&](std::size_t at, unsigned low = 0x80, unsigned high = 0xbf) {
        return at < text.size() && byte(at) >= low && byte(at) <= high;
    };
    const unsigned lead = byte(0);
    if (lead < 0x80) return 1;
    if (lead >= 0xc2 && lead <= 0xdf) return tail(1) ? 2 : 0;
    if (lead >= 0xe0 && lead <= 0xef) {
        const unsigned low = lead == 0xe0 ? 0xa0 : 0x80;
        const unsigned high = lead == 0xed ? 0x9f : 0xbf;
        return tail(1, low, high) && tail(2) ? 3 : 0;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        const unsigned low = lead == 0xf0 ? 0x90 : 0x80;
        const unsigned high = lead == 0xf4 ? 0x8f : 0xbf;
        return tail(1, low, high) && tail(2) && tail(3) ? 4 : 0;
    }
    return 0;
}

std::string octal(std::uint32_t number) { return based(number, 8); }
std::string hexadecimal(std::uint64_t number) { return based(number, 16); }

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> words;
    for (std::size_t begin = 0;;) {
        const std::size_t end = text.find(separator, begin);
        words.push_back(text.substr(begin, end - begin));
        if (end == std::string_view::npos) return words;
        begin = end + 1;
    }
}

std::vector<std::string_view> blank_separated(std::string_view line) {
    std::vector<std::string_view> words = split(line, ' ');
    std::erase(words, std::string_view());
    return words;
}

std::string join(const std::vector<std::string>& words, std::string_view separator) {
    std::string joined;
    for (std::size_t i = 0; i < words.size(); ++i) joined.append(i == 0 ? "" : separator).append(words[i]);
    return joined;
}

std::string lower(std::string_view text) {
    std::string lowered(text);
    for (char& letter : lowered)
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    return lowered;
}

std::string quotable(std::string_view text, std::size_t limit) {
    std::string safe;
    while (!text.empty()) {
        if (safe.size() >= limit) return safe.append("...");
        const std::size_t length = utf8_length(text);
        if (length == 0 || is_control(text.substr(0, length))) {
            append_escaped_byte(safe, text[0], "\\x");
            text.remove_prefix(1);
            continue;
        }
        safe.append(text.substr(0, length));
        text.remove_prefix(length);
    }
    return safe;
}

std::string quoted(std::string_view text) { return cat('"', quotable(text), '"'); }

std::string pointer_token(std::string_view key) {
    std::string token;
    for (const char letter : key) {
        if (letter == '~') token.append("~0");
        if (letter == '/') token.append("~1");
        if (letter != '~' && letter != '/') token.push_back(letter);
    }
    return token;
}

std::string json_string(std::string_view text) {
    std::string out(1, '"');
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        const char first = text[0];
        if (length == 0) {
            out.append("\xef\xbf\xbd");
        } else if (first == '"' || first == '\\') {
            out.push_back('\\');
            out.push_back(first);
        } else if (first == '\n') {
            out.append("\\n");
        } else if (first == '\t') {
            out.append("\\t");
        } else if (static_cast<unsigned char>(first) < 0x20) {
            append_escaped_byte(out, first, "\\u00");
        } else {
            out.append(text.substr(0, length));
        }
        text.remove_prefix(length == 0 ? 1 : length);
    }
    out.push_back('"');
    return out;
}

}  // namespace bulkhead
