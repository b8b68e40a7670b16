// SPDX-License-Identifier: Apache-2.0
// JSON within bounds: turns text that somebody else wrote into a flat tree. The parser is nlohmann/json's;
// its exceptions end here. On top of the grammar (RFC 8259) it refuses what two readers of one file could
// understand differently, or what could hurt the reader: duplicate keys, NUL, a byte order mark, and sizes
// nobody needs (runc takes 8 s and 1.5 GB for a nesting of 5 million, crun overflows its stack).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace bulkhead::json {

inline constexpr std::size_t document_limit = std::size_t{16}
                                              << 20;  // bytes; read no more than one byte over it
inline constexpr std::size_t depth_limit = 64;
inline constexpr std::size_t node_limit = 1'000'000;
inline constexpr std::size_t list_limit = 65'536;  // elements of an array, members of an object
inline constexpr std::size_t string_limit = std::size_t{1} << 20;

enum class Type : std::uint8_t { null, boolean, natural, negative, real, string, array, object };

// One value. All of them stand in one vector in the order of the text: a container's first child is its right
// neighbour, and `end` is the index just after the last thing inside it.
struct Node {
    Type type = Type::null;
    std::uint32_t end = 0;
    std::uint64_t key = 0;  // of an object's member: where its name stands in the text pool
    std::uint64_t payload =
        0;  // a number or bool, or where the string stands (for a real: as it was written)
};

struct Tree {
    std::string name;  // of the document, for errors: "config.json"
    std::vector<Node> nodes;
    std::string pool;  // keys and strings, decoded
};

// A place in a tree, cheap to copy, valid while the tree lives and stays where it is.
class Value {
  public:
    Value(const Tree& tree, std::uint32_t at) : tree_(&tree), at_(at) {}

    Type type() const { return node().type; }
    bool is(Type type) const { return node().type == type; }
    std::string_view key() const { return pooled(node().key); }
    bool boolean() const { return node().payload != 0; }
    // The text of a string, or of a real as it was written; "" for everything else.
    std::string_view text() const {
        return is(Type::string) || is(Type::real) ? pooled(node().payload) : std::string_view();
    }

    // The number, if it is a whole one from `low` to `high`.
    template <std::integral Number>
    std::optional<Number> whole(Number low, Number high) const {
        const auto fits = [&](auto number) {
            return std::cmp_greater_equal(number, low) && std::cmp_less_equal(number, high);
        };
        const std::uint64_t bits = node().payload;
        if (is(Type::natural) && fits(bits)) return static_cast<Number>(bits);
        if (is(Type::negative) && fits(static_cast<std::int64_t>(bits))) return static_cast<Number>(bits);
        return std::nullopt;
    }

    // The elements of an array, the members of an object; nothing for everything else.
    class Children;
    Children children() const;
    bool empty() const { return node().end == at_ + 1; }
    std::optional<Value> find(std::string_view key) const;
    bool operator==(const Value&) const = default;  // the same place

    std::string pointer() const;  // RFC 6901: "/process/env/3"

    // "config.json: /process/user/uid: -1: must be ..."; the value bounded and escaped, a container by its
    // kind.
    std::unexpected<Error> refuse(std::string_view reason) const;
    // "config.json: /process/user/uid: is required"
    std::unexpected<Error> lacks(std::string_view key) const;

  private:
    const Node& node() const { return tree_->nodes[at_]; }
    std::string_view pooled(std::uint64_t where) const {
        return std::string_view(tree_->pool).substr(where >> 32, where & 0xffffffff);
    }

    const Tree* tree_;
    std::uint32_t at_;
};

class Value::Children {
  public:
    struct Iterator {
        const Tree* tree;
        std::uint32_t at;
        Value operator*() const { return {*tree, at}; }
        Iterator& operator++() {
            at = tree->nodes[at].end;
            return *this;
        }
        bool operator==(const Iterator&) const = default;
    };

    explicit Children(const Value& parent) : tree_(parent.tree_), at_(parent.at_) {}
    Iterator begin() const { return {tree_, at_ + 1}; }
    Iterator end() const { return {tree_, tree_->nodes[at_].end}; }

  private:
    const Tree* tree_;
    std::uint32_t at_;
};

inline Value::Children Value::children() const { return Children(*this); }

inline Value root(const Tree& tree) { return {tree, 0}; }

// Reads one document. Errors are Kind::invalid_config: broken JSON names line and column, a bound that was
// passed names the JSON pointer. At least one node is there afterwards.
Result<Tree> read(std::string_view text, std::string_view name);

}  // namespace bulkhead::json
