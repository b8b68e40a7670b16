# SPDX-License-Identifier: Apache-2.0
"""buildah: a build step is a container of its own, and every answer but one byte is thrown away."""

import os

from buildah import Buildah
from harness import Failure, contains, equal, eventually, true
from marks import parametrize


def shell(t, script, **fields):
    return Buildah(t, t.bundle("sh", "-c", script), **fields)


def test_a_build_step(t):
    """A step of a build: create, start, state until stopped, the exit status from wait4, delete; only the four known
    states are seen and every verb is silent."""
    step = shell(t, "echo out; echo err >&2; exit 3").create()
    equal(step.state(), "created", "status")
    step.start().silent()
    equal(step.finish(), (["out\n", "err\n"], 3), "what the step wrote, and its exit status")
    step.delete().silent()
    true(set(step.seen) <= {"created", "running", "stopped"}, f"states {step.seen}")


@parametrize("name, fields", [
    ("plain", {}), ("no_pivot", {"no_pivot": True}), ("no_new_keyring", {"no_new_keyring": True}),
    ("both", {"no_pivot": True, "no_new_keyring": True})])
def test_flags_of_create(t, name, fields):
    """`create --bundle B --pid-file B/pid [--no-new-keyring] [--no-pivot] NAME` works: {}."""
    step = shell(t, "read word; echo got $word", **fields).create()
    step.start().silent()
    os.write(step.stdin, b"this\n")
    equal(step.finish(), (["got this\n", ""], 0), f"what the step said ({name})")
    step.delete().silent()


def test_the_pid_is_our_child(t):
    """The pid in B/pid is a child of buildah, the subreaper, when `create` has returned: nobody is between them."""
    step = shell(t, "exit 9").create()
    with open(f"/proc/{step.pid}/stat", encoding="utf-8", errors="replace") as file:
        equal(int(file.read().rpartition(")")[2].split()[1]), os.getpid(), "parent of the container's process")
    step.start().silent()
    equal(step.finish()[1], 9, "exit status")
    step.delete().silent()


def test_the_state_is_in_the_default_root(t):
    """Without --root every verb finds the container where `create` left it: a directory in /run/NAME-OF-THE-RUNTIME."""
    step = shell(t, "exit 0").create()
    true((t.default_root / step.name).is_dir(), f"no state in {t.default_root}")
    step.start().silent()
    step.finish()
    step.delete().silent()
    true(not (t.default_root / step.name).exists(), "the state is left")


@parametrize("directory", ["/run/user/0", "/run/nowhere/that/exists", ""])
def test_xdg_runtime_dir_of_the_caller(t, directory):
    """An inherited XDG_RUNTIME_DIR={} does not move root's states away from /run."""
    step = shell(t, "exit 0", env={"XDG_RUNTIME_DIR": directory}).create()
    true((t.default_root / step.name).is_dir(), f"no state in {t.default_root}")
    step.env.pop("XDG_RUNTIME_DIR")
    step.start().silent()
    step.finish()
    step.delete().silent()


def test_kill_without_a_signal(t):
    """`kill NAME` without a signal sends SIGTERM."""
    step = shell(t, "trap 'exit 15' TERM; echo ready; while :; do sleep 0.02; done").create()
    step.start().silent()
    equal(os.read(step.outputs[0], 6), b"ready\n", "output")
    step.kill().silent()
    equal(step.finish()[1], 15, "exit status of the trap")
    step.delete().silent()


@parametrize("word, status", [("SIGKILL", 137), ("SIGTERM", 15), ("KILL", 137), ("9", 137)])
def test_kill_with_a_signal(t, word, status):
    """`kill NAME {}` sends that signal, and `state` says stopped afterwards."""
    step = shell(t, "trap 'exit 15' TERM; echo ready; while :; do sleep 0.02; done").create()
    step.start().silent()
    equal(os.read(step.outputs[0], 6), b"ready\n", "output")
    step.kill(word).silent()
    equal(step.finish()[1], status, "exit status")
    step.delete().silent()


def test_kill_of_what_has_ended(t):
    """`kill NAME` of a step that has ended fails with `container not running`."""
    step = shell(t, "exit 0").create()
    step.start().silent()
    step.finish()
    contains(step.kill().failed().err, "container not running", "the message")
    step.delete().silent()


def test_the_state_while_nobody_waits(t):
    """`state` says stopped of a process that has ended and that buildah has not waited for."""
    step = shell(t, "exit 4").create()
    step.start().silent()
    eventually(lambda: step.state() == "stopped", f"not stopped: {step.seen}", 10)
    equal(step.finish()[1], 4, "exit status, which is still to be had")
    step.delete().silent()


def test_a_step_that_was_never_started(t):
    """`delete NAME` without --force removes what was created and never started."""
    step = shell(t, "exit 0").create()
    step.delete().silent()
    os.close(step.stdin)
    contains(step.call("state", step.name).failed().err, "does not exist", "the message")


def test_state_speaks_on_stdout(t):
    """`state` writes its document to stdout and nothing to stderr; of an unknown container the other way round."""
    step = shell(t, "exit 0").create()
    true(step.call("state", step.name).ok().out.startswith("{"), "the document")
    answer = step.call("state", "unknown-" + step.name).failed()
    equal(answer.out, "", "stdout of a failure")
    contains(answer.err, "does not exist", "the message")
    step.delete().silent()
    os.close(step.stdin)


def test_a_terminal(t):
    """B/console.sock is accepted only when `create` has ended; the size that buildah sets then is the step's."""
    step = Buildah(t, t.bundle("sh", "-c", "stty size; test -t 0 && test -t 1 && test -t 2 && exit 5", terminal=True),
                   terminal=True).create()
    step.start().silent()
    written, code = step.finish()
    equal((written, code), (["33 111\r\n"], 5), "what the terminal showed, and the exit status")
    step.delete().silent()


def test_a_terminal_that_ends(t):
    """When the last process with the terminal ends, the master's reader is told so: no helper keeps the other side."""
    step = Buildah(t, t.bundle("sh", "-c", "echo a; exec echo b", terminal=True), terminal=True).create()
    step.start().silent()
    equal(step.finish(), (["a\r\nb\r\n"], 0), "what the terminal showed, and the exit status")
    step.delete().silent()


def test_a_program_that_is_missing(t):
    """A step whose program is missing fails in `create`, says so once on stderr, and leaves nothing."""
    step = Buildah(t, t.bundle("no-such-program"))
    try:
        step.create()
    except Failure as failure:
        contains(str(failure), "executable file not found in $PATH", "the message")
    else:
        raise Failure("create succeeded")
    contains(step.call("state", step.name).failed().err, "does not exist", "the message")
    os.close(step.stdin)


def test_many_steps_at_a_time(t):
    """Steps beside each other do not disturb each other."""
    steps = [shell(t, f"exit {number}").create() for number in range(4)]
    for step in steps:
        step.start().silent()
    equal([step.finish()[1] for step in steps], [0, 1, 2, 3], "exit statuses")
    for step in steps:
        step.delete().silent()
