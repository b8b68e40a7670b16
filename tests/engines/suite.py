# SPDX-License-Identifier: Apache-2.0
"""The loop inside a node: each engine, each case; says on stdout what came of it, a JSON line each."""

import argparse
import importlib
import json
import pathlib
import signal
import time
import traceback

import cases
import harness
import leavings
import package
from calls import Calls
from containerd import Containerd
from cri import Cri
from docker import Docker
from engine import DIRECTORY, RUNTIMES
from podman import Podman
from table import CONTROL

HERE = pathlib.Path(__file__).resolve().parent
ENGINES = {"package": package.Package, "podman": Podman, "containerd": Containerd, "docker": Docker, "cri": Cri}


def load(chosen):
    """The chosen cases of this place and release."""
    for file in sorted(HERE.glob("test_*.py")):
        importlib.import_module(file.stem)
    return [case for case in cases.CASES if case.place == chosen.place
            and (not case.generations or chosen.generation in case.generations)
            and (case.smoke or not chosen.smoke)
            and (not chosen.filter or any(word in case.title for word in chosen.filter))]


class OutOfTime(Exception):
    pass


def out_of_time(*_):
    raise OutOfTime


class Round:
    """An engine, from its start to its end."""

    def __init__(self, chosen, name):
        self.chosen, self.runtime, self.calls = chosen, chosen.runtime, Calls(RUNTIMES)
        self.engine = ENGINES[name](chosen.generation, chosen.place, chosen.runtime)
        self.engine.calls = self.calls

    def run(self, chosen_cases):
        try:
            self.engine.begin()
        except Exception:
            for case in chosen_cases:
                self.tell(case, [f"the engine does not start: {traceback.format_exc()}"], 0)
            return
        for case in chosen_cases:
            begin, losses = time.monotonic(), self.engine.losses()
            problems = self.problems(case)
            if problems and not case.expected(self.chosen.generation, problems) and self.may_try_again(losses):
                print(f"{case.title} is tried again: {problems}", flush=True)
                problems = self.problems(case)
            self.tell(case, problems, time.monotonic() - begin)
        self.engine.end()

    def may_try_again(self, losses):
        """runc races at times; bulkhead may try again only where the engine has lost output since, and says so."""
        return self.runtime == CONTROL or self.engine.losses() > losses

    def problems(self, case):
        before = leavings.Snapshot(self.engine)
        self.engine.fresh_directory(DIRECTORY)
        self.calls.since_last()
        signal.alarm(case.deadline * self.engine.factor)
        try:
            problems = self.attempt(case)
            problems += self.called()
            self.engine.sweep()
            return problems + before.leaks(15 * self.engine.factor)
        except OutOfTime:
            return [f"still running after {case.deadline * self.engine.factor} s", *self.swept()]
        except Exception:  # a fault of the tests
            return [traceback.format_exc(), *self.swept()]
        finally:
            signal.alarm(0)

    def swept(self):
        """The next case is not to meet what this one left; sentences if that fails."""
        signal.alarm(60 * self.engine.factor)
        try:
            self.engine.sweep()
        except (Exception, OutOfTime):
            return [f"not swept: {traceback.format_exc()}"]
        return []

    def attempt(self, case):
        try:
            case(self.engine)
        except harness.Failure as failure:
            return [f"{failure}{where(failure)}"]
        return []

    def called(self):
        """A case that passes without the runtime has shown nothing of it."""
        counts = self.calls.since_last()
        wrong = [name for name, count in counts.items() if bool(count) != (name == self.runtime)]
        return [f"calls of the runtimes: {counts}"] if wrong else []

    def tell(self, case, problems, seconds):
        print(json.dumps({"title": case.title, "sentence": case.sentence, "problems": problems, "seconds": seconds,
                          "expected": case.expected(self.chosen.generation, problems)}), flush=True)


def where(failure):
    frames = [frame for frame in traceback.extract_tb(failure.__traceback__)
              if pathlib.Path(frame.filename).name.startswith("test_")]
    return f"\n  at {pathlib.Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def main(argv):
    parser = argparse.ArgumentParser(prog="tests/engines/inside")
    parser.add_argument("generation")
    parser.add_argument("place")
    parser.add_argument("runtime", choices=RUNTIMES)
    parser.add_argument("--filter", action="append", default=[])
    parser.add_argument("--smoke", action="store_true")
    chosen = parser.parse_args(argv)
    signal.signal(signal.SIGALRM, out_of_time)
    package.install()
    found = load(chosen)
    for name in ENGINES:
        of_engine = [case for case in found if case.engine == name]
        if of_engine and chosen.runtime in ENGINES[name].runtimes:
            Round(chosen, name).run(of_engine)
    return 0
