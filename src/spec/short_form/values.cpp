// SPDX-License-Identifier: Apache-2.0
#include "spec/short_form/values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "base/nearest.hpp"

namespace bulkhead::spec::short_form {

using Kind = yaml::Node::Kind;

namespace {

struct Unit {
    std::string_view name;
    std::int64_t bytes;
};

constexpr std::array units{Unit{"", 1},
                           Unit{"B", 1},
                           Unit{"G", 1'000'000'000},
                           Unit{"Gi", std::int64_t{1} << 30},
                           Unit{"K", 1000},
                           Unit{"Ki", 1024},
                           Unit{"M", 1'000'000},
                           Unit{"Mi", std::int64_t{1} << 20},
                           Unit{"Ti", std::int64_t{1} << 40}};

// A number with its unit, in bytes; nullopt if it is none or does not fit.
std::optional<std::int64_t> bytes_of(std::string_view written) {
    const std::size_t end = std::min(written.size(), written.find_first_not_of("0123456789"));
    const auto unit = std::ranges::find(units, written.substr(end), &Unit::name);
    const auto number = parse_decimal<std::uint64_t>(written.substr(0, end));
    if (unit == units.end() || !number) return std::nullopt;
    if (*number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / unit->bytes))
        return std::nullopt;
    return static_cast<std::int64_t>(*number) * unit->bytes;
}

// Cuts a line into words as a shell would, without expanding anything.
class Splitter {
  public:
    // nullopt if a quote stays open or a backslash stands last.
    std::optional<std::vector<std::string>> split(std::string_view line) {
        for (const char letter : line) take(letter);
        if (quote_ != 0 || escaped_) return std::nullopt;
        finish();
        return std::move(words_);
    }

  private:
    void take(char letter) {
        if (escaped_) {
            escaped_ = false;
            if (quote_ == '"' && letter != '"' && letter != '\\') word_.push_back('\\');
            word_.push_back(letter);
        } else if (letter == '\\' && quote_ != '\'') {
            escaped_ = in_word_ = true;
        } else if (letter == quote_) {
            quote_ = 0;
        } else if (quote_ != 0) {
            word_.push_back(letter);
        } else if (letter == '"' || letter == '\'') {
            quote_ = letter;
            in_word_ = true;
        } else if (letter == ' ' || letter == '\t' || letter == '\n') {
            finish();
        } else {
            in_word_ = true;
            word_.push_back(letter);
        }
    }

    void finish() {
        if (std::exchange(in_word_, false)) words_.push_back(std::exchange(word_, {}));
    }

    std::vector<std::string> words_;
    std::string word_;
    bool in_word_ = false;
    bool escaped_ = false;
    char quote_ = 0;
};

}  // namespace

Value Value::member(const yaml::Entry& entry) const {
    return {&entry.value, name, cat(path, "/", pointer_token(entry.key))};
}

Value Value::item(std::size_t index) const { return {&node->items[index], name, cat(path, "/", index)}; }

std::string Value::shown() const {
    if (is(Kind::null)) return "null";
    if (is(Kind::scalar)) return quoted(node->text);
    return is(Kind::sequence) ? "a list" : "a map";
}

std::unexpected<Error> Value::refuse(std::string_view reason) const {
    return yaml::fail_at(name, node->mark, quotable(path), path.empty() ? "" : ": ", shown(), ": ", reason);
}

Result<bool> truth(const Value& value) {
    if (value.is(Kind::scalar) && yaml::scalar_type(*value.node) == yaml::ScalarType::boolean)
        return lower(value.node->text) == "true";
    return value.refuse("must be true or false");
}

Result<std::string> text(const Value& value) {
    if (!value.is(Kind::scalar)) return value.refuse("must be a string");
    return value.node->text;
}

Result<std::int64_t> whole(const Value& value, std::int64_t low, std::int64_t high) {
    const std::string& written = value.node->text;
    std::int64_t number{};
    const auto [stop, error] = std::from_chars(written.data(), written.data() + written.size(), number);
    const bool is_whole = !written.empty() && error == std::errc{} && stop == written.data() + written.size();
    if (value.is(Kind::scalar) && is_whole && number >= low && number <= high) return number;
    return value.refuse(cat("must be a whole number from ", low, " to ", high));
}

Result<std::int64_t> size(const Value& value) {
    if (value.is(Kind::scalar))
        if (const auto bytes = bytes_of(value.node->text)) return *bytes;
    return value.refuse("not a size (a whole number, and B, Ki, Mi, Gi, Ti, K, M, G or nothing)");
}

Result<std::int64_t> size_or_unlimited(const Value& value) {
    if (value.is(Kind::scalar) && value.node->text == "unlimited") return -1;
    return size(value);
}

Result<std::int64_t> processors(const Value& value) {
    const std::string& written = value.node->text;
    double number{};
    const auto [stop, error] =
        std::from_chars(written.data(), written.data() + written.size(), number, std::chars_format::fixed);
    const bool is_number =
        !written.empty() && error == std::errc{} && stop == written.data() + written.size();
    if (value.is(Kind::scalar) && is_number && number >= 0.01 && number <= 1e6)
        return std::llround(number * 1e6);
    return value.refuse("not a number of processors from 0.01 on, such as 0.5");
}

Result<std::int64_t> mode(const Value& value) {
    std::string_view digits = value.node->text;
    if (digits.starts_with("0o")) digits.remove_prefix(2);
    std::int64_t number{};
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, 8);
    const bool is_octal = !digits.empty() && error == std::errc{} && stop == digits.data() + digits.size();
    if (value.is(Kind::scalar) && is_octal && number >= 0 && number <= 07777) return number;
    return value.refuse("must be octal digits, such as 0640");
}

Result<std::vector<std::string>> texts(const Value& value) {
    TRY(require_list(value));
    std::vector<std::string> list;
    for (std::size_t i = 0; i < value.node->items.size(); ++i) {
        LET(auto one, text(value.item(i)));
        list.push_back(std::move(one));
    }
    return list;
}

Result<std::vector<std::string>> words(const Value& value) {
    if (value.is(Kind::sequence)) return texts(value);
    if (!value.is(Kind::scalar)) return value.refuse("must be a list of words, or one string");
    if (auto split = Splitter().split(value.node->text)) return std::move(*split);
    return value.refuse("a quote or a backslash stays open");
}

std::unexpected<Error> unknown_key(const Value& map, const yaml::Entry& entry,
                                   std::span<const std::string_view> known) {
    const std::string_view meant = nearest(entry.key, known);
    return yaml::fail_at(
        map.name, entry.mark, quotable(cat(map.path, "/", pointer_token(entry.key))), ": unknown key",
        meant.empty()
            ? cat(": must be one of ", join(std::vector<std::string>(known.begin(), known.end()), " "))
            : cat(", did you mean \"", meant, "\"?"));
}

Result<> require_map(const Value& value) {
    if (!value.is(Kind::map)) return value.refuse("must be a map");
    return {};
}

Result<> require_list(const Value& value) {
    if (!value.is(Kind::sequence)) return value.refuse("must be a list");
    return {};
}

Result<> require_keys(const Value& map, std::span<const std::string_view> known) {
    TRY(require_map(map));
    for (const yaml::Entry& entry : map.node->entries)
        if (std::ranges::find(known, entry.key) == known.end()) return unknown_key(map, entry, known);
    return {};
}

}  // namespace bulkhead::spec::short_form
