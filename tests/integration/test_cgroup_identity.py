# SPDX-License-Identifier: Apache-2.0
"""A cgroup is a path and an inode: the runtime never touches another container's cgroup at the same path."""

import json
import os
import pathlib
import signal

import isolation
from harness import contains, equal, eventually, read_text, true
from marks import differs, parametrize

HIERARCHY = isolation.cgroup2_mount()
NO_FAULTS = "runc has no --fault"


def step_of(t, box, verb):
    """The number of the step with this name in the creation of `box`."""
    steps = json.loads(t.runtime("explain", "--json", "--bundle", box.bundle.path, box.id).ok().out)
    return next(step["step"] for step in steps if step["verb"] == verb)


@differs(NO_FAULTS)
@parametrize("verb", ["make_cgroup", "record_cgroup"])
def test_delete_of_a_killed_create_spares_the_owner_of_the_path(t, verb):
    """delete removes a create that died around its cgroup; a container that lives in that cgroup goes on."""
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
    place = owner.cgroup()
    owner.delete("--force").ok()
    if verb == "record_cgroup":
        place.rmdir()  # nobody's: the owner found it there, and the other died before it recorded it


@differs("runc 1.1.5 only warns about an occupied cgroup")
def test_an_occupied_cgroup_is_refused(t):
    """The runtime refuses a cgroupsPath in which another container runs, and that container goes on."""
    owner, late = t.container("sleep", "60"), t.container("true")
    for box in (owner, late):
        box.bundle.edit(lambda config, name=owner.id: config["linux"].update(cgroupsPath=f"/{name}"))
    owner.run_detached().ok()
    contains(late.create().exits(1).err, "container's cgroup is not empty", "stderr")
    equal(owner.status(), "running", "the owner of the cgroup")
    owner.delete("--force").ok()


def occupied(path):
    (path / "cgroup.procs").write_text(str(sleeper()))


def occupied_below(path):
    (path / "below/deeper").mkdir(parents=True)
    occupied(path / "below/deeper")


def frozen(path):
    (path / "cgroup.freeze").write_text("1")


def occupied_and_frozen(path):
    occupied(path)
    frozen(path)
    eventually(lambda: "frozen 1" in (path / "cgroup.events").read_text(), "its process is not frozen")


def frozen_below(path):
    """Freezes a cgroup below the path only, which would freeze no process of the container."""
    (path / "below").mkdir()
    frozen(path / "below")


def sleeper():
    pid = os.fork()
    if pid == 0:
        os.execv("/usr/bin/sleep", ["sleep", "60"])
    return pid


def vacated(path):
    """Ends the processes in the cgroup and below it, and removes all these cgroups."""
    for directory, _, _ in os.walk(path):
        (pathlib.Path(directory) / "cgroup.freeze").write_text("0")
    for pid in [int(pid) for file in path.rglob("cgroup.procs") for pid in file.read_text().split()]:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    isolation.remove_tree(path)


WARNS = "runc 1.1.5 only warns of processes"
NOT_EMPTY, FROZEN = "container's cgroup is not empty: 1 process(es) found", "container's cgroup unexpectedly frozen"
UNFIT = [("a process", occupied, NOT_EMPTY), ("a process below", occupied_below, NOT_EMPTY),
         ("a frozen process", occupied_and_frozen, NOT_EMPTY)]


def refused(t, box, path, words):
    """Fails unless create refuses the container and leaves the cgroup and its contents as they were."""
    box.bundle.edit(lambda config: config["linux"].update(cgroupsPath=f"/{path.relative_to(HIERARCHY)}"))
    parent = path if path.exists() else path.parent
    look = lambda: (sorted(os.walk(parent)), (parent / "cgroup.events").read_text())
    before = look()
    contains(box.create().exits(1).err, words, "stderr")
    equal(look(), before, "the cgroup")
    t.no_state()


@differs(WARNS)
@parametrize("_, make, words", UNFIT)
def test_a_cgroup_with_somebody_in_it_is_refused(t, _, make, words):
    """A process in the cgroup or below it, frozen or not, makes create fail, and goes on."""
    path = HIERARCHY / f"{t.prefix}-theirs"
    path.mkdir()
    try:
        make(path)
        refused(t, t.container("true"), path, words)
    finally:
        vacated(path)


def test_a_frozen_cgroup_is_refused(t):
    """The runtime refuses a frozen cgroup, because the container would stop before its first instruction."""
    in_the_way(t, "itself")


@differs("runc 1.1.5 waits for ever for its frozen process")
def test_one_below_a_frozen_cgroup_is_refused(t):
    """The same holds for a cgroup below a frozen one."""
    in_the_way(t, "its parent")


def in_the_way(t, which):
    path = HIERARCHY / f"{t.prefix}-theirs"
    path.mkdir()
    try:
        frozen(path)
        refused(t, t.container("true"), path if which == "itself" else path / "below", FROZEN)
    finally:
        vacated(path)


@parametrize("_, make", [
    ("empty", lambda path: None), ("empty ones below", lambda path: (path / "a/b").mkdir(parents=True)),
    ("frozen ones below", frozen_below)])
def test_a_vacant_cgroup_is_taken(t, _, make):
    """A cgroup that exists already may be used if it is vacant; it and those below it stay (runc removes them)."""
    path = HIERARCHY / f"{t.prefix}-mine"
    path.mkdir()
    try:
        make(path)
        before = sorted(os.walk(path))
        box = t.container("true")
        box.bundle.edit(lambda config: config["linux"].update(cgroupsPath=f"/{path.name}"))
        box.run().ok()
        true(t.control or sorted(os.walk(path)) == before, "the cgroups are not those of before")
    finally:
        if path.exists():
            vacated(path)


def test_the_first_process_is_in_it_before_create_returns(t):
    """Init is in the container's cgroup, and no other process is."""
    box = t.container("sleep", "60")
    box.create().ok()
    equal(box.cgroup().name, box.id, "cgroup")
    equal((box.cgroup() / "cgroup.procs").read_text().split(), [str(box.pid)], "processes in the cgroup")


@differs("runc 1.1.5 mounts the whole hierarchy there")
def test_without_a_cgroup_namespace_only_the_own_cgroup_is_mounted(t):
    """Without a cgroup namespace /sys/fs/cgroup is a bind of the container's cgroup, not of the host's root."""
    box = t.container("cat", "/proc/self/mountinfo")
    box.bundle.without_namespace("cgroup")
    lines = box.run().ok().out.splitlines()
    mount, = [line.split() for line in lines if " /sys/fs/cgroup " in line]
    true(mount[3].endswith(box.id), f"the mounted directory is {mount[3]}")


@differs("runc removes it")
def test_one_that_was_there_survives_a_failed_create(t):
    """After an error all is as it was: the cgroup of somebody else stays, and has no process."""
    box = t.container("no-such-tool")
    directory = isolation.cgroup2_mount() / f"{box.id}-of-somebody-else"
    directory.mkdir()
    try:
        box.bundle.edit(lambda config: config["linux"].update(cgroupsPath=f"/{directory.name}"))
        box.create().exits(1)
        true(directory.is_dir(), "the cgroup is gone")
        equal(read_text(directory / "cgroup.procs"), "", "processes in it")
        t.no_state()
    finally:
        directory.rmdir()
