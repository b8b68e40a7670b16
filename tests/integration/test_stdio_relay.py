# SPDX-License-Identifier: Apache-2.0
"""Attached run and exec without a terminal, whose caller has one on 0 to 2: pipes in its place, and nothing else."""

import os
import signal
import time

import pytest

from harness import contains, equal, eventually, true
from marks import differs, parametrize
from terminals import PROMPT, Terminal, send, state_of

pytestmark = pytest.mark.any_cgroups

BOTH = ["run", "exec"]
ENDS = "for n in 0 1 2; do readlink /proc/self/fd/$n; done"
ALL_PIPES = "it puts pipes in the place of everything"
WAITS = "it waits for every process that has the output open"
TAKES_KEYS = "it goes on reading keys that the program will never see"
SPINS = "in the background it neither stops nor rests: SIGTTOU comes back to it for ever"
NUMBERS = [str(number) for number in range(1, 60001)]
NO_JOBS = "it forwards the stop and is not stopped itself"


def piped(t, verb, *arguments):
    """(container, command line) of an attached `run` or `exec` without a terminal."""
    if verb == "run":
        box = t.container(*arguments)
        return box, t.runtime.command("run", "--bundle", box.bundle.path, box.id)
    box = t.sleeper()
    box.run_detached().ok()
    return box, t.runtime.command("exec", box.id, *arguments)


def shown(t, verb, script, shell=None):
    """The terminal below which the script ran, and ended with 0."""
    _, command = piped(t, verb, "sh", "-c", script)
    return Terminal(t).start(command, shell).ends_with(0)


@parametrize("verb", BOTH)
def test_the_container_has_pipes(t, verb):
    """0 to 2 are three different pipes, and the program finds no terminal anywhere."""
    lines = shown(t, verb, f"{ENDS}; tty; {{ tty < /dev/tty; }} 2> /dev/null || echo none").text.split("\n")
    true(all(line.startswith("pipe:[") for line in lines[:3]), f"0 to 2: {lines}")
    equal(len(set(lines[:3])), 3, "different pipes")
    equal(lines[3], "not a tty", "tty")
    contains(lines, "none", "controlling terminal")


@parametrize("verb", BOTH)
def test_only_pipes_are_open(t, verb):
    """The runtime's own ends, and the caller's terminal, stay outside."""
    text = shown(t, verb, "ls -l /proc/self/fd").text
    true("/dev/pts" not in text and "/dev/tty" not in text, text)
    equal(text.count("pipe:["), 3, "pipes")


@differs(ALL_PIPES)
@parametrize("verb", BOTH)
def test_what_is_no_terminal_passes_untouched(t, verb):
    """Files, pipes and /dev/null of the caller are the container's own; only the terminal is replaced."""
    (t.scratch / "in").write_text("")
    shell = f'stat -L -c %d:%i {t.scratch}/in {t.scratch}/out; "$@" < {t.scratch}/in > {t.scratch}/out'
    (t.scratch / "out").write_text("")
    script = "exec 3>&1; stat -L -c %d:%i /proc/self/fd/0 /proc/self/fd/3 >&2; readlink /proc/self/fd/2 >&2"
    lines = shown(t, verb, script, shell).text.split("\n")
    equal(lines[2:4], lines[:2], "device and inode of 0 and 1")
    contains(lines[4], "pipe:[", "2")


@differs(ALL_PIPES)
@parametrize("verb", BOTH)
def test_callers_pipes_are_the_containers(t, verb):
    """A pipe of the caller is not relayed: the container has that one."""
    shell = 'readlink /proc/self/fd/2 > /dev/null; "$@" < /dev/null 2>&1 | { cat; readlink /proc/self/fd/0; }'
    lines = shown(t, verb, ENDS, shell).text.split("\n")
    equal(lines[1:3], [lines[3], lines[3]], "1 and 2 and the reader's 0")
    contains(lines[0], "null", "0")


@parametrize("verb", BOTH)
def test_the_terminal_keeps_its_settings(t, verb):
    """It stays cooked: the line discipline echoes, and nobody changes it."""
    _, command = piped(t, verb, "sh", "-c", "echo ready; read line; echo got $line; exit 5")
    terminal = Terminal(t).start(command)
    terminal.until("ready")
    terminal.is_restored()
    terminal.type(b"word\n")
    terminal.ends_with(5)
    equal(terminal.text.split("\n")[:3], ["ready", "word", "got word"], "echo and answer")


