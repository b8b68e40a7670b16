# SPDX-License-Identifier: Apache-2.0
"""kill, delete, pause and resume: what engines stop their containers with, in every status, and what they are told."""

import ctypes
import errno
import os
import signal
import threading
import time

import leaks
from caller import reap, separate
from gorunc import library
from harness import contains, equal, eventually, true
from isolation import libc
from marks import parametrize

CLONE3 = 435  # its number is the same on every machine
# Numbers that the kernel gives to a process, but those of C libraries' own (32, 33).
REAL_TIME = [34, 37, 40, 50, 64]
NAMES = ["HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "WINCH", "CONT", "ALRM"]


def born_as(pid):
    """A child of ours with this pid (clone3(2), set_tid); None where somebody else was born with it meanwhile."""
    tids = (ctypes.c_int * 1)(pid)
    words = (ctypes.c_uint64 * 11)(*[0] * 4, signal.SIGCHLD, *[0] * 3, ctypes.addressof(tids), 1, 0)
    child = libc.syscall(CLONE3, ctypes.byref(words), ctypes.sizeof(words))
    if child == 0:
        libc.pause()
        os._exit(0)
    if child < 0 and ctypes.get_errno() != errno.EEXIST:
        raise OSError(ctypes.get_errno(), "clone3")
    return child if child > 0 else None


def trapping(t, number):
    """A running container whose process ends with 42 at this signal."""
    box = t.container("sh", "-c", f"trap 'exit 42' {number}; touch /dev/shm/ready; while :; do sleep 0.02; done")
    box.run_detached().ok()
    ready = f"/proc/{box.pid}/root/dev/shm/ready"
    eventually(lambda: os.path.exists(ready), "it does not begin", 10)
    return box


def stopped(t):
    box = t.running()
    box.kill("KILL").ok()
    box.wait()
    return box


@parametrize("number", REAL_TIME)
def test_numbers_of_real_time_signals(t, number):
    """`kill ID {}` delivers that signal: images ask for systemd's by its number."""
    box = trapping(t, number)
    library(t).kill(box.id, number).silent()
    equal(reap(box.pid), 42, "exit status of the trap")


@parametrize("name", NAMES)
def test_names(t, name):
    """`kill ID` knows {} with SIG in front and without, in any case, and as a number."""
    number = getattr(signal, f"SIG{name}")
    for word in (name, f"SIG{name}", name.lower(), f"sig{name.lower()}", int(number)):
        box = trapping(t, name)
        library(t).kill(box.id, word).silent()
        equal(reap(box.pid), 42, f"exit status at {word}")


@parametrize("word", ["65", "-1", "NOSUCH", "SIG", "9x", "1000000000000"])
def test_signals_that_are_none(t, word):
    """`kill ID {}` fails, and the container goes on."""
    box = t.running()
    separate(library(t).argv("kill", box.id, "--", word) if word[0] == "-" else
             library(t).argv("kill", box.id, word)).failed()
    equal(box.status(), "running", "status")


def test_zero_asks_whether_it_lives(t):
    """`kill ID 0` succeeds while the process lives, also paused or only created, and fails after its end."""
    runc, box = library(t), t.sleeper()
    box.create().ok()
    runc.kill(box.id, 0).silent()
    box.start().ok()
    runc.kill(box.id, 0).silent()
    runc.pause(box.id).silent()
    runc.kill(box.id, 0).silent()
    runc.resume(box.id).silent()
    runc.kill(box.id, 9).silent()
    box.wait()
    contains(runc.kill(box.id, 0).failed().out, "container not running", "the message")


@parametrize("number", [0, 9, 15, "KILL"])
def test_a_process_that_is_dead(t, number):
    """`kill ID {}` of a container whose process has ended fails with 1 and `container not running`."""
    box = stopped(t)
    answer = library(t).kill(box.id, number)
    equal(answer.code, 1, "exit status")
    contains(answer.out, "container not running", "the message")


@parametrize("number", [9, "KILL"])
def test_a_process_that_was_never_started(t, number):
    """`kill ID {}` of a created container is delivered; SIGKILL stops it, and it can be deleted."""
    runc, box = library(t), t.sleeper()
    box.create().ok()
    runc.kill(box.id, number).silent()
    equal(reap(box.pid), 137, "exit status")
    equal(box.status(), "stopped", "status")
    contains(runc.start(box.id).failed().out, "stopped", "the message of start")
    runc.delete(box.id).silent()


@parametrize("word", ["HUP", "INT", "QUIT", "TERM", "15"])
def test_a_process_that_waits_is_asked_to_end(t, word):
    """`kill ID {}` ends a container that was never started, whose process is the first of its pid namespace."""
    runc, box = library(t), t.sleeper()
    box.create().ok()
    runc.kill(box.id, word).silent()
    true(box.wait() != 0, "it ended with 0")
    equal(runc.state(box.id)["status"], "stopped", "status")
    runc.delete(box.id).silent()


def test_a_process_that_waits_and_is_paused(t):
    """`kill ID 15` of a container that is paused before it was ever started ends it, or its resume does."""
    runc, box = library(t), t.sleeper()
    box.create().ok()
    runc.pause(box.id).silent()
    runc.kill(box.id, 15).silent()
    runc.resume(box.id)  # which may find nobody
    true(box.wait() != 0, "it ended with 0")
    runc.delete(box.id).silent()


@parametrize("word", ["USR1", "WINCH", "0"])
def test_a_process_that_waits_is_not_disturbed(t, word):
    """`kill ID {}` of a container that was never started succeeds, and it can be started afterwards."""
    runc, box = library(t), t.container("sh", "-c", "exit 5")
    box.create().ok()
    runc.kill(box.id, word).silent()
    runc.start(box.id).silent()
    equal(box.wait(), 5, "exit status")


def test_everybody_in_a_shared_pid_namespace(t):
    """`kill --all ID 9` without a pid namespace of the container's own ends all its processes, and nobody else."""
    box = t.container("sh", "-c", "sleep 61 & sleep 62 & wait")
    box.bundle.without_namespace("pid")
    box.run_detached().ok()
    eventually(lambda: len(library(t).ps(box.id)) == 3, "not all have begun", 10)
    others = t.sleeper()
    others.run_detached().ok()
    library(t).kill(box.id, 9, everybody=True).silent()
    box.wait()
    eventually(lambda: (leaks.reap_orphans(), set(leaks.descendants(os.getpid())) == {others.pid})[1],
               f"left: {leaks.descendants(os.getpid())}", 10)
    equal(others.status(), "running", "status of the other container")


@parametrize("kind", ["stopped", "never_populated"])
def test_everybody_where_nobody_is(t, kind):
    """`kill --all ID 9` after the end of the container's process succeeds: engines clean up with it."""
    box = stopped(t) if kind == "stopped" else t.container("true")
    if kind != "stopped":
        box.run_detached().ok()
        box.wait()
    library(t).kill(box.id, 9, everybody=True).silent()


def test_who_is_left_behind_the_first(t):
    """`kill --all ID 9` after the end of the first process, in a shared pid namespace, ends those that are left."""
    box = t.container("sh", "-c", "sleep 61 & exit 0")
    box.bundle.without_namespace("pid")
    box.run_detached().ok()
    box.wait()
    true(leaks.descendants(os.getpid()), "the other process has ended, too")
    library(t).kill(box.id, 9, everybody=True).silent()
    eventually(lambda: (leaks.reap_orphans(), not leaks.descendants(os.getpid()))[1], "a process is left", 10)
    library(t).delete(box.id).silent()


def test_a_paused_container_is_killed(t):
    """SIGKILL ends a paused container, and it can be deleted without `resume`."""
    runc, box = library(t), t.running()
    runc.pause(box.id).silent()
    runc.kill(box.id, 9).silent()
    equal(reap(box.pid), 137, "exit status")
    runc.delete(box.id).silent()


def test_a_paused_container_gets_its_signal_later(t):
    """Another signal to a paused container arrives when it is resumed: kill first, then resume, as dockerd does."""
    runc, box = library(t), trapping(t, "TERM")
    runc.pause(box.id).silent()
    runc.kill(box.id, 15).silent()
    equal(runc.state(box.id)["status"], "paused", "status")
    runc.resume(box.id).silent()
    equal(reap(box.pid), 42, "exit status of the trap")


@parametrize("status", ["created", "stopped"])
def test_deleted_without_force(t, status):
    """`delete ID` removes a container that is {}: its state, its cgroup and its process."""
    box = t.sleeper()
    box.create().ok()
    cgroup = box.cgroup()
    if status == "stopped":
        box.start().ok()
        box.kill("KILL").ok()
        box.wait()
    library(t).delete(box.id).silent()
    true(not cgroup.exists(), f"{cgroup} is left")
    equal(box.status(), None, "status")
    leaks.reap_orphans()
    equal(leaks.descendants(os.getpid()), {}, "processes below us")


@parametrize("status", ["running", "paused"])
def test_not_deleted_without_force(t, status):
    """`delete ID` of a container that is {} is refused with its status in the message, and --force does it."""
    runc, box = library(t), t.running()
    if status == "paused":
        runc.pause(box.id).silent()
    answer = runc.delete(box.id).failed()
    true("not stopped" in answer.out or status in answer.out, f"the message is {answer.out!r}")
    equal(box.status(), status, "status")
    runc.delete(box.id, force=True).silent()
    equal(box.status(), None, "status")
    equal(reap(box.pid), 137, "exit status")


def test_deleted_twice(t):
    """A second `delete --force ID` is quiet and succeeds; one without --force says `does not exist`."""
    runc, box = library(t), stopped(t)
    runc.delete(box.id).silent()
    runc.delete(box.id, force=True).silent()
    contains(runc.delete(box.id).failed().out, "does not exist", "the message")


def test_deleted_by_two_at_once(t):
    """Two callers of `delete --force` at the same time both succeed, and nothing is left."""
    runc, box = library(t), t.running()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(runc.delete(box.id, force=True))) for _ in range(2)]
    for thread in threads:
        thread.start()
    box.wait()
    for thread in threads:
        thread.join()
    equal([(answer.code, answer.out) for answer in answers], [(0, "")] * 2, "answers")
    t.no_state()


