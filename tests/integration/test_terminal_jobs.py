# SPDX-License-Identifier: Apache-2.0
"""The runtime below a terminal as a job: stopped and continued, in the background, hung up, killed."""

import shlex
import signal
import termios
import time

import pytest

from harness import equal, eventually, true
from marks import differs, parametrize
from terminals import PROMPT, Terminal, attached, children, inside, send, state_of

pytestmark = pytest.mark.any_cgroups

BOTH = ["run", "exec"]
NO_STOP = "it takes no notice of SIGTSTP, and is not raw any more when it is continued"
SPINS = "in the background it neither stops nor rests: SIGTTOU comes back to it for ever"
FATAL = ["SEGV", "BUS", "ILL", "FPE", "TRAP", "ABRT"]


def job(t, verb, script="read x; exit 7"):
    """A shell with the runtime in its foreground: (terminal, pid of the runtime, the words of the command)."""
    _, command = attached(t, verb, *inside(script))
    terminal = Terminal(t).start_shell()
    terminal.enter(command)
    terminal.until("ready")
    terminal.raw()
    return terminal, terminal.runtime_pid()


def await_stop(terminal, runtime):
    """The shell says that the runtime is stopped, and has the terminal as it was."""
    terminal.until(PROMPT, behind=terminal.until("Stopped"))
    equal(state_of(runtime), "T", "state of the runtime")
    eventually(lambda: terminal.settings() == terminal.before, "the terminal is not as it was")


def leave(terminal):
    terminal.enter("exit 0")
    equal(terminal.finish(), 0, "the shell's exit code")


@differs(NO_STOP)
@parametrize("verb", BOTH)
def test_a_stop_from_outside_gives_the_terminal_back(t, verb):
    """SIGTSTP stops the runtime, whose caller then has the terminal as it was; fg makes it raw again."""
    terminal, runtime = job(t, verb)
    send(runtime, signal.SIGTSTP)
    await_stop(terminal, runtime)
    terminal.enter("fg")
    terminal.raw()
    terminal.type(b"\r")
    terminal.until(PROMPT, behind=terminal.until("fg"))
    terminal.is_restored()
    leave(terminal)


@differs(NO_STOP)
@parametrize("_, verb, name", [
    (f"{verb}, {name}", verb, name) for verb in BOTH for name in ("SIGSTOP", "SIGTTIN", "SIGTTOU")])
def test_other_stops_from_outside(t, _, verb, name):
    """The same with the signal that nobody can catch, and with those of the background."""
    terminal, runtime = job(t, verb)
    send(runtime, signal.Signals[name])
    await_stop(terminal, runtime)
    terminal.enter("stty rows 40 columns 130; fg")
    terminal.raw()
    terminal.type(b"\r")
    terminal.until(PROMPT, behind=terminal.until("fg"))
    terminal.is_restored()
    leave(terminal)


@differs(NO_STOP)
@parametrize("verb", BOTH)
def test_a_size_that_changed_meanwhile_is_passed_on(t, verb):
    """What happens to the size while the runtime is stopped reaches the program when it goes on."""
    terminal, runtime = job(t, verb, "until stty size | grep '40 130'; do sleep 0.1; done; exit 0")
    send(runtime, signal.SIGSTOP)
    await_stop(terminal, runtime)
    terminal.resize(40, 130)
    terminal.enter("fg")
    terminal.until("40 130")
    terminal.until(PROMPT, behind=terminal.until("fg"))
    leave(terminal)


@parametrize("verb", BOTH)
def test_a_stop_that_the_shell_does_not_see(t, verb):
    """Stopped and continued from outside, by somebody who knows nothing of jobs: it goes on."""
    _, command = attached(t, verb, *inside("read x; exit 7"))
    terminal = Terminal(t).start(command)
    terminal.until("ready")
    terminal.raw()
    for number in (signal.SIGSTOP, signal.SIGCONT):
        send(terminal.child.pid, number)
        time.sleep(0.2)
    terminal.raw()
    terminal.type(b"\r")
    terminal.ends_with(7)


@differs(SPINS)
@parametrize("verb", BOTH)
def test_a_job_in_the_background_stops(t, verb):
    """Started in the background it stops before it touches the terminal, and fg lets it work."""
    _, command = attached(t, verb, *inside("read x; echo got $x; exit 7"))
    terminal = Terminal(t).start_shell()
    terminal.enter(f"{shlex.join(command)} &")
    runtime = eventually(lambda: terminal.runtime_pid() != terminal.child.pid and terminal.runtime_pid(), "no job")
    terminal.until_true(lambda: state_of(runtime) == "T", "the job does not stop")
    terminal.is_restored()
    terminal.enter("fg")
    terminal.raw()
    terminal.type(b"key\r")
    terminal.until("got key")
    terminal.until(PROMPT, behind=terminal.until("got key"))
    terminal.is_restored()
    leave(terminal)


