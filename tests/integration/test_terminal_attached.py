# SPDX-License-Identifier: Apache-2.0
"""What an attached terminal does between the caller's and the container's: keys, sizes, signals, much data."""

import hashlib
import os
import signal
import time

import pytest

from harness import begins, contains, equal, eventually
from marks import differs, parametrize
from terminals import Terminal, attached, inside, names_beside, send

pytestmark = pytest.mark.any_cgroups

BOTH = ["run", "exec"]


@parametrize("verb", BOTH)
def test_the_callers_terminal_is_raw_meanwhile(t, verb):
    """While the program runs no key is echoed, collected into lines or made a signal; then all is as before."""
    _, command = attached(t, verb, *inside("read x; exit 7"))
    terminal = Terminal(t).start(command)
    terminal.until("ready")
    terminal.raw()
    terminal.type(b"\r")
    terminal.ends_with(7)


@parametrize("verb", BOTH)
def test_the_size_is_the_callers(t, verb):
    """The program finds the size of the caller's terminal."""
    _, command = attached(t, verb, "sh", "-c", "sleep 0.3; stty size")
    terminal = Terminal(t, 31, 97).start(command).ends_with(0)
    equal(terminal.text, "31 97\n", "size")


@differs("runc 1.1.5 sets it when the program may have asked already")
@parametrize("verb", BOTH)
def test_the_size_is_there_from_the_first_instruction(t, verb):
    """A program that asks at once gets no 0 by 0."""
    _, command = attached(t, verb, "stty", "size")
    terminal = Terminal(t, 31, 97).start(command).ends_with(0)
    equal(terminal.text, "31 97\n", "size")


@parametrize("verb", BOTH)
def test_a_new_size_is_passed_on(t, verb):
    """When the caller's terminal changes its size, the program gets SIGWINCH and finds the new one."""
    script = "trap 'stty size' WINCH; echo armed; until stty size | grep -q '42 142'; do sleep 0.1; done; exit 8"
    _, command = attached(t, verb, *inside(script))
    terminal = Terminal(t).start(command)
    terminal.until("armed")
    terminal.raw()
    terminal.resize(42, 142)
    terminal.ends_with(8)
    contains(terminal.text, "42 142", "output")


@parametrize("_, verb, key, code", [
    (f"{verb}, {name}", verb, key, code) for verb in BOTH
    for name, key, code in [("Ctrl-C", b"\x03", 130), ("Ctrl-backslash", b"\x1c", 131)]])
def test_an_interrupt_ends_the_foreground_job(t, _, verb, key, code):
    """Ctrl-C and Ctrl-\\ are signals for the job in front; the shell goes on, and so does the runtime."""
    terminal = Terminal(t).start(attached(t, verb, "sh")[1])
    terminal.until("# ")
    terminal.type(b"sleep 59\r")
    terminal.until("sleep 59\r\n")
    begins("sleep", "59")
    terminal.type(key)
    seen = terminal.until("# ", behind=terminal.until("sleep 59\r\n"))
    terminal.type(b"echo code=$?; exit 4\r")
    terminal.until(f"code={code}", behind=seen)
    terminal.ends_with(4)


@parametrize("verb", BOTH)
def test_a_stop_key_stops_the_foreground_job(t, verb):
    """Ctrl-Z stops the job in the container, not the runtime; fg continues it."""
    terminal = Terminal(t).start(attached(t, verb, "sh")[1])
    terminal.until("# ")
    terminal.type(b"cat\r")
    terminal.until("cat\r\n")
    begins("cat")
    terminal.type(b"\x1a")
    terminal.until("Stopped")
    terminal.type(b"fg\r")
    time.sleep(0.3)
    terminal.type(b"hello\r\x04")
    terminal.until("hello\r\nhello\r\n")
    terminal.until("# ", behind=terminal.until("hello\r\nhello\r\n"))
    terminal.type(b"exit 5\r")
    terminal.ends_with(5)


@parametrize("verb", BOTH)
def test_the_end_key_ends_the_shell(t, verb):
    """Ctrl-D ends the shell in the container."""
    terminal = Terminal(t).start(attached(t, verb, "sh")[1])
    terminal.until("# ")
    terminal.type(b"\x04")
    terminal.ends_with(0)


def signal_is_passed_on(t, verb, word):
    _, command = attached(t, verb, *inside(f"trap 'echo got {word}; exit 6' {word}; echo armed; "
                                           "while :; do sleep 0.1; done"))
    terminal = Terminal(t).start(command)
    terminal.until("armed")
    terminal.raw()
    send(terminal.child.pid, signal.Signals[f"SIG{word}"])
    terminal.ends_with(6)
    contains(terminal.text, f"got {word}", "output")


