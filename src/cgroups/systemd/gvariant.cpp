// SPDX-License-Identifier: Apache-2.0
// https://docs.gtk.org/glib/gvariant-text-format.html
#include "cgroups/systemd/gvariant.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "base/text.hpp"

namespace bulkhead::cgroups {

namespace {

struct Keyword {
    std::string_view word;
    char type;
};
constexpr Keyword keywords[] = {{"boolean", 'b'}, {"double", 'd'}, {"int32", 'i'}, {"int64", 'x'},
                                {"string", 's'},  {"uint32", 'u'}, {"uint64", 't'}};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_of_number(char c) {
    return is_letter(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '+';
}

// ---- single values --------------------------------------------------------------------------------------

struct Range {
    char type;
    std::int64_t lowest;
    std::uint64_t highest;
};
constexpr Range ranges[] = {
    {'i', std::numeric_limits<std::int32_t>::min(), 0x7fffffff},
    {'u', 0, 0xffffffff},
    {'x', std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()},
    {'t', 0, std::numeric_limits<std::uint64_t>::max()},
};

std::unexpected<Error> refuse(std::string_view what, std::string_view why) {
    return fail(Kind::invalid_config, quoted(what), ": ", why);
}

// As in C, 0x in front is base 16 and 0 is base 8.
std::optional<std::uint64_t> magnitude(std::string_view digits) {
    int base = 10;
    if (digits.starts_with("0x")) {
        base = 16;
        digits.remove_prefix(2);
    } else if (digits.size() > 1 && digits.starts_with('0')) {
        base = 8;
    }
    std::uint64_t value = 0;
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value, base);
    if (digits.empty() || error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

Result<std::string> whole_number(std::string_view text, const Range& range) {
    const bool negative = text.starts_with('-');
    const auto value = magnitude(text.substr(negative || text.starts_with('+') ? 1 : 0));
    if (!value) return refuse(text, "is no whole number");
    const std::uint64_t limit =
        negative ? static_cast<std::uint64_t>(-(range.lowest + 1)) + 1 : range.highest;
    if (*value > (negative && range.lowest == 0 ? 0 : limit))
        return refuse(text, cat("does not fit into the type ", range.type));
    return cat(negative && *value != 0 ? "-" : "", *value);
}

Result<std::string> real_number(std::string_view text) {
    double value = 0;
    const std::string_view digits = text.substr(text.starts_with('+') ? 1 : 0);
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    if (error != std::errc{} || stop != end || !std::isfinite(value)) return refuse(text, "is no number");
    return std::string(digits);
}

char type_of_number(std::string_view text) {
    const bool real = text.contains('.') || (!text.contains('x') && text.contains('e'));
    return real ? 'd' : 'i';
}

Result<std::string> number(std::string_view text, char type) {
    if (type == 'd') return real_number(text);
    const auto* const range = std::ranges::find(ranges, type, &Range::type);
    if (range == std::end(ranges)) return refuse(text, cat("is a number, and must be of the type ", type));
    return whole_number(text, *range);
}

// ---- the parser -----------------------------------------------------------------------------------------

class Parser {
  public:
    explicit Parser(std::string_view text) : rest_(text) {}

    Result<BusValue> document() {
        skip_blanks();
        LET(BusValue parsed, rest_.starts_with('@') || rest_.starts_with('[') ? array() : single({}));
        skip_blanks();
        if (!rest_.empty()) return refuse(rest_, "stands after the value");
        return parsed;
    }

  private:
    // `expected` is the type that the value must have; empty: the text decides. A keyword may stand in front.
    Result<BusValue> single(std::string_view expected) {
        skip_blanks();
        const auto* const row = std::ranges::find_if(keywords, [&](const Keyword& keyword) {
            return rest_.starts_with(keyword.word) && !is_letter(letter_at(keyword.word.size()));
        });
        if (row == std::end(keywords)) return literal(expected);
        const std::string_view type(&row->type, 1);
        TRY(check(expected, type));
        rest_.remove_prefix(row->word.size());
        skip_blanks();
        return literal(type);
    }

    Result<BusValue> literal(std::string_view expected) {
        if (rest_.empty()) return fail(Kind::invalid_config, "a value is missing");
        const char first = rest_[0];
        if (first == '\'' || first == '"') return text(expected);
        if (first == '-' || first == '+' || first == '.' || (first >= '0' && first <= '9'))
            return digits(expected);
        const std::string_view name = take(is_letter);
        if (name != "true" && name != "false") return refuse(name.empty() ? rest_ : name, "is no value");
        TRY(check(expected, "b"));
        return BusValue{"b", {std::string(name)}};
    }

    Result<BusValue> digits(std::string_view expected) {
        const std::string_view text = take(is_of_number);
        const char type = expected.empty() ? type_of_number(text) : expected[0];
        LET(std::string written, number(text, type));
        return BusValue{std::string(1, type), {std::move(written)}};
    }

    Result<BusValue> text(std::string_view expected) {
        if (!expected.empty() && expected != "s")
            return refuse(rest_, cat("is a string, not of the type ", expected));
        const char quote = rest_[0];
        std::string content;
        for (rest_.remove_prefix(1); !rest_.empty(); rest_.remove_prefix(1)) {
            if (rest_[0] == quote) {
                rest_.remove_prefix(1);
                return BusValue{"s", {std::move(content)}};
            }
            if (rest_[0] == '\0') return fail(Kind::invalid_config, "a string of D-Bus has no NUL");
            if (rest_[0] == '\\') TRY(skip_backslash());
            content += rest_[0];
        }
        return fail(Kind::invalid_config, "the string has no end");
    }

    // Leaves the escaped character in front. Names of units need no \u, \n and the like.
    Result<> skip_backslash() {
        if (rest_.size() < 2 || !std::string_view("\\'\"").contains(rest_[1]))
            return refuse(rest_.substr(0, 2), "this escape is not understood");
        rest_.remove_prefix(1);
        return {};
    }

    // ['a', 'b'], or with the type in front: @as []
    Result<BusValue> array() {
        LET(std::string element, annotated_element());
        if (!try_take('[')) return refuse(rest_, "is no array");
        std::size_t count = 0;
        std::vector<std::string> values;
        for (; !try_take(']'); ++count) {
            if (count != 0) TRY(comma());
            LET(BusValue each, single(element));
            element = each.signature;
            values.push_back(std::move(each.values.front()));
        }
        if (element.empty())
            return fail(Kind::invalid_config, "an empty array needs its type in front: @as []");
        values.insert(values.begin(), cat(count));
        return BusValue{"a" + element, std::move(values)};
    }

    // The "s" of "@as "; empty if no type stands in front.
    Result<std::string> annotated_element() {
        if (!rest_.starts_with('@')) return std::string();
        std::string element(1, letter_at(2));
        if (letter_at(1) != 'a' || !is_blank(letter_at(3)) ||
            std::ranges::find(keywords, element[0], &Keyword::type) == std::end(keywords))
            return refuse(rest_, "does not begin with the type of an array and a blank, such as @as");
        rest_.remove_prefix(3);
        return element;
    }

    // NUL after the end.
    char letter_at(std::size_t place) const { return place < rest_.size() ? rest_[place] : '\0'; }

    // Takes this character and returns true if it comes next.
    bool try_take(char bracket) {
        skip_blanks();
        if (rest_.empty() || rest_[0] != bracket) return false;
        rest_.remove_prefix(1);
        return true;
    }

    Result<> comma() {
        if (!try_take(',')) return refuse(rest_, "a comma is missing in front of it");
        return {};
    }

    static Result<> check(std::string_view expected, std::string_view type) {
        if (expected.empty() || expected == type) return {};
        return fail(Kind::invalid_config, "is of the type ", type, ", and must be of ", expected);
    }

    template <class Letter>
    std::string_view take(Letter letter) {
        const auto end = std::ranges::find_if_not(rest_, letter);
        const auto size = static_cast<std::size_t>(end - rest_.begin());
        const std::string_view taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }

    void skip_blanks() { (void)take(is_blank); }

    std::string_view rest_;
};

}  // namespace

Result<BusValue> parse_gvariant(std::string_view text) { return Parser(text).document(); }

}  // namespace bulkhead::cgroups
