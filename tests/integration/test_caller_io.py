# SPDX-License-Identifier: Apache-2.0
"""Callers that do not read, write, accept or close: they are survived, within the deadlines of bulkhead(8)."""

import contextlib
import json
import os
import select
import socket
import stat
import subprocess
import sys
import time

import leaks
from harness import BASE_ENV, case, contains, equal, eventually, true
from terminals import Terminal, attached
from test_notify_socket import say

BLOCKS = "it waits for ever"
PATIENCE = 60  # seconds for what takes 10 s, also where the machine is slow


def fill(number):
    """Writes until a pipe takes not one byte more."""
    os.set_blocking(number, False)
    for size in (4096, 1):
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(number, b"x" * size)
    os.set_blocking(number, True)


@contextlib.contextmanager
def full_pipe():
    """The writing end of a full pipe that somebody holds open and nobody reads."""
    reading, writing = os.pipe()
    fill(writing)
    try:
        yield writing
    finally:
        os.close(reading)
        os.close(writing)


def end_in_time(*children):
    """The exit codes of runtimes that wait for their caller at the same time."""
    end = time.monotonic() + PATIENCE
    return [child.wait(max(1, end - time.monotonic())) for child in children]


@case(control=False, why=BLOCKS, deadline=90)
def nobody_reads_the_error(t):
    """A message that nobody reads is given up: the exit code is that of the failure, and the log has its line."""
    verbs = ["state", "start", "kill", "create", "exec", "frobnicate"]
    logs = {verb: t.scratch / f"{verb}.log" for verb in verbs}
    with full_pipe() as pipe:
        children = []
        for verb in verbs:
            words = [verb, "missing", *["true"] * (verb == "exec")]
            command = t.runtime.command("--log", logs[verb], "--log-format", "json", *words)
            children.append(t.runtime.start(command, stderr=pipe))
        codes = end_in_time(*children)
    equal(dict(zip(verbs, codes)), {**dict.fromkeys(verbs, 1), "exec": 255}, "exit codes")
    for log in logs.values():
        equal(json.loads(log.read_text())["level"], "error", "level in the log")


@case(control=False, why=BLOCKS, deadline=90)
def nobody_reads_the_output(t):
    """Output that nobody reads is given up, and an error."""
    box = t.sleeper()
    box.run_detached().ok()
    lines = [["state", box.id], ["list"], ["ps", box.id], ["features"], ["--help"], ["--version"],
             ["events", "--stats", box.id], ["events", "--interval", "100ms", box.id]]
    errors = t.scratch / "errors"
    with full_pipe() as pipe, open(errors, "ab") as stderr:
        codes = end_in_time(*[t.runtime.start(t.runtime.command(*line), stdout=pipe, stderr=stderr) for line in lines])
    equal(codes, [1] * len(lines), "exit codes")
    for line in errors.read_text().splitlines():
        contains(line, "write: nobody has read for 10 s", "stderr")
    equal((len(errors.read_text().splitlines()), box.status()), (len(lines), "running"), "messages, status")


@case(control=False, why="Go's runtime fails with EAGAIN or waits, as it finds the descriptor", deadline=60)
def a_non_blocking_pipe_is_waited_for(t):
    """Output is complete also where the caller has made its pipe non-blocking and reads late."""
    for _ in range(3):
        t.sleeper().run_detached().ok()
    whole = t.runtime("features").ok().out
    reading, writing = os.pipe()
    fill(writing)
    os.set_blocking(writing, False)
    child = t.runtime.start(t.runtime.command("features"), stdout=writing)
    os.close(writing)
    time.sleep(0.5)
    equal(child.poll(), None, "`features` before anybody reads")
    with os.fdopen(reading, "rb") as pipe:
        equal(pipe.read().lstrip(b"x").decode(), whole, "output")
    equal(child.wait(10), 0, "exit code")


