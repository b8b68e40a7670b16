# SPDX-License-Identifier: Apache-2.0
"""conmon -e: another process, detached, whose parent conmon becomes."""

import os

from conmon import atoi
from harness import contains, equal, true
from marks import breaks, parametrize
from test_conmon import conmon, go, made


def process(*args, **fields):
    """What podman and CRI-O write for exec: the container's process with other arguments."""
    return {"user": {"uid": 0, "gid": 0}, "args": list(args), "cwd": "/", "noNewPrivileges": True,
            "env": ["PATH=/usr/bin:/bin", "TERM=xterm"], **fields}


def running(t, *args, **how):
    box = made(t, *(args or ("sleep", "60")), **how)
    go(t, box)
    return box


def end(t, box):
    go(t, box, "kill", "9")
    equal(box.exit_code(), 137, "exit code of the container")
    return box.read()


def test_streams_and_code(t):
    """The process of an exec has pipes of its own, is the child of conmon that the pid file names, and ends with its code."""
    box = running(t)
    other = conmon(t).exec(box.name, process("sh", "-c", "cat; echo out; echo err >&2; exit 7"), stdin=True).made()
    os.write(other.stdin, b"in\n")
    equal(other.read(), ("in\nout\n", "err\n"), "output")
    equal(other.exit_code(), 7, "exit code")
    equal(end(t, box), ("", ""), "what the container wrote")


def test_ends_by_a_signal(t):
    """conmon itself signals the process of an exec, as at the end of a timeout, and sees 128 and the number."""
    box = running(t)
    other = conmon(t).exec(box.name, process("sleep", "60")).made()
    os.kill(other.pid, 9)
    equal(other.exit_code(), 137, "exit code")
    equal(other.read(), ("", ""), "output")
    end(t, box)


@breaks("has no --cgroup-manager")
def test_without_the_flags_of_create(t):
    """exec comes without what create was told about cgroups, and puts the process beside the container's."""
    box = running(t, arguments=["--cgroup-manager", "disabled"])
    other = conmon(t).exec(box.name, process("sleep", "60")).made()
    equal(other.cgroup(), box.cgroup(), "the cgroup")
    os.kill(other.pid, 9)
    equal(other.exit_code(), 137, "exit code")
    other.read()
    end(t, box)


def test_empty_pid_file(t):
    """The pid file of an exec may be there already, empty, as CRI-O's ExecSync makes it; it gets digits only."""
    path, box = t.scratch / "pidfile", running(t)
    path.touch(0o600)
    other = conmon(t).exec(box.name, process("sh", "-c", "exit 5"), pid_file=path).made()
    equal(path.read_text(), str(other.pid), "the pid file")
    equal(other.exit_code(), 5, "exit code")
    other.read()
    end(t, box)


@parametrize("_, program, phrase", [("in PATH", "nothere", "executable file not found in $PATH"),
                                    ("absolute", "/no/such", "no such file or directory"),
                                    ("directory", "/etc", "permission denied"),
                                    ("data", "/etc/passwd", "permission denied")])
def test_program_that_cannot_be(t, _, program, phrase):
    """exec of a program that is {} and cannot be executed: a message in one read, no pid, and the container goes on."""
    box, path = running(t), t.scratch / "pidfile"
    path.touch()
    contains(conmon(t).exec(box.name, process(program), pid_file=path).refused(), phrase, "the message")
    true(atoi(path) <= 0, "a pid is in the pid file of an exec that failed")
    other = conmon(t).exec(box.name, process("sh", "-c", "exit 3")).made()
    equal(other.exit_code(), 3, "exit code of the next")
    other.read()
    equal(end(t, box), ("", ""), "what the container wrote")


def test_nobody_there(t):
    """exec in a container that nobody knows: the old conmon has a message, too, because stderr has one."""
    message = conmon(t, old=True).exec("nobody", process("true")).refused()
    contains(message, "does not exist", "the message")


def test_stopped(t):
    """exec in a container that has ended is refused with words of runc."""
    box = running(t, "true")
    box.exit_code()
    box.read()
    contains(conmon(t).exec(box.name, process("true")).refused(), "cannot exec in a stopped container", "message")


def test_ends_at_once(t):
    """A process that ends before its runtime does: the pid is told all the same, and its end is collected."""
    box = running(t)
    for code in range(4):
        other = conmon(t).exec(box.name, process("sh", "-c", f"exit {code}")).made()
        equal((other.exit_code(), other.read()), (code, ("", "")), "exit code and output")
    end(t, box)


def test_session_of_its_own(t):
    """The process of an exec does not stay in the session in which conmon starts the runtime."""
    box = running(t)
    other = conmon(t).exec(box.name, process("sleep", "60")).made()
    equal(os.getsid(other.pid), other.pid, "session")
    os.kill(other.pid, 9)
    equal((other.exit_code(), other.read()), (137, ("", "")), "exit code and output")
    end(t, box)


def test_while_created(t):
    """exec works in a container that is created and not started yet, which goes on as if nothing had been."""
    box = made(t, "echo", "out")
    other = conmon(t).exec(box.name, process("echo", "other")).made()
    equal((other.read(), other.exit_code()), (("other\n", ""), 0), "the process of the exec")
    go(t, box)
    equal((box.read(), box.exit_code()), (("out\n", ""), 0), "the container")


def test_terminal(t):
    """exec with a terminal: a master of its own for conmon, and a process that leads its session there."""
    box = running(t)
    script = "stty -echo; tty; cut -d' ' -f1,6 /proc/self/stat > /dev/tty; read line; stty size; exit 4"
    other = conmon(t).exec(box.name, process("sh", "-c", script, terminal=True)).made()
    shown = other.until("\n")
    contains(shown, "/dev/pts/", "the terminal")
    other.resize(33, 99)
    os.write(other.master, b"\n")
    contains(other.read()[0], "33 99\r\n", "the size")
    equal(other.exit_code(), 4, "exit code")
    end(t, box)
