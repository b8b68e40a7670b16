# SPDX-License-Identifier: Apache-2.0
"""Containers that end before anybody looks, and callers in a hurry."""

import os
import signal
import time

import leaks
from harness import contains, equal, eventually, true
from marks import differs


def test_twenty_short_runs(t):
    """20 runs of `true` all end with 0 and leave nothing."""
    box = t.container("true")
    for _ in range(20):
        box.run().ok()
    t.no_state()


def test_twenty_short_statuses(t):
    """20 quick deaths all report their status."""
    for status in range(20):
        t.shell(f"exit {status}").run().exits(status)


def test_twenty_detached_runs(t):
    """run --detach succeeds although the program may be dead already; its output is there."""
    for _ in range(20):
        box = t.container("echo", "x")
        box.run_detached().exits(0)
        equal(box.wait(), 0, "status")
        box.delete().ok()


def test_start_of_a_short_program(t):
    """create, start, wait, delete of `true`, ten times with one id."""
    box = t.container("true")
    for _ in range(10):
        box.create().ok()
        box.start().ok()
        equal(box.wait(), 0, "status")
        equal(box.status(), "stopped", "status")
        box.delete().ok()


def test_start_after_init_was_killed(t):
    """start of a container whose waiting init was killed fails and does not hang."""
    box = t.sleeper()
    box.create().ok()
    os.kill(box.pid, signal.SIGKILL)
    box.wait()
    result = box.start().exits(1)
    contains(result.err, "cannot start a container that has stopped", "stderr")
    equal(box.status(), "stopped", "status")


def test_kill_right_after_start(t):
    """A kill that follows start at once succeeds or says `container not running`."""
    for _ in range(10):
        box = t.container("true")
        box.create().ok()
        box.start().ok()
        result = box.kill("KILL")
        true(result.code == 0 or "container not running" in result.err, str(result))
        true(box.wait() in (0, -9), f"status is {box.exit_status}")
        box.delete().ok()


def test_delete_right_after_the_end(t):
    """delete at the moment of death works without force, zombie or not."""
    for _ in range(10):
        box = t.container("true")
        box.create().ok()
        box.start().ok()
        box.wait_dead()
        box.delete().ok()
    t.no_state()


def test_delete_force_right_after_start(t):
    """delete --force in the first moment of life works ten times."""
    for _ in range(10):
        box = t.sleeper()
        box.run_detached().ok()
        box.delete("--force").ok()
    t.no_state()


def test_state_during_create_is_whole_or_nothing(t):
    """Another caller who asks while create runs sees no container or a complete one."""
    box = t.sleeper()
    command = t.runtime.command("create", "--bundle", box.bundle.path, "--pid-file", box.pid_file, box.id)
    child = t.runtime.start(command)
    seen = set()
    while child.poll() is None:
        result = t.runtime("state", box.id)
        seen.add(box_word(result))
    equal(child.returncode, 0, "exit code of create")
    true(seen <= {"does not exist", "creating", "created", "stopped"}, f"seen: {seen}")
    equal(box.status(), "created", "status")


def box_word(result):
    if result.code == 0:
        return next(line.split('"')[3] for line in result.lines() if '"status"' in line)
    contains(result.err, "does not exist", "stderr")
    return "does not exist"


@differs("runc 1.1.5 killed during create leaves what delete --force cannot remove")
def test_create_killed_at_any_moment(t):
    """A create that is killed after 0 to 30 ms leaves only what delete --force removes."""
    for step in range(16):
        box = t.sleeper()
        child = t.runtime.start(t.runtime.command("create", "--bundle", box.bundle.path, box.id))
        time.sleep(step * 0.002)
        child.kill()
        child.wait()
        box.delete("--force").ok()
        eventually(lambda: leaks.reap_orphans() or not leaks.descendants(os.getpid()),
                   f"step {step}: a process is left")
        t.no_state()


def test_ten_containers_at_once(t):
    """Ten containers live side by side, are listed, and go."""
    boxes = [t.sleeper() for _ in range(10)]
    for box in boxes:
        box.run_detached().ok()
    equal(len({box.pid for box in boxes}), 10, "pids")
    equal(set(t.runtime("list", "-q").ok().lines()), {box.id for box in boxes}, "ids")
    for box in boxes:
        box.delete("--force").ok()


@differs("runc 1.1.5 lets the loser remove the winner's state directory: in 14 of 60 runs both fail")
def test_two_creates_of_one_id(t):
    """Of two creates at the same time with one id exactly one succeeds."""
    first, second = t.sleeper(), t.sleeper()
    commands = [t.runtime.command("create", "--bundle", box.bundle.path, first.id) for box in (first, second)]
    children = [t.runtime.start(command) for command in commands]
    codes = sorted(child.wait(20) for child in children)
    equal(codes, [0, 1], "exit codes")
    equal(first.status(), "created", "status")
