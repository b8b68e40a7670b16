# SPDX-License-Identifier: Apache-2.0
"""E39: exec into a container whose first process is stopped, dying, dead, frozen, or hard to live with."""

import contextlib
import os
import pathlib
import signal
import threading
import time

import pytest

import isolation
from harness import Failure, contains, equal, eventually, true
from marks import attacker, parametrize
from world import execute, inhabitants


def cgroup_of(pid):
    """Its directory."""
    line = pathlib.Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").split("0::", 1)[1].splitlines()[0]
    return isolation.cgroup2_mount() / line.lstrip("/")


def living(t, *args, **process):
    box = t.container(*args, **process) if args else t.sleeper()
    box.run_detached().exits(0)
    return box


@contextlib.contextmanager
def stopped(t):
    box = living(t)
    os.kill(box.pid, signal.SIGSTOP)
    yield box
    os.kill(box.pid, signal.SIGCONT)


@contextlib.contextmanager
def zombie(t):
    """Dead, and not collected by its parent, which we are."""
    box = living(t)
    os.kill(box.pid, signal.SIGKILL)
    box.wait_dead()
    yield box
    box.wait()


@contextlib.contextmanager
def collected(t):
    box = living(t)
    os.kill(box.pid, signal.SIGKILL)
    box.wait()
    yield box


@contextlib.contextmanager
def frozen(t):
    """By somebody else than the runtime."""
    box = living(t)
    directory = cgroup_of(box.pid)
    (directory / "cgroup.freeze").write_text("1")
    eventually(lambda: "frozen 1" in (directory / "cgroup.events").read_text(), "it does not freeze")
    yield box
    (directory / "cgroup.freeze").write_text("0")


@contextlib.contextmanager
def frozen_above(t):
    """A cgroup above it is frozen: its own cgroup.freeze says 0."""
    box = t.sleeper()
    box.bundle.edit(lambda config: config["linux"].update(cgroupsPath=f"/{t.prefix}-above/box"))
    box.run_detached().exits(0)
    above = cgroup_of(box.pid).parent
    (above / "cgroup.freeze").write_text("1")
    eventually(lambda: "frozen 1" in (above / "cgroup.events").read_text(), "it does not freeze")
    yield box
    (above / "cgroup.freeze").write_text("0")
    box.delete("--force").exits(0)
    eventually(lambda: not above.exists() or remove(above), "the cgroup above stays")


def remove(directory):
    with contextlib.suppress(OSError):
        directory.rmdir()
    return not directory.exists()


@contextlib.contextmanager
def moved(t):
    """Its processes are in another cgroup, and its own is gone."""
    box = living(t)
    own = cgroup_of(box.pid)
    other = own.parent / f"{t.prefix}-other"
    other.mkdir()
    (other / "cgroup.procs").write_text(str(box.pid))
    eventually(lambda: remove(own), "the cgroup stays")
    yield box
    os.kill(box.pid, signal.SIGKILL)
    box.wait()
    eventually(lambda: remove(other), "the other cgroup stays")


def hard_to_live_with(how):
    @contextlib.contextmanager
    def made(t):
        box = t.container(bundle=t.plant(t.bundle("/forker", how), "forker"))
        box.run_detached().exits(0)
        eventually(lambda: box.proc("comm") == "forker\n", "it does not run")
        yield box
    return made


@contextlib.contextmanager
def full(t):
    """No process more may be made in its pid namespace's cgroup."""
    box = living(t)
    limit = cgroup_of(box.pid) / "pids.max"
    if limit.exists():
        limit.write_text("1")
    yield box
    if limit.exists():
        limit.write_text("max")


# name: (how it is made, must exec fail, words of the error)
WAYS = {"stopped": (stopped, False, ""), "zombie": (zombie, True, "stopped"), "collected": (collected, True, "stopped"),
        "frozen": (frozen, True, "paused"), "frozen above": (frozen_above, None, ""), "moved": (moved, None, ""),
        "vfork": (hard_to_live_with("vfork"), False, ""), "threads": (hard_to_live_with("threads"), None, ""),
        "children": (hard_to_live_with("children"), None, ""), "full": (full, None, "")}
