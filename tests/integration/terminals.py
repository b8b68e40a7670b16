# SPDX-License-Identifier: Apache-2.0
"""Pseudo-terminals: a caller's terminal, the programs below it, and what they show."""

import fcntl
import os
import pty
import select
import shlex
import signal
import struct
import termios
import time

import leaks
from harness import BASE_ENV, Failure, equal, eventually

LFLAG, OFLAG = 3, 1  # indices in what termios.tcgetattr returns
PROMPT = "caller> "


def attached(t, verb, *arguments, **process):
    """(container, command line) of an attached `run` or `exec` with a terminal."""
    if verb == "run":
        box = t.container(*arguments, terminal=True, **process)
        return box, t.runtime.command("run", "--bundle", box.bundle.path, box.id)
    box = t.sleeper()
    box.run_detached().ok()
    return box, t.runtime.command("exec", "--tty", box.id, *arguments)


def inside(script):
    """The command of a script that prints "ready" when it is ready for the keys."""
    return ["sh", "-c", f"stty -echo; echo ready; {script}"]


class Terminal:
    """Plays a terminal emulator for the programs below it, and keeps what they show."""

    def __init__(self, t, rows=24, columns=80):
        self.t, self.child, self.shown = t, None, b""
        self.master, self.slave = pty.openpty()
        self.name = os.ttyname(self.slave)
        self.resize(rows, columns)
        self.before = self.settings()

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def settings(self):
        return termios.tcgetattr(self.slave)

    def has(self, flag):
        """True if a local flag (ECHO, ICANON, ISIG) is on."""
        return bool(self.settings()[LFLAG] & flag)

    def start(self, command, shell=None):
        """Runs the command in a session of its own; `shell` is a line that calls the command as "$@"."""
        if shell is not None:
            command = ["/bin/sh", "-c", shell, "sh", *command]
        self.child = self.t.runtime.start(command, setup={"tty": self.name})
        return self

    def start_shell(self):
        """Starts an interactive shell with job control, which then has the terminal."""
        env = {**BASE_ENV, "PS1": PROMPT, "HISTFILE": "/dev/null", "TERM": "dumb", "INPUTRC": "/dev/null"}
        shell = ["/bin/bash", "--norc", "--noprofile", "--noediting", "-i"]
        self.child = self.t.runtime.start(shell, env=env, setup={"tty": self.name})
        self.until(PROMPT)
        self.before = self.settings()
        return self

    def enter(self, command):
        """Types a line, or the words of a command line."""
        line = command if isinstance(command, str) else shlex.join(command)
        self.type(line.encode() + b"\n")

    def type(self, keys):
        while keys:
            keys = keys[os.write(self.master, keys):]

    def read(self, seconds=0.05):
        """Takes what is shown now; False if nothing came within `seconds`."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        self.shown += os.read(self.master, 65536)
        return True

    @property
    def text(self):
        return self.shown.decode(errors="replace").replace("\r", "")

    def until(self, text, seconds=30, behind=0):
        """Reads until the text follows the first `after` bytes; returns the offset of its end."""
        end = time.monotonic() + seconds
        while text.encode() not in self.shown[behind:]:
            self.read()
            if time.monotonic() > end:
                raise Failure(f"after {seconds} s {text!r} is not shown: {self.text[-2000:]!r}")
        return self.shown.index(text.encode(), behind) + len(text)

    def until_true(self, condition, sentence, seconds=5):
        """Waits for a condition, and reads meanwhile."""
        eventually(lambda: (self.read(0), condition())[1], sentence, seconds)

    def finish(self, seconds=30):
        """Reads everything until the program has ended; returns its exit code."""
        end = time.monotonic() + seconds
        while self.child.poll() is None:
            self.read(0.02)
            if time.monotonic() > end:
                raise Failure(f"no end after {seconds} s: {self.text[-2000:]!r}")
        while self.read():
            pass
        return self.child.returncode

    def ends_with(self, code, seconds=30):
        """Fails unless the program ends with this code and the terminal is as it was."""
        equal(self.finish(seconds), code, "exit code")
        self.is_restored()
        return self

    def is_restored(self):
        equal(self.settings(), self.before, "terminal settings")

    def raw(self):
        """Waits until the terminal passes keys on as they are."""
        eventually(lambda: not self.has(termios.ICANON | termios.ECHO | termios.ISIG), "it does not become raw")

    def runtime_pid(self):
        """The pid of the process that was started, or below a shell the pid of the shell's last child."""
        return (children(self.child.pid) or [self.child.pid])[-1]

    def hang_up(self):
        os.close(self.master)
        self.master = -1


def state_of(pid):
    """The letter of a process's state, or None if the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0]
    except leaks.GONE:
        return None


def pid_namespace_of(pid):
    """The pid namespace of a process, or None if the process has ended."""
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except (*leaks.GONE, PermissionError):  # readlink gives EACCES for a process that ends just now
        return None


def names_beside(pid):
    """{pid: name} of the living processes in the pid namespace of this process; empty if it has ended."""
    space = pid_namespace_of(pid)
    return {} if space is None else {other: name for other, (_, state, _, name) in leaks.process_table().items()
                                     if state != "Z" and pid_namespace_of(other) == space}


def children(pid):
    """The pids of the children of this process."""
    return sorted(child for child, (parent, *_) in leaks.process_table().items() if parent == pid)


def send(pid, number=signal.SIGTERM):
    os.kill(pid, number)
