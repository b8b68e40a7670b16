# SPDX-License-Identifier: Apache-2.0
"""With the systemd driver, a creation fails or is killed at each of its steps."""

import json

import pytest

from harness import eventually, true
from marks import differs, needs
from systemd import by_systemd, exists, goes, is_gone, needs_systemd, resources, scope

WHY = "runc has no faults to inject"


def prepared(t):
    """A container with a limit, the name of its scope, and the numbers and names of the host's steps."""
    by_systemd(t)
    box = resources(t.sleeper(), pids={"limit": 20})
    unit = scope(box)
    steps = json.loads(t.runtime("explain", "--json", "--bundle", box.bundle.path, box.id).ok().out)
    host = [(number, step["verb"]) for number, step in enumerate(steps) if step["lane"] == "host"]
    true(any(verb == "start_unit" for _, verb in host), "no unit is started")
    return box, unit, host


@differs(WHY)
@needs(needs_systemd)
@pytest.mark.timeout(200)
def test_that_fails_leaves_nothing(t):
    """Each host step fails once: no unit, no cgroup and no state is left, and create works afterwards."""
    box, unit, host = prepared(t)
    for number, verb in host:
        result = box.create("--fault", f"{number}:EPERM").exits(1)
        true(is_gone(unit), f"{unit} is left of step {number}, {verb}: {result}")
        true(not exists(f"/sys/fs/cgroup/system.slice/{unit}"), f"its cgroup is left of step {number}, {verb}")
        t.no_state()
    box.create().ok()


@differs(WHY)
@needs(needs_systemd)
@pytest.mark.timeout(300)
def test_that_is_killed_leaves_nothing_running(t):
    """The runtime is killed before each host step up to SendGo: the scope ends by itself, and delete removes the rest."""
    box, unit, host = prepared(t)
    for number, verb in host:
        result = box.create("--fault", f"{number}:kill")
        true(result.code == -9, f"step {number}, {verb}: {result}")
        if verb == "send_go":
            break
        goes(unit)
        cgroup = f"/sys/fs/cgroup/system.slice/{unit}"
        eventually(lambda: not exists(cgroup), f"step {number}, {verb}: {cgroup} is left")
        box.delete("--force").exits(0)
        t.no_state()
    box.delete("--force").ok()
    box.create().ok()


@differs(WHY)
@needs(needs_systemd)
@pytest.mark.timeout(200)
def test_that_is_killed_later_is_deleted_by_force(t):
    """After SendGo the container may live; delete --force finds its unit through the record, written before."""
    box, unit, host = prepared(t)
    late = [(number, verb) for number, verb in host if number > next(n for n, v in host if v == "send_go")]
    true(late, "there is no step after send_go")
    for number, verb in late:
        result = box.create("--fault", f"{number}:kill")
        true(result.code == -9, f"step {number}, {verb}: {result}")
        box.delete("--force").exits(0)
        goes(unit)
        t.no_state()
