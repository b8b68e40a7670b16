# SPDX-License-Identifier: Apache-2.0
"""A step of a timeline, the ways to break it, and what an error text has to say about it."""

import dataclasses
import pathlib
import re
import subprocess

import ground
import harness

ERRORS = {"EPERM": "operation not permitted", "ENOSYS": "function not implemented",
          "ENOMEM": "cannot allocate memory"}
ACTIONS = [*ERRORS, "kill"]
TRACE_LINE = re.compile(r"^ *[\d.]+ +[\d.]+ +(\d+)  (host|init)  (\w+) ?(.*)$")
# What the stage does after its last report has no time in a trace: these, where they are there, in this order.
UNTIMED = ("report_execution", "report_listener", "load_seccomp", "await_delivery", "execute")
SHOWN = 4  # problems printed for each case
MANY = 12  # problems that end it: each costs the seconds in which what is left might have gone


@dataclasses.dataclass(frozen=True)
class Step:
    number: int
    lane: str
    verb: str
    object: str
    unheard: bool = False

    @property
    def words(self):
        return f"{self.verb} {self.object}".rstrip()


@dataclasses.dataclass
class Totals:
    """What was injected in all."""
    faults: int = 0
    unheard: int = 0
    verbs: set = dataclasses.field(default_factory=set)  # that were unheard

    def count(self, step):
        self.faults += 1
        self.unheard += step.unheard
        self.verbs |= {step.verb} if step.unheard else set()


def call(runtime, root, *words, **keywords):
    """Runs a verb; stderr goes to a file, because a created container keeps it open."""
    said = root.parent / "stderr"
    said.unlink(missing_ok=True)  # a program that outlives its runtime still writes to the last one
    with open(said, "w", encoding="utf-8") as stderr:
        result = ground.call([runtime, "--root", root, *words],
                             **{"stdout": subprocess.DEVNULL, "stderr": stderr, **keywords})
    result.stderr = said.read_text(errors="replace")
    return result


def traced(text, untimed):
    """All steps in order: those of a trace, and in its gaps `untimed`, as many steps as it has gaps."""
    found = [TRACE_LINE.match(line).groups() for line in text.splitlines()[1:]]
    steps = {int(number): Step(int(number), *rest) for number, *rest in found}
    timed = {step.verb for step in steps.values()}
    untimed = [step for step in untimed if step.verb not in timed]
    missing = sorted(set(range(len(steps) + len(untimed))) - set(steps))
    harness.true(len(missing) == len(untimed), f"the trace lacks the steps {missing}, not {len(untimed)}")
    for number, step in zip(missing, untimed):
        steps[number] = dataclasses.replace(step, number=number, unheard=False)
    return [steps[i] for i in sorted(steps)]


def wrong_words(step, action, text, prefix=""):
    """What is wrong with an error text, in sentences; `prefix` is the verb's own phrase."""
    if action != "kill":
        expected = [step.words, ERRORS[action]]
    else:
        expected = ["killed by signal 9", step.words]
    if step.lane == "init":
        expected.append(f"step {step.number},")
    lines = text.strip().splitlines()
    return [f"{part!r} is not in {text!r}" for part in (prefix, *expected) if part not in text] + \
           ([f"{len(lines)} lines: {text!r}"] if len(lines) != 1 else [])


def everywhere(steps, inject, clean, totals):
    """Every step and every action: `inject` returns what is wrong, and then `clean` is called. Fails with the first
    few problems; returns the number of faults."""
    problems, count = [], 0
    for step in steps:
        for action in ACTIONS:
            if len(problems) == MANY:
                break
            count += 1
            totals.count(step)
            if found := inject(step, action):
                problems.append(f"step {step.number} {step.words}, {action}: " + "; ".join(found))
                clean()
    harness.true(not problems, f"{len(problems)} of {count} faults:\n      " + "\n      ".join(problems[:SHOWN]))
    return count


def notices_wrong_words():
    """A text about another step or another error is seen."""
    step = Step(3, "init", "pivot_root", "and detach the host's root")
    good = "error: step 3, pivot_root and detach the host's root: operation not permitted\n"
    harness.true(not wrong_words(step, "EPERM", good), "the right text is refused")
    harness.true(wrong_words(step, "EPERM", good, "exec failed"), "a missing phrase passes")
    for bad in ("", good.replace("3", "4"), good.replace("pivot", "protect"), good * 2,
                good.replace("operation not permitted", "invalid argument")):
        harness.true(wrong_words(step, "EPERM", bad), f"{bad!r} passes")


def read_trace(path, untimed):
    """traced() of a file."""
    return traced(pathlib.Path(path).read_text(), untimed)
