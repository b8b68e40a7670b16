// SPDX-License-Identifier: Apache-2.0
#include "runtime/steps/stage_file.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/kernel.hpp"
#include "base/sys.hpp"

extern "C" {
extern const char bulkhead_stage_begin[];
extern const char bulkhead_stage_end[];
}

namespace bulkhead::runtime {

namespace {

constexpr int all_seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;

// F_SEAL_EXEC (6.3) comes first: after F_SEAL_SEAL nothing can be added. Older kernels answer EINVAL to it.
Result<Fd> sealed_file(const char* name, std::string_view bytes, bool executable) {
    LET(Fd file, sys::memory_file(name, executable));
    TRY(sys::write_all(file.number(), bytes));
    if (executable) (void)sys::seal(file.number(), kernel::f_seal_exec);
    TRY(sys::seal(file.number(), all_seals));
    return file;
}

Result<Fd> detached_tmpfs() {
    const Fd context(static_cast<int>(::syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC)));
    if (!context) return system_error(errno, "fsopen", "tmpfs");
    if (::syscall(SYS_fsconfig, context.number(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == -1)
        return system_error(errno, "fsconfig", "tmpfs");
    Fd mount(static_cast<int>(::syscall(SYS_fsmount, context.number(), FSMOUNT_CLOEXEC, 0)));
    if (!mount) return system_error(errno, "fsmount", "tmpfs");
    return mount;
}

Result<Fd> detached_file(std::string_view bytes) {
    constexpr mode_t owner_executes = 0500;
    LET(const Fd mount, detached_tmpfs());
    {
        LET(const Fd file,
            sys::open_at(mount.number(), "stage", O_WRONLY | O_CREAT | O_EXCL, owner_executes));
        TRY(sys::write_all(file.number(), bytes));
    }
    TRY(sys::set_mount_attributes(mount.number(), false, MOUNT_ATTR_RDONLY, 0, 0));
    return sys::open_at(mount.number(), "stage", O_RDONLY);
}

}  // namespace

std::string_view stage_image() {
    return {bulkhead_stage_begin, static_cast<std::size_t>(bulkhead_stage_end - bulkhead_stage_begin)};
}

Result<Fd> stage_file() {
    auto file = sealed_file("bulkhead-stage", stage_image(), true);
    if (!file && file.error().err == EACCES) return detached_file(stage_image());
    return file;
}

Result<Fd> plan_file(std::string_view bytes) { return sealed_file("bulkhead-plan", bytes, false); }

}  // namespace bulkhead::runtime
