// SPDX-License-Identifier: Apache-2.0
#include "seccomp/cache_file.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace bulkhead::seccomp {
namespace {

const Program program{
    {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 4}, {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}}, 12, true};

TEST(CacheFile, GivesBackWhatWasPutIn) {
    const auto read = read_cache_text(cache_text("a key", program), "a key");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->flags, 12u);
    EXPECT_TRUE(read->notifies);
    ASSERT_EQ(read->instructions.size(), 2u);
    EXPECT_EQ(std::memcmp(read->instructions.data(), program.instructions.data(), 16), 0);
}

TEST(CacheFile, BelongsToOneKey) {
    const std::string text = cache_text("a key", program);
    for (const char* key : {"", "a ke", "a key ", "b key", "A key"})
        EXPECT_FALSE(read_cache_text(text, key)) << key;
    EXPECT_FALSE(read_cache_text(cache_text("", program), "a"));
}

TEST(CacheFile, OfAnyOtherSizeIsRefused) {
    const std::string text = cache_text("a key", program);
    for (std::size_t size = 0; size < text.size(); ++size)
        EXPECT_FALSE(read_cache_text(text.substr(0, size), "a key")) << size;
    EXPECT_FALSE(read_cache_text(text + '\0', "a key"));
}

TEST(CacheFile, WithAnyBitTurnedIsRefused) {
    const std::string text = cache_text("a key", program);
    for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
        std::string damaged = text;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
        EXPECT_FALSE(read_cache_text(damaged, "a key")) << "bit " << bit;
    }
}

TEST(CacheFile, WithAnUnsoundProgramIsRefused) {
    Program unsound = program;
    unsound.instructions.back().code = BPF_JMP | BPF_JA;
    EXPECT_FALSE(read_cache_text(cache_text("k", unsound), "k"));
    EXPECT_FALSE(read_cache_text(cache_text("k", Program{}), "k"));
}

TEST(Hash, IsFnv1a) {
    EXPECT_EQ(hash_of(""), 0xcbf29ce484222325u);
    EXPECT_EQ(hash_of("a"), 0xaf63dc4c8601ec8cu);
    EXPECT_EQ(hash_of("foobar"), 0x85944171f73967e8u);
}

}  // namespace
}  // namespace bulkhead::seccomp