@parametrize("verb", BOTH)
def test_control_d_ends_the_input(t, verb):
    """Lines come back from cat; Ctrl-D at the beginning of one ends it, within one it sends what is there."""
    _, command = piped(t, verb, "cat")
    terminal = Terminal(t).start(command)
    terminal.type(b"first\n")
    terminal.until("first\r\nfirst\r\n")
    terminal.type(b"un\x04")
    terminal.until("unun")
    terminal.type(b"\x04")
    terminal.ends_with(0)


@parametrize("verb", BOTH)
def test_control_c_interrupts(t, verb):
    """Ctrl-C is a signal that reaches the program, whose exit code comes back."""
    _, command = piped(t, verb, "sh", "-c", "trap 'exit 9' INT; echo armed; while :; do sleep 0.05; done")
    terminal = Terminal(t).start(command)
    terminal.until("armed")
    terminal.type(b"\x03")
    terminal.ends_with(9)


@parametrize("verb", BOTH)
def test_a_flood_is_complete_and_in_order(t, verb):
    """Every line is shown, in its place, also the last ones, of 1 and of 2."""
    for stream in ("1", "2"):
        _, command = piped(t, verb, "sh", "-c", f"seq 1 60000 >&{stream}; exit 6")
        terminal = Terminal(t).start(command).ends_with(6, 60)
        true(terminal.text.split() == NUMBERS, f"the output of {stream} is not complete and in order")


@parametrize("verb", BOTH)
def test_both_outputs_are_shown(t, verb):
    """What is written to 1 and to 2 at the same time is all there."""
    script = "seq 1 60000 & seq 1 60000 | tr 0-9 a-j >&2; wait"
    text = shown(t, verb, script).text
    equal(sum(character.isdigit() for character in text), sum(map(len, NUMBERS)), "digits of 1")
    equal(sum(character.isalpha() for character in text), sum(map(len, NUMBERS)), "letters of 2")


@parametrize("verb", BOTH)
def test_the_last_words_are_shown(t, verb):
    """What was written last is there, many times over."""
    for _ in range(20 if verb == "run" else 1):
        terminal = shown(t, verb, "seq 1 400; echo last")
        equal(terminal.text.split()[-2:], ["400", "last"], "end of the output")


@parametrize("verb", BOTH)
def test_a_slow_terminal_loses_nothing(t, verb):
    """Whose reader begins late still gets all of more than any pipe or terminal holds; meanwhile signals arrive."""
    box, command = piped(t, verb, "sh", "-c", "trap 'echo > /dev/shm/seen' USR1; : > /dev/shm/up; seq 1 50000; "
                                              "sleep 0.1; test -e /dev/shm/seen")
    terminal = Terminal(t).start(command)
    eventually(lambda: box.status() == "running", "the container does not run")
    shared = f"/proc/{box.state()['pid']}/root/dev/shm"
    eventually(lambda: os.path.exists(f"{shared}/up"), "the program does not begin")
    time.sleep(0.3)
    send(terminal.child.pid, signal.SIGUSR1)
    time.sleep(0.3)
    terminal.ends_with(0, 60)
    true(terminal.text.split() == NUMBERS[:50000], "the output is not complete and in order")


@parametrize("verb", BOTH)
def test_much_input_arrives(t, verb):
    """More than a pipe holds is typed before anybody reads; all of it arrives."""
    _, command = piped(t, verb, "sh", "-c", "echo ready; sleep 0.5; wc -c; echo done")
    terminal = Terminal(t).start(command)
    terminal.until("ready")
    for _ in range(1500):
        terminal.type(b"x" * 99 + b"\n")
        terminal.read(0)
    terminal.type(b"\x04")
    terminal.until("150000", 20)
    terminal.ends_with(0)


@differs(WAITS)
@parametrize("verb", ["exec"])
def test_the_background_is_not_waited_for(t, verb):
    """A child that keeps the output open, and goes on writing, does not keep the caller."""
    script = "{ trap '' PIPE; while :; do echo more; done; } & sleep 61 & echo said; exit 4"
    _, command = piped(t, verb, "sh", "-c", script)
    terminal = Terminal(t).start(command).ends_with(4)
    contains(terminal.text, "said\n", "output")


