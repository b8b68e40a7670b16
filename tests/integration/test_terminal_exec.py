# SPDX-License-Identifier: Apache-2.0
"""exec with a terminal: whose it is, what it is like, and the socket that gets it when exec detaches."""

import os
import stat
import termios

import pytest

from harness import CONTROL_RUNTIME, Runtime, contains, equal, true
from marks import parametrize
from terminals import Terminal
from test_terminal import DETACHED_NEEDS_SOCKET, SOCKET_NEEDS_TERMINAL, listener, read_master, receive, with_console

pytestmark = pytest.mark.any_cgroups

EXEC_FAILED = 255


def with_exec(t, *command, flags=(), box=None):
    """Executes a program with a terminal, detached: (container, its Process, the master)."""
    if box is None:
        box = t.sleeper()
        box.run_detached().ok()
    with listener(t) as server:
        process = box.exec_detached(*command, flags=["--tty", "--console-socket", server.getsockname(), *flags])
        data, descriptors = receive(server)
    (t.scratch / "console.sock").unlink()
    true(len(data) >= 1, "the message has no data")
    equal(len(descriptors), 1, "number of descriptors")
    return box, process, descriptors[0]


def output(t, script, flags=()):
    _, process, master = with_exec(t, "sh", "-c", script, flags=flags)
    text = read_master(master)
    os.close(master)
    equal(process.wait(), 0, "status")
    return text


def test_the_socket_gets_the_master(t):
    """exec --detach --tty --console-socket sends one message with one descriptor, the master of a pty."""
    _, _process, master = with_exec(t, "sleep", "60")
    true(stat.S_ISCHR(os.fstat(master).st_mode), "it is no character device")
    true(os.isatty(master), "it is no terminal")
    os.close(master)


def test_the_program_has_the_terminal(t):
    """0, 1 and 2 are the terminal, which is a pty of the container's devpts and controls the session."""
    script = "for n in 0 1 2; do test -t $n && echo $n; done; tty; stat -c %t /dev/pts/0; echo to the tty > /dev/tty"
    equal(output(t, script), "0\n1\n2\n/dev/pts/0\n88\nto the tty\n", "output")


def test_a_second_terminal_is_another_one(t):
    """Two programs have two terminals."""
    box, _one, first = with_exec(t, "sleep", "60")
    _, two, second = with_exec(t, "sh", "-c", "tty", box=box)
    equal(read_master(second), "/dev/pts/1\n", "second terminal")
    two.wait()
    os.close(first)
    os.close(second)


def test_the_terminal_belongs_to_the_user(t):
    """The slave is owned by the user of the program."""
    equal(output(t, "stat -c %u /dev/pts/0", ["--user", "1000:1000"]), "1000\n", "owner")


def test_nobody_else_holds_it(t):
    """The master sees the end when the program ends: no helper keeps the slave."""
    equal(output(t, "exit 0"), "", "output")


def test_the_size_of_the_process_file(t):
    """consoleSize of --process is the size of the new terminal."""
    box = t.sleeper()
    box.run_detached().ok()
    file = box.process_file(args=["stty", "size"], terminal=True, consoleSize={"height": 33, "width": 111})
    _, process, master = with_exec(t, flags=["--process", file], box=box)
    equal(read_master(master), "33 111\n", "size")
    process.wait()
    os.close(master)


def test_the_callers_streams_are_not_held(t):
    """With a terminal the program has nothing of the caller's."""
    _, process, master = with_exec(t, "sleep", "60")
    for number, target in process.descriptors().items():
        true(number in (0, 1, 2) and target.startswith(("/dev/pts/", "/0")), f"{number} is {target}")
    os.close(master)


def test_detached_without_a_socket_is_refused(t):
    """A detached terminal needs a console socket: refused in runc's words."""
    box = t.sleeper()
    box.run_detached().ok()
    result = box.exec("true", flags=["--tty", "--detach"]).exits(EXEC_FAILED)
    contains(result.err, DETACHED_NEEDS_SOCKET, "stderr")


@parametrize("_, flag", [("no terminal", "--detach"), ("not detached", "--tty")])
def test_a_socket_for_nothing_is_refused(t, _, flag):
    """A console socket without terminal, or for a program that is waited for, is refused in runc's words."""
    box = t.sleeper()
    box.run_detached().ok()
    with listener(t) as server:
        result = box.exec("true", flags=[flag, "--console-socket", server.getsockname()]).exits(EXEC_FAILED)
    contains(result.err, SOCKET_NEEDS_TERMINAL, "stderr")


def test_a_socket_that_nobody_listens_on_is_refused(t):
    """It fails, and leaves nothing."""
    box = t.sleeper()
    box.run_detached().ok()
    box.exec("sleep", "60", flags=["--tty", "--detach", "--console-socket", t.scratch / "nobody"]).exits(EXEC_FAILED)


@parametrize("program", ["/no/such/program", "/etc"])
def test_a_failure_restores_the_callers_terminal(t, program):
    """An exec that cannot begin leaves the caller's terminal as it was, and says why."""
    box = t.sleeper()
    box.run_detached().ok()
    terminal = Terminal(t).start(t.runtime.command("exec", "--tty", box.id, program))
    terminal.ends_with(EXEC_FAILED)
    contains(terminal.text, "exec failed", "output")


def masters_settings(t, verb):
    """The settings of a new terminal, and of the same with Debian's runc."""
    found = []
    for path in (t.runtime.path, CONTROL_RUNTIME):
        own, t.runtime = t.runtime, Runtime(path, t.root, t.scratch, t.null)
        if verb == "exec":
            box, _, master = with_exec(t, "sleep", "60")
        else:
            box, master = with_console(t, "sleep 60")
            (t.scratch / "console.sock").unlink()
        found.append(termios.tcgetattr(master))
        os.close(master)
        box.end_executed()
        box.kill("KILL")  # runc's may have died with its terminal
        box.wait()  # at times runc's `delete --force` does not, and finds its cgroup busy
        box.delete().ok()
        t.runtime = own
    return found


@parametrize("verb", ["create", "exec"])
def test_the_settings_are_those_of_runc(t, verb):
    """A terminal that is sent to a console socket has the same settings with runc, ONLCR among them."""
    own, control = masters_settings(t, verb)
    equal(own, control, "terminal settings")
    true(own[1] & termios.ONLCR, "ONLCR is off")
