# SPDX-License-Identifier: Apache-2.0
"""What is demanded of the rows. Each check returns its complaints."""

import collections

import living
import mutants
import paper
import table

WORDS = 20  # a paraphrase, not a copy


def well_formed(documents):
    for row in rows(documents):
        if row.keys - table.KEYS:
            yield f"{row.id}: unknown keys {sorted(row.keys - table.KEYS)}"
        if bool(row.pattern) == ("must" in row.keys):
            yield f"{row.id}: either a property or a must"
        if not row.says or len(row.says.split()) > WORDS:
            yield f"{row.id}: says what it is about, in at most {WORDS} words"
        if bool(row.tests) == bool(row.reason):
            yield f"{row.id}: either tests or a reason why there are none"
        if "departs" in row.keys and not (row.departs and row.tests):
            yield f"{row.id}: what departs has words, and a test that shows it"


def unique(documents):
    pointers = collections.Counter((row.document, pointer) for row in rows(documents) for pointer in row.pointers)
    yield from (f"{document}: {pointer} has {count} rows" for (document, pointer), count in pointers.items() if count > 1)
    sayings = collections.Counter((row.document, row.anchor, row.says, row.pattern) for row in rows(documents))
    yield from (f"{key} is there {count} times" for key, count in sayings.items() if count > 1)
    for row in rows(documents):
        if len(set(row.tests)) != len(row.tests):
            yield f"{row.id}: names a test twice"


def complete(documents, read):
    """Rows and parser agree on the properties of config.json."""
    listed = {pointer: row for row in rows(documents) if row.document.startswith("config") for pointer in row.pointers}
    yield from (f"{pointer} is read ({key.file}) and has no row" for pointer, key in read.items() if pointer not in listed)
    for pointer, row in listed.items():
        if (pointer in read) == bool(row.ignored or row.reason):
            yield f"{row.id}: {pointer} is {'read, not ignored' if pointer in read else 'not read and has no reason'}"


def alive(documents, build):
    there = living.names(build)
    for row in rows(documents):
        yield from (f"{row.id}: there is no test {test!r}" for test in row.tests if test not in there)


def rows(documents):
    return [row for document in documents for row in document.rows]


NAMES = ("every row has its parts", "no row is there twice", "every property that the parser reads has a row",
         "every row has a living test or a reason", "docs/conformance.md is what the rows say",
         "a mutation run finds its places in the code")


def all_checks(documents, read, build):
    """(name, complaints) of each."""
    return zip(NAMES, map(list, (well_formed(documents), unique(documents), complete(documents, read),
                                 alive(documents, build), paper.differences(documents), mutants.lost_places())))
