# SPDX-License-Identifier: Apache-2.0
"""The systemd driver, where systemd is PID 1."""

import os
import pathlib
import stat

from harness import absent, case, contains, equal, eventually, stop, true
from systemd import (busy_scope, by_systemd, cgroups_path, exists, failed_scope, goes, is_gone, maker, needs_systemd,
                     reload, resources, scope, show, systemctl, text)

MIB = 1 << 20
LIMITS = {"memory": {"limit": 64 * MIB, "reservation": 16 * MIB, "swap": 64 * MIB}, "pids": {"limit": 33},
          "cpu": {"quota": 12500, "period": 50000, "cpus": "0", "mems": "0"}}
FILES = {"memory.max": str(64 * MIB), "memory.low": str(16 * MIB), "pids.max": "33", "cpu.max": "12500 50000",
         "cpuset.cpus": "0", "cpuset.mems": "0"}


def driven(**options):
    return case(needs=needs_systemd, deadline=120, **options)


def created(t, **limits):
    """A created container with these limits, and its scope."""
    by_systemd(t)
    box = resources(t.sleeper(), **limits)
    unit = scope(box)
    box.create().ok()
    return box, unit


def files(box):
    return {name: text(box, name) for name in FILES}


# ---- the scope ------------------------------------------------------------------------------------------------


@driven()
def the_scope_is_seen_by_systemctl(t):
    """init is in prefix-name.scope in the slice of cgroupsPath, which is delegated."""
    by_systemd(t)
    box = t.sleeper()
    unit = scope(box, "bhtest-deep.slice")
    box.create().ok()
    equal(show(unit, "ActiveState", "Slice", "Delegate", "Transient", "DefaultDependencies"),
          ("active", "bhtest-deep.slice", "yes", "yes", "no"), "properties")
    contains(str(box.cgroup()), f"/sys/fs/cgroup/bhtest.slice/bhtest-deep.slice/{unit}", "cgroup")  # crun adds /container
    equal(show(unit, "ControlGroup"), (f"/bhtest.slice/bhtest-deep.slice/{unit}",), "ControlGroup")
    contains(show(unit, "Description")[0], box.id, "description")


@driven()
def without_a_path_it_is_named_after_the_id(t):
    """No cgroupsPath: system.slice, and a scope with the runtime's name."""
    by_systemd(t)
    box = t.sleeper()
    box.create().ok()
    equal(show(f"{maker(t)}-{box.id}.scope", "ActiveState", "Slice"), ("active", "system.slice"), "properties")


@driven(control=False, why="systemd refuses the unit's name")
def an_id_with_a_plus(t):
    """What a unit's name may not have is escaped in the default name."""
    by_systemd(t)
    box = t.sleeper()
    box.id += "+x"
    box.create().ok()
    unit = f"bulkhead-{box.id.replace('+', chr(92) + 'x2b')}.scope"
    equal(show(unit, "ActiveState"), ("active",), "the unit")
    box.delete("--force").ok()
    goes(unit)


@driven(each=[("empty prefix", "system.slice::{}", "{}.scope", "system.slice"),
              ("empty slice", ":bh:{}", "bh-{}.scope", "system.slice"),
              ("root slice", "-.slice:bh:{}", "bh-{}.scope", "-.slice")])
def parts_of_the_path(t, _, path, unit, slice_name):
    """Each part of slice:prefix:name."""
    by_systemd(t)
    box = t.sleeper()
    cgroups_path(box, path.format(box.id))
    box.create().ok()
    equal(show(unit.format(box.id), "ActiveState", "Slice"), ("active", slice_name), "properties")


@driven(control=False, why="runc wants the name in full")
def a_dash_is_the_root_slice(t):
    """slice "-"."""
    by_systemd(t)
    box = cgroups_path(t.sleeper(), "-:bh:x")
    cgroups_path(box, f"-:bh:{box.id}")
    box.create().ok()
    equal(show(f"bh-{box.id}.scope", "Slice"), ("-.slice",), "slice")


# ---- limits ---------------------------------------------------------------------------------------------------


