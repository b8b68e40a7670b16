# SPDX-License-Identifier: Apache-2.0
"""docs/conformance.md: a summary, the result of the last published mutation run, and the rows."""

import difflib
import re

import table

PAPER = table.ROOT / "docs/conformance.md"
BEGIN, END = "<!-- mutations: written by `mutate --write` -->", "<!-- end of mutations -->"
MUTANT = re.compile(r"\| (config|features) \| `/")

TITLE = """# Conformance with runtime-spec 1.3

Every property and every MUST of the documents that concern a runtime on Linux, and the tests that prove it. Written by
`tests/conformance/coverage write` from `tests/conformance/rows`; the build fails on a row without a living test. What
the validation programs of the standard's own tools say is in [validation-table.md](validation-table.md).
"""
DEPARTURES = """## Where bulkhead departs

Knowingly; the tests of the row show what it does instead.

| row | what the standard says | what bulkhead does |
| --- | --- | --- |"""
NAMES = """## How tests are named

| name | where it is |
| --- | --- |
| `unit test_spec: Suite.Name` | GoogleTest program `build/release/tests/test_spec`, anywhere |
| `kernel test_cgroups_kernel: Suite.Name` | the same, on the real kernel as root |
| `integration: topic: case` | `pytest tests/integration/test_topic.py::test_case` |
| `contract: caller: case` | `pytest tests/contract/test_caller.py::test_case` |
| `escape: E01 case` | `pytest tests/escape -k E01_case` |
"""


def cell(text):
    return text.replace("|", "\\|")


def summary(documents):
    lines = ["| document | properties | MUST | with tests | with a reason instead | departures |",
             "| --- | ---: | ---: | ---: | ---: | ---: |"]
    for document in documents:
        properties = sum(len(row.pointers) for row in document.rows)
        musts = sum(not row.pattern for row in document.rows)
        tested = sum(bool(row.tests) for row in document.rows)
        lines.append(f"| [{document.name}.md](#{document.name}md) | {properties} | {musts} | {tested} | "
                     f"{len(document.rows) - tested} | {sum(bool(row.departs) for row in document.rows)} |")
    return "\n".join(lines)


def departures(documents):
    """A table of the rows that say so, or nothing."""
    lines = [f"| {row.id} | {cell(row.says)} | {cell(row.departs)} |" for document in documents for row in document.rows
             if row.departs]
    return "\n".join([DEPARTURES, *lines]) if lines else ""


def line(row):
    proof = "<br>".join(f"`{test}`" for test in row.tests) if row.tests else row.reason
    what = f"`{row.pattern}`: {row.says}" if row.pattern else row.says
    what += f"<br>**Departs:** {row.departs}" if row.departs else ""
    return f"| {row.number} | {'property' if row.pattern else 'MUST'} | {cell(what)} | {cell(proof)} |"


def rows_of(document):
    lines, anchor = [f"## {document.name}.md"], None
    for row in document.rows:
        if row.anchor != anchor:
            anchor = row.anchor
            lines += ["", f"### {document.name}: {anchor}", "", "| # | kind | what | proof |", "| --- | --- | --- | --- |"]
        lines.append(line(row))
    return "\n".join(lines)


def published():
    """The part of the mutation run, as it is there."""
    text = PAPER.read_text() if PAPER.exists() else ""
    return text[text.index(BEGIN):text.index(END) + len(END)] if BEGIN in text else f"{BEGIN}\n{END}"


def whole(documents, mutations):
    parts = [TITLE.strip(), summary(documents), departures(documents), NAMES.strip(), f"## Mutations\n\n{mutations}",
             *map(rows_of, documents)]
    return "\n\n".join(part for part in parts if part) + "\n"


def write(documents):
    PAPER.write_text(whole(documents, published()))


def differences(documents):
    """The rows of the paper, and the properties of its mutation run, are those of today."""
    mutations = published()
    pointers = {pointer for document in documents for row in document.rows for pointer in row.pointers}
    for entry in mutations.splitlines():
        if MUTANT.match(entry) and entry.split("`")[1] not in pointers:
            yield f"the published mutation run names {entry.split('`')[1]}, which has no row"
    there = PAPER.read_text() if PAPER.exists() else ""
    yield from list(difflib.unified_diff(there.splitlines(), whole(documents, mutations).splitlines(), "docs/conformance.md",
                                         "coverage write", lineterm="", n=0))[:20]


def publish_mutations(seed, outcomes):
    """Replaces the published run."""
    lines = [
        BEGIN, f"`tests/conformance/coverage mutate --seed {seed} --count {len(outcomes)}`: each property was broken by "
        "itself, so that", "config.json is taken, or the features are written, as if it were not there. No named test "
        "fails with nothing broken.", "",
        "| document | property | tests that noticed | named, and did not notice | not run here |",
        "| --- | --- | --- | --- | --- |"]
    for outcome in outcomes:
        columns = ("<br>".join(f"`{cell(test)}`" for test in column) or "-"
                   for column in (outcome.noticed, outcome.silent, outcome.skipped))
        lines.append(f"| {outcome.mutant.document} | `{outcome.mutant.pointer}` | {' | '.join(columns)} |")
    text = PAPER.read_text()
    PAPER.write_text(text.replace(published(), "\n".join([*lines, END])))