@differs(TAKES_KEYS)
@parametrize("verb", BOTH)
def test_who_does_not_read_leaves_the_keys(t, verb):
    """Once the program has closed its input the keys stay for who comes next."""
    _, command = piped(t, verb, "sh", "-c", "exec < /dev/null; echo ready; sleep 0.7")
    terminal = Terminal(t).start(command, '"$@"; read line; echo "mine: $line"')
    terminal.until("ready")
    time.sleep(0.3)
    terminal.type(b"word\n")
    terminal.ends_with(0)
    contains(terminal.text, "mine: word", "the caller's shell")


@parametrize("verb", BOTH)
def test_errors_are_shown_at_the_callers(t, verb):
    """What the runtime itself says when the program cannot start is on the caller's terminal."""
    _, command = piped(t, verb, "/no/such/program")
    terminal = Terminal(t).start(command)
    true(terminal.finish() != 0, "exit code")
    terminal.is_restored()
    contains(terminal.text, "/no/such/program", "the error")


@parametrize("verb", BOTH)
def test_a_program_that_ends_at_once(t, verb):
    """Exit codes come back, also of programs that neither read nor write."""
    for code in (0, 1, 42):
        _, command = piped(t, verb, "sh", "-c", f"exit {code}")
        Terminal(t).start(command).ends_with(code)


@parametrize("verb", BOTH)
def test_a_hang_up_ends_the_input(t, verb):
    """When the caller's terminal is gone the program finds the end of its input."""
    _, command = piped(t, verb, "sh", "-c", "trap '' HUP; echo ready; cat > /dev/null; exit 3")
    terminal = Terminal(t).start(command)
    terminal.until("ready")
    os.close(terminal.slave)
    terminal.hang_up()
    eventually(lambda: terminal.child.poll() is not None, "it does not end", 10)


def job(t, verb, script, background=""):
    """A shell with the runtime as its job: (terminal, pid of the runtime)."""
    _, command = piped(t, verb, "sh", "-c", script)
    terminal = Terminal(t).start_shell()
    line = " ".join(f"'{word}'" for word in command)
    terminal.enter(line + background)
    terminal.until("ready")
    return terminal, terminal.runtime_pid()


def leave(terminal):
    terminal.enter("exit 0")
    equal(terminal.finish(), 0, "the shell's exit code")


@differs(NO_JOBS)
@parametrize("verb", BOTH)
def test_control_z_stops_the_job(t, verb):
    """Ctrl-Z gives the shell its terminal back; fg goes on with the program."""
    terminal, runtime = job(t, verb, "echo re''ady; read x; echo got $x; exit 7")
    terminal.type(b"\x1a")
    terminal.until(PROMPT, behind=terminal.until("Stopped"))
    equal(state_of(runtime), "T", "state of the runtime")
    terminal.enter("fg")
    eventually(lambda: state_of(runtime) != "T", "it does not go on")
    time.sleep(0.2)
    terminal.type(b"word\n")
    terminal.until(PROMPT, behind=terminal.until("got word"))
    leave(terminal)


@differs("it is stopped at once, although its program does not read")
@parametrize("verb", BOTH)
def test_the_background_takes_no_keys(t, verb):
    """In the background it shows its output and leaves the keys to the shell; in the foreground they are its own."""
    terminal, runtime = job(t, verb, "echo re''ady; read x; echo got $x; exit 7", " &")
    for number in range(5):
        terminal.enter(f"echo shell $((40+{number}))")
        terminal.until(f"\nshell 4{number}")
        time.sleep(0.1)
    true(state_of(runtime) != "T", "it is stopped")
    terminal.enter("fg")
    terminal.until("fg\r\n")
    time.sleep(0.5)
    terminal.type(b"word\n")
    terminal.until(PROMPT, behind=terminal.until("got word"))
    leave(terminal)


@differs(SPINS)
@parametrize("verb", BOTH)
def test_output_in_the_background_may_be_unwelcome(t, verb):
    """Where the terminal wants no output from the background (TOSTOP), writing stops the runtime."""
    _, command = piped(t, verb, "sh", "-c", "sleep 0.3; echo said")
    terminal = Terminal(t).start_shell()
    terminal.enter("stty tostop; " + " ".join(f"'{word}'" for word in command) + " &")
    terminal.until(PROMPT, behind=terminal.until("tostop"))
    eventually(lambda: (terminal.read(0), state_of(terminal.runtime_pid()) == "T")[1], "it is not stopped", 10)
    true("\nsaid" not in terminal.text, "output from the background")
    terminal.enter("fg")
    terminal.until(PROMPT, behind=terminal.until("\nsaid"))
    leave(terminal)
