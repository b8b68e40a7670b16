// SPDX-License-Identifier: Apache-2.0
#include "rootfs/options.hpp"

#include <gtest/gtest.h>
#include <linux/mount.h>

#include <algorithm>

namespace bulkhead::rootfs {
namespace {

using Words = std::vector<std::string>;

MountOptions parsed(const Words& words) { return parse_options(words, "/mounts/0/options").value(); }

struct Row {
    std::string_view word;
    std::uint64_t set = 0, clear = 0;
    bool bind = false, recursive = false, data = false;
};

// What each word that works means. The access time is one field: whoever sets a value clears the others.
constexpr Row table[] = {
    {.word = "async", .data = true},
    {.word = "atime", .set = MOUNT_ATTR_RELATIME, .clear = MOUNT_ATTR__ATIME},
    {.word = "bind", .bind = true},
    {.word = "defaults"},
    {.word = "dev", .clear = MOUNT_ATTR_NODEV},
    {.word = "diratime", .clear = MOUNT_ATTR_NODIRATIME},
    {.word = "dirsync", .data = true},
    {.word = "exec", .clear = MOUNT_ATTR_NOEXEC},
    {.word = "lazytime", .data = true},
    {.word = "noatime", .set = MOUNT_ATTR_NOATIME, .clear = MOUNT_ATTR__ATIME},
    {.word = "nodev", .set = MOUNT_ATTR_NODEV},
    {.word = "nodiratime", .set = MOUNT_ATTR_NODIRATIME},
    {.word = "noexec", .set = MOUNT_ATTR_NOEXEC},
    {.word = "nolazytime", .data = true},
    {.word = "norelatime", .set = MOUNT_ATTR_STRICTATIME, .clear = MOUNT_ATTR__ATIME},
    {.word = "nostrictatime", .set = MOUNT_ATTR_RELATIME, .clear = MOUNT_ATTR__ATIME},
    {.word = "nosuid", .set = MOUNT_ATTR_NOSUID},
    {.word = "nosymfollow", .set = MOUNT_ATTR_NOSYMFOLLOW},
    {.word = "rbind", .bind = true, .recursive = true},
    {.word = "relatime", .set = MOUNT_ATTR_RELATIME, .clear = MOUNT_ATTR__ATIME},
    {.word = "ro", .set = MOUNT_ATTR_RDONLY},
    {.word = "rw", .clear = MOUNT_ATTR_RDONLY},
    {.word = "strictatime", .set = MOUNT_ATTR_STRICTATIME, .clear = MOUNT_ATTR__ATIME},
    {.word = "suid", .clear = MOUNT_ATTR_NOSUID},
    {.word = "symfollow", .clear = MOUNT_ATTR_NOSYMFOLLOW},
    {.word = "sync", .data = true},
};

TEST(MountOptions, EveryWordHasItsEffect) {
    for (const Row& row : table) {
        const std::string word(row.word);
        const MountOptions options = parsed({word});
        EXPECT_EQ(options.set, row.set) << word;
        // To clear a value of the field that is set again right away means the field.
        EXPECT_EQ(options.clear | (row.clear & row.set), row.clear) << word;
        EXPECT_EQ(options.bind, row.bind) << word;
        EXPECT_EQ(options.recursive, row.recursive) << word;
        EXPECT_EQ(options.data, row.data ? Words{word} : Words{}) << word;
    }
}

TEST(MountOptions, KnownOnesAreThoseOfTheTableAndSorted) {
    const auto known = known_options();
    EXPECT_TRUE(std::ranges::is_sorted(known));
    EXPECT_TRUE(std::ranges::equal(known, table, {}, {}, &Row::word));
}

TEST(MountOptions, LaterWordsWin) {
    EXPECT_EQ(parsed({"ro", "rw"}).set, 0u);
    EXPECT_EQ(parsed({"ro", "rw"}).clear, std::uint64_t{MOUNT_ATTR_RDONLY});
    EXPECT_EQ(parsed({"rw", "ro"}).set, std::uint64_t{MOUNT_ATTR_RDONLY});
    EXPECT_EQ(parsed({"rw", "ro"}).clear, 0u);
    EXPECT_EQ(parsed({"nosuid", "nodev", "suid"}).set, std::uint64_t{MOUNT_ATTR_NODEV});
}

TEST(MountOptions, AccessTimeIsOneField) {
    EXPECT_EQ(parsed({"noatime", "strictatime"}).set, std::uint64_t{MOUNT_ATTR_STRICTATIME});
    EXPECT_EQ(parsed({"strictatime", "noatime"}).set, std::uint64_t{MOUNT_ATTR_NOATIME});
    EXPECT_EQ(parsed({"noatime", "relatime"}).set, std::uint64_t{MOUNT_ATTR_RELATIME});
    EXPECT_EQ(parsed({"noatime", "nodiratime"}).set,
              std::uint64_t{MOUNT_ATTR_NOATIME | MOUNT_ATTR_NODIRATIME});
}

// mount_setattr(2): EINVAL where attr_set holds a part of the access time and attr_clr not the whole field.
TEST(MountOptions, SettingTheAccessTimeClearsTheWholeField) {
    for (const Words& words : {Words{"noatime"}, Words{"strictatime"}, Words{"relatime"},
                               Words{"noatime", "relatime"}, Words{"strictatime", "noatime", "nodiratime"}})
        EXPECT_EQ(parsed(words).clear & MOUNT_ATTR__ATIME, std::uint64_t{MOUNT_ATTR__ATIME}) << words.back();
}

TEST(MountOptions, UnknownWordsGoToTheFileSystemInOrder) {
    EXPECT_EQ(parsed({"size=64k", "nosuid", "mode=755", "newinstance", "RO"}).data,
              (Words{"size=64k", "mode=755", "newinstance", "RO"}));
}

TEST(MountOptions, BindTakesNoData) {
    const auto refused = parse_options({"ro", "bind", "size=64k"}, "/mounts/3/options");
    EXPECT_EQ(refused.error().kind, Kind::invalid_config);
    EXPECT_EQ(
        refused.error().text,
        "config.json: /mounts/3/options: \"size=64k\": a bind mount cannot have a file system's options");
    EXPECT_FALSE(parse_options({"mode=1", "rbind"}, ""));
}

TEST(MountOptions, WordsOfALaterVersionAreRefusedWithTheirPointer) {
    const Words later{
        "idmap",     "iversion",    "loud",        "mand",        "noiversion",     "nomand",  "private",
        "ratime",    "rdev",        "rdiratime",   "remount",     "rexec",          "ridmap",  "rnoatime",
        "rnodev",    "rnodiratime", "rnoexec",     "rnorelatime", "rnostrictatime", "rnosuid", "rnosymfollow",
        "rprivate",  "rrelatime",   "rro",         "rrw",         "rshared",        "rslave",  "rstrictatime",
        "rsuid",     "rsymfollow",  "runbindable", "shared",      "silent",         "slave",   "tmpcopyup",
        "unbindable"};
    for (const std::string& word : later) {
        const auto refused = parse_options({"ro", word}, "/mounts/2/options");
        ASSERT_FALSE(refused) << word;
        EXPECT_EQ(refused.error().kind, Kind::unsupported);
        EXPECT_EQ(refused.error().text,
                  cat("config.json: /mounts/2/options/1: ", word, ": not supported yet"));
    }
}

}  // namespace
}  // namespace bulkhead::rootfs