@driven()
def limits_are_properties_and_files(t):
    """systemd knows the limits, and the files have them."""
    box, unit = created(t, **LIMITS)
    equal(show(unit, "MemoryMax", "MemoryLow", "TasksMax", "CPUQuotaPerSecUSec", "CPUQuotaPeriodUSec", "AllowedCPUs",
               "AllowedMemoryNodes"), (str(64 * MIB), str(16 * MIB), "33", "250ms", "50ms", "0", "0"), "properties")
    equal(files(box), FILES, "files")


@driven()
def a_quota_is_exact_until_a_reload(t):
    """systemd counts in 1 % of a CPU: it is told more, not less, and writes that when it reads its units again."""
    box, unit = created(t, cpu={"quota": 12345, "period": 50000})
    equal((show(unit, "CPUQuotaPerSecUSec"), text(box, "cpu.max")), (("250ms",), "12345 50000"), "quota")
    reload()
    equal((show(unit, "CPUQuotaPerSecUSec"), text(box, "cpu.max")), (("250ms",), "12500 50000"), "quota")


@driven(control=False, why="Debian's runc has the old formula for shares, and no io.weight as a property")
def weights_are_properties(t):
    """cpu.shares by the quadratic formula, blockIO.weight on the scale of io.weight."""
    box, unit = created(t, cpu={"shares": 512}, blockIO={"weight": 500})
    equal(show(unit, "CPUWeight", "IOWeight"), ("59", "4950"), "properties")
    equal(text(box, "cpu.weight"), "59", "cpu.weight")


@driven(control=False, why="Debian's runc does not know cpu.idle")
def idle_is_a_weight(t):
    """cpu.idle is CPUWeight=idle."""
    box, unit = created(t, cpu={"idle": 1})
    equal((show(unit, "CPUWeight"), text(box, "cpu.idle")), (("idle",), "1"), "idle")


@driven(control=False, why="Debian's runc makes properties of fewer files")
def unified_is_made_properties_and_has_the_last_word(t):
    """What systemd knows of `unified`, it is told; the rest is in the files alone."""
    box, unit = created(t, memory={"limit": 64 * MIB},
                        unified={"memory.max": "32M", "memory.high": "31M", "memory.oom.group": "1", "pids.max": "9"})
    equal(show(unit, "MemoryMax", "MemoryHigh", "TasksMax"), (str(32 * MIB), str(31 * MIB), "9"), "properties")
    equal((text(box, "memory.max"), text(box, "memory.oom.group")), (str(32 * MIB), "1"), "files")


@driven()
def limits_survive_a_reload(t):
    """daemon-reload leaves properties, files and everything in the scope as they are."""
    box, unit = created(t, **LIMITS)
    before = show(unit, "MemoryMax", "TasksMax", "CPUQuotaPerSecUSec", "InvocationID")
    reload()
    equal(show(unit, "MemoryMax", "TasksMax", "CPUQuotaPerSecUSec", "InvocationID"), before, "properties")
    equal(files(box), FILES, "files")
    box.start().ok()
    equal(box.status(), "running", "status")


@driven()
def the_device_filter_survives_a_reload(t):
    """What the filter forbids is forbidden before and after daemon-reload."""
    by_systemd(t)
    box = t.sleeper()
    scope(box)
    os.mknod(box.bundle.rootfs / "disk", stat.S_IFBLK | 0o666, os.makedev(7, 0))
    box.create().ok()
    box.start().ok()
    for _ in range(3):
        contains(box.exec("cat", "/disk").err, "Operation not permitted", "stderr")
        box.exec("head", "-c", "1", "/dev/zero").exits(0)
        reload()


@driven()
def limits_hold(t):
    """A fork storm stops at pids.limit; a second daemon-reload changes nothing about that."""
    by_systemd(t)
    box = resources(t.shell("while [ ! -e /dev/shm/go ]; do sleep 0.1; done; "
                            "n=0; while sleep 60 & do n=$((n+1)); [ $n -gt 40 ] && exit 0; done; exit 1"),
                    pids={"limit": 12})
    scope(box)
    box.create().ok()
    box.start().ok()
    reload()
    box.exec("touch", "/dev/shm/go").exits(0)
    eventually(lambda: int(box_events(box).get("max", "0")) > 0, "the limit is not met", 20)
    true(int(text(box, "pids.current")) <= 12, "more processes than the limit")


