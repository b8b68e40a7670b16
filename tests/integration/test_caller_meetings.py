# SPDX-License-Identifier: Apache-2.0
"""Callers whose sockets, service managers and terminals wait for ever, and callers that die."""

import contextlib
import json
import os
import select
import socket
import stat
import sys
import time

import pytest

import leaks
from harness import BASE_ENV, contains, equal, eventually, true
from marks import differs, parametrize
from slow_callers import BLOCKS, end_in_time, full_pipe
from terminals import Terminal, attached
from test_held import call_of
from test_notify_socket import say

pytestmark = pytest.mark.any_cgroups

POLL = ("7", "73")  # on x86-64, on arm64 (ppoll)


# ---- sockets ----------------------------------------------------------------------------------------------

def busy_listener(t, name):
    """(path, its sockets) of a listener that accepts no connection and whose queue is full."""
    path = t.scratch / name
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(path))
    server.listen(0)
    sockets = [server]
    with contextlib.suppress(BlockingIOError):
        while True:
            client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            client.setblocking(False)
            sockets.append(client)
            client.connect(str(path))
    return path, sockets


@pytest.mark.slow
@differs(BLOCKS)
@pytest.mark.timeout(90)
@parametrize("_, flag, terminal", [("console", "--console-socket", True), ("pidfd", "--pidfd-socket", False)])
def test_a_listener_that_never_accepts(t, _, flag, terminal):
    """The listener's queue is full: create and exec give up, and leave nothing; other verbs are not held up meanwhile."""
    path, sockets = busy_listener(t, "busy")
    made, box = t.sleeper(terminal=terminal), t.sleeper()
    box.run_detached().ok()
    process = box.process_file(args=["sleep", "60"], terminal=terminal)
    errors = t.scratch / "errors"
    with open(errors, "wb") as stderr:
        children = [t.runtime.start(t.runtime.command(*words), stderr=stderr) for words in (
            ["create", "--bundle", made.bundle.path, flag, path, made.id],
            ["exec", "--detach", "--process", process, flag, path, box.id])]
        time.sleep(0.5)
        equal([child.poll() for child in children], [None, None], "those that wait")
        begin = time.monotonic()
        for words in (["kill", box.id, "0"], ["pause", box.id], ["resume", box.id]):
            t.runtime(*words).ok()
        true(time.monotonic() - begin < 6, "the lock was held")
        equal(end_in_time(*children), [1, 255], "exit codes")
    equal(errors.read_text().count(f"connect {path}: not accepted within 10 s"), 2, "messages")
    equal(made.status(), None, "status of what was not made")
    equal(json.loads(t.runtime("ps", "--format", "json", box.id).ok().out), [box.pid], "processes")
    for each in sockets:
        each.close()


@differs("its run records the container before the program runs")
def test_a_run_whose_caller_is_not_there_yet(t):
    """The program runs, but the listener has not accepted: a `kill` at that time waits for the record of the container."""
    path, (server, *clients) = busy_listener(t, "busy")
    box = t.shell("> /out/ready; sleep 60")
    box.bundle.add_mount("/out", "bind", str(t.scratch), "bind")
    running = t.runtime.start(t.runtime.command("run", "--detach", "--bundle", box.bundle.path, "--pidfd-socket", path, box.id))
    eventually((t.scratch / "ready").exists, "the program does not run")
    killing = t.runtime.start(t.runtime.command("kill", box.id, "KILL"))
    eventually(lambda: call_of(killing.pid) in POLL, "kill does not wait")
    sockets = [server, *clients, *(server.accept()[0] for _ in clients[1:])]  # the last client found no room
    equal([running.wait(10), killing.wait(10)], [0, 0], "exit codes of run and kill")
    for each in sockets:
        each.close()
    eventually(lambda: box.status() == "stopped", "it is not killed")
    box.delete().ok()


@differs("it does not name the socket in every case")
@parametrize("kind, words", [("a datagram socket", "protocol wrong type"), ("a file", "connection refused"),
                             ("nothing", "no such file or directory"), ("nobody listens", "connection refused")])
def test_a_console_socket_that_is_none(t, kind, words):
    """Without a listener for the terminal the runtime makes nothing; the message names the socket."""
    path = t.scratch / "console"
    if kind == "a file":
        path.write_text("")
    elif kind != "nothing":
        datagram = kind == "a datagram socket"
        server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM if datagram else socket.SOCK_STREAM)
        server.bind(str(path))
    box = t.sleeper(terminal=True)
    result = box.create("--console-socket", path).exits(1)
    contains(result.err, f"connect {path}: {words}", "stderr")
    true(not box.pid_file.exists(), "there is a pid file")
    t.no_state()


