// SPDX-License-Identifier: Apache-2.0
#include "plan/describe_words.hpp"

#include <linux/sched.h>
#include <sys/mount.h>

#include <array>

#include "base/text.hpp"

namespace bulkhead::plan {

namespace {

struct Bit {
    std::uint64_t bit;
    std::string_view name;
};

constexpr std::array namespace_bits{Bit{CLONE_NEWNS, "mount"},    Bit{CLONE_NEWCGROUP, "cgroup"},
                                    Bit{CLONE_NEWUTS, "uts"},     Bit{CLONE_NEWIPC, "ipc"},
                                    Bit{CLONE_NEWUSER, "user"},   Bit{CLONE_NEWPID, "pid"},
                                    Bit{CLONE_NEWNET, "network"}, Bit{CLONE_NEWTIME, "time"}};
// MS_* of propagation, MS_REC beside one of them.
constexpr std::array propagation_bits{Bit{MS_UNBINDABLE, "unbindable"}, Bit{MS_PRIVATE, "private"},
                                      Bit{MS_SLAVE, "slave"}, Bit{MS_SHARED, "shared"}};
constexpr std::array attribute_bits{Bit{MOUNT_ATTR_RDONLY, "ro"},
                                    Bit{MOUNT_ATTR_NOSUID, "nosuid"},
                                    Bit{MOUNT_ATTR_NODEV, "nodev"},
                                    Bit{MOUNT_ATTR_NOEXEC, "noexec"},
                                    Bit{MOUNT_ATTR_NOATIME, "noatime"},
                                    Bit{MOUNT_ATTR_STRICTATIME, "strictatime"},
                                    Bit{MOUNT_ATTR_NODIRATIME, "nodiratime"},
                                    Bit{MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow"}};

template <std::size_t size>
std::string names(std::uint64_t set, const std::array<Bit, size>& bits) {
    std::string list;
    for (const Bit& bit : bits) {
        if ((set & bit.bit) == 0) continue;
        if (!list.empty()) list.push_back(',');
        list.append(bit.name);
    }
    return list;
}

}  // namespace

void add_word(std::string& list, std::string_view word) {
    if (word.empty()) return;
    if (!list.empty()) list.push_back(',');
    list.append(word);
}

std::string in_brackets(const std::string& list) { return list.empty() ? list : cat(" (", list, ')'); }

std::string namespace_words(std::uint64_t clone_flags) { return names(clone_flags, namespace_bits); }

std::string propagation_word(std::uint32_t flags) {
    return cat((flags & MS_REC) != 0 ? "r" : "", names(flags, propagation_bits));
}

std::string attribute_words(std::uint64_t set) { return names(set, attribute_bits); }

// The access time is one field of several bits: setting a value clears the field first.
std::string attribute_words(const MountAttributes& attributes) {
    std::string list = attribute_words(attributes.set);
    const auto cleared = [](std::uint32_t clear, std::uint32_t set) {
        return attribute_words(clear & ~std::uint32_t{MOUNT_ATTR__ATIME} & ~set);
    };
    if (const std::string words = cleared(attributes.clear, attributes.set); !words.empty())
        add_word(list, cat("not ", words));
    if (const std::string words = attribute_words(attributes.set_tree); !words.empty())
        add_word(list, cat("tree ", words));
    if (const std::string words = cleared(attributes.clear_tree, attributes.set_tree); !words.empty())
        add_word(list, cat("tree not ", words));
    return list;
}

}  // namespace bulkhead::plan