def box_events(box):
    return dict(line.split() for line in text(box, "pids.events").splitlines())


@driven(control=False, why="its own process in the container needs threads")
def a_limit_of_one_process(t):
    """Nothing of the runtime is in the scope beside init: pids.limit 1 is enough for one process."""
    by_systemd(t)
    box = resources(t.container("true"), pids={"limit": 1})
    scope(box)
    box.run().ok()


@driven()
def update_changes_both(t):
    """New limits are in the files, and systemd knows them, also after a reload."""
    box, unit = created(t, **LIMITS)
    box.start().ok()
    t.runtime("update", "--memory", str(96 * MIB), "--memory-swap", str(96 * MIB), "--pids-limit", "44",
              "--cpu-period", "100000", "--cpu-quota", "35000", box.id).ok()
    for _ in range(2):
        equal(show(unit, "MemoryMax", "TasksMax", "CPUQuotaPerSecUSec", "CPUQuotaPeriodUSec"),
              (str(96 * MIB), "44", "350ms", "100ms"), "properties")
        equal(files(box), {**FILES, "memory.max": str(96 * MIB), "pids.max": "44", "cpu.max": "35000 100000"},
              "files")
        reload()


@driven(control=False, why="Debian's runc sets the properties although the kernel refuses the file")
def an_update_that_fails_changes_neither(t):
    """The kernel is asked first: what it refuses, systemd never hears of."""
    box, unit = created(t, **LIMITS)
    t.runtime("update", "--pids-limit", "44", "--cpuset-cpus", "4000", box.id).exits(1)
    equal(show(unit, "TasksMax", "AllowedCPUs"), ("33", "0"), "properties")
    equal(files(box), FILES, "files")


# ---- its end --------------------------------------------------------------------------------------------------


@driven(each=["created", "running", "paused", "stopped"])
def delete_leaves_nothing(t, status):
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


@driven()
def the_same_name_again_at_once(t):
    """An engine restarts a container: the scope of the same name is made again, ten times."""
    by_systemd(t)
    box = t.sleeper()
    unit = scope(box)
    seen = set()
    for _ in range(10):
        box.create().ok()
        seen.add(show(unit, "InvocationID"))
        box.start().ok()
        box.delete("--force").ok()
    equal(len(seen), 10, "different scopes")


@driven()
def run_removes_it(t):
    """An attached run leaves no unit."""
    by_systemd(t)
    box = t.container("cat", "/proc/self/cgroup")
    unit = scope(box)
    box.run().ok()
    true(is_gone(unit), f"{unit} is still there")


@driven()
def nested_cgroups_go_with_it(t):
    """What the container made below its cgroup is removed."""
    by_systemd(t)
    box = t.sleeper()
    unit = scope(box)
    box.create().ok()
    cgroup = box.cgroup()
    (cgroup / "a/b/c").mkdir(parents=True)
    box.delete("--force").ok()
    true(not exists(cgroup) and is_gone(unit), "it is still there")


@driven()
def a_failed_unit_of_the_same_name_makes_room(t):
    """systemd keeps units that failed; a new one takes the name."""
    by_systemd(t)
    box = t.sleeper()
    unit = scope(box)
    failed_scope(unit)
    box.create().ok()
    equal(show(unit, "ActiveState"), ("active",), "the unit")


@driven(control=False, why="runc kills whoever is in the scope when it undoes its creation")
def a_unit_in_use_is_refused_and_left_alone(t):
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


@driven(control=False, why="runc's delete stops the unit by its name alone")
def delete_leaves_another_unit_of_the_name_alone(t):
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


@driven(control=False, why="runc starts it frozen, and hangs")
def below_a_frozen_slice(t):
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


