// SPDX-License-Identifier: Apache-2.0
// Host steps that make and remove files: state directory, record, exec fifo, pid file.
#include "base/files.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "base/patience.hpp"
#include "base/remove_tree.hpp"
#include "base/sys.hpp"
#include "base/ticking.hpp"
#include "base/waiting.hpp"
#include "plan/explain.hpp"
#include "runtime/attached/notify_socket.hpp"
#include "runtime/record/identity.hpp"
#include "runtime/steps/host_steps.hpp"

namespace bulkhead::runtime {

namespace {

constexpr mode_t private_directory = 0700;
constexpr mode_t private_file = 0600;
constexpr mode_t public_file = 0644;

// Removes the files with a known name first, which nearly always are all files.
Result<> remove_directory(const Fd& directory, const std::string& path) {
    const auto remove_empty = [&] { return sys::remove_at(sys::here, path, AT_REMOVEDIR); };
    for (const char* name : {state_file, config_copy, fifo_file, creation_file})
        (void)sys::remove_at(directory.number(), name);
    auto removed = remove_empty();
    if (!removed && removed.error().err == ENOTEMPTY) {
        // A container of an older version had a directory here for its notify socket, and may have filled it.
        TRY(remove_below(directory.number()));
        removed = remove_empty();
    }
    if (!removed && removed.error().kind == Kind::not_found) return {};
    return removed;
}

Result<> fill_state_directory(ContainerRecord& record, const std::string& path) {
    LET(record.directory, sys::open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    const int flags = O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    LET(record.creation, sys::open_at(record.directory.number(), creation_file, flags, private_file));
    LET(const bool locked, lock_within(record.creation.number(), holder_patience_ms));
    if (locked) return {};  // only a `state` that looks at this moment can hold it
    return fail(Kind::kernel, creation_file, ": its lock was not free within ", holder_patience_ms / 1000,
                " s");
}

}  // namespace

Result<> apply(const plan::MakeStateDirectory& op, ContainerRecord& record) {
    const auto made = sys::make_directory_at(sys::here, op.path, private_directory);
    if (!made && made.error().kind == Kind::exists)
        return fail(Kind::exists, "container with given ID already exists");
    TRY(made);
    auto filled = fill_state_directory(record, op.path);
    if (!filled) undo(op, record);
    return filled;
}

void undo(const plan::MakeStateDirectory& op, const ContainerRecord& record) {
    (void)remove_directory(record.directory, op.path);
}

Result<> apply(const plan::RecordIntent&, const ContainerRecord& record) {
    TRY(save_config(record.directory.number(), record.config));
    return save(record.directory.number(), record.state);
}

// The stage binds its copy, and keeps it until `start`, if there will be one.
Result<> apply(const plan::MakeNotifySocket& op, HostResources& host, Streams& streams) {
    LET(streams.notify, make_notify_socket());
    LET(host.slots[op.slot.index], sys::duplicate(streams.notify.number()));
    host.notify_slot = op.slot.index;
    return {};
}

// Opened for reading and writing, so that a `start` that dies between opening and writing wakes nobody: the
// stage sees a byte or nothing, never the end of a writer.
Result<> apply(const plan::MakeStartFifo& op, const ContainerRecord& record, HostResources& host) {
    const int directory = record.directory.number();
    TRY(sys::make_fifo_at(directory, fifo_file, private_file));
    LET(host.slots[op.slot.index], sys::open_at(directory, fifo_file, O_RDWR | O_NONBLOCK | O_NOFOLLOW));
    return {};
}

// The pid without a newline, complete before the runtime ends (containerd reads it with Go's Atoi).
Result<> apply(const plan::WritePidFile& op, const StageProcess& stage) {
    return replace_file_at(sys::here, op.path, cat(stage.pid), public_file);
}

void undo(const plan::WritePidFile& op) { (void)sys::remove_at(sys::here, op.path); }

Result<> apply(const plan::Publish&, const ContainerRecord& record) {
    return sys::remove_at(record.directory.number(), creation_file);
}

Result<> apply(const plan::ReleaseInit&, const ContainerRecord& record) {
    const int flags = O_WRONLY | O_NONBLOCK | O_NOFOLLOW;
    LET(const Fd fifo, sys::open_at(record.directory.number(), fifo_file, flags));
    TRY(sys::write(fifo.number(), "s"));
    return {};
}

// Waits until nobody reads the fifo any more: the stage holds it open until execve, which closes it. Init may
// have ended by then. The wait has a bound, so that an init that somebody has stopped or frozen does not hold
// the container's lock for ever.
Result<> apply(const plan::AwaitProgram&, const ContainerRecord& record) {
    constexpr int look_ms = 1, patience_ms = 10'000;
    const auto init = open_init(record.state);
    if (!init) return {};
    for (int waited = 0; waited < patience_ms; waited += look_ms) {
        const int flags = O_WRONLY | O_NONBLOCK | O_NOFOLLOW;
        const auto fifo = sys::open_at(record.directory.number(), fifo_file, flags);
        if (!fifo && fifo.error().err == ENXIO) return {};
        if (!fifo) return std::unexpected(fifo.error());
        LET(const bool ended, sys::wait_readable(init->number(), look_ms));
        if (ended) return {};
    }
    return fail(Kind::kernel, "init has not executed its program within ", patience_ms, " ms");
}

Result<> apply(const plan::RemoveStartFifo&, const ContainerRecord& record) {
    return sys::remove_at(record.directory.number(), fifo_file);
}

Result<> apply(const plan::RemoveStateDirectory& op, const ContainerRecord& record) {
    return remove_directory(record.directory, op.path);
}

}  // namespace bulkhead::runtime
