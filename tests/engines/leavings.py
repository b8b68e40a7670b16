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
OURS = ("vm.service", "libpod", "docker", "containerd", "crio")


def read(path):
    try:
        return pathlib.Path(path).read_bytes().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def is_of_the_system(pid):
    group = read(f"/proc/{pid}/cgroup").rpartition("0::")[2]
    return group.startswith(("/init.scope", SYSTEM, "/user.slice")) and not any(word in group for word in OURS)


def processes():
    """{pid: command line}: a kernel thread and a zombie have none."""
    found = {int(name): read(f"/proc/{name}/cmdline").replace("\0", " ") for name in os.listdir("/proc") if name.isdigit()}
    return {pid: line for pid, line in found.items() if line and not (os.getpid() != pid and is_of_the_system(pid))}


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
        found = [f"{kind} left: {each} {now[kind][each] if kind == 'process' else ''}".rstrip()
                 for kind in now for each in sorted(set(now[kind]) - set(self.before[kind]))]
        return found

    def leaks(self, seconds):
        """Sentences; who is about to go may take this long."""
        end = time.monotonic() + seconds
        while True:
            found = self.left()
            if not found or time.monotonic() > end:
                return found
            time.sleep(0.05)
