# SPDX-License-Identifier: Apache-2.0
"""Terminals: the console socket of create, and an attached run below a terminal."""

import array
import contextlib
import os
import pty
import select
import socket
import stat
import termios
import time

import pytest

from harness import contains, equal, eventually, true
from marks import parametrize

pytestmark = pytest.mark.any_cgroups

DETACHED_NEEDS_SOCKET = "will detach without setting console socket"
SOCKET_NEEDS_TERMINAL = "will not detach or allocate tty"


def listener(t):
    """A console socket as engines make it."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(t.scratch / "console.sock"))
    server.listen(1)
    server.settimeout(5)
    return server


def receive(server):
    """(data, [descriptors]) of the one message that the runtime sends."""
    connection, _ = server.accept()
    with connection:
        connection.settimeout(5)
        data, control, flags, _ = connection.recvmsg(4096, socket.CMSG_SPACE(8 * 4))
        numbers = array.array("i")
        for level, kind, content in control:
            equal((level, kind), (socket.SOL_SOCKET, socket.SCM_RIGHTS), "control message")
            numbers.frombytes(content[:len(content) - len(content) % 4])
        equal(flags & socket.MSG_CTRUNC, 0, "truncated control data")
        equal(connection.recv(1), b"", "second message")
    return data, list(numbers)


def read_master(master, seconds=5):
    """Everything until the last slave is closed."""
    text, end = b"", time.monotonic() + seconds
    while time.monotonic() < end:
        if select.select([master], [], [], 0.1)[0]:
            with contextlib.suppress(OSError):
                part = os.read(master, 65536)
                if part:
                    text += part
                    continue
            return text.decode().replace("\r\n", "\n")
    raise AssertionError(f"the terminal does not end: {text!r}")


def with_console(t, script, **process):
    """Creates a container with a terminal; returns it and the master."""
    box = t.container("sh", "-c", script, terminal=True, **process)
    with listener(t) as server:
        box.create("--console-socket", server.getsockname()).ok()
        data, descriptors = receive(server)
    true(len(data) >= 1, "the message has no data")
    equal(len(descriptors), 1, "number of descriptors")
    return box, descriptors[0]


def output(t, script, **process):
    box, master = with_console(t, script, **process)
    box.start().ok()
    text = read_master(master)
    os.close(master)
    equal(box.wait(), 0, "status")
    return text


def test_console_socket_gets_a_pty_master(t):
    """The one descriptor is a pty master: a device of major 5 or 128.. with a slave number and termios."""
    box, master = with_console(t, "exit 0")
    true(stat.S_ISCHR(os.fstat(master).st_mode), "it is no character device")
    true(os.isatty(master), "it is no terminal")
    true(len(termios.tcgetattr(master)) == 7, "it has no termios")
    box.delete("--force").ok()
    os.close(master)


def test_the_program_has_a_terminal(t):
    """0, 1 and 2 of the program are terminals."""
    script = "for n in 0 1 2; do test -t $n && echo $n; done"
    equal(output(t, script), "0\n1\n2\n", "terminals")


def test_the_terminal_is_the_containers(t):
    """The terminal is /dev/pts/0 of the container's own devpts, and /dev/console is it."""
    text = output(t, "tty; stat -c %t:%T /dev/console /dev/pts/0; ls /dev/pts; "
                     "grep -c /dev/console /proc/self/mountinfo")
    lines = text.split()
    equal(lines[0], "/dev/pts/0", "tty")
    equal(lines[1:3], ["88:0", "88:0"], "device numbers")
    equal(sorted(lines[3:5]), ["0", "ptmx"], "names in /dev/pts")
    equal(lines[5], "1", "mounts on /dev/console")


def test_the_terminal_is_the_controlling_one(t):
    """/dev/tty can be opened: the terminal controls the session."""
    equal(output(t, "echo to the tty > /dev/tty"), "to the tty\n", "output")


def test_input_reaches_the_program(t):
    """What is written to the master is read by the program."""
    box, master = with_console(t, "stty -echo; echo ready; read line; echo got $line")
    box.start().ok()
    contains(os.read(master, 100).decode(), "ready", "output")
    os.write(master, b"hello\n")
    contains(read_master(master), "got hello", "output")
    os.close(master)
    box.wait()


def test_interrupt_key_is_a_signal(t):
    """Ctrl-C on the master is SIGINT for the program."""
    box, master = with_console(t, "trap 'exit 42' INT; echo ready; while :; do sleep 0.1; done")
    box.start().ok()
    contains(os.read(master, 100).decode(), "ready", "output")
    os.write(master, b"\x03")
    equal(box.wait(), 42, "status")
    os.close(master)


def test_console_size_is_set(t):
    """process.consoleSize is the size of the new terminal."""
    equal(output(t, "stty size", consoleSize={"height": 33, "width": 111}), "33 111\n", "size")


def test_console_size_zero_is_ignored(t):
    """A size of 0 x 0 does no harm."""
    equal(output(t, "echo fine", consoleSize={"height": 0, "width": 0}), "fine\n", "output")


def test_the_terminal_belongs_to_the_user(t):
    """The slave is owned by the process's user."""
    equal(output(t, "stat -c %u /dev/pts/0", user={"uid": 1000, "gid": 1000}), "1000\n", "owner")


