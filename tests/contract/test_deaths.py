# SPDX-License-Identifier: Apache-2.0
"""Callers who die, and what must not outlive a call: descriptors, helpers, half a container."""

import os
import time
from subprocess import DEVNULL

import pytest

import leaks
from buildkit import Attached, BuildKit
from caller import spawn, until_end, wait
from gorunc import library
from harness import begins, equal, eventually, true
from hooks import shell
from marks import breaks, parametrize
from mortal import Mortal, ended, inherited, nothing_below_us


@parametrize("verb", ["create", "start", "exec", "run"])
def test_descriptors_that_come_along(t, verb):
    """Pipes that a careless caller lets `{}` inherit end with it: neither the container nor a helper keeps them."""
    runc, box = library(t), t.sleeper()
    create = ["--bundle", box.bundle.path, "--pid-file", box.pid_file]
    if verb == "start":
        box.create().ok()
    elif verb == "exec":
        box.run_detached().ok()
    words = {"create": ["create", *create], "run": ["run", *create, "--detach"], "start": ["start"],
             "exec": ["exec", "--detach", "--pid-file", t.scratch / "exec.pid"]}[verb]
    readers, writers = inherited()
    child = spawn(runc.argv(*words, box.id, *(["sleep", "60"] if verb == "exec" else [])), pass_fds=writers)
    for number in writers:
        os.close(number)
    equal(wait(child), 0, "exit status")
    equal(until_end(readers), [b""] * len(readers), "what came through the pipes")
    if verb == "exec":
        ended(t.scratch / "exec.pid")


@parametrize("verb", ["start", "kill", "pause", "resume", "update", "delete"])
def test_streams_of_a_short_verb(t, verb):
    """`{}` ends its caller's streams: stdin, stdout and stderr are one pipe each that nobody else holds afterwards."""
    runc, box = library(t), t.sleeper()
    box.create().ok() if verb == "start" else box.run_detached().ok()
    words = {"kill": ["kill", box.id, "0"], "update": ["update", "--resources=-", box.id],
             "delete": ["delete", "--force", box.id]}.get(verb, [verb, box.id])
    if verb == "resume":
        runc.pause(box.id).silent()
    step = Attached(runc.argv(*words))
    if verb == "update":
        step.say(b"{}")
    step.finish().silent()
    if verb == "pause":
        runc.resume(box.id).silent()


def killed_after(t, seconds, argv, **how):
    """A caller dies that long after it has called."""
    caller = Mortal(argv, **how)
    time.sleep(seconds)
    caller.die()


@pytest.mark.timeout(60)
def test_a_caller_that_dies_during_create(t):
    """When the caller of `create` dies at any moment, `delete --force` removes all there is, processes too."""
    runc, bundle = library(t), t.bundle("sleep", "60")
    for step in range(16):
        name = t.fresh_id()
        killed_after(t, step * 0.002, runc.argv("create", "--bundle", bundle.path, name))
        runc.delete(name, force=True).silent()
        nothing_below_us()
        runc.create(bundle.path, name, stdio=(DEVNULL,) * 3).silent()
        runc.delete(name, force=True).silent()
        nothing_below_us()


@pytest.mark.timeout(60)
def test_a_caller_that_dies_during_start(t):
    """When the caller of `start` dies at any moment, the container is created or running, and can be deleted."""
    runc = library(t)
    for step in range(8):
        box = t.sleeper()
        box.create().ok()
        killed_after(t, step * 0.001, runc.argv("start", box.id))
        true(box.status() in ("created", "running"), f"status {box.status()}")
        runc.delete(box.id, force=True).silent()
        nothing_below_us()


@pytest.mark.timeout(60)
def test_a_caller_that_dies_during_exec(t):
    """When the caller of a detached `exec` dies at any moment, the container is as it was, and ends as it should."""
    runc, box = library(t), t.running()
    for step in range(12):
        killed_after(t, step * 0.002, runc.argv("exec", "--detach", box.id, "sleep", "60"))
        equal(box.status(), "running", "status")
    equal(box.exec("true").code, 0, "exit status of one more exec")
    runc.kill(box.id, 9).silent()
    nothing_below_us()
    runc.delete(box.id).silent()


@breaks("leaves the hook behind")
@pytest.mark.timeout(60)
def test_a_caller_that_dies_during_a_hook(t):
    """When the caller of `create` dies while a hook runs, the hook's process ends, and the rest can be deleted."""
    runc, name = library(t), t.fresh_id()
    word = f"{t.scratch}/hook-runs"
    bundle = t.bundle("sleep", "60").edit(lambda config: config.update(
        hooks={"createRuntime": [shell(f"echo > {word}; exec sleep 61")]}))
    caller = Mortal(runc.argv("create", "--bundle", bundle.path, name))
    eventually(lambda: os.path.exists(word), "the hook does not run", 10)
    begins("sleep", "61")
    caller.die()
    runc.delete(name, force=True).silent()
    nothing_below_us()


@parametrize("verb", ["run", "exec"])
def test_a_caller_that_dies_when_attached(t, verb):
    """When the caller of an attached `{}` dies, others can still ask, kill and delete the container."""
    runc = BuildKit(t)
    runc.root = t.root
    box = t.sleeper()
    if verb == "run":
        caller = Mortal(runc.argv("run", "--bundle", box.bundle.path, box.id))
    else:
        box.run_detached().ok()
        caller = Mortal(runc.argv("exec", box.id, "sleep", "61"))
        begins("sleep", "61")
    runc.running(box.id)
    caller.die()
    equal(box.status(), "running", "status")
    runc.kill(box.id, 9).silent()
    nothing_below_us()
    runc.delete(box.id).silent()


def test_a_caller_that_is_no_subreaper(t):
    """The container's process becomes the child of the nearest subreaper, where the caller itself is none."""
    runc, box = library(t), t.container("sh", "-c", "exit 7")
    caller = Mortal(runc.argv("create", "--bundle", box.bundle.path, "--pid-file", box.pid_file, box.id))
    equal(caller.finish(), 0, "exit status of create")
    runc.start(box.id).silent()
    equal(box.wait(), 7, "exit status of the container, which is our child")


@parametrize("verb", ["create", "run", "exec"])
def test_no_helper_stays(t, verb):
    """Behind `{}` --detach there is one process more below its caller, the container's, and no helper beside it."""
    box = t.sleeper()
    if verb == "create":
        box.create().ok()
    else:
        box.run_detached().ok()
    expected = {box.pid}
    if verb == "exec":
        expected.add(box.exec_detached("sleep", "61").pid)
    equal(set(leaks.descendants(os.getpid())), expected, "processes below us")
