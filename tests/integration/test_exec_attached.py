# SPDX-License-Identifier: Apache-2.0
"""exec attached and detached: signals, the program's parent, the holders of descriptors, the moment of the return."""

import os
import signal
import time

import pytest

import leaks
from harness import equal, read_text, stop, true
from marks import differs, parametrize
from test_exec import background, running

pytestmark = pytest.mark.any_cgroups

FORWARDED = ["HUP", "INT", "QUIT", "TERM", "USR1", "USR2", "CONT", "ALRM"]


# ---- attached ---------------------------------------------------------------------------------------------

@parametrize("name", FORWARDED)
def test_signals_are_forwarded(t, name):
    """The program gets the signals that the runtime gets; exec returns the program's exit code."""
    number = getattr(signal, f"SIG{name}")
    child = background(running(t), f"trap 'exit 33' {name}; echo ready; while :; do sleep 0.05; done")
    equal(stop(child, number), 33, "exit code")


@parametrize("name", ["TERM", "INT", "HUP"])
def test_a_forwarded_signal_may_be_fatal(t, name):
    """Without a handler the signal ends the program: 128+n."""
    child = background(running(t), "echo ready; exec sleep 61")
    time.sleep(0.2)
    equal(stop(child, getattr(signal, f"SIG{name}")), 128 + getattr(signal, f"SIG{name}"), "exit code")


def test_a_forwarded_signal_is_not_for_the_container(t):
    """The first process does not get the signals of the executed program."""
    box = t.shell("trap 'exit 1' TERM; echo; while :; do sleep 0.05; done")
    box.run_detached().ok()
    child = background(box, "echo ready; exec sleep 61")
    time.sleep(0.2)
    equal(stop(child, signal.SIGTERM), 143, "exit code")
    time.sleep(0.2)
    equal(box.status(), "running", "status")


def test_an_exec_ends_with_its_program_not_with_its_children(t):
    """A child of the program that goes on does not keep the attached exec from its end."""
    box = running(t)
    result = box.exec("sh", "-c", "sleep 61 > /dev/null 2>&1 & exit 4").exits(4)
    true(result.seconds < 10, f"it took {result.seconds} s")


# ---- detached ---------------------------------------------------------------------------------------------

def test_detached_returns_at_once(t):
    """--detach returns while the program runs, and the subreaper is the program's parent."""
    process = running(t).exec_detached("sh", "-c", "sleep 0.5; exit 7")
    fields = read_text(f"/proc/{process.pid}/stat").rpartition(")")[2].split()
    equal(int(fields[1]), os.getpid(), "parent")
    equal(process.wait(), 7, "status")


def test_detached_keeps_the_signal_for_the_parent(t):
    """The wait status of an executed program shows the signal that killed it."""
    process = running(t).exec_detached("sleep", "61")
    os.kill(process.pid, signal.SIGTERM)
    equal(process.wait(), -signal.SIGTERM, "status")


def test_only_the_program_holds_the_callers_pipe(t):
    """After a detached exec only the program has the caller's stdout: EOF comes when the program ends."""
    box = running(t)
    reading, writing = os.pipe()
    process = box.exec_detached("sh", "-c", "sleep 0.3; echo last words", stdout=writing)
    others = {pid for pid, (parent, *_) in leaks.descendants(os.getpid()).items() if process.pid not in (pid, parent)}
    equal(others, {box.pid}, "processes below the caller beside the executed ones")
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        equal(pipe.read(), b"last words\n", "output until EOF")


def test_detached_is_the_leader_of_a_session(t):
    """The program has a session of its own: no signal of the caller's terminal reaches it."""
    process = running(t).exec_detached("sleep", "61")
    fields = read_text(f"/proc/{process.pid}/stat").rpartition(")")[2].split()
    equal((int(fields[2]), int(fields[3])), (process.pid, process.pid), "process group and session")


@differs("runc returns before execve")
def test_detached_returns_when_the_program_runs(t):
    """A detached exec returns after execve: errors of execve can no longer happen."""
    box, file = running(t), t.scratch / "pid"
    for _ in range(10):
        box.exec("sleep", "61", flags=["--detach", "--pid-file", file]).ok()
        pid = int(file.read_text())
        equal(read_text(f"/proc/{pid}/cmdline"), "sleep\x0061\0", "command line")
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
