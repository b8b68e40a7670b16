# SPDX-License-Identifier: Apache-2.0
"""Signals that ask the runtime to end in the middle of its work: it undoes that work, reports it, and ends by the signal."""

import os
import signal
import time

import leaks
from harness import contains, equal, eventually, read_text, stop, true
from hooks import OF_CREATE, Journal
from marks import differs, parametrize
from test_exec_lifecycle import alone, freeze, frozen_box
from test_hooks_failure import is_gone
from test_hooks_hostile import none_left
from test_pause import moves, pause, resume, ticking
from test_pause_deadline import stuck_process

ENDING = ("TERM", "INT", "HUP", "QUIT")
WHY = "runc 1.1.5 dies at once and leaves what it has begun"


def begun(t, words, journal=None):
    """(runtime in the background, file of its stderr); with a journal the runtime is in its first hook."""
    said = t.scratch / "said"
    with open(said, "wb") as stream:
        child = t.runtime.start(t.runtime.command(*words), stderr=stream)
    if journal:
        eventually(journal.order, "the hook does not run")
    return child, said


def interrupted(child, said, name):
    """Fails unless the runtime ends by this signal and reports that in one line."""
    number = getattr(signal, f"SIG{name}")
    equal(stop(child, number), -number, "exit code")
    text = read_text(said)
    contains(text, f"interrupted by signal {int(number)}\n", "stderr")
    equal(text.count("\n"), 1, "lines")


def with_hook(t, kind, script="trap '' TERM INT HUP QUIT; exec sleep 50", **more):
    journal = Journal(t)
    return journal, journal.box(hooks={kind: [journal.note("hook", script)], **more})


@differs(WHY)
@parametrize("_, kind, name", [(f"{kind}, {name}", kind, name) for kind in OF_CREATE for name in ENDING])
def test_create_in_a_hook(t, _, kind, name):
    """If a hook without a timeout hangs, the signal kills the hook, and nothing of the container is left."""
    journal, box = with_hook(t, kind)
    child, said = begun(t, ("create", "--bundle", box.bundle.path, "--pid-file", box.pid_file, box.id), journal)
    interrupted(child, said, name)
    true(not box.pid_file.exists(), "the pid file is left")
    none_left()
    is_gone(t, box)


@differs(WHY)
@parametrize("_, how, kind", [
    (f"{how}, {kind}", how, kind) for how in ("attached", "detached") for kind in ("createRuntime", "poststart")])
def test_run_in_a_hook(t, _, how, kind):
    """The same holds for run, even after the program has started."""
    journal, box = with_hook(t, kind)
    flags = ["--detach"] if how == "detached" else []
    child, said = begun(t, ("run", "--bundle", box.bundle.path, *flags, box.id), journal)
    interrupted(child, said, "TERM")
    none_left()
    is_gone(t, box)


@differs(WHY)
def test_the_hooks_behind_it(t):
    """The poststop hooks still run; a second signal ends a poststop hook that hangs."""
    journal = Journal(t)
    box = journal.box(hooks={"createRuntime": [journal.note("first", "exec sleep 50")],
                             "poststop": [journal.note("second", "exec sleep 50"), journal.note("third")]})
    child, said = begun(t, ("create", "--bundle", box.bundle.path, box.id), journal)
    child.send_signal(signal.SIGTERM)
    eventually(lambda: journal.order() == ["first", "second"], "the poststop hook does not run")
    interrupted(child, said, "TERM")
    equal(journal.order(), ["first", "second", "third"], "hooks")
    none_left()
    is_gone(t, box)


@differs("runc 1.1.5 passes it on, or leaves its frozen child behind")
@parametrize("how", ["attached", "detached"])
def test_exec_that_waits(t, how):
    """An exec that waits for a paused container leaves no process, and the container as it was."""
    box = frozen_box(t)
    flags = ["--detach"] if how == "detached" else []
    child, said = begun(t, ("exec", "--ignore-paused", *flags, box.id, "sleep", "61"))
    eventually(lambda: len((box.cgroup() / "cgroup.procs").read_text().split()) == 2, "nobody is brought in")
    interrupted(child, said, "TERM")
    equal(box.status(), "paused", "status")
    freeze(box, False)
    alone(box)


@differs("runc 1.1.5 leaves all frozen")
def test_pause_that_waits(t):
    """An interrupted pause lets the stopped processes go on."""
    box, count = ticking(t)
    stuck = stuck_process(t, box)
    child, said = begun(t, ("pause", box.id))
    eventually(lambda: not moves(count, 0.1), "it does not freeze")
    interrupted(child, said, "TERM")
    true(moves(count), "the program does not go on")
    stop(stuck)
    pause(box).ok()
    resume(box).ok()


@parametrize("name", ["HUP", "INT"])
def test_what_the_caller_ignores(t, name):
    """A signal that the caller ignores, as below nohup(1) or in a background job, has no effect."""
    _, box = with_hook(t, "createRuntime", "exec sleep 0.7")
    number = getattr(signal, f"SIG{name}")
    child = t.runtime.start(t.runtime.command("create", "--bundle", box.bundle.path, "--pid-file", box.pid_file, box.id),
                            setup={"ignore": [int(number)]})
    eventually(lambda: (t.scratch / "log" / "order").exists(), "the hook does not run")
    equal(stop(child, number), 0, "exit code")
    equal(box.status(), "created", "status")


def at_any_moment(t, words, look):
    """Sends SIGTERM after 0 to 15 ms: the verb has done all, or nothing."""
    for step in range(30):
        child, said = begun(t, words)
        time.sleep(step * 0.0005)
        code = stop(child, signal.SIGTERM)
        true(code in (0, -signal.SIGTERM), f"exit code {code}: {read_text(said)}")
        look(code)


@differs(WHY)
@parametrize("how", ["plain", "hooks"])
def test_create_at_any_moment(t, how):
    """The container is created, or nothing is left; no delete --force is needed."""
    journal = Journal(t)
    box = journal.box(hooks={kind: [journal.note(kind)] for kind in OF_CREATE} if how == "hooks" else {})

    def look(code):
        if code == 0:
            equal(box.status(), "created", "status")
            box.delete("--force").exits(0)
            leaks.reap_orphans()
        none_left()
        is_gone(t, box)
    at_any_moment(t, ("create", "--bundle", box.bundle.path, box.id), look)


@differs(WHY)
def test_exec_at_any_moment(t):
    """The program runs, or no process is left."""
    box = t.sleeper()
    box.run_detached().ok()

    def look(code):
        for pid in {int(word) for word in (box.cgroup() / "cgroup.procs").read_text().split()} - {box.pid}:
            equal(code, 0, f"a process is there, {pid}, and the exit code")
            stop_process(pid)
        alone(box)
    at_any_moment(t, ("exec", "--detach", box.id, "sleep", "61"), look)


def stop_process(pid):
    """Kills a process that the runtime has left to this process, and collects it."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
