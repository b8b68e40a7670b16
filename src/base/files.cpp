// SPDX-License-Identifier: Apache-2.0
#include "base/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <memory>

#include "base/sys.hpp"

namespace bulkhead {

namespace {

Result<std::string> read_to_end(int fd, std::size_t size_hint, std::size_t limit, const std::string& path) {
    std::string text(size_hint + 1, '\0');  // one more byte, so that a file of that size ends in one read
    std::size_t used = 0;
    for (;;) {
        LET(const std::size_t count, sys::read(fd, {text.data() + used, text.size() - used}));
        used += count;
        if (used > limit) return fail(Kind::kernel, quotable(path), ": larger than ", limit, " bytes");
        if (count == 0) break;
        if (used == text.size()) text.resize(text.size() * 2);
    }
    text.resize(used);
    return text;
}

constexpr std::size_t kernel_file_limit = 4 << 20;

}  // namespace

Result<std::string> read_file(int file, const std::string& path, std::size_t limit) {
    LET(const struct stat status, sys::status_of(file));
    if (S_ISDIR(status.st_mode)) return system_error(EISDIR, "open", path);
    if (!S_ISREG(status.st_mode)) return fail(Kind::invalid_config, quotable(path), ": not a regular file");
    if (static_cast<std::size_t>(status.st_size) > limit)
        return fail(Kind::invalid_config, quotable(path), ": larger than ", limit, " bytes");
    return read_to_end(file, static_cast<std::size_t>(status.st_size), limit, path);
}

Result<std::string> read_file_at(int directory, const std::string& path, std::size_t limit) {
    LET(const Fd file, sys::open_at(directory, path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
    return read_file(file.number(), path, limit);
}

Result<std::string> read_kernel_file(int directory, const std::string& path) {
    LET(const Fd file, sys::open_at(directory, path, O_RDONLY));
    return read_to_end(file.number(), 4095, kernel_file_limit, path);
}

Result<std::string> read_kernel_line(int directory, const std::string& path) {
    LET(std::string text, read_kernel_file(directory, path));
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

Result<> write_kernel_file(int directory, const std::string& path, std::string_view text) {
    LET(const Fd file, sys::open_at(directory, path, O_WRONLY));
    const auto written = sys::write(file.number(), text);
    if (!written) return system_error(written.error().err, cat("write ", quoted(text), " to"), path);
    return {};
}

Result<> replace_file_at(int directory, const std::string& path, std::string_view text, mode_t mode) {
    const std::string temporary = cat(path, ".", ::getpid(), ".tmp");
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    auto opened = sys::open_at(directory, temporary, flags, mode);
    if (!opened && opened.error().kind == Kind::exists) {  // of a runtime that was killed and had our pid
        TRY(sys::remove_at(directory, temporary));
        opened = sys::open_at(directory, temporary, flags, mode);
    }
    LET(const Fd file, std::move(opened));
    auto written = sys::write_all(file.number(), text);
    if (written) written = sys::rename_at(directory, temporary, directory, path);
    if (!written) (void)sys::remove_at(directory, temporary);
    return written;
}

Result<std::vector<std::string>> names_in(int directory) {
    LET(Fd again, sys::open_at(directory, ".", O_RDONLY | O_DIRECTORY));
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(again.number()), ::closedir);
    if (!stream) return system_error(errno, "fdopendir");
    (void)again.release();  // the stream closes it
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(stream.get())) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    std::ranges::sort(names);
    return names;
}

Result<std::string> absolute(const std::string& path) {
    if (path.starts_with('/')) return path;
    std::array<char, PATH_MAX> here{};
    if (::getcwd(here.data(), here.size()) == nullptr) return system_error(errno, "getcwd");
    return cat(std::string_view(here.data()), '/', path);
}

}  // namespace bulkhead
