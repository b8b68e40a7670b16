# SPDX-License-Identifier: Apache-2.0
"""Callers who never read, never accept, never close, or die: the runtime ends, and harms nobody else."""

import fcntl
import json
import os
import struct
import termios
import time

import pytest

from buildkit import AttachedTerminal, BuildKit, errors
from caller import ConsoleSocket, pipe, spawn, wait
from gorunc import library
from harness import contains, equal, eventually, true
from marks import breaks, parametrize
from mortal import DeafSocket, FullPipe, ended, nothing_below_us, patience


@breaks("waits for ever")
@pytest.mark.timeout(90)
def test_errors_that_nobody_reads(t):
    """Verbs that fail come to an end although their stderr is a full pipe, and what failed is in the log."""
    runc, full = library(t), FullPipe()
    verbs = [["state", "nobody"], ["kill", "nobody", "9"], ["delete", "nobody"], ["start", "nobody"],
             ["exec", "nobody", "true"], ["create", "--bundle", t.scratch, "nobody"]]
    children = [spawn(runc.argv(*words), stdout=full.writer, stderr=full.writer) for words in verbs]
    true(all(wait(child, patience(t)) > 0 for child in children), "a verb succeeded, or was killed by a signal")
    equal(len(errors(runc.log)), len(verbs), "errors in the log")
    full.close()


@breaks("waits for ever")
@pytest.mark.timeout(90)
def test_documents_that_nobody_reads(t):
    """Verbs that print come to an end although their stdout is a full pipe."""
    runc, full, box = library(t), FullPipe(), t.running()
    verbs = [["state", box.id], ["list"], ["ps", "--format", "json", box.id], ["events", "--stats", box.id],
             ["features"]]
    children = [spawn(runc.argv(*words), stdout=full.writer) for words in verbs]
    for child in children:
        wait(child, patience(t))
    full.close()


@parametrize("verb", ["state", "list", "ps", "events"])
def test_who_does_not_read_locks_nobody_out(t, verb):
    """While `{}` waits for its reader, the container can be asked, killed and deleted by others."""
    runc, full, box = library(t), FullPipe(), t.running()
    words = {"state": ["state", box.id], "list": ["list"], "ps": ["ps", "--format", "json", box.id],
             "events": ["events", "--stats", box.id]}[verb]
    child = spawn(runc.argv(*words), stdout=full.writer)
    equal(runc.state(box.id)["status"], "running", "status")
    runc.kill(box.id, 9).silent()
    equal(box.wait(), -9, "exit status")
    runc.delete(box.id).silent()
    full.close()
    wait(child)


@breaks("is killed by SIGPIPE")
@parametrize("stream, words", [("stdout", ["list"]), ("stderr", ["state", "nobody"])])
def test_a_reader_who_has_gone(t, stream, words):
    """A {} whose reader has gone ends the verb with an exit status of its own, and not with SIGPIPE."""
    reader, writer = pipe()
    os.close(reader)
    child = spawn(library(t).argv(*words), **{stream: writer})
    os.close(writer)
    true(wait(child) >= 0, "killed by a signal")


@breaks("succeeds: it writes the log before anything else, and waits for a reader")
@pytest.mark.timeout(90)
def test_a_log_that_nobody_reads(t):
    """A fifo without a reader as the log does not hold a verb up."""
    os.mkfifo(t.scratch / "log.json")
    wait(spawn(library(t).argv("list")), patience(t))


@parametrize("verb", ["create", "exec"])
def test_a_terminal_that_nobody_accepts(t, verb):
    """`{}` sends the terminal to a socket that has room for it, and ends without waiting for accept()."""
    runc, sock = library(t), ConsoleSocket(t.directory("pty"))
    if verb == "create":
        box = t.container("sleep", "60", terminal=True)
        runc.create(box.bundle.path, box.id, pid_file=box.pid_file, console_socket=sock.path).silent()
    else:
        box = t.running()
        process = {**box.bundle.config["process"], "terminal": True}
        runc.exec(box.id, process, console_socket=sock.path, detach=True, pid_file=t.scratch / "exec.pid").silent()
        ended(t.scratch / "exec.pid")
    os.close(sock.receive()[1])
    sock.close()


@pytest.mark.timeout(90)
def test_a_queue_that_is_full(t):
    """`create` with a console socket whose queue is full fails in the end, says so, and leaves nothing."""
    runc, deaf = library(t), DeafSocket(t.scratch / "deaf.sock")
    name, bundle = t.fresh_id(), t.bundle("sleep", "60", terminal=True)
    answer = runc.create(bundle.path, name, console_socket=deaf.path, seconds=patience(t)).failed()
    contains(answer.out, "deaf.sock", "the message")
    contains(runc.kill(name, 9).failed().out, "does not exist", "the message of kill")
    deaf.close()


@pytest.mark.timeout(90)
def test_a_full_queue_locks_nobody_out(t):
    """While `exec` waits for a socket whose queue is full, others can ask, execute, kill and delete; and it ends."""
    runc, deaf, box = library(t), DeafSocket(t.scratch / "deaf.sock"), t.running()
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


@parametrize("verb", ["create", "exec"])
def test_a_socket_without_a_listener(t, verb):
    """`{}` with a console socket that nobody listens on fails at once, and leaves no process."""
    runc, sock = library(t), ConsoleSocket(t.directory("pty"))
    sock.listener.close()
    if verb == "create":
        runc.create(t.bundle("sh", terminal=True).path, t.fresh_id(), console_socket=sock.path).failed()
        nothing_below_us()
        return
    box = t.running()
    process = {**box.bundle.config["process"], "terminal": True}
    runc.exec(box.id, process, console_socket=sock.path, detach=True, pid_file=t.scratch / "exec.pid").failed()
    true(not (t.scratch / "exec.pid").exists(), "a pid file is left")
    equal(box.status(), "running", "status")


def test_an_update_that_is_never_closed(t):
    """`update --resources=-` ends after the document, although its writer keeps the pipe open."""
    runc, box = library(t), t.running()
    reader, writer = pipe()
    os.write(writer, json.dumps({"devices": []}).encode() + b"\n")
    runc.run_or_error("update", "--resources=-", box.id, stdin=reader).silent()
    os.close(reader)
    os.close(writer)


@breaks("waits for ever")
@pytest.mark.timeout(90)
def test_an_update_that_never_comes(t):
    """`update --resources=-` fails in the end when nothing is written, and nobody is locked out meanwhile."""
    runc, box = library(t), t.running()
    reader, writer = pipe()
    child = spawn(runc.argv("update", "--resources=-", box.id), stdin=reader)
    os.close(reader)
    equal(runc.state(box.id)["status"], "running", "status")
    runc.kill(box.id, 9).silent()
    box.wait()
    true(wait(child, patience(t)) > 0, "it succeeded")
    os.close(writer)


@breaks("copies the output itself, and waits for ever")
def test_output_that_nobody_reads(t):
    """An attached run whose output nobody reads ends when the container is killed."""
    runc, name, full = library(t), t.fresh_id(), FullPipe()
    bundle = t.bundle("sh", "-c", "yes")
    child = spawn(runc.argv("run", "--bundle", bundle.path, name), stdout=full.writer, stderr=full.writer)
    eventually(lambda: runc.run_or_error("state", name).code == 0 and runc.state(name)["status"] == "running",
               "it does not run", 10)
    runc.kill(name, 9).silent()
    equal(wait(child, patience(t)), 137, "exit status")
    full.close()


@breaks("waits for ever")
@pytest.mark.timeout(90)
def test_a_screen_that_nobody_reads(t):
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
