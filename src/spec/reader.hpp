// SPDX-License-Identifier: Apache-2.0
// Typed reading of a json::Value. read<T>(value) is the T in that place, or an error that names the place,
// the value and what is expected. An object is read by the table `fields<T>`: one line per property.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "spec/json.hpp"
#include "spec/words.hpp"

namespace bulkhead::spec {

enum class Need : bool { optional, required };

// A property of the object that an Owner is made of.
template <class Owner>
struct Field {
    std::string_view name;
    Result<> (*set)(Owner& owner, json::Value value);
    Need need = Need::optional;
};

// The table of T's properties: specialised for each object type, next to the function that reads the
// document.
template <class T>
constexpr auto fields = nullptr;

template <class T>
struct Reader;  // Reader<T>::read(value) -> Result<T>

template <class T>
Result<T> read(json::Value value) {
    return Reader<T>::read(value);
}

template <class Whole, Whole low, Whole high>
Result<Whole> read_whole(json::Value value) {
    if (const auto number = value.whole<Whole>(low, high)) return *number;
    return value.refuse(cat("must be a whole number from ", low, " to ", high));
}

template <std::integral Whole>
struct Reader<Whole> {
    static constexpr auto read =
        read_whole<Whole, std::numeric_limits<Whole>::min(), std::numeric_limits<Whole>::max()>;
};

template <>
struct Reader<bool> {
    static Result<bool> read(json::Value value) {
        if (!value.is(json::Type::boolean)) return value.refuse("must be true or false");
        return value.boolean();
    }
};

template <>
struct Reader<std::string> {
    static Result<std::string> read(json::Value value) {
        if (!value.is(json::Type::string)) return value.refuse("must be a string");
        return std::string(value.text());
    }
};

template <class T>
struct Reader<std::optional<T>> {
    static Result<std::optional<T>> read(json::Value value) {
        LET(auto made, spec::read<T>(value));
        return std::optional<T>(std::move(made));
    }
};

template <class T>
struct Reader<std::vector<T>> {
    static Result<std::vector<T>> read(json::Value value) {
        if (!value.is(json::Type::array)) return value.refuse("must be a list");
        std::vector<T> list;
        for (const json::Value element : value.children()) {
            LET(auto made, spec::read<T>(element));
            list.push_back(std::move(made));
        }
        return list;
    }
};

template <class T>
struct Reader<std::map<std::string, T>> {
    static Result<std::map<std::string, T>> read(json::Value value) {
        if (!value.is(json::Type::object)) return value.refuse("must be an object");
        std::map<std::string, T> map;
        for (const json::Value member : value.children()) {
            LET(auto made, spec::read<T>(member));
            map.emplace(member.key(), std::move(made));
        }
        return map;
    }
};

// The meaning of a word of a closed list, or nullopt.
template <class Meaning>
std::optional<Meaning> meaning(std::string_view text) {
    const std::span words = word_list<Meaning>().words;
    const auto found = std::ranges::lower_bound(words, text, {}, &Word<Meaning>::text);
    if (found == words.end() || found->text != text) return std::nullopt;
    return found->meaning;
}

template <class Meaning>
requires std::is_enum_v<Meaning>
struct Reader<Meaning> {
    static Result<Meaning> read(json::Value value) {
        if (!value.is(json::Type::string)) return value.refuse("must be a string");
        if (const auto found = meaning<Meaning>(value.text())) return *found;
        const WordList<Meaning>& list = word_list<Meaning>();
        std::string reason = cat(list.before, quotable(value.text()), list.after, ": must be one of");
        for (const Word<Meaning>& word : list.words) reason.append(" ").append(word.text);
        return value.refuse(reason);
    }
};

// Loops over the members of the document, not over the table: a config has few of the properties that it may
// have. null counts as absent, as in Go's decoder, which the engines use.
template <class T, std::size_t count>
Result<T> read_by(json::Value value, const std::array<Field<T>, count>& table) {
    if (!value.is(json::Type::object)) return value.refuse("must be an object");
    const auto bit = [&](auto field) { return std::uint64_t{1} << (field - table.begin()); };
    T made{};
    std::uint64_t given = 0;  // bit i: table[i]
    for (const json::Value member : value.children()) {
        const auto field = std::ranges::find(table, member.key(), &Field<T>::name);
        if (field == table.end() || member.is(json::Type::null)) continue;
        TRY(field->set(made, member));
        given |= bit(field);
    }
    for (auto field = table.begin(); field != table.end(); ++field)
        if (field->need == Need::required && !(given & bit(field))) return value.lacks(field->name);
    return made;
}

template <class T>
requires(!std::same_as<decltype(fields<T>), const std::nullptr_t>) struct Reader<T> {
    static Result<T> read(json::Value value) { return read_by<T>(value, fields<T>); }
};

template <class Owner, class Member>
Owner owner_of(Member Owner::*);
template <class Owner, class Member>
Member member_of(Member Owner::*);

// field<&Process::cwd>("cwd"): read by the member's type, or by a function that is given: field<&User::uid,
// read_id>("uid").
template <auto member, auto reader = spec::read<decltype(member_of(member))>>
constexpr auto field(std::string_view name, Need need = Need::optional) {
    using Owner = decltype(owner_of(member));
    const auto set = [](Owner& owner, json::Value value) -> Result<> {
        LET(auto made, reader(value));
        owner.*member = std::move(made);
        return {};
    };
    return Field<Owner>{name, set, need};
}

// "" counts as absent for these words, as in runc.
template <class Meaning>
Result<std::optional<Meaning>> read_unless_empty(json::Value value) {
    if (value.is(json::Type::string) && value.text().empty()) return std::nullopt;
    return read<std::optional<Meaning>>(value);
}

// A user or group: 4294967295 is "no change" to the kernel, so a container would keep the runtime's root.
inline Result<std::uint32_t> read_id(json::Value value) {
    return read_whole<std::uint32_t, 0, 4294967294>(value);
}

}  // namespace bulkhead::spec
