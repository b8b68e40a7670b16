// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <utility>

namespace bulkhead {
namespace {

// Counts how many of it live.
struct Counted {
    static inline int live = 0;
    Counted() { ++live; }
    Counted(const Counted&) { ++live; }
    Counted(Counted&&) noexcept { ++live; }
    ~Counted() { --live; }
};

Result<Counted> make(bool well) {
    if (!well) return fail(Kind::internal, "made in vain");
    return Counted();
}

Result<> built_up_and_left(bool second) {
    const Counted own;
    LET(const Counted first, make(true));
    LET(const Counted other, make(second));
    TRY(make(false));
    return {};
}

Result<int> doubled(Result<std::unique_ptr<int>> number) {
    LET(const auto value, std::move(number));
    return *value * 2;
}

TEST(ErrnoWords, AreLowerCaseAsGoPrintsThem) {
    const std::pair<int, std::string_view> table[] = {
        {EACCES, "permission denied"},
        {EPERM, "operation not permitted"},
        {ENOENT, "no such file or directory"},
        {EEXIST, "file exists"},
        {ELOOP, "too many levels of symbolic links"},
        {99999, "errno 99999"},
    };
    for (const auto& [err, words] : table) EXPECT_EQ(errno_words(err), words);
}

TEST(SystemError, HasKindErrnoAndASentence) {
    const std::pair<int, Kind> table[] = {
        {EPERM, Kind::denied},  {EACCES, Kind::denied}, {ENOENT, Kind::not_found},   {ESRCH, Kind::not_found},
        {EEXIST, Kind::exists}, {EBUSY, Kind::kernel},  {ENOSYS, Kind::unsupported},
    };
    for (const auto& [err, kind] : table) {
        const Error error = system_error(err, "mkdir", "/x").error();
        EXPECT_EQ(error.kind, kind) << err;
        EXPECT_EQ(error.err, err);
    }
    EXPECT_EQ(system_error(EACCES, "mkdir", "/x").error().text, "mkdir /x: permission denied");
    EXPECT_EQ(system_error(EACCES, "fchdir").error().text, "fchdir: permission denied");
}

TEST(SystemError, EscapesItsArgument) {
    EXPECT_EQ(system_error(ENOENT, "open", "a\x1b[2J").error().text,
              "open a\\x1b[2J: no such file or directory");
}

TEST(Fail, JoinsItsPieces) {
    const Error error = fail(Kind::usage, "id ", 3, '!').error();
    EXPECT_EQ(error.kind, Kind::usage);
    EXPECT_EQ(error.err, 0);
    EXPECT_EQ(error.text, "id 3!");
}

TEST(Under, PutsAPhraseInFrontAndKeepsTheRest) {
    const Error error = system_error(EBUSY, "rmdir", "c").error().under("inner").under("outer");
    EXPECT_EQ(error.text, "outer: inner: rmdir c: device or resource busy");
    EXPECT_EQ(error.err, EBUSY);
    EXPECT_EQ(error.kind, Kind::kernel);
}

TEST(TryAndLet, LeaveNothingBehind) {
    for (const bool second : {true, false}) {
        const auto result = built_up_and_left(second);
        EXPECT_EQ(result.error().text, "made in vain");
        EXPECT_EQ(Counted::live, 0);
    }
}

TEST(Let, MovesWhatCannotBeCopied) {
    EXPECT_EQ(doubled(std::make_unique<int>(21)).value(), 42);
    EXPECT_EQ(doubled(fail(Kind::exists, "no")).error().kind, Kind::exists);
}

}  // namespace
}  // namespace bulkhead