@parametrize("_, verb, word", [
    (f"{verb}, {word}", verb, word) for verb in BOTH for word in ("TERM", "HUP", "QUIT", "USR1")])
def test_a_signal_for_the_runtime_is_the_programs(t, _, verb, word):
    """Signals are passed on; the terminal is restored when the program has ended by them."""
    signal_is_passed_on(t, verb, word)


@differs("it restores the terminal and exits with 0, and leaves the program running")
@parametrize("verb", BOTH)
def test_an_interrupt_for_the_runtime_is_the_programs(t, verb):
    """SIGINT is passed on, too."""
    signal_is_passed_on(t, verb, "INT")


@pytest.mark.timeout(60)
@parametrize("verb", BOTH)
def test_a_large_paste_arrives(t, verb):
    """A megabyte that is pasted arrives complete, while the program is slow to read."""
    paste = os.urandom(1 << 19).hex().encode()
    expected = hashlib.md5(paste).hexdigest()
    script = f"stty raw; echo listening; sleep 1; head -c {len(paste)} | md5sum; stty sane"
    _, command = attached(t, verb, *inside(script))
    terminal = Terminal(t).start(command)
    terminal.until("listening")
    os.set_blocking(terminal.master, False)
    end = time.monotonic() + 30
    while paste and time.monotonic() < end:
        try:
            paste = paste[os.write(terminal.master, paste[:4096]):]
        except BlockingIOError:
            terminal.read(0.01)
    equal(len(paste), 0, "bytes that could not be pasted")
    terminal.ends_with(0, 20)
    contains(terminal.text, expected, "sum of what arrived")


def paste_and_read(terminal, paste, size, seconds=30):
    """Writes the paste while reading, until as many bytes as `size` are shown."""
    os.set_blocking(terminal.master, False)
    end = time.monotonic() + seconds
    while len(terminal.shown) < size and time.monotonic() < end:
        try:
            paste = paste[os.write(terminal.master, paste[:4096]):] if paste else paste
        except BlockingIOError:
            pass
        terminal.read(0.001)


@pytest.mark.timeout(60)
@parametrize("verb", BOTH)
def test_floods_in_both_directions(t, verb):
    """What comes back from a program that copies its input is what was pasted, a megabyte of it."""
    paste = os.urandom(1 << 19).hex().encode()
    script = f"stty raw; echo listening; head -c {len(paste)}; stty sane"
    _, command = attached(t, verb, *inside(script))
    terminal = Terminal(t).start(command)
    start = terminal.until("listening") + 1
    eventually(lambda: terminal.read() or len(terminal.shown) >= start, "the line does not end")
    start = len(terminal.shown)
    paste_and_read(terminal, paste, start + len(paste))
    terminal.ends_with(0)
    equal(hashlib.md5(terminal.shown[start:start + len(paste)]).digest(), hashlib.md5(paste).digest(), "what came back")


@pytest.mark.timeout(60)
@parametrize("verb", BOTH)
def test_a_stopped_output_loses_nothing(t, verb):
    """Nobody reads the output for a second and a half; then all of it is there."""
    _, command = attached(t, verb, "seq", "1", "100000")
    terminal = Terminal(t).start(command)
    time.sleep(1.5)
    terminal.ends_with(0, 30)
    equal(terminal.text.split(), [str(number) for number in range(1, 100001)], "output")


@parametrize("verb", BOTH)
def test_a_stopped_output_stops_nothing_else(t, verb):
    """While nobody reads the output, keys and signals still arrive."""
    box, command = attached(t, verb, *inside(
        "trap 'kill $!; exit 9' TERM; yes & "
        "read x; echo $x > /dev/shm/key; while :; do sleep 0.1; done"))
    terminal = Terminal(t).start(command)
    terminal.until("ready")
    time.sleep(1)
    pid = box.state()["pid"]
    terminal.type(b"typed\r")
    eventually(lambda: os.path.exists(f"/proc/{pid}/root/dev/shm/key"), "the key does not arrive")
    send(terminal.child.pid)
    eventually(lambda: not any_yes(pid), "the signal does not arrive")
    terminal.ends_with(9, 20)


def any_yes(pid):
    """True if a `yes` writes in the pid namespace of this process."""
    return any(name == "yes" for name in names_beside(pid).values())
