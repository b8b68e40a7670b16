# SPDX-License-Identifier: Apache-2.0
"""linux.resources, property by property: what the files of the container's cgroup say after create."""

import contextlib
import json
import os
import pathlib
import re
import subprocess

import pytest

from harness import contains, equal
from marks import differs, needs, parametrize
from resources import MIB, created, disk, disk_numbers, limited, no_controllers, read, reads

# Name, resources, files. A fourth entry is what Debian's runc 1.1.5 makes of it, where that differs: its shares are on a
# straight line, it does not know burst, idle and a pids limit of 0, and no limit of reservations. Debian's crun 1.8.1 makes
# the same of it, but knows idle.
VALUES = [
    ("memory limit", {"memory": {"limit": 64 * MIB}}, {"memory.max": "67108864"}),
    ("memory without limit", {"memory": {"limit": -1}}, {"memory.max": "max", "memory.swap.max": "max"}),
    ("memory reservation", {"memory": {"reservation": 32 * MIB}}, {"memory.low": "33554432"}),
    ("swap", {"memory": {"limit": 64 * MIB, "swap": 96 * MIB}}, {"memory.swap.max": "33554432"}),
    ("no swap", {"memory": {"limit": 64 * MIB, "swap": 64 * MIB}}, {"memory.swap.max": "0"}),
    ("swap without limit", {"memory": {"limit": 64 * MIB, "swap": -1}}, {"memory.swap.max": "max"}),
    ("shares 2", {"cpu": {"shares": 2}}, {"cpu.weight": "1"}),
    ("shares 512", {"cpu": {"shares": 512}}, {"cpu.weight": "59"}, {"cpu.weight": "20"}),
    ("shares 1024", {"cpu": {"shares": 1024}}, {"cpu.weight": "100"}, {"cpu.weight": "39"}),
    ("shares 262144", {"cpu": {"shares": 262144}}, {"cpu.weight": "10000"}),
    ("quota", {"cpu": {"quota": 50000}}, {"cpu.max": "50000 100000"}),
    ("quota and period", {"cpu": {"quota": 30000, "period": 50000}}, {"cpu.max": "30000 50000"}),
    ("period", {"cpu": {"period": 50000}}, {"cpu.max": "max 50000"}),
    ("no quota", {"cpu": {"quota": -1}}, {"cpu.max": "max 100000"}),
    ("burst", {"cpu": {"quota": 50000, "burst": 20000}}, {"cpu.max.burst": "20000"}, {"cpu.max.burst": "0"}),
    ("idle", {"cpu": {"idle": 1}}, {"cpu.idle": "1"}, {"cpu.idle": "0"}),
    ("idle and shares", {"cpu": {"idle": 0, "shares": 512}}, {"cpu.weight": "59"}, {"cpu.weight": "20"}),
    ("cpus", {"cpu": {"cpus": "0-1"}}, {"cpuset.cpus": "0-1", "cpuset.cpus.effective": "0-1"}),
    ("one cpu", {"cpu": {"cpus": "1"}}, {"cpuset.cpus": "1", "cpuset.cpus.effective": "1"}),
    ("mems", {"cpu": {"mems": "0"}}, {"cpuset.mems": "0"}),
    ("pids", {"pids": {"limit": 77}}, {"pids.max": "77"}),
    ("pids without limit", {"pids": {"limit": -1}}, {"pids.max": "max"}),
    ("pids 0 before version 1.3", {"pids": {"limit": 0}}, {"pids.max": "max"}),
    ("huge pages", {"hugepageLimits": [{"pageSize": "2MB", "limit": 4 * MIB}]},
     {"hugetlb.2MB.max": "4194304", "hugetlb.2MB.rsvd.max": "4194304"},
     {"hugetlb.2MB.max": "4194304"}),
    ("unified", {"unified": {"memory.high": "50331648", "pids.max": "33"}},
     {"memory.high": "50331648", "pids.max": "33"}),
    ("unified has the last word", {"pids": {"limit": 44}, "unified": {"pids.max": "33"}}, {"pids.max": "33"}),
]
UNSET = {"memory": {"limit": 0, "swap": 0, "reservation": 0}, "cpu": {"shares": 0, "quota": 0, "period": 0, "cpus": ""},
         "blockIO": {"weight": 0, "throttleReadBpsDevice": []}, "hugepageLimits": [], "pids": {}, "rdma": {},
         "unified": {}, "network": {}}
