# SPDX-License-Identifier: Apache-2.0
"""What a case must not leave behind: processes, mounts, cgroups, states of containers."""

import os
import pathlib
import time

import isolation
import leaks

# A service of the guest's systemd may begin or end at any time.
SYSTEM = "/system.slice/"
# podman's store is mounted over itself from its first use on, until no container uses it: when that is seen is chance.
STORES = {"/var/lib/containers/storage/overlay"}
# The engines themselves, which a case may have started again.
DAEMONS = ("dockerd ", "containerd ")
OURS = ("vm.service", "libpod", "docker", "containerd", "crio")


def read(path):
    try:
        return pathlib.Path(path).read_bytes().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def group_of(pid):
    return read(f"/proc/{pid}/cgroup").rpartition("0::")[2]


def is_of_the_system(pid):
    """True if it belongs to the guest's systemd; natively there is none, and all is ours."""
    group = group_of(pid)
    return (group.startswith(("/init.scope", SYSTEM, "/user.slice")) and not any(word in group for word in OURS)
            and not group_of("self").startswith("/init.scope"))


def lines():
    """{pid: command line} of all processes: a kernel thread and a zombie have none."""
    found = {int(pid): read(f"/proc/{pid}/cmdline").replace("\0", " ") for pid in os.listdir("/proc") if pid.isdigit()}
    return {pid: line for pid, line in found.items() if line}


def processes():
    """{pid: command line} of those that engines and runtimes have started."""
    return {pid: line for pid, line in lines().items()
            if not line.startswith(DAEMONS) and (os.getpid() == pid or not is_of_the_system(pid))}


def cgroups():
    top = str(isolation.cgroup2_mount())
    return {directory for directory, _, _ in os.walk(top)
            if not directory.startswith((top + SYSTEM.rstrip("/"), top + "/user.slice"))
            or any(word in directory for word in OURS)}


def mounts():
    """Where something is mounted; a user's directory comes and goes with sessions."""
    places = {line.split()[4] for line in isolation.mounts()} - STORES
    return {place for place in places if os.path.dirname(place) != "/run/user"}


def states(roots):
    return {str(path) for root in roots if root.is_dir() for path in root.iterdir()
            if path.is_dir() and path.name not in leaks.ROOT_FURNITURE}


class Snapshot:
    """The node as it is before a case."""

    def __init__(self, engine):
        self.engine = engine
        self.before = self.now()

    def now(self):
        daemons = self.engine.daemons()
        found = {pid: line for pid, line in processes().items() if pid not in daemons}
        return {"process": found, "mount": mounts(), "cgroup": cgroups(), "state": states(self.engine.roots()),
                "trace": self.engine.traces()}

    def left(self):
        now = self.now()
        return [f"{kind} left: {each} {now[kind][each] if kind == 'process' else ''}".rstrip()
                for kind in now for each in sorted(set(now[kind]) - set(self.before[kind]))]

    def leaks(self, seconds):
        """Sentences; who is about to go may take this long."""
        end = time.monotonic() + seconds
        while True:
            found = self.left()
            if not found or time.monotonic() > end:
                return found
            time.sleep(0.05)
