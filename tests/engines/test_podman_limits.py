# SPDX-License-Identifier: Apache-2.0
"""Limits: what podman asks for stands in the container's cgroup, whichever manager makes that."""

import contextlib
import json
import os
import pathlib
import signal

import engine
import leavings
from cases import GUEST, case
from engine import IMAGE
from harness import contains, equal, true

LIMITS = {"memory.max": ("--memory", "64m", "67108864"),
          "memory.low": ("--memory-reservation", "32m", "33554432"),
          "pids.max": ("--pids-limit", "77", "77"),
          "cpu.max": ("--cpus", "0.5", "50000 100000"),
          "cpu.weight": ("--cpu-shares", "262144", "10000"),  # in between the formula depends on runc's release
          "cpuset.cpus": ("--cpuset-cpus", "0", "0"),
          "cpuset.mems": ("--cpuset-mems", "0", "0")}
# A network takes as long as all the rest in a guest.
ALONE = ("--network", "none")
SMALL = ("--memory", "32m", "--memory-swap", "32m")


def read_script(names):
    return f"cd /sys/fs/cgroup && cat {' '.join(names)}"


def options(names):
    return [word for name in names for word in LIMITS[name][:2]]


def cgroup_of(t, name):
    return pathlib.Path("/proc", t.inspect(name, ".State.Pid"), "cgroup").read_text(encoding="ascii")


def expect(text, names):
    equal(dict(zip(names, text.splitlines())), {name: LIMITS[name][2] for name in names}, "what the cgroup has")


@case(place=GUEST)
def limits(t):
    """memory, reservation, pids, cpus, shares and cpuset, with the cgroup made by systemd."""
    expect(t.output(read_script(LIMITS), *ALONE, *options(LIMITS)), list(LIMITS))


@case(place=GUEST)
def limits_by_hand(t):
    """The same with --cgroup-manager cgroupfs."""
    result = t("--cgroup-manager", "cgroupfs", "run", "--rm", *ALONE, *options(LIMITS), IMAGE, "sh", "-c",
               read_script(LIMITS)).exits(0)
    expect(result.out, list(LIMITS))
    # podman leaves the directories in which it made the container's and conmon's.
    t.shell("find", "/sys/fs/cgroup/libpod_parent", "-depth", "-type", "d", "-exec", "rmdir", "{}", ";").exits(0)


@case(place=GUEST)
def default(t):
    """A plain `podman run` has podman's own limits and a scope of systemd in machine.slice; exec is in it as well."""
    t.sleeper(*ALONE)
    equal(t.inside("box", "cat /sys/fs/cgroup/pids.max; grep 0:: /proc/self/cgroup"), "2048\n0::/\n", "inside")
    scope = f"libpod-{t.inspect('box', '.Id')}.scope"
    contains(cgroup_of(t, "box"), f"/machine.slice/{scope}", "cgroup")
    equal(t.shell("systemctl", "is-active", scope).out, "active\n", "the scope")
    t("rm", "--force", "--time", "0", "box").exits(0)
    t.eventually(lambda: t.shell("systemctl", "is-active", scope).out == "inactive\n", "the scope stays")


@case(place=GUEST)
def out_of_memory(t):
    """A process that takes more than --memory is killed, and the cgroup counts it."""
    t.start("tail /dev/zero; code=$?; grep '^oom_kill ' /sys/fs/cgroup/memory.events; exit $code", *ALONE, *SMALL)
    equal(t("wait", "box").exits(0).out, "137\n", "status")
    equal(t("logs", "box").out, "oom_kill 1\n", "what the cgroup counts")


