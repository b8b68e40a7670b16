# SPDX-License-Identifier: Apache-2.0
"""The end of a container with the systemd driver, and units whose name it wants."""

import pathlib

from harness import contains, equal, stop, true
from marks import differs, parametrize
from systemd import (busy_scope, by_systemd, cgroups_path, create, created, driven, exists, failed_scope, goes,
                     is_gone, quiet, reload, resources, scope, show, systemctl, text)


@driven
@parametrize("status", ["created", "running", "paused", "stopped"])
def test_delete_leaves_nothing(t, status):
    """No unit, no cgroup, whatever the container did; the verbs are not told of the driver."""
    box, unit = created(t, pids={"limit": 20})
    cgroup = box.cgroup()
    if status != "created":
        box.start().ok()
    if status == "paused":
        t.runtime("pause", box.id).ok()
    if status == "stopped":
        box.kill("KILL").ok()
        box.wait()
    equal(box.status(), status, "status")
    box.delete(*([] if status == "stopped" else ["--force"])).ok()
    true(not exists(cgroup), f"{cgroup} is still there")
    true(is_gone(unit), f"{unit} is still there")


@driven
def test_the_same_name_again_at_once(t):
    """An engine restarts a container: the scope of the same name is made again, five times."""
    by_systemd(t)
    box = t.sleeper()
    unit = scope(box)
    seen = set()
    for _ in range(5):
        create(box)
        seen.add(show(unit, "InvocationID"))
        box.start().ok()
        box.delete("--force").ok()
    equal(len(seen), 5, "different scopes")


@driven
def test_run_removes_it(t):
    """An attached run leaves no unit."""
    by_systemd(t)
    box = t.container("cat", "/proc/self/cgroup")
    unit = scope(box)
    quiet(box, box.run())
    true(is_gone(unit), f"{unit} is still there")


@driven
def test_nested_cgroups_go_with_it(t):
    """What the container made below its cgroup is removed."""
    by_systemd(t)
    box = t.sleeper()
    unit = scope(box)
    create(box)
    cgroup = box.cgroup()
    (cgroup / "a/b/c").mkdir(parents=True)
    box.delete("--force").ok()
    true(not exists(cgroup) and is_gone(unit), "it is still there")


@differs("Debian's runc takes the failed unit for its own, and starts none")
@driven
def test_a_failed_unit_of_the_same_name_makes_room(t):
    """systemd keeps units that failed; a new one takes the name."""
    by_systemd(t)
    box = t.sleeper()
    unit = scope(box)
    failed_scope(unit)
    create(box)
    equal(show(unit, "ActiveState"), ("active",), "the unit")


@differs("runc kills every process in the scope when it undoes its creation")
@driven
def test_a_unit_in_use_is_refused_and_left_alone(t):
    """Somebody else's scope of the same name: an error; it lives on."""
    by_systemd(t)
    box = t.sleeper()
    unit = scope(box)
    other = busy_scope(unit)
    contains(box.create().exits(1).err, "container's cgroup is not empty: 1 process(es) found", "stderr")
    t.no_state()
    equal((other.poll(), show(unit, "ActiveState")), (None, ("active",)), "the other one")
    stop(other)
    goes(unit)


@differs("runc's delete stops the unit by its name alone")
@driven
def test_delete_leaves_another_unit_of_the_name_alone(t):
    """The scope ended without us, and its name is taken: that one is not ours."""
    box, unit = created(t)
    box.start().ok()
    box.kill("KILL").ok()
    box.wait()
    goes(unit)
    other = busy_scope(unit)
    box.delete().ok()
    equal((other.poll(), show(unit, "ActiveState")), (None, ("active",)), "the other one")
    stop(other)
    goes(unit)


@differs("runc starts it frozen, and hangs")
@driven
def test_below_a_frozen_slice(t):
    """init would never begin: refused before systemd is asked."""
    by_systemd(t)
    box = t.sleeper()
    unit = scope(box, "bhfrozen.slice")
    systemctl("start", "bhfrozen.slice")
    frozen = pathlib.Path("/sys/fs/cgroup/bhfrozen.slice/cgroup.freeze")
    frozen.write_text("1")
    try:
        contains(box.create().exits(1).err, "a cgroup above it is frozen", "stderr")
        t.no_state()
        true(is_gone(unit), f"{unit} is there")
    finally:
        frozen.write_text("0")
        systemctl("stop", "bhfrozen.slice")


@differs("runc asks systemd to put its process into the slice, which it refuses to do")
@driven
def test_a_slice_of_its_own(t):
    """A name that ends in .slice: the container is in that slice itself."""
    by_systemd(t)
    box = resources(t.sleeper(), pids={"limit": 33})
    unit = f"bh{box.id.replace('-', '_')}.slice"
    cgroups_path(box, f"::{unit}")
    create(box)
    cgroup = box.cgroup()
    equal(str(cgroup), f"/sys/fs/cgroup/{unit}", "cgroup")
    equal(show(unit, "ActiveState", "Transient", "TasksMax"), ("active", "yes", "33"), "properties")
    reload()
    equal(text(box, "pids.max"), "33", "pids.max")
    box.start().ok()
    box.delete("--force").ok()
    true(is_gone(unit), f"{unit} is still there")
    true(not exists(cgroup), f"{cgroup} is still there")


@driven
def test_stopping_the_scope_stops_the_container(t):
    """systemctl stop: systemd ends what is in the scope, and delete has nothing to complain about."""
    box, unit = created(t)
    box.start().ok()
    box.bundle.edit(lambda config: None)
    systemctl("kill", "--signal=KILL", unit)
    box.wait()
    goes(unit)
    equal(box.status(), "stopped", "status")
    box.delete().ok()
