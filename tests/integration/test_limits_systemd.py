# SPDX-License-Identifier: Apache-2.0
"""Limits with the systemd driver: properties of the unit and files of the cgroup."""

import os
import stat

from harness import absent, contains, equal, eventually, true
from marks import differs
from systemd import (FILES, LIMITS, MIB, by_systemd, create, created, driven, exists, files, goes, is_gone, quiet,
                     reload, resources, scope, show, text)
from test_delegation import delegable, mapped, owners
from test_device_update import IGNORED, KMSG, NOTHING, opens, ruled, update
from test_resources_in_force import storm
from test_user_namespace import FIRST


@driven
def test_limits_are_properties_and_files(t):
    """systemd has the limits as properties, and the files have them."""
    box, unit = created(t, **LIMITS)
    equal(show(unit, "MemoryMax", "MemoryLow", "TasksMax", "CPUQuotaPerSecUSec", "CPUQuotaPeriodUSec", "AllowedCPUs",
               "AllowedMemoryNodes"), (str(64 * MIB), str(16 * MIB), "33", "250ms", "50ms", "0", "0"), "properties")
    equal(files(box), FILES, "files")


@driven
def test_a_quota_is_exact_until_a_reload(t):
    """systemd counts in 1 % of a CPU. It gets a rounded-up quota, and writes that one when it reloads its units."""
    box, unit = created(t, cpu={"quota": 12345, "period": 50000})
    equal((show(unit, "CPUQuotaPerSecUSec"), text(box, "cpu.max")), (("250ms",), "12345 50000"), "quota")
    reload()
    equal((show(unit, "CPUQuotaPerSecUSec"), text(box, "cpu.max")), (("250ms",), "12500 50000"), "quota")


@differs("Debian's runc has the old formula for shares, and no io.weight as a property")
@driven
def test_weights_are_properties(t):
    """cpu.shares maps to CPUWeight by the quadratic formula, and blockIO.weight to the scale of io.weight."""
    box, unit = created(t, cpu={"shares": 512}, blockIO={"weight": 500})
    equal(show(unit, "CPUWeight", "IOWeight"), ("59", "4950"), "properties")
    equal(text(box, "cpu.weight"), "59", "cpu.weight")


@differs("Debian's runc does not know cpu.idle")
@driven
def test_idle_is_a_weight(t):
    """cpu.idle becomes CPUWeight=idle."""
    box, unit = created(t, cpu={"idle": 1})
    equal((show(unit, "CPUWeight"), text(box, "cpu.idle")), (("idle",), "1"), "idle")


@differs("Debian's runc makes properties of fewer files")
@driven
def test_unified_is_made_properties_and_has_the_last_word(t):
    """systemd gets those settings of `unified` that it has properties for; the files alone have the others."""
    box, unit = created(t, memory={"limit": 64 * MIB},
                        unified={"memory.max": "32M", "memory.high": "31M", "memory.oom.group": "1", "pids.max": "9"})
    equal(show(unit, "MemoryMax", "MemoryHigh", "TasksMax"), (str(32 * MIB), str(31 * MIB), "9"), "properties")
    equal((text(box, "memory.max"), text(box, "memory.oom.group")), (str(32 * MIB), "1"), "files")


@driven
def test_limits_survive_a_reload(t):
    """daemon-reload leaves the properties, the files and everything in the scope as they are."""
    box, unit = created(t, **LIMITS)
    before = show(unit, "MemoryMax", "TasksMax", "CPUQuotaPerSecUSec", "InvocationID")
    reload()
    equal(show(unit, "MemoryMax", "TasksMax", "CPUQuotaPerSecUSec", "InvocationID"), before, "properties")
    equal(files(box), FILES, "files")
    box.start().ok()
    equal(box.status(), "running", "status")


@driven
def test_the_device_filter_survives_a_reload(t):
    """The filter forbids the same before and after daemon-reload."""
    by_systemd(t)
    box = t.sleeper()
    scope(box)
    os.mknod(box.bundle.rootfs / "disk", stat.S_IFBLK | 0o666, os.makedev(7, 0))
    create(box)
    box.start().ok()
    for _ in range(3):
        contains(box.exec("cat", "/disk").err, "Operation not permitted", "stderr")
        box.exec("head", "-c", "1", "/dev/zero").exits(0)
        reload()


@differs(IGNORED)
@driven
def test_updated_device_rules_survive_a_reload(t):
    """The rules of an update are in force before and after daemon-reload."""
    by_systemd(t)
    box = ruled(t.sleeper(), NOTHING)
    unit = scope(box)
    create(box)
    box.start().ok()
    equal(opens(box), False, "with nothing allowed")
    for rules, expected in ((KMSG, True), (NOTHING, False)):
        update(t, box, {"devices": rules}).ok()
        equal(opens(box), expected, "opens after update")
        reload()
        equal(show(unit, "ActiveState"), ("active",), "the unit")  # now systemd has looked at all of its units
        equal(opens(box), expected, "opens after daemon-reload")


