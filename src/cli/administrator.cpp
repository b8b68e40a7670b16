// SPDX-License-Identifier: Apache-2.0
#include "cli/administrator.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "base/yaml.hpp"

namespace bulkhead::cli {

namespace {

constexpr std::string_view name = "bulkhead/bulkhead.yaml";

bool is_machines_root(const Caller& caller) { return caller.is_root && in_initial_user_namespace(); }

// nullopt: this caller has none.
Result<std::optional<Fd>> open_defaults(const std::string& path, const Caller& caller) {
    // O_NONBLOCK, because a fifo must not hold the caller up before it is refused.
    auto file = sys::open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (file) return std::move(*file);
    const int err = file.error().err;
    if (err == ENOENT || err == ENOTDIR) return std::nullopt;
    // HOME may still be another user's (su, sudo), and /etc another user namespace's.
    if (err == EACCES && !is_machines_root(caller)) return std::nullopt;
    if (err == ELOOP)
        return fail(Kind::denied, quotable(path), ": is a symbolic link, which is not followed here");
    return std::unexpected(std::move(file).error());
}

// False: its owner is not of this user namespace.
Result<bool> check_owner(int file, const std::string& path, const Caller& caller) {
    LET(const struct stat status, sys::status_of(file));
    if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
        if (caller.is_root && !in_initial_user_namespace()) return false;
        return fail(Kind::denied, quotable(path), ": belongs to uid ", status.st_uid, "; it must belong to ",
                    caller.is_root ? "root" : "the caller or root");
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return fail(Kind::denied, quotable(path), ": may be written by others than its owner (mode ",
                    octal(status.st_mode & 07777), ")");
    return true;
}

}  // namespace

std::string defaults_file(const Caller& caller) {
    if (!has_own_places(caller)) return cat("/etc/", name);
    // A relative path counts as unset: XDG Base Directory Specification.
    if (caller.config_directory.starts_with('/')) return cat(caller.config_directory, '/', name);
    return caller.home.starts_with('/') ? cat(caller.home, "/.config/", name) : "";
}

Result<Defaults> read_defaults(const std::string& path, const Caller& caller) {
    if (path.empty()) return Defaults{};
    LET(const std::optional<Fd> file, open_defaults(path, caller));
    if (!file) return Defaults{};
    LET(const bool counts, check_owner(file->number(), path, caller));
    if (!counts) return Defaults{};
    LET(const std::string text, read_file(file->number(), path, yaml::document_limit));
    return parse_defaults(text, path);
}

Result<Opening> open_call(const Options& options, Command command, const Caller& caller) {
    Opening opening{.options = options};
    if (command != Command::none && command != Command::help) {
        auto defaults = read_defaults(defaults_file(caller), caller);
        if (defaults)
            opening.options.defaults = *std::move(defaults);
        else
            opening.trouble = std::move(defaults).error();
    }
    auto log = open_log(opening.options);
    const bool by_default = opening.options.logs_by_default();
    if (!log && by_default) {
        opening.trouble = std::move(log).error();
        opening.options.defaults.log.clear();
        log = open_log(opening.options);
    }
    if (!log) return std::unexpected(std::move(log).error());
    opening.log = *std::move(log);
    return opening;
}

}  // namespace bulkhead::cli
