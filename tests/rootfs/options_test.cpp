// SPDX-License-Identifier: Apache-2.0
#include "rootfs/options.hpp"

#include <gtest/gtest.h>
#include <sys/mount.h>

#include <algorithm>

namespace bulkhead::rootfs {
namespace {

using Words = std::vector<std::string>;
using Numbers = std::vector<std::uint32_t>;

MountOptions parsed(const Words& words) { return parse_options(words, "/mounts/0/options").value(); }

constexpr std::uint32_t field = MOUNT_ATTR__ATIME;

// What each word does to the mount's own attributes. The access time is one field: whoever sets a value
// clears the others.
struct Attribute {
    std::string_view word;
    std::uint32_t set, clear;
};
constexpr Attribute attributes[] = {
    {"atime", MOUNT_ATTR_RELATIME, field},
    {"dev", 0, MOUNT_ATTR_NODEV},
    {"diratime", 0, MOUNT_ATTR_NODIRATIME},
    {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"noatime", MOUNT_ATTR_NOATIME, field},
    {"nodev", MOUNT_ATTR_NODEV, 0},
    {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},
    {"norelatime", MOUNT_ATTR_STRICTATIME, field},
    {"nostrictatime", MOUNT_ATTR_RELATIME, field},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},
    {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    {"relatime", MOUNT_ATTR_RELATIME, field},
    {"ro", MOUNT_ATTR_RDONLY, 0},
    {"rw", 0, MOUNT_ATTR_RDONLY},
    {"strictatime", MOUNT_ATTR_STRICTATIME, field},
    {"suid", 0, MOUNT_ATTR_NOSUID},
    {"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
};
constexpr std::pair<std::string_view, std::uint32_t> propagation[] = {
    {"private", MS_PRIVATE}, {"shared", MS_SHARED}, {"slave", MS_SLAVE}, {"unbindable", MS_UNBINDABLE}};
constexpr std::string_view superblock[] = {"async",      "dirsync", "lazytime", "mand",
                                           "nolazytime", "nomand",  "sync"};
constexpr std::string_view without_effect[] = {"defaults", "iversion", "loud", "noiversion", "silent"};
constexpr std::string_view special[] = {"bind", "idmap", "rbind", "remount", "ridmap", "tmpcopyup"};

// To clear a value of the field that is set again right away means the field.
bool clears(std::uint32_t clear, const Attribute& row) {
    return (clear | (row.clear & row.set)) == row.clear;
}

TEST(MountOptions, AttributesAreTheMountsOwn) {
    for (const Attribute& row : attributes) {
        const auto [set, clear, set_tree, clear_tree] = parsed({std::string(row.word)}).attributes;
        EXPECT_EQ(set, row.set) << row.word;
        EXPECT_TRUE(clears(clear, row)) << row.word;
        EXPECT_EQ(set_tree | clear_tree, 0u) << row.word;
    }
}

TEST(MountOptions, WithAnRInFrontTheyAreTheTrees) {
    for (const Attribute& row : attributes) {
        const auto [set, clear, set_tree, clear_tree] = parsed({cat("r", row.word)}).attributes;
        EXPECT_EQ(set | clear, 0u) << row.word;
        EXPECT_EQ(set_tree, row.set) << row.word;
        EXPECT_TRUE(clears(clear_tree, row)) << row.word;
    }
}

TEST(MountOptions, PropagationIsAListInOrder) {
    for (const auto& [word, flags] : propagation) {
        EXPECT_EQ(parsed({std::string(word)}).propagation, Numbers{flags}) << word;
        EXPECT_EQ(parsed({cat("r", word)}).propagation, Numbers{flags | MS_REC}) << word;
    }
    EXPECT_EQ(parsed({"rslave", "ro", "shared"}).propagation, (Numbers{MS_SLAVE | MS_REC, MS_SHARED}));
}

TEST(MountOptions, SuperblockWordsGoToTheFileSystemAndNotToABind) {
    for (const std::string_view word : superblock) {
        EXPECT_EQ(parsed({std::string(word)}).data, Words{std::string(word)});
        EXPECT_EQ(parsed({std::string(word), "bind"}).data, Words{}) << word;
    }
}

TEST(MountOptions, SomeWordsChangeNothing) {
    for (const std::string_view word : without_effect) {
        const MountOptions options = parsed({std::string(word)});
        EXPECT_EQ(options.attributes, plan::MountAttributes{}) << word;
        EXPECT_EQ(options.data, Words{}) << word;
        EXPECT_FALSE(options.bind || options.remount || options.copy_up) << word;
    }
}

TEST(MountOptions, SpecialWords) {
    EXPECT_TRUE(parsed({"bind"}).bind && !parsed({"bind"}).recursive);
    EXPECT_TRUE(parsed({"rbind"}).bind && parsed({"rbind"}).recursive);
    EXPECT_TRUE(parsed({"remount"}).remount);
    EXPECT_TRUE(parsed({"tmpcopyup"}).copy_up);
    EXPECT_EQ(parsed({"bind"}).id_map, IdMapWord::none);
    EXPECT_EQ(parsed({"bind", "idmap"}).id_map, IdMapWord::idmap);
    EXPECT_EQ(parsed({"bind", "idmap", "ridmap"}).id_map, IdMapWord::ridmap);
}

TEST(MountOptions, KnownOnesAreThoseOfTheTestAndSorted) {
    Words expected;
    for (const Attribute& row : attributes)
        expected.insert(expected.end(), {std::string(row.word), cat("r", row.word)});
    for (const auto& [word, flags] : propagation)
        expected.insert(expected.end(), {std::string(word), cat("r", word)});
    expected.insert(expected.end(), std::begin(superblock), std::end(superblock));
    expected.insert(expected.end(), std::begin(without_effect), std::end(without_effect));
    expected.insert(expected.end(), std::begin(special), std::end(special));
    std::ranges::sort(expected);
    const auto known = known_options();
    EXPECT_TRUE(std::ranges::is_sorted(known));
    EXPECT_EQ(Words(known.begin(), known.end()), expected);
}

TEST(MountOptions, LaterWordsWin) {
    const auto own = [](const Words& words) { return parsed(words).attributes; };
    EXPECT_EQ(own({"ro", "rw"}), (plan::MountAttributes{.clear = MOUNT_ATTR_RDONLY}));
    EXPECT_EQ(own({"rw", "ro"}), (plan::MountAttributes{.set = MOUNT_ATTR_RDONLY}));
    EXPECT_EQ(own({"rro", "rrw"}), (plan::MountAttributes{.clear_tree = MOUNT_ATTR_RDONLY}));
    EXPECT_EQ(own({"nosuid", "nodev", "suid"}).set, std::uint32_t{MOUNT_ATTR_NODEV});
    EXPECT_EQ(own({"rro", "rw"}),
              (plan::MountAttributes{.clear = MOUNT_ATTR_RDONLY, .set_tree = MOUNT_ATTR_RDONLY}))
        << "those of the tree are set last";
}

TEST(MountOptions, AccessTimeIsOneField) {
    const auto own = [](const Words& words) { return parsed(words).attributes.set; };
    const auto tree = [](const Words& words) { return parsed(words).attributes.set_tree; };
    EXPECT_EQ(own({"noatime", "strictatime"}), std::uint32_t{MOUNT_ATTR_STRICTATIME});
    EXPECT_EQ(own({"strictatime", "noatime"}), std::uint32_t{MOUNT_ATTR_NOATIME});
    EXPECT_EQ(own({"noatime", "relatime"}), std::uint32_t{MOUNT_ATTR_RELATIME});
    EXPECT_EQ(own({"noatime", "nodiratime"}), std::uint32_t{MOUNT_ATTR_NOATIME | MOUNT_ATTR_NODIRATIME});
    EXPECT_EQ(tree({"rnoatime", "rstrictatime"}), std::uint32_t{MOUNT_ATTR_STRICTATIME});
    EXPECT_EQ(tree({"rnoatime", "rrelatime"}), std::uint32_t{MOUNT_ATTR_RELATIME});
}

// mount_setattr(2): EINVAL where attr_set holds a part of the access time and attr_clr not the whole field.
TEST(MountOptions, SettingTheAccessTimeClearsTheWholeField) {
    for (const Words& words : {Words{"noatime"}, Words{"strictatime"}, Words{"relatime"},
                               Words{"noatime", "relatime"}, Words{"strictatime", "noatime", "nodiratime"}})
        EXPECT_EQ(parsed(words).attributes.clear & field, field) << words.back();
    for (const Words& words : {Words{"rnoatime"}, Words{"rnoatime", "rrelatime", "rnodiratime"}})
        EXPECT_EQ(parsed(words).attributes.clear_tree & field, field) << words.back();
}

TEST(MountOptions, UnknownWordsGoToTheFileSystemInOrder) {
    EXPECT_EQ(parsed({"size=64k", "nosuid", "mode=755", "newinstance", "RO"}).data,
              (Words{"size=64k", "mode=755", "newinstance", "RO"}));
}

TEST(MountOptions, AnEmptyWordIsNone) {
    EXPECT_EQ(parsed({"", "size=64k", ""}).data, Words{"size=64k"});
    EXPECT_EQ(parsed({"rbind", ""}).data, Words{});
}

TEST(MountOptions, ABindMountIgnoresWhatIsOfAFileSystem) {
    EXPECT_EQ(parsed({"nosuid", "strictatime", "mode=755", "size=1k", "bind", "shared"}).data, Words{});
    EXPECT_EQ(parsed({"mode=1", "rbind"}).data, Words{});
}

TEST(MountOptions, ABindMountTakesNoUnknownWord) {
    const auto refused = parse_options({"ro", "bind", "readnoly"}, "/mounts/3/options");
    EXPECT_EQ(refused.error().kind, Kind::invalid_config);
    EXPECT_EQ(
        refused.error().text,
        "config.json: /mounts/3/options: \"readnoly\": a bind mount cannot have a file system's options");
    EXPECT_FALSE(parse_options({"memory", "rbind"}, ""));
}

TEST(MountOptions, WordsThatDoNotGoTogetherAreRefused) {
    const std::pair<Words, std::string_view> table[] = {
        {{"tmpcopyup", "bind"}, "\"tmpcopyup\": is for a new tmpfs only"},
        {{"remount", "tmpcopyup"}, "\"tmpcopyup\": is for a new tmpfs only"},
        {{"idmap"}, "\"idmap\": id-mapped mounts are only supported for bind-mounts"},
        {{"ro", "ridmap"}, "\"ridmap\": id-mapped mounts are only supported for bind-mounts"},
        {{"remount", "bind", "idmap"}, "\"idmap\": id-mapped mounts are only supported for bind-mounts"},
    };
    for (const auto& [words, why] : table) {
        const auto refused = parse_options(words, "/mounts/2/options");
        ASSERT_FALSE(refused) << why;
        EXPECT_EQ(refused.error().kind, Kind::invalid_config);
        EXPECT_EQ(refused.error().text, cat("config.json: /mounts/2/options: ", why));
    }
}

}  // namespace
}  // namespace bulkhead::rootfs