NULLS = {name: None for name in UNSET}
OF_VERSION_1 = {"memory": {"kernel": 1 * MIB, "kernelTCP": 1 * MIB, "swappiness": 5, "disableOOMKiller": True,
                           "useHierarchy": True},
                "cpu": {"realtimeRuntime": 1000, "realtimePeriod": 2000}, "blockIO": {"leafWeight": 20},
                "network": {"classID": 7, "priorities": [{"name": "lo", "priority": 1}]}}
WARNED = ["/memory/kernel: 1048576", "/memory/kernelTCP: 1048576", "/memory/swappiness: 5",
          "/memory/disableOOMKiller: true", "/cpu/realtimeRuntime: 1000", "/cpu/realtimePeriod: 2000",
          "/blockIO/leafWeight: 20", "/network/classID: 7", '/network/priorities: "lo" 1']
DEFAULTS = {"memory.max": "max", "memory.low": "0", "memory.swap.max": "max", "cpu.weight": "100",
            "cpu.max": "max 100000", "pids.max": "max", "io.max": "", "cpuset.cpus": ""}


@needs(no_controllers)
@parametrize("name, resources, files, of_control", VALUES)
def test_value(t, name, resources, files, of_control):
    """This property is in force, in this file, before the program starts."""
    differs = of_control and t.control and not (t.control == "crun" and name == "idle")
    reads(created(t, **resources), of_control if differs else files)


NETWORK = "it refuses network limits on cgroup v2, empty ones and a class, and leaves the cgroup"


@differs(crun={"unset": NETWORK, "version 1": NETWORK})
@needs(no_controllers)
@parametrize("_, resources", [("unset", UNSET), ("null", NULLS), ("version 1", OF_VERSION_1)])
def test_no_limit(t, _, resources):
    """What says `no limit`, or is for cgroup v1 only, leaves every file as it was."""
    neighbour = created(t, memory={"limit": MIB * 64}, cpu={"shares": 512, "cpus": "0"}, pids={"limit": 9},
                        unified={"io.max": f"{disk()} rbps=1000000"})  # hands every controller down
    box = created(t, **resources)
    reads(box, DEFAULTS)
    equal(read(neighbour, "pids.max"), "9", "the neighbour's")


def logged(t, *words):
    """The lines of the log of a verb that succeeds."""
    log = t.scratch / f"log{len(os.listdir(t.scratch))}"
    t.runtime("--log", log, *words).ok()
    return log.read_text().splitlines() if log.exists() else []


def name_each(lines, where):
    """One line for each value of OF_VERSION_1, with its pointer."""
    equal(len(lines), len(WARNED), f"lines of {lines}")
    for line, pointer in zip(lines, WARNED):
        contains(line.replace('\\"', '"'), f"{where}{pointer} is ignored: only cgroup v1", "log")


@differs("runc names kernel memory alone")
def test_what_is_of_version_1_is_named(t):
    """Each value once, with its pointer, in the log; the container is created, and update takes the same from a file."""
    box, file = limited(t, "true", **OF_VERSION_1), t.scratch / "new.json"
    file.write_text(json.dumps(OF_VERSION_1))
    name_each(logged(t, "create", "--bundle", box.bundle.path, box.id), "config.json: /linux/resources")
    name_each(logged(t, "update", "--resources", file, box.id), f"{file}: ")


@differs("runc names kernel memory alone")
def test_what_asks_for_nothing_is_not_named(t):
    """Engines write 0, -1 and false."""
    box = limited(t, "true", memory={"kernel": -1, "kernelTCP": 0, "disableOOMKiller": False, "useHierarchy": True},
                  cpu={"realtimeRuntime": 0, "realtimePeriod": 0}, blockIO={"leafWeight": 0}, network={"classID": 0})
    equal(logged(t, "create", "--bundle", box.bundle.path, box.id), [], "log")


