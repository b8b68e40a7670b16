// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace bulkhead {
namespace {

TEST(Cat, JoinsWordsLettersAndNumbers) {
    EXPECT_EQ(cat("pid ", 12, ':', std::string(" sh"), std::string_view("!")), "pid 12: sh!");
    EXPECT_EQ(cat(), "");
}

TEST(Cat, WritesTheExtremesOfEveryWidth) {
    EXPECT_EQ(cat(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
    EXPECT_EQ(cat(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
    EXPECT_EQ(cat(std::uint8_t{65}), "65");  // a number, not the letter A
}

TEST(Numbers, OctalAndHexadecimalHaveNoPrefix) {
    EXPECT_EQ(octal(0), "0");
    EXPECT_EQ(octal(0755), "755");
    EXPECT_EQ(octal(0xffffffff), "37777777777");
    EXPECT_EQ(hexadecimal(0x1fffffffffful), "1ffffffffff");
}

TEST(ParseDecimal, TakesDigitsAndNothingElse) {
    const std::pair<std::string_view, std::optional<std::uint8_t>> table[] = {
        {"0", 0},
        {"255", 255},
        {"007", 7},
        {"256", std::nullopt},
        {"", std::nullopt},
        {"-1", std::nullopt},
        {"+1", std::nullopt},
        {" 1", std::nullopt},
        {"1 ", std::nullopt},
        {"0x1", std::nullopt},
        {"1e1", std::nullopt},
        {"99999999999999999999999", std::nullopt},
    };
    for (const auto& [text, expected] : table) EXPECT_EQ(parse_decimal<std::uint8_t>(text), expected) << text;
    EXPECT_EQ(parse_decimal<std::uint64_t>("18446744073709551615"),
              std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(parse_decimal<std::uint64_t>("18446744073709551616"), std::nullopt);
    EXPECT_EQ(parse_decimal<std::uint8_t>(std::string_view("1\0", 2)), std::nullopt);
}

TEST(Split, KeepsEmptyWords) {
    using Words = std::vector<std::string_view>;
    EXPECT_EQ(split("a:b", ':'), (Words{"a", "b"}));
    EXPECT_EQ(split(":a::", ':'), (Words{"", "a", "", ""}));
    EXPECT_EQ(split("", ':'), (Words{""}));
}

TEST(BlankSeparated, HasNoEmptyWords) {
    using Words = std::vector<std::string_view>;
    EXPECT_EQ(blank_separated("  a bc   d "), (Words{"a", "bc", "d"}));
    EXPECT_EQ(blank_separated("a\tb"), (Words{"a\tb"}));
    EXPECT_EQ(blank_separated("  "), Words());
    EXPECT_EQ(blank_separated(""), Words());
}

TEST(Join, IsTheInverseOfSplit) {
    EXPECT_EQ(join({"a", "b"}, "/"), "a/b");
    EXPECT_EQ(join({"a", "", "b", ""}, "/"), "a//b/");
    EXPECT_EQ(join({"", "a"}, "/"), "/a");
    EXPECT_EQ(join({}, "/"), "");
}

TEST(Lower, ChangesAsciiOnly) { EXPECT_EQ(lower("CAP_Kill \xc3\x84 09"), "cap_kill \xc3\x84 09"); }

TEST(Quotable, LeavesWhatAPersonCanRead) {
    const std::string text = "gr\xc3\xbcn \xe2\x82\xac \xf0\x9f\x98\x80 ~ sh";
    EXPECT_EQ(quotable(text), text);
    EXPECT_EQ(quoted("a b"), "\"a b\"");
}

TEST(Quotable, EscapesWhatATerminalWouldObey) {
    const std::pair<std::string, std::string_view> table[] = {
        {"\x1b[31m", "\\x1b[31m"},
        {"a\nb\tc", "a\\x0ab\\x09c"},
        {"\x7f", "\\x7f"},
        {std::string("\0", 1), "\\x00"},
        {"\xc2\x9b"
         "31m",
         "\\xc2\\x9b31m"},  // C1: CSI in one character
        {"\xc2\x80\xc2\xa0", "\\xc2\\x80\xc2\xa0"},
    };
    for (const auto& [text, expected] : table) EXPECT_EQ(quotable(text), expected);
}

TEST(Quotable, EscapesWhatIsNoUtf8) {
    const std::pair<std::string, std::string_view> table[] = {
        {"\xff", "\\xff"},
        {"\xc0\xaf", "\\xc0\\xaf"},                    // overlong /
        {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},           // overlong, three bytes
        {"\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf"},  // overlong, four bytes
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // a surrogate
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // above U+10FFFF
        {"\xe2\x82", "\\xe2\\x82"},                    // cut off
        {"\xf0\x9f\x98", "\\xf0\\x9f\\x98"},           // cut off
        {"\xc3(", "\\xc3("},
        {"\xed\x9f\xbf\xf4\x8f\xbf\xbf", "\xed\x9f\xbf\xf4\x8f\xbf\xbf"},  // the last that are fine
    };
    for (const auto& [text, expected] : table) EXPECT_EQ(quotable(text), expected);
}

TEST(Quotable, IsCutAt256Bytes) {
    EXPECT_EQ(quotable(std::string(256, 'a')), std::string(256, 'a'));
    EXPECT_EQ(quotable(std::string(257, 'a')), std::string(256, 'a') + "...");
    EXPECT_EQ(quotable("abcdef", 3), "abc...");
    EXPECT_EQ(quotable(std::string(300, 'a'), 300), std::string(300, 'a'));
    // A character that straddles the border stays whole.
    EXPECT_EQ(quotable(std::string(255, 'a') + "\xe2\x82\xac" + "z"),
              std::string(255, 'a') + "\xe2\x82\xac...");
    EXPECT_LE(quotable(std::string(1 << 20, '\x1b')).size(), 256u + 3 + 3);
}

TEST(JsonString, EveryByteComesBackFromAParser) {
    for (int byte = 0; byte < 256; ++byte) {
        const std::string text = cat('a', static_cast<char>(byte), 'z');
        const std::string expected = byte < 0x80 ? text : std::string("a\xef\xbf\xbdz");
        EXPECT_EQ(nlohmann::json::parse(json_string(text)).get<std::string>(), expected) << byte;
    }
}

TEST(JsonString, EscapesAndReplacements) {
    EXPECT_EQ(json_string("\"\\\n\t\r\x1b"), R"("\"\\\n\t\u000d\u001b")");
    EXPECT_EQ(json_string("gr\xc3\xbcn \xf0\x9f\x98\x80"), "\"gr\xc3\xbcn \xf0\x9f\x98\x80\"");
    EXPECT_EQ(json_string("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    EXPECT_EQ(json_string(""), "\"\"");
}

}  // namespace
}  // namespace bulkhead
