// SPDX-License-Identifier: Apache-2.0
// YAML within bounds: text that a person wrote -> a tree of nodes that know their places. The parser is
// yaml-cpp's (YAML 1.2, block and flow style, anchors, literal text); its exceptions end in yaml.cpp. On top
// of the grammar it refuses what a reader could take for something else or what could hurt: a second
// document, duplicate and non-scalar keys, tags but those of the core schema, tabs as indentation, NUL,
// invalid UTF-8, and sizes nobody needs (aliases of aliases grow exponentially).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace bulkhead::yaml {

inline constexpr std::size_t document_limit = std::size_t{256}
                                              << 10;  // bytes; read no more than one byte over it
inline constexpr std::size_t depth_limit = 64;
inline constexpr std::size_t node_limit = 65'536;                     // with what aliases stand for
inline constexpr std::size_t text_limit = std::size_t{4} << 20;       // bytes of all scalars, with those too
inline constexpr std::string_view standard_input = "standard input";  // the name of a document from there

// A place in the text, both from 1; a column counts characters, not bytes.
struct Mark {
    int line = 1;
    int column = 1;
};

struct Entry;

struct Node {
    enum class Kind : std::uint8_t { null, scalar, sequence, map };

    Kind kind = Kind::null;
    std::string text;         // of a scalar (of null, too, as written: "", "~", "null")
    bool plain = false;       // a scalar without quotes: may mean a number or a boolean (see `scalar_type`)
    std::vector<Node> items;  // of a sequence
    std::vector<Entry> entries;  // of a map, in the order of the text
    Mark mark;  // the beginning of the value; of an alias, not of the value that it stands for

    bool is(Kind other) const { return kind == other; }
    const Node* find(std::string_view key) const;  // the value of a map's entry, or nullptr
};

struct Entry {
    std::string key;
    Mark mark;  // of the key
    Node value;
};

// The type of a node of Kind::scalar or Kind::null in YAML 1.2's core schema (section 10.3.2).
enum class ScalarType : std::uint8_t { null, boolean, integer, real, string };
ScalarType scalar_type(const Node& node);

// Reads one document. An empty one is a node of Kind::null. Errors are Kind::invalid_config:
//     box.yaml:3:7: "command": is given twice
Result<Node> parse(std::string_view text, std::string_view name);

// "box.yaml:3:7: " and the pieces, of Kind::invalid_config: the form of all errors about a place.
template <class... Pieces>
std::unexpected<Error> fail_at(std::string_view name, Mark mark, const Pieces&... pieces) {
    return fail(Kind::invalid_config, name, ":", mark.line, ":", mark.column, ": ", pieces...);
}

}  // namespace bulkhead::yaml