@differs(NO_STOP)
@parametrize("verb", BOTH)
def test_a_job_that_is_sent_to_the_background_stops_again(t, verb):
    """bg of a stopped runtime stops it again, with the terminal untouched."""
    terminal, runtime = job(t, verb)
    send(runtime, signal.SIGTSTP)
    await_stop(terminal, runtime)
    seen = len(terminal.shown)
    terminal.enter("bg")
    terminal.until("bg\r\n", behind=seen)
    time.sleep(0.5)
    equal(state_of(runtime), "T", "state of the runtime")
    terminal.is_restored()
    terminal.enter("fg")
    terminal.raw()
    terminal.type(b"\r")
    terminal.until(PROMPT, behind=terminal.until("fg\r\n"))
    leave(terminal)


@differs(SPINS)
@parametrize("verb", BOTH)
def test_an_end_in_the_background_leaves_the_terminal_alone(t, verb):
    """The program ends while another one has the terminal: the settings of that one stay."""
    terminal, runtime = job(t, verb)
    send(runtime, signal.SIGSTOP)
    await_stop(terminal, runtime)
    terminal.enter("stty -echo")
    eventually(lambda: not terminal.has(termios.ECHO), "echo stays on")
    program = children(runtime)
    t.containers[0].kill("KILL").ok()
    eventually(lambda: [state_of(pid) for pid in program] == ["Z"], "the program does not end")
    terminal.enter("bg")
    terminal.until_true(lambda: state_of(runtime) is None, "the runtime does not end")
    true(not terminal.has(termios.ECHO), "the settings of the shell are gone")
    terminal.enter("stty echo")
    leave(terminal)


@pytest.mark.timeout(60)
@parametrize("verb", BOTH)
def test_a_hang_up_of_the_callers_terminal(t, verb):
    """When the caller's terminal goes away, the shell in the container and the runtime end."""
    _, command = attached(t, verb, "sh", "-c", "trap 'echo x > /dev/shm/hup; exit 3' HUP; echo ready; read x; read x")
    terminal = Terminal(t).start(command)
    terminal.until("ready")
    terminal.raw()
    terminal.hang_up()
    eventually(lambda: terminal.child.poll() is not None, "the runtime does not end")


@pytest.mark.released
@differs("it dies of SIGABRT with the terminal raw; Go turns the others into a crash or ignores them")
@parametrize("_, verb, name", [(f"{verb}, {name}", verb, name) for verb in BOTH for name in FATAL])
def test_a_crash_of_the_runtime_restores_the_terminal(t, _, verb, name):
    """The runtime dies of a signal that means a broken program: the terminal is as it was, and the container's hangs up."""
    _box, command = attached(t, verb, *inside("trap 'exit 3' HUP; read x; exit 7"))
    terminal = Terminal(t).start(command)
    terminal.until("ready")
    terminal.raw()
    send(terminal.child.pid, signal.Signals[f"SIG{name}"])
    terminal.ends_with(-signal.Signals[f"SIG{name}"])


def holder(t, verb, script):
    """A command whose background jobs outlive it: `run` without a pid namespace of its own, or `exec`."""
    if verb == "exec":
        return attached(t, verb, "sh", "-c", script)[1]
    box = t.container("sh", "-c", script, terminal=True,
                      bundle=t.bundle("sh", "-c", script, terminal=True).without_namespace("pid"))
    return t.runtime.command("run", "--bundle", box.bundle.path, box.id)


def job_does_not_hold_the_end_up(t, verb):
    command = holder(t, verb, "trap '' HUP; sleep 20 & seq 1 2000; exit 6")
    terminal = Terminal(t).start(command).ends_with(6, 5)
    true(terminal.text.split() == [str(number) for number in range(1, 2001)], "the output is not complete")


def test_a_background_job_does_not_hold_an_exec_up(t):
    """The main program ends while a job has the terminal open: the output is complete and nobody waits for the job."""
    job_does_not_hold_the_end_up(t, "exec")


@differs("the end of its output is lost")
def test_a_background_job_does_not_hold_a_run_up(t):
    """The same with a container in the pid namespace of the host."""
    job_does_not_hold_the_end_up(t, "run")


@parametrize("verb", BOTH)
def test_a_flood_from_a_background_job_does_not_hold_the_end_up(t, verb):
    """The main program ends while a job writes without end: bounded."""
    command = holder(t, verb, "trap '' HUP; yes & sleep 0.5; exit 6")
    Terminal(t).start(command).ends_with(6, 5)
