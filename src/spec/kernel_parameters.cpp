// SPDX-License-Identifier: Apache-2.0
#include "spec/kernel_parameters.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace bulkhead::spec {

namespace {

struct Owner {
    std::string_view path;  // with a "/" after it: everything below
    NamespaceType type;
};

constexpr Owner owners[] = {
    {"fs/mqueue/", NamespaceType::ipc},
    {"kernel/domainname", NamespaceType::uts},
    {"kernel/msgmax", NamespaceType::ipc},
    {"kernel/msgmnb", NamespaceType::ipc},
    {"kernel/msgmni", NamespaceType::ipc},
    {"kernel/sem", NamespaceType::ipc},
    {"kernel/shm_rmid_forced", NamespaceType::ipc},
    {"kernel/shmall", NamespaceType::ipc},
    {"kernel/shmmax", NamespaceType::ipc},
    {"kernel/shmmni", NamespaceType::ipc},
    {"net/", NamespaceType::network},
    {"user/", NamespaceType::user},
};
static_assert(std::ranges::is_sorted(owners, {}, &Owner::path));

bool is_component(std::string_view name) {
    constexpr std::string_view letters =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:@-";
    return !name.empty() && name != "." && name != ".." && name.find_first_not_of(letters) == name.npos;
}

}  // namespace

std::optional<std::string> kernel_parameter_path(std::string_view key) {
    std::string path(key);
    const std::size_t first = key.find_first_of("./");
    if (first != key.npos && key[first] == '.')
        for (char& letter : path) {
            if (letter == '.')
                letter = '/';
            else if (letter == '/')
                letter = '.';
        }
    return std::ranges::all_of(split(path, '/'), is_component) ? std::optional(path) : std::nullopt;
}

std::optional<NamespaceType> namespace_of_parameter(std::string_view path) {
    for (const Owner& owner : owners)
        if (owner.path.ends_with('/') ? path.starts_with(owner.path) : path == owner.path) return owner.type;
    return std::nullopt;
}

std::string_view shared_with_host(std::optional<NamespaceType> type) {
    if (type == NamespaceType::ipc) return "is not allowed in the hosts ipc namespace";
    if (type == NamespaceType::network) return "not allowed in host network namespace";
    if (type == NamespaceType::user) return "is not allowed in the hosts user namespace";
    return "is not in a separate kernel namespace";
}

}  // namespace bulkhead::spec
