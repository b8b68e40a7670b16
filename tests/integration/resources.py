# SPDX-License-Identifier: Apache-2.0
"""linux.resources in cases: containers with limits, the files of their cgroups, and what a case needs for them."""

import contextlib
import fcntl
import functools
import os
import pathlib

import isolation
from harness import equal

EVERY = {"cpu", "cpuset", "io", "memory", "hugetlb", "pids", "rdma"}
MIB = 1 << 20
NO_UNITS = "its update takes no units: the JSON that it makes of them is none"  # crun 1.8.1


def controllers():
    return set((isolation.cgroup2_mount() / "cgroup.controllers").read_text().split())


def no_controllers():
    """For cases that need every controller; those cases run in the virtual machine."""
    missing = EVERY - controllers()
    return f"no cgroup v2 controllers {' '.join(sorted(missing))} here: in the virtual machine" if missing else None


def lacks(controller):
    """For cases that need this controller."""
    return lambda: None if controller in controllers() else f"the cgroup2 tree has no {controller} controller to enable"


@contextlib.contextmanager
def handed_down(controller):
    """Enables the controller at the root; one case at a time, because no case can disable a controller that another one uses."""
    control = isolation.cgroup2_mount() / "cgroup.subtree_control"
    with control.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        there = controller in control.read_text().split()
        if not there:
            control.write_text(f"+{controller}")
        try:
            yield
        finally:
            if not there:
                control.write_text(f"-{controller}")


def limited(t, *args, bundle=None, **resources):
    """A container with these limits besides the default device rules."""
    bundle = bundle or t.bundle(*args)
    return t.container(bundle=bundle.edit(lambda config: config["linux"]["resources"].update(resources)))


def created(t, **resources):
    box = limited(t, "true", **resources)
    result = box.create().exits(0)
    if not t.control:  # runc warns of properties that are for cgroup v1 only
        equal(result.err, "", "stderr")
    return box


def running(t, *args, **resources):
    box = limited(t, *(args or ("sleep", "300")), **resources)
    box.run_detached().ok()
    return box


def read(box, file):
    return (box.cgroup() / file).read_text().rstrip("\n")


def reads(box, files):
    """Fails unless each of these files of the container's cgroup holds this text."""
    equal({file: read(box, file) for file in files}, files, "files")


@functools.cache
def disk():
    """'MAJOR:MINOR' of the guest's scratch disk."""
    return next(path for path in pathlib.Path("/sys/block").glob("vd*")).joinpath("dev").read_text().strip()


def disk_numbers():
    major, minor = map(int, disk().split(":"))
    return {"major": major, "minor": minor}


def scratch_directory(t):
    """A directory on the scratch disk, for a bind mount."""
    path = pathlib.Path("/tmp") / f"{t.prefix}-disk"
    path.mkdir()
    equal(os.stat(path).st_dev, os.makedev(*map(int, disk().split(":"))), "device of /tmp")
    return path
