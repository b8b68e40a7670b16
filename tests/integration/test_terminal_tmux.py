# SPDX-License-Identifier: Apache-2.0
"""Attached terminals in a real terminal emulator; every screen is the one that Debian's runc shows."""

import hashlib

import pytest

import leaks
from harness import CONTROL_RUNTIME, Runtime, begins, equal, eventually, true
from marks import differs, needs, parametrize
from terminals import PROMPT, names_beside, state_of
from tmux import Screen, missing

pytestmark = [pytest.mark.slow, pytest.mark.any_cgroups]

BOTH = ["run", "exec"]
INNER = "/ #"


class Peer:
    """The same bundles below Debian's runc, with a state root of its own."""

    def __init__(self, t):
        self.runtime = Runtime(CONTROL_RUNTIME, t.scratch / "peer", t.scratch, t.null)

    def command(self, verb, box):
        return command(self.runtime, verb, box, f"{box.id}-peer")

    def remove(self):
        for word in self.runtime("list", "--quiet").out.split():
            self.runtime("kill", word, "KILL")
            eventually(lambda name=word: leaks.reap_orphans() or '"stopped"' in self.runtime("state", name).out,
                       "the peer does not die")
            self.runtime("delete", word)


def command(runtime, verb, box, name):
    if verb == "run":
        return runtime.command("run", "--bundle", box.bundle.path, name)
    runtime("run", "--detach", "--bundle", box.bundle.path, name).ok()
    return runtime.command("exec", "--tty", name, "sh")


def compare(t, verb, play):
    """Plays the keys to the runtime and to runc: the same screens, and terminals that are as they were."""
    box = t.container("sh", terminal=True) if verb == "run" else t.sleeper()
    peer = Peer(t)
    try:
        with Screen(t.scratch, command(t.runtime, verb, box, box.id), "own") as screen:
            shown = play(screen)
            equal(screen.settings(), screen.before, "terminal settings")
        with Screen(t.scratch, peer.command(verb, box), "peer") as screen:
            expected = play(screen)
    finally:
        peer.remove()
    for number, (own, other) in enumerate(zip(shown, expected)):
        equal("\n".join(own), "\n".join(other), f"screen {number}")
    equal(len(shown), len(expected), "number of screens")


def end(screen):
    screen.enter("exit 3")
    screen.until(INNER, PROMPT)
    screen.enter("echo code=$?")
    return screen.until("code=3", PROMPT)


@needs(missing)
@pytest.mark.timeout(90)
@parametrize("verb", BOTH)
def test_a_session(t, verb):
    """Typing, editing the line, a new size, the end of the shell."""
    def play(screen):
        screen.enter("box")
        yield screen.until(INNER)
        screen.type("echo one twi")
        screen.keys("BSpace")
        screen.enter("o; stty size")
        yield screen.until("one two", "24 80", INNER)
        screen.resize(30, 100)
        screen.enter("stty size")
        yield screen.until("24 80", "30 100", INNER)
        screen.keys("Up", "Up", "Enter")
        yield screen.until("30 100", "one two", "30 100", INNER)
        yield end(screen)
    compare(t, verb, lambda screen: list(play(screen)))


@needs(missing)
@pytest.mark.timeout(90)
@parametrize("verb", BOTH)
def test_jobs(t, verb):
    """Ctrl-C ends a job, Ctrl-Z stops one, fg continues it, Ctrl-D ends its input."""
    def play(screen):
        screen.enter("box")
        screen.until(INNER)
        screen.enter("sleep 100")
        screen.until(f"{INNER} sleep 100")
        begins("sleep", "100")
        screen.keys("C-c")
        screen.until("^C", INNER)
        screen.enter("echo job=$?")
        yield screen.until("job=130", INNER)
        screen.enter("cat")
        screen.until(f"{INNER} cat")
        begins("cat")
        screen.keys("C-z")
        yield screen.until("^Z[1]+  Stopped", INNER)
        screen.enter("fg")
        screen.until("cat")
        screen.enter("hello")
        screen.until("hello", "hello")
        screen.keys("C-d")
        yield screen.until("hello", "hello", INNER)
        yield end(screen)
    compare(t, verb, lambda screen: list(play(screen)))


@needs(missing)
@pytest.mark.timeout(90)
@parametrize("verb", BOTH)
def test_an_editor(t, verb):
    """A program of the whole screen: keys, escape sequences, a new size in the middle, and the file that it wrote."""
    def play(screen):
        screen.enter("box")
        screen.until(INNER)
        screen.enter("vi /dev/shm/text")
        yield screen.until("~")
        screen.type("i")
        for line in ("the first line", "the second one", "a third"):
            screen.enter(line)
        screen.keys("Escape")
        yield screen.until("the first line", "the second one", "a third", "~")
        screen.resize(12, 60)
        screen.keys("C-l")
        yield screen.until("the first line", "~")
        screen.enter(":wq")
        screen.until(INNER)
        screen.enter("clear; cat /dev/shm/text")
        yield screen.until("the first line", "the second one", "a third", INNER)
        yield end(screen)
    compare(t, verb, lambda screen: list(play(screen)))


@needs(missing)
@pytest.mark.timeout(90)
@parametrize("verb", BOTH)
def test_much_at_once(t, verb):
    """A flood of output ends on the right screen, and a paste of 60,000 bytes arrives complete."""
    paste = "".join(f"line {number} of a long paste, which is longer than a buffer\n" for number in range(1000))
    expected = hashlib.md5(paste.encode()).hexdigest()

    def play(screen):
        screen.enter("box")
        screen.until(INNER)
        screen.enter("seq 1 30000")
        yield screen.until("29999", "30000", INNER)
        screen.enter("clear; stty -echo; echo now; cat > /dev/shm/paste; stty echo; md5sum /dev/shm/paste")
        screen.until("now")  # or the shell, which edits lines, gets the first of it
        screen.paste(paste)
        screen.keys("C-d")
        yield screen.until(expected, INNER)
        yield end(screen)
    compare(t, verb, lambda screen: list(play(screen)))


@differs("a container's first shell goes on without its terminal")
@needs(missing)
@parametrize("verb", BOTH)
def test_the_window_is_closed(t, verb):
    """When the emulator goes away, so does the shell in the container, and the runtime."""
    box = t.container("sh", terminal=True) if verb == "run" else t.sleeper()
    with Screen(t.scratch, command(t.runtime, verb, box, box.id), "own") as screen:
        screen.enter("box")
        screen.until(INNER)
        inner = shells_of(box)
        true(inner, "there is no shell in the container")
    eventually(lambda: all(state_of(pid) in (None, "Z") for pid in inner), "the shell goes on")
    if verb == "run":
        eventually(lambda: box.status() is None, "the container goes on")
    else:
        equal(box.status(), "running", "the container's status")


def shells_of(box):
    """The shells in the pid namespace of a container."""
    return [pid for pid, name in names_beside(box.state()["pid"]).items() if name == "sh"]
