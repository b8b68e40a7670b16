# SPDX-License-Identifier: Apache-2.0
"""The AppArmor profile of an executed program. The kernel must have AppArmor; tests/vm/run boots one that has it."""

from harness import equal
from marks import differs, needs, parametrize
from test_apparmor import loaded, no_apparmor
from test_exec import output, running
from test_exec_flags import refused

CURRENT = ["cat", "/proc/self/attr/apparmor/current"]


@needs(no_apparmor)
def test_the_profile_of_the_flag(t):
    """--apparmor puts this program under the profile; the first process keeps its own label."""
    with loaded(t) as name:
        box = running(t)
        equal(output(box, *CURRENT, flags=["--apparmor", name]), f"{name} (enforce)\n", "label")
        equal(output(box, *CURRENT), "unconfined\n", "label without the flag")
        equal(box.proc("attr/apparmor/current"), "unconfined\n", "label of init")
        box.delete("--force").ok()


@needs(no_apparmor)
def test_the_containers_profile_without_the_flag(t):
    """Without the flag the program is under the profile of the container's process; with the flag under the flag's."""
    with loaded(t) as own, loaded(t, begin="bulkhead-other-") as other:
        box = running(t, apparmorProfile=own)
        equal(output(box, *CURRENT), f"{own} (enforce)\n", "label")
        equal(output(box, *CURRENT, flags=["--apparmor", other]), f"{other} (enforce)\n", "label with the flag")
        box.delete("--force").ok()


@needs(no_apparmor)
def test_a_profile_that_is_not_loaded_is_refused(t):
    """Nothing runs without the confinement that the caller asked for."""
    refused(running(t), ["--apparmor", "bulkhead-nobody-loaded-this"], "apparmor")


def label_of_a_file(box, profile):
    file = box.process_file(args=CURRENT, apparmorProfile=profile)
    return box.runtime("exec", "--process", file, box.id).ok().out


@needs(no_apparmor)
def test_the_profile_of_a_file(t):
    """apparmorProfile of a process file counts, not that of the container's process."""
    with loaded(t) as own, loaded(t, begin="bulkhead-other-") as other:
        box = running(t, apparmorProfile=own)
        equal(label_of_a_file(box, other), f"{other} (enforce)\n", "label")
        box.delete("--force").ok()


@differs("runc 1.1.5 leaves it unconfined")
@needs(no_apparmor)
@parametrize("wish", [None, ""])
def test_a_file_without_a_profile(t, wish):
    """A file without apparmorProfile gets the profile of the container's process."""
    with loaded(t) as own:
        box = running(t, apparmorProfile=own)
        equal(label_of_a_file(box, wish), f"{own} (enforce)\n", "label")
        box.delete("--force").ok()
