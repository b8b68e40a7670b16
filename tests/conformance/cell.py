# SPDX-License-Identifier: Apache-2.0
"""A validation program in a place of its own: pure cgroup2, its processes end with it, what it writes is in memory.

All of it is system calls in forks of this interpreter. Emulated, each program that is executed takes longer than such a
fork; as a script of mount(8) and unshare(1) the place took five times as long as what was measured in it.
"""

import ctypes
import os
import stat

import isolation
import memlock

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWPID = 0x00020000, 0x02000000, 0x20000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE, MS_SHARED = 2, 4, 8, 1 << 12, 1 << 14, 1 << 18, 1 << 20
MNT_DETACH = 2
TEMPORARY, NULL = "/run/tmp", "/run/null"  # the program's TMPDIR; its /dev/null

libc = ctypes.CDLL(None, use_errno=True)


def check(status, what):
    if status != 0:
        raise OSError(ctypes.get_errno(), what)


def mount(source, target, flags=0, options=""):
    """The source is the type as well."""
    check(libc.mount(source.encode(), target.encode(), source.encode(), ctypes.c_ulong(flags), options.encode()),
          f"mount {target}")


def unshare(flags):
    check(libc.unshare(flags), "unshare")


def settle():
    """What the program sees: its processes, one tree of cgroups, an empty /run, a null device of its own.

    All mounts are shared, as systemd has them.
    """
    mount("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    check(libc.umount2(b"/sys/fs/cgroup", MNT_DETACH), "umount /sys/fs/cgroup")
    mount("cgroup2", "/sys/fs/cgroup")
    mount("tmpfs", "/run", options="mode=755,size=512m")
    os.mkdir(TEMPORARY)
    os.mknod(NULL, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    os.chmod(NULL, 0o666)
    mount(NULL, "/dev/null", MS_BIND)  # crun gives its standard input to the container's user
    mount("none", "/", MS_REC | MS_SHARED)


def stay_behind(child):
    """The way of a process that has forked for good: collects orphans, and ends as its child does."""
    os.closerange(3, 1 << 16)  # the pipe over which Popen hears of the exec is among them
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def fork():
    """Returns in the child only, which dies with its parent."""
    child = os.fork()
    if child:
        stay_behind(child)
    isolation.die_with_parent()


def enter(branch):
    """Between fork and exec of the program. The cgroup `branch` becomes the root of its tree."""
    isolation.join_branch(branch)
    unshare(CLONE_NEWCGROUP)
    # Nothing may stay in the branch itself, or no controller could be handed down from it.
    (branch / "runner").mkdir()
    (branch / "runner/cgroup.procs").write_text("0")
    unshare(CLONE_NEWNS | CLONE_NEWPID)
    check(libc.mount(None, b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None), "mount /")
    fork()
    settle()
    fork()  # the first process of the pid namespace waits above
    memlock.intercept()
