# SPDX-License-Identifier: Apache-2.0
"""Makes the nodes, natively and as guests, lets each run its cases, and puts the table together."""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import subprocess
import sys

import cases
import generations
import machine
import package
import snippets

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
GUEST_SECONDS = 1500
RUNTIMES = ("bulkhead", "runc")


@dataclasses.dataclass(frozen=True)
class Cell:
    """What came of a case in one generation, with one runtime."""
    title: str
    generation: str
    runtime: str
    problems: list
    seconds: float


def options(argv):
    parser = argparse.ArgumentParser(prog="tests/engines/run", description=__doc__)
    parser.add_argument("--generation", action="append", choices=generations.ALL, help="may be given again")
    parser.add_argument("--place", action="append", choices=(cases.NATIVE, cases.GUEST))
    parser.add_argument("--runtime", action="append", choices=RUNTIMES, help="one column of the table")
    parser.add_argument("--filter", action="append", default=[], metavar="WORD",
                        help="only cases whose title contains it; may be given again")
    return parser.parse_args(argv)


def command(chosen, generation, place):
    chosen_words = [f"--filter={word}" for word in chosen.filter] + [f"--runtime={word}" for word in chosen.runtime or ()]
    return [str(HERE / "inside"), generation.name, place, *chosen_words]


def natively(chosen, generation, tell):
    process = subprocess.Popen([HERE / "node", generation.tree, *command(chosen, generation, cases.NATIVE)],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    read_cells(process.stdout, generation, tell)
    return process.wait()


def in_guest(chosen, generation, tell):
    reader, writer = os.pipe()
    guest = machine.Guest(tuple(command(chosen, generation, cases.GUEST)), generation.kernel, systemd=True, cpus=1,
                          timeout=GUEST_SECONDS, root=str(generation.tree))
    with concurrent.futures.ThreadPoolExecutor(1) as pool, open(reader, errors="replace") as lines:
        told = pool.submit(read_cells, lines, generation, tell)
        ending = machine.run(guest, writer)
        os.close(writer)
        told.result()
    if ending.reason:
        print(ending.console[-3000:], ending.reason, file=sys.stderr)
    return ending.status


def read_cells(lines, generation, tell):
    for line in lines:
        try:
            said = json.loads(line)
        except json.JSONDecodeError:
            print(f"    {generation.name}: {line.rstrip()}", flush=True)
            continue
        tell(Cell(said["title"], generation.name, said["runtime"], said["problems"], said["seconds"]))


def tell(cell):
    print(f"{'FAIL' if cell.problems else 'ok':4} {cell.title} ({cell.generation} {cell.runtime} {cell.seconds:.2f} s)",
          flush=True)
    for problem in cell.problems:
        print("     " + problem.rstrip().replace("\n", "\n     "), flush=True)


def main(argv):
    chosen = options(argv)
    found = []

    def keep(cell):
        found.append(cell)
        tell(cell)

    unread = snippets.problems(snippets.PAGE.read_text(), snippets.used())
    keep(Cell("docs: every_block_is_run", "both", "both", unread, 0))
    planted = snippets.problems("```toml /etc/nobody\nx\n```\n```sh\nx\n```\n", {"gone"})
    keep(Cell("docs: a_block_that_nobody_runs_is_seen", "both", "both", [] if len(planted) == 3 else planted, 0))
    reason = package.make(PROJECT / "build/release")
    if reason:
        print(f"engines: {reason}")
        return 2
    for generation in [generations.ALL[name] for name in chosen.generation or generations.ALL]:
        reason = generation.prepare()
        if reason:
            print(f"engines: {reason}")
            return 2
        for place, go in ((cases.NATIVE, natively), (cases.GUEST, in_guest)):
            if not chosen.place or place in chosen.place:
                code = go(chosen, generation, keep)
                if code != 0:
                    print(f"FAIL {generation.name} {place}: ended with {code}")
    failed = sum(bool(cell.problems) for cell in found)
    print(f"{len(found) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0
