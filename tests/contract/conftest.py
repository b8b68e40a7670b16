# SPDX-License-Identifier: Apache-2.0
"""The lines of the contract: their world, and the table of them.

    pytest tests/contract -n 3                          every line with bulkhead
    pytest tests/contract -n 3 --control runc           with runc, which must do what the lines say of it
    pytest tests/contract --tx '16*popen' --dist each   sixteen whole runs at the same time
    pytest tests/contract --collect-only -q --table docs/contract.md
"""

import pathlib

import pytest

import apart
import harness
import isolation
import stateroots

TITLE = """# The contract with the engines, line by line

What the callers of an OCI runtime rely on, tried with callers that behave as they do
([tests/contract](../tests/contract/README.md)), with bulkhead and with Debian's runc 1.1.5. Written by
`pytest tests/contract --collect-only -q --table docs/contract.md`; the tests fail where it is not what they see.
"""


def pytest_addoption(parser):
    parser.getgroup("bulkhead").addoption("--table", type=pathlib.Path, metavar="FILE", help="write the table of the contract")


def pytest_itemcollected(item):
    """Where runc breaks a line, it has to be seen to break it: a failure of the harness's, and no other."""
    if item.config.getoption("control") and (reason := apart.broken_by_runc(item)):
        item.add_marker(pytest.mark.xfail(reason=reason, strict=True, raises=(harness.Failure, pytest.fail.Exception)))


def pytest_collection_finish(session):
    if file := session.config.getoption("table", None):  # not there where pytest is given the folder above
        file.write_text(markdown([row(item) for item in session.items]))


def row(item):
    """Caller, sentence, and what is seen of bulkhead and of runc."""
    sentence = item.function.__doc__.split("\n\n")[0]
    if hasattr(item, "callspec"):
        sentence = sentence.format(*item.callspec.params.values())
    reason = apart.broken_by_runc(item)
    return item.path.stem.removeprefix("test_"), " ".join(sentence.split()), "green", f"red: {reason}" if reason else "green"


def markdown(rows):
    keeps = [sum(each[column] == "green" for each in rows) for column in (2, 3)]
    text = [TITLE, f"{len(rows)} lines; bulkhead keeps {keeps[0]}, runc {keeps[1]}.\n",
            "| caller | line of the contract | bulkhead | runc |", "|---|---|---|---|"]
    text += [f"| {' | '.join(word.replace('|', chr(92) + '|') for word in each)} |" for each in rows]
    return "\n".join(text) + "\n"


@pytest.fixture
def context():
    """States of callers who name no root lie in /run; that of a line is nobody else's."""
    isolation.own_run()
    return stateroots.World
