# SPDX-License-Identifier: Apache-2.0
"""delete, if the container has made cgroups below its own: many, deep, occupied, frozen, or of other users."""

import contextlib
import os

import bpf
import isolation
from harness import contains, equal, eventually, true
from marks import differs, needs, parametrize
from test_delegation import BY_SYSTEMD_ONLY, mapped, writable
from test_rootless import ranged_box
from unprivileged import delegate, needs_mapping_tools

SLOWER = 20 if "BULKHEAD_VM" in os.environ else 1  # the virtual machine is emulated
CHAIN = "/".join(f"level{number}" for number in range(20))


def divided(t, script, **process):
    """A running container whose program has run this script in its writable cgroup."""
    box = t.container(bundle=writable(t.bundle("sh", "-c", f"cd /sys/fs/cgroup; {script}; > /dev/shm/done; sleep 300",
                                               **process)))
    return ready(box)


def ready(box):
    box.run_detached().ok()
    eventually(lambda: os.path.exists(f"/proc/{box.pid}/root/dev/shm/done"), "the cgroups are not made", 30)
    return box


def count(cgroup):
    return sum(len(names) for _, names, _ in os.walk(cgroup))


def is_removed(t, box, seconds, *flags):
    """Fails unless delete removes the container and all its cgroups, within these seconds on a fast machine."""
    cgroup = top_of(box)
    result = box.delete(*flags)
    (result.exits(0) if t.control else result.ok())  # runc warns if its cgroup is busy for a moment
    true(not cgroup.exists(), "the cgroup is left")
    true(result.seconds < seconds * SLOWER, f"it took {result.seconds:.2f} s")
    box.wait()
    t.no_state()


def top_of(box):
    """The container's cgroup, even if init is in one below it."""
    for place in isolation.cgroup2_mount().rglob(box.id):
        return place
    raise AssertionError("there is no cgroup")


# ---- how many ---------------------------------------------------------------------------------------------

def test_two_hundred_of_them_twenty_deep(t):
    """delete removes ten chains of twenty cgroups each in less than two seconds."""
    box = divided(t, f"for n in 0 1 2 3 4 5 6 7 8 9; do mkdir -p $n/{CHAIN.split('/', 1)[1]}; done")
    equal(count(box.cgroup()), 200, "cgroups")
    is_removed(t, box, 2, "--force")


def test_of_a_stopped_container(t):
    """Cgroups outlive the program that made them; delete finds them without --force."""
    box = divided(t, f"mkdir -p a/{CHAIN} b")
    cgroup = top_of(box)
    box.kill("KILL").ok()
    box.wait()
    equal(count(cgroup), 22, "cgroups")
    box.delete().ok()
    true(not cgroup.exists(), "the cgroup is left")
    t.no_state()


def test_of_a_run_that_ends(t):
    """run removes the cgroups after its program has ended."""
    box = t.container(bundle=writable(t.bundle("sh", "-c", f"mkdir -p /sys/fs/cgroup/a/{CHAIN} && exit 7")))
    box.run().exits(7)
    t.no_state()


# ---- their contents -----------------------------------------------------------------------------------------

LIVING = """mkdir -p {place}; n=0
while [ $n -lt 20 ]; do sh -c 'echo 0 > {place}/cgroup.procs; exec sleep 300' & n=$((n + 1)); done
until [ $(wc -l < {place}/cgroup.procs) = 20 ]; do sleep 0.1; done"""


def test_with_processes(t):
    """delete kills processes in cgroups below, and removes the cgroups."""
    is_removed(t, divided(t, LIVING.format(place=CHAIN)), 2, "--force")


@differs("runc 1.1.5 warns that it cannot kill them, and leaves them")
def test_of_a_container_without_a_pid_namespace(t):
    """Only the cgroup shows that the processes are the container's."""
    box = t.container(bundle=writable(t.bundle("sh", "-c", "cd /sys/fs/cgroup; " + LIVING.format(place=CHAIN)
                                               + "; > /dev/shm/done; sleep 300").without_namespace("pid")))
    is_removed(t, ready(box), 2, "--force")


def test_with_frozen_processes(t):
    """delete kills frozen processes too."""
    is_removed(t, divided(t, LIVING.format(place="a/b") + "; echo 1 > a/cgroup.freeze"), 2, "--force")


def test_where_init_is_below(t):
    """Init may be anywhere in its tree, as systemd is in init.scope."""
    is_removed(t, divided(t, "mkdir -p a/b c && echo 0 > a/b/cgroup.procs"), 2, "--force")


def test_with_limits_on_their_number(t):
    """Limits that forbid new cgroups do not keep delete from removing the old."""
    script = f"mkdir -p {CHAIN} && echo 0 > level0/cgroup.max.depth && echo 0 > level0/cgroup.max.descendants"
    is_removed(t, divided(t, script), 2, "--force")


def test_of_threads(t):
    """delete removes threaded cgroups too."""
    is_removed(t, divided(t, "mkdir -p a/b && echo threaded > a/cgroup.type && echo threaded > a/b/cgroup.type"), 2,
               "--force")


def test_with_closed_doors(t):
    """Modes of directories do not stop the host's root."""
    is_removed(t, divided(t, f"mkdir -p {CHAIN} && chmod 0 level0/level1/level2 level0"), 2, "--force")


def test_with_names_that_are_hard(t):
    """A name may have any byte but the newline and the slash."""
    is_removed(t, divided(t, r"mkdir -p -- -rf 'a b' '..x' \$HOME \* $(printf '\001\377') {0}/{0}/{0}".format("n" * 255)), 2,
               "--force")


