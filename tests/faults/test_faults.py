# SPDX-License-Identifier: Apache-2.0
"""Breaks every timeline at every step in four ways, and looks at what is said and what is left.

creation.py, execution.py and updating.py say what has to hold.
"""

import pytest

import creation
import execution
import remains
import steps
import updating
import variants
from marks import needs, parametrize

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture
def console(scratch):
    """A socket that terminals are sent to."""
    path = str(scratch.path / "console")
    variants.collect_descriptors(path)
    return path


@pytest.fixture
def broken(record_property):
    """Breaks a subject everywhere, and notes how often."""
    def everywhere(how, subject):
        totals = steps.Totals()
        record_property("result", how.break_everywhere(subject, totals))
        record_property("faults", totals.faults)
        record_property("unheard", totals.unheard)
    return everywhere


@parametrize("name", creation.BUNDLES)
@pytest.mark.parametrize("mode", ["create", "run"])
def test_creation_of_a_bundle(broken, runtime, scratch, console, name, mode):
    broken(creation, creation.of_bundle(runtime, scratch, name, mode, console))


@variants.named(variants.NAMES)
@pytest.mark.parametrize("mode", ["create", "run"])
def test_creation_of_a_variant(broken, runtime, scratch, edits, name, mode):
    broken(creation, creation.of_edit(runtime, scratch, edits[name], mode))


@parametrize("way", list(execution.flagged("", "")))
def test_execution(broken, runtime, scratch, console, way):
    keywords = execution.flagged(scratch.path, console)[way]
    broken(execution, execution.of_bundle(runtime, scratch, "default", **keywords))


@parametrize("name", execution.BUNDLES)
def test_execution_in_a_bundle(broken, runtime, scratch, name):
    broken(execution, execution.of_bundle(runtime, scratch, name))


@variants.named([*variants.NAMES, *execution.EDITS])
def test_execution_in_a_variant(broken, runtime, scratch, edits, name):
    edit = {**edits, **execution.EDITS}[name]
    broken(execution, execution.of_bundle(runtime, scratch, variants.BASE, edit))


@parametrize("name", execution.WITH_A_PID_FILE)
def test_execution_with_a_pid_file(broken, runtime, scratch, edits, name):
    edit, flags = {**edits, **execution.EDITS}[name], ["--pid-file", scratch.path / "exec.pid"]
    broken(execution, execution.of_bundle(runtime, scratch, variants.BASE, edit, flags=flags))


@needs(variants.no_huge_pages)
def test_update(broken, runtime, scratch):
    broken(updating, execution.of_bundle(runtime, scratch, "default"))


def test_wrong_words_are_seen():
    steps.notices_wrong_words()


def test_leaks_are_seen(scratch):
    remains.notices_leaks(scratch.path / "state")
