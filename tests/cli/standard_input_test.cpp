// SPDX-License-Identifier: Apache-2.0
#include "cli/standard_input.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string_view>

#include "base/sys.hpp"
#include "spec/json.hpp"
#include "support.hpp"

namespace bulkhead::cli {
namespace {

// What is read where a caller has written these and keeps its pipe open, or not.
Result<std::string> document_of(std::initializer_list<std::string_view> writes, bool closed = false) {
    sys::Pipe pipe = std::move(*sys::pipe());
    for (const std::string_view text : writes) EXPECT_TRUE(sys::write_all(pipe.writer.number(), text));
    if (closed) pipe.writer.reset();
    Result<std::string> document;
    with_descriptor(STDIN_FILENO, pipe.reader.number(), [&] { document = read_document(50); });
    return document;
}

TEST(ReadDocument, EndsWithTheBracketThatClosesIt) {
    EXPECT_EQ(document_of({"{}"}).value(), "{}");
    EXPECT_EQ(document_of({" \n{\"a\": [1, {\"b\": 2}]", "} {\"c\": 3}"}).value(),
              " \n{\"a\": [1, {\"b\": 2}]}");
    EXPECT_EQ(document_of({R"({"}": "]\"}\\"})", "]"}).value(), R"({"}": "]\"}\\"})");
    EXPECT_EQ(document_of({"[]x"}).value(), "[]");
}

TEST(ReadDocument, EndsWithTheInputToo) {
    for (const char* text : {"", "null", "{\"a\"", "}", "\"{}\""})
        EXPECT_EQ(document_of({text}, true).value(), text);
}

TEST(ReadDocument, GivesUpACallerThatWritesNothingMore) {
    for (const char* text : {"", "null", "{\"a\"", "}"}) {
        const auto document = document_of({text});
        ASSERT_FALSE(document) << text;
        EXPECT_EQ(document.error().text, "-: no whole JSON document, and nothing more for 50 ms");
    }
}

}  // namespace
}  // namespace bulkhead::cli
