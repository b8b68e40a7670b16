# SPDX-License-Identifier: Apache-2.0
"""Hooks and killing: a runtime that is killed while it waits for a hook, and hooks that kill, stop or delete things."""

import os
import signal
import time

import pytest

import leaks
from harness import AT_ONCE, equal, eventually, stop, true
from hooks import KINDS, OF_CREATE, Journal, removed, seconds_of, whole_life
from marks import differs, parametrize
from test_hooks_failure import is_gone, lead_to
from test_hooks_hostile import none_left

pytestmark = [pytest.mark.slow, pytest.mark.any_cgroups]

# ---- without a timeout: the runtime is killed -----------------------------------------------------------

@differs("runc 1.1.5 leaves the hook, at times the container")
@parametrize("_, kind, name", [(f"{kind}, {name}", kind, name) for kind in KINDS for name in ("KILL", "TERM")])
def test_a_runtime_that_waits_for_a_hook_is_killed(t, _, kind, name):
    """A hook without a timeout hangs. After a kill of the runtime and delete --force nothing is left, not even the hook."""
    journal = Journal(t)
    box = journal.box(hooks={kind: [journal.note("hook", "trap '' TERM HUP; exec sleep 50")]})
    verb = "create" if kind in OF_CREATE else "start" if kind != "poststop" else "delete"
    if verb != "create":
        box.create().ok()
    flags = ["--bundle", box.bundle.path, "--pid-file", box.pid_file] if verb == "create" else []
    child = t.runtime.start(t.runtime.command(verb, *flags, box.id))
    eventually(journal.order, "the hook does not run")
    stop(child, getattr(signal, f"SIG{name}"))
    box.delete("--force").exits(0)
    none_left("the hook or the container is left")
    is_gone(t, box)


@differs("runc 1.1.5 leaves the hook")
@parametrize("how", ["attached", "detached"])
def test_a_run_that_waits_for_a_hook_is_killed(t, how):
    """The same holds for `run`."""
    journal = Journal(t)
    box = journal.box(hooks={"createRuntime": [journal.note("hook", "exec sleep 50")]})
    flags = ["--detach"] if how == "detached" else []
    child = t.runtime.start(t.runtime.command("run", "--bundle", box.bundle.path, *flags, box.id))
    eventually(journal.order, "the hook does not run")
    stop(child)
    box.delete("--force").exits(0)
    none_left("the hook or the container is left")
    is_gone(t, box)


@differs("runc 1.1.5 leaves the hook")
@parametrize("kind", ["createContainer", "startContainer"])
def test_the_children_of_a_hook_whose_runtime_is_killed(t, kind):
    """In the container's pid namespace the hook's children end with the container too."""
    journal = Journal(t)
    box = journal.box(hooks={kind: [journal.note("hook", "setsid sleep 51 & sleep 52 & sleep 50; :")]})
    flags = ["--bundle", box.bundle.path, "--pid-file", box.pid_file] if kind == "createContainer" else []
    if not flags:
        box.create().ok()
    child = t.runtime.start(t.runtime.command("create" if flags else "start", *flags, box.id))
    eventually(journal.order, "the hook does not run")
    stop(child)
    box.delete("--force").exits(0)
    none_left("the hook or its children are left")
    is_gone(t, box)


@differs("runc 1.1.5 leaves its waiting process at times")
def test_the_id_is_free_after_a_killed_create(t):
    """After a create that died in a hook, and delete --force, the id can be created again."""
    journal = Journal(t)
    box = journal.box(hooks={"prestart": [journal.note("hook", f"test -e {journal.path}/ready || exec sleep 50")]})
    child = t.runtime.start(t.runtime.command("create", "--bundle", box.bundle.path, box.id))
    eventually(journal.order, "the hook does not run")
    stop(child)
    box.delete("--force").exits(0)
    (journal.path / "ready").touch()
    box.create().ok()
    box.delete().ok()
    leaks.kill_descendants(os.getpid())


# ---- hooks that attack ----------------------------------------------------------------------------------

@differs("runc 1.1.5 waits for it, at times for ever")
@parametrize("kind", ["prestart", "createRuntime", "poststart"])
def test_a_hook_that_kills_the_container(t, kind):
    """A hook kills the container's process: the verb ends with an error or a stopped container, and delete --force works."""
    journal = Journal(t)
    script = "kill -9 $(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/')"
    box = journal.box(hooks={kind: [journal.note("hook", script)], **journal.noting("poststop")})
    result, seconds = seconds_of(lambda: lead_to(box, kind))
    true(seconds < AT_ONCE, f"it took {seconds:.1f} s")
    if kind != "poststart":
        equal(result.code, 1, f"exit code of {result}")
    box.delete("--force").ok()
    equal(journal.order(), ["hook", "poststop"], "what ran")
    is_gone(t, box)


