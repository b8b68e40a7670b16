// SPDX-License-Identifier: Apache-2.0
#include "rootfs/options.hpp"

#include <linux/mount.h>

#include <algorithm>
#include <array>

namespace bulkhead::rootfs {

namespace {

enum class Effect : std::uint8_t {
    nothing,
    bind,
    rbind,
    attribute,   // of the mount
    superblock,  // of the file system: the kernel takes the word as it is (fsconfig flags,
                 // common_set_sb_flag)
    later,       // a word of the standard or of runc that this version refuses
};

struct Word {
    std::string_view word;
    Effect effect;
    std::uint64_t set = 0;
    std::uint64_t clear = 0;
};

// The access time is one field of several bits (MOUNT_ATTR__ATIME): whoever sets a value clears the field
// first.
constexpr std::uint64_t atime_field = MOUNT_ATTR__ATIME;

constexpr Word set(std::string_view word, std::uint64_t bits) { return {word, Effect::attribute, bits, 0}; }
constexpr Word clear(std::string_view word, std::uint64_t bits) { return {word, Effect::attribute, 0, bits}; }
constexpr Word atime(std::string_view word, std::uint64_t value) {
    return {word, Effect::attribute, value, atime_field};
}
constexpr Word later(std::string_view word) { return {word, Effect::later}; }

constexpr std::array table{
    Word{"async", Effect::superblock},
    atime("atime", MOUNT_ATTR_RELATIME),
    Word{"bind", Effect::bind},
    Word{"defaults", Effect::nothing},
    clear("dev", MOUNT_ATTR_NODEV),
    clear("diratime", MOUNT_ATTR_NODIRATIME),
    Word{"dirsync", Effect::superblock},
    clear("exec", MOUNT_ATTR_NOEXEC),
    later("idmap"),
    later("iversion"),
    Word{"lazytime", Effect::superblock},
    later("loud"),
    later("mand"),
    atime("noatime", MOUNT_ATTR_NOATIME),
    set("nodev", MOUNT_ATTR_NODEV),
    set("nodiratime", MOUNT_ATTR_NODIRATIME),
    set("noexec", MOUNT_ATTR_NOEXEC),
    later("noiversion"),
    Word{"nolazytime", Effect::superblock},
    later("nomand"),
    atime("norelatime", MOUNT_ATTR_STRICTATIME),
    atime("nostrictatime", MOUNT_ATTR_RELATIME),
    set("nosuid", MOUNT_ATTR_NOSUID),
    set("nosymfollow", MOUNT_ATTR_NOSYMFOLLOW),
    later("private"),
    later("ratime"),
    Word{"rbind", Effect::rbind},
    later("rdev"),
    later("rdiratime"),
    atime("relatime", MOUNT_ATTR_RELATIME),
    later("remount"),
    later("rexec"),
    later("ridmap"),
    later("rnoatime"),
    later("rnodev"),
    later("rnodiratime"),
    later("rnoexec"),
    later("rnorelatime"),
    later("rnostrictatime"),
    later("rnosuid"),
    later("rnosymfollow"),
    set("ro", MOUNT_ATTR_RDONLY),
    later("rprivate"),
    later("rrelatime"),
    later("rro"),
    later("rrw"),
    later("rshared"),
    later("rslave"),
    later("rstrictatime"),
    later("rsuid"),
    later("rsymfollow"),
    later("runbindable"),
    clear("rw", MOUNT_ATTR_RDONLY),
    later("shared"),
    later("silent"),
    later("slave"),
    atime("strictatime", MOUNT_ATTR_STRICTATIME),
    clear("suid", MOUNT_ATTR_NOSUID),
    clear("symfollow", MOUNT_ATTR_NOSYMFOLLOW),
    Word{"sync", Effect::superblock},
    later("tmpcopyup"),
    later("unbindable"),
};
static_assert(std::ranges::is_sorted(table, {}, &Word::word));

constexpr std::size_t known_count = static_cast<std::size_t>(
    std::ranges::count_if(table, [](const Word& row) { return row.effect != Effect::later; }));

constexpr auto known_words = [] {
    std::array<std::string_view, known_count> words;
    std::size_t count = 0;
    for (const Word& row : table)
        if (row.effect != Effect::later) words[count++] = row.word;
    return words;
}();

const Word* find(std::string_view word) {
    const auto* const row = std::ranges::lower_bound(table, word, {}, &Word::word);
    return row != table.end() && row->word == word ? &*row : nullptr;
}

void apply(MountOptions& options, const Word& row, const std::string& word) {
    switch (row.effect) {
        case Effect::nothing:
        case Effect::later: return;
        case Effect::rbind: options.recursive = true; [[fallthrough]];
        case Effect::bind: options.bind = true; return;
        case Effect::superblock: options.data.push_back(word); return;
        case Effect::attribute:
            options.set = (options.set & ~row.clear) | row.set;
            options.clear = (options.clear & ~row.set) | row.clear;
    }
}

}  // namespace

Result<MountOptions> parse_options(const std::vector<std::string>& words, std::string_view pointer) {
    MountOptions options;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const Word* row = find(words[i]);
        if (row != nullptr && row->effect == Effect::later)
            return fail(Kind::unsupported, "config.json: ", pointer, '/', i, ": ", words[i],
                        ": not supported yet");
        if (row != nullptr)
            apply(options, *row, words[i]);
        else
            options.data.push_back(words[i]);
    }
    if (options.bind && !options.data.empty())
        return fail(Kind::invalid_config, "config.json: ", pointer, ": ", quoted(options.data.front()),
                    ": a bind mount cannot have a file system's options");
    return options;
}

std::span<const std::string_view> known_options() { return known_words; }

}  // namespace bulkhead::rootfs
