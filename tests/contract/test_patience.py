# SPDX-License-Identifier: Apache-2.0
"""Callers who never read, never accept, never close, or die: the runtime ends, and harms nobody else."""

import fcntl
import json
import os
import signal
import struct
import termios
import time
from subprocess import DEVNULL

import leaks
from buildkit import Attached, AttachedTerminal, BuildKit, errors
from caller import ConsoleSocket, pipe, reap, spawn, until_end, wait
from gorunc import GoRunc, read_pid_file
from harness import begins, contains, equal, eventually, true
from hooks import shell
from lines import line
from mortal import DeafSocket, FullPipe, Mortal, inherited, patience


def library(t):
    return GoRunc(t, root=t.root, log=t.scratch / "log.json")


def sleeper(t, *args):
    """A running container whose process is ours."""
    box = t.container(*args) if args else t.sleeper()
    box.run_detached().ok()
    return box


def ended(pid_file):
    """Kills and collects an exec'd process; a zombie would keep its container's init from ending."""
    pid = read_pid_file(pid_file)
    os.kill(pid, signal.SIGKILL)
    reap(pid)


def nothing_below_us():
    """Nothing that a runtime has started is left."""
    def none():
        leaks.reap_orphans()
        return not leaks.descendants(os.getpid())
    eventually(none, f"left: {leaks.descendants(os.getpid())}", 10)


@line(runc="waits for ever", deadline=90)
def errors_that_nobody_reads(t):
    """Verbs that fail come to an end although their stderr is a full pipe, and what failed is in the log."""
    runc, full = library(t), FullPipe()
    verbs = [["state", "nobody"], ["kill", "nobody", "9"], ["delete", "nobody"], ["start", "nobody"],
             ["exec", "nobody", "true"], ["create", "--bundle", t.scratch, "nobody"]]
    children = [spawn(runc.argv(*words), stdout=full.writer, stderr=full.writer) for words in verbs]
    true(all(wait(child, patience(t)) > 0 for child in children), "a verb succeeded, or was killed by a signal")
    equal(len(errors(runc.log)), len(verbs), "errors in the log")
    full.close()


@line(runc="waits for ever", deadline=90)
def documents_that_nobody_reads(t):
    """Verbs that print come to an end although their stdout is a full pipe."""
    runc, full, box = library(t), FullPipe(), sleeper(t)
    verbs = [["state", box.id], ["list"], ["ps", "--format", "json", box.id], ["events", "--stats", box.id],
             ["features"]]
    children = [spawn(runc.argv(*words), stdout=full.writer) for words in verbs]
    for child in children:
        wait(child, patience(t))
    full.close()


@line(each=["state", "list", "ps", "events"])
def who_does_not_read_locks_nobody_out(t, verb):
    """While `{}` waits for its reader, the container can be asked, killed and deleted by others."""
    runc, full, box = library(t), FullPipe(), sleeper(t)
    words = {"state": ["state", box.id], "list": ["list"], "ps": ["ps", "--format", "json", box.id],
             "events": ["events", "--stats", box.id]}[verb]
    child = spawn(runc.argv(*words), stdout=full.writer)
    equal(runc.state(box.id)["status"], "running", "status")
    runc.kill(box.id, 9).silent()
    equal(box.wait(), -9, "exit status")
    runc.delete(box.id).silent()
    full.close()
    wait(child)


@line(runc="is killed by SIGPIPE", each=[("stdout", ["list"]), ("stderr", ["state", "nobody"])])
def a_reader_who_has_gone(t, stream, words):
    """A {} whose reader has gone ends the verb with an exit status of its own, and not with SIGPIPE."""
    reader, writer = pipe()
    os.close(reader)
    child = spawn(library(t).argv(*words), **{stream: writer})
    os.close(writer)
    true(wait(child) >= 0, "killed by a signal")


