# SPDX-License-Identifier: Apache-2.0
"""Limits that cannot be had: said before anything is made, naming the property."""

import contextlib
import subprocess

import isolation
from harness import contains, equal, read_text
from leaks import cgroups_of
from marks import differs, needs, parametrize
from resources import EVERY, MIB, controllers, disk_numbers, limited, no_controllers

# Name, resources, what the message says.
WRONG = [
    ("swap below memory", {"memory": {"limit": 100, "swap": 5}},
     "/linux/resources/memory/swap: 5: memory+swap limit should be >= memory limit"),
    ("swap without memory", {"memory": {"swap": 5}},
     "/linux/resources/memory/swap: 5: unable to set swap limit without memory limit"),
    ("memory below -1", {"memory": {"limit": -2}}, "/linux/resources/memory/limit: invalid memory value: -2"),
    ("swap below -1", {"memory": {"limit": 5, "swap": -2}}, "/linux/resources/memory/swap: invalid memory value: -2"),
    ("weight too low", {"blockIO": {"weight": 9}}, "/linux/resources/blockIO/weight: 9: must be from 10 to 1000"),
    ("weight too high", {"blockIO": {"weight": 1001}}, "/linux/resources/blockIO/weight: 1001: must be from 10"),
    ("weight of a device", {"blockIO": {"weightDevice": [{"major": 8, "minor": 0, "weight": 5}]}},
     "/linux/resources/blockIO/weightDevice/0/weight: 5: must be from 10 to 1000"),
    ("burst above quota", {"cpu": {"quota": 10000, "burst": 20000}},
     "/linux/resources/cpu/burst: 20000: must not be above the quota 10000"),
    ("idle", {"cpu": {"idle": 7}}, "/linux/resources/cpu/idle: 7: must be 0 or 1"),
    ("quota too small", {"cpu": {"quota": 1}}, "/linux/resources/cpu/quota: 1: must be at least 1000"),
    ("page size without unit", {"hugepageLimits": [{"pageSize": "2", "limit": 1}]},
     "/linux/resources/hugepageLimits/0/pageSize: \"2\": must be a size such as 64KB, 2MB or 1GB"),
    ("page size in another case", {"hugepageLimits": [{"pageSize": "2mb", "limit": 1}]},
     "/linux/resources/hugepageLimits/0/pageSize: \"2mb\": must be"),
    ("page size of a path", {"hugepageLimits": [{"pageSize": "../x/2MB", "limit": 1}]},
     "/linux/resources/hugepageLimits/0/pageSize: \"../x/2MB\": must be"),
    ("unified with a slash", {"unified": {"a/memory.max": "1"}},
     "/linux/resources/unified: \"a/memory.max\": must be the name of a file of a controller"),
    ("unified above", {"unified": {"../memory.max": "1"}}, "/linux/resources/unified: \"../memory.max\": must be"),
    ("unified of the group itself", {"unified": {"cgroup.procs": "1"}},
     "/linux/resources/unified: \"cgroup.procs\": must be"),
    ("unified without controller", {"unified": {"memory": "1"}}, "/linux/resources/unified: \"memory\": must be"),
]
NEEDED = [("memory", {"memory": {"limit": 64 * MIB}}, "memory/limit"), ("cpu", {"cpu": {"shares": 5}}, "cpu/shares"),
          ("cpuset", {"cpu": {"cpus": "0"}}, "cpu/cpus"), ("pids", {"pids": {"limit": 5}}, "pids/limit"),
          ("io", {"blockIO": {"weight": 50}}, "blockIO/weight"),
          ("rdma", {"rdma": {"mlx5_0": {"hcaHandles": 3}}}, "rdma/mlx5_0"),
          ("nonsense", {"unified": {"nonsense.max": "5"}}, "unified/nonsense.max")]


def refused(t, resources, *words):
    """Nothing is made, neither a state nor a cgroup, and the message says this."""
    box = limited(t, "true", **resources)
    result = box.create().exits(1)
    for word in words:
        contains(result.err, word, "stderr")
    t.no_state()
    equal(cgroups_of(box), [], "cgroups")


@differs("runc says it in other words, of some only when the kernel does, and takes two of them")
@parametrize("_, resources, message", WRONG)
def test_wrong(t, _, resources, message):
    """This value is refused with the pointer, the value and the reason."""
    refused(t, resources, f"config.json: {message}")


def all_here():
    return "every controller is here" if EVERY <= controllers() else None


@differs("runc names the file that it cannot open")
@needs(all_here)
@parametrize("name, resources, pointer", NEEDED)
def test_controller_that_is_not_there(t, name, resources, pointer):
    """A limit whose controller cgroup v2 does not have here is refused, with the place where the controller is."""
    refused(t, resources, f"config.json: /linux/resources/{pointer}: the cgroup controller \"{name}\" is not available: ")