def test_nobody_else_holds_the_terminal(t):
    """The master sees the end when the program ends: no helper keeps the slave."""
    box, master = with_console(t, "exit 0")
    box.start().ok()
    equal(read_master(master), "", "output")
    os.close(master)
    box.wait()


def test_stdio_of_the_caller_is_not_held(t):
    """With a terminal the container does not keep the caller's stdout."""
    box, master = with_console(t, "sleep 60")
    box.start().ok()
    eventually(lambda: sorted(box.descriptors()) == [0, 1, 2], "descriptors do not settle")
    for target in box.descriptors().values():
        true(target.startswith(("/dev/pts/", "/0", "/dev/console")), f"a descriptor is {target}")
    os.close(master)


@parametrize("verb", ["create", "run --detach"])
def test_terminal_without_socket_is_refused(t, verb):
    """A detached terminal needs a console socket: refused in runc's words."""
    box = t.container("true", terminal=True)
    result = t.runtime(*verb.split(), "--bundle", box.bundle.path, box.id).exits(1)
    contains(result.err, "cannot allocate tty if ", "stderr")
    contains(result.err, DETACHED_NEEDS_SOCKET, "stderr")
    t.no_state()


def test_socket_without_terminal_is_refused(t):
    """A console socket for a program without terminal is refused in runc's words."""
    box = t.container("true")
    with listener(t) as server:
        result = box.create("--console-socket", server.getsockname()).exits(1)
    contains(result.err, "cannot use console socket if ", "stderr")
    contains(result.err, SOCKET_NEEDS_TERMINAL, "stderr")
    t.no_state()


def test_missing_socket_is_refused(t):
    """A console socket that nobody listens on fails and leaves nothing."""
    box = t.container("true", terminal=True)
    box.create("--console-socket", t.scratch / "nobody.sock").exits(1)
    t.no_state()


def below_a_terminal(t, box, keys=b""):
    """Runs `run` as a shell would: below a terminal. (exit code, output, settings before and after)."""
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    command = t.runtime.command("run", "--bundle", box.bundle.path, box.id)
    child = t.runtime.start(command, setup={"tty": os.ttyname(slave)})
    text, end = b"", time.monotonic() + 15
    while child.poll() is None and time.monotonic() < end:
        if select.select([master], [], [], 0.02)[0]:
            text += os.read(master, 65536)
            if keys and b"ready" in text:
                os.write(master, keys)
                keys = b""
    child.kill()
    code = child.wait()
    while select.select([master], [], [], 0.05)[0]:
        text += os.read(master, 65536)
    after = termios.tcgetattr(slave)
    os.close(master)
    os.close(slave)
    return code, text.decode().replace("\r\n", "\n").replace("\r", ""), before, after


def test_attached_run_of_the_default_document(t):
    """`run` below a terminal runs the default document, whose terminal is true."""
    t.runtime("spec", cwd=t.scratch).ok()
    bundle = t.bundle()
    (t.scratch / "config.json").replace(bundle.path / "config.json")
    box = t.container(bundle=bundle)
    code, text = run_shell(t, box)
    equal(code, 7, "exit code")
    contains(text, "/dev/pts/0", "output")


def run_shell(t, box):
    """Types into the default document's `sh`."""
    master, slave = pty.openpty()
    child = t.runtime.start(t.runtime.command("run", "--bundle", box.bundle.path, box.id),
                            setup={"tty": os.ttyname(slave)})
    os.close(slave)
    eventually(lambda: box.status() == "running", "the container does not run")
    os.write(master, b"tty; exit 7\n")
    text = read_master(master, 10)
    os.close(master)
    return child.wait(5), text


def test_attached_run_relays_output_and_status(t):
    """Output and exit code come through the relay."""
    box = t.container("sh", "-c", "tty; exit 5", terminal=True)
    code, text, _, _ = below_a_terminal(t, box)
    equal((code, text), (5, "/dev/pts/0\n"), "exit code and output")


def test_attached_run_relays_much_output(t):
    """Nothing of 500 lines is lost at the end."""
    box = t.container("seq", "1", "500", terminal=True)
    code, text, _, _ = below_a_terminal(t, box)
    equal((code, text.split()), (0, [str(number) for number in range(1, 501)]), "exit code and output")


def test_attached_run_relays_keys(t):
    """Keys reach the program; Ctrl-C is the program's signal, not the runtime's."""
    box = t.container("sh", "-c", "trap 'exit 42' INT; echo ready; while :; do sleep 0.1; done", terminal=True)
    equal(below_a_terminal(t, box, b"\x03")[0], 42, "exit code")


@parametrize("script", ["exit 0", "exit 3", "stty raw -echo; exit 0"])
def test_the_callers_terminal_is_restored(t, script):
    """After the run the caller's terminal has the settings from before."""
    box = t.container("sh", "-c", script, terminal=True)
    _, _, before, after = below_a_terminal(t, box)
    equal(after, before, "terminal settings")


def test_the_callers_terminal_is_restored_after_a_failure(t):
    """A run that cannot begin leaves the caller's terminal as it was."""
    box = t.container("/no/such/program", terminal=True)
    code, text, before, after = below_a_terminal(t, box)
    equal(code, 1, "exit code")
    contains(text, "no such file or directory", "output")
    equal(after, before, "terminal settings")