@line(runc="succeeds: it writes the log before anything else, and waits for a reader", deadline=90)
def a_log_that_nobody_reads(t):
    """A fifo without a reader as the log does not hold a verb up."""
    os.mkfifo(t.scratch / "log.json")
    wait(spawn(library(t).argv("list")), patience(t))


@line(each=["create", "exec"])
def a_terminal_that_nobody_accepts(t, verb):
    """`{}` sends the terminal to a socket that has room for it, and ends without waiting for accept()."""
    runc, sock = library(t), ConsoleSocket(t.directory("pty"))
    if verb == "create":
        box = t.container("sleep", "60", terminal=True)
        runc.create(box.bundle.path, box.id, pid_file=box.pid_file, console_socket=sock.path).silent()
    else:
        box = sleeper(t)
        process = {**box.bundle.config["process"], "terminal": True}
        runc.exec(box.id, process, console_socket=sock.path, detach=True, pid_file=t.scratch / "exec.pid").silent()
        ended(t.scratch / "exec.pid")
    os.close(sock.receive()[1])
    sock.close()


@line(deadline=90)
def a_queue_that_is_full(t):
    """`create` with a console socket whose queue is full fails in the end, says so, and leaves nothing."""
    runc, deaf = library(t), DeafSocket(t.scratch / "deaf.sock")
    name, bundle = t.fresh_id(), t.bundle("sleep", "60", terminal=True)
    answer = runc.create(bundle.path, name, console_socket=deaf.path, seconds=patience(t)).failed()
    contains(answer.out, "deaf.sock", "the message")
    contains(runc.kill(name, 9).failed().out, "does not exist", "the message of kill")
    deaf.close()


@line(deadline=90)
def a_full_queue_locks_nobody_out(t):
    """While `exec` waits for a socket whose queue is full, others can ask, execute, kill and delete; and it ends."""
    runc, deaf, box = library(t), DeafSocket(t.scratch / "deaf.sock"), sleeper(t)
    process = {**box.bundle.config["process"], "terminal": True, "args": ["sleep", "60"]}
    with runc.process_file(process) as path:
        child = spawn(runc.argv("exec", "--process", path, "--console-socket", deaf.path, "--detach", box.id))
        time.sleep(0.2)  # until it is at the socket, which cannot be seen from here
        equal(runc.state(box.id)["status"], "running", "status")
        equal(box.exec("true").code, 0, "exit status of another exec")
        runc.kill(box.id, 9).silent()
        equal(box.wait(), -9, "exit status")
        runc.delete(box.id).silent()
        true(wait(child, patience(t)) > 0, "the exec succeeded")
    deaf.close()


@line(each=["create", "exec"])
def a_socket_without_a_listener(t, verb):
    """`{}` with a console socket that nobody listens on fails at once, and leaves no process."""
    runc, sock = library(t), ConsoleSocket(t.directory("pty"))
    sock.listener.close()
    if verb == "create":
        runc.create(t.bundle("sh", terminal=True).path, t.fresh_id(), console_socket=sock.path).failed()
        nothing_below_us()
        return
    box = sleeper(t)
    process = {**box.bundle.config["process"], "terminal": True}
    runc.exec(box.id, process, console_socket=sock.path, detach=True, pid_file=t.scratch / "exec.pid").failed()
    true(not (t.scratch / "exec.pid").exists(), "a pid file is left")
    equal(box.status(), "running", "status")


@line()
def an_update_that_is_never_closed(t):
    """`update --resources=-` ends behind the document, although its writer keeps the pipe open."""
    runc, box = library(t), sleeper(t)
    reader, writer = pipe()
    os.write(writer, json.dumps({"devices": []}).encode() + b"\n")
    runc.run_or_error("update", "--resources=-", box.id, stdin=reader).silent()
    os.close(reader)
    os.close(writer)


