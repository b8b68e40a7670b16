# SPDX-License-Identifier: Apache-2.0
"""Makes the nodes, natively and as guests, lets each run its cases, and puts the table together."""

import argparse
import concurrent.futures
import dataclasses
import itertools
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
from table import OURS, PAPER, RUNTIMES, Cell, Table

HERE = pathlib.Path(__file__).resolve().parent
NODE_SECONDS = 3000


@dataclasses.dataclass(frozen=True)
class Node:
    """One machine, where the engines of a generation meet one runtime."""
    generation: generations.Generation
    place: str
    runtime: str

    def __str__(self):
        return f"{self.generation.name} {self.place} {self.runtime}"


def options(argv):
    parser = argparse.ArgumentParser(prog="tests/engines/run", description=__doc__)
    parser.add_argument("--whole", action="store_true", help="the whole table: with runc as the control, too")
    parser.add_argument("--smoke", action="store_true", help="two dozen cases with each engine of Debian 12, natively")
    parser.add_argument("--runtime", action="append", choices=RUNTIMES, help=f"a column of it (default: {OURS})")
    parser.add_argument("--generation", action="append", choices=generations.MORE, help="may be given again")
    parser.add_argument("--place", action="append", choices=(cases.NATIVE, cases.GUEST), help="may be given again")
    parser.add_argument("--filter", action="append", default=[], metavar="WORD",
                        help="only cases whose title contains it; may be given again")
    parser.add_argument("--table", type=pathlib.Path, metavar="FILE", help="write the table as Markdown")
    chosen = parser.parse_args(argv)
    if chosen.smoke:
        if chosen.whole or chosen.generation or chosen.place:
            parser.error("--smoke has a place and a release of its own")
        chosen.generation, chosen.place = [generations.BOOKWORM.name], [cases.NATIVE]
    if chosen.whole and (chosen.runtime or chosen.generation or chosen.place or chosen.filter):
        parser.error("the whole or a part of it")
    if chosen.table and not chosen.whole:
        parser.error("only the --whole is a table")
    return chosen


def nodes(chosen):
    """Those of one place together: what is emulated keeps the processors busy by itself."""
    runtimes = RUNTIMES if chosen.whole else chosen.runtime or [OURS]
    found = [generations.MORE[name] for name in chosen.generation or generations.ALL]
    for place in chosen.place or (cases.NATIVE, cases.GUEST):
        yield [Node(generation, place, runtime) for runtime, generation in itertools.product(runtimes, found)]


def natively(command, node, output):
    # A signal to us ends the node: its shell gets it, and everybody in the node ends with the shell.
    begin = ["setpriv", "--pdeathsig", "TERM", HERE / "node", node.generation.tree]
    try:
        return subprocess.run([*begin, *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                              timeout=NODE_SECONDS, check=False).returncode
    except subprocess.TimeoutExpired:
        return machine.OUT_OF_TIME


def in_guest(command, node, output):
    ending = machine.run(machine.Guest(command, node.generation.kernel, systemd=True, timeout=NODE_SECONDS,
                                       root=str(node.generation.tree)), output)
    if ending.reason:
        print(ending.console[-3000:], ending.reason, file=sys.stderr)
    return ending.status


def selection(chosen, node):
    words = [f"--filter={word}" for word in chosen.filter or node.generation.only]
    return [*words, *(["--smoke"] if chosen.smoke else [])]


def run(node, words, table):
    """Lets a node fill its part of the table."""
    reader, writer = os.pipe()
    command = (str(HERE / "inside"), node.generation.name, node.place, node.runtime, *words)
    with concurrent.futures.ThreadPoolExecutor(1) as pool, open(reader, errors="replace") as lines:
        told = pool.submit(read_cells, lines, node, table)
        try:
            code = {cases.NATIVE: natively, cases.GUEST: in_guest}[node.place](command, node, writer)
        finally:
            os.close(writer)
        told.result()
    if code != 0:
        table.accident(f"{node}: ended with {code}")


def read_cells(lines, node, table):
    for line in lines:
        try:
            said = json.loads(line)
        except json.JSONDecodeError:
            print(f"    {node}: {line.rstrip()}", flush=True)
            continue
        table.put(Cell(generation=node.generation.name, runtime=node.runtime, **said))


def prepare(groups):
    """Why there can be no nodes, or None."""
    reason = package.make(package.PROJECT / "build/release")
    if reason:
        return reason
    here = {node for group in groups for node in group}
    for generation in {node.generation.name: node.generation for node in here}.values():
        reason = generation.prepare()
        if reason:
            return reason
    kernels = sorted({node.generation.kernel for node in here if node.place == cases.GUEST})
    return machine.missing(kernels) if kernels else None


def check(chosen, table):
    """The papers against what was seen and run."""
    for sentence in snippets.problems(snippets.PAGE.read_text(), snippets.used()):
        table.accident(sentence)
    planted = snippets.problems("```toml /etc/nobody\nx\n```\n```sh\nx\n```\n", {"gone"})
    if len(planted) != 3:
        table.accident(f"of three planted faults of a page these are seen: {planted}")
    if not table.cells:
        table.accident("no case is meant")
    if chosen.table:
        chosen.table.write_text(table.markdown(generations.ALL))
    paper = PAPER.read_text() if PAPER.exists() else ""
    if not chosen.whole:
        for sentence in table.unlike(paper):
            table.accident(sentence)
    elif table.markdown(generations.ALL) != paper:
        table.accident(f"{PAPER} is not what was seen: --table writes it anew")


def main(argv):
    chosen, table = options(argv), Table()
    groups = list(nodes(chosen))
    reason = prepare(groups)
    if reason:
        print(f"FAIL engines: {reason}\n0 passed, 1 failed, 0 skipped")
        return 1
    for group in groups:
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda node: run(node, selection(chosen, node), table), group))
    check(chosen, table)
    failed = table.count("FAIL") + len(table.accidents)
    print(f"{table.count('ok')} passed, {failed} failed, {table.count('skip')} skipped")
    return 1 if failed else 0
