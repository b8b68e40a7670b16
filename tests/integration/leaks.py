# SPDX-License-Identifier: Apache-2.0
"""The things that must be the same before and after a case: processes, mounts, cgroups, device nodes, state."""

import os
import pathlib
import signal
import stat
import time

import isolation

DEVICES = {"/dev/null": (1, 3), "/dev/zero": (1, 5), "/dev/full": (1, 7), "/dev/tty": (5, 0)}

# The kernel's answers to a reader of /proc/PID if the process ends before the open or before the read.
GONE = (FileNotFoundError, ProcessLookupError)

# What a runtime may keep in its state root after the last container: compiled seccomp programs.
ROOT_FURNITURE = frozenset({"cache:seccomp"})


def process_table():
    """{pid: (ppid, state, start time, name)} of every process; a pid alone may be used again."""
    table = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                text = pathlib.Path("/proc", entry, "stat").read_text()
            except OSError:
                continue
            name = text[text.index("(") + 1:text.rindex(")")]
            fields = text[text.rindex(")") + 2:].split()
            table[int(entry)] = (int(fields[1]), fields[0], int(fields[19]), name)
    return table


def childless(top):
    """True if a process has no child; asks the kernel, without a look at every other process."""
    try:
        return not any(pathlib.Path(f"/proc/{top}/task/{thread}/children").read_text()
                       for thread in os.listdir(f"/proc/{top}/task"))
    except GONE:  # a thread has ended meanwhile
        return False


def descendants(top):
    """Every process below `top`, at any depth: this process is the subreaper, so none escapes the tree."""
    if childless(top):
        return {}
    table = process_table()
    children = {}
    for pid, (parent, *_) in table.items():
        children.setdefault(parent, []).append(pid)
    found, queue = {}, list(children.get(top, []))
    while queue:
        pid = queue.pop()
        found[pid] = table[pid]
        queue += children.get(pid, [])
    return found


def where_it_hangs(top):
    """A line for each thread of a process and of those below it: its name, state, call and kernel stack."""
    lines = []
    for pid in [top, *descendants(top)]:
        for thread in pathlib.Path(f"/proc/{pid}/task").glob("*"):
            try:
                said = {name: (thread / name).read_text().strip() for name in ("stat", "syscall", "stack")}
            except OSError:  # the thread has ended meanwhile
                continue
            stack = " < ".join(line.split()[-1] for line in said["stack"].splitlines())
            lines.append(f"{said['stat'][:60]} | call {said['syscall']} | {stack}\n")
    return "".join(lines)


def reap_orphans():
    """Collects dead children that this process inherited; nobody needs their exit statuses any more."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return


def kill_descendants(top):
    """Kills everything below `top`, and only that, until nothing is left."""
    for _ in range(200):
        reap_orphans()
        alive = descendants(top)
        if not alive:
            return
        for pid in alive:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.01)


def cgroups():
    return {directory for directory, _, _ in os.walk(isolation.cgroup2_mount())}


def cgroups_of(box):
    """The cgroups that carry the container's name, because other runs of the cases make and remove theirs meanwhile."""
    return sorted(path for path in cgroups() if path.endswith(box.id))


def device(path):
    if not os.path.lexists(path):
        return None
    node = os.lstat(path)
    return (node.st_ino, stat.S_IFMT(node.st_mode), stat.S_IMODE(node.st_mode), node.st_uid, node.st_gid,
            os.major(node.st_rdev), os.minor(node.st_rdev))


def devices(extra=()):
    return {path: device(path) for path in [*DEVICES, *extra]}


class Snapshot:
    """The host as it is before a case."""

    def __init__(self, extra_devices=(), only_with=None):
        self.only_with = only_with
        self.extra = tuple(extra_devices)
        self.mounts = mount_set()
        self.cgroups = self.own_cgroups()
        self.devices = devices(self.extra)

    def own_cgroups(self):
        """In the native view other programs make cgroups too; ours carry the run's name."""
        return {path for path in cgroups() if not self.only_with or self.only_with in path}

    def leaks(self, state_root, patience=2.0):
        """A list of sentences, empty if nothing was left behind; waits up to `patience` seconds for the kernel."""
        end = time.monotonic() + patience
        while True:
            reap_orphans()
            found = [*self.process_leaks(), *self.mount_leaks(), *self.cgroup_leaks(),
                     *self.state_leaks(state_root)]
            if not found or time.monotonic() > end:
                return [*found, *self.device_leaks()]
            time.sleep(0.02)

    def process_leaks(self):
        return [f"process {pid} ({name}, state {state}) is left"
                for pid, (_, state, _, name) in descendants(os.getpid()).items()]

    def mount_leaks(self):
        now = mount_set()
        return ([f"mount left: {line}" for line in now - self.mounts]
                + [f"mount gone: {line}" for line in self.mounts - now])

    def cgroup_leaks(self):
        now = self.own_cgroups()
        return ([f"cgroup left: {path}" for path in sorted(now - self.cgroups)]
                + [f"cgroup gone: {path}" for path in sorted(self.cgroups - now)])

    def state_leaks(self, state_root):
        if not os.path.isdir(state_root):
            return []
        left = sorted(set(os.listdir(state_root)) - ROOT_FURNITURE)
        return [f"state root still holds {name!r}" for name in left]

    def device_leaks(self):
        now = devices(self.extra)
        return [f"{path} changed from {self.devices[path]} to {now[path]}"
                for path in now if now[path] != self.devices[path]]

    def repair_devices(self):
        """Puts owner and mode of the machine's nodes back after a runtime changed them."""
        for path, (_, _, mode, uid, gid, *_) in self.devices.items():
            if device(path) != self.devices[path]:
                os.chown(path, uid, gid)
                os.chmod(path, mode)


def mount_set():
    return set(isolation.mounts())


def wrong_devices():
    """Sentences about standard nodes that differ from those of every Linux machine."""
    expected = {path: (stat.S_IFCHR, 0o666, 0, *number) for path, number in DEVICES.items()}
    return [f"{path} is {device(path)}" for path in DEVICES
            if (device(path)[1:4] + device(path)[5:]) != expected[path]]