@line(runc="waits for ever", deadline=90)
def an_update_that_never_comes(t):
    """`update --resources=-` fails in the end when nothing is written, and nobody is locked out meanwhile."""
    runc, box = library(t), sleeper(t)
    reader, writer = pipe()
    child = spawn(runc.argv("update", "--resources=-", box.id), stdin=reader)
    os.close(reader)
    equal(runc.state(box.id)["status"], "running", "status")
    runc.kill(box.id, 9).silent()
    box.wait()
    true(wait(child, patience(t)) > 0, "it succeeded")
    os.close(writer)


@line(each=["create", "start", "exec", "run"])
def descriptors_that_come_along(t, verb):
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


@line(each=["start", "kill", "pause", "resume", "update", "delete"])
def streams_of_a_short_verb(t, verb):
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


@line(deadline=60)
def a_caller_that_dies_during_create(t):
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


@line(deadline=60)
def a_caller_that_dies_during_start(t):
    """When the caller of `start` dies at any moment, the container is created or running, and can be deleted."""
    runc = library(t)
    for step in range(8):
        box = t.sleeper()
        box.create().ok()
        killed_after(t, step * 0.001, runc.argv("start", box.id))
        true(box.status() in ("created", "running"), f"status {box.status()}")
        runc.delete(box.id, force=True).silent()
        nothing_below_us()


@line(deadline=60)
def a_caller_that_dies_during_exec(t):
    """When the caller of a detached `exec` dies at any moment, the container is as it was, and ends as it should."""
    runc, box = library(t), sleeper(t)
    for step in range(12):
        killed_after(t, step * 0.002, runc.argv("exec", "--detach", box.id, "sleep", "60"))
        equal(box.status(), "running", "status")
    equal(box.exec("true").code, 0, "exit status of one more exec")
    runc.kill(box.id, 9).silent()
    nothing_below_us()
    runc.delete(box.id).silent()


@line(deadline=60, runc="leaves the hook behind")
def a_caller_that_dies_during_a_hook(t):
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


@line(each=["run", "exec"])
def a_caller_that_dies_when_attached(t, verb):
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


@line()
def a_caller_that_is_no_subreaper(t):
    """The container's process becomes the child of the nearest subreaper, where the caller itself is none."""
    runc, box = library(t), t.container("sh", "-c", "exit 7")
    caller = Mortal(runc.argv("create", "--bundle", box.bundle.path, "--pid-file", box.pid_file, box.id))
    equal(caller.finish(), 0, "exit status of create")
    runc.start(box.id).silent()
    equal(box.wait(), 7, "exit status of the container, which is our child")


@line(each=["create", "run", "exec"])
def no_helper_stays(t, verb):
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


@line(runc="copies the output itself, and waits for ever")
def output_that_nobody_reads(t):
    """An attached run whose output nobody reads ends when the container is killed."""
    runc, name, full = library(t), t.fresh_id(), FullPipe()
    bundle = t.bundle("sh", "-c", "yes")
    child = spawn(runc.argv("run", "--bundle", bundle.path, name), stdout=full.writer, stderr=full.writer)
    eventually(lambda: runc.run_or_error("state", name).code == 0 and runc.state(name)["status"] == "running",
               "it does not run", 10)
    runc.kill(name, 9).silent()
    equal(wait(child, patience(t)), 137, "exit status")
    full.close()


@line(runc="waits for ever", deadline=90)
def a_screen_that_nobody_reads(t):
    """An attached run with a terminal whose screen nobody reads ends when the container is killed."""
    worker, name = BuildKit(t), t.fresh_id()
    worker.root = t.root
    step = worker.run(t.bundle("sh", "-c", "yes", terminal=True), name, keep=False, kind=AttachedTerminal)
    worker.running(name)
    def filled():
        before = fcntl.ioctl(step.master, termios.FIONREAD, b"\0" * 4)
        time.sleep(0.05)
        return struct.unpack("i", before)[0] > 0 and fcntl.ioctl(step.master, termios.FIONREAD, b"\0" * 4) == before
    eventually(filled, "the screen does not fill", 10)
    worker.kill(name, 9).silent()
    equal(wait(step.child, patience(t)), 137, "exit status")
    os.close(step.master)
