# SPDX-License-Identifier: Apache-2.0
"""BuildKit's runc worker: attached runs that are kept, and attached execs into them."""

import json
import os
import pathlib
import signal

import isolation
from buildkit import WAITING, BuildKit, build, ended, errors, running
from harness import contains, equal, eventually, true
from marks import breaks, parametrize


@parametrize("code", [0, 1, 3, 127, 255])
def test_the_status_of_the_step(t, code):
    """`run --keep` ends with the step's own exit status: {}."""
    worker, name, step = build(t, f"echo out; echo err >&2; exit {code}")
    answer = step.finish()
    equal((answer.out, answer.err, answer.code), ("out\n", "err\n", code), "the step")
    worker.delete(name).silent()


def test_the_status_of_a_killed_step(t):
    """`kill ID 9` of a canceled build makes the attached run end with 137."""
    ended(*running(t))


@parametrize("flag", ["no_pivot", "keep"])
def test_flags_of_run(t, flag):
    """`--{}` is understood in front of the id."""
    worker, name, step = build(t, "echo out", **({"no_pivot": True} if flag == "no_pivot" else {}))
    equal(step.finish().ok().out, "out\n", "output")
    worker.delete(name).silent()


def test_kept_until_deleted(t):
    """Behind its end the state says stopped and pid 0, and `delete` without --force takes it away."""
    worker, name, step = build(t, "exit 3")
    equal(step.finish().code, 3, "exit status")
    state = worker.state(name)
    equal((state["status"], state["pid"]), ("stopped", 0), "state")
    worker.delete(name).silent()
    contains(worker.delete(name).failed().out, "does not exist", "the message of the second delete")


def test_not_kept_without_the_flag(t):
    """Without --keep nothing of a step is left behind its end."""
    worker, name, step = build(t, "exit 3", keep=False)
    equal(step.finish().code, 3, "exit status")
    contains(worker.delete(name).failed().out, "does not exist", "the message")


def test_the_cgroup_is_kept(t):
    """The cgroup of the step is there after its end, with cgroup.events, and goes with `delete`."""
    name = t.fresh_id()
    worker, bundle = BuildKit(t), t.bundle("true")
    bundle.edit(lambda config: config["linux"].update(cgroupsPath=f"/{name}"))
    worker.run(bundle, name).finish().ok()
    cgroup = isolation.cgroup2_mount() / name
    contains((cgroup / "cgroup.events").read_text(), "populated 0", "cgroup.events")
    worker.delete(name).silent()
    true(not cgroup.exists(), f"{cgroup} is left")


@parametrize("word", ["HUP", "INT", "QUIT", "TERM", "USR1", "USR2"])
def test_signals_are_passed_on(t, word):
    """SIG{} to the runtime reaches the step's process."""
    worker, name, step = running(t, f"trap 'exit 42' {word}; {WAITING}")
    step.signal(getattr(signal, f"SIG{word}"))
    equal(step.finish().code, 42, "exit status of the trap")
    worker.delete(name).silent()


def test_state_while_it_runs(t):
    """`state` becomes running, and its bundle and rootfs are directories in which the worker finds what it needs."""
    worker, name, step = running(t)
    state = worker.running(name)
    true(pathlib.Path(state["bundle"], "config.json").is_file(), f"no config.json in {state['bundle']}")
    true(pathlib.Path(state["rootfs"], "etc/passwd").is_file(), f"no passwd in {state['rootfs']}")
    ended(worker, name, step)


def test_state_while_it_is_made(t):
    """From the first moment of a run on, `state` either fails or prints a whole document with a known word."""
    worker, name, step = build(t, WAITING)
    seen = set()

    def asked():
        answer = t.runtime.exec(worker.argv("state", name))
        if answer.code != 0:
            contains(answer.err, "does not exist", "the message")
            return False
        seen.add(json.loads(answer.out)["status"])
        return "running" in seen
    eventually(asked, "it does not run", 10)
    true(seen <= {"creating", "created", "running"}, f"states {seen}")
    ended(worker, name, step)


def test_a_terminal(t):
    """A step with a terminal has the size of the worker's, and its output arrives whole up to its end."""
    worker, name, step = build(t, "stty size; exit 6", terminal=True, rows=31, columns=101)
    answer = step.finish()
    equal((answer.out, answer.code), ("31 101\r\n", 6), "the step")
    worker.delete(name).silent()


def test_a_terminal_that_changes(t):
    """A new size and SIGWINCH to the runtime change the size of the step's terminal, and the step is told."""
    worker, name, step = build(t, "trap 'stty size; exit 0' WINCH; stty -echo; " + WAITING, terminal=True)
    step.until("ready")
    step.resize(44, 133)
    equal(step.finish().out, "44 133\r\n", "what the step saw")
    worker.delete(name).silent()


@breaks("keeps the state of a container that never ran")
def test_a_step_that_cannot_run(t):
    """A missing program ends `run` with 1, says why on stderr and in the log, and nothing is left to delete."""
    worker, name = BuildKit(t), t.fresh_id()
    answer = worker.run(t.bundle("no-such-program"), name).finish()
    equal(answer.code, 1, "exit status")
    contains(answer.err, "executable file not found in $PATH", "stderr")
    contains(errors(worker.log)[-1]["msg"], "executable file not found in $PATH", "the log")
    contains(worker.run_or_error("state", name).failed().out, "does not exist", "the message of state")


def test_one_log_for_all_builds(t):
    """Builds that fail beside each other append to one log: each its own line, whole, and none is lost."""
    worker, names = BuildKit(t), [t.fresh_id() for _ in range(6)]
    bundles = [t.bundle(f"missing-{number}") for number in range(6)]
    steps = [worker.run(bundle, name) for bundle, name in zip(bundles, names)]
    equal([step.finish().code for step in steps], [1] * 6, "exit statuses")
    said = [document["msg"] for document in errors(worker.log)]
    equal(sorted(number for number in range(6) for text in said if f"missing-{number}\"" in text), list(range(6)),
          f"the programs that the log names: {said}")


def test_a_log_of_success(t):
    """A build that succeeds adds no error to the log."""
    worker, name, step = build(t, "exit 3")
    equal(step.finish().code, 3, "exit status")
    worker.delete(name).silent()
    equal(errors(worker.log), [], "errors in the log")


def test_parents_of_many_at_once(t):
    """Builds below a cgroup that none of them has made yet can begin at the same time."""
    worker, names = BuildKit(t), [t.fresh_id() for _ in range(6)]
    top = isolation.cgroup2_mount() / f"{t.prefix}-top"
    bundles = [t.bundle("true").edit(lambda config, name=name: config["linux"].update(
        cgroupsPath=f"/{top.name}/buildkit/{name}")) for name in names]
    steps = [worker.run(bundle, name) for bundle, name in zip(bundles, names)]
    for step in steps:
        step.finish().ok()
    for name in names:
        worker.delete(name).silent()
    for path in (top / "buildkit", top):
        if path.exists():
            os.rmdir(path)
