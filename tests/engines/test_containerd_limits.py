# SPDX-License-Identifier: Apache-2.0
"""Limits that ctr sets, and the systemd driver: what takes controllers."""

import json
import subprocess

from cases import GUEST, case
from harness import contains, equal, true


@case(place=GUEST)
def limits(t):
    """--memory-limit, --cpus and --cpu-shares are in the cgroup, and `ctr task metrics` reads what is used."""
    group = t.sleeper("--memory-limit", str(64 << 20), "--cpus", "0.5", "--cpu-shares", "2048")
    equal((group / "memory.max").read_text(), f"{64 << 20}\n", "memory.max")
    equal((group / "cpu.max").read_text(), "50000 100000\n", "cpu.max")
    weight = (group / "cpu.weight").read_text()
    true(weight in ("79\n", "174\n"), f"cpu.weight is of the older or of the newer conversion: {weight}")
    metrics = dict(line.split()[:2] for line in t("task", "metrics", "c1").exits(0).lines() if len(line.split()) == 2)
    equal(metrics["memory.usage_limit"], str(64 << 20), "the limit in the metrics")
    equal(metrics["pids.current"], "1", "the processes in the metrics")


@case(place=GUEST)
def out_of_memory(t):
    """A container that takes more than its memory is killed: 137, and an event tells of it."""
    child = t.background("events", stdout=subprocess.PIPE, text=True)
    script = t.killed_amidst("tail /dev/zero")
    try:
        t.run("sh", "-c", script, flags=["--memory-limit", str(16 << 20)]).exits(137)
    finally:
        child.kill()
    contains(child.communicate()[0], "/tasks/oom", "events")


@case(place=GUEST)
def systemd(t):
    """--runc-systemd-cgroup makes a scope of systemd in its slice, with the limit, and removes it."""
    scope = "engines-c1.scope"
    flags = ["--runc-systemd-cgroup", "--cgroup", "system.slice:engines:c1", "--memory-limit", str(64 << 20)]
    group = t.sleeper(*flags)
    equal(str(group), f"/sys/fs/cgroup/system.slice/{scope}", "the cgroup")
    equal((group / "memory.max").read_text(), f"{64 << 20}\n", "memory.max")
    shown = t.shell("systemctl", "show", "--property", "ActiveState,MemoryMax", scope).exits(0).out
    equal(sorted(shown.split()), ["ActiveState=active", f"MemoryMax={64 << 20}"], "what systemd says")
    t.exec("true").exits(0)
    t.sweep()
    t.eventually(lambda: not group.exists(), "the scope is removed")


@case(place=GUEST)
def every_capability(t):
    """--privileged has every capability of the kernel, CAP_SYS_RESOURCE included."""
    out = t.output("grep", "CapEff", "/proc/self/status", flags=["--privileged"])
    last = int(open("/proc/sys/kernel/cap_last_cap", encoding="ascii").read())
    equal(int(out.split()[1], 16), (2 << last) - 1, "capabilities")


@case(place=GUEST)
def state_file(t):
    """The runtime's own list of containers names what ctr runs."""
    t.sleeper()
    listed = json.loads(t.shell(t.path, "--root", t.roots()[0], "list", "--format", "json").exits(0).out)
    equal([(each["id"], each["status"], each["pid"]) for each in listed], [("c1", "running", t.pid())], "the list")
