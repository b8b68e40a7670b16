# SPDX-License-Identifier: Apache-2.0
"""podman run -it, exec -it and attach, driven through a pseudo-terminal."""

import termios
import time

from cases import case
from engine import IMAGE
from harness import contains, equal, true

DETACH = (b"\x10", b"\x11")  # ctrl-p ctrl-q
LINE_KILL = b"\x15"
SHELL = ["podman", "run", "--name", "box", "-it", IMAGE, "sh"]


def line(terminal, text, answer):
    """Types a command and waits for what it shows, which is not what was typed."""
    terminal.type(text.encode() + b"\n")
    terminal.until(answer)


@case(smoke=True)
def run(t):
    """`podman run -it` gives the program a terminal of the caller's size, and returns its status."""
    terminal = t.terminal("podman", "run", "--rm", "-it", IMAGE, "sh")
    line(terminal, "echo $((40+2)); tty; stty size", "42")
    terminal.until("/dev/pts/0")
    terminal.until("24 80")
    terminal.type(b"exit 6\n")
    terminal.ends_with(6)


@case()
def resize(t):
    """A new size of the caller's terminal arrives in the container."""
    terminal = t.terminal("podman", "run", "--rm", "-it", IMAGE, "sh", "-c",
                          "trap 'stty size' WINCH; echo rea''dy; while :; do sleep 0.05; done")
    terminal.until("ready")

    def follows():  # told before podman, or the shell, listens: it is told again
        terminal.resize(32, 110)
        terminal.resize(33, 111)
        terminal.read(0.3)
        return "33 111" in terminal.text

    terminal.until_true(follows, "the new size is never shown", 20 * t.factor)
    t("kill", "--latest").exits(0)
    terminal.ends_with(137)


@case()
def interrupt(t):
    """The interrupt key ends the foreground job in the container and not podman."""
    terminal = t.terminal(*SHELL)
    line(terminal, "echo $((40+2))", "42")
    terminal.type(b"sleep 600\n")
    t.eventually(lambda: "sleep" in t("top", "box", "args").out, "the job does not begin")
    terminal.type(b"\x03")
    line(terminal, "echo status $?", "status 130")
    terminal.type(b"exit 6\n")
    terminal.ends_with(6)


@case()
def raw_meanwhile(t):
    """The caller's terminal is raw while the program runs, and as it was before afterwards."""
    terminal = t.terminal(*SHELL)
    line(terminal, "echo $((40+2))", "42")
    true(not terminal.has(termios.ICANON), "the terminal is not raw")
    terminal.type(b"exit\n")
    terminal.ends_with(0)


def detach(terminal):
    """Types the keys, which podman has to read one by one; the program gets them where it did not."""
    for key in DETACH:
        terminal.type(key)
        time.sleep(0.2)
    return terminal.child.poll() is not None


@case()
def detach_and_attach(t):
    """The detach keys leave the container running, and `podman attach` comes back to it."""
    terminal = t.terminal(*SHELL)
    line(terminal, "word=kept; echo $((40+2))", "42")
    t.eventually(lambda: detach(terminal), "it does not detach")
    equal(terminal.finish(), 0, "status of the detached run")
    equal(t.inspect("box", ".State.Status"), "running", "status")
    terminal = t.terminal("podman", "attach", "box")
    t.eventually(lambda: not terminal.has(termios.ICANON), "it is not attached")
    terminal.type(LINE_KILL)
    line(terminal, 'echo "<$word>"', "<kept>")
    terminal.type(b"exit 5\n")
    terminal.ends_with(0)
    equal(t.inspect("box", ".State.ExitCode"), "5", "status")


@case()
def execute(t):
    """`podman exec -it` gives a program a terminal of its own, and returns its status."""
    t.sleeper()
    terminal = t.terminal("podman", "exec", "-it", "box", "sh")
    line(terminal, "echo $((40+2)); stty size", "42")
    terminal.until("24 80")
    line(terminal, "test -t 0 && test -t 2 && readlink /proc/self/fd/1", "/dev/pts/")
    terminal.type(b"exit 8\n")
    terminal.ends_with(8)
    equal(t.inspect("box", ".State.Status"), "running", "status")


@case()
def two_terminals(t):
    """A container that has a terminal gets another one for an exec, and both can be written to."""
    first = t.terminal(*SHELL)
    line(first, "echo $((40+2)); exec 9>&0", "42")
    second = t.terminal("podman", "exec", "-it", "box", "sh", "-c", "tty; echo message > /proc/1/fd/1; exit 3")
    equal(second.finish(), 3, "status")
    contains(second.text, "/dev/pts/", "what the second shows")
    first.until("message")
    first.type(b"exit 0\n")
    first.ends_with(0)


@case()
def logs(t):
    """`podman run -d -t` without anybody at the terminal is logged."""
    t.start("test -t 1 && echo a terminal; exit 2", "--tty")
    equal(t("wait", "box").exits(0).out, "2\n", "status")
    contains(t("logs", "box").exits(0).out.replace("\r", ""), "a terminal\n", "logs")
