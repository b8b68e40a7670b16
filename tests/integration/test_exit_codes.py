# SPDX-License-Identifier: Apache-2.0
"""What exit codes and wait statuses tell the caller."""

import signal

from harness import contains, equal
from marks import differs, parametrize


@parametrize("status", [0, 1, 2, 42, 126, 127, 255])
def test_attached_run_returns_the_programs_status(t, status):
    """The exit code of an attached run is the program's own."""
    t.shell(f"exit {status}").run().exits(status)


@parametrize("name", ["SEGV", "ABRT", "TERM", "KILL", "USR1"])
def test_attached_run_maps_a_fatal_signal(t, name):
    """The exit code for a program that signal n has ended is 128+n."""
    bundle = t.bundle("sh", "-c", f"kill -{name} $$; sleep 5").without_namespace("pid")
    t.container(bundle=bundle).run().exits(128 + getattr(signal, f"SIG{name}"))


def test_sigkill_from_outside_is_137(t):
    """`kill ID KILL` from another caller makes the attached run return 137."""
    box = t.sleeper()
    child = box.run_in_background()
    box.kill("KILL").ok()
    equal(child.wait(10), 137, "exit code")


def test_detached_container_keeps_its_status_for_the_parent(t):
    """The caller above the runtime collects the program's status with wait4."""
    box = t.shell("exit 7")
    box.create().ok()
    box.start().ok()
    equal(box.wait(), 7, "status")


def test_detached_container_keeps_its_signal_for_the_parent(t):
    """The wait status of a killed container shows the signal."""
    box = t.sleeper()
    box.run_detached().ok()
    box.kill("KILL").ok()
    equal(box.wait(), -9, "status")


@parametrize("verb", ["state", "start", "kill", "delete"])
def test_verb_on_unknown_id_is_1(t, verb):
    """A verb with an unknown id fails with exit code 1 and `does not exist`."""
    result = t.runtime(verb, "nobody-made-this").exits(1)
    contains(result.err, "does not exist", "stderr")
    equal(result.out, "", "stdout")


def test_delete_force_of_unknown_id_is_0(t):
    """`delete --force` with an unknown id succeeds and prints nothing, twice."""
    for _ in range(2):
        equal(t.runtime("delete", "--force", "nobody-made-this").ok().out, "", "stdout")


@parametrize("verb", ["create", "run", "start", "state", "kill", "delete"])
def test_missing_id_is_an_error(t, verb):
    """A verb without its id fails."""
    result = t.runtime(verb)
    equal(result.code, 1, "exit code")
    t.no_state()


@parametrize("verb", ["create", "run", "start", "state", "delete"])
def test_too_many_arguments_is_an_error(t, verb):
    """A second positional argument is an error."""
    t.runtime(verb, "one", "two").exits(1)
    t.no_state()


@differs("runc 1.1.5 knows checkpoint and restore, and ends with 3 on unknown verbs")
@parametrize("verb", ["checkpoint", "restore", "frobnicate"])
def test_unknown_verb_fails(t, verb):
    """An unknown verb fails with an error that names it."""
    result = t.runtime(verb, "--help")
    equal(result.code, 1, "exit code")
    contains(result.err, verb, "stderr")


def test_failed_run_is_1(t):
    """A run that cannot begin exits with 1."""
    t.container("/no/such/program").run().exits(1)
    t.no_state()
