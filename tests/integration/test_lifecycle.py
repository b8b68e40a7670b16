# SPDX-License-Identifier: Apache-2.0
"""The states of a container, and what each verb does in each state, in runc's words."""

import datetime
import json
import os
import re
import signal

import leaks
from harness import contains, equal, eventually, true
from marks import differs, parametrize

EXISTS = "container with given ID already exists"


def created(t, *args):
    box = t.container(*(args or ("sleep", "60")))
    box.create().ok()
    return box


def running(t, *args):
    box = created(t, *args)
    box.start().ok()
    return box


def stopped(t):
    box = running(t)
    box.kill("KILL").ok()
    box.wait()
    return box


MAKE = {"created": created, "running": running, "stopped": stopped}


@parametrize("status", list(MAKE))
def test_state_names_the_status(t, status):
    """`state` and `list` report created, running or stopped."""
    box = MAKE[status](t)
    equal(box.state()["status"], status, "state")
    listed = json.loads(t.runtime("list", "--format", "json").ok().out)
    equal([(entry["id"], entry["status"]) for entry in listed], [(box.id, status)], "list")


def test_state_has_the_engines_keys(t):
    """`state` is a JSON object with the keys that engines decode, in types that they accept."""
    box = running(t)
    state = box.state()
    equal((state["id"], state["pid"], state["status"]), (box.id, box.pid, "running"), "id, pid, status")
    equal((state["bundle"], state["rootfs"]), (str(box.bundle.path), str(box.bundle.rootfs)), "bundle, rootfs")
    true(re.fullmatch(r"1\.\d+\.\d+.*", state["ociVersion"]), f"ociVersion is {state['ociVersion']}")
    true(isinstance(state["owner"], str), f"owner is {state['owner']!r}")