@driven
def test_the_scope_is_the_mapped_users(t):
    """Root of a user namespace owns the files that the kernel lists for a delegation, and divides the cgroup; delete removes all."""
    by_systemd(t)
    box = mapped(t, "sh", "-c", "mkdir -p /sys/fs/cgroup/jobs/1; sleep 60")
    unit = scope(box)
    create(box)
    cgroup = box.cgroup()
    for _ in range(2):
        found = owners(cgroup)
        equal(found.pop(FIRST), delegable(cgroup), "what the user owns")
        equal(set(found), {0}, "the others' owner")
        reload()
    contained = {".", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"}
    true(contained <= delegable(cgroup), f"the kernel hands over no more than {delegable(cgroup)}")
    box.start().ok()
    eventually((cgroup / "jobs/1").is_dir, "the container cannot divide its cgroup")
    equal((cgroup / "jobs/1").stat().st_uid, FIRST, "owner of a cgroup below")
    box.delete("--force").ok()
    true(not exists(cgroup), f"{cgroup} is still there")
    true(is_gone(unit), f"{unit} is still there")


@driven
def test_limits_hold(t):
    """A fork storm stops at pids.limit, also after a daemon-reload."""
    by_systemd(t)
    box = resources(t.sleeper(), pids={"limit": 12})
    scope(box)
    create(box)
    box.start().ok()
    reload()
    equal(storm(box), 12, "processes")


@differs("its own process in the container needs threads")
@driven
def test_a_limit_of_one_process(t):
    """No process of the runtime is in the scope besides init: pids.limit 1 is enough for one process."""
    by_systemd(t)
    box = resources(t.container("true"), pids={"limit": 1})
    scope(box)
    quiet(box, box.run())


@driven
def test_update_changes_both(t):
    """The files and systemd have the new limits, also after a reload."""
    box, unit = created(t, **LIMITS)
    box.start().ok()
    t.runtime("update", "--memory", str(96 * MIB), "--memory-swap", str(96 * MIB), "--pids-limit", "44",
              "--cpu-period", "100000", "--cpu-quota", "35000", box.id).exits(0)
    for _ in range(2):
        equal(show(unit, "MemoryMax", "TasksMax", "CPUQuotaPerSecUSec", "CPUQuotaPeriodUSec"),
              (str(96 * MIB), "44", "350ms", "100ms"), "properties")
        equal(files(box), {**FILES, "memory.max": str(96 * MIB), "pids.max": "44", "cpu.max": "35000 100000"},
              "files")
        reload()


@differs("Debian's runc sets the properties although the kernel refuses the file")
@driven
def test_an_update_that_fails_changes_neither(t):
    """The kernel comes first: systemd never gets a value that the kernel refuses."""
    box, unit = created(t, **LIMITS)
    t.runtime("update", "--pids-limit", "44", "--cpuset-cpus", "4000", box.id).exits(1)
    equal(show(unit, "TasksMax", "AllowedCPUs"), ("33", "0"), "properties")
    equal(files(box), FILES, "files")


@differs("runc has its own words")
@driven
def test_a_limit_that_the_kernel_refuses(t):
    """If the kernel refuses a limit, create fails and removes the unit."""
    by_systemd(t)
    box = resources(t.sleeper(), cpu={"cpus": "4000"})
    unit = scope(box)
    absent(box.create().exits(1).err, "systemd", "stderr")
    t.no_state()
    goes(unit)


# ---- what update must leave alone -------------------------------------------------------------------------

KEPT = {"memory.max": str(64 * MIB), "cpu.max": "12345 50000", "cpu.weight": "59", "memory.oom.group": "1"}


def with_limits_to_keep(t):
    return created(t, memory={"limit": 64 * MIB}, cpu={"quota": 12345, "period": 50000, "shares": 512},
                   unified={"memory.oom.group": "1"})


def says(box, expected):
    equal({file: text(box, file) for file in expected}, expected, "files")


@differs("Debian's runc has the old formula for shares, and loses memory.oom.group")
@driven
def test_update_keeps_what_it_was_not_told(t):
    """systemd writes more files than update asked for, and rounds: update restores them."""
    box, unit = with_limits_to_keep(t)
    t.runtime("update", "--pids-limit", "30", box.id).ok()
    says(box, KEPT)
    t.runtime("update", "--memory", str(96 * MIB), box.id).ok()
    says(box, {**KEPT, "memory.max": str(96 * MIB)})
    t.runtime("update", "--cpu-idle", "0", box.id).ok()
    says(box, {"cpu.weight": "59", "cpu.idle": "0", "cpu.max": "12345 50000"})
    t.runtime("update", "--cpu-idle", "1", "--cpu-share", "100", box.id).ok()
    says(box, {"cpu.idle": "1"})
    t.runtime("update", "--cpu-idle", "0", "--cpu-share", "512", box.id).ok()
    says(box, {**KEPT, "memory.max": str(96 * MIB), "cpu.idle": "0"})
    equal(show(unit, "CPUWeight", "MemoryMax"), ("59", str(96 * MIB)), "properties")


@differs("runc has no faults")
@driven
def test_a_failed_update_changes_nothing(t):
    """After a failed update systemd too has the values from before."""
    box, unit = with_limits_to_keep(t)
    before = show(unit, "MemoryMax", "CPUWeight", "TasksMax", "CPUQuotaPerSecUSec")
    for step in range(1, 4):
        result = t.runtime("update", "--memory", str(96 * MIB), "--cpu-share", "1024", "--pids-limit", "20", "--fault",
                           f"{step}:EPERM", box.id).exits(1)
        contains(result.err, "injected fault", "stderr")
        says(box, KEPT)
        equal(show(unit, "MemoryMax", "CPUWeight", "TasksMax", "CPUQuotaPerSecUSec"), before, f"properties, step {step}")
