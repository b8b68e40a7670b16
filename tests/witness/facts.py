# SPDX-License-Identifier: Apache-2.0
"""What the machine and the caller give a container that no config.json decides. Nothing here asks a runtime."""

import ctypes
import dataclasses
import errno
import os
import pathlib
import platform
import resource
import stat
import subprocess
import sys

import isolation

IOPRIO_GET, GET_MEMPOLICY = {"x86_64": (252, 239), "aarch64": (31, 236)}.get(platform.machine(), (0, 0))
PR_GET_TIMERSLACK = 30
# Ones that a new namespace sets to its own defaults, by the kind of namespace.
NAMESPACED = {
    "ipc": ["kernel/msgmax", "kernel/sem", "kernel/shmmax", "kernel/shm_rmid_forced", "fs/mqueue/msg_max"],
    "network": ["net/core/somaxconn", "net/ipv4/ip_forward", "net/ipv4/ip_unprivileged_port_start",
                "net/ipv4/ping_group_range", "net/ipv6/conf/all/disable_ipv6"],
}
MACHINE = ["dev/tty/legacy_tiocsti", "fs/protected_hardlinks", "fs/protected_symlinks", "fs/suid_dumpable",
           "kernel/dmesg_restrict", "kernel/io_uring_disabled", "kernel/kptr_restrict",
           "kernel/perf_event_paranoid", "kernel/unprivileged_bpf_disabled", "kernel/yama/ptrace_scope",
           "vm/memfd_noexec", "vm/unprivileged_userfaultfd"]


@dataclasses.dataclass(frozen=True)
class HostMount:
    root: str
    point: str
    options: str
    kind: str
    source: str
    super: str
    shared: bool


def host_mounts():
    found = []
    for line in isolation.mounts():
        left, right = (part.split() for part in line.split(" - "))
        found.append(HostMount(left[3], left[4], left[5], right[0], right[1], right[2],
                               any(field.startswith("shared:") for field in left[6:])))
    return found


def containing(path):
    """(the topmost host mount that holds the path, the path from the root of its file system)."""
    path = os.path.realpath(path)
    below = [mount for mount in host_mounts()
             if mount.point == "/" or path == mount.point or path.startswith(mount.point + "/")]
    mount = max(reversed(below), key=lambda each: len(each.point))
    inside = path[len(mount.point.rstrip("/")):]
    return mount, (mount.root.rstrip("/") + inside) or "/"


def read(path):
    """A file's text, or the name of the error."""
    try:
        return pathlib.Path(path).read_text().rstrip("\n")
    except OSError as error:
        return errno.errorcode[error.errno]


def sysctl(name):
    return read(f"/proc/sys/{name}")


def in_new_namespaces(*command):
    """The output of a command in new network and ipc namespaces that nobody has touched."""
    return subprocess.run(["unshare", "--net", "--ipc", "--", *command], capture_output=True, text=True,
                          check=False).stdout


def fresh_sysctls():
    names = [name for group in NAMESPACED.values() for name in group]
    script = 'for name; do echo "$name=$(cat /proc/sys/$name)"; done'
    lines = in_new_namespaces("sh", "-c", script, "sh", *names).splitlines()
    return dict(line.split("=", 1) for line in lines)


def interfaces(table):
    """The names in the format of /proc/net/dev."""
    return sorted(line.split(":")[0].strip() for line in table.splitlines()[2:])


def is_up(name):
    return int(read(f"/sys/class/net/{name}/flags"), 16) & 1


def status_bits(name):
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1], 16)
    raise KeyError(name)


class Facts:
    """Taken in the process that calls the runtime: what it has is what a container inherits."""

    def __init__(self):
        self.namespaces = {name: os.readlink(f"/proc/self/ns/{name}") for name in sorted(os.listdir("/proc/self/ns"))}
        self.limits = {name: resource.getrlimit(number) for name, number in self.limit_numbers().items()}
        self.capabilities = status_bits("CapBnd")
        self.hostname, self.domainname = platform.node(), sysctl("kernel/domainname")
        self.machine = platform.machine()
        self.sysctls = {name: sysctl(name) for name in [*MACHINE, *NAMESPACED["ipc"], *NAMESPACED["network"]]}
        self.fresh = fresh_sysctls()
        self.host_network = {name: is_up(name) for name in os.listdir("/sys/class/net")}
        self.new_network = {name: name == "lo" for name in interfaces(in_new_namespaces("cat", "/proc/net/dev"))}
        self.scheduler = self.own_scheduler()
        self.io_priority = isolation.libc.syscall(IOPRIO_GET, 1, 0)
        self.cpus = len(os.sched_getaffinity(0))
        self.memory_policy = self.own_memory_policy()
        self.label = read("/proc/self/attr/current").rstrip("\0")
        self.oom_score_adj = read("/proc/self/oom_score_adj")
        self.coredump_filter = read("/proc/self/coredump_filter")
        self.id_maps = {name: read(f"/proc/self/{name}") for name in ("uid_map", "gid_map", "setgroups")}
        self.time_offsets = read("/proc/self/timens_offsets")
        self.cgroups = read("/proc/self/cgroup").splitlines()
        self.wide_inodes = any(mount.kind == "tmpfs" and "inode64" in mount.super for mount in host_mounts())

    @staticmethod
    def limit_numbers():
        """The standard's names to the kernel's numbers; three of them Python does not know."""
        numbers = {name.removeprefix("RLIMIT_").lower(): getattr(resource, name)
                   for name in dir(resource) if name.startswith("RLIMIT_") and name != "RLIMIT_OFILE"}
        return {**numbers, "locks": 10}

    @staticmethod
    def own_scheduler():
        """(policy, nice, priority)"""
        return os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0), os.sched_getparam(0).sched_priority

    @staticmethod
    def timer_slack_of(policy):
        """Since Linux 6.13 a real-time policy takes the slack away: tried in a process of its own."""
        realtime = policy in (os.SCHED_FIFO, os.SCHED_RR)
        script = "import ctypes, os, sys; " + (
            f"os.sched_setscheduler(0, {policy}, os.sched_param(1)); " if realtime else "") \
            + f"print(ctypes.CDLL(None).prctl({PR_GET_TIMERSLACK}))"
        return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()

    @staticmethod
    def own_memory_policy():
        mode = ctypes.c_int(0)
        answer = isolation.libc.syscall(GET_MEMPOLICY, ctypes.byref(mode), None, 0, None, 0)
        return f"ok {mode.value}" if answer == 0 else f"{errno.errorcode[ctypes.get_errno()]} 0"

    @staticmethod
    def node(path):
        """lstat of a path of the host's kernel file systems, or None."""
        try:
            return os.lstat(path)
        except OSError:
            return None

    @staticmethod
    def has_content(path):
        """True if a directory has entries; a file of /proc or /sys that exists counts as having content."""
        return not os.path.isdir(path) or bool(os.listdir(path))

    @staticmethod
    def supports_tmpfile(directory):
        try:
            os.close(os.open(directory, os.O_TMPFILE | os.O_WRONLY))
            return True
        except OSError:
            return False

    @staticmethod
    def device_exists(kind, major, minor):
        """True if the kernel has a driver behind a number."""
        return os.path.exists(f"/sys/dev/{'block' if kind == 'b' else 'char'}/{major}:{minor}")


def mode_of(status):
    return stat.S_IMODE(status.st_mode)
