# SPDX-License-Identifier: Apache-2.0
"""The attacks: their world, the programs of the attackers, and what is known of the controls.

    pytest tests/escape -n 3                           every attack and its harmless twins
    pytest tests/escape -k E32 --long                  races as long as the evidence asks for, all descriptors
    pytest tests/escape --control runc --patience 6    what controls.tsv says of runc, in a machine that nobody needs
"""

import functools
import os
import pathlib
import re
import shutil
import subprocess

import pytest

import controls
import harness
import world

HERE = pathlib.Path(__file__).resolve().parent
THROW_AWAY = "BULKHEAD_VM"  # set by tests/vm/run in its guest
ATTACKERS = {
    "A1": "a malicious image", "A2": "a running container", "A3": "a neighbour that shares a directory",
    "A4": "an author of parts of config.json", "A5": "a sloppy caller", "A6": "another user of the host",
}
SECONDS = 60  # a case's deadline, where it names none


def pytest_addoption(parser):
    parser.getgroup("bulkhead").addoption("--long", action="store_true", help="attacks as long as the evidence asks for")


def pytest_configure(config):
    if config.option.collectonly or hasattr(config, "workerinput"):
        return
    if config.getoption("control") and THROW_AWAY not in os.environ:
        raise pytest.UsageError("the attacks work on old programs, and damage the machine they run on: use tests/vm/run, "
                                f"or set {THROW_AWAY} on a machine that nobody needs")
    if not shutil.which("gcc"):
        raise pytest.UsageError("gcc is missing, which the attackers are built with")
    build_attackers()


def build_attackers():
    """The small programs of attackers/, static, into build/escape."""
    target = world.ATTACKERS_BUILT
    target.mkdir(parents=True, exist_ok=True)
    newest = max(header.stat().st_mtime for header in (HERE / "attackers").glob("*.h"))
    for source in sorted((HERE / "attackers").glob("*.c")):
        output = target / source.stem
        if output.exists() and output.stat().st_mtime > max(newest, source.stat().st_mtime):
            continue
        flags = source.read_text().splitlines()[1].removeprefix("// gcc ").split()
        subprocess.run(["gcc", "-O1", "-Wall", "-Wextra", *flags, "-o", str(output), str(source)], check=True)


def pytest_itemcollected(item):
    kind = item.get_closest_marker("attacker")
    if HERE not in item.path.parents:
        return
    if not kind or kind.args[0] not in ATTACKERS or not re.match(r"test_E\d\d_", item.name):
        raise pytest.UsageError(f"{item.name} has no number of the catalogue, or no attacker of {sorted(ATTACKERS)}")
    if not item.get_closest_marker("timeout"):
        item.add_marker(pytest.mark.timeout(SECONDS))
    if control := item.config.getoption("control"):
        expect(item, control)


def expect(item, control):
    """The control has to do what is known of it: controls.tsv."""
    verdicts = controls.expected(controls.known(), control, item.name)
    if verdicts == {"n/a"}:
        item.add_marker(pytest.mark.skip(reason=f"{control} cannot do what is harmless about it"))
    elif verdicts != {"pass"}:
        failures = (harness.Failure, pytest.fail.Exception)
        item.add_marker(pytest.mark.xfail(reason=f"{control} is known to fail", raises=failures, strict=verdicts == {"FAIL"}))


@pytest.fixture
def context(request):
    """World, with the options that it looks at."""
    return functools.partial(world.World, request.config.getoption("long"), request.config.getoption("patience"))