# ---- the service manager ----------------------------------------------------------------------------------

def full_manager(t):
    """(socket, environment) of a service manager that reads nothing from its NOTIFY_SOCKET."""
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(t.scratch / "manager"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler, contextlib.suppress(BlockingIOError):
        filler.setblocking(False)
        filler.connect(str(t.scratch / "manager"))
        while True:
            filler.send(b"x")
    return manager, {**BASE_ENV, "NOTIFY_SOCKET": str(t.scratch / "manager")}


@pytest.mark.slow
@differs(BLOCKS)
@pytest.mark.timeout(90)
def test_a_manager_that_never_reads(t):
    """A detached run and a start give up; their containers go on."""
    manager, env = full_manager(t)
    warnings = t.runtime.warned()
    boxes = [t.sleeper(), t.sleeper()]
    boxes[1].create(env=env).ok()
    run = t.runtime.command("run", "--detach", "--bundle", boxes[0].bundle.path, "--pid-file", boxes[0].pid_file,
                            boxes[0].id)
    errors = t.scratch / "errors"
    with open(errors, "wb") as stderr:
        children = [t.runtime.start(run, env=env, stderr=stderr),
                    t.runtime.start(t.runtime.command("start", boxes[1].id), env=env, stderr=stderr)]
        for box in boxes:
            eventually(lambda: box.status() == "running", "it does not run")
            say(box, "READY=1")
        equal(end_in_time(*children), [0, 1], "exit codes")
    late = "NOTIFY_SOCKET: the service manager has not read for 10 s"
    equal((errors.read_text().count(late), warnings().count(late)), (1, 2), "errors, and with the warning of run")
    equal([box.status() for box in boxes], ["running"] * 2, "status")
    manager.close()


@differs("it does not forward signals before the container is ready")
@pytest.mark.timeout(60)
def test_a_full_manager_holds_up_no_signal(t):
    """An attached run forwards signals while its manager reads nothing, and notifies the manager after it reads again."""
    manager, env = full_manager(t)
    box = t.shell("trap ': > /dev/shm/here' USR1; trap 'exit 7' TERM; : > /dev/shm/up; while :; do sleep 0.1; done")
    shared = lambda name: os.path.exists(f"/proc/{box.pid}/root/dev/shm/{name}")
    command = t.runtime.command("run", "--bundle", box.bundle.path, "--pid-file", box.pid_file, box.id)
    child = t.runtime.start(command, env=env)
    eventually(lambda: box.status() == "running", "it does not run")
    eventually(lambda: shared("up"), "the program does not begin")
    begin = time.monotonic()
    say(box, "READY=1")
    time.sleep(0.5)
    child.send_signal(10)
    eventually(lambda: shared("here"), "the signal was not forwarded")
    manager.settimeout(10)
    while (message := manager.recv(4096)) == b"x":
        pass
    equal(message, b"READY=1\n", "the first message")
    equal(manager.recv(4096), f"MAINPID={child.pid}\n".encode(), "the second message")
    child.send_signal(15)
    equal(child.wait(10), 7, "exit code")
    true(time.monotonic() - begin < 8, "it waited")
    manager.close()


# ---- a caller that dies, files that exist already ---------------------------------------------------------

@parametrize("kind", ["symlink", "fifo", "socket"])
def test_a_pid_file_that_is_something_else(t, kind):
    """The runtime replaces whatever has the name of the pid file, and neither follows nor opens it."""
    box, target = t.sleeper(), t.scratch / "target"
    if kind == "symlink":
        target.write_text("kept")
        box.pid_file.symlink_to(target)
    elif kind == "fifo":
        os.mkfifo(box.pid_file)
    else:
        socket.socket(socket.AF_UNIX).bind(str(box.pid_file))
    box.run_detached().ok()
    true(stat.S_ISREG(os.lstat(box.pid_file).st_mode), "it is no file")
    equal(int(box.pid_file.read_text()), box.state()["pid"], "pid")
    true(kind != "symlink" or target.read_text() == "kept", "the link was followed")


CALLER = """
import ctypes, os, subprocess, sys
subprocess.Popen(sys.argv[2:], preexec_fn=lambda: ctypes.CDLL(None).prctl(1, 9))  # PR_SET_PDEATHSIG, SIGKILL
with open(sys.argv[1]) as gate:
    gate.read()
"""


@differs("its init goes on waiting, and delete --force leaves it")
def test_a_caller_that_dies_takes_the_creation_along(t):
    """With PDEATHSIG: if the caller dies in a hook of create, no process of it lives on, and delete removes the rest."""
    gate, hook = t.scratch / "gate", t.scratch / "hook"
    os.mkfifo(gate)
    script = f"echo $$ > {hook}.new; mv {hook}.new {hook}; exec sleep 60"
    hooks = {"prestart": [{"path": "/bin/sh", "args": ["sh", "-c", script]}]}
    box = t.container(bundle=t.bundle("sleep", "60").edit(lambda config: config.update(hooks=hooks)))
    command = t.runtime.command("create", "--bundle", box.bundle.path, box.id)
    caller = t.runtime.start([sys.executable, "-c", CALLER, gate, *command])
    eventually(hook.exists, "the hook does not begin")
    before = set(leaks.descendants(os.getpid())) - {caller.pid}
    true(len(before) >= 3, f"runtime, init and hook: {before}")
    caller.kill()
    caller.wait()
    eventually(lambda: all(dead(pid) for pid in before), "something goes on")
    for pid in before:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
    box.delete("--force").ok()
    t.no_state()


def dead(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] in "ZX"
    except leaks.GONE:
        return True


def test_nobody_but_the_container_gets_the_callers_files(t):
    """Pipes on 0 to 2 and a leaked 9 end with the container, although a daemon of its hooks lives on."""
    daemon = {"path": "/bin/sh", "args": ["sh", "-c", "sleep 5 < /dev/null > /dev/null 2>&1 &"]}
    box = t.container(bundle=t.bundle("sleep", "60").edit(lambda config: config.update(
        hooks={"prestart": [daemon], "poststart": [daemon]})))
    ends = [os.pipe() for _ in range(3)]
    leaked, out, err = [writing for _, writing in ends]
    for words in (["run", "--detach", "--bundle", box.bundle.path, "--pid-file", box.pid_file, box.id],
                  ["exec", "--detach", "--pid-file", t.scratch / "second.pid", box.id, "sleep", "60"]):
        command = t.runtime.command(*words)
        equal(t.runtime.start(["/bin/sh", "-c", '"$@" 9>&0', "sh", *command], stdin=leaked, stdout=out,
                              stderr=err).wait(20), 0, "exit code")
    for _, writing in ends:
        os.close(writing)
    box.kill("KILL").ok()
    os.waitpid(int((t.scratch / "second.pid").read_text()), 0)  # init ends after this process
    box.wait()
    for reading, _ in ends:
        ended = select.select([reading], [], [], 3)[0]
        true(ended and os.read(reading, 1) == b"", "somebody holds a descriptor of the caller")
        os.close(reading)
    for pid in leaks.descendants(os.getpid()):  # the daemons of the hooks
        os.kill(pid, 9)
        os.waitpid(pid, 0)


# ---- attached ---------------------------------------------------------------------------------------------

@pytest.mark.slow
@differs(BLOCKS)
@pytest.mark.timeout(90)
@parametrize("verb", ["run", "exec"])
def test_nobody_reads_an_attached_terminal(t, verb):
    """After the program has ended, the runtime gives up its last output and returns its exit code."""
    _, command = attached(t, verb, "sh", "-c", "(seq 1 100000 &); sleep 1; exit 7")
    with full_pipe() as pipe:
        child = t.runtime.start(command, stdout=pipe)
        equal(end_in_time(child), [7], "exit code")


@pytest.mark.slow
@differs("it waits for its terminal for ever")
@pytest.mark.timeout(90)
@parametrize("verb", ["run", "exec"])
def test_nobody_reads_the_callers_terminal(t, verb):
    """The same holds for a program without a terminal of its own, below a terminal that nobody reads."""
    terminal = Terminal(t)
    if verb == "run":
        box = t.shell("(seq 1 100000 &); sleep 1; exit 7")
        command = t.runtime.command("run", "--bundle", box.bundle.path, box.id)
    else:
        box = t.sleeper()
        box.run_detached().ok()
        command = t.runtime.command("exec", box.id, "sh", "-c", "(seq 1 100000 &); sleep 1; exit 7")
    equal(end_in_time(terminal.start(command).child), [7], "exit code")


@pytest.mark.slow
@differs(BLOCKS)
@pytest.mark.timeout(60)
@parametrize("verb", ["run", "exec"])
def test_signals_are_forwarded_meanwhile(t, verb):
    """Signals to the runtime stop a program whose output nobody reads."""
    _, command = attached(t, verb, "sh", "-c", "trap 'exit 9' TERM; (yes > /dev/tty &) ; while :; do sleep 0.1; done")
    with full_pipe() as pipe:
        child = t.runtime.start(command, stdout=pipe)
        time.sleep(1.5)
        child.send_signal(15)
        equal(end_in_time(child), [9], "exit code")
