// SPDX-License-Identifier: Apache-2.0
#include "seccomp/cache.hpp"

#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "seccomp/cache_file.hpp"
#include "seccomp/compile.hpp"
#include "seccomp/library.hpp"
#include "spec/words.hpp"

namespace bulkhead::seccomp {

namespace {

// Raise it with every change to what compile makes of a profile: a state root may outlive an update.
constexpr int format_version = 1;

constexpr std::size_t file_limit = 4 << 20;
constexpr mode_t private_file = 0600;
constexpr mode_t private_directory = 0700;

bool is_private(const struct stat& status, mode_t kind_and_mode) {
    return status.st_mode == kind_and_mode && status.st_uid == ::geteuid();
}

// ---- the key --------------------------------------------------------------------------------------------

void append_list(std::string& key, std::string_view name, const auto& items) {
    key.append(cat(name, ' ', items.size()));
    for (const auto item : items) key.append(cat(' ', spec::word(item)));
    key.append("\n");
}

std::string errno_text(std::optional<std::uint32_t> number) { return number ? cat(*number) : "-"; }

// Names may have any letters, so each has its size before it.
void append_rule(std::string& key, const spec::SeccompSyscall& rule) {
    key.append(cat("rule ", spec::word(rule.action), ' ', errno_text(rule.errno_ret), ' ', rule.args.size(),
                   ' ', rule.names.size()));
    for (const spec::SeccompArg& arg : rule.args)
        key.append(cat(' ', arg.index, ' ', spec::word(arg.op), ' ', arg.value, ' ', arg.value_two));
    for (const std::string& name : rule.names) key.append(cat(' ', name.size(), ':', name));
    key.append("\n");
}

// ---- the directory --------------------------------------------------------------------------------------

// Checks the owner: below a private root nobody else can have made it, but somebody may have opened the root
// to others, and a program that another user wrote must not run.
Result<Fd> open_cache(int state_root) {
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    auto directory = sys::open_at(state_root, cache_directory, flags);
    if (!directory && directory.error().kind == Kind::not_found) {
        const auto made = sys::make_directory_at(state_root, cache_directory, private_directory);
        if (!made && made.error().kind != Kind::exists) return std::unexpected(made.error());
        directory = sys::open_at(state_root, cache_directory, flags);
    }
    if (!directory) return directory;
    LET(const struct stat status, sys::status_of(directory->number()));
    if (!is_private(status, S_IFDIR | private_directory))
        return fail(Kind::denied, cache_directory, ": not private to its owner");
    return directory;
}

Result<std::string> read_private_file(int directory, const std::string& name) {
    LET(const Fd file, sys::open_at(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    LET(const struct stat status, sys::status_of(file.number()));
    if (!is_private(status, S_IFREG | private_file) || status.st_size > static_cast<off_t>(file_limit))
        return fail(Kind::denied, name, ": not private to its owner");
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    for (std::size_t used = 0; used < text.size();) {
        LET(const std::size_t count, sys::read(file.number(), {text.data() + used, text.size() - used}));
        if (count == 0) return fail(Kind::invalid_config, name, ": shorter than it was");
        used += count;
    }
    return text;
}

std::optional<Program> load(int directory, const std::string& name, const std::string& key) {
    const auto text = read_private_file(directory, name);
    return text ? read_cache_text(*text, key) : std::nullopt;
}

// ---- its size -------------------------------------------------------------------------------------------

struct Entry {
    timespec written;
    std::string name;
};

bool is_older(const Entry& one, const Entry& other) {
    return std::pair(one.written.tv_sec, one.written.tv_nsec) <
           std::pair(other.written.tv_sec, other.written.tv_nsec);
}

// Temporary files of runtimes that were killed are entries like any other.
void drop_oldest(int directory) {
    const auto names = names_in(directory);
    if (!names || names->size() <= cache_limit) return;
    std::vector<Entry> entries;
    for (const std::string& name : *names)
        if (const auto status = sys::status_at(directory, name, AT_SYMLINK_NOFOLLOW))
            entries.push_back({status->st_mtim, name});
    std::ranges::sort(entries, is_older);
    for (std::size_t i = 0; i + cache_limit < entries.size(); ++i)
        (void)sys::remove_at(directory, entries[i].name);  // another runtime may have been quicker
}

}  // namespace

std::string cache_key(const spec::Seccomp& profile) {
    utsname system{};
    (void)::uname(&system);
    std::string key = cat("bulkhead seccomp ", format_version, "\nlibseccomp ", library_version(),
                          "\nkernel ", system.release, ' ', system.machine, '\n');
    key.append(cat("default ", spec::word(profile.default_action), ' ', errno_text(profile.default_errno_ret),
                   profile.flags ? "" : " without flags", '\n'));
    append_list(key, "architectures", profile.architectures);
    append_list(key, "flags", profile.flags.value_or(std::vector<spec::SeccompFlag>{}));
    for (const spec::SeccompSyscall& rule : profile.syscalls) append_rule(key, rule);
    return key;
}

Result<Program> cached_program(int state_root, const spec::Seccomp& profile) {
    const auto directory = open_cache(state_root);
    if (!directory) return compile(profile);
    const std::string key = cache_key(profile);
    const std::string name = hexadecimal(hash_of(key));
    if (auto program = load(directory->number(), name, key)) return std::move(*program);
    LET(Program program, compile(profile));
    // If this fails (a full disk, a read-only root), the next start compiles again.
    const auto kept = replace_file_at(directory->number(), name, cache_text(key, program), private_file);
    if (kept) drop_oldest(directory->number());
    return program;
}

}  // namespace bulkhead::seccomp