def test_state_created_is_now(t):
    """`created` is an RFC 3339 time in UTC, and at most a minute old."""
    text = running(t).state()["created"]
    true(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", text), f"created is {text}")
    then = datetime.datetime.fromisoformat(text[:19] + "+00:00")
    age = datetime.datetime.now(datetime.timezone.utc) - then
    true(-5 < age.total_seconds() < 60, f"created is {age} ago")


def test_state_has_the_annotations(t):
    """`state` has the annotations of the document."""
    box = t.sleeper()
    box.bundle.edit(lambda config: config.update(annotations={"org.example/key": "wert ü"}))
    box.create().ok()
    equal(box.state()["annotations"], {"org.example/key": "wert ü"}, "annotations")


def test_stopped_state_has_pid_0(t):
    """A stopped container has the `pid` 0."""
    equal(stopped(t).state()["pid"], 0, "pid")


def test_zombie_is_stopped(t):
    """A dead program that nobody has waited for counts as stopped, and can be deleted."""
    box = running(t, "true")
    box.wait_dead()
    equal(box.status(), "stopped", "status")
    box.delete().ok()


def test_create_does_not_run_the_program(t):
    """The program does not run before `start`, and runs afterwards."""
    bundle = t.bundle("sh", "-c", "echo x > /home/made; exec sleep 60").writable()
    box = t.container(bundle=bundle)
    box.create().ok()
    true(not (bundle.rootfs / "home/made").exists(), "the program has run before start")
    box.start().ok()
    eventually((bundle.rootfs / "home/made").exists, "the program has not run after start")


def test_the_pid_stays_from_create_to_running(t):
    """Init is the process that becomes the program."""
    box = created(t)
    before = box.pid
    box.start().ok()
    eventually(lambda: box.proc("cmdline").startswith("sleep"), "the program does not run")
    equal(box.state()["pid"], before, "pid")


def test_config_edits_after_create_have_no_effect(t):
    """config.json counts as it was at create."""
    box = created(t)
    box.bundle.process(args=["sh", "-c", "exit 9"])
    box.start().ok()
    eventually(lambda: box.proc("cmdline") == "sleep\x0060\x00", "another program runs")


@parametrize("status", ["created", "stopped"])
def test_delete_works_without_force(t, status):
    """delete removes a created or stopped container without --force; its id is unknown afterwards."""
    box = MAKE[status](t)
    equal(box.delete().ok().out, "", "stdout")
    t.no_state()
    contains(t.runtime("state", box.id).exits(1).err, "does not exist", "stderr")


def test_delete_of_created_ends_its_process(t):
    """delete of a created container kills the waiting process."""
    box = created(t)
    pid = box.pid
    box.delete().ok()
    leaks.reap_orphans()
    eventually(lambda: leaks.reap_orphans() or pid not in leaks.process_table(), "init is alive")


def test_delete_of_running_is_refused(t):
    """delete without --force refuses a running container, which goes on."""
    box = running(t)
    result = box.delete().exits(1)
    contains(result.err, "that is not stopped: running", "stderr")
    contains(result.err, box.id, "stderr")
    equal(box.status(), "running", "status")


@parametrize("status", list(MAKE))
def test_delete_force_works_in_every_state(t, status):
    """`delete --force` removes a container in any state; a second `delete --force` succeeds and prints nothing."""
    box = MAKE[status](t)
    box.delete("--force").ok()
    t.no_state()
    box.delete("--force").ok()


def test_second_delete_says_does_not_exist(t):
    """Without --force a second delete fails; engines read its error as done."""
    box = created(t)
    box.delete().ok()
    contains(box.delete().exits(1).err, "does not exist", "stderr")


@parametrize("status", list(MAKE))
def test_create_with_an_id_in_use_is_refused(t, status):
    """A second create with the id fails and does not touch the first container."""
    box = MAKE[status](t)
    contains(box.create().exits(1).err, EXISTS, "stderr")
    equal(box.status(), status, "status")


def test_run_with_an_id_in_use_is_refused(t):
    """A second run with the id fails and does not touch the first container."""
    box = running(t)
    contains(box.run().exits(1).err, EXISTS, "stderr")
    equal(box.status(), "running", "status")


def test_the_id_is_free_after_delete(t):
    """After delete the id can be created again."""
    box = created(t)
    for _ in range(3):
        box.delete().ok()
        box.create().ok()


def test_start_of_running_is_refused(t):
    """`start` twice is an error in runc's words, and the program goes on."""
    box = running(t)
    contains(box.start().exits(1).err, "cannot start an already running container", "stderr")
    equal((box.status(), box.state()["pid"]), ("running", box.pid), "status and pid")


def test_start_of_stopped_is_refused(t):
    """A container that has ended cannot start again, and stays as it is."""
    box = stopped(t)
    contains(box.start().exits(1).err, "cannot start a container that has stopped", "stderr")
    equal(box.status(), "stopped", "status")


@parametrize("spelling", ["9", "KILL", "SIGKILL", "kill", "sigkill", "SigKill"])
def test_kill_takes_every_spelling(t, spelling):
    """Signals are numbers or names, with or without SIG, in any case."""
    box = running(t)
    equal(box.kill(spelling).ok().out, "", "stdout")
    equal(box.wait(), -9, "status")


@parametrize("spelling, number", [
    ("10", signal.SIGUSR1), ("USR2", signal.SIGUSR2), ("HUP", signal.SIGHUP), ("term", signal.SIGTERM)])
def test_kill_delivers_that_signal(t, spelling, number):
    """The named signal is the signal that arrives."""
    box = running(t, "sh", "-c", f"trap 'exit 42' {number.name[3:]}; : > /dev/shm/up; while :; do sleep 0.1; done")
    eventually(lambda: os.path.exists(f"/proc/{box.pid}/root/dev/shm/up"), "the program is not ready")
    box.kill(spelling).ok()
    equal(box.wait(), 42, "status")


def test_kill_without_a_signal_is_sigterm(t):
    """The default signal is SIGTERM."""
    box = t.container(bundle=t.bundle("sleep", "60").without_namespace("pid"))
    box.run_detached().ok()
    box.kill().ok()
    equal(box.wait(), -15, "status")


@parametrize("number", ["34", "37", "64"])
def test_kill_takes_real_time_numbers(t, number):
    """Engines send real-time signals as numbers up to 64."""
    box = t.container(bundle=t.bundle("sleep", "60").without_namespace("pid"))
    box.run_detached().ok()
    box.kill(number).ok()
    equal(box.wait(), -int(number), "status")


def test_kill_0_is_a_test(t):
    """Signal 0 succeeds on a running container and changes nothing."""
    box = running(t)
    box.kill("0").ok()
    equal(box.status(), "running", "status")


@parametrize("name", ["KILL", "TERM", "0"])
def test_kill_of_stopped_is_refused(t, name):
    """kill on a stopped container fails with the words that engines match, and changes nothing."""
    box = stopped(t)
    contains(box.kill(name).exits(1).err, "container not running", "stderr")
    equal(box.status(), "stopped", "status")


def test_kill_of_created_works(t):
    """SIGKILL ends a container that was never started."""
    box = created(t)
    box.kill("KILL").ok()
    equal(box.wait(), -9, "status")
    equal(box.status(), "stopped", "status")


@parametrize("word", ["NOSUCH", "SIG", "65x"])
def test_kill_with_an_unknown_signal_is_refused(t, word):
    """A word that is no signal is an error; the container goes on."""
    box = running(t)
    contains(box.kill(word).exits(1).err, "signal", "stderr")
    equal(box.status(), "running", "status")


def test_kill_all_of_stopped_is_quiet(t):
    """`kill --all` on a stopped container succeeds, because engines call it after the end."""
    box = stopped(t)
    t.runtime("kill", "--all", box.id, "9").ok()


def test_kill_all_reaches_every_process(t):
    """Without a pid namespace `kill --all ID 9` ends all processes of the cgroup."""
    box = t.container(bundle=t.bundle("sh", "-c", "sleep 60 & sleep 60 & wait").without_namespace("pid"))
    box.run_detached().ok()
    eventually(lambda: len(leaks.descendants(box.pid)) == 2, "the children are not there")
    t.runtime("kill", "--all", box.id, "9").ok()
    eventually(lambda: leaks.reap_orphans() or not leaks.descendants(os.getpid()), "processes are left")


@differs("runc 1.1.5 kills the first process only; from 1.2 on it is the whole cgroup")
def test_sigkill_without_pid_namespace_reaches_all(t):
    """Without a pid namespace SIGKILL ends all processes of the cgroup, not only the first."""
    box = t.container(bundle=t.bundle("sh", "-c", "sleep 60 & sleep 60 & wait").without_namespace("pid"))
    box.run_detached().ok()
    eventually(lambda: len(leaks.descendants(box.pid)) == 2, "the children are not there")
    box.kill("KILL").ok()
    eventually(lambda: leaks.reap_orphans() or not leaks.descendants(os.getpid()), "processes are left")


@differs("runc 1.1.5 leaves them, and the cgroup with them")
def test_leftovers_of_a_dead_init_go_with_delete_force(t):
    """Without a pid namespace children outlive init; delete --force ends them with the cgroup."""
    box = t.container(bundle=t.bundle("sh", "-c", "sleep 60 & exit 0").without_namespace("pid"))
    box.run_detached().ok()
    equal(box.wait(), 0, "status")
    box.delete("--force").exits(0)
    eventually(lambda: leaks.reap_orphans() or not leaks.descendants(os.getpid()), "processes are left")
    t.no_state()
