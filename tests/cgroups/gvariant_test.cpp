// SPDX-License-Identifier: Apache-2.0
#include "cgroups/systemd/gvariant.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace bulkhead::cgroups {
namespace {

struct Case {
    std::string_view text;
    BusValue value;
};

void expect_all(const std::vector<Case>& cases) {
    for (const Case& c : cases) {
        const auto parsed = parse_gvariant(c.text);
        ASSERT_TRUE(parsed) << c.text << ": " << parsed.error().text;
        EXPECT_EQ(parsed->signature, c.value.signature) << c.text;
        EXPECT_EQ(parsed->values, c.value.values) << c.text;
    }
}

TEST(Gvariant, SingleValues) {
    expect_all({
        {"true", {"b", {"true"}}},
        {" false\n", {"b", {"false"}}},
        {"boolean true", {"b", {"true"}}},
        {"15", {"i", {"15"}}},
        {"-15", {"i", {"-15"}}},
        {"-0", {"i", {"0"}}},
        {"0x1f", {"i", {"31"}}},
        {"010", {"i", {"8"}}},
        {"uint64 30000000", {"t", {"30000000"}}},
        {"uint64 18446744073709551615", {"t", {"18446744073709551615"}}},
        {"int64 -9223372036854775808", {"x", {"-9223372036854775808"}}},
        {"int32 -2147483648", {"i", {"-2147483648"}}},
        {"uint32 4294967295", {"u", {"4294967295"}}},
        {"2.5", {"d", {"2.5"}}},
        {"1e3", {"d", {"1e3"}}},
        {"double 5", {"d", {"5"}}},
        {"'inactive-or-failed'", {"s", {"inactive-or-failed"}}},
        {"\"it's\"", {"s", {"it's"}}},
        {R"('it\'s a \\')", {"s", {"it's a \\"}}},
        {"''", {"s", {""}}},
        {"string 'a'", {"s", {"a"}}},
    });
}

TEST(Gvariant, Arrays) {
    expect_all({
        {"['crio.service']", {"as", {"1", "crio.service"}}},
        {"[ 'a' , 'b' ]", {"as", {"2", "a", "b"}}},
        {"@as []", {"as", {"0"}}},
        {"@au [1, 2]", {"au", {"2", "1", "2"}}},
        {"[uint64 1, 2]", {"at", {"2", "1", "2"}}},
        {"@ab [boolean true, false]", {"ab", {"2", "true", "false"}}},
    });
}

TEST(Gvariant, RefusesTheRest) {
    constexpr std::string_view numbers =
        "uint64|uint64 -1|uint64 18446744073709551616|uint32 4294967296|uint32 -1|2147483648|"
        "-2147483649|0x|08|5x|--5|+-5|uint64 'a'|uint64 true|uint64 2.5|double nan|1e999|5 6|uint64 uint64 "
        "5|uint64";
    constexpr std::string_view words =
        "|  |maybe|tru|truee|True|boolean 1|string 5|'a|\"a'|'a\\n'|'a\\|'a'b|<5>|{'a': 5}|b'bytes'|just 5|"
        "nothing|a.service|@as|@as[]|@as 'a'|@s 'a'|@t 5|@ 5|@v 5|@a 5|@aas []|@( 5|@mi 5|"
        "byte 5|int16 5|objectpath '/a'|signature 'as'|stringy 'a'";
    constexpr std::string_view containers =
        "[|['a'|['a',|['a' 'b']|['a',]|[]|['a', 5]|[1, uint64 2]|@as ['a', 5]|(1,)|('a', 1)|"
        "[[1]]|@as [@as []]|[(1,)]";
    const std::string all = cat(numbers, '|', words, '|', containers);
    for (const std::string_view text : split(all, '|')) {
        const auto parsed = parse_gvariant(text);
        EXPECT_FALSE(parsed) << text << " is " << parsed->signature;
        if (!parsed) {
            EXPECT_EQ(parsed.error().kind, Kind::invalid_config) << text;
            EXPECT_FALSE(parsed.error().text.empty()) << text;
        }
    }
}

TEST(Gvariant, StringsOfDBusHaveNoNul) { EXPECT_FALSE(parse_gvariant(std::string_view("'a\0b'", 5))); }

TEST(Gvariant, SaysWhatIsWrong) {
    const auto words = [](std::string_view text) { return parse_gvariant(text).error().text; };
    EXPECT_EQ(words(""), "a value is missing");
    EXPECT_EQ(words("soon"), "\"soon\": is no value");
    EXPECT_EQ(words("5 6"), "\"6\": stands after the value");
    EXPECT_EQ(words("uint32 -1"), "\"-1\": does not fit into the type u");
    EXPECT_EQ(words("['a', 5]"), "\"5\": is a number, and must be of the type s");
    EXPECT_EQ(words("[]"), "an empty array needs its type in front: @as []");
    EXPECT_TRUE(words("@" + std::string(1 << 20, 'a')).contains("does not begin with the type of an array"));
    EXPECT_EQ(words("'a"), "the string has no end");
}

// Whatever stands there, it ends, and reads nothing behind its end (AddressSanitizer looks).
TEST(Gvariant, SurvivesEveryPrefixAndEveryByte) {
    const std::string text = "@as [ string 'a\\'', \"b\"]";
    for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(parse_gvariant(text.substr(0, size)));
    for (std::size_t at = 0; at < text.size(); ++at)
        for (int byte = 0; byte < 256; ++byte) {
            std::string changed = text;
            changed[at] = static_cast<char>(byte);
            (void)parse_gvariant(changed);
        }
}

}  // namespace
}  // namespace bulkhead::cgroups
