# SPDX-License-Identifier: Apache-2.0
"""linux.memoryPolicy: what the kernel then says of the program's memory. Any machine has node 0."""

import os
import re

import isolation
from harness import contains, equal
from marks import differs, needs, parametrize
from test_features import features

NEWER = "runc 1.1.5 is older than the property"
MODES = {  # the kernel's word for it in numa_maps
    "MPOL_DEFAULT": "default", "MPOL_PREFERRED": "prefer:0", "MPOL_BIND": "bind:0", "MPOL_INTERLEAVE": "interleave:0",
    "MPOL_LOCAL": "local", "MPOL_PREFERRED_MANY": "prefer (many):0", "MPOL_WEIGHTED_INTERLEAVE": "weighted interleave:0",
}
SINCE = {"MPOL_PREFERRED_MANY": (5, 15), "MPOL_WEIGHTED_INTERLEAVE": (6, 9), "MPOL_F_NUMA_BALANCING": (5, 12)}  # Linux
FLAGS = {  # the last has a word of its own since Linux 6.13
    "MPOL_F_STATIC_NODES": ["bind=static:0"], "MPOL_F_RELATIVE_NODES": ["bind=relative:0"],
    "MPOL_F_NUMA_BALANCING": ["bind=balancing:0", "bind=:0"],
}


def with_policy(t, *command, **policy):
    box = t.container(*(command or ["sleep", "1000"]))
    box.bundle.edit(lambda config: config["linux"].update(memoryPolicy=policy))
    return box


def knows(word):
    """True if this kernel has the mode or the flag."""
    return tuple(map(int, os.uname().release.split(".")[:2])) >= SINCE.get(word, (0, 0))


def is_refused(t, box):
    """As what cannot be: with the pointer and the call, and nothing is left."""
    result = box.run().exits(1)
    contains(result.err, "/linux/memoryPolicy", "stderr")
    contains(result.err, "set_mempolicy", "stderr")
    t.no_state()


def nodes_of(mode):
    return {} if mode in ("MPOL_DEFAULT", "MPOL_LOCAL") else {"nodes": "0"}


def policy_of(numa_maps):
    """That of the heap or any other memory of the process: "7f00 bind:0 anon=1 ..."."""
    return re.match(r"[0-9a-f]+ (.*?)(?= (file=|anon=|heap|stack|mapped=|dirty=)|$)", numa_maps.splitlines()[0])[1]


@differs(NEWER)
@parametrize("mode", sorted(MODES))
def test_mode(t, mode):
    """The program has the mode, although its user is not root; an older kernel refuses it."""
    box = with_policy(t, mode=mode, **nodes_of(mode))
    box.bundle.edit(lambda config: config["process"].update(user={"uid": 1000, "gid": 1000}))
    if not knows(mode):
        is_refused(t, box)
        return
    box.run_detached().ok()
    equal(policy_of(box.proc("numa_maps")), MODES[mode], "policy")


@differs(NEWER)
@parametrize("flag", sorted(FLAGS))
def test_flag(t, flag):
    """The flag is or'ed into the mode; an older kernel refuses it."""
    box = with_policy(t, mode="MPOL_BIND", nodes="0", flags=[flag])
    if not knows(flag):
        is_refused(t, box)
        return
    box.run_detached().ok()
    contains(FLAGS[flag], policy_of(box.proc("numa_maps")), "policy")


@differs(NEWER)
def test_without_it_the_callers_stays(t):
    """A container without the property has the policy of its caller."""
    with open("/proc/self/numa_maps", encoding="ascii") as mine:
        expected = policy_of(mine.read())
    box = t.sleeper()
    box.run_detached().ok()
    equal(policy_of(box.proc("numa_maps")), expected, "policy")


@differs(NEWER)
def test_exec_has_it_as_well(t):
    """A further process is bound to the same nodes."""
    box = with_policy(t, mode="MPOL_BIND", nodes="0")
    box.run_detached().ok()
    equal(policy_of(box.exec("cat", "/proc/self/numa_maps").ok().out), "bind:0", "policy")


def has_cpuset():
    controllers = (isolation.cgroup2_mount() / "cgroup.controllers").read_text().split()
    return None if "cpuset" in controllers else "this machine's cgroup2 has no cpuset"


@differs(NEWER)
@needs(has_cpuset)
def test_it_is_set_inside_the_cpuset(t):
    """The nodes of a relative policy are those of cpuset.mems, which is in force before."""
    box = with_policy(t, mode="MPOL_BIND", nodes="0", flags=["MPOL_F_RELATIVE_NODES"])
    box.bundle.edit(lambda config: config["linux"]["resources"].update(cpu={"mems": "0"}))
    box.run_detached().ok()
    equal(policy_of(box.proc("numa_maps")), "bind=relative:0", "policy")


@differs(NEWER)
@parametrize("what, policy, *words", [
    ("mode", {"mode": "BIND", "nodes": "0"}, "/linux/memoryPolicy/mode", "BIND"),
    ("flag", {"mode": "MPOL_BIND", "nodes": "0", "flags": ["STATIC"]}, "/linux/memoryPolicy/flags/0", "STATIC"),
    ("list", {"mode": "MPOL_BIND", "nodes": "0-"}, "/linux/memoryPolicy/nodes", "must be a list of nodes"),
    ("none", {"mode": "MPOL_BIND"}, "/linux/memoryPolicy/nodes", "MPOL_BIND needs nodes"),
    ("needless", {"mode": "MPOL_LOCAL", "nodes": "0"}, "/linux/memoryPolicy/nodes", "takes no nodes"),
    ("absent", {"mode": "MPOL_BIND", "nodes": "1023"}, "/linux/memoryPolicy", "set_mempolicy")])
def test_refused(t, what, policy, words):
    """What cannot be is refused with the pointer, and nothing is left."""
    result = with_policy(t, "true", **policy).run().exits(1)
    for word in words:
        contains(result.err, word, f"{what}: stderr")
    t.no_state()


@differs(NEWER)
def test_what_works_is_what_features_says(t):
    """Modes and flags are listed, all of them and no others."""
    listed = features(t)["linux"]["memoryPolicy"]
    equal((sorted(listed["modes"]), sorted(listed["flags"])), (sorted(MODES), sorted(FLAGS)), "memoryPolicy")
