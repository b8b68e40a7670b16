// SPDX-License-Identifier: Apache-2.0
// Init steps on namespaces. Freestanding.
#pragma once

#include <cstdint>

#include "plan/arena.hpp"
#include "plan/step_list.hpp"

namespace bulkhead::plan {

// setns into a namespace that OpenNamespace opened; `flag` is its one CLONE_NEW*.
struct JoinNamespace {
    Slot file;
    std::uint32_t flag;
    using Reads = Members<&JoinNamespace::file>;
};
// Takes a user and group of the joined user namespace: a process without ids there owns nothing that it
// makes.
struct AssumeIds {
    std::uint32_t uid;
    std::uint32_t gid;
};
// setns by the pidfd of FindInit into all namespaces of a container at once (5.8). With the mount namespace
// the root is the container's.
struct JoinContainer {
    Slot process;
    std::uint64_t flags;  // CLONE_NEW*
    using Reads = Members<&JoinContainer::process>;
};
// unshare of namespaces that clone3 did not make: cgroup, time, ipc after the id maps, any below a joined
// user namespace. A cgroup namespace takes the cgroup of the unsharing process as its root, which is here
// the final one; kernels differ in what clone3(NEWCGROUP | INTO_CGROUP) takes.
struct UnshareNamespaces {
    std::uint64_t flags;
};
// Writes the clock offsets of a new time namespace before a process is in it (time_namespaces(7)).
struct SetTimeOffsets {
    Text lines;  // "monotonic 1 0\n": clock, seconds, nanoseconds
};
// Sets the interface lo up.
struct RaiseLoopback {};
// Writes a kernel parameter of the container's namespaces by the procfs of OpenProcfs, before any mount of
// the config exists.
struct SetSysctl {
    Text path;  // below /proc/sys
    Text value;
};
// sethostname.
struct SetHostname {
    Text name;
};
// setdomainname (NIS).
struct SetDomainname {
    Text name;
};

}  // namespace bulkhead::plan
