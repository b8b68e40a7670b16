# SPDX-License-Identifier: Apache-2.0
"""`create` and `run`, broken.

EPERM, ENOSYS and ENOMEM at any step: exit 1, the error names that step, and nothing is left. `kill` at a step of the
init lane: the stage is killed there, and the same holds. `kill` at a step of the host lane: the runtime is killed
there; then `delete --force` succeeds silently, twice, nothing is left, and the id can be used again.
"""

import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import time

import ground
import harness
import remains
import steps as walk
import variants

BUNDLES = ["default", "no-terminal", "binds", "device-nodes", "devices", "host-like", "limits", "minimal", "overlay", "process",
           "shared-network", "user", "writable"]
# Steps whose fault `create` does not report, from this one on; the tests look at them all the same.
UNHEARD_FROM = "await_start"
UNHEARD_REASON = "in `create` the runtime has ended before this step: nobody is left to be told"
STILL_SECONDS = 0.3
# What the flags of `create` add to the timeline that explain shows: (before which verb, the new step).
FLAG_STEPS = {
    "--console-socket": [("clone_tree", "connect_console", None), ("publish", "send_console", "the terminal's master")],
    "--pid-file": [("publish", "write_pid_file", None)],
}


@dataclasses.dataclass
class Subject:
    """One bundle in one mode."""
    runtime: pathlib.Path
    root: pathlib.Path
    bundle: pathlib.Path
    mode: str
    id: str
    extra: list

    def call(self, *words, **keywords):
        """Runs a verb."""
        return walk.call(self.runtime, self.root, *words, **keywords)

    def make(self, *flags):
        detached = ["--detach"] if self.mode == "run" and "--console-socket" in self.extra else []
        needed = ground.flags_of(self.bundle)
        return self.call(self.mode, "--bundle", self.bundle, *needed, *self.extra, *detached, *flags, self.id)

    def delete(self):
        return self.call("delete", "--force", self.id)

    def sweep(self, before):
        self.delete()
        remains.sweep(self.root, before)


# --- the timelines --------------------------------------------------------------------------------------------------

def creation_steps(subject):
    """The timeline of `create`: what explain shows, and what flags add that explain does not have."""
    steps = ground.explained(subject.runtime, subject.bundle, subject.id, subject.root)
    named = [(step["lane"], step["verb"], step["object"]) for step in steps]
    for flag, path in zip(subject.extra[::2], subject.extra[1::2]):
        for before, verb, what in FLAG_STEPS[flag]:
            place = next(i for i, (_, other, _) in enumerate(named) if other == before)
            named.insert(place, ("host", verb, what or path))
    end = next(number for number, (_, verb, _) in enumerate(named) if verb == UNHEARD_FROM)
    return [walk.Step(number, *rest, unheard=number >= end and rest[0] == "init") for number, rest in enumerate(named)]


def run_steps(subject):
    """The timeline of `run`, out of a trace, and what a trace does not have."""
    log = subject.root.parent / "trace"
    result = subject.make("--trace", log)
    harness.true(result.returncode == 0, f"run without a fault: exit {result.returncode}: {result.stderr}")
    subject.delete()
    remains.remove_pid_files(subject.root)
    created = {step.verb: step for step in creation_steps(subject)}
    return walk.read_trace(log, [created[verb] for verb in walk.UNTIMED if verb in created])


# --- one fault ------------------------------------------------------------------------------------------------------

def reported(subject, step, action, before):
    """A fault that the runtime survives: exit 1, the right words, nothing left without any delete."""
    result = subject.make("--fault", f"{step.number}:{action}")
    problems = [] if result.returncode == 1 else [f"exit {result.returncode} instead of 1"]
    return problems + walk.wrong_words(step, action, result.stderr) + remains.left(subject.root, before)


def deleted(subject, before):
    """`delete --force` succeeds silently, twice, and leaves nothing."""
    problems = []
    for _ in range(2):
        result = subject.delete()
        if result.returncode != 0 or result.stderr:
            problems.append(f"delete --force: exit {result.returncode}, {result.stderr!r}")
    remains.remove_pid_files(subject.root)
    return problems + remains.left(subject.root, before)


def usable_again(subject):
    """The id can be created and deleted; `create` for both modes."""
    created = dataclasses.replace(subject, mode="create").make()
    problems = [f"create again: {created.stderr!r}"] if created.returncode != 0 else []
    result = subject.delete()
    remains.remove_pid_files(subject.root)
    return problems + ([f"delete again: {result.stderr!r}"] if result.returncode != 0 or result.stderr else [])


def host_killed(subject, step, before):
    """The runtime is gone in the middle of its work."""
    result = subject.make("--fault", f"{step.number}:kill")
    problems = [] if result.returncode == -9 else [f"exit {result.returncode}: the runtime was not killed"]
    problems += deleted(subject, before)
    return problems + usable_again(subject) + remains.left(subject.root, before)


def start(subject, action):
    """A `start` of a stage that will fail, or stands still where it would be killed: nobody listens any more who would
    do that, so it is done here. `start` may wait for the program, but for no process that is gone."""
    with subprocess.Popen([str(subject.runtime), "--root", str(subject.root), "start", subject.id],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as starting:
        try:
            starting.wait(STILL_SECONDS if action == "kill" else ground.VERB_SECONDS)
        except subprocess.TimeoutExpired:
            os.kill(json.loads(subject.call("state", subject.id, stdout=subprocess.PIPE).stdout)["pid"], signal.SIGKILL)
            starting.wait(ground.VERB_SECONDS)


def unheard(subject, step, action, before):
    """A fault of the stage after `create` has ended: delete removes what is left of it."""
    result = subject.make("--fault", f"{step.number}:{action}")
    problems = [f"create: exit {result.returncode}: {result.stderr!r}"] if result.returncode != 0 else []
    start(subject, action)
    return problems + deleted(subject, before) + usable_again(subject)


def inject(subject, step, action, before):
    """Chooses what has to hold."""
    if step.unheard:
        return unheard(subject, step, action, before)
    if step.lane == "host" and action == "kill":
        return host_killed(subject, step, before)
    return reported(subject, step, action, before)


# --- a bundle in a mode ---------------------------------------------------------------------------------------------

def break_everywhere(subject, totals):
    """Every step and every action."""
    before = remains.traces_of_life(subject.root)
    steps = creation_steps(subject) if subject.mode == "create" else run_steps(subject)
    begin = time.monotonic()
    count = walk.everywhere(steps, lambda step, action: inject(subject, step, action, before),
                            lambda: subject.sweep(before), totals)
    return f"{len(steps)} steps, {count} faults, {time.monotonic() - begin:.1f} s"


def of_bundle(runtime, scratch, name, mode, console):
    """A bundle in a mode; two come with flags that add steps."""
    pid_file = str(scratch.path / "container.pid")
    flags = {"default": ["--console-socket", console, "--pid-file", pid_file], "no-terminal": ["--pid-file", pid_file]}
    return Subject(runtime, scratch.path / "state", scratch.bundle(name), mode, f"fault-{name}", flags.get(name, []))


def of_edit(runtime, scratch, edit, mode):
    return Subject(runtime, scratch.path / "state", scratch.bundle(variants.BASE, edit), mode, "fault-variant", [])
