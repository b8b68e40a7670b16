# SPDX-License-Identifier: Apache-2.0
"""containerd's shim: kill, what is left to kill behind init, and what is left behind a crash."""

import json
import os
import signal

from caller import reap
from harness import contains, equal, eventually, true
from marks import parametrize
from shim import NotFound
from test_shim import task

SHARED = [("no entry",), ("an entry with a path",)]


def shares_pids(how):
    """Edits a config so that its container lives in a pid namespace that is not its own."""
    def change(config):
        spaces = [space for space in config["linux"]["namespaces"] if space["type"] != "pid"]
        config["linux"]["namespaces"] = spaces + ([{"type": "pid", "path": "/proc/self/ns/pid"}]
                                                  if how == "an entry with a path" else [])
    return change


@parametrize("how", SHARED)
def test_the_rest_is_killed_behind_init(t, how):
    """With {} for its own pids in the config, `kill --all ID 9` after init's exit succeeds silently, and kills who is
    left.
    """
    box = task(t, "sh", "-c", "sleep 61 & echo $!; exit 2", edit=shares_pids(how)).create().start()
    left = int(os.read(box.pipes.stdout[0], 20))
    contains((box.cgroup / "cgroup.procs").read_text(), str(left), "the processes of the cgroup")
    equal(box.wait(), 2, "exit status")
    equal(reap(left), 137, "exit status of who was left")
    equal(box.pipes.read(), ["", ""], "what was written")
    box.delete()


@parametrize("how", SHARED)
def test_nobody_is_left_to_be_killed(t, how):
    """With {}, `kill --all ID 9` succeeds silently also where nobody is left, and once more."""
    box = task(t, "true", edit=shares_pids(how)).create("null").start()
    equal(box.wait(), 0, "exit status")
    box.kill_all()
    box.delete()


@parametrize("how, text", [
    ("has ended", "process already finished: not found"), ("is deleted", "no such container: not found"),
    ("never was", "no such container: not found")])
def test_kill_of_who_is_gone(t, how, text):
    """The words of `kill` for a container that {} make it NotFound, so that a stop succeeds."""
    box = task(t, "true")
    if how != "never was":
        box.create("null").start()
        box.wait()
    if how == "is deleted":
        box.delete()
    try:
        box.kill(signal.SIGTERM)
        true(False, "kill succeeds")
    except NotFound as error:
        equal(str(error), text, "what containerd is told")
    if how == "has ended":
        box.delete()


def test_kill_of_an_init_that_nobody_has_reaped(t):
    """A zombie whose status the shim has not taken yet is stopped, and a signal for it says `container not running`."""
    box = task(t, "true").create("null").start()
    eventually(lambda: box.status() == "stopped", "the status is not stopped")
    answer = box.runtime.kill(box.id, 15).failed()
    contains(answer.out, "container not running", "the message")
    equal(box.wait(), 0, "exit status")
    box.delete()


def test_kill_of_the_created(t):
    """Signal 9 ends a container that was created and never started; then it is stopped, and is deleted without force.
    """
    box = task(t).create("null")
    box.kill()
    equal(box.wait(), 137, "exit status")
    equal(box.status(), "stopped", "status")
    box.delete()


@parametrize("status", [("created",), ("running",), ("paused",), ("stopped",)])
def test_after_the_shims_crash(t, status):
    """`delete --force` by who never spoke of the container's driver removes one that is {}; init.pid stays to be read.
    """
    box = task(t).create()
    if status != "created":
        box.start()
    if status == "paused":
        box.pause()
    if status == "stopped":
        os.kill(box.pid, signal.SIGKILL)
        reap(box.pid)
    equal(box.status(), status, "status")
    equal(box.clean_up(), box.pid, "what init.pid says")
    if status != "stopped":
        equal(reap(box.pid), 137, "exit status")
    equal(box.pipes.read(), ["", ""], "what was written")
    equal((box.cgroup.exists(), os.listdir(box.runtime.root)), (False, []), "cgroup and state root")


def test_after_a_crash_in_create(t):
    """A create that is killed with its shim leaves what `delete --force` clears away: no process, no cgroup, no state.
    """
    box = task(t)
    os.mkfifo(box.bundle.path / "gate")
    box.bundle.edit(lambda config: config.update(hooks={"createRuntime": [
        {"path": "/bin/sh", "args": ["sh", "-c", f"cat > {box.bundle.path}/state; read x < {box.bundle.path}/gate"]}]}))
    argv = box.runtime.argv(*box.runtime.words("create", box.bundle.path, box.id,
                                               {"pid_file": box.bundle.path / "init.pid"}))
    child = box.runtime.begin(argv, (-3, -3, -3), None)
    eventually(lambda: (box.bundle.path / "state").exists() and (box.bundle.path / "state").read_text(), "no hook runs")
    pid = json.loads((box.bundle.path / "state").read_text())["pid"]
    child.kill()
    child.wait()
    gate = os.open(box.bundle.path / "gate", os.O_RDWR | os.O_CLOEXEC)
    os.write(gate, b"\n")
    box.runtime.delete(box.id, force=True).silent()
    os.close(gate)
    reap(pid)
    equal(os.listdir(box.runtime.root), [], "state root")
