# SPDX-License-Identifier: Apache-2.0
"""The loop: builds the attackers, runs each attack and its twin, and compares a control with what is known of it."""

import argparse
import functools
import importlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import attacks
import bundles
import controls
import isolation
import runner
import world

HERE = pathlib.Path(__file__).resolve().parent
CONTROLS = {"runc": pathlib.Path("/usr/sbin/runc"), "crun": pathlib.Path("/usr/bin/crun")}
THROW_AWAY = "BULKHEAD_VM"  # set by tests/vm/run in its guest


def options(argv):
    parser = argparse.ArgumentParser(prog="tests/escape/run", description=__doc__)
    parser.add_argument("--runtime", type=pathlib.Path, default=runner.DEFAULT_RUNTIME, help="the program under test")
    parser.add_argument("--control", choices=CONTROLS, help="prove the attacks with Debian's program, in a VM only")
    runner.add_selection(parser, "attacks")
    parser.add_argument("--long", action="store_true", help="races as long as the evidence asks for, all descriptors")
    parser.add_argument("--seconds", type=float, default=5, help="a verb's deadline; more on slow machines")
    chosen = parser.parse_args(argv)
    chosen.native = False
    chosen.must_be_tidy = True
    if chosen.control:
        chosen.runtime = CONTROLS[chosen.control]
    chosen.context = functools.partial(world.World, chosen)
    return chosen


def load(chosen):
    """The attacks that were asked for, by number."""
    for file in sorted(HERE.glob("test_*.py")):
        importlib.import_module(file.stem)
    found = [attack for attack in attacks.ATTACKS if not chosen.filter or named(attack, chosen.filter)]
    return sorted((attack for attack in found if not named(attack, chosen.without)), key=lambda attack: attack.number)


def named(attack, words):
    return any(word in f"{attack.number}: {attack.name}" for word in words)


def main(argv, script):
    chosen = options(argv)
    if chosen.list:
        for attack in load(chosen):
            print(f"{attack.number}  {attack.attacker}  {attack.name}  ({len(attack.each)})")
        return 0
    problem = unready(chosen)
    if problem:
        print(f"escape: {problem}", file=sys.stderr)
        return 2
    if not isolation.inside():
        build_attackers()
        return isolation.enter(argv, False, script)
    isolation.settle(False)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="bh-esc-") as top:
        os.chmod(top, 0o755)
        return Round(chosen, pathlib.Path(top)).all(load(chosen))


def unready(chosen):
    """The reason why nothing can be run here, or None."""
    if chosen.control and THROW_AWAY not in os.environ:
        return (f"the attacks work on old programs, and damage the machine they run on: "
                f"use tests/vm/run, or set {THROW_AWAY} on a machine that nobody needs")
    if not shutil.which("gcc"):
        return "gcc is missing, which the attackers are built with"
    return runner.unready(chosen)


def build_attackers():
    """The small programs of attackers/, static, into build/escape."""
    target = world.ATTACKERS_BUILT
    target.mkdir(parents=True, exist_ok=True)
    newest = max(header.stat().st_mtime for header in (HERE / "attackers").glob("*.h"))
    for source in sorted((HERE / "attackers").glob("*.c")):
        output = target / source.stem
        if output.exists() and output.stat().st_mtime > max(newest, source.stat().st_mtime):
            continue
        flags = source.read_text().splitlines()[1].removeprefix("// gcc ").split()
        subprocess.run(["gcc", "-O1", "-Wall", "-Wextra", *flags, "-o", str(output), str(source)], check=True)


class Round:
    """One run of the suite."""

    def __init__(self, chosen, top):
        self.chosen, self.top = chosen, top
        self.template = top / "template"
        bundles.make_template(self.template)
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}
        self.table, self.known = [], controls.known()
        self.number = 0

    def all(self, chosen_attacks):
        for attack in chosen_attacks:
            self.attack(attack)
        if self.chosen.control:
            self.print_table()
        print(f"{self.counts['passed']} passed, {self.counts['failed']} failed, {self.counts['skipped']} skipped",
              flush=True)
        return 1 if self.counts["failed"] else 0

    def attack(self, attack):
        twin = None
        for variant, values in attack.variants():
            reason = attack.needs() if attack.needs else None
            if reason:
                self.say("skipped", "skip", f"{reason} - {attack.number}: {attack.name}{variant}")
                continue
            if twin is None or not attack.twin_once:
                twin = self.run(attack, variant, values, harmless=True)
            self.chosen_mode(attack, variant, values, twin)

    def chosen_mode(self, attack, variant, values, twin):
        if self.chosen.control:
            self.judge_control(attack, variant, values, twin)
        else:
            self.run(attack, variant, values, harmless=False)

    def run(self, attack, variant, values, harmless):
        """Runs one case; in the ordinary mode it is counted and printed. Returns its problems."""
        case = attack.case(variant, values, harmless)
        scratch = self.top / str(self.number)
        self.number += 1
        scratch.mkdir()
        begin = time.monotonic()
        problems = runner.isolated(self.chosen, slow(case, self.chosen.seconds), scratch, self.template,
                                   f"esc{os.getpid()}-{self.number}")
        note = scratch / "note"
        noted = f": {note.read_text()}" if note.exists() else ""
        shutil.rmtree(scratch, ignore_errors=True)
        if not self.chosen.control:
            self.say("failed" if problems else "passed", "FAIL" if problems else "ok",
                     f"{case.title} ({time.monotonic() - begin:.2f} s){noted}", problems)
        return problems

    def say(self, count, word, text, problems=()):
        self.counts[count] += 1
        print(f"{word + ':' if word == 'skip' else word:4} {text}", flush=True)
        for problem in problems:
            print("     " + problem.rstrip().replace("\n", "\n     "), flush=True)

    def judge_control(self, attack, variant, values, twin):
        """pass, FAIL or n/a; our own failure is only what nobody knew before, or a broken case."""
        problems = twin or self.run(attack, variant, values, harmless=False)
        verdict = "n/a" if twin else "FAIL" if problems else "pass"
        title = f"{attack.number}: {attack.name}{variant}"
        expected = controls.expected(self.known, self.chosen.control, title)
        broken = any("Traceback" in problem for problem in problems)
        known = verdict in expected and not broken
        self.table.append((title, verdict, expected, known))
        count = "failed" if not known else "skipped" if verdict == "n/a" else "passed"
        why = (problems[0].splitlines() or [""])[0][:160] if problems else ""
        self.say(count, verdict, title + (f": {why}" if why else ""),
                 problems if not known or self.chosen.verbose else ())

    def print_table(self):
        """Every verdict that differs from what was seen before, and all numbers beside what is published."""
        for title, verdict, expected, known in self.table:
            if not known:
                print(f"differs: {title} is {verdict}, expected {' or '.join(sorted(expected))}")
        print(f"\ncase  {self.chosen.control:12} published")
        for number, line in controls.summary(row[:2] for row in self.table).items():
            word = controls.published(self.chosen.control, number)
            print(f"{number:5} {line:12} {word}{'' if line.startswith((word, 'n/a')) else '  <- differs'}")


def slow(case, seconds):
    """The case with a deadline for a machine that is slower by seconds / 5."""
    return case.__class__(**{**vars(case), "deadline": int(case.deadline * max(1, seconds / 5))})
