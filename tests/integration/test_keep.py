# SPDX-License-Identifier: Apache-2.0
"""`run --keep` and `run --detach`: what stays after the program's end, and who collects the program."""

import json
import os
import signal

import leaks
from harness import AT_ONCE, contains, equal, eventually, stop, true
from hooks import Journal, removed
from marks import differs, parametrize
from test_kill import cgroup_of


def kept(t, script="exit 5", code=5):
    box = t.shell(script)
    box.run("--keep").exits(code)
    return box


# ---- --keep ---------------------------------------------------------------------------------------------

@parametrize("status", [0, 1, 127, 255])
def test_the_status_is_the_programs(t, status):
    """With --keep run returns the program's status."""
    kept(t, f"exit {status}", status)


def test_state_and_cgroup_stay(t):
    """After its end the container is stopped, with pid 0, and keeps its directory and its cgroup."""
    box = kept(t)
    state = box.state()
    equal((state["status"], state["pid"]), ("stopped", 0), "status, pid")
    true((t.root / box.id / "state.json").exists(), "state.json is gone")
    equal(len(leaks.cgroups_of(box)), 1, "cgroups")
    equal([entry["id"] for entry in json.loads(t.runtime("list", "-f", "json").ok().out)], [box.id], "list")


@parametrize("flag", ["", "--force"])
def test_delete_works_once(t, flag):
    """delete removes everything, and the id is free."""
    box = kept(t)
    box.delete(*([flag] if flag else [])).ok()
    t.no_state()
    equal(leaks.cgroups_of(box), [], "cgroups")
    box.run("--keep").exits(5)


def test_a_kept_one_does_not_start_again(t):
    """start, run and create all refuse a kept container."""
    box = kept(t)
    contains(box.start().exits(1).err, "cannot start a container that has stopped", "stderr")
    for again in (box.run, box.create):
        contains(again().exits(1).err, "container with given ID already exists", "stderr")
    equal(box.status(), "stopped", "status")


@parametrize("name", ["KILL", "TERM"])
def test_a_kept_one_that_a_signal_ended(t, name):
    """run returns 128 + signal, and the container stays."""
    box = t.container(bundle=t.bundle("sleep", "60").without_namespace("pid"))
    child = box.run_in_background("--keep")
    box.kill(name).ok()
    equal(child.wait(10), 128 + getattr(signal, f"SIG{name}"), "exit code")
    equal(box.status(), "stopped", "status")


def test_without_keep_nothing_stays(t):
    """Without --keep nothing stays."""
    box = t.shell("exit 5")
    box.run().exits(5)
    equal(leaks.cgroups_of(box), [], "cgroups")
    t.no_state()


@parametrize("flag", ["--keep=true", "--keep=false"])
def test_keep_with_a_value(t, flag):
    """The flag accepts a value."""
    box = t.shell("exit 5")
    box.run(flag).exits(5)
    equal(box.status(), "stopped" if flag.endswith("true") else None, "status")


@differs("runc 1.1.5 keeps what never ran")
def test_a_program_that_cannot_run_is_not_kept(t):
    """A program that has never run does not stay; run returns the error."""
    box = t.container("/no/such/program")
    result = box.run("--keep")
    true(result.code != 0, str(result))
    t.no_state()
    equal(leaks.cgroups_of(box), [], "cgroups")


def test_poststop_hooks_wait_for_delete(t):
    """With --keep poststop hooks run in delete, not at the end of run."""
    journal = Journal(t)
    box = journal.box("true", hooks=journal.noting("poststop"))
    box.run("--keep").exits(0)
    equal(journal.order(), [], "hooks after run")
    box.delete().ok()
    equal(journal.order(), ["poststop"], "hooks after delete")


@differs("runc 1.1.5 waits for them")
def test_children_that_outlive_a_kept_one(t):
    """The first process leaves children in a shared pid namespace: run returns its status, and delete --force ends them."""
    box = t.container(bundle=t.bundle("sh", "-c", "sleep 61 & exit 3").without_namespace("pid"))
    box.run("--keep").exits(3)
    equal(box.status(), "stopped", "status")
    box.delete("--force").exits(0)
    t.no_state()
    eventually(lambda: leaks.reap_orphans() or not leaks.descendants(os.getpid()), "children are left")


def test_a_killed_kept_run(t):
    """After a SIGKILL of `run --keep` the container goes on, and delete --force removes it."""
    box = t.sleeper()
    child = box.run_in_background("--keep")
    stop(child)
    equal(box.status(), "running", "status")
    removed(box, "--force")
    t.no_state()


# ---- --detach -------------------------------------------------------------------------------------------

@parametrize("flag", ["--detach", "-d", "--detach=true"])
def test_detached(t, flag):
    """run returns 0 at once; the program goes on, and its parent is the caller's subreaper."""
    box = t.sleeper()
    result = box.run(flag, "--pid-file", box.pid_file).ok()
    true(result.seconds < AT_ONCE, f"run took {result.seconds} s")
    equal((box.status(), leaks.process_table()[box.pid][0]), ("running", os.getpid()), "status, parent")


def test_detached_writes_where_the_caller_wrote(t):
    """The program still has the caller's streams after run has returned."""
    box = t.shell("sleep 0.3; echo late; echo error >&2; exit 4")
    out, err = t.scratch / "late.out", t.scratch / "late.err"
    with open(out, "wb") as first, open(err, "wb") as second:
        command = t.runtime.command("run", "-d", "--pid-file", box.pid_file, "--bundle", box.bundle.path, box.id)
        child = t.runtime.start(command, stdout=first, stderr=second)
        equal(child.wait(10), 0, "exit code of run")
    equal(box.wait(), 4, "status")
    equal((out.read_text(), err.read_text()), ("late\n", "error\n"), "output")


def test_detached_and_keep(t):
    """--keep adds nothing to --detach: a detached container always stays until delete."""
    for flags in (["-d"], ["-d", "--keep"]):
        box = t.shell("exit 6")
        box.run_detached(*flags[1:]).ok()
        equal(box.wait(), 6, "status")
        equal(box.status(), "stopped", "status")
        box.delete().ok()


def test_detached_survives_the_callers_session(t):
    """The program goes on after the caller's session has ended."""
    box = t.sleeper()
    command = t.runtime.command("run", "-d", "--pid-file", box.pid_file, "--bundle", box.bundle.path, box.id)
    child = t.runtime.start(["/usr/bin/setsid", "--wait", *command])
    equal(child.wait(10), 0, "exit code")
    eventually(lambda: box.status() == "running", "it does not run")
    true(str(cgroup_of(box)).endswith(box.id), "it is in another cgroup")


def test_detached_fails_like_attached(t):
    """If the program is missing, a detached run fails too, and leaves nothing."""
    result = t.container("/no/such/program").run_detached()
    true(result.code != 0, str(result))
    contains(result.err, "no such file or directory", "stderr")
    t.no_state()
