# SPDX-License-Identifier: Apache-2.0
"""Attached terminals whose caller has redirected something: input that ends, output that is a file or breaks."""

import os

import pytest

import harness
from harness import contains, equal, eventually, true
from marks import differs, parametrize
from terminals import Terminal, attached, inside

pytestmark = pytest.mark.any_cgroups

BOTH = ["run", "exec"]
NO_END = "it never says the end of input, and the program waits for ever"
NUMBERS = [str(number) for number in range(1, 20001)]


def words(path):
    return path.read_bytes().decode().split()


@parametrize("verb", BOTH)
def test_output_goes_into_a_file(t, verb):
    """With stdout a file all of the output is in it."""
    _, command = attached(t, verb, "seq", "1", "20000")
    Terminal(t).start(command, f'"$@" > {t.scratch}/out').ends_with(0)
    true(words(t.scratch / "out") == NUMBERS, "the output is not complete")


@parametrize("verb", BOTH)
def test_output_goes_into_a_pipe(t, verb):
    """With stdout a pipe all of the output comes out of it, also where its reader begins late."""
    _, command = attached(t, verb, "seq", "1", "20000")
    Terminal(t).start(command, f'"$@" | {{ sleep 1; cat > {t.scratch}/out; }}').ends_with(0)
    true(words(t.scratch / "out") == NUMBERS, "the output is not complete")


def non_blocking(pid):
    """Which of 0 to 2 are non-blocking."""
    flags = {number: harness.status_field(harness.read_text(f"/proc/{pid}/fdinfo/{number}"), "flags")
             for number in (0, 1, 2)}
    return [number for number, text in flags.items() if int(text, 8) & os.O_NONBLOCK]


@parametrize("verb", BOTH)
def test_the_callers_descriptors_stay_blocking(t, verb):
    """The caller's own descriptors do not become non-blocking, neither meanwhile nor afterwards."""
    _, command = attached(t, verb, *inside("read x; exit 0"))
    terminal = Terminal(t).start(command, '"$@"; exec sleep 60')
    terminal.until("ready")
    equal(non_blocking(terminal.child.pid), [], "non-blocking descriptors meanwhile")
    terminal.type(b"\r")
    eventually(lambda: harness.read_text(f"/proc/{terminal.child.pid}/comm") == "sleep\n", "it does not end")
    equal(non_blocking(terminal.child.pid), [], "non-blocking descriptors afterwards")
    terminal.child.kill()
    terminal.finish()


@differs(NO_END)
@parametrize("_, verb, source", [
    (f"{verb}, {source}", verb, source) for verb in BOTH for source in ("</dev/null", "<&-", "</etc/hostname")])
def test_input_that_has_ended_ends_a_shell(t, _, verb, source):
    """A shell whose caller has no input finds its end, and ends."""
    _, command = attached(t, verb, "sh")
    Terminal(t).start(command, f'"$@" {source}').finish()


@differs(NO_END)
@parametrize("verb", BOTH)
def test_input_from_a_pipe_is_typed(t, verb):
    """Lines from a pipe are typed into the shell; behind them is the end of input."""
    _, command = attached(t, verb, "sh")
    terminal = Terminal(t).start(command, 'printf "echo \\$((40+2))\\ncat\\n" | "$@"')
    equal(terminal.finish(), 0, "exit code")
    contains(terminal.text, "\n42\n", "output")


@differs(NO_END)
@parametrize("verb", BOTH)
def test_input_without_a_last_newline_arrives(t, verb):
    """An unfinished line reaches the program, and then the end of input."""
    _, command = attached(t, verb, "cat")
    terminal = Terminal(t).start(command, 'printf "one\\ntwo" | "$@"')
    equal(terminal.finish(), 0, "exit code")
    equal([terminal.text.count(word) for word in ("one", "two")], [2, 2], "echoes and copies")


@differs("it refuses to work where no terminal is on 0 to 2 or at /dev/tty")
@parametrize("verb", BOTH)
def test_no_terminal_at_all(t, verb):
    """Without any terminal of the caller's the program still has one, and its output arrives."""
    _, command = attached(t, verb, "sh", "-c", "tty; cat; exit 3")
    code = t.runtime.exec(["/bin/sh", "-c", f'printf "hello\\n" | "$@" > {t.scratch}/out', "sh", *command]).code
    equal(code, 3, "exit code")
    equal(sorted(words(t.scratch / "out"))[1:], ["hello", "hello"], "echo and output")
    contains(min(words(t.scratch / "out")), "/dev/pts/", "tty")


def silent_input(t):
    """(line of shell that runs the command with an input that neither ends nor says anything, its owner)."""
    path = t.scratch / "silence"
    os.mkfifo(path)
    return f'exec "$@" < {path}', os.open(path, os.O_RDWR)


@parametrize("verb", BOTH)
def test_the_size_is_that_of_the_output(t, verb):
    """Where the input is no terminal and the output is, the size is the output's, also a new one."""
    script = "sleep 0.3; stty size; until stty size | grep -q '42 142'; do sleep 0.1; done; exit 8"
    _, command = attached(t, verb, *inside(script))
    shell, _ = silent_input(t)
    terminal = Terminal(t, 31, 97).start(command, shell)
    terminal.until("31 97")
    terminal.resize(42, 142)
    terminal.ends_with(8)


@differs("its terminal is raw although it does not read from it, so no key ends it")
@parametrize("verb", BOTH)
def test_keys_are_signals_where_the_input_is_no_terminal(t, verb):
    """Where the input is no terminal the caller's keeps its settings: Ctrl-C is a signal for the program."""
    _, command = attached(t, verb, *inside("trap 'exit 9' INT; echo armed; while :; do sleep 0.1; done"))
    shell, _ = silent_input(t)
    terminal = Terminal(t).start(command, shell)
    terminal.until("armed")
    terminal.is_restored()
    terminal.type(b"\x03")
    terminal.ends_with(9)


@pytest.mark.slow
@differs("its exec ends by SIGPIPE, and not by the program's exit code")
@parametrize("verb", BOTH)
def test_output_that_nobody_reads_hangs_up(t, verb):
    """When the reader of stdout is gone the container's terminal hangs up, and the caller's is restored."""
    _box, command = attached(t, verb, "sh", "-c",
                            "stty -opost; echo first; trap 'exit 5' HUP; while echo more; do :; done; exit 6")
    terminal = Terminal(t).start(command, '{ "$@"; echo $? > code; } | head -n 1')
    terminal.ends_with(0)
    contains(["5\n", "6\n"], (t.scratch / "code").read_text(), "exit code")


@parametrize("verb", BOTH)
def test_the_end_of_the_output_is_complete(t, verb):
    """What was written last is there, 30 times over."""
    for _ in range(30 if verb == "run" else 1):
        _box, command = attached(t, verb, "sh", "-c", "seq 1 400; echo last")
        terminal = Terminal(t).start(command).ends_with(0)
        equal(terminal.text.split()[-2:], ["400", "last"], "end of the output")
