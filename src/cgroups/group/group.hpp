// SPDX-License-Identifier: Apache-2.0
// A container's cgroup: made, read, frozen, emptied, removed. Host operations below the descriptor of the
// hierarchy's root (mount.hpp). Paths are those of container_path ("/a/b"). Each opened directory is checked
// to be cgroup v2.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace bulkhead::cgroups {

struct Made {
    Fd fd;                    // the directory, as CLONE_INTO_CGROUP needs it
    bool created = false;     // false: it existed and was empty
    std::uint64_t inode = 0;  // its id, which the kernel never uses again until it reboots
};

// Makes the cgroup and its parents. Parents stay when the container goes, as with runc: they belong to the
// caller who named them. An existing cgroup is used if no process is in it or below; else, in runc's words,
// Kind::exists "container's cgroup is not empty: N process(es) found" or Kind::bad_state "container's cgroup
// unexpectedly frozen". A frozen parent is refused too, because the container would stop before its first
// instruction. On failure a last component that this call made is removed again.
Result<Made> make(int hierarchy_fd, const std::string& path);

// The same check before systemd makes the cgroup: no process may be in it if it exists, and the nearest
// existing cgroup above must not be frozen.
Result<> check_vacant(int hierarchy_fd, const std::string& path);

// Kind::not_found if the cgroup does not exist.
Result<Fd> open(int hierarchy_fd, const std::string& path);

Result<bool> frozen(int cgroup_fd);
Result<bool> populated(int cgroup_fd);  // a process is in it or in a cgroup below

// The processes in the cgroup and below that our pid namespace can see. A cgroup that is gone has none.
Result<std::vector<pid_t>> processes(int cgroup_fd);

// Sends SIGKILL to everything in the cgroup and below, including frozen processes and those that fork
// meanwhile. Does not wait for their end; remove() does. A cgroup that is gone is a success. Before 5.14 it
// calls kill_each.
Result<> kill_all(int cgroup_fd);

// The same without cgroup.kill: freezes, so that no process can fork, kills by pidfd until none is left, for
// at most `deadline_ms`, and thaws in any case.
Result<> kill_each(int cgroup_fd, int deadline_ms = 10'000);

// Sends `signal` to every process that is in the cgroup or below at one moment. The processes are frozen for
// that, for about a second at most; one that does not freeze in time may fork away. A cgroup that was frozen
// stays frozen. SIGKILL: kill_all. 0: only checks the permission to signal. A cgroup that is gone is a
// success. The first failure is reported after all have been tried.
Result<> signal_all(int cgroup_fd, int signal);

// Stops everything in the cgroup and below, and returns when nothing runs any more. If a process has not
// stopped at the deadline (an uninterruptible system call), all go on, and that is an error.
Result<> freeze(int cgroup_fd, int deadline_ms);
// Lets all go on. Kind::bad_state if they are still frozen at the deadline, because a cgroup above is frozen.
Result<> thaw(int cgroup_fd, int deadline_ms);
// The same without waiting for the result.
Result<> ask_to_freeze(int cgroup_fd);
Result<> ask_to_thaw(int cgroup_fd);

// Removes the cgroup and those below it, waiting until `deadline_ms` for processes that are about to end.
// With an `inode` other than 0, removes only the cgroup that has it: one that another process made at the
// same path stays. A cgroup that does not exist is a success.
Result<> remove(int hierarchy_fd, const std::string& path, int deadline_ms, std::uint64_t inode = 0);
// Removes only the cgroups below, without those in `kept`, whose first entry is the cgroup itself.
Result<> clear(int hierarchy_fd, const std::string& path, int deadline_ms,
               const std::vector<std::uint64_t>& kept);

// The inodes of the cgroup and of all below it, in this order.
Result<std::vector<std::uint64_t>> inodes(int cgroup_fd);

}  // namespace bulkhead::cgroups
