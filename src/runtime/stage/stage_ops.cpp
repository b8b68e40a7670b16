// SPDX-License-Identifier: Apache-2.0
#include "runtime/stage/stage_ops.hpp"

#include <asm/errno.h>
#include <linux/magic.h>

#include "base/kernel.hpp"

namespace bulkhead::stage {

using plan::Outcome;
using plan::outcome;
using plan::StageContext;

namespace {

constexpr long every_fd = 0xffffffff;

// Sleeps until `fd` has something to read; 0 or -errno. A stop and continue interrupts poll even without
// handlers.
long wait_readable(int fd) {
    pollfd entry{fd, POLLIN, 0};
    long ready = -EINTR;
    while (ready == -EINTR) ready = raw::call(__NR_ppoll, &entry, 1L, 0L, 0L, 0L);
    return ready < 0 ? ready : 0;
}

// argv or envp: the strings' addresses in the plan's private copy, and the null after them.
char** fill(const plan::ArenaView& arena, plan::Texts strings, plan::Pointers room) {
    char** array = arena.pointers(room);
    for (std::uint32_t i = 0; i < strings.count; ++i) array[i] = arena.text(arena.texts(strings)[i]);
    array[strings.count] = nullptr;
    return array;
}

void mark(long fd) { raw::call(__NR_fcntl, fd, long{F_SETFD}, long{FD_CLOEXEC}); }

// struct linux_dirent64
struct Entry {
    std::uint64_t inode, next;
    std::uint16_t size;
    std::uint8_t type;
    char name[1];
};

// The number of a name in /proc/self/fd; "." and ".." have none.
long number_of(const char* name) {
    long number = 0;
    for (; *name >= '0' && *name <= '9'; ++name) number = number * 10 + (*name - '0');
    return *name == '\0' ? number : -1;
}

Outcome mark_listed(int directory, std::uint32_t first) {
    alignas(8) char buffer[1024];
    for (;;) {
        const long size = raw::call(__NR_getdents64, long{directory}, buffer, sizeof buffer);
        ATTEMPT(size, getdents64);
        if (size == 0) return {};
        for (long at = 0; at < size;) {
            const auto* entry = reinterpret_cast<const Entry*>(buffer + at);
            at += entry->size;
            if (const long fd = number_of(entry->name); fd >= long{first}) mark(fd);
        }
    }
}

// Without procfs: marks every number that may be open.
Outcome mark_possible(std::uint32_t first) {
    rlimit64 limit{};
    ATTEMPT(raw::call(__NR_prlimit64, 0L, long{RLIMIT_NOFILE}, 0L, &limit), prlimit);
    for (std::uint64_t fd = first; fd < limit.rlim_cur; ++fd) mark(static_cast<long>(fd));
    return {};
}

}  // namespace

long send(int socket, const plan::Report& report, const plan::StepTime* times) {
    iovec parts[2] = {{const_cast<plan::Report*>(&report), sizeof report},
                      {const_cast<plan::StepTime*>(times), report.times * sizeof(plan::StepTime)}};
    const raw::MessageHeader message{nullptr, 0, parts, report.times == 0 ? 1u : 2u, nullptr, 0, 0};
    constexpr long no_signal = 0x4000;  // MSG_NOSIGNAL
    return raw::call(__NR_sendmsg, long{socket}, &message, no_signal);
}

// CLOSE_RANGE_CLOEXEC is 5.11; before it, each open descriptor is marked by itself.
Outcome apply(StageContext&, const plan::MarkDescriptors& op) {
    const long marked =
        raw::call(__NR_close_range, long{op.first}, every_fd, long{kernel::close_range_cloexec});
    if (marked != -EINVAL) return outcome(marked, plan::Call::close_range);
    const raw::Handle directory(raw::openat(AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY));
    const bool listed = raw::filesystem_type(directory.number()) == PROC_SUPER_MAGIC;
    return listed ? mark_listed(directory.number(), op.first) : mark_possible(op.first);
}

Outcome apply(StageContext&, const plan::ResetSignals&) {
    constexpr long last_signal = 64, kill = 9, stop = 19, set_mask = 2;
    const raw::SignalAction by_default{};
    for (long signal = 1; signal <= last_signal; ++signal)
        if (signal != kill && signal != stop)
            ATTEMPT(raw::call(__NR_rt_sigaction, signal, &by_default, 0L, raw::signal_mask_size), sigaction);
    const std::uint64_t none = 0;
    return outcome(raw::call(__NR_rt_sigprocmask, set_mask, &none, 0L, raw::signal_mask_size),
                   plan::Call::sigaction);
}

// If the stream ends before the message, the host program is dead, and the stage ends, too.
Outcome apply(StageContext& stage, const plan::AwaitGo&) {
    if (const long ready = wait_readable(stage.report); ready < 0) return outcome(ready, plan::Call::poll);
    char message = 0;
    const long count = raw::call(__NR_read, long{stage.report}, &message, 1L);
    ATTEMPT(count, read);
    return count == 1 && message == plan::go_message ? Outcome{} : Outcome{ECANCELED, plan::Call::read};
}

Outcome apply(StageContext& stage, const plan::ReportReady&) {
    return outcome(send(stage.report, {.kind = plan::ReportKind::ready}), plan::Call::sendmsg);
}

Outcome apply(StageContext& stage, const plan::AwaitStart& op) {
    return outcome(wait_readable(stage.fd(op.fifo)), plan::Call::poll);
}

Outcome apply(StageContext& stage, const plan::KeepDescriptor& op) {
    for (int& free : stage.kept) {
        if (free >= 0) continue;
        free = stage.fd(op.slot);
        return {};
    }
    return {ENOSPC, plan::Call::check};
}

Outcome apply(StageContext& stage, const plan::CloseDescriptors& op) {
    for (long from = op.first;;) {
        long end = every_fd;  // the lowest that stays
        const auto stays = [&](long fd) {
            if (fd >= from && fd < end) end = fd;
        };
        stays(stage.report);
        for (const int fd : stage.kept) stays(fd);
        if (end == every_fd) {
            for (int& kept : stage.kept) kept = -1;
            return outcome(raw::call(__NR_close_range, from, every_fd, 0L), plan::Call::close_range);
        }
        if (from < end) ATTEMPT(raw::call(__NR_close_range, from, end - 1, 0L), close_range);
        from = end + 1;
    }
}

// The process that ends now tells the host the pid, not the copy, which the container can see.
Outcome apply(StageContext& stage, const plan::Respawn&) {
    constexpr long as_sibling = 0x00008000 | 17;  // CLONE_PARENT | SIGCHLD
    const long pid = raw::call(__NR_clone, as_sibling, 0L, 0L, 0L, 0L);
    ATTEMPT(pid, clone);
    if (pid == 0) return {};
    send(stage.report, {.kind = plan::ReportKind::respawned, .error = static_cast<std::int32_t>(pid)});
    for (;;) raw::call(__NR_exit_group, 0L);
}

// It does not matter if anybody listens: after `create` nobody does.
Outcome apply(StageContext& stage, const plan::ReportExecution&) {
    send(stage.report, {.kind = plan::ReportKind::executing, .times = stage.time_count}, stage.times);
    return {};
}

Outcome apply(StageContext& stage, const plan::Execute& op) {
    char** argv = fill(stage.arena, op.arguments, op.argv);
    char** envp = fill(stage.arena, op.environment, op.envp);
    const char* program = stage.arena.text(stage.candidates, stage.program);
    return outcome(raw::call(__NR_execve, program, argv, envp), plan::Call::execve);
}

}  // namespace bulkhead::stage