def writes_to_stderr(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/syscall") as file:
        return file.read().startswith("1 0x2 ")  # write(2, ...)
    return False


@case(control=False, why=BLOCKS, deadline=90)
def a_message_that_waits_holds_no_lock(t):
    """While callers do not read their errors, others may kill and delete the container."""
    box = t.sleeper()
    box.run_detached().ok()
    lines = [["start", box.id], ["delete", box.id], ["exec", "--user", "x", box.id, "true"]]
    with full_pipe() as pipe:
        children = [t.runtime.start(t.runtime.command(*line), stderr=pipe) for line in lines]
        for child in children:
            eventually(lambda: writes_to_stderr(child.pid), "it does not come to its message")
        box.kill("KILL").ok()
        box.wait()
        box.delete().ok()
        equal([child.poll() for child in children], [None] * 3, "those that wait")
        equal(end_in_time(*children), [1, 1, 255], "exit codes")


@case(each=["state", "list", "features", "--version"], control=False, why="it fails, or ignores every error of write")
def read_only_output_takes_everything(t, verb):
    """A stdout that cannot be written (go-runc's null) is one that wants nothing: success stays success."""
    box = t.sleeper()
    box.run_detached().ok()
    with open("/dev/null", "rb") as null:
        t.runtime(verb, *[box.id] * (verb == "state"), stdout=null).ok()


@case(each=["state", "features"], control=False, why="it is killed by SIGPIPE, or ignores the error")
def a_reader_that_is_gone(t, verb):
    """A stdout whose reader has closed is an error, and no signal."""
    box = t.sleeper()
    box.run_detached().ok()
    reading, writing = os.pipe()
    os.close(reading)
    result = t.runtime(verb, *[box.id] * (verb == "state"), stdout=writing)
    os.close(writing)
    equal((result.code, result.err), (1, "stdout: write: broken pipe\n"), "exit code, stderr")


@case(each=["state", "features"], control=False, why="state ignores every error of write")
def a_full_disk_as_output(t, verb):
    """A stdout that takes nothing for want of space is an error."""
    box = t.sleeper()
    box.run_detached().ok()
    with open("/dev/full", "wb") as full:
        result = t.runtime(verb, *[box.id] * (verb == "state"), stdout=full)
    equal((result.code, result.err), (1, "stdout: write: no space left on device\n"), "exit code, stderr")


# ---- --log ------------------------------------------------------------------------------------------------

def special(t, kind):
    """A path that is no ordinary place for a log."""
    path = t.scratch / "special"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(str(path))
    elif kind == "missing directory":
        path /= "log"
    return path


@case(each=[("fifo", "no such device or address"), ("socket", "no such device or address"),
            ("directory", "is a directory"), ("missing directory", "no such file or directory")],
      control=False, why="it waits for a reader of a fifo for ever, and has other words")
def a_log_that_cannot_be_opened(t, kind, words):
    """Nothing is done without the log that was asked for; the message names it, and nobody waits."""
    path, box = special(t, kind), t.sleeper()
    result = t.runtime("--log", path, "run", "--detach", "--bundle", box.bundle.path, box.id)
    equal((result.code, result.err), (1, f"--log: open {path}: {words}\n"), "exit code, stderr")
    t.no_state()


@case(control=False, why=BLOCKS, deadline=90)
def a_log_that_nobody_reads(t):
    """A fifo whose reader takes nothing keeps nobody from the message on stderr."""
    path = special(t, "fifo")
    end = os.open(path, os.O_RDWR)
    fill(end)
    result = t.runtime("--log", path, "state", "missing", timeout=PATIENCE)
    os.close(end)
    equal(result.code, 1, "exit code")
    contains(result.err, "does not exist", "stderr")


@case()
def a_log_that_is_read(t):
    """A fifo with a reader gets the line."""
    path = special(t, "fifo")
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    t.runtime("--log", path, "--log-format", "json", "state", "missing").exits(1)
    contains(json.loads(os.read(reading, 8192))["msg"], "does not exist", "message")
    os.close(reading)


@case(each=[("bad flag of the verb", "create", "--frobnicate", "ID"), ("unknown verb", "frobnicate"),
            ("missing operand", "start"), ("bad global", "--frobnicate", "state", "ID"),
            ("bad value", "create", "--preserve-fds", "x", "ID"), ("value missing", "create", "--bundle"),
            ("too many operands", "state", "ID", "ID"), ("bad root", "--root", "/", "state", "ID")],
      control=False, why="it reads the flags of the verb before it opens the log, or prints its help")
def early_failures_are_in_the_log(t, _, *words):
    """Whatever is wrong behind --log on the command line is in the log, once, as on stderr; the last --log wins."""
    first, log = t.scratch / "first", t.scratch / "log"
    command = [t.runtime.path, "--log", str(first), f"--log={log}", "--log-format", "json", *words]
    result = t.runtime.exec(command).exits(1)
    document = json.loads(log.read_text())
    equal(list(document), ["level", "msg", "time"], "keys")
    equal(f"{document['msg']}\n", result.err, "stderr")
    true(not first.exists(), "the first --log was opened, too")


@case(control=False, why="it writes every message whole, whatever it is")
def long_messages_are_whole_lines(t):
    """A message fits into PIPE_BUF, on stderr and in the log, with its beginning and its end."""
    log = t.scratch / "log"
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "yes '\"\\\u20ac' | head -c 9000; echo the end; exit 3"]}
    box = t.container(bundle=t.bundle("true").edit(lambda config: config.update(hooks={"prestart": [hook]})))
    result = t.runtime("--log", log, "--log-format", "json", "create", "--bundle", box.bundle.path, box.id).exits(1)
    line = log.read_bytes()
    true(3000 < len(line) <= 4096 and len(result.err.encode()) <= 4096, f"{len(line)}, {len(result.err)} bytes")
    equal(f"{json.loads(line)['msg']}\n", result.err, "stderr")
    contains(result.err, "hook", "stderr")
    contains(result.err[-40:], "the end", "stderr")