@parametrize("status, verb, text", [
    ("created", "resume", "not paused"), ("running", "resume", "not paused"), ("stopped", "resume", "paused"),
    ("stopped", "pause", "container not running"), ("paused", "pause", "container not running")])
def test_pause_and_resume_refused(t, status, verb, text):
    """In a container that is {} a pause or resume that makes no sense is refused, and nothing changes."""
    runc, box = library(t), t.sleeper()
    box.create().ok()
    if status != "created":
        box.start().ok()
    if status == "paused":
        runc.pause(box.id).silent()
    if status == "stopped":
        box.kill("KILL").ok()
        box.wait()
    contains(getattr(runc, verb)(box.id).failed().out, text, "the message")
    equal(box.status(), status, "status")


def test_paused_and_resumed(t):
    """`pause` stops every process of the container, exec'd ones too, and `resume` lets them go on."""
    runc = library(t)
    beating = "while :; do echo >> /dev/shm/{}; sleep 0.01; done"
    box = t.running("sh", "-c", beating.format("first"))
    box.exec_detached("sh", "-c", beating.format("second"))
    beats = [f"/proc/{box.pid}/root/dev/shm/{name}" for name in ("first", "second")]

    def seen():
        return [os.stat(beat).st_size if os.path.exists(beat) else 0 for beat in beats]
    eventually(lambda: all(seen()), "they do not begin", 10)
    runc.pause(box.id).silent()
    equal(runc.state(box.id)["status"], "paused", "status")
    before = seen()
    time.sleep(0.1)  # ten beats
    equal(seen(), before, "beats while paused")
    runc.resume(box.id).silent()
    equal(runc.state(box.id)["status"], "running", "status")
    eventually(lambda: all(now > then for now, then in zip(seen(), before)), "they do not go on", 10)


@parametrize("status", ["running", "stopped"])
def test_started_twice(t, status):
    """`start` of a container that is {} is refused, and nothing changes."""
    runc, box = library(t), t.running() if status == "running" else stopped(t)
    answer = runc.start(box.id).failed()
    contains(answer.out, "cannot start", "the message")
    equal(box.status(), status, "status")


def test_nobody_else_s_process(t):
    """When the pid of a process that has ended belongs to somebody else, neither `state` nor `kill` takes it for it."""
    runc, box = library(t), t.running()
    box.kill("KILL").ok()
    pid = box.pid
    box.wait()
    child = born_as(pid)
    try:
        state = runc.state(box.id)
        equal((state["status"], state["pid"]), ("stopped", 0), "status and pid")
        contains(runc.kill(box.id, 9).failed().out, "container not running", "the message")
        runc.delete(box.id).silent()
        true(os.path.exists(f"/proc/{pid}"), "the other process does not live any more")
    finally:
        if child:
            os.kill(child, 9)
            os.waitpid(child, 0)