# ---- their owners ---------------------------------------------------------------------------------------------

@differs(BY_SYSTEMD_ONLY)
def test_that_belong_to_the_mapped_user(t):
    """delete removes a cgroup that was handed over, with the cgroups that its owner has made, entered and given away."""
    script = (f"cd /sys/fs/cgroup && mkdir -p {CHAIN} b && chown 77:77 level0 b && chmod 700 level0 && "
              "echo 0 > b/cgroup.procs && > /dev/shm/done; sleep 300")
    box = mapped(t, "sh", "-c", script)
    box.bundle.process(capabilities={kind: ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER"]
                                     for kind in ("bounding", "effective", "permitted")})
    is_removed(t, ready(box), 2, "--force")


GIVEN_AWAY = {"the cgroups below": "mkdir -p a/b && chown -R 77:77 a && chmod 700 a",
              "all of it": "mkdir -p a/b && chown -R 77:77 . && chmod 700 a"}


def hands_of_others(t, what):
    """(container, the caller's cgroup): a rootless container that has given cgroups to another of the caller's sub-ids."""
    box = ranged_box(t, "sh", "-c", f"cd /sys/fs/cgroup && {GIVEN_AWAY[what]} && > /dev/shm/done; sleep 300")
    box.bundle.process(capabilities={kind: ["CAP_CHOWN", "CAP_FOWNER", "CAP_DAC_OVERRIDE"]
                                     for kind in ("bounding", "effective", "permitted")})
    writable(box.bundle)
    return box, delegate(t)


@differs("runc 1.1.5 leaves them: it has no power over them")
@needs(needs_mapping_tools)
@parametrize("what", GIVEN_AWAY)
def test_that_a_rootless_caller_has_no_power_over(t, what):
    """delete acts with the power of the container's root, who may do anything to the caller's sub-ids."""
    box, top = hands_of_others(t, what)
    try:
        ready(box)
        cgroup = top_of(box)
        box.delete("--force").ok()
        true(not cgroup.exists(), "the cgroup is left")
        box.wait()
        t.no_state()
    finally:
        eventually(lambda: isolation.remove_tree(top) or not top.exists(), "the user's cgroup is in use")


@differs("runc 1.1.5 leaves them: it has no power over them")
@needs(needs_mapping_tools)
def test_a_stopped_rootless_one(t):
    """The user namespace goes with the container's processes; the record keeps its maps."""
    box, top = hands_of_others(t, "all of it")
    try:
        ready(box)
        box.kill("KILL").ok()
        box.wait()
        box.delete().ok()
        equal({each.name for each in top.iterdir() if each.is_dir()}, {"leaf"}, "cgroups")
        t.no_state()
    finally:
        eventually(lambda: isolation.remove_tree(top) or not top.exists(), "the user's cgroup is in use")


# ---- which existed before ---------------------------------------------------------------------------------------

OTHERS = "runc removes it, too"


@contextlib.contextmanager
def given(t, box):
    """Makes a cgroup with a limit of its own, and names it in the config of `box`."""
    path = isolation.cgroup2_mount() / f"{t.prefix}-given"
    path.mkdir()
    (path / "cgroup.max.depth").write_text("7")
    box.bundle.edit(lambda config: config["linux"].update(cgroupsPath=f"/{path.name}"))
    try:
        yield path
    finally:
        isolation.remove_tree(path)


def is_left_as_it_was(t, path):
    true(path.is_dir(), "the cgroup is gone")
    equal([each.name for each in path.iterdir() if each.is_dir()], [], "cgroups below")
    equal((path / "cgroup.max.depth").read_text(), "7\n", "its limit")
    equal((path / "cgroup.procs").read_text(), "", "processes")
    contains((path / "cgroup.events").read_text(), "frozen 0", "events")
    equal(bpf.programs(path), {}, "device programs")
    t.no_state()


@differs(OTHERS)
@parametrize("how", ["delete", "delete --force", "delete --force of a paused one", "run", "failed create"])
def test_one_that_was_there_stays(t, how):
    """A cgroup that create did not make stays; delete removes what the container made in it, and its device filter."""
    divided = "mkdir -p /sys/fs/cgroup/a/b && echo 0 > /sys/fs/cgroup/a/cgroup.procs; > /dev/shm/done; "
    box = t.container(bundle=writable(t.bundle("sh", "-c", divided + ("exit 7" if how == "run" else "sleep 300"))))
    with given(t, box) as path:
        if how == "run":
            box.run().exits(7)
        elif how == "failed create":
            box.bundle.process(args=["/no/such/program"])
            box.create().exits(1)
        else:
            ready(box)
            equal(list(bpf.programs(path).values()), [bpf.OURS], "device programs of a container")
            if how == "delete":
                box.kill("KILL").ok()
                box.wait()
            if "paused" in how:
                t.runtime("pause", box.id).ok()
            box.delete(*how.split()[1:2]).ok()
            if how != "delete":
                box.wait()
        is_left_as_it_was(t, path)


@differs(OTHERS)
def test_one_that_was_there_can_be_used_again(t):
    """The next container finds the cgroup vacant; a container that makes its own cgroup removes it."""
    for _ in range(2):
        box = t.container("true")
        with given(t, box) as path:
            for _ in range(2):
                box.run().ok()
                is_left_as_it_was(t, path)
    box.run().ok()
    true(not path.exists(), "what run has made is left")
