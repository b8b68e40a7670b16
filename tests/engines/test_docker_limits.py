# SPDX-License-Identifier: Apache-2.0
"""What docker limits, on a machine with all controllers, and its systemd cgroup driver."""

import json
import pathlib
import subprocess

from cases import GUEST, case
from engine import IMAGE
from harness import contains, equal

SHOW = "cd /sys/fs/cgroup && grep -H . memory.max memory.swap.max memory.low cpu.max cpu.weight cpuset.cpus pids.max"
FLAGS = ("--memory", "64m", "--memory-swap", "64m", "--memory-reservation", "32m", "--cpus", "0.5",
         "--cpu-shares", "262144", "--cpuset-cpus", "0", "--pids-limit", "77")
# The most of shares is the most of weight; between them the releases of runc do not agree.
EXPECTED = {"memory.max": "67108864", "memory.swap.max": "0", "memory.low": "33554432", "cpu.max": "50000 100000",
            "cpu.weight": "10000", "cpuset.cpus": "0", "pids.max": "77"}


def table(text):
    return dict(line.split(":", 1) for line in text.splitlines())


@case(place=GUEST)
def limits(t):
    """The limits of memory, swap, processors and processes are in force."""
    equal(table(t.output(SHOW, *FLAGS)), EXPECTED, "limits")


@case(place=GUEST)
def pids(t):
    """--pids-limit stops a program that makes too many processes."""
    result = t("run", "--rm", "--pids-limit", "8", IMAGE, "sh", "-c",
               "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 9 & done").exits(2)
    contains(result.err, "can't fork", "message")


@case(place=GUEST)
def out_of_memory(t):
    """Who takes more than --memory is killed: status 137, and docker says why."""
    script = t.killed_amidst("dd if=/dev/zero of=/dev/null bs=60M count=1")
    t("run", "--name", "box", "--memory", "24m", "--memory-swap", "24m", IMAGE, "sh", "-c", script).exits(137)
    equal(t.inspect("box", ".State.OOMKilled"), "true", "OOMKilled")


@case(place=GUEST)
def update(t):
    """`docker update` changes the limits of a container that runs."""
    t.up("box", "--memory", "32m", "--memory-swap", "32m")
    t("update", *FLAGS, "box").exits(0)
    equal(table(t("exec", "box", "sh", "-c", SHOW).exits(0).out), EXPECTED, "limits")


@case(place=GUEST)
def stats(t):
    """`docker stats --no-stream` tells of memory, its limit, and processes."""
    t.up("box", "--memory", "64m", script="sleep 501 & exec sleep 502")
    found = json.loads(t("stats", "--no-stream", "--format", "{{json .}}", "box").exits(0).out)
    equal((found["PIDs"], found["MemUsage"].split(" / ")[1], found["Name"]), ("2", "64MiB", "box"), "stats")


@case(place=GUEST)
def systemd(t):
    """With the systemd cgroup driver a container is a scope of systemd, with its limits."""
    with t.configured(t.usual() | {"exec-opts": ["native.cgroupdriver=systemd"]}):
        t.up("box", "--memory", "64m", "--pids-limit", "77", "--cgroupns", "private")
        scope = f"docker-{t.inspect('box', '.Id')}.scope"
        group = pathlib.Path(f"/proc/{t.inspect('box', '.State.Pid')}/cgroup").read_text().strip()
        equal(group, f"0::/system.slice/{scope}", "cgroup")
        shown = subprocess.run(["systemctl", "show", "--property=MemoryMax,TasksMax", scope], capture_output=True,
                               text=True, check=True).stdout
        equal(set(shown.split()), {"MemoryMax=67108864", "TasksMax=77"}, "properties")
        t("update", "--memory", "96m", "--memory-swap", "96m", "box").exits(0)
        equal(pathlib.Path(f"/sys/fs/cgroup/system.slice/{scope}/memory.max").read_text(), "100663296\n", "new limit")
        t("rm", "--force", "box").exits(0)
