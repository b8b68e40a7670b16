// SPDX-License-Identifier: Apache-2.0
#include "base/json_writer.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace bulkhead {
namespace {

using Style = JsonWriter::Style;

TEST(JsonWriter, PutsEveryMemberOnALine) {
    JsonWriter writer;
    writer.object(Style::lines).member("a", 1).key("b").array(Style::lines).value(true).value("x").end();
    EXPECT_EQ(std::move(writer.end()).text(), "{\n  \"a\": 1,\n  \"b\": [\n    true,\n    \"x\"\n  ]\n}");
}

TEST(JsonWriter, OnOneLineWithAndWithoutSpaces) {
    for (const auto& [style, text] : {std::pair(Style::spaced, R"({"a": 1, "b": [2, 3]})"),
                                      std::pair(Style::compact, R"({"a":1,"b":[2,3]})")}) {
        JsonWriter writer;
        writer.object(style).member("a", 1).key("b").array(style).value(2).value(3).end().end();
        EXPECT_EQ(std::move(writer).text(), text);
    }
}

TEST(JsonWriter, LeavesNothingInsideOfWhatIsEmpty) {
    for (const Style style : {Style::lines, Style::spaced, Style::compact, Style::filled}) {
        JsonWriter writer;
        writer.object(style).key("a").array(style).end().key("b").object(style).end().end();
        const std::string text = std::move(writer).text();
        EXPECT_NE(text.find("[]"), text.npos) << text;
        EXPECT_NE(text.find("{}"), text.npos) << text;
    }
}

TEST(JsonWriter, KnowsHowDeepItsTextWillStand) {
    JsonWriter writer("\t", 2);
    writer.object(Style::lines).member("a", false).end();
    EXPECT_EQ(std::move(writer).text(), "{\n\t\t\t\"a\": false\n\t\t}");
}

TEST(JsonWriter, FillsLines) {
    JsonWriter writer(" ");
    writer.array(Style::filled);
    for (int i = 0; i < 60; ++i) writer.value(std::string(4, 'x'));
    const std::string text = std::move(writer.end()).text();
    std::size_t begin = 0;
    for (std::size_t end = text.find('\n'); end != text.npos; begin = end + 1, end = text.find('\n', begin)) {
        EXPECT_GT(end - begin, 100u);
        EXPECT_LT(end - begin, 112u);
        EXPECT_EQ(text[end - 1], ',');
    }
    EXPECT_GT(begin, 0u);
}

TEST(JsonWriter, EscapesKeysAndTexts) {
    JsonWriter writer;
    writer.object(Style::compact).member("a\"\n", "\x01\\").end();
    EXPECT_EQ(std::move(writer).text(), "{\"a\\\"\\n\":\"\\u0001\\\\\"}");
}

TEST(JsonWriter, WritesNumbersWhole) {
    JsonWriter writer;
    writer.array(Style::compact)
        .value(std::numeric_limits<std::uint64_t>::max())
        .value(std::int64_t{-5})
        .end();
    EXPECT_EQ(std::move(writer).text(), "[18446744073709551615,-5]");
}

TEST(JsonWriter, TakesWhatIsJsonAlready) {
    JsonWriter writer;
    writer.object(Style::spaced).key("a").raw(R"({"b":1})").member("c", 2).end();
    EXPECT_EQ(std::move(writer).text(), R"({"a": {"b":1}, "c": 2})");
}

}  // namespace
}  // namespace bulkhead
