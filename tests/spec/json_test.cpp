// SPDX-License-Identifier: Apache-2.0
#include "spec/json.hpp"

#include <gtest/gtest.h>

#include "support.hpp"

namespace bulkhead::json {
namespace {

using spec::test::times;
using namespace std::string_view_literals;

std::string error_of(std::string_view text) {
    const auto tree = read(text, "x.json");
    return tree ? "fine" : tree.error().text;
}

struct Refused {
    std::string_view text;
    std::string_view error;
};

TEST(Value, HasNoTextWhereItIsNone) {
    const auto tree = read(R"([9223372036854775807, -1, true, null, {"a": 1}, [], 1.5, "x"])", "x.json");
    std::vector<std::string> texts;
    for (const Value each : root(*tree).children()) texts.emplace_back(each.text());
    EXPECT_EQ(texts, (std::vector<std::string>{"", "", "", "", "", "", "1.5", "x"}));
}

class Broken : public testing::TestWithParam<Refused> {};

TEST_P(Broken, is_refused_with_its_place) {
    const auto tree = read(GetParam().text, "x.json");
    ASSERT_FALSE(tree) << GetParam().text;
    EXPECT_EQ(tree.error().kind, Kind::invalid_config);
    EXPECT_TRUE(tree.error().text.starts_with(GetParam().error)) << tree.error().text;
}

INSTANTIATE_TEST_SUITE_P(
    grammar, Broken,
    testing::Values(Refused{""sv, "x.json: line 1, column 1: syntax error"},
                    Refused{"   "sv, "x.json: line 1, column 4: syntax error"},
                    Refused{"{"sv, "x.json: line 1, column 2: syntax error"},
                    Refused{"{\"a\":1"sv, "x.json: line 1, column 7: syntax error"},
                    Refused{"{\n \"a\": tru\n}"sv, "x.json: line 2, column 10: syntax error"},
                    Refused{"{\"a\":1,}"sv, "x.json: line 1, column 8: syntax error"},
                    Refused{"[1,]"sv, "x.json: line 1, column 4: syntax error"},
                    Refused{"{'a':1}"sv, "x.json: line 1, column 2: syntax error"},
                    Refused{"{a:1}"sv, "x.json: line 1, column 2: syntax error"},
                    Refused{"// hi\n{}"sv, "x.json: line 1, column 1: syntax error"},
                    Refused{"{} x"sv, "x.json: line 1, column 4: syntax error"},
                    Refused{"{}{}"sv, "x.json: line 1, column 3: syntax error"},
                    Refused{"{}\n\n{}"sv, "x.json: line 3, column 1: syntax error"},
                    Refused{"[01]"sv, "x.json: line 1, column 3: syntax error"},
                    Refused{"[+1]"sv, "x.json: line 1, column 2: syntax error"},
                    Refused{"[NaN]"sv, "x.json: line 1, column 2: syntax error"},
                    Refused{"\xef\xbb\xbf{}"sv, "x.json: line 1, column 1: starts with a byte order mark"},
                    Refused{"\xff\xfe{\0}\0"sv, "x.json: byte 3: is a NUL byte"},
                    Refused{"{}\0"sv, "x.json: byte 2: is a NUL byte"},
                    Refused{"{}\0evil"sv, "x.json: byte 2: is a NUL byte"},
                    Refused{"[\"\xff\"]"sv, "x.json: line 1, column 3: syntax error"},
                    Refused{"[\"\xc0\xaf\"]"sv, "x.json: line 1, column 3: syntax error"},
                    Refused{"[\"\xed\xa0\x80\"]"sv, "x.json: line 1, column 4: syntax error"},
                    Refused{"[\"\\ud800\"]"sv, "x.json: line 1, column 9: syntax error"},
                    Refused{"[\"\\udc00\"]"sv, "x.json: line 1, column 8: syntax error"},
                    Refused{"[\"\\ud800\\u0041\"]"sv, "x.json: line 1, column 14: syntax error"},
                    Refused{"[\"\n\"]"sv, "x.json: line 1, column 3: syntax error"},
                    Refused{"[\"\\x\"]"sv, "x.json: line 1, column 4: syntax error"}));

INSTANTIATE_TEST_SUITE_P(
    bounds, Broken,
    testing::Values(Refused{"{\"a\":{\"b\":1,\"c\":2,\"b\":3}}"sv, "x.json: /a/b: is given twice"},
                    Refused{"{\"b\":1,\"\\u0062\":2}"sv, "x.json: /b: is given twice"},
                    Refused{"{\"a/b~c\":1,\"a/b~c\":2}"sv, "x.json: /a~1b~0c: is given twice"},
                    Refused{"{\"\":1,\"\":2}"sv, "x.json: /: is given twice"},
                    Refused{"{\"a\":[1,1e400]}"sv, "x.json: /a/1: number overflow parsing '1e400'"},
                    Refused{"{\"a\":-1e400}"sv, "x.json: /a: number overflow parsing '-1e400'"},
                    Refused{"{\"a\":[\"x\",\"\\u0000\"]}"sv, "x.json: /a/1: string has a NUL byte in it"},
                    Refused{"{\"a\":{\"x\\u0000y\":1}}"sv, "x.json: /a/x\\x00y: key has a NUL byte in it"},
                    Refused{"\"\\u0000\""sv, "x.json: string has a NUL byte in it"}));

struct Bound {
    std::string_view what;
    std::string (*text)(bool over);
    std::string_view error;
};

class AtTheBound : public testing::TestWithParam<Bound> {};

TEST_P(AtTheBound, is_taken_and_one_more_is_refused) {
    EXPECT_EQ(error_of(GetParam().text(false)), "fine");
    EXPECT_TRUE(error_of(GetParam().text(true)).ends_with(GetParam().error))
        << error_of(GetParam().text(true));
}

std::string nested(bool over) { return cat(times(over ? 65 : 64, "["), times(over ? 65 : 64, "]")); }
std::string document(bool over) { return cat("{}", std::string(document_limit - (over ? 1 : 2), ' ')); }
std::string text(bool over) { return cat("[\"", std::string(string_limit + over, 'x'), "\"]"); }
std::string key(bool over) { return cat("{\"", std::string(string_limit + over, 'x'), "\":1}"); }
std::string list(bool over) { return cat("[", times(list_limit - (over ? 0 : 1), "1,"), "1]"); }
std::string nodes(bool over) {  // the outermost, 16 full lists and one that is not, and what is in them
    const std::string full = cat("[", times(60'000 - 1, "1,"), "1],");
    const std::size_t rest = node_limit - 18 - 16 * 60'000 + (over ? 1 : 0);
    return cat("[", times(16, full), "[", times(rest - 1, "1,"), "1]]");
}
std::string object(bool over) {
    std::string members = "{";
    for (std::size_t i = 0; i < list_limit + over; ++i)
        members.append(cat(i == 0 ? "" : ",", "\"", i, "\":0"));
    return members.append("}");
}

INSTANTIATE_TEST_SUITE_P(all, AtTheBound,
                         testing::Values(Bound{"depth", nested, "/0/0/0: is nested more than 64 deep"},
                                         Bound{"document", document, "x.json: is longer than 16777216 bytes"},
                                         Bound{"string", text, "/0: string is longer than 1048576 bytes"},
                                         Bound{"key", key, "x...: key is longer than 1048576 bytes"},
                                         Bound{"list", list, "/65536: is more than 65536 values in one list"},
                                         Bound{"object", object,
                                               "/65536: is more than 65536 values in one list"},
                                         Bound{"nodes", nodes, "is more than 1000000 values"}),
                         [](const auto& each) { return std::string(each.param.what); });

TEST(Json, stops_at_the_65th_of_five_million_brackets) {
    EXPECT_TRUE(error_of(times(5'000'000, "[")).ends_with("is nested more than 64 deep"));
    EXPECT_TRUE(error_of(times(3'000'000, "{\"a\":")).ends_with("is nested more than 64 deep"));
}

TEST(Json, reads_every_type) {
    const auto tree = read(R"([null, true, false, 7, -7, -0, 1.50, "a\u00e9", {"k": [1, 2]}, []])", "x");
    std::vector<Type> types;
    for (const Value value : root(*tree).children()) types.push_back(value.type());
    EXPECT_EQ(types, (std::vector{Type::null, Type::boolean, Type::boolean, Type::natural, Type::negative,
                                  Type::natural, Type::real, Type::string, Type::object, Type::array}));
}

TEST(Json, keeps_whole_numbers_whole) {
    const auto tree = read("[18446744073709551615, -9223372036854775808]", "x");
    const auto numbers = root(*tree).children();
    EXPECT_EQ((*numbers.begin()).whole<std::uint64_t>(0, UINT64_MAX), UINT64_MAX);
    EXPECT_EQ((*numbers.begin()).whole<std::int64_t>(INT64_MIN, INT64_MAX), std::nullopt);
    EXPECT_EQ((*++numbers.begin()).whole<std::int64_t>(INT64_MIN, INT64_MAX), INT64_MIN);
}

TEST(Json, finds_members_and_names_their_place) {
    const auto tree = read(R"({"a": 1, "b/c": {"d": [0, {"~": "deep"}]}})", "x");
    const Value list = *root(*tree).find("b/c")->find("d");
    const Value deep = *(*++list.children().begin()).find("~");
    EXPECT_EQ(deep.text(), "deep");
    EXPECT_EQ(deep.pointer(), "/b~1c/d/1/~0");
    EXPECT_EQ(root(*tree).find("c"), std::nullopt);
    EXPECT_EQ(deep.find("x"), std::nullopt);
}

TEST(Json, shows_a_value_bounded_and_escaped) {
    const auto tree = read(R"(["\u001b[2J", {"a": 1}, [], 1.5, -3, null])", "x");
    std::vector<std::string> errors;
    for (const Value value : root(*tree).children()) errors.push_back(value.refuse("no").error().text);
    EXPECT_EQ(errors, (std::vector<std::string>{R"(x: /0: "\x1b[2J": no)", "x: /1: an object: no",
                                                "x: /2: an array: no", "x: /3: 1.5: no", "x: /4: -3: no",
                                                "x: /5: null: no"}));
    EXPECT_LT(error_of(cat("{\"", std::string(500'000, 'k'), "\":\"\\u0000\"}")).size(), 400U);
}

}  // namespace
}  // namespace bulkhead::json
