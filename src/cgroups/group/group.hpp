// SPDX-License-Identifier: Apache-2.0
// A container's cgroup: made, looked at, frozen, emptied, removed. Host operations below the descriptor of
// the hierarchy's root (mount.hpp); paths are those of container_path ("/a/b"). Each directory opened here is
// checked to be cgroup v2.
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
    bool created = false;     // false: it was there, and empty
    std::uint64_t inode = 0;  // its id for as long as the kernel runs: never used again
};

// Makes the cgroup and its parents. Parents stay when the container goes, as with runc: they belong to
// whoever named them. One that exists is taken if no process is in it or below it; else, in runc's words,
// Kind::exists "container's cgroup is not empty: N process(es) found" or Kind::bad_state "container's cgroup
// unexpectedly frozen". Also refused below a frozen parent, where the container would stop before its first
// instruction. What this call made of the last component is removed again on failure.
Result<Made> make(int hierarchy_fd, const std::string& path);

// The same look where systemd will make the cgroup: if it is there, nothing may be in it; nor may the next
// one above be frozen.
Result<> check_vacant(int hierarchy_fd, const std::string& path);

// Kind::not_found where there is none.
Result<Fd> open(int hierarchy_fd, const std::string& path);

Result<bool> frozen(int cgroup_fd);
Result<bool> populated(int cgroup_fd);  // a process in it or in a cgroup below

// Those in it and below, without the ones that our pid namespace cannot see. A cgroup that is gone has none.
Result<std::vector<pid_t>> processes(int cgroup_fd);

// SIGKILL to everything in it and below, frozen ones and those that fork meanwhile included. Does not wait
// for them to be gone; remove() does. A cgroup that is gone is a success. Falls back to kill_each
// before 5.14.
Result<> kill_all(int cgroup_fd);

// The same without cgroup.kill: freezes, so that nobody can fork, kills by pidfd until nobody is left, for at
// most `deadline_ms`, and thaws whatever happens.
Result<> kill_each(int cgroup_fd, int deadline_ms = 10'000);

// `signal` to everything in it and below: to those who are there at one moment, for which they are frozen for
// as long as it takes (at most a second or so; who cannot be frozen in time may fork away). What was frozen
// stays frozen. SIGKILL: kill_all. 0: only tries whether they may be signalled. A cgroup that is gone is a
// success; the first failure is reported after all have been tried.
Result<> signal_all(int cgroup_fd, int signal);

// Stops everything in it and below, and returns when nothing runs any more. Those who have not stopped at the
// deadline (uninterruptible system calls) are let go with all the others, and it is an error.
Result<> freeze(int cgroup_fd, int deadline_ms);
// Lets them go on. Kind::bad_state where they are still frozen at the deadline: a cgroup above it is.
Result<> thaw(int cgroup_fd, int deadline_ms);
// The same without waiting for it.
Result<> ask_to_freeze(int cgroup_fd);
Result<> ask_to_thaw(int cgroup_fd);

// Removes the cgroup and those below it, waiting until `deadline_ms` for processes that are about to be gone.
// Where `inode` is not 0, only the cgroup with that one: what somebody else has made at the same path stays.
// One that is not there is a success.
Result<> remove(int hierarchy_fd, const std::string& path, int deadline_ms, std::uint64_t inode = 0);
// The same of those below it that are not among `kept`, of which the first is the cgroup itself.
Result<> clear(int hierarchy_fd, const std::string& path, int deadline_ms,
               const std::vector<std::uint64_t>& kept);

// Its own and those of all below it, in this order.
Result<std::vector<std::uint64_t>> inodes(int cgroup_fd);

}  // namespace bulkhead::cgroups
