# SPDX-License-Identifier: Apache-2.0
"""Other verbs while a hook runs: none waits for the hook, and none breaks what it finds."""

import contextlib

import pytest

from harness import AT_ONCE, contains, equal, eventually, stop, true
from hooks import OF_CREATE, Journal, removed, shell
from marks import differs, parametrize
from test_hooks_failure import is_gone
from test_hooks_hostile import none_left

pytestmark = [pytest.mark.slow, pytest.mark.any_cgroups]

UNKNOWN = "runc 1.1.5 shows a container that is being created"


def verb_of(kind):
    return "create" if kind in OF_CREATE else "delete" if kind == "poststop" else "start"


@contextlib.contextmanager
def held(t, kind, *flags):
    """(container, journal, the runtime that waits): one of the container's hooks waits for the file `go`."""
    journal = Journal(t)
    script = f"while ! test -e {journal.path}/go; do sleep 0.05; done"
    box = journal.box(hooks={kind: [journal.note("held", script)]})
    verb = verb_of(kind)
    if verb != "create":
        box.create().ok()
    more = ["--bundle", box.bundle.path, "--pid-file", box.pid_file] if verb == "create" else []
    child = t.runtime.start(t.runtime.command(verb, *more, *flags, box.id))
    try:
        eventually(journal.order, "the hook does not run")
        yield box, journal, child
    finally:
        (journal.path / "go").touch()
        if child.poll() is None:
            child.wait(10)


def answers(t, kind):
    with held(t, kind) as (box, _, child):
        true(t.runtime("state", box.id).seconds < 4, "state waits")  # for a `run` it would wait 5 s
        true(t.runtime("list").exits(0).seconds < 4, "list waits")
        equal(child.poll(), None, "exit code of the runtime that waits")
    equal(child.wait(10), 0, "exit code of the runtime that waited")


@parametrize("kind", OF_CREATE)
def test_state_and_list_answer(t, kind):
    """`state` and `list` do not wait for a hook of create."""
    answers(t, kind)


@differs("runc 1.1.5 has other rules for the hooks of start")
@parametrize("kind", ["startContainer", "poststart"])
def test_state_and_list_answer_during_start(t, kind):
    """`state` and `list` do not wait for a hook of start."""
    answers(t, kind)


@differs(UNKNOWN)
@parametrize("kind", OF_CREATE)
def test_it_does_not_exist_yet(t, kind):
    """While hooks of create run, the container does not exist for other callers, and its id is taken."""
    with held(t, kind) as (box, _, child):
        contains(t.runtime("state", box.id).exits(1).err, "does not exist", "state")
        contains(box.start().exits(1).err, "does not exist", "start")
        contains(box.kill("KILL").exits(1).err, "does not exist", "kill")
        equal(t.runtime("list", "-q").ok().out, "", "list")
        again = t.runtime("create", "--bundle", box.bundle.path, box.id)
        contains(again.exits(1).err, "container with given ID already exists", "create")
    equal((child.wait(10), box.status()), (0, "created"), "exit code of create, status")


@differs("runc 1.1.5 removes the state of a container that is being created")
@parametrize("kind", OF_CREATE)
def test_delete_force_while_it_is_made(t, kind):
    """`delete --force` during a creation ends soon; afterwards the container exists as a whole, or not at all."""
    with held(t, kind) as (box, _, child):
        true(box.delete("--force").seconds < AT_ONCE, "delete waits for the hook")
    if child.wait(10) == 0:
        equal(box.status(), "created", "status")
    removed(box, "--force")
    none_left()
    is_gone(t, box)


@differs("runc 1.1.5 has other rules for the hooks of start")
@parametrize("kind", ["startContainer", "poststart"])
def test_delete_force_during_start(t, kind):
    """`delete --force` during a hook of start removes the container; start fails, or returns 0 if the program had run."""
    with held(t, kind) as (box, journal, child):
        result = box.delete("--force").exits(0)
        true(result.seconds < AT_ONCE, f"delete took {result.seconds} s")
        is_gone(t, box)
        (journal.path / "go").touch()
        code = child.wait(10)
        true(code != 0 or kind == "poststart", "start succeeds though its container is gone")
    none_left()
    is_gone(t, box)


