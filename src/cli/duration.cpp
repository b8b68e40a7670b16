// SPDX-License-Identifier: Apache-2.0
#include "cli/duration.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace bulkhead::cli {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t ns;
};
constexpr std::array units{
    Unit{"ns", 1},
    Unit{"us", 1'000},
    Unit{"\u00b5s", 1'000},  // the micro sign, and the Greek letter
    Unit{"\u03bcs", 1'000},
    Unit{"ms", 1'000'000},
    Unit{"s", 1'000'000'000},
    Unit{"m", 60'000'000'000},
    Unit{"h", 3'600'000'000'000},
};

constexpr auto longest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

std::string_view take_while(std::string_view& text, bool (*wanted)(char)) {
    const auto end = std::ranges::find_if_not(text, wanted);
    const std::string_view taken(text.begin(), end);
    text.remove_prefix(taken.size());
    return taken;
}

// "1" and "5" of "1.5s"
struct Number {
    std::string_view whole;
    std::string_view fraction;
};

Number take_number(std::string_view& text) {
    Number number{.whole = take_while(text, is_digit), .fraction = {}};
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        number.fraction = take_while(text, is_digit);
    }
    return number;
}

std::optional<Unit> take_unit(std::string_view& text) {
    const auto name = take_while(text, [](char letter) { return !is_digit(letter) && letter != '.'; });
    const auto unit = std::ranges::find(units, name, &Unit::name);
    return unit == units.end() ? std::nullopt : std::optional(*unit);
}

// A part of a unit in nanoseconds. Digits below one nanosecond are cut off.
std::uint64_t part_of(std::uint64_t unit_ns, std::string_view fraction) {
    std::uint64_t numerator = 0, denominator = 1;
    for (const char digit : fraction.substr(0, 18)) {  // 10^18 fits, and no unit has that many nanoseconds
        numerator = numerator * 10 + static_cast<std::uint64_t>(digit - '0');
        denominator *= 10;
    }
    return static_cast<std::uint64_t>(static_cast<unsigned __int128>(numerator) * unit_ns / denominator);
}

std::optional<std::uint64_t> nanoseconds(const Number& number, const Unit& unit) {
    if (number.whole.empty() && number.fraction.empty()) return std::nullopt;
    const auto whole = number.whole.empty() ? 0 : parse_decimal<std::uint64_t>(number.whole);
    if (!whole || *whole > longest / unit.ns) return std::nullopt;
    return *whole * unit.ns + part_of(unit.ns, number.fraction);
}

std::optional<std::uint64_t> sum_of(std::string_view text) {
    std::uint64_t sum = 0;
    while (!text.empty()) {
        const Number number = take_number(text);
        const auto unit = take_unit(text);
        const auto ns = unit ? nanoseconds(number, *unit) : std::nullopt;
        if (!ns || *ns > longest - sum) return std::nullopt;
        sum += *ns;
    }
    return sum;
}

}  // namespace

std::optional<std::int64_t> parse_duration(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    if (text == "0") return 0;
    const auto sum = text.empty() ? std::nullopt : sum_of(text);
    if (!sum) return std::nullopt;
    const auto value = static_cast<std::int64_t>(*sum);
    return negative ? -value : value;
}

Result<std::uint64_t> parse_interval(std::string_view text) {
    const auto ns = parse_duration(text);
    if (!ns)
        return fail(Kind::usage, "--interval ", quoted(text),
                    ": must be a duration such as 5s, 1m30s or 100ms");
    if (*ns <= 0)
        return fail(Kind::usage, "--interval ", quoted(text), ": duration interval must be greater than 0");
    return static_cast<std::uint64_t>(*ns);
}

}  // namespace bulkhead::cli
