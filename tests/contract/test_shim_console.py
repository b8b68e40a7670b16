# SPDX-License-Identifier: Apache-2.0
"""containerd's shim: terminals, with the master on an edge-triggered epoll that must see the hangup."""

import os

from harness import contains, equal, true
from shim import error_of
from test_shim import task

MANY = 3000


def test_a_terminal(t):
    """Keys, output and hangup of a container's terminal come through the master's epoll."""
    box = terminal(t, "stty -echo; echo ready; read line; echo got $line; exit 6")
    box.start()
    box.master.shows("ready\n")
    box.master.type("a word\n")
    contains(box.master.end(), "got a word\n", "what was shown")
    equal(box.wait(), 6, "exit status")
    box.delete()


def terminal(t, script):
    box = task(t, "sh", "-c", script)
    box.bundle.process(terminal=True)
    return box.create("terminal")


def test_all_of_it_before_the_hangup(t):
    """What a container writes last, and much of it, is read before the hangup: nothing is lost when it ends at once."""
    box = terminal(t, f"seq {MANY}; echo end").start()
    shown = box.master.end()
    equal(shown.split(), [*map(str, range(1, MANY + 1)), "end"], "what was shown")
    equal(box.wait(), 0, "exit status")
    box.delete()


def test_hangup_of_the_killed(t):
    """The master hangs up when a container is killed, before the shim has reaped it."""
    box = terminal(t, "echo ready; sleep 61").start()
    box.master.shows("ready\n")
    box.kill()
    box.master.end()
    equal(box.wait(), 137, "exit status")
    box.delete()


def test_hangup_of_the_created(t):
    """The master hangs up when a container is deleted that was never started."""
    box = terminal(t, "exit 0")
    box.delete()
    equal(box.master.end(), "", "what was shown")
    equal(box.wait(), 137, "exit status")


def test_exec_with_a_terminal(t):
    """An executed process has a terminal of its own, which hangs up with it, while the container's goes on."""
    box = terminal(t, "stty -echo; echo ready; read x; exit 7").start()
    box.master.shows("ready\n")
    process = box.exec("one", "sh", "-c", "tty; exit 5", kind="terminal")
    shown = process.master.end()
    contains(shown, "/dev/pts/", "what was shown")
    equal(process.wait(), 5, "exit status of the process")
    true(not box.master.hung_up, "the container's terminal is hung up on")
    box.master.type("\n")
    box.master.end()
    equal(box.wait(), 7, "exit status")
    box.delete()


def test_exec_with_a_terminal_in_one_without(t):
    """A process with a terminal is executed in a container that has none; its size comes with the process, then by
    ioctl.
    """
    box = task(t).create("null").start()
    script = "stty size; trap 'stty size; exit 0' WINCH; echo ready; while :; do read -t 1 x; done"
    process = box.exec("one", "sh", "-c", script, kind="terminal", process={"consoleSize": {"height": 20, "width": 70}})
    process.master.shows("ready\n")
    process.master.resize(21, 71)
    equal(process.master.end(), "20 70\nready\n21 71\n", "what was shown")
    equal(process.wait(), 0, "exit status")
    box.end()


def test_a_background_child_keeps_the_terminal(t):
    """The master hangs up with the last process that has the slave, not with the executed one."""
    box = task(t).create("null").start()
    process = box.exec("one", "sh", "-c", "trap '' HUP; sh -c 'sleep 0.2; echo later' & echo first", kind="terminal")
    equal(process.wait(), 0, "exit status")
    equal(process.master.end(), "first\nlater\n", "what was shown")
    box.end()


def test_a_create_that_fails_sends_nothing(t):
    """A create with a terminal that fails is found out by its status: the shim never accepts, and the error is in the
    log.
    """
    box = task(t, "no-such-program")
    box.bundle.process(terminal=True)
    text = error_of(box.create, "terminal")
    contains(text, "OCI runtime create failed: ", "the error")
    contains(text, 'exec: "no-such-program": executable file not found in $PATH', "the error")
    equal(os.listdir(t.directory("tmp")), [], "what is left of the console socket")


def test_an_exec_that_fails_sends_nothing(t):
    """The same of an exec with a terminal; the container's own terminal stays open."""
    box = terminal(t, "stty -echo; echo ready; read x; exit 7").start()
    box.master.shows("ready\n")
    contains(error_of(box.exec, "one", "no-such-program", kind="terminal"), "executable file not found", "the error")
    box.master.type("\n")
    box.master.end()
    equal(box.wait(), 7, "exit status")
    box.delete()
