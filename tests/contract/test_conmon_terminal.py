# SPDX-License-Identifier: Apache-2.0
"""conmon -t: the console socket, and the terminal behind it."""

import os
import stat

from caller import holders, until_end
from harness import contains, equal, true
from test_conmon import conmon, go, made


def test_one_descriptor(t):
    """The one message on the socket has one descriptor, the master of a terminal that is the container's console."""
    box = made(t, "sh", "-c", "tty; readlink /proc/self/fd/0", terminal=True)
    true(stat.S_ISCHR(os.fstat(box.master).st_mode) and os.isatty(box.master), "no terminal came")
    go(t, box)
    shown = box.read()[0].split("\r\n")
    equal(shown[0], shown[1], "the name of the terminal")
    contains(shown[0], "/dev/", "the name of the terminal")
    equal(box.exit_code(), 0, "exit code")


def test_stderr_pipe_has_ended(t):
    """With a terminal nobody, not even the container, holds the stderr pipe after `create`."""
    box = made(t, "sleep", "60", terminal=True)
    equal(until_end([box.stderr], 5), [b""], "what stderr had")
    go(t, box, "kill", "9")
    equal(box.exit_code(), 137, "exit code")
    until_end([box.master])


def test_newlines_are_two_letters(t):
    """ONLCR, which conmon switches on, is still on when the program writes."""
    box = made(t, "printf", "a\\nb\\n", terminal=True)
    go(t, box)
    equal(box.read()[0], "a\r\nb\r\n", "what is shown")
    box.exit_code()


def test_size_by_conmon(t):
    """A size that conmon sets before `start` is the program's first, and a later one comes as SIGWINCH."""
    script = "stty -echo; trap 'stty size; exit 6' WINCH; stty size; echo ready; while :; do read line || :; done"
    box = made(t, "sh", "-c", script, terminal=True)
    box.resize(30, 100)
    go(t, box)
    contains(box.until("ready\r\n"), "30 100\r\n", "the first size")
    box.resize(31, 101)
    os.write(box.master, b"\n")
    contains(box.read()[0], "31 101\r\n", "the later size")
    equal(box.exit_code(), 6, "exit code")


def test_end_of_the_terminal(t):
    """The terminal ends with the last process of the container: nobody of the runtime keeps a slave."""
    box = made(t, "true", terminal=True)
    equal(holders(box.master), "nobody below us", "who has the master")
    go(t, box)
    equal(box.exit_code(), 0, "exit code")
    equal(box.read(), ("", ""), "what is shown")


def test_keys_make_signals(t):
    """The terminal is the container's controlling one: the key for an interrupt ends what waits there."""
    box = made(t, "sh", "-c", "trap 'exit 8' INT; stty -echo; echo ready; while :; do sleep 0.1; done", terminal=True)
    go(t, box)
    box.until("ready\r\n")
    os.write(box.master, b"\x03")
    box.read()
    equal(box.exit_code(), 8, "exit code")


def test_size_of_the_config(t):
    """consoleSize is the terminal's size before conmon has set one."""
    box = made(t, "stty", "size", terminal=True, process={"consoleSize": {"height": 40, "width": 120}})
    go(t, box)
    equal(box.read()[0], "40 120\r\n", "the size")
    box.exit_code()


def test_failure_beside_the_socket(t):
    """`create` with a terminal that fails says why on the stderr pipe, as one message."""
    bundle = t.bundle("/no/such", terminal=True)
    message = conmon(t).create(t.fresh_id(), bundle.path, terminal=True).refused()
    contains(message, "no such file or directory", "the message")
    t.no_state()


def test_socket_that_nobody_hears(t):
    """A console socket that is not there fails `create` with a message, and leaves nothing."""
    caller = conmon(t, options=["--console-socket", str(t.scratch / "nothere")])
    message = caller.create(t.fresh_id(), t.bundle("true", terminal=True).path).refused()
    contains(message, "no such file or directory", "the message")
    t.no_state()
