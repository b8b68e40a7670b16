# SPDX-License-Identifier: Apache-2.0
"""The rule: bulkhead passes what either peer passes, and what all fail is declared with the proof."""

import collections
import dataclasses
import fnmatch
import pathlib

import tap

DECLARED = pathlib.Path(__file__).resolve().parent / "validation-expected"
# shared: no runtime of the three passes it. moment: who passes it depends on the moment. peer: a peer passes it, and
# the reason says why that is not better.
KINDS = ("shared", "moment", "peer")


@dataclasses.dataclass(frozen=True)
class Row:
    """A test line, or several by a pattern, that bulkhead may fail."""
    place: str  # native, guest, or both
    program: str
    title: str  # as fnmatch has it
    kind: str
    reason: str

    def covers(self, place, program, title):
        return (self.place in (place, "both") and fnmatch.fnmatchcase(program, self.program)
                and fnmatch.fnmatchcase(title, self.title))


def declared():
    """The rows of the table: five columns with tabs between them, comments begin with #."""
    rows = [Row(*line.split("\t")) for line in DECLARED.read_text().splitlines() if line and not line.startswith("#")]
    strange = [row for row in rows if row.kind not in KINDS or not row.reason]
    if strange:
        raise ValueError(f"{DECLARED}: {strange[0]}")
    return rows


def passed(lines):
    return {title for verdict, title in lines if verdict == "ok"}


def failed(lines):
    return [title for verdict, title in lines if verdict == "not ok"]


def lacking(ours, peers, exempt=()):
    """Sentences: what a peer passes and bulkhead does not. Of titles that are exempt a peer has no use."""
    wanted = [passed(lines) - set(exempt) for lines in peers]
    sentences = [f"a peer passes it: {title}" for title in failed(ours) if any(title in titles for titles in wanted)]
    best, own = max(map(len, wanted), default=0), len(passed(ours) - set(exempt))
    if own < best and tap.ENDING not in exempt:  # a program that ends before its time has fewer lines
        sentences.append(f"{own} ok, and the better peer has {best}")
    return sentences


class Judge:
    """Holds what bulkhead said against the peers and the declared rows, and remembers which rows were of use."""

    def __init__(self, place):
        self.place, self.rows, self.used = place, declared(), collections.Counter()

    def row_of(self, program, title):
        return next((row for row in self.rows if row.covers(self.place, program, title)), None)

    def problems(self, program, ours, peers):
        """Sentences; none if bulkhead has done as it should."""
        rows = {title: self.row_of(program, title) for title in failed(ours)}
        self.used.update(row for row in rows.values() if row)
        undeclared = [f"not declared: {title}" for title, row in rows.items() if not row]
        return undeclared + lacking(ours, peers, [title for title, row in rows.items() if row and row.kind != "shared"])

    def stale(self, programs):
        """Rows whose programs ran and that nothing needed."""
        return [f"{row.program}: {row.title}: passes, and {DECLARED.name} says that it cannot" for row in self.rows
                if row.kind != "moment" and not self.used[row] and row.place in (self.place, "both")
                and any(fnmatch.fnmatchcase(name, row.program) for name in programs)]