@differs("runc 1.1.5 returns from start before the startContainer hooks run")
def test_kill_during_start(t):
    """After SIGKILL during a startContainer hook start fails at once, because the hook dies with its pid namespace."""
    with held(t, "startContainer") as (box, _, child):
        box.kill("KILL").ok()
        true(child.wait(5) != 0, "start succeeds")
    removed(box, "--force")
    none_left()
    is_gone(t, box)


@differs("runc 1.1.5 lets both in")
def test_two_starts(t):
    """A second start while hooks of the first run fails at once; the hooks run once."""
    with held(t, "startContainer") as (box, journal, child):
        second = box.start()
        equal(second.code, 1, f"exit code of {second}")
        true(second.seconds < AT_ONCE, f"the second start took {second.seconds} s")
        (journal.path / "go").touch()
        equal(child.wait(10), 0, "exit code of the first start")
        equal((journal.order(), box.status()), (["held"], "running"), "hooks, status")


def test_the_id_is_free_while_poststop_hooks_run(t):
    """While poststop hooks run, the container is gone: its id can be created, and the waiting delete leaves the new one alone."""
    with held(t, "poststop") as (box, journal, child):
        contains(t.runtime("state", box.id).exits(1).err, "does not exist", "stderr")
        box.bundle.edit(lambda config: config.pop("hooks"))
        box.create().ok()
        (journal.path / "go").touch()
        equal(child.wait(10), 0, "exit code of delete")
    equal(box.status(), "created", "status of the new one")
    box.start().ok()


@differs("runc runs poststart hooks in create until 1.5.0")
def test_exec_like_verbs_in_poststart(t):
    """While a poststart hook runs, the container is running: it can be paused, resumed, signalled and listed."""
    with held(t, "poststart") as (box, _, child):
        for verb in ("pause", "resume"):
            t.runtime(verb, box.id).ok()
        box.kill("0").ok()
        contains(t.runtime("list", "-f", "json").ok().out, '"running"', "list")
        t.runtime("ps", "-f", "json", box.id).ok()
    equal((child.wait(10), box.status()), (0, "running"), "exit code of start, status")


@differs("runc runs poststart hooks in create until 1.5.0")
def test_a_program_that_ends_before_its_poststart_hook(t):
    """The poststart hook of a short program still runs, and start succeeds."""
    journal = Journal(t)
    box = journal.box("true", hooks={"poststart": [journal.note("poststart", "sleep 0.3")]})
    box.create().ok()
    box.start().ok()
    equal((box.wait(), box.status(), journal.order()), (0, "stopped", ["poststart"]), "end, status, hooks")
    for _ in range(5):
        box.delete().ok()
        box.run().ok()
        box.create().ok()


@parametrize("kind", ["prestart", "createContainer", "startContainer", "poststop"])
def test_the_callers_deadline(t, kind):
    """A caller that gives up and kills the runtime, as engines do after a while, can delete by force."""
    with held(t, kind) as (box, journal, child):
        stop(child)
        (journal.path / "go").touch()
    box.delete("--force").exits(0)
    if t.bulkhead:
        none_left()
    is_gone(t, box)


@parametrize("kind", ["startContainer", "poststart"])
def test_a_hook_of_start_with_a_waiting_reader(t, kind):
    """`start` leaves its output to no process: the output ends when start ends, with or without hooks."""
    journal = Journal(t)
    box = journal.box(hooks={kind: [shell("sleep 0.2")]})
    box.create().ok()
    child = t.runtime.start(t.runtime.command("start", box.id), stdout=-1)
    out, _ = child.communicate(timeout=5)
    equal((out, child.returncode), (b"", 0), "output and exit code of start")
