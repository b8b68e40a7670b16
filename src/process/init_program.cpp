// SPDX-License-Identifier: Apache-2.0
// Finds the home directory and the program, in the stage.
#include <asm/errno.h>

#include "base/resolve.hpp"
#include "process/init_ops.hpp"

namespace bulkhead::process {

using plan::Outcome;
using plan::outcome;
using plan::StageContext;

namespace {

constexpr unsigned kind_bits = 0170000, regular_file = 0100000, directory = 0040000;

// ---- HOME -----------------------------------------------------------------------------------------------

constexpr std::size_t passwd_limit = 1 << 20;  // bytes of /etc/passwd
constexpr std::size_t line_limit = 4096;

// Reads passwd(5) byte by byte and keeps one line. Skips a line that is too long.
class PasswdReader {
  public:
    explicit PasswdReader(std::uint32_t uid) : uid_(uid) {}

    // True if the line that just ended is the user's; home() is then valid.
    bool take(char byte) {
        if (byte != '\n') {
            if (size_ < line_limit - 1) line_[size_] = byte;
            ++size_;
            return false;
        }
        const bool usable = size_ < line_limit - 1;
        line_[usable ? size_ : 0] = '\0';
        size_ = 0;
        return usable && split() && is_user();
    }

    const char* home() const { return fields_[5]; }

  private:
    // name:password:uid:gid:gecos:home:shell
    bool split() {
        unsigned field = 0;
        fields_[0] = line_;
        for (char* at = line_; *at != '\0'; ++at) {
            if (*at != ':') continue;
            *at = '\0';
            if (++field > 6) return false;
            fields_[field] = at + 1;
        }
        return field >= 5;
    }

    bool is_user() const {
        std::uint64_t value = 0;
        const char* at = fields_[2];
        if (*at == '\0') return false;
        for (; *at >= '0' && *at <= '9' && value <= 0xffffffff; ++at)
            value = value * 10 + static_cast<std::uint64_t>(*at - '0');
        return *at == '\0' && value == uid_;
    }

    std::uint32_t uid_;
    std::size_t size_ = 0;
    char line_[line_limit];
    const char* fields_[7] = {};
};

// A fifo or a device there must neither block nor be read: this opens without blocking, then checks.
long open_passwd() {
    raw::Handle file(raw::open_from_root("/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY));
    if (file.number() < 0) return file.number();
    struct statx status {};
    const long stated = raw::statx(file.number(), &status);
    if (stated < 0) return stated;
    return (status.stx_mode & kind_bits) == regular_file ? file.release() : -ENOENT;
}

bool find_home(PasswdReader& reader, int file) {
    char buffer[4096] = {};
    for (std::size_t total = 0; total < passwd_limit;) {
        const long count = raw::call(__NR_read, long{file}, buffer, sizeof buffer);
        if (count <= 0) return count == 0 && total > 0 && reader.take('\n');
        total += static_cast<std::size_t>(count);
        for (long i = 0; i < count; ++i)
            if (reader.take(buffer[i])) return true;
    }
    return false;
}

// ---- the program ----------------------------------------------------------------------------------------

// 0 if `path` is a file that the current user may execute.
long executable(const char* path) {
    constexpr long execute = 1, effective_ids = 0x200;  // X_OK, AT_EACCESS
    struct statx status {};
    const long stated = raw::statx(AT_FDCWD, path, 0, &status);
    if (stated < 0) return stated;
    if ((status.stx_mode & kind_bits) == directory) return -EISDIR;
    if ((status.stx_mode & kind_bits) != regular_file) return -EACCES;
    return raw::call(__NR_faccessat2, long{AT_FDCWD}, path, execute, effective_ids);
}

bool has_slash(const char* name) {
    while (*name != '\0' && *name != '/') ++name;
    return *name == '/';
}

}  // namespace

Outcome apply(StageContext& stage, const plan::FindHome& op) {
    const raw::Handle file(open_passwd());
    if (file.number() < 0) return {};
    PasswdReader reader(op.uid);
    if (!find_home(reader, file.number()) || *reader.home() == '\0') return {};
    constexpr std::size_t prefix = 5;  // "HOME="
    char* value = stage.arena.text(op.variable) + prefix;
    const char* home = reader.home();
    std::size_t length = 0;
    while (home[length] != '\0') ++length;
    if (prefix + length + 1 > op.capacity) return {};
    for (std::size_t i = 0; i <= length; ++i) value[i] = home[i];
    return {};
}

// A name with a slash has one candidate, whose error is reported. Along PATH the first program wins, and the
// errors of the others do not count (execvp, and Go's LookPath, whose words the engines match on).
Outcome apply(StageContext& stage, const plan::FindProgram& op) {
    long why = -ENOENT;
    for (std::uint32_t i = 0; i < op.candidates.count; ++i) {
        why = executable(stage.arena.text(op.candidates, i));
        if (why != 0) continue;
        stage.candidates = op.candidates;
        stage.program = i;
        return {};
    }
    return outcome(has_slash(stage.arena.text(op.name)) ? why : -ENOENT, plan::Call::faccessat);
}

}  // namespace bulkhead::process
