# SPDX-License-Identifier: Apache-2.0
"""The rows: rows/DOCUMENT.toml, one table per section, in the order of the document."""

import dataclasses
import pathlib
import re
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DOCUMENTS = ("bundle", "config", "config-linux", "runtime", "runtime-linux", "features", "features-linux", "glossary")
KEYS = {"property", "must", "says", "departs", "tests", "reason", "ignored"}


@dataclasses.dataclass(frozen=True)
class Row:
    """One property or one MUST. Its id is the document, the anchor of the section and the number in it."""
    document: str
    anchor: str
    number: int
    pattern: str  # of JSON pointers; empty: a MUST
    says: str
    departs: str  # what bulkhead does instead, knowingly
    tests: tuple
    reason: str  # why there is no test
    ignored: str  # a property: why the parser does not read it
    keys: frozenset

    @property
    def id(self):
        return f"{self.document}#{self.anchor} {self.number}"

    @property
    def pointers(self):
        """{a,b} in a pattern stands for either; * for any key or index."""
        return expand(self.pattern) if self.pattern else []


@dataclasses.dataclass(frozen=True)
class Document:
    name: str
    rows: tuple


def expand(pattern):
    found = re.search(r"\{([^}]*)\}", pattern)
    if not found:
        return [pattern]
    return [pointer for word in found[1].split(",")
            for pointer in expand(pattern[:found.start()] + word + pattern[found.end():])]


def row_of(document, anchor, number, entry):
    return Row(document, anchor, number, entry.get("property", ""), entry.get("says", ""), entry.get("departs", ""),
               tuple(entry.get("tests", ())), entry.get("reason", ""), entry.get("ignored", ""), frozenset(entry))


def load(folder=HERE / "rows"):
    documents = []
    for name in DOCUMENTS:
        sections = tomllib.loads((folder / f"{name}.toml").read_text())
        rows = tuple(row_of(name, anchor, number, entry) for anchor, entries in sections.items()
                     for number, entry in enumerate(entries, 1))
        documents.append(Document(name, rows))
    return documents
