# SPDX-License-Identifier: Apache-2.0
"""Terminals of ctr: run -t, exec -t, attach."""

import time

from cases import case
from engine import IMAGE
from harness import contains, equal
from terminals import inside

# ctr tells the size after the start: the program waits for it, and ends when all is read.
SIZED = "tty; until stty size | grep '24 80'; do sleep 0.1; done 2>/dev/null; sleep 0.2"


def run(t, *command):
    return t.terminal("ctr", "run", "--rm", "--tty", *t.words(), IMAGE, "c1", *command)


@case(smoke=True)
def size_and_status(t):
    """A container with a terminal has its size, and its status is returned; the terminal is as it was."""
    terminal = run(t, "sh", "-c", f"{SIZED}; exit 5")
    terminal.ends_with(5, 20 * t.factor)
    contains(terminal.text, "/dev/pts/0\n24 80\n", "what is shown")


@case()
def resized(t):
    """A container is told when the terminal's size changes."""
    script = "trap told=yes WINCH; until [ $told ] && stty size | grep '31 91'; do sleep 0.1; done; sleep 0.2; exit 6"
    terminal = run(t, *inside(script))
    terminal.until("ready", 20 * t.factor)

    def ends():  # told before it, or ctr, listens: it is told again
        terminal.resize(30, 90)
        terminal.resize(31, 91)
        time.sleep(0.3)
        return terminal.child.poll() is not None

    terminal.until_true(ends, "it is never told", 20 * t.factor)
    terminal.ends_with(6)
    contains(terminal.text, "31 91\n", "what is shown")


@case()
def keys(t):
    """What is typed arrives, the interrupt key reaches the program inside, and not ctr."""
    terminal = run(t, *inside("trap 'echo interrupted; sleep 0.2; exit 7' INT; read line; echo got $line; read line"))
    terminal.until("ready", 20 * t.factor)
    terminal.type(b"some keys\n")
    terminal.until("got some keys", 20 * t.factor)
    terminal.type(b"\x03")
    terminal.ends_with(7, 20 * t.factor)
    contains(terminal.text, "interrupted", "what is shown")


@case()
def executed(t):
    """exec --tty has a terminal of its own, with its size, and returns the status."""
    t.sleeper()
    terminal = t.terminal("ctr", "task", "exec", "--exec-id", "e1", "--tty", "c1", "sh", "-c", f"{SIZED}; exit 9")
    terminal.ends_with(9, 20 * t.factor)
    contains(terminal.text, "/dev/pts/0\n24 80\n", "what is shown")


@case()
def attached_again(t):
    """`ctr task attach` is where a container with a terminal is met again."""
    # It ends a moment after its last word, which ctr may miss.
    script = f"while read line; do echo got $line; [ $line != end ] || {{ sleep {0.3 * t.factor}; exit 8; }}; done"
    begun = t.terminal("ctr", "run", "--detach", "--tty", *t.words(), IMAGE, "c1", "sh", "-c", script)
    equal(begun.finish(20 * t.factor), 0, "status of run --detach")
    terminal = t.terminal("ctr", "task", "attach", "c1")

    def ended():  # ctr does not say when it is attached: some keys may be lost
        terminal.type(b"end\n")
        time.sleep(0.2)
        return terminal.child.poll() is not None

    terminal.until_true(ended, "the container ends", 20 * t.factor)
    equal(terminal.finish(), 8, "status")
    contains(terminal.text, "got end\n", "what is shown")
