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

constexpr unsigned depth_limit = 8;

struct Keyword {
    std::string_view word;
    char type;
};
constexpr Keyword keywords[] = {{"boolean", 'b'},   {"byte", 'y'},   {"double", 'd'}, {"handle", 'h'},
                                {"int16", 'n'},     {"int32", 'i'},  {"int64", 'x'},  {"objectpath", 'o'},
                                {"signature", 'g'}, {"string", 's'}, {"uint16", 'q'}, {"uint32", 'u'},
                                {"uint64", 't'}};
static_assert(std::ranges::is_sorted(keywords, {}, &Keyword::word));

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_of_number(char c) {
    return is_letter(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '+';
}

// The first complete type of a signature: "as" of "asu"; empty if there is none.
std::string_view first_type(std::string_view signature) {
    if (signature.empty()) return {};
    if (signature[0] == 'a') {
        const std::string_view of = first_type(signature.substr(1));
        return of.empty() ? of : signature.substr(0, 1 + of.size());
    }
    if (signature[0] != '(')
        return std::string_view("bydhnixogsqut").contains(signature[0]) ? signature.substr(0, 1)
                                                                        : std::string_view();
    for (std::size_t at = 1; at < signature.size();) {
        if (signature[at] == ')') return at == 1 ? std::string_view() : signature.substr(0, at + 1);
        const std::string_view member = first_type(signature.substr(at));
        if (member.empty()) return {};
        at += member.size();
    }
    return {};
}

// ---- single values --------------------------------------------------------------------------------------

struct Range {
    char type;
    std::int64_t lowest;
    std::uint64_t highest;
};
constexpr Range ranges[] = {
    {'y', 0, 0xff},
    {'n', std::numeric_limits<std::int16_t>::min(), 0x7fff},
    {'q', 0, 0xffff},
    {'i', std::numeric_limits<std::int32_t>::min(), 0x7fffffff},
    {'h', std::numeric_limits<std::int32_t>::min(), 0x7fffffff},
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
        LET(BusValue parsed, value({}, 0));
        skip_blanks();
        if (!rest_.empty()) return refuse(rest_, "stands behind the value");
        return parsed;
    }

  private:
    // `expected` is the type that the value must have; empty: the text decides.
    Result<BusValue> value(std::string_view expected, unsigned depth) {
        skip_blanks();
        if (rest_.empty()) return fail(Kind::invalid_config, "a value is missing");
        if (depth > depth_limit) return fail(Kind::invalid_config, "is nested too deeply");
        const char first = rest_[0];
        if (first == '@') return annotated(expected, depth);
        if (first == '[') return array(expected, depth);
        if (first == '(') return structure(expected, depth);
        if (first == '\'' || first == '"') return text(expected.empty() ? "s" : expected);
        if (first == '-' || first == '+' || first == '.' || (first >= '0' && first <= '9'))
            return digits(expected);
        return word(expected, depth);
    }

    // "@as []"
    Result<BusValue> annotated(std::string_view expected, unsigned depth) {
        constexpr std::size_t longest = 255;  // the longest signature of D-Bus
        const std::string_view type = first_type(rest_.substr(1, longest));
        if (type.empty()) return refuse(rest_, "does not begin with a type of D-Bus");
        rest_.remove_prefix(1 + type.size());
        if (rest_.empty() || !is_blank(rest_[0]))
            return refuse(type, "is not followed by a blank and a value");
        TRY(check(expected, type));
        return value(type, depth + 1);
    }

    Result<BusValue> word(std::string_view expected, unsigned depth) {
        const std::string_view name = take(is_letter);
        if (name == "true" || name == "false") {
            TRY(check(expected, "b"));
            return BusValue{"b", {std::string(name)}};
        }
        const auto* const row = std::ranges::find(keywords, name, &Keyword::word);
        if (row == std::end(keywords)) return refuse(name.empty() ? rest_ : name, "is no value");
        const std::string_view type(&row->type, 1);
        TRY(check(expected, type));
        return value(type, depth + 1);
    }

    Result<BusValue> digits(std::string_view expected) {
        const std::string_view text = take(is_of_number);
        const char type = expected.empty() ? type_of_number(text) : expected[0];
        LET(std::string written, number(text, type));
        return BusValue{std::string(1, type), {std::move(written)}};
    }

    Result<BusValue> text(std::string_view type) {
        if (!std::string_view("sog").contains(type))
            return refuse(rest_, cat("is a string, not of the type ", type));
        const char quote = rest_[0];
        std::string content;
        for (rest_.remove_prefix(1); !rest_.empty(); rest_.remove_prefix(1)) {
            if (rest_[0] == quote) {
                rest_.remove_prefix(1);
                return BusValue{std::string(type), {std::move(content)}};
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

    Result<BusValue> array(std::string_view expected, unsigned depth) {
        if (!expected.empty() && expected[0] != 'a')
            return refuse(rest_, cat("is an array, not of the type ", expected));
        std::string element(expected.empty() ? expected : expected.substr(1));
        rest_.remove_prefix(1);
        std::size_t count = 0;
        std::vector<std::string> values;
        for (; !ends_with(']'); ++count) {
            if (count != 0) TRY(comma());
            LET(BusValue each, value(element, depth + 1));
            element = each.signature;
            std::ranges::move(each.values, std::back_inserter(values));
        }
        if (element.empty())
            return fail(Kind::invalid_config, "an empty array needs its type in front: @as []");
        values.insert(values.begin(), cat(count));
        return BusValue{"a" + element, std::move(values)};
    }

    Result<BusValue> structure(std::string_view expected, unsigned depth) {
        if (!expected.empty() && expected[0] != '(')
            return refuse(rest_, cat("is a structure, not of the type ", expected));
        std::string_view members = expected.empty() ? expected : expected.substr(1, expected.size() - 2);
        rest_.remove_prefix(1);
        BusValue all{"(", {}};
        for (std::size_t count = 0; !ends_with(')'); ++count) {
            if (count != 0) TRY(comma());
            if (count == 1 && ends_with(')')) break;  // "(1,)"
            if (!expected.empty() && members.empty())
                return refuse(rest_, cat("is one too many for ", expected));
            const std::string_view type = first_type(members);
            LET(BusValue each, value(type, depth + 1));
            members.remove_prefix(type.size());
            all.signature += each.signature;
            std::ranges::move(each.values, std::back_inserter(all.values));
        }
        if (all.values.empty() || !members.empty())
            return fail(Kind::invalid_config, "the structure lacks a member");
        all.signature += ')';
        return all;
    }

    // Takes the bracket and returns true if it comes next.
    bool ends_with(char bracket) {
        skip_blanks();
        if (rest_.empty() || rest_[0] != bracket) return false;
        rest_.remove_prefix(1);
        return true;
    }

    Result<> comma() {
        if (!ends_with(',')) return refuse(rest_, "a comma is missing in front of it");
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
