// SPDX-License-Identifier: Apache-2.0
#include "rootfs/options.hpp"

#include <sys/mount.h>

#include <algorithm>
#include <array>

#include "base/kernel.hpp"

namespace bulkhead::rootfs {

namespace {

enum class Effect : std::uint8_t {
    nothing,
    bind,
    rbind,
    remount,
    copy_up,
    idmap,
    ridmap,
    attribute,       // of the mount
    tree_attribute,  // of the mount and all below it
    propagation,
    superblock,  // of a file system: the kernel takes the word unchanged (fsconfig flags,
                 // common_set_sb_flag). A bind shares its file system with others, so there it has no effect,
                 // as with mount(2).
};

struct Word {
    std::string_view word;
    Effect effect;
    std::uint32_t set = 0;  // propagation: the MS_* flags
    std::uint32_t clear = 0;
};

// The access time is one field of several bits (MOUNT_ATTR__ATIME): setting a value clears the field first.
constexpr std::uint32_t atime_field = MOUNT_ATTR__ATIME;

constexpr Word set(std::string_view word, std::uint32_t bits) { return {word, Effect::attribute, bits, 0}; }
constexpr Word clear(std::string_view word, std::uint32_t bits) { return {word, Effect::attribute, 0, bits}; }
constexpr Word atime(std::string_view word, std::uint32_t value) {
    return {word, Effect::attribute, value, atime_field};
}
constexpr Word in_tree(Word row) { return {row.word, Effect::tree_attribute, row.set, row.clear}; }
constexpr Word spread(std::string_view word, std::uint32_t flags) {
    return {word, Effect::propagation, flags, 0};
}

constexpr std::array table{
    Word{"async", Effect::superblock},
    atime("atime", MOUNT_ATTR_RELATIME),
    Word{"bind", Effect::bind},
    Word{"defaults", Effect::nothing},
    clear("dev", MOUNT_ATTR_NODEV),
    clear("diratime", MOUNT_ATTR_NODIRATIME),
    Word{"dirsync", Effect::superblock},
    clear("exec", MOUNT_ATTR_NOEXEC),
    Word{"idmap", Effect::idmap},
    // Since 4.16 each file system decides if it has a change counter; fsconfig(2) has no such word.
    Word{"iversion", Effect::nothing},
    Word{"lazytime", Effect::superblock},
    Word{"loud", Effect::nothing},     // messages of a mount go to its context (fsopen(2)), not to the log
    Word{"mand", Effect::superblock},  // nothing locks by it since 5.15
    atime("noatime", MOUNT_ATTR_NOATIME),
    set("nodev", MOUNT_ATTR_NODEV),
    set("nodiratime", MOUNT_ATTR_NODIRATIME),
    set("noexec", MOUNT_ATTR_NOEXEC),
    Word{"noiversion", Effect::nothing},
    Word{"nolazytime", Effect::superblock},
    Word{"nomand", Effect::superblock},
    atime("norelatime", MOUNT_ATTR_STRICTATIME),
    atime("nostrictatime", MOUNT_ATTR_RELATIME),
    set("nosuid", MOUNT_ATTR_NOSUID),
    set("nosymfollow", MOUNT_ATTR_NOSYMFOLLOW),
    spread("private", MS_PRIVATE),
    in_tree(atime("ratime", MOUNT_ATTR_RELATIME)),
    Word{"rbind", Effect::rbind},
    in_tree(clear("rdev", MOUNT_ATTR_NODEV)),
    in_tree(clear("rdiratime", MOUNT_ATTR_NODIRATIME)),
    atime("relatime", MOUNT_ATTR_RELATIME),
    Word{"remount", Effect::remount},
    in_tree(clear("rexec", MOUNT_ATTR_NOEXEC)),
    Word{"ridmap", Effect::ridmap},
    in_tree(atime("rnoatime", MOUNT_ATTR_NOATIME)),
    in_tree(set("rnodev", MOUNT_ATTR_NODEV)),
    in_tree(set("rnodiratime", MOUNT_ATTR_NODIRATIME)),
    in_tree(set("rnoexec", MOUNT_ATTR_NOEXEC)),
    in_tree(atime("rnorelatime", MOUNT_ATTR_STRICTATIME)),
    in_tree(atime("rnostrictatime", MOUNT_ATTR_RELATIME)),
    in_tree(set("rnosuid", MOUNT_ATTR_NOSUID)),
    in_tree(set("rnosymfollow", MOUNT_ATTR_NOSYMFOLLOW)),
    set("ro", MOUNT_ATTR_RDONLY),
    spread("rprivate", MS_PRIVATE | MS_REC),
    in_tree(atime("rrelatime", MOUNT_ATTR_RELATIME)),
    in_tree(set("rro", MOUNT_ATTR_RDONLY)),
    in_tree(clear("rrw", MOUNT_ATTR_RDONLY)),
    spread("rshared", MS_SHARED | MS_REC),
    spread("rslave", MS_SLAVE | MS_REC),
    in_tree(atime("rstrictatime", MOUNT_ATTR_STRICTATIME)),
    in_tree(clear("rsuid", MOUNT_ATTR_NOSUID)),
    in_tree(clear("rsymfollow", MOUNT_ATTR_NOSYMFOLLOW)),
    spread("runbindable", MS_UNBINDABLE | MS_REC),
    clear("rw", MOUNT_ATTR_RDONLY),
    spread("shared", MS_SHARED),
    Word{"silent", Effect::nothing},
    spread("slave", MS_SLAVE),
    atime("strictatime", MOUNT_ATTR_STRICTATIME),
    clear("suid", MOUNT_ATTR_NOSUID),
    clear("symfollow", MOUNT_ATTR_NOSYMFOLLOW),
    Word{"sync", Effect::superblock},
    Word{"tmpcopyup", Effect::copy_up},
    spread("unbindable", MS_UNBINDABLE),
};
static_assert(std::ranges::is_sorted(table, {}, &Word::word));

constexpr auto known_words = [] {
    std::array<std::string_view, table.size()> words;
    std::ranges::transform(table, words.begin(), &Word::word);
    return words;
}();

const Word* find(std::string_view word) {
    const auto* const row = std::ranges::lower_bound(table, word, {}, &Word::word);
    return row != table.end() && row->word == word ? &*row : nullptr;
}

void change(std::uint32_t& to_set, std::uint32_t& to_clear, const Word& row) {
    to_set = (to_set & ~row.clear) | row.set;
    to_clear = (to_clear & ~row.set) | row.clear;
}

void apply(MountOptions& options, const Word& row) {
    plan::MountAttributes& attributes = options.attributes;
    switch (row.effect) {
        case Effect::nothing: return;
        case Effect::rbind: options.recursive = true; [[fallthrough]];
        case Effect::bind: options.bind = true; return;
        case Effect::remount: options.remount = true; return;
        case Effect::copy_up: options.copy_up = true; return;
        case Effect::idmap: options.id_map = IdMapWord::idmap; return;
        case Effect::ridmap: options.id_map = IdMapWord::ridmap; return;
        case Effect::attribute: return change(attributes.set, attributes.clear, row);
        case Effect::tree_attribute: return change(attributes.set_tree, attributes.clear_tree, row);
        case Effect::propagation: options.propagation.push_back(row.set); return;
        case Effect::superblock: options.data.emplace_back(row.word); return;
    }
}

// True of a word about a whole file system. A bind mount has none of its own, so mount(2) ignores the word,
// as runc and crun do. An unknown word without a value is more likely a typing error than an option.
bool is_of_file_system(const std::string& word) {
    const Word* row = find(word);
    return row != nullptr ? row->effect == Effect::superblock : word.contains('=');
}

}  // namespace

Result<MountOptions> parse_options(const std::vector<std::string>& words, std::string_view pointer) {
    MountOptions options;
    for (const std::string& word : words)
        if (const Word* row = find(word); row != nullptr)
            apply(options, *row);
        else if (!word.empty())  // podman 5.4 adds an empty one, which mount(2) ignores
            options.data.push_back(word);
    const auto refuse = [&](std::string_view word, std::string_view why) {
        return fail(Kind::invalid_config, "config.json: ", pointer, ": ", quoted(word), ": ", why);
    };
    if (options.bind) std::erase_if(options.data, is_of_file_system);
    if (options.bind && !options.data.empty())
        return refuse(options.data.front(), "a bind mount cannot have a file system's options");
    if (options.copy_up && (options.bind || options.remount))
        return refuse("tmpcopyup", "is for a new tmpfs only");
    if (options.id_map != IdMapWord::none && (!options.bind || options.remount))
        return refuse(options.id_map == IdMapWord::idmap ? "idmap" : "ridmap",
                      "id-mapped mounts are only supported for bind-mounts");
    return options;
}

std::span<const std::string_view> known_options() { return known_words; }

}  // namespace bulkhead::rootfs