@needs(no_controllers)
def test_block_weight(t):
    """The weight is that of BFQ where there is BFQ, else its place on the scale of io.weight."""
    box = created(t, blockIO={"weight": 500})
    if (box.cgroup() / "io.bfq.weight").exists():
        equal(read(box, "io.bfq.weight"), "default 500", "io.bfq.weight")
    else:
        equal(read(box, "io.weight"), f"default {1 + 490 * 9999 // 990}", "io.weight")


def no_modules():
    if os.environ.get("BULKHEAD_VM") != "1":
        return "it loads a module, so only in the virtual machine"
    return no_controllers()


@contextlib.contextmanager
def bfq():
    """The scheduler of the scratch disk is BFQ."""
    subprocess.run(["modprobe", "bfq"], check=True)
    try:
        scheduler = pathlib.Path("/sys/dev/block") / disk() / "queue/scheduler"
        before = re.search(r"\[(.*)\]", scheduler.read_text())[1]
        scheduler.write_text("bfq")
        try:
            yield
        finally:
            scheduler.write_text(before)
    finally:
        subprocess.run(["rmmod", "bfq"], check=True)


@needs(no_modules)
@pytest.mark.timeout(60)
def test_block_weights_of_bfq(t):
    """Where there is BFQ, the weight and those of devices are its own, as they are."""
    with bfq():
        box = created(t, blockIO={"weight": 500, "weightDevice": [{**disk_numbers(), "weight": 300}]})
        equal(read(box, "io.bfq.weight"), f"default 500\n{disk()} 300", "io.bfq.weight")


@needs(no_controllers)
@parametrize("name, key", [("throttleReadBpsDevice", "rbps"), ("throttleWriteBpsDevice", "wbps"),
                           ("throttleReadIOPSDevice", "riops"), ("throttleWriteIOPSDevice", "wiops")])
def test_block_throttle(t, name, key):
    """Each of the four throttles is in io.max, beside no other."""
    box = created(t, blockIO={name: [{**disk_numbers(), "rate": 1048576}]})
    words = {each: "max" for each in ("rbps", "wbps", "riops", "wiops")} | {key: "1048576"}
    equal(read(box, "io.max"), f"{disk()} " + " ".join(f"{each}={text}" for each, text in words.items()), "io.max")


@needs(no_controllers)
def test_block_throttles_together(t):
    """Throttles of one device go together."""
    rate = {**disk_numbers(), "rate": 2000000}
    box = created(t, blockIO={"throttleReadBpsDevice": [rate], "throttleWriteIOPSDevice": [{**rate, "rate": 50}]})
    equal(read(box, "io.max"), f"{disk()} rbps=2000000 wbps=max riops=max wiops=50", "io.max")


@differs("runc 1.1.5 writes all lines at once, of which the kernel takes the first")
@needs(no_controllers)
def test_unified_in_lines(t):
    """A value of several lines is written line by line."""
    box = created(t, unified={"io.max": f"{disk()} rbps=1000000\n{disk()} wbps=2000000\n"})
    equal(read(box, "io.max"), f"{disk()} rbps=1000000 wbps=2000000 riops=max wiops=max", "io.max")


@needs(no_controllers)
def test_everything_at_once(t):
    """All controllers together, and the container runs in them."""
    rate = {**disk_numbers(), "rate": 5000000}
    box = created(t, memory={"limit": 64 * MIB, "reservation": 16 * MIB}, pids={"limit": 50},
                  cpu={"shares": 2, "quota": 90000, "period": 100000, "cpus": "0-1", "mems": "0"},
                  blockIO={"throttleReadBpsDevice": [rate]}, hugepageLimits=[{"pageSize": "2MB", "limit": 0}],
                  unified={"memory.high": str(60 * MIB)})
    reads(box, {"memory.max": "67108864", "memory.low": "16777216", "memory.high": str(60 * MIB), "pids.max": "50",
                "cpu.weight": "1", "cpu.max": "90000 100000", "cpuset.cpus": "0-1", "hugetlb.2MB.max": "0"})
    box.start().ok()
    equal(box.wait(), 0, "exit status")


@needs(no_controllers)
def test_the_program_is_born_into_its_limits(t):
    """The first thing that the program can see of its cgroup is the limit."""
    box = limited(t, "cat", "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/pids.max", memory={"limit": 32 * MIB},
                  pids={"limit": 9})
    equal(box.run().ok().out, "33554432\n9\n", "what the program reads")
