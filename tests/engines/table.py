# SPDX-License-Identifier: Apache-2.0
"""What came of every case: in each generation, with each runtime; and what of it is a failure of the tests."""

import dataclasses
import pathlib

PAPER = pathlib.Path(__file__).resolve().parent.parent.parent / "docs/engines-table.md"
OURS, CONTROL = RUNTIMES = ("bulkhead", "runc")

TITLE = """# The engines, case by case

What podman, containerd, Docker Engine and a client of the CRI, of two releases of Debian, do with bulkhead, and with
the release's runc beside it ([tests/engines](../tests/engines/README.md)). Written by
`tests/engines/run --whole --table docs/engines-table.md`; the tests fail where it is not what they see.

"""


@dataclasses.dataclass(frozen=True)
class Cell:
    """What came of a case in one generation, with one runtime."""
    title: str
    sentence: str
    generation: str
    runtime: str
    expected: str    # why no runtime passes there; empty where all do
    problems: list
    seconds: float

    @property
    def colour(self):
        return "red" if self.problems else "green"

    @property
    def verdict(self):
        if self.expected:
            return "skip" if self.problems else "FAIL"
        return "FAIL" if self.problems else "ok"

    def told(self):
        first = f"{self.verdict:4} {self.title} ({self.generation} {self.runtime} {self.seconds:.2f} s)"
        if self.expected and not self.problems:
            return [first, f"passes, though the case says of {self.generation}: {self.expected}"]
        return [f"{first}: {self.expected}"] if self.expected else [first, *self.problems]


class Table:
    """Fills while the nodes run; said are only failures of nodes, which have no cell."""

    def __init__(self):
        self.cells = {}
        self.accidents = []

    def put(self, cell):
        self.cells[cell.title, cell.generation, cell.runtime] = cell
        head, *rest = cell.told()
        print("\n".join([head, *("     " + each.rstrip().replace("\n", "\n     ") for each in rest)]), flush=True)

    def accident(self, sentence):
        self.accidents.append(sentence)
        print(f"FAIL {sentence}", flush=True)

    def count(self, verdict):
        return sum(cell.verdict == verdict for cell in self.cells.values())

    def rows(self):
        """[(engine, sentence, {(generation, runtime): cell})], in the order of the titles."""
        found = {}
        for (title, generation, runtime), cell in sorted(self.cells.items()):
            found.setdefault(title, {})[generation, runtime] = cell
        return [(title.partition("_")[0].partition(":")[0], next(iter(cells.values())).sentence, cells)
                for title, cells in found.items()]

    def markdown(self, generations):
        columns = [(generation, runtime) for generation in generations for runtime in RUNTIMES]
        reasons = {}
        heads = [f"{runtime}, {generation}" for generation, runtime in columns]
        lines = [f"{len(self.cells)} cells. " + " ".join(self.sums(*column) for column in columns), "",
                 f"| engine | case | {' | '.join(heads)} |", "|---|---|" + "---|" * len(columns)]
        for engine, sentence, cells in self.rows():
            colours = [shown(cells.get(column), reasons) for column in columns]
            lines.append(f"| {engine} | {sentence.replace('|', chr(92) + '|')} | " + " | ".join(colours) + " |")
        notes = [f"{number}. {reason}" for reason, number in reasons.items()]
        return TITLE + "\n".join(lines + (["", "Why no runtime passes there:", "", *notes] if notes else [])) + "\n"

    def sums(self, generation, runtime):
        cells = [cell for cell in self.cells.values() if (cell.generation, cell.runtime) == (generation, runtime)]
        return f"{runtime}, {generation}: {sum(not cell.problems for cell in cells)} of {len(cells)} green."

    def unlike(self, paper):
        """Sentences of ours that the paper does not have as green, for a run of a part of the table."""
        rows = [line for line in paper.splitlines() if line.startswith("| ")]
        return [f"{PAPER} does not have {engine}: {sentence}" for engine, sentence, _ in self.rows()
                if not any(row.startswith(f"| {engine} | {sentence.replace('|', chr(92) + '|')} | ") for row in rows)]


def shown(cell, reasons):
    if cell is None:
        return ""
    if not (cell.problems and cell.expected):
        return cell.colour
    return f"red ({reasons.setdefault(cell.expected, len(reasons) + 1)})"