# ---- stdin ------------------------------------------------------------------------------------------------

def update(t, box, *writes):
    """`update` of a caller that writes this and keeps its pipe open: (exit code, stderr)."""
    errors = t.scratch / "errors"
    with open(errors, "wb") as stderr:
        child = t.runtime.start(t.runtime.command("update", "--resources=-", box.id), stdin=subprocess.PIPE,
                                stderr=stderr)
        for text in writes:
            child.stdin.write(text)
            child.stdin.flush()
            time.sleep(0.2)
        code = child.wait(PATIENCE)
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()
    return code, errors.read_text()


@case(each=[("at once", b'{"cpu": {"idle": null}}'),
            ("in parts", b'{"cpu": ', b'{"cpus": "", "mems": "}]\\"', b'"', b'}}'),
            ("more behind it", b' {} {"cpu": 5} \n')])
def one_document_is_enough(t, name, *writes):
    """`update` answers when the document is complete; that nobody closes the pipe does not matter."""
    box = t.sleeper()
    box.run_detached().ok()
    begin = time.monotonic()
    code, err = update(t, box, *writes)
    if name == "in parts":  # a nonsensical value, to see that it has been read to its end
        true(code == 1 and err, f"exit code {code}: {err}")
    else:
        equal((code, err), (0, ""), "exit code, stderr")
    true(time.monotonic() - begin < 8, "it waited")


@case(each=[("nothing",), ("half", b'{"pids": {')], control=False, why=BLOCKS, deadline=90)
def a_document_that_does_not_come(t, _, *writes):
    """A caller that writes nothing more gets an error that says so."""
    box = t.sleeper()
    box.run_detached().ok()
    equal(update(t, box, *writes), (1, "-: no whole JSON document, and nothing more for 10000 ms\n"), "answer")


@case(each=["exec --process", "config.json"], control=False, why=BLOCKS)
def a_fifo_is_no_file(t, what):
    """A fifo in the place of a file that is read is refused at once."""
    box = t.sleeper()
    if what == "config.json":
        os.unlink(box.bundle.path / "config.json")
        os.mkfifo(box.bundle.path / "config.json")
        contains(box.create().exits(1).err, "config.json: not a regular file", "stderr")
        return t.no_state()
    box.run_detached().ok()
    path = special(t, "fifo")
    contains(box.exec(flags=["--process", path]).exits(255).err, "special: not a regular file", "stderr")


# ---- sockets ----------------------------------------------------------------------------------------------

def busy_listener(t, name):
    """A listener whose queue is full and who accepts nobody: (path, its sockets)."""
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


@case(each=[("console", "--console-socket", True), ("pidfd", "--pidfd-socket", False)], control=False, why=BLOCKS,
      deadline=90)
def a_listener_that_never_accepts(t, _, flag, terminal):
    """Its queue is full: create and exec give up, and leave nothing; nobody else is held up meanwhile."""
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


