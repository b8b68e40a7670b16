# SPDX-License-Identifier: Apache-2.0
"""docs/validation-table.md: a row for each program, a column for each runtime in each place."""

import pathlib
import re

import tap

PLACES = ("native", "guest")
RUNTIMES = ("bulkhead", "runc", "crun")
TABLE = pathlib.Path(__file__).resolve().parent.parent.parent / "docs/validation-table.md"
COLUMNS = [f"{runtime}, {place}" for place in PLACES for runtime in RUNTIMES]
HEAD = """<!-- SPDX-License-Identifier: Apache-2.0 -->
# The validation programs

Test lines that are `ok`, `not ok` and skipped, written by
`tests/conformance/validation --whole --table docs/validation-table.md`.
The last line of each program tells if it ends without a complaint. Natively the tree of the cgroups has no
controllers; in the guest it has all of them. What bulkhead fails is in `tests/conformance/validation-expected`, with
the reason.

"""


def cell(lines):
    return "/".join(str(tap.count(lines, verdict)) for verdict in ("ok", "not ok", "skip"))


def read(file):
    """{program: {column: cell}}"""
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", file.read_text(), re.MULTILINE) if file.exists() else []
    return {name: dict(zip(COLUMNS, (word.strip() for word in rest.split("|")))) for name, rest in rows}


def write(file, place, found):
    """Replaces the columns of a place; the other place's stay as they are."""
    table = read(file)
    for program, measured in found.items():
        row = table.setdefault(program, {})
        row.update({f"{runtime}, {place}": cell(each["lines"]) for runtime, each in measured.items()})
    lines = [["program", *COLUMNS], ["---"] * (len(COLUMNS) + 1)]
    lines += [[f"`{name}`", *(row.get(column, "") for column in COLUMNS)] for name, row in sorted(table.items())]
    file.write_text(HEAD + "".join(f"| {' | '.join(words)} |\n" for words in lines))


def differences(place, found, court):
    """Sentences: where the document is not what bulkhead did. What depends on the moment is left out."""
    table, column = read(TABLE), f"bulkhead, {place}"
    loose = {row.program for row in court.rows if row.kind == "moment"}
    cells = {name: cell(each["bulkhead"]["lines"]) for name, each in found.items() if "bulkhead" in each}
    return [f"{TABLE.name} has {table.get(name, {}).get(column)} for {name}, and it was {now}"
            for name, now in cells.items() if name not in loose and table.get(name, {}).get(column) != now]