def of_version_1():
    """{controller: the names that share its hierarchy of cgroup v1}."""
    rows = [line.split(":")[1] for line in read_text("/proc/self/cgroup").splitlines()]
    return {name: row for row in rows if row and "=" not in row for name in row.split(",")}


def no_version_1():
    return None if "memory" in of_version_1() else "the memory controller is not one of cgroup v1 here"


@contextlib.contextmanager
def hierarchy(t, controller):
    """Mounts the hierarchy of cgroup v1 that has the controller; where it is first (with --native, elsewhere, too)."""
    path = t.scratch / "v1"
    path.mkdir()
    subprocess.run(["mount", "-t", "cgroup", "-o", of_version_1()[controller], "cgroup", path], check=True)
    try:
        yield next(line.split()[4] for line in isolation.mounts()
                   if " - cgroup " in line and controller in line.split()[-1].split(","))
    finally:
        subprocess.run(["umount", path], check=True)


@differs("runc names the file that it cannot open")
@needs(no_version_1)
def test_controller_of_version_1(t):
    """Where cgroup v1 has the controller, the error names its mount."""
    with hierarchy(t, "memory") as path:
        refused(t, {"memory": {"limit": 64 * MIB}}, "config.json: /linux/resources/memory/limit: the cgroup controller "
                f"\"memory\" is not available: it is mounted as cgroup v1 at {path}\n")


@differs("runc names the file that it cannot open")
@needs(no_controllers)
def test_unknown_controller(t):
    """The same where all the real ones are there."""
    refused(t, {"unified": {"nonsense.max": "5"}}, "/linux/resources/unified/nonsense.max: the cgroup controller "
            "\"nonsense\" is not available: cgroup / has cpuset cpu io memory hugetlb pids rdma")


@differs("runc 1.1.5 says that it cannot open the file")
@needs(no_controllers)
def test_page_size_that_this_machine_has_not(t):
    """A page size that is well written and not there."""
    refused(t, {"hugepageLimits": [{"pageSize": "64KB", "limit": 1}]},
            "/linux/resources/hugepageLimits/0: \"64KB\": this machine has no huge pages of this size")


@differs("runc 1.1.5 does not know burst and idle, and names files, not properties")
@needs(no_controllers)
@parametrize("_, resources, message", [
    ("cpus", {"cpu": {"cpus": "77"}}, "cpu/cpus: \"77\": "), ("no list", {"cpu": {"cpus": "x"}}, "cpu/cpus: \"x\": "),
    ("mems", {"cpu": {"mems": "9"}}, "cpu/mems: \"9\": "),
    ("rdma device", {"rdma": {"nobody": {"hcaHandles": 3}}}, "rdma/nobody: \"nobody hca_handle=3\": "),
    ("unified file", {"unified": {"memory.nonsense": "3"}}, "unified/memory.nonsense: \"3\": the kernel has no"),
    ("unified text", {"unified": {"memory.high": "x"}}, "unified/memory.high: \"x\": "),
])
def test_what_the_kernel_refuses(t, _, resources, message):
    """The error of the kernel comes with the property, and what was made for it is gone."""
    refused(t, resources, f"/linux/resources/{message}")


@differs("runc takes the number for one of cgroup v1 and ignores it")
@needs(no_controllers)
def test_block_device_that_is_not_there(t):
    """A throttle for no device is refused by the kernel (ENODEV)."""
    nowhere = {**disk_numbers(), "minor": 999}
    refused(t, {"blockIO": {"throttleReadBpsDevice": [{**nowhere, "rate": 5}]}},
            "/linux/resources/blockIO/throttleReadBpsDevice/0: ", "no such device")


@differs("runc wants a cgroup that hands controllers down, too, and names a file")
@needs(no_controllers)
def test_parent_with_processes(t):
    """A cgroup with processes in it cannot hand controllers down: the error names it and the controller."""
    place = isolation.cgroup2_mount() / f"{t.prefix}-busy"
    place.mkdir()
    child = t.runtime.start(["sleep", "60"])
    try:
        (place / "cgroup.procs").write_text(str(child.pid))
        bundle = t.bundle("true").edit(lambda config: config["linux"].update(cgroupsPath=f"/{place.name}/box"))
        result = limited(t, bundle=bundle, pids={"limit": 5}).create().exits(1)
        contains(result.err, f"cgroup /{place.name} cannot hand down the controller pids: there are "
                 "processes in it", "stderr")
        equal((place / "cgroup.subtree_control").read_text().strip(), "", "what it hands down")
        t.no_state()
    finally:
        child.kill()
        child.wait()
        isolation.remove_tree(place)
