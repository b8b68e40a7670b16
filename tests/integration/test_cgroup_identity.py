# SPDX-License-Identifier: Apache-2.0
"""A cgroup is a path and an inode: what another container has at the same path is never touched."""

import json
import pathlib

from harness import case, contains, equal, true

HIERARCHY = pathlib.Path("/sys/fs/cgroup")
NO_FAULTS = "runc has no --fault"


def step_of(t, box, verb):
    """The number of a verb's step in the creation of `box`."""
    steps = json.loads(t.runtime("explain", "--json", "--bundle", box.bundle.path, box.id).ok().out)
    return next(step["step"] for step in steps if step["verb"] == verb)


@case(control=False, why=NO_FAULTS, each=["make_cgroup", "record_cgroup"])
def delete_of_a_killed_create_spares_the_owner_of_the_path(t, verb):
    """A create that dies around its cgroup is removed; a container that lives in that cgroup goes on."""
    owner, late = t.container("sleep", "60"), t.container("true")
    for box in (owner, late):
        box.bundle.edit(lambda config, name=owner.id: config["linux"].update(cgroupsPath=f"/{name}"))
    if verb == "make_cgroup":
        owner.run_detached().ok()
    late.create("--fault", f"{step_of(t, late, verb)}:kill")
    if verb == "record_cgroup":
        owner.run_detached().ok()
    late.delete("--force").ok()
    equal(owner.status(), "running", "the owner of the cgroup")
    owner.delete("--force").ok()


@case(control=False, why="runc 1.1.5 only warns about an occupied cgroup")
def an_occupied_cgroup_is_refused(t):
    """A cgroupsPath in which another container runs is refused, and that container goes on."""
    owner, late = t.container("sleep", "60"), t.container("true")
    for box in (owner, late):
        box.bundle.edit(lambda config, name=owner.id: config["linux"].update(cgroupsPath=f"/{name}"))
    owner.run_detached().ok()
    contains(late.create().exits(1).err, "container's cgroup is not empty", "stderr")
    equal(owner.status(), "running", "the owner of the cgroup")
    owner.delete("--force").ok()


@case(control=False, why="runc 1.1.5 mounts the whole hierarchy there")
def without_a_cgroup_namespace_only_the_own_cgroup_is_mounted(t):
    """Without a cgroup namespace /sys/fs/cgroup is a bind of the container's cgroup, not of the host's root."""
    box = t.container("cat", "/proc/self/mountinfo")
    box.bundle.without_namespace("cgroup")
    lines = box.run().ok().out.splitlines()
    mount, = [line.split() for line in lines if " /sys/fs/cgroup " in line]
    true(mount[3].endswith(box.id), f"the mounted directory is {mount[3]}")
