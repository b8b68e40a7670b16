# SPDX-License-Identifier: Apache-2.0
"""Many containers at once: `list` finds each of them, in time, and whatever happens meanwhile."""

import json
import os
import shutil

import pytest

import bundles
import leaks
from harness import equal, eventually, stop, true
from marks import needs

pytestmark = pytest.mark.slow

MANY, VERY_MANY = 100, 1000


def smallest(t):
    """A bundle of one mount: cheap to make a thousand times."""
    bundle = t.bundle("sleep", "600")
    return bundle.edit(lambda config: config.update(mounts=[bundles.mount("/proc", "proc", "proc")])).namespaces(
        "pid", "mount", "ipc", "uts")


class Crowd:
    """Created containers of one bundle. The harness knows the first only: deleting them is ours."""

    def __init__(self, t, count):
        self.t, self.bundle = t, smallest(t)
        self.ids = [f"{t.prefix}-m{number:04}" for number in range(count)]

    def __enter__(self):
        for name in self.ids:
            self.t.runtime("create", "--bundle", self.bundle.path, name).ok()
        return self

    def __exit__(self, *_):
        for name in self.ids:
            self.t.runtime("delete", "--force", name).exits(0)
        leaks.kill_descendants(os.getpid())

    def pids(self):
        return {pid for pid, (parent, *_) in leaks.descendants(os.getpid()).items() if parent == os.getpid()}


def listed(t, *flags):
    result = t.runtime("list", *flags).ok()
    return result, result.lines()


def all_forms(t, crowd):
    """Looks at every form of list; the slowest one's seconds."""
    quiet, lines = listed(t, "-q")
    equal(sorted(lines), crowd.ids, "ids of list -q")
    as_json, _ = listed(t, "-f", "json")
    found = {entry["id"]: entry for entry in json.loads(as_json.out)}
    equal(sorted(found), crowd.ids, "ids of list -f json")
    equal({entry["status"] for entry in found.values()}, {"created"}, "statuses")
    equal({entry["pid"] for entry in found.values()}, crowd.pids(), "pids")
    both, lines = listed(t, "-q", "-f", "json")
    true(both.code == 0 and lines, "list -q -f json prints nothing")
    table, lines = listed(t)
    equal(sorted(line.split()[0] for line in lines[1:]), crowd.ids, "ids of the table")
    return max(result.seconds for result in (quiet, as_json, both, table))


@pytest.mark.timeout(90)
def test_a_hundred(t):
    """100 created containers: each form of list has each of them, once."""
    with Crowd(t, MANY) as crowd:
        seconds = all_forms(t, crowd)
    true(seconds < 5, f"list took {seconds:.2f} s")
    t.no_state()


@pytest.mark.timeout(90)
def test_a_hundred_that_end_while_they_are_listed(t):
    """list while containers die and are deleted: it succeeds, and names no one twice."""
    with Crowd(t, MANY) as crowd:
        for number, name in enumerate(crowd.ids):
            child = t.runtime.start(t.runtime.command("delete", "--force", name))
            if number % 10 == 0:
                result = t.runtime("list", "-q").exits(0)
                true(len(set(result.lines())) == len(result.lines()), "an id is there twice")
                true(set(crowd.ids[number + 1:]) <= set(result.lines()), "one that lives is missing")
            equal(child.wait(20), 0, "exit code of delete")
        equal(t.runtime("list", "-q").ok().lines(), [], "ids")


@pytest.mark.timeout(60)
def test_damaged_neighbours(t):
    """One broken state file among fifty does not hide the others."""
    with Crowd(t, 50) as crowd:
        victim = crowd.ids[25]
        kept = (t.root / victim / "state.json").read_bytes()
        try:
            (t.root / victim / "state.json").write_bytes(kept[:len(kept) // 2])
            result = t.runtime("list", "-q").exits(0)
            true(set(crowd.ids) - {victim} <= set(result.lines()), "others are missing")
        finally:
            (t.root / victim / "state.json").write_bytes(kept)


@pytest.mark.timeout(60)
def test_a_killed_list(t):
    """SIGKILL of a list changes nothing."""
    with Crowd(t, 20) as crowd:
        for _ in range(10):
            stop(t.runtime.start(t.runtime.command("list")))
        equal(sorted(listed(t, "-q")[1]), crowd.ids, "ids")


def room_for_a_thousand():
    """A skip's reason: what a thousand waiting processes need."""
    with open("/proc/meminfo", encoding="ascii") as file:
        free = {line.split(":")[0]: int(line.split()[1]) for line in file}["MemAvailable"]
    return f"only {free >> 10} MiB of memory are free" if free < 2 << 20 else None


@needs(room_for_a_thousand)
@pytest.mark.timeout(300)
def test_a_thousand(t):
    """1,000 created containers: each form of list ends within 5 s and has each of them. Prints the slowest."""
    with Crowd(t, VERY_MANY) as crowd:
        seconds = all_forms(t, crowd)
        print(f"list of {VERY_MANY}: {seconds:.3f} s", flush=True)
        true(seconds < 5, f"list took {seconds:.2f} s")
        one = t.runtime("state", crowd.ids[-1]).ok()
        true(one.seconds < 2, f"state took {one.seconds:.2f} s")
    t.no_state()
    shutil.rmtree(crowd.bundle.path)
    eventually(lambda: not leaks.descendants(os.getpid()), "processes are left")
