// SPDX-License-Identifier: Apache-2.0
// Writes labels of security modules through a procfs whose identity is known. A file that was mounted or
// linked over an attribute would swallow the label and leave the process unconfined (CVE-2019-16884,
// CVE-2021-30465, CVE-2025-52881).
#include <asm/errno.h>
#include <linux/magic.h>

#include "base/resolve.hpp"
#include "process/init_ops.hpp"

namespace bulkhead::process {

using plan::Outcome;
using plan::StageContext;

namespace {

// ---- the procfs -----------------------------------------------------------------------------------------

// A detached mount, below which no other process can mount anything.
long mount_procfs() {
    const raw::Handle context(raw::call(__NR_fsopen, "proc", long{FSOPEN_CLOEXEC}));
    if (context.number() < 0) return context.number();
    const long made = raw::fsconfig(context.number(), FSCONFIG_CMD_CREATE, nullptr, nullptr);
    if (made < 0) return made;
    const long attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    return raw::call(__NR_fsmount, long{context.number()}, long{FSMOUNT_CLOEXEC}, attributes);
}

long open_host_procfs() { return raw::open_from_root("/proc", O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS); }

// Accepts only the root of a procfs, because a directory of a procfs may be bound at /proc.
Outcome check_procfs(int fd) {
    constexpr std::uint64_t root_inode = 1;
    struct statx status {};
    const long type = raw::filesystem_type(fd);
    ATTEMPT(type, fstat);
    ATTEMPT(raw::statx(fd, &status), fstat);
    const bool genuine = type == PROC_SUPER_MAGIC && status.stx_ino == root_inode;
    return genuine ? Outcome{} : Outcome{EXDEV, plan::Call::check};
}

// ---- the attribute --------------------------------------------------------------------------------------

class Path {
  public:
    Path& operator/(const char* name) {
        if (size_ != 0) add('/');
        for (; *name != '\0'; ++name) add(*name);
        return *this;
    }
    const char* text() const { return text_; }

  private:
    void add(char letter) {
        if (size_ < sizeof text_ - 1) text_[size_++] = letter;
    }
    char text_[128] = {};
    std::size_t size_ = 0;
};

long open_attribute(const StageContext& stage, const Path& path) {
    return raw::open_below(stage.procfs, path.text(), O_RDWR, RESOLVE_BENEATH | RESOLVE_NO_XDEV);
}

// Opens the file in the module's own directory first (AppArmor has one from 5.8 on, SELinux has none). The
// file above it belongs to the module that the kernel shows there.
long open_attribute(const StageContext& stage, const plan::SetLabel& op) {
    const char* attribute = stage.arena.text(op.attribute);
    Path own, shared;
    const long opened =
        open_attribute(stage, own / "thread-self" / "attr" / stage.arena.text(op.module) / attribute);
    if (opened != -ENOENT) return opened;
    return open_attribute(stage, shared / "thread-self" / "attr" / attribute);
}

// After a label in force stands nothing or AppArmor's mode. Any other text is refused, because a name may
// have spaces and brackets in it.
bool is_mode(const char* rest) {
    constexpr char modes[][16] = {"",        " (enforce)", " (complain)", " (kill)", " (unconfined)",
                                  " (user)", " (prompt)"};
    for (const auto& mode : modes)
        if (raw::equal(rest, mode)) return true;
    return false;
}

// Each module ends the label in its own way: a newline, a NUL.
bool in_force(char* shown, std::size_t size, const char* label) {
    while (size > 0 && (shown[size - 1] == '\n' || shown[size - 1] == '\0')) --size;
    shown[size] = '\0';
    while (*label != '\0' && *label == *shown) ++label, ++shown;
    return *label == '\0' && is_mode(shown);
}

// AppArmor takes a command word before the label: "exec NAME".
const char* label_in(const StageContext& stage, const plan::SetLabel& op) {
    const char* value = stage.arena.text(op.value);
    if (!raw::equal(stage.arena.text(op.module), "apparmor")) return value;
    while (*value != '\0' && *value != ' ') ++value;
    return *value == ' ' ? value + 1 : value;
}

}  // namespace

// The kernel refuses a new procfs if the host's has something mounted over it, as in a container
// (mount_too_revealing()). Then this opens the host's.
Outcome apply(StageContext& stage, const plan::OpenProcfs& op) {
    long opened = op.own != 0 ? mount_procfs() : -EPERM;
    if (opened == -EPERM) opened = open_host_procfs();
    raw::Handle procfs(opened);
    ATTEMPT(procfs.number(), fsmount);
    if (const Outcome checked = check_procfs(procfs.number()); checked.error != 0) return checked;
    const raw::Handle earlier(stage.procfs);
    stage.procfs = procfs.release();
    return {};
}

Outcome apply(StageContext& stage, const plan::SetLabel& op) {
    const raw::Handle file(open_attribute(stage, op));
    ATTEMPT(file.number(), openat2);
    const long written =
        raw::call(__NR_write, long{file.number()}, stage.arena.text(op.value), long{op.value.size});
    ATTEMPT(written, write);
    if (written != long{op.value.size}) return {E2BIG, plan::Call::write};
    char shown[4097] = {};
    const long size = raw::call(__NR_pread64, long{file.number()}, shown, sizeof shown - 1, 0L);
    ATTEMPT(size, read);
    return in_force(shown, static_cast<std::size_t>(size), label_in(stage, op))
               ? Outcome{}
               : Outcome{EACCES, plan::Call::check};
}

}  // namespace bulkhead::process
