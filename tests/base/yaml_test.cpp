// SPDX-License-Identifier: Apache-2.0
#include "base/yaml.hpp"

#include <gtest/gtest.h>

#include <tuple>

namespace bulkhead::yaml {
namespace {

using Kind = Node::Kind;

// A document on one line: lists in brackets, maps in braces, what has quotes in quotes, null as ~.
std::string shown(const Node& node) {
    std::string text;
    const auto separate = [&] { text.append(text.size() > 1 ? " " : ""); };
    switch (node.kind) {
        case Kind::null: return "~";
        case Kind::scalar: return node.plain ? node.text : cat('"', node.text, '"');
        case Kind::sequence:
            text = "[";
            for (const Node& item : node.items) separate(), text.append(shown(item));
            return text.append("]");
        case Kind::map:
            text = "{";
            for (const Entry& entry : node.entries)
                separate(), text.append(cat(entry.key, ":", shown(entry.value)));
            return text.append("}");
    }
    return "?";
}

std::string read(std::string_view text) {
    const auto node = parse(text, "t.yaml");
    return node ? shown(*node) : node.error().text;
}

TEST(Yaml, ReadsWhatAPersonWrites) {
    EXPECT_EQ(read(""), "~");
    EXPECT_EQ(read("# nothing but a comment\n"), "~");
    EXPECT_EQ(read("---\na: 1\n...\n"), "{a:1}");
    EXPECT_EQ(read("a: [x, 'y', \"z\\n\"]\nb:\n  - c: d\n    e:\n"), "{a:[x \"y\" \"z\n\"] b:[{c:d e:~}]}");
    EXPECT_EQ(read("a: |\n  two\n  \tlines\nb: >-\n  one\n  line\n"),
              "{a:\"two\n\tlines\n\" b:\"one line\"}");
    EXPECT_EQ(read("a: &x [1, 2]\nb: *x\n"), "{a:[1 2] b:[1 2]}");
    EXPECT_EQ(read("a: !!str 1\nb: !!int '2'\nc: !!seq []\n"), "{a:\"1\" b:2 c:[]}");
    EXPECT_EQ(read("a: 1\r\nb: 2\r\n"), "{a:1 b:2}");
    EXPECT_EQ(read("<<: 1"), "{<<:1}");  // a key like any other in YAML 1.2
}

TEST(Yaml, KnowsPlacesInCharacters) {
    const auto node = parse("a: 1\n\"Grüße\":  [x,\n  y]\nb: &n 1\nc: *n\n", "t.yaml");
    ASSERT_TRUE(node);
    const auto place = [](Mark mark) { return cat(mark.line, ":", mark.column); };
    EXPECT_EQ(place(node->entries[0].mark), "1:1");
    EXPECT_EQ(place(node->entries[0].value.mark), "1:4");
    EXPECT_EQ(place(node->entries[1].value.mark), "2:11");
    EXPECT_EQ(place(node->entries[1].value.items[1].mark), "3:3");
    EXPECT_EQ(place(node->entries[3].value.mark), "5:4");  // the alias, not what it stands for
}

TEST(Yaml, RefusesWithThePlace) {
    const std::tuple<std::string, std::string_view> cases[] = {
        {"a: 1\nb: 2\na: 3\n", "3:1: \"a\": is given twice"},
        {"a: {b: 1, 'b': 2}\n", "1:11: \"b\": is given twice"},
        {"a: 1\n---\nb: 2\n", "2:1: a second document: there must be one only"},
        {"[a, b]: 1\n", "1:1: a key must be a scalar"},
        {"? {a: b}\n: 1\n", "1:3: a key must be a scalar"},
        {"~: 1\n", "1:1: a key must be a scalar"},
        {"a: !mine 1\n", "1:4: tag \"!mine\": not one of the core schema's that fits this value"},
        {"a: !!int x\n",
         "1:4: tag \"tag:yaml.org,2002:int\": not one of the core schema's that fits this value"},
        {"a: !!map []\n",
         "1:4: tag \"tag:yaml.org,2002:map\": not one of the core schema's that fits this value"},
        {"a:\n\tb: 1\n", "2:2: is indented with a tab"},
        {"a:\n  \tb: 1\n", "2:4: is indented with a tab"},
        {"a:\n- 1\n\t- 2\n", "3:1: is indented with a tab"},
        {"a:\n\t- 1\n", "2:2: is indented with a tab"},
        {"a: &x [*x]\n", "1:8: an alias of what it is in"},
        {"a: *y\n", "1:4: the referenced anchor is not defined"},
        {"a: [1, 2\n", "2:1: end of sequence flow not found"},
        {"a: 'x\n", "1:4: the quote is not closed"},
        {"a: &x !!str \"it's\n", "1:4: the quote is not closed"},
        {"a: b: c\n", "1:5: illegal map value"},
        {"a: \"\\0\"\n", "1:4: has a NUL byte in it"},
        {std::string("a: 1\nb: \0\n", 10), "2:4: a NUL byte"},
        {"a: \xff\n", "1:4: not valid UTF-8"},
        {"ä: \x1b\n", "1:4: a control character"},
        {"\xef\xbb\xbf"
         "a: 1\n",
         "1:1: starts with a byte order mark"},
        {"%YAML 2.0\n---\na: 1\n", "1:1: YAML major version too large"},
    };
    for (const auto& [text, reason] : cases) EXPECT_EQ(read(text), cat("t.yaml:", reason)) << text;
}

TEST(Yaml, RefusesWhatHurts) {
    const std::string deep = std::string(64, '[') + "1" + std::string(64, ']');
    EXPECT_EQ(read(deep).substr(0, 4), "[[[[");
    EXPECT_EQ(read("[" + deep + "]"), "t.yaml:1:65: is nested more than 64 deep");
    EXPECT_EQ(read(std::string(200, '[')), "t.yaml:1:1: a key must be a scalar");  // as yaml-cpp sees it
    EXPECT_EQ(read(std::string(document_limit + 1, '#')), "t.yaml: is longer than 262144 bytes");

    std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";  // nine to the power of ten
    for (int i = 1; i < 10; ++i) {
        laughs += cat("a", i, ": &a", i, " [");
        for (int twin = 0; twin < 9; ++twin) laughs += cat(twin == 0 ? "" : ", ", "*a", i - 1);
        laughs += "]\n";
    }
    EXPECT_EQ(read(laughs), "t.yaml:5:40: is more than 65536 values, with those that aliases stand for");

    std::string loud = cat("a: &a ", std::string(100'000, 'x'), "\nb: [");
    for (int i = 0; i < 50; ++i) loud += "*a, ";
    EXPECT_EQ(read(loud + "]\n"),
              "t.yaml:2:161: is more than 4194304 bytes, with those that aliases stand for");

    std::string tall = "a: &a0 [[[[[[[[x]]]]]]]]\n";  // each holds the one before seven levels down
    for (int i = 1; i < 9; ++i) tall += cat("a", i, ": &a", i, " [[[[[[[*a", i - 1, "]]]]]]]\n");
    EXPECT_EQ(read(tall), "t.yaml:9:16: is nested more than 64 deep");
}

TEST(Yaml, ScalarsOfTheCoreSchema) {
    const auto type = [](std::string_view text) {
        return scalar_type({Kind::scalar, std::string(text), true});
    };
    for (const auto* text : {"null", "~", "Null"}) EXPECT_EQ(type(text), ScalarType::null) << text;
    for (const auto* text : {"true", "FALSE"}) EXPECT_EQ(type(text), ScalarType::boolean) << text;
    for (const auto* text : {"0", "-12", "+7", "0o17", "0xfF", "007"})
        EXPECT_EQ(type(text), ScalarType::integer) << text;
    for (const auto* text : {"0.5", ".5", "1.", "1e3", "-1.5E-3", ".inf", "-.INF", ".nan"})
        EXPECT_EQ(type(text), ScalarType::real) << text;
    for (const auto* text :
         {"yes", "on", "1_000", "0b1", "1.2.3", ".", "-", "e3", "1e", "0x", "--1", "tRue", "-0x1"})
        EXPECT_EQ(type(text), ScalarType::string) << text;
    EXPECT_EQ(scalar_type({Kind::scalar, "12", false}), ScalarType::string);
}

// Whatever stands there, the answer is a tree or a place, and it comes.
TEST(Yaml, NeitherCrashesNorHangs) {
    const std::string good =
        "%YAML 1.2\n---\na: &x [1, 'two', \"th\\x20ree\"]\n? b\n: {c: *x, d: !!str 4}\ne: |2-\n  text\nf: "
        ">\n folded\n# end\n...\n";
    for (std::size_t length = 0; length <= good.size(); ++length)
        (void)parse(good.substr(0, length), "t.yaml");
    for (std::size_t at = 0; at < good.size(); ++at) {
        std::string changed = good;
        for (int byte = 0; byte < 256; ++byte) {
            changed[at] = static_cast<char>(byte);
            const auto node = parse(changed, "t.yaml");
            EXPECT_TRUE(node || node.error().text.starts_with("t.yaml:")) << node.error().text;
        }
    }
}

}  // namespace
}  // namespace bulkhead::yaml
