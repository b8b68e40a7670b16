# SPDX-License-Identifier: Apache-2.0
"""The loop: each line with bulkhead and with runc beside it, again and again, or many at the same time."""

import argparse
import collections
import dataclasses
import importlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import bundles
import isolation
import lines
import runner
import world

HERE = pathlib.Path(__file__).resolve().parent
COLUMNS = ("bulkhead", "runc")
PAPER = HERE.parent.parent / "docs/contract.md"
SECONDS = 15  # a caller's patience, alone on the machine

TITLE = """# The contract with the engines, line by line

What the callers of an OCI runtime rely on, tried with callers that behave as they do
([tests/contract](../tests/contract/README.md)), with bulkhead and with Debian's runc 1.1.5. Written by
`tests/contract/run --table docs/contract.md`; the tests fail where it is not what they see.
"""


def options(argv):
    parser = argparse.ArgumentParser(prog="tests/contract/run", description=__doc__)
    parser.add_argument("--runtime", type=pathlib.Path, default=runner.DEFAULT_RUNTIME, help="the program under test")
    parser.add_argument("--only", choices=COLUMNS, help="one column of the table")
    runner.add_selection(parser, "lines")
    parser.add_argument("--times", type=int, default=1, metavar="N", help="each line so often in a row")
    parser.add_argument("--parallel", type=int, default=0, metavar="N", help="so many whole runs at the same time")
    parser.add_argument("--table", type=pathlib.Path, metavar="FILE", help="write the table as Markdown")
    chosen = parser.parse_args(argv)
    chosen.native, chosen.context = False, world.World
    return chosen


def column(chosen, name):
    """What runner needs to know of one of the two programs."""
    here = argparse.Namespace(**vars(chosen))
    here.control = "runc" if name == "runc" else None
    here.must_be_tidy = not here.control
    if here.control:
        here.runtime = None
    return here


def load(chosen):
    for file in sorted(HERE.glob("test_*.py")):
        importlib.import_module(file.stem)
    return [line for line in lines.LINES
            if (not chosen.filter or any(word in line.title for word in chosen.filter))
            and not any(word in line.title for word in chosen.without)]


def main(argv, script):
    chosen = options(argv)
    if chosen.list:
        for line in load(chosen):
            print(f"{line.title}: {line.sentence}")
        return 0
    problem = runner.unready(column(chosen, "bulkhead"))
    if problem:
        print(f"contract: {problem}", file=sys.stderr)
        return 2
    if chosen.parallel and not isolation.inside():
        return Crowd(chosen, argv, script).run(load(chosen))
    if not isolation.inside():
        return isolation.enter(argv, False, script)
    isolation.settle(False)
    # States of callers who name no root lie in /run; ours is nobody else's.
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"], check=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="bh-con-") as top:
        os.chmod(top, 0o755)
        return Table(chosen, pathlib.Path(top)).fill(load(chosen))


@dataclasses.dataclass
class Cell:
    """What one program did with one line."""
    colour: str
    problems: list
    seconds: float