FORMS = [(f"{name}, {form}", name, flags) for name in WAYS
         for form, flags in (("attached", []), ("detached", ["--detach"]))]


@attacker("A2")
@parametrize("_, name, flags", FORMS)
def test_E39_exec_into(t, _, name, flags):
    """exec into a container in a bad state: an error, or success, within the deadline; nobody is left behind."""
    make, fails, word = WAYS[name]
    with make(t) as box:
        result = t.runtime("exec", *flags, box.id, "true")
        true(result.code >= 0, f"the runtime was killed: {result}")
        if fails is not None:
            true((result.code != 0) == fails, f"it was {'not ' if fails else ''}refused: {result}")
        if t.bulkhead and fails:
            contains(result.err, word, "error")
        if result.code != 0 and name in ("stopped", "vfork", "threads", "full"):
            eventually(lambda: inhabitants(box) <= {box.pid, *children(box)}, "somebody is left")
        t.note(f"exit {result.code} {result.err.strip()[:120]!r}")
    with contextlib.suppress(ProcessLookupError, FileNotFoundError):
        eventually(lambda: not strangers(box), "a process is left in the container", t.runtime.seconds)


def children(box):
    """Those of its first process."""
    with contextlib.suppress(OSError):
        return {int(pid) for pid in pathlib.Path(f"/proc/{box.pid}/task/{box.pid}/children").read_text().split()}
    return set()


def strangers(box):
    """Processes that exec brought and that still live, beside the program itself."""
    return inhabitants(box) - {box.pid} - children(box)


@attacker("A2")
@parametrize("*_", FORMS[:1])
def test_E39_harmless_exec_into_a_healthy_one(t, _):
    """exec works, attached and detached, into a container that is well."""
    box = living(t)
    equal(execute(t, box, "echo", "word").exits(0).out, "word\n", "stdout")
    execute(t, box, "touch", "/dev/shm/file", flags=["--detach"]).exits(0)
    eventually(lambda: os.path.exists(f"/proc/{box.pid}/root/dev/shm/file"), "it did not run", t.runtime.seconds)


@attacker("A2")
@pytest.mark.timeout(300)
@parametrize("how", ["by itself", "by kill", "by delete"])
def test_E39_dies_meanwhile(t, how):
    """The container ends at some moment of an exec: the exec returns in time, with an error; nothing is left."""
    for number in range(t.rounds(40, 600, 8)):
        box = t.container("sleep", f"0.0{number % 5}" if how == "by itself" else "60")
        box.run_detached().exits(0)
        helper = threading.Thread(target=end_it, args=(t, box, how, number % 10 / 1000))
        helper.start()
        try:
            result = t.runtime("exec", box.id, "sleep", "30")
        finally:
            helper.join()
        if result.code == 0:
            raise Failure(f"sleep 30 has succeeded: {result}")
        true(result.code > 0, f"the runtime was killed: {result}")
        t.runtime("delete", "--force", box.id)
    t.no_state()


def end_it(t, box, how, delay):
    time.sleep(delay * t.patience)
    if how == "by kill":
        with contextlib.suppress(ProcessLookupError):
            os.kill(box.pid, signal.SIGKILL)
    elif how == "by delete":
        runtime = t.runtime.__class__(t.runtime.path, t.runtime.root, t.scratch / "helper", t.null)
        runtime.scratch.mkdir(exist_ok=True)
        runtime.seconds = t.runtime.seconds
        runtime("delete", "--force", box.id)


@attacker("A2")
@pytest.mark.timeout(300)
@parametrize("_", ["by itself"])
def test_E39_harmless_dies_afterwards(t, _):
    """An exec that is longer than nothing and shorter than the container returns its program's status."""
    box = living(t)
    execute(t, box, "sh", "-c", "sleep 0.1; exit 7").exits(7)