@case(each=[("a datagram socket", "protocol wrong type"), ("a file", "connection refused"),
            ("nothing", "no such file or directory"), ("nobody listens", "connection refused")],
      control=False, why="it does not name the socket in every case")
def a_console_socket_that_is_none(t, kind, words):
    """Nothing is made where nobody listens for the terminal; the message names the socket."""
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
    """NOTIFY_SOCKET of a service manager that reads nothing: (its socket, environment)."""
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(t.scratch / "manager"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler, contextlib.suppress(BlockingIOError):
        filler.setblocking(False)
        filler.connect(str(t.scratch / "manager"))
        while True:
            filler.send(b"x")
    return manager, {**BASE_ENV, "NOTIFY_SOCKET": str(t.scratch / "manager")}


@case(control=False, why=BLOCKS, deadline=90)
def a_manager_that_never_reads(t):
    """A detached run and a start give up; their containers go on."""
    manager, env = full_manager(t)
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
    equal(errors.read_text().count("NOTIFY_SOCKET: the service manager has not read for 10 s"), 2, "messages")
    equal([box.status() for box in boxes], ["running"] * 2, "status")
    manager.close()


@case(control=False, why="it does not forward signals before the container is ready", deadline=60)
def a_full_manager_holds_up_no_signal(t):
    """An attached run goes on with its signals while its manager reads nothing, and tells it when it does."""
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


# ---- a caller that dies, files that are there -------------------------------------------------------------

@case(each=["symlink", "fifo", "socket"])
def a_pid_file_that_is_something_else(t, kind):
    """What stands in the place of the pid file is replaced, neither followed nor opened."""
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


@case(control=False, why="its init goes on waiting, and delete --force leaves it")
def a_caller_that_dies_takes_the_creation_along(t):
    """With PDEATHSIG: when the caller dies in a hook of create, nothing of it lives on, and delete removes the rest."""
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


@case()
def nobody_but_the_container_gets_the_callers_files(t):
    """Pipes on 0 to 2 and a leaked 9 end with the container, whatever its hooks leave behind."""
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
    os.waitpid(int((t.scratch / "second.pid").read_text()), 0)  # init ends behind it
    box.wait()
    for reading, _ in ends:
        ended = select.select([reading], [], [], 3)[0]
        true(ended and os.read(reading, 1) == b"", "somebody holds a descriptor of the caller")
        os.close(reading)
    for pid in leaks.descendants(os.getpid()):  # the daemons of the hooks
        os.kill(pid, 9)
        os.waitpid(pid, 0)


# ---- attached ---------------------------------------------------------------------------------------------

@case(each=["run", "exec"], control=False, why=BLOCKS, deadline=90)
def nobody_reads_an_attached_terminal(t, verb):
    """When the program has ended, its last output is given up, and its exit code returned."""
    _, command = attached(t, verb, "sh", "-c", "(seq 1 100000 &); sleep 1; exit 7")
    with full_pipe() as pipe:
        child = t.runtime.start(command, stdout=pipe)
        equal(end_in_time(child), [7], "exit code")


@case(each=["run", "exec"], control=False, why="it waits for its terminal for ever", deadline=90)
def nobody_reads_the_callers_terminal(t, verb):
    """The same of a program without a terminal of its own below a terminal that nobody reads."""
    terminal = Terminal(t)
    if verb == "run":
        box = t.shell("(seq 1 100000 &); sleep 1; exit 7")
        command = t.runtime.command("run", "--bundle", box.bundle.path, box.id)
    else:
        box = t.sleeper()
        box.run_detached().ok()
        command = t.runtime.command("exec", box.id, "sh", "-c", "(seq 1 100000 &); sleep 1; exit 7")
    equal(end_in_time(terminal.start(command).child), [7], "exit code")


@case(each=["run", "exec"], control=False, why=BLOCKS, deadline=60)
def signals_are_forwarded_meanwhile(t, verb):
    """A program whose output nobody reads can be stopped by signals to the runtime."""
    _, command = attached(t, verb, "sh", "-c", "trap 'exit 9' TERM; (yes > /dev/tty &) ; while :; do sleep 0.1; done")
    with full_pipe() as pipe:
        child = t.runtime.start(command, stdout=pipe)
        time.sleep(1.5)
        child.send_signal(15)
        equal(end_in_time(child), [9], "exit code")