class Table:
    """Line by line, both programs one after the other."""

    def __init__(self, chosen, top):
        self.chosen, self.top, self.number = chosen, top, 0
        self.template = top / "template"
        bundles.make_template(self.template)
        self.rows, self.failed = [], 0

    def fill(self, chosen_lines):
        for line in chosen_lines:
            cells = {name: self.cell(line, name) for name in COLUMNS if self.chosen.only in (None, name)}
            self.row(line, cells)
        if self.chosen.table:
            self.chosen.table.write_text(self.markdown())
        stale = self.is_whole() and self.markdown() != PAPER.read_text()
        if stale:
            print(f"FAIL {PAPER} is not what was seen: --table writes it anew", flush=True)
        passed, failed = len(self.rows) - self.failed, self.failed + stale
        print(f"{passed} passed, {failed} failed, 0 skipped", flush=True)
        return 1 if failed else 0

    def is_whole(self):
        return not (self.chosen.only or self.chosen.filter or self.chosen.without)

    def cell(self, line, name):
        begin, here = time.monotonic(), column(self.chosen, name)
        for _ in range(self.chosen.times):
            problems = self.attempts(line, here)
            if problems:
                break
        return Cell("red" if problems else "green", problems, time.monotonic() - begin)

    def attempts(self, line, here):
        """The problems of the last attempt: bulkhead has one; runc races at times, and may try again."""
        tries = runner.CONTROL_TRIES if here.control and not line.runc else 1
        for _ in range(tries):
            self.number += 1
            scratch = self.top / str(self.number)
            scratch.mkdir()
            problems = runner.isolated(here, patient(line), scratch, self.template, f"con{os.getpid()}-{self.number}")
            subprocess.run(["rm", "-rf", "--one-file-system", scratch], check=False)
            if not problems:
                break
        return problems

    def row(self, line, cells):
        wrong = [sentence for name, cell in cells.items() for sentence in verdict(line, name, cell)]
        self.rows.append((line, cells))
        self.failed += bool(wrong)
        colours = " ".join(f"{name} {cell.colour} {cell.seconds:.2f} s" for name, cell in cells.items())
        print(f"{'FAIL' if wrong else 'ok':4} {line.title} ({colours})", flush=True)
        for sentence in wrong:
            print("     " + sentence.rstrip().replace("\n", "\n     "), flush=True)

    def markdown(self):
        keeps = {name: sum(cells[name].colour == "green" for _, cells in self.rows if name in cells)
                 for name in COLUMNS}
        text = [TITLE, f"{len(self.rows)} lines; bulkhead keeps {keeps['bulkhead']}, runc {keeps['runc']}.\n",
                "| caller | line of the contract | " + " | ".join(COLUMNS) + " |", "|---|---|---|---|"]
        for line, cells in self.rows:
            shown = [cells[name].colour if name in cells else "" for name in COLUMNS]
            shown[1] += f": {line.runc}" if line.runc and shown[1] == "red" else ""
            words = [line.caller, line.sentence, *shown]
            text.append(f"| {' | '.join(word.replace('|', chr(92) + '|') for word in words)} |")
        return "\n".join(text) + "\n"


def verdict(line, name, cell):
    """Sentences about what is wrong with a cell; a control proves the line, or breaks it as is known."""
    if name == "bulkhead":
        return cell.problems
    if cell.problems and not line.runc:
        return ["runc does not prove this line:", *cell.problems]
    if line.runc and not cell.problems:
        return [f"runc keeps this line, although it is said: {line.runc}"]
    broken = [problem for problem in cell.problems if "Traceback" in problem and "harness.Failure" not in problem]
    return ["with runc the line itself is broken:", *broken] if broken else []


def patient(line):
    """The line with a deadline for a machine that is shared."""
    factor = int(os.environ.get("CONTRACT_SECONDS", SECONDS)) / SECONDS
    return dataclasses.replace(line, deadline=int(line.deadline * max(1, factor)))


class Crowd:
    """Many whole runs at the same time, each in a private place of its own, which must all end the same way."""

    def __init__(self, chosen, argv, script):
        self.chosen = chosen
        # The last of two --parallel counts.
        self.command = [sys.executable, str(script), *argv, "--parallel", "0", "--only", chosen.only or "bulkhead"]
        self.env = {**os.environ, "CONTRACT_SECONDS": str(SECONDS * max(1, chosen.parallel // 2))}

    def run(self, chosen_lines):
        children = [subprocess.Popen(self.command, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                     text=True) for _ in range(self.chosen.parallel)]
        said = [child.communicate()[0] for child in children]
        outcomes = [outcome(text) for text in said]
        failed = 0
        for line in chosen_lines:
            found = collections.Counter(seen.get(line.title, "no result") for seen in outcomes)
            good = found == {"ok": len(children)}
            failed += not good
            print(f"{'ok' if good else 'FAIL':4} {line.title}{'' if good else f' {json.dumps(found)}'}", flush=True)
        if failed:
            for text in said:
                print("".join(f"     {row}\n" for row in text.splitlines() if not row.startswith("ok")), end="")
        print(f"{len(chosen_lines) - failed} passed, {failed} failed, 0 skipped", flush=True)
        return 1 if failed else 0


def outcome(text):
    """{title: ok or FAIL} of a run's output."""
    found = {}
    for row in text.splitlines():
        word, _, rest = row.partition(" ")
        if word in ("ok", "FAIL"):
            found[rest.strip().rpartition(" (")[0]] = word
    return found