@differs("runc 1.1.5 leaves what it was doing")
@parametrize("kind", KINDS)
def test_a_hook_that_kills_the_runtime(t, kind):
    """The hook kills its parent, and delete --force cleans up."""
    journal = Journal(t)
    script = f"test -e {journal.path}/done || {{ : > {journal.path}/done; kill -9 $PPID; sleep 0.2; }}"
    box = journal.box(hooks={kind: [journal.note("hook", script)]})
    lead_to(box, kind)
    box.delete("--force").exits(0)
    none_left()
    is_gone(t, box)


def test_a_start_container_hook_that_kills_everybody(t):
    """A hook calls kill -9 -1 in the container's pid namespace: start ends, well or not, and so does delete."""
    journal = Journal(t)
    box = journal.box(hooks={"startContainer": [journal.note("hook", "kill -9 -1; kill -TERM 1; :")]})
    box.create().ok()
    result = box.start()
    true(result.seconds < AT_ONCE, f"start took {result.seconds} s")
    removed(box, "--force")
    is_gone(t, box)


@differs("runc 1.1.5 knows no locks")
@parametrize("kind", ["prestart", "poststart", "poststop"])
def test_a_hook_that_deletes_its_container(t, kind):
    """delete --force from a hook neither waits for ever nor leaves anything."""
    journal = Journal(t)
    box = journal.box(hooks={})
    delete = " ".join(t.runtime.command("delete", "--force", box.id))
    log = journal.path
    hook = journal.note("hook", f"PATH=/usr/bin:/bin; test $(wc -l < {log}/order) -gt 2 || "
                                f"timeout 15 {delete} < /dev/null > {log}/said 2>&1; echo $? > {log}/code")
    box.bundle.edit(lambda config: config.update(hooks={kind: [hook]}))
    _, seconds = seconds_of(lambda: lead_to(box, kind))
    true(seconds < 15, f"it took {seconds:.1f} s")
    true((journal.path / "code").read_text() != "124\n", "delete from the hook hangs")
    box.delete("--force").exits(0)
    none_left()
    is_gone(t, box)


@differs("runc 1.1.5 waits for ever")
def test_a_hook_that_stops_the_containers_process(t):
    """If a hook stops the container's waiting process, create returns, and delete --force works."""
    journal = Journal(t)
    script = "kill -STOP $(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/')"
    box = journal.box(hooks={"createRuntime": [journal.note("hook", script)]})
    _, seconds = seconds_of(box.create)
    true(seconds < 10, f"create took {seconds:.1f} s")
    removed(box, "--force")
    is_gone(t, box)


@parametrize("kind", OF_CREATE)
def test_many_hooks(t, kind):
    """A hundred hooks of one kind run one after the other."""
    journal = Journal(t)
    words = [f"hook{i}" for i in range(100)]
    box = journal.box(hooks={kind: [journal.note(word) for word in words]})
    box.create().ok()
    equal(journal.order(), words, "what ran")


@parametrize("kind", KINDS)
def test_large_arguments_and_environment(t, kind):
    """Arguments and variables of 100 KB arrive."""
    journal = Journal(t)
    long = "x" * 100000
    script = f"test ${{#V}} = 100000 -a ${{#1}} = 100000 && echo right >> {journal.path}/order"
    hook = {"path": "/bin/sh", "args": ["sh", "-c", script, "sh", long], "env": [f"V={long}"]}
    whole_life(journal.box(hooks={kind: [hook]}))
    equal(journal.order(), ["right"], "what ran")


# ---- a runtime that is killed at any moment -------------------------------------------------------------

def verb_line(t, box, verb):
    flags = ["--bundle", box.bundle.path, "--pid-file", box.pid_file] if verb == "create" else []
    return t.runtime.command(verb, *flags, box.id)


@differs("runc 1.1.5 leaves processes and cgroups")
@pytest.mark.timeout(90)
@parametrize("verb", ["create", "start", "delete"])
def test_a_verb_with_hooks_is_killed_at_any_moment(t, verb):
    """With two hooks of each kind, and SIGKILL after 0 to 60 ms, delete --force leaves nothing, and the id is free."""
    journal = Journal(t)
    box = journal.box(hooks={kind: [journal.note(kind)] * 2 for kind in KINDS})
    for step in range(30):
        if verb != "create":
            box.create().ok()
        child = t.runtime.start(verb_line(t, box, verb))
        time.sleep(step * 0.002)
        stop(child)
        box.delete("--force").exits(0)
        none_left(f"killed after {step * 2} ms: something is left")
        is_gone(t, box)
    box.create().ok()
    box.start().ok()


@parametrize("name", ["TERM", "INT", "HUP"])
def test_a_signal_for_an_attached_run_in_its_hooks(t, name):
    """A signal that arrives while a hook runs is not lost: it reaches the program, or ends the runtime with an error."""
    journal = Journal(t)
    box = journal.box("sleep", "60", hooks={"createRuntime": [journal.note("hook", "exec sleep 1")]})
    box.bundle.without_namespace("pid")
    child = t.runtime.start(t.runtime.command("run", "--bundle", box.bundle.path, box.id))
    eventually(journal.order, "the hook does not run")
    true(stop(child, getattr(signal, f"SIG{name}"), 8) != 0, "run succeeds")
    box.delete("--force").exits(0)
    none_left()
    is_gone(t, box)