@case(place=GUEST, fails={"bookworm": ("podman 4.3 wants conmon's oom file in the bundle", "OOMKilled is 'false'")})
def out_of_memory_is_told(t):
    """A process that takes more than --memory is killed, conmon sees it, and inspect tells.

    conmon 2.1.12 stops watching memory.events when it reads there that the limit was reached and nobody killed yet, and
    with the container goes the cgroup in which it looks once more. So it stands still from the limit to the kill.
    """
    t.start("until [ -e /go ]; do sleep 0.1; done; tail /dev/zero; code=$?; until [ -e /end ]; do sleep 0.1; done; "
            "exit $code", *ALONE, *SMALL)
    pid, conmon = (int(t.inspect("box", f".State.{name}")) for name in ("Pid", "ConmonPid"))
    t.eventually(lambda: watches(conmon), "conmon watches", 0.5)  # it has begun to before the container could
    with standing_still(conmon):
        pathlib.Path(f"/proc/{pid}/root/go").touch()
        t.eventually(lambda: "oom_kill 1\n" in (engine.cgroup_of(pid) / "memory.events").read_text(), "it is killed")
    t.eventually(pathlib.Path(f"/proc/{conmon}/cwd/oom").exists, "conmon sees it")
    pathlib.Path(f"/proc/{pid}/root/end").touch()
    equal(t("wait", "box").exits(0).out, "137\n", "status")
    equal(t.inspect("box", ".State.OOMKilled"), "true", "OOMKilled")


def watches(pid):
    """True if a process has a watch of inotify(7)."""
    return any("inotify wd:" in leavings.read(file) for file in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir())


@contextlib.contextmanager
def standing_still(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@case(place=GUEST)
def stats(t):
    """`podman stats --no-stream` shows use and limit of memory and the number of processes."""
    t.start("sleep 700 & exec sleep 600", *ALONE, "--memory", "64m")
    shown, = json.loads(t("stats", "--no-stream", "--format", "json", "box").exits(0).out)
    equal((shown["name"], shown["pids"]), ("box", "2"), "name and processes")
    used, _, limit = shown["mem_usage"].partition(" / ")
    equal(limit, "67.11MB", "limit")
    true(not used.startswith("0"), f"used is {used}")


@case(place=GUEST)
def pause_and_top(t):
    """`podman pause` freezes the scope, and it thaws with `unpause`."""
    t.sleeper(*ALONE)
    file = pathlib.Path("/sys/fs/cgroup/machine.slice", f"libpod-{t.inspect('box', '.Id')}.scope", "cgroup.events")
    t("pause", "box").exits(0)
    contains(file.read_text(), "frozen 1", "events")
    t("unpause", "box").exits(0)
    contains(file.read_text(), "frozen 0", "events")


@case(place=GUEST)
def update(t):
    """`podman update` changes the limits of a running container, and leaves the others as they were."""
    t.sleeper(*ALONE, "--pids-limit", "77", "--memory", "128m")
    changed = ["memory.max", "cpu.max", "cpu.weight"]
    t("update", *options(changed), "box").exits(0)
    expect(t.inside("box", read_script(["pids.max", *changed])), ["pids.max", *changed])


@case(place=GUEST)
def fork_limit(t):
    """A container at its --pids-limit cannot fork."""
    script = "for n in 1 2 3 4 5 6 7 8 9; do sleep 600 & done; echo all"
    result = t("run", "--rm", *ALONE, "--pids-limit", "5", IMAGE, "sh", "-c", script)
    true("all" not in result.out and "fork" in result.err, f"it forks: {result}")


@case(place=GUEST)
def devices_and_unified(t):
    """--device-read-bps, and a line of --cgroup-conf, are in the cgroup."""
    device = t.shell("sh", "-c", "ls /dev/vda /dev/loop0 2>/dev/null | head -n 1").out.strip()
    text = t.output("cat /sys/fs/cgroup/io.max /sys/fs/cgroup/memory.high", *ALONE,
                    "--device-read-bps", f"{device}:1mb", "--cgroup-conf", "memory.high=50000000")
    contains(text, "rbps=1048576", "io.max")
    true(abs(int(text.split()[-1]) - 50000000) < 4096, f"memory.high in {text}")


@case(place=GUEST)
def own_parent(t):
    """`--cgroup-parent` is where the scope lies."""
    t.sleeper(*ALONE, "--cgroup-parent", "own.slice")
    contains(cgroup_of(t, "box"), "/own.slice/libpod-", "cgroup")
    t("rm", "--force", "--time", "0", "box").exits(0)
    t.shell("systemctl", "stop", "own.slice").exits(0)