@driven(control=False, why="runc asks systemd to put its process into the slice, which it refuses to do")
def a_slice_of_its_own(t):
    """A name that ends in .slice: the container is in that slice itself."""
    by_systemd(t)
    box = resources(t.sleeper(), pids={"limit": 33})
    unit = f"bh{box.id.replace('-', '_')}.slice"
    cgroups_path(box, f"::{unit}")
    box.create().ok()
    cgroup = box.cgroup()
    equal(str(cgroup), f"/sys/fs/cgroup/{unit}", "cgroup")
    equal(show(unit, "ActiveState", "Transient", "TasksMax"), ("active", "yes", "33"), "properties")
    reload()
    equal(text(box, "pids.max"), "33", "pids.max")
    box.start().ok()
    box.delete("--force").ok()
    true(is_gone(unit), f"{unit} is still there")
    true(not exists(cgroup), f"{cgroup} is still there")


@driven()
def stopping_the_scope_stops_the_container(t):
    """systemctl stop: systemd ends what is in the scope, and delete has nothing to complain about."""
    box, unit = created(t)
    box.start().ok()
    box.bundle.edit(lambda config: None)
    systemctl("kill", "--signal=KILL", unit)
    box.wait()
    goes(unit)
    equal(box.status(), "stopped", "status")
    box.delete().ok()


# ---- annotations ----------------------------------------------------------------------------------------------


def annotated(box, **properties):
    named = {f"org.systemd.property.{name}": value for name, value in properties.items()}
    box.bundle.edit(lambda config: config.update(annotations=named))
    return box


@driven()
def annotations_are_properties(t):
    """org.systemd.property.*, as podman and CRI-O send them."""
    by_systemd(t)
    box = annotated(t.sleeper(), KillSignal="10", TimeoutStopUSec="uint64 30000000", CollectMode="'inactive'",
                    After="['basic.target']")
    unit = scope(box)
    box.create().ok()
    equal(show(unit, "KillSignal", "TimeoutStopUSec", "CollectMode"), ("10", "30s", "inactive"), "properties")
    contains(show(unit, "After")[0], "basic.target", "After")


@driven()
def seconds_are_microseconds(t):
    """NameSec is NameUSec."""
    by_systemd(t)
    box = annotated(t.sleeper(), TimeoutStopSec="uint16 7")
    unit = scope(box)
    box.create().ok()
    equal(show(unit, "TimeoutStopUSec"), ("7s",), "property")


@driven(each=[("no value", "KillSignal", "SIGTERM"), ("the wrong type", "KillSignal", "'TERM'"),
              ("no property", "NoSuchThing", "5"), ("a short name", "Ab", "5")])
def bad_annotations_are_refused(t, _, name, value):
    """An annotation that is no property is an error; nothing is left."""
    by_systemd(t)
    box = annotated(t.sleeper(), **{name: value})
    unit = scope(box)
    true(box.create().code != 0, "it was created")
    t.no_state()
    true(is_gone(unit), f"{unit} is there")


# ---- bad input ------------------------------------------------------------------------------------------------

PATHS = ["/absolute/path", "name", "system.slice:name", "a.slice:b:c:d", "system:bh:name", "a--b.slice:bh:name",
         "system.slice:bh:a b"]


@driven(each=PATHS)
def malformed_paths(t, path):
    """A cgroupsPath that is no slice:prefix:name is refused; nothing is left."""
    by_systemd(t)
    box = cgroups_path(t.sleeper(), path)
    result = box.create()
    true(result.code != 0, "it was created")
    if t.bulkhead:
        contains(result.err, f'config.json: /linux/cgroupsPath: "{path}": ', "stderr")
    t.no_state()


@driven(control=False, why="--cgroup-manager is crun's")
def the_flag_of_crun(t):
    """--cgroup-manager=systemd is the same."""
    by_systemd(t, "--cgroup-manager=systemd")
    box = t.sleeper()
    unit = scope(box)
    box.create().ok()
    equal(show(unit, "ActiveState"), ("active",), "the unit")


@driven(control=False, why="runc has its own words")
def a_limit_that_the_kernel_refuses(t):
    """The unit is taken back."""
    by_systemd(t)
    box = resources(t.sleeper(), cpu={"cpus": "4000"})
    unit = scope(box)
    absent(box.create().exits(1).err, "systemd", "stderr")
    t.no_state()
    goes(unit)
