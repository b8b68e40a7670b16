// SPDX-License-Identifier: Apache-2.0
#include "seccomp/cache.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "base/waiting.hpp"
#include "interpreter.hpp"
#include "seccomp/cache_file.hpp"
#include "seccomp/default_profile.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"

namespace bulkhead::seccomp::test {
namespace {

namespace fs = std::filesystem;
using bulkhead::test::Folder;

// A profile with a number in it.
spec::Seccomp numbered(std::uint32_t number) {
    spec::Seccomp made{.default_action = spec::SeccompAction::allow,
                       .default_errno_ret = {},
                       .architectures = {},
                       .flags = {},
                       .listener_path = {},
                       .listener_metadata = {},
                       .syscalls = {}};
    made.syscalls.push_back({{"getpid"}, spec::SeccompAction::error, number, {}});
    return made;
}

// A state root with the program of one profile in its cache.
class Cache : public testing::Test {
  protected:
    void SetUp() override { ASSERT_TRUE(cached_program(root.fd(), one)); }

    std::string directory() const { return root / cache_directory; }
    std::string file() const { return directory() + "/" + hexadecimal(hash_of(cache_key(one))); }
    bool is_good() const {
        return read_cache_text(bulkhead::test::text_of(file()), cache_key(one)).has_value();
    }
    // What the program that is got answers to getpid.
    std::uint32_t got() const { return answer(cached_program(root.fd(), one).value(), {39}); }
    // Puts a program into the cache that compile would never make of this profile.
    void plant() const {
        const Program strange{{{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_TRAP}}, 0, false};
        ASSERT_TRUE(replace_file_at(bulkhead::sys::here, file(), cache_text(cache_key(one), strange), 0600));
    }

    Folder root;
    const spec::Seccomp one = numbered(1);
};

TEST_F(Cache, IsPrivate) {
    EXPECT_EQ(bulkhead::test::status_of_path(directory()).st_mode, S_IFDIR | 0700u);
    EXPECT_EQ(bulkhead::test::status_of_path(file()).st_mode, S_IFREG | 0600u);
    EXPECT_TRUE(is_good());
}

TEST_F(Cache, IsWhatASecondCallReads) {
    EXPECT_EQ(got(), refused(1));
    plant();
    EXPECT_EQ(got(), std::uint32_t{SECCOMP_RET_TRAP}) << "the file was read, nothing compiled";
}

TEST_F(Cache, GivesTheSameProgramAsTheCompiler) {
    const spec::Seccomp profile = default_profile();
    const Program direct = compile(profile).value();
    for (int round = 0; round < 2; ++round) {
        const Program cached = cached_program(root.fd(), profile).value();
        ASSERT_EQ(cached.instructions.size(), direct.instructions.size());
        EXPECT_EQ(std::memcmp(cached.instructions.data(), direct.instructions.data(),
                              direct.instructions.size() * sizeof(sock_filter)),
                  0);
        EXPECT_EQ(cached.flags, direct.flags);
    }
}

TEST_F(Cache, OfOneProfileIsNotThatOfAnother) {
    plant();
    EXPECT_EQ(answer(cached_program(root.fd(), numbered(2)).value(), {39}), refused(2));
}

TEST_F(Cache, OfTheSameHashIsComparedByItsKey) {
    const Program strange{{{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_TRAP}}, 0, false};
    ASSERT_TRUE(replace_file_at(bulkhead::sys::here, file(), cache_text("another key", strange), 0600));
    EXPECT_EQ(got(), refused(1));
    EXPECT_TRUE(is_good()) << "written anew";
}

TEST_F(Cache, ThatIsDamagedIsWrittenAnew) {
    for (const char* text : {"", "bhseccmp", "something else altogether, and longer than the header is"}) {
        bulkhead::test::write_text(file(), text);
        EXPECT_EQ(got(), refused(1)) << text;
        EXPECT_TRUE(is_good()) << text;
    }
}

TEST_F(Cache, ThatOthersMayReadOrWriteIsNotUsed) {
    for (const mode_t mode : {0644u, 0620u, 0602u, 0700u, 04600u}) {
        plant();
        ASSERT_EQ(::chmod(file().c_str(), mode), 0);
        EXPECT_EQ(got(), refused(1)) << mode;
        EXPECT_TRUE(is_good());
    }
}

TEST_F(Cache, ThatIsALinkIsReplacedNotFollowed) {
    plant();
    fs::rename(file(), root / "elsewhere");
    fs::create_symlink(root / "elsewhere", file());
    EXPECT_EQ(got(), refused(1));
    EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(file())));
    EXPECT_TRUE(read_cache_text(bulkhead::test::text_of(root / "elsewhere"), cache_key(one)));
}

TEST_F(Cache, ThatIsNoFileDoesNotHang) {
    fs::remove(file());
    ASSERT_EQ(::mkfifo(file().c_str(), 0600), 0);
    EXPECT_EQ(got(), refused(1));
    EXPECT_TRUE(is_good());
    fs::remove(file());
    fs::create_directory(file());
    EXPECT_EQ(got(), refused(1)) << "what stands in its place and cannot be replaced is no error";
}

TEST_F(Cache, InADirectoryForEverybodyIsNotUsed) {
    plant();
    ASSERT_EQ(::chmod(directory().c_str(), 0755), 0);
    EXPECT_EQ(got(), refused(1));
    const auto kept = read_cache_text(bulkhead::test::text_of(file()), cache_key(one));
    EXPECT_EQ(kept->instructions.size(), 1u) << "nor written to";
}

TEST_F(Cache, BehindALinkIsNotUsed) {
    plant();
    fs::rename(directory(), root / "elsewhere");
    fs::create_directory_symlink(root / "elsewhere", directory());
    EXPECT_EQ(got(), refused(1));
}

