# SPDX-License-Identifier: Apache-2.0
"""The private place in which the cases run: their own mount namespace and their own branch of the cgroup2 tree.

 The process that waits outside makes one cgroup and removes it. Inside, that cgroup is the root of a pure v2 tree on
 /sys/fs/cgroup. The cases never touch the machine's own mounts and cgroups.
 """

import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import time

STAGE = "BULKHEAD_IT_STAGE"
PR_SET_PDEATHSIG = 1
MS_REC, MS_PRIVATE, MS_SHARED = 0x4000, 1 << 18, 1 << 20
CLONE_NEWNS, CLONE_NEWCGROUP = 0x20000, 0x2000000
PR_SET_CHILD_SUBREAPER = 36

libc = ctypes.CDLL(None, use_errno=True)


def prctl(option, value):
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}, {value})")


def become_subreaper():
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent():
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def mounts():
    """The lines of /proc/self/mountinfo."""
    return pathlib.Path("/proc/self/mountinfo").read_text().splitlines()


def cgroup2_mount():
    """The mount point of the cgroup2 tree: /sys/fs/cgroup, or its unified part on a hybrid host."""
    for line in mounts():
        left, right = line.split(" - ")
        if right.split()[0] == "cgroup2":
            return pathlib.Path(left.split()[4])
    raise RuntimeError("this machine has no cgroup2 mount")


def booted_by_systemd():
    """True if PID 1 is systemd, with every controller in one cgroup2 tree (sd_booted(3))."""
    return os.path.isdir("/run/systemd/system") and str(cgroup2_mount()) == "/sys/fs/cgroup"


def inside():
    return os.environ.get(STAGE) == "inside"


def move_in(branch):
    """Gives this process a mount namespace of its own and, if there is a branch, makes the branch the root of all cgroups."""
    join_branch(branch)
    if libc.unshare(CLONE_NEWNS | (CLONE_NEWCGROUP if branch else 0)) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    settle(native=not branch)


def mount(source, target, kind, flags, data=None):
    words = [word and word.encode() for word in (source, target, kind)]
    if libc.mount(*words, flags, data and data.encode()) != 0:
        raise OSError(ctypes.get_errno(), f"mount of {kind or source} on {target}")


def own_run():
    """Gives this process an empty /run, in a mount namespace of its own, with propagation as settle leaves it."""
    if libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    mount("tmpfs", "/run", "tmpfs", 0, "mode=755")
    mount(None, "/", None, MS_REC | MS_SHARED)


def make_branch(name=""):
    """Makes a cgroup for this process; a name tells the branches of one process apart."""
    top = cgroup2_mount()
    branch = top / f"bulkhead-it-{os.getpid()}{name and '-'}{name}"
    branch.mkdir()
    if "BULKHEAD_VM" in os.environ:  # a machine of our own: the branch may have every controller
        words = (top / "cgroup.controllers").read_text().split()
        (top / "cgroup.subtree_control").write_text(" ".join(f"+{word}" for word in words))
    return branch


def join_branch(branch):
    die_with_parent()
    if branch:
        (branch / "cgroup.procs").write_text(str(os.getpid()))


def remove_branch(branch, patience=5.0):
    """Removes the branch; a zombie may hold it for a moment."""
    end = time.monotonic() + patience
    while branch and branch.exists():
        remove_tree(branch)
        if time.monotonic() > end:
            print(f"warning: {branch} is still in use", file=sys.stderr)
            return
        time.sleep(0.02)


def remove_tree(top):
    """Calls rmdir on a cgroup directory and all below it, and ignores failures."""
    for directory, _, _ in os.walk(top, topdown=False):
        try:
            os.rmdir(directory)
        except OSError:
            pass


def settle(native):
    """Called inside: mounts the pure v2 view and turns propagation on, as systemd leaves it.

     Nothing outside shares a mount, because this namespace is private. The mounts are shared all the same,
     so a runtime that forgets to cut propagation leaves a mount here, and the leak check sees it.
     """
    if not native:
        subprocess.run(["umount", "-R", "/sys/fs/cgroup"], check=True)
        subprocess.run(["mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup"], check=True)
        leaf = pathlib.Path("/sys/fs/cgroup/runner")
        leaf.mkdir()
        (leaf / "cgroup.procs").write_text(str(os.getpid()))
    subprocess.run(["mount", "--make-rshared", "/"], check=True)
    become_subreaper()
