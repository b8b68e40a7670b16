# SPDX-License-Identifier: Apache-2.0
"""E65: what is below a container's cgroup, or in its place, when it is deleted."""

import os
import pathlib
import signal
import time

import pytest

from harness import equal, eventually, true
from marks import attacker, parametrize
from test_own_cgroup import TREE, gone
from world import ended_well

# 25 chains of 200 cgroups each, init far down in one of them, doors closed, everything stopped.
CHAIN = "/".join(["d"] * 199)
STORM = f"""cd /sys/fs/cgroup || exit 1
n=0; while [ $n -lt 25 ]; do mkdir -p $n/{CHAIN} || exit 1; n=$((n + 1)); done
for n in 3 4 5; do sh -c 'echo 0 > '$n'/{CHAIN}/cgroup.procs; exec sleep 300' & done
echo 0 > 7/{CHAIN}/cgroup.procs; chmod 0 8 8/d
> /dev/shm/ready; while [ ! -e /dev/shm/go ]; do sleep 0.1; done
echo 0 > cgroup.max.depth; echo 0 > cgroup.max.descendants; echo 1 > 5/cgroup.freeze
{{last}}; while :; do sleep 1; done"""
TIGHT = {"RLIMIT_STACK": [64 << 10, 64 << 10], "RLIMIT_NOFILE": [32, 32]}  # runc and crun need more of both
LAST = {"running": ":", "it froze itself": "echo 1 > cgroup.freeze", "it is dead": "exit 0"}


def divided(t, script):
    """A running container that may write its cgroup and does this."""
    bundle = t.bundle("sh", "-c", script)
    bundle.edit(lambda config: [each["options"].remove("ro") for each in config["mounts"] if each["type"] == "cgroup"])
    box = t.container(bundle=bundle)
    box.run_detached().exits(0)
    return box


def stormy(t, last):
    """The container when its storm is over."""
    box = divided(t, STORM.format(last=LAST[last]))
    shared = pathlib.Path(f"/proc/{box.pid}/root/dev/shm")
    eventually((shared / "ready").exists, "the cgroups are not made", 60 * t.patience)
    own = TREE / box.id
    (shared / "go").touch()
    eventually(lambda: (own / "5/cgroup.freeze").read_text() == "1\n", "the storm does not end")
    if last == "it froze itself":
        eventually(lambda: "frozen 1" in (own / "cgroup.events").read_text(), "it does not freeze")
    if last == "it is dead":
        box.wait_dead()
    return box


@attacker("A2")
@pytest.mark.timeout(200)
@parametrize("last", LAST)
def test_E65_cgroup_storm(t, last):
    """5000 cgroups 200 deep, frozen, full, closed: delete takes them all in ten seconds, with little stack and few files."""
    box = stormy(t, last)
    equal(sum(len(names) for _, names, _ in os.walk(TREE / box.id)), 5000, "cgroups")
    result = box.delete("--force", timeout=t.patience * 60, setup=None if t.control else {"rlimits": TIGHT})
    true(ended_well(t, result).code == 0, f"delete: {result}")
    true(result.seconds < 10 * t.patience, f"delete took {result.seconds:.1f} s")
    true(not (TREE / box.id).exists(), "cgroups are left")
    box.wait()


@attacker("A2")
@pytest.mark.timeout(200)
@parametrize("_", list(LAST)[:1])
def test_E65_harmless_cgroup_breeze(t, _):
    """A few cgroups are made, and go with the container."""
    box = divided(t, "mkdir -p /sys/fs/cgroup/a/b && > /dev/shm/ready; sleep 300")
    eventually(pathlib.Path(f"/proc/{box.pid}/root/dev/shm/ready").exists, "the cgroups are not made")
    true((TREE / box.id / "a/b").is_dir(), "no cgroup was made")
    box.delete("--force").exits(0)
    true(not (TREE / box.id).exists(), "cgroups are left")
    box.wait()


def crowd(t, count):
    """A container of so many processes."""
    box = t.container(bundle=t.plant(t.bundle("/forker", str(count)), "forker"))
    box.run_detached().exits(0)
    eventually(pathlib.Path(f"/proc/{box.pid}/root/dev/shm/ready").exists, "they are not there", 60 * t.patience)
    return box


CROWDS = {"running": [], "paused": ["pause"], "signalled": ["kill", "--all"]}


@attacker("A2")
@pytest.mark.timeout(200)
@parametrize("how", CROWDS)
def test_E65_a_crowd(t, how):
    """10,000 processes (fewer in the short form): they can be listed, stopped and signalled, and delete takes them all."""
    box = crowd(t, t.rounds(2000, 10000, 2000))
    listed = ended_well(t, t.runtime("ps", "--format", "json", box.id))
    equal(listed.out.count(",") >= t.rounds(2000, 10000, 2000), True, "all are listed")
    if how != "running":
        ended_well(t, t.runtime(*CROWDS[how], box.id, *(["WINCH"] if how == "signalled" else []))).exits(0)
    ended_well(t, box.delete("--force", timeout=t.patience * 60)).exits(0)
    true(not (TREE / box.id).exists(), "its cgroup is left")
    box.wait()


@attacker("A2")
@pytest.mark.timeout(200)
@parametrize("_", list(CROWDS)[:1])
def test_E65_harmless_a_few(t, _):
    """Three processes are listed and deleted."""
    box = crowd(t, 2)
    equal(t.runtime("ps", "--format", "json", box.id).exits(0).out.count(","), 2, "commas")
    box.delete("--force").exits(0)
    box.wait()


def sleeper_in(path):
    """A process of somebody else's in this cgroup."""
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
        os._exit(0)
    (path / "cgroup.procs").write_text(str(pid))
    return pid


VERBS = {"delete": ["delete"], "delete --force": ["delete", "--force"], "kill --all": ["kill", "--all"]}


def call(t, box, verb):
    return t.runtime(*VERBS[verb], box.id, *(["KILL"] if verb == "kill --all" else []))


@attacker("A3")
@parametrize("verb", VERBS)
def test_E65_cgroup_is_anothers_by_now(t, verb):
    """The container is dead and its cgroup's path is somebody else's: nobody there is killed, frozen or removed."""
    box = t.sleeper()
    box.run_detached().exits(0)
    own = box.cgroup()
    os.kill(box.pid, signal.SIGKILL)
    box.wait()
    eventually(lambda: gone(own), "the cgroup is in use")
    (own / "theirs").mkdir(parents=True)
    victim = sleeper_in(own / "theirs")
    try:
        ended_well(t, call(t, box, verb))
        equal(os.waitid(os.P_PID, victim, os.WEXITED | os.WNOHANG | os.WNOWAIT), None, "the end of the other process")
        true((own / "theirs").is_dir(), "the other cgroup was removed")
        equal((own / "cgroup.freeze").read_text(), "0\n", "frozen")
    finally:
        os.kill(victim, signal.SIGKILL)
        os.waitpid(victim, 0)
        eventually(lambda: gone(own), "the cgroup is in use")


@attacker("A3")
@parametrize("verb", VERBS)
def test_E65_harmless_cgroup_is_its_own(t, verb):
    """The same verbs on a container that is there take what is in its cgroup."""
    box = divided(t, "mkdir /sys/fs/cgroup/below; sleep 300")
    eventually((TREE / box.id / "below").is_dir, "no cgroup was made")
    if verb == "delete":
        os.kill(box.pid, signal.SIGKILL)
        box.wait()
    call(t, box, verb).exits(0)
    if verb != "delete":
        box.wait()
    if verb == "kill --all":
        box.delete().exits(0)
    true(not (TREE / box.id).exists(), "its cgroup is left")
