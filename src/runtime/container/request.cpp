// SPDX-License-Identifier: Apache-2.0
#include "runtime/container/request.hpp"

#include <fcntl.h>

#include <cstdint>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "runtime/container/observe.hpp"
#include "seccomp/cache.hpp"

namespace bulkhead::runtime {

Result<> check_terminal(bool terminal, bool detached, bool socket) {
    if (terminal && detached && !socket)
        return fail(Kind::usage,
                    "cannot allocate tty if bulkhead will detach without setting console socket");
    if (socket && !(terminal && detached))
        return fail(Kind::usage, "cannot use console socket if bulkhead will not detach or allocate tty");
    return {};
}

Result<> check_descriptors(unsigned listen_fds, unsigned preserve_fds) {
    const std::uint64_t count = std::uint64_t{listen_fds} + preserve_fds;
    for (std::uint64_t i = 0; i < count; ++i) {
        const int fd = static_cast<int>(3 + i);
        // A caller's descriptor cannot be close-on-exec after our execve; ours (the log) always are.
        const int flags = ::fcntl(fd, F_GETFD);
        if (flags != -1 && (flags & FD_CLOEXEC) == 0) continue;
        if (i < listen_fds)
            return fail(Kind::usage, "LISTEN_FDS=", listen_fds, ": descriptor ", fd, " is not open");
        return fail(Kind::usage, "--preserve-fds ", preserve_fds, ": descriptor ", fd, " is not open");
    }
    return {};
}

Result<std::string> absolute_if_given(const std::string& path) {
    return path.empty() ? Result<std::string>(path) : absolute(path);
}

Result<std::string> writable_if_given(std::string_view flag, const std::string& path) {
    LET(std::string file, absolute_if_given(path));
    if (file.empty()) return file;
    const std::string folder = file.substr(0, file.rfind('/') + 1);
    const auto directory = sys::open(folder, O_PATH | O_DIRECTORY);
    if (!directory) return std::unexpected(Error(directory.error()).under(flag));
    if (::faccessat(AT_FDCWD, folder.c_str(), W_OK, AT_EACCESS) == -1)
        return std::unexpected(system_error(errno, "write", folder).error().under(flag));
    return file;
}

Result<std::optional<seccomp::Program>> cached_filter(const Site& site, const spec::ValidSpec& spec) {
    if (!spec->linux.seccomp) return std::nullopt;
    LET(const Fd root, make_root(site));
    return seccomp::cached_program(root.number(), *spec->linux.seccomp);
}

}  // namespace bulkhead::runtime