TEST_F(Cache, OfAnotherOwnerIsNotUsed) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to give a file away";
    plant();
    ASSERT_EQ(::chown(file().c_str(), 1000, 0), 0);
    EXPECT_EQ(got(), refused(1));
    plant();
    ASSERT_EQ(::chown(directory().c_str(), 1000, 0), 0);
    EXPECT_EQ(got(), refused(1));
}

TEST_F(Cache, ThatCannotBeMadeIsNoError) {
    fs::remove_all(directory());
    bulkhead::test::write_text(directory(), "a file");
    EXPECT_EQ(got(), refused(1));
    EXPECT_EQ(answer(cached_program(-1, one).value(), {39}), refused(1));
}

TEST_F(Cache, KeepsTheNewestPrograms) {
    bulkhead::test::write_text(directory() + "/abandoned.17.tmp", "x");
    for (std::uint32_t number = 100; number < 100 + cache_limit; ++number) {
        ASSERT_TRUE(cached_program(root.fd(), numbered(number)));
        if (number % 16 == 0) bulkhead::sys::pause(10);  // a tick of the file system's clock
    }
    EXPECT_LE(names_in(bulkhead::Fd(::open(directory().c_str(), O_RDONLY)).number())->size(), cache_limit);
    EXPECT_FALSE(bulkhead::test::is_there(file())) << "the first one is gone";
    EXPECT_FALSE(bulkhead::test::is_there(directory() + "/abandoned.17.tmp"));
    EXPECT_TRUE(bulkhead::test::is_there(directory() + "/" +
                                         hexadecimal(hash_of(cache_key(numbered(99 + cache_limit))))));
}

TEST_F(Cache, TakesWritersAtTheSameTime) {
    for (int round = 0; round < 5; ++round) {
        fs::remove_all(directory());
        std::vector<pid_t> writers;
        for (int i = 0; i < 8; ++i) {
            const pid_t child = ::fork();
            ASSERT_NE(child, -1);
            if (child == 0) {
                const auto program = cached_program(root.fd(), one);
                ::_exit(program && answer(*program, {39}) == refused(1) ? 0 : 1);
            }
            writers.push_back(child);
        }
        for (const pid_t child : writers) EXPECT_EQ(bulkhead::test::reap(child), 0);
        EXPECT_TRUE(is_good());
        EXPECT_EQ(std::distance(fs::directory_iterator(directory()), {}), 1) << "no temporary file is left";
    }
}

// ---- the key --------------------------------------------------------------------------------------------

struct Change {
    const char* what;
    void (*apply)(spec::Seccomp&);
};
class Key : public testing::TestWithParam<Change> {};

TEST_P(Key, ChangesWith) {
    const spec::Seccomp before = profile(R"({"defaultAction":"SCMP_ACT_ERRNO","flags":[],"syscalls":[
        {"names":["a","b"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":1,"op":"SCMP_CMP_EQ"}]},
        {"names":["c"],"action":"SCMP_ACT_ERRNO","errnoRet":2}]})");
    spec::Seccomp after = before;
    GetParam().apply(after);
    EXPECT_EQ(cache_key(before), cache_key(before));
    EXPECT_NE(cache_key(before), cache_key(after)) << GetParam().what;
}

INSTANTIATE_TEST_SUITE_P(
    all, Key,
    testing::Values(Change{"default", [](auto& it) { it.default_action = spec::SeccompAction::trap; }},
                    Change{"default errno", [](auto& it) { it.default_errno_ret = 1; }},
                    Change{"architecture",
                           [](auto& it) { it.architectures.push_back(spec::SeccompArch::x86); }},
                    Change{"a flag", [](auto& it) { it.flags->push_back(spec::SeccompFlag::log); }},
                    Change{"no flags", [](auto& it) { it.flags.reset(); }},
                    Change{"a name", [](auto& it) { it.syscalls[0].names[0] = "d"; }},
                    Change{"names in one", [](auto& it) { it.syscalls[0].names = {"a b"}; }},
                    Change{"names that look like two", [](auto& it) { it.syscalls[0].names = {"a 1:b"}; }},
                    Change{"rules in one", [](auto& it) { it.syscalls.pop_back(); }},
                    Change{"action", [](auto& it) { it.syscalls[0].action = spec::SeccompAction::log; }},
                    Change{"errno", [](auto& it) { it.syscalls[1].errno_ret = 3; }},
                    Change{"no errno", [](auto& it) { it.syscalls[1].errno_ret.reset(); }},
                    Change{"index", [](auto& it) { it.syscalls[0].args[0].index = 1; }},
                    Change{"value", [](auto& it) { it.syscalls[0].args[0].value = 2; }},
                    Change{"second value", [](auto& it) { it.syscalls[0].args[0].value_two = 1; }},
                    Change{"operator", [](auto& it) { it.syscalls[0].args[0].op = spec::SeccompOp::ne; }},
                    Change{"order", [](auto& it) { std::swap(it.syscalls[0], it.syscalls[1]); }}));

TEST(Key, NamesLibraryKernelAndMachine) {
    const std::string key = cache_key(numbered(1));
    EXPECT_TRUE(key.starts_with("bulkhead seccomp 1\nlibseccomp 2.")) << key;
    EXPECT_TRUE(key.contains("\nkernel "));
}

TEST(Key, DoesNotChangeWithTheListener) {
    spec::Seccomp heard = numbered(1);
    heard.listener_path = "/run/agent";
    heard.listener_metadata = "x";
    EXPECT_EQ(cache_key(heard), cache_key(numbered(1)));
}

}  // namespace
}  // namespace bulkhead::seccomp::test
