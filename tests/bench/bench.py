#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares bulkhead with the floor, runc and crun: interleaved rounds, medians, ratios. No figure makes it fail."""

import argparse
import dataclasses
import pathlib
import subprocess
import sys

import peers
import place
import report
import runtimes

PROJECT = pathlib.Path(__file__).resolve().parents[2]
CASES = {
    "run tiny": lambda who: who.run("tiny"),
    "run true": lambda who: who.run("true"),
    "state": lambda who: who.state(),
    "create+start+delete": lambda who: who.lifecycle(),
    "exec tiny": lambda who: who.exec("tiny"),
    "exec true": lambda who: who.exec("true"),
}
# Which container has to be there before the clock: one that waits for its start, or one that runs.
GROUND = {
    "state": lambda who: who.create("tiny"),
    "exec tiny": lambda who: who.idle(),
    "exec true": lambda who: who.idle(),
}


@dataclasses.dataclass
class Case:
    """What was measured of one case: nanoseconds by contestant and round, and why a contestant is missing."""

    name: str
    series: dict = dataclasses.field(default_factory=dict)
    missing: dict = dataclasses.field(default_factory=dict)


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--bulkhead", default=PROJECT / "build/release/bulkhead", type=pathlib.Path,
                        help="the binary to measure (default: %(default)s)")
    compared = parser.add_mutually_exclusive_group()
    compared.add_argument("--against", type=pathlib.Path, metavar="BINARY",
                        help="compare with another build of bulkhead, and leave runc and crun out")
    parser.add_argument("--rounds", type=int, default=60, help="measured rounds of each case (default: 60)")
    parser.add_argument("--warmup", type=int, default=5, help="rounds before them (default: 5)")
    parser.add_argument("--case", action="append", choices=list(CASES), help="only this case (repeatable)")
    parser.add_argument("--quick", action="store_true", help="5 rounds after 1: a smoke run")
    parser.add_argument("--fifo", action="store_true",
                        help="under SCHED_FIFO, for a machine that does other work meanwhile")
    compared.add_argument("--write", action="store_true", help="write the table to docs/performance.md, too")
    parser.add_argument("--fetch-crun", action="store_true",
                        help="download the crun of Debian 13 into build/bench-crun, from where every later run takes "
                             "it as a further peer, and end; nothing is installed")
    parser.add_argument("--mirror", default=peers.MIRROR, help="where from (default: %(default)s)")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.warmup = 5, 1
    return options


def spawn(work, warmup, rounds, commands, fifo=False):
    """Runs the spawner on a list of contestants' commands; returns its rounds, or an error text."""
    results, errors = work / "results", work / "errors"
    words = ["chrt", "--fifo", "10"] if fifo else []
    words += [str(work / "spawner"), str(results), str(warmup), str(rounds)]
    for sequence in commands:
        for i, command in enumerate(sequence):
            words += [":" if i == 0 else ",", *command]
    with open(work / "null", "r+b") as null, open(errors, "wb") as log:
        status = subprocess.run(words, check=False, stdin=null, stdout=null, stderr=log, cwd="/").returncode
    if status != 0:
        return None, reason(errors.read_text(errors="replace"))
    return [line.split() for line in results.read_text().splitlines()], ""


def reason(text):
    """The first line of what a failing program said."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0] if lines else "failed without a word"


def prepare(case, who):
    """What has to be there before the clock; returns why it is not."""
    who.remove()
    if case not in GROUND:
        return ""
    with open(who.work / "null", "r+b") as null, open(who.work / "errors", "w+b") as log:
        if subprocess.run(GROUND[case](who), check=False, stdin=null, stdout=null, stderr=log).returncode == 0:
            return ""
        log.seek(0)
        return reason(log.read().decode(errors="replace"))


def measure(work, name, everybody, options):
    """Tries every contestant once, then runs those that can in interleaved rounds."""
    case, able = Case(name), []
    for who in everybody:
        problem = prepare(name, who) or spawn(work, 0, 1, [CASES[name](who)])[1]
        if problem:
            case.missing[who.name] = problem
        else:
            able.append(who)
    rounds, problem = spawn(work, options.warmup, options.rounds, [CASES[name](who) for who in able], options.fifo)
    for i, who in enumerate(able):
        if rounds is None:
            case.missing[who.name] = problem
        else:
            case.series[who.name] = [[int(number) for number in row[i].split(":")] for row in rounds]
    for who in everybody:
        who.remove()
    return case


def measure_all(work, options):
    place.compile_programs(work)
    runtimes.make_bundles(work, options.bulkhead)
    everybody = runtimes.contestants(work, options.bulkhead, options.against)
    cases = []
    for name in options.case or CASES:
        print(f"measuring {name}: {options.rounds} rounds of {', '.join(who.name for who in everybody)}", flush=True)
        cases.append(measure(work, name, everybody, options))
    return everybody, cases


def tally(cases):
    """Figures measured; ours that are missing are failures, a peer's are skips."""
    passed = sum(len(case.series) for case in cases)
    missing = [name for case in cases for name in case.missing]
    failed = sum(name in ("floor", "bulkhead") for name in missing)
    return passed, failed, len(missing) - failed


def inside(options):
    work = place.settle()
    try:
        everybody, cases = measure_all(work, options)
    finally:
        place.leave(work)
    print(report.text_table(cases, [who.name for who in everybody]))
    if options.write:
        target = PROJECT / "docs/performance.md"
        target.write_text(report.document(cases, everybody, options))
        print(f"written: {target}")
    passed, failed, skipped = tally(cases)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


def main():
    options = arguments()
    if options.fetch_crun:
        return peers.fetch(options.mirror)
    options.bulkhead = options.bulkhead.resolve()
    options.against = options.against and options.against.resolve()
    for binary in filter(None, (options.bulkhead, options.against)):
        if not binary.exists():
            sys.exit(f"bench: {binary} is missing: cmake --preset release && cmake --build --preset release")
    if place.isolation.inside():
        return inside(options)
    return place.enter(__file__, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
