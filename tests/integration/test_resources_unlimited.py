# SPDX-License-Identifier: Apache-2.0
"""Limits that are none, where nobody could set one: engines send them on machines without controllers, too."""

import json

from harness import contains, equal
from marks import differs, needs, parametrize
from resources import MIB, controllers, limited, running
from unprivileged import become_user, rootless

THROTTLED = {"major": 1, "minor": 3}
UNLIMITED = {
    "pids": {"pids": {"limit": -1}},
    "memory": {"memory": {"limit": -1, "swap": -1, "reservation": -1}},
    "cpu": {"cpu": {"quota": -1, "period": 100000}},
    "io": {"blockIO": {"throttleReadBpsDevice": [{**THROTTLED, "rate": 0}]}},
}
LIMITED = {
    "pids": ({"pids": {"limit": 5}}, "pids/limit"),
    "memory": ({"memory": {"limit": 64 * MIB, "swap": -1}}, "memory/limit"),
    "cpu": ({"cpu": {"quota": 50000, "period": 100000}}, "cpu/quota"),
    "io": ({"blockIO": {"throttleReadBpsDevice": [{**THROTTLED, "rate": 5}]}}, "blockIO/throttleReadBpsDevice/0"),
}


def all_here():
    return None if missing() else "every controller is here"


def missing():
    return sorted(set(UNLIMITED) - controllers())


def unlimited():
    return {key: value for name in missing() for key, value in UNLIMITED[name].items()}


@differs("runc 1.1.5 wants the file there, too")
@needs(all_here)
def test_is_passed_by(t):
    """-1 where its controller is missing asks for nothing: the container runs, in a cgroup without such files."""
    box = running(t, **unlimited())
    equal([name for name in missing() if list(box.cgroup().glob(f"{name}.*max*"))], [], "files of missing controllers")
    t.runtime("update", "--resources", "-", box.id, stdin=json.dumps(unlimited()).encode()).ok()


@differs("runc names the file that it cannot open")
@needs(all_here)
@parametrize("name", sorted(LIMITED))
def test_is_not_mistaken(t, name):
    """A limit of {} among them is refused."""
    if name not in missing():
        return
    resources, pointer = LIMITED[name]
    result = limited(t, "true", **{**unlimited(), **resources}).create().exits(1)
    contains(result.err, f"config.json: /linux/resources/{pointer}: the cgroup controller \"{name}\" is not available: ",
             "stderr")
    t.no_state()


@parametrize("version, _", [("1.0.2-dev", "podman 4"), ("1.2.0", "podman 5")])
def test_zero_of_an_old_version(t, version, _):
    """A pids.limit of 0 in a config of version {} is no limit: the program may have children."""
    bundle = t.bundle("sh", "-c", "sh -c 'echo one; true'; echo two")
    box = limited(t, bundle=bundle.edit(lambda config: config.update(ociVersion=version)), pids={"limit": 0})
    equal(box.run().ok().out, "one\ntwo\n", "output")


@differs("runc has no rootless container with a pids.limit but in a cgroup")
def test_needs_no_cgroup(t):
    """A user who may make no cgroup gets a container without one, and nobody warns."""
    become_user(t)
    bundle = rootless(t.bundle("cat", "/proc/self/cgroup"))
    box = t.container(bundle=bundle.edit(lambda config: config["linux"].update(resources=UNLIMITED["pids"])))
    equal(box.run().ok().out.splitlines()[-1], "0::/", "cgroup")
    bundle.edit(lambda config: config["linux"].update(resources=LIMITED["pids"][0]))
    t.container(bundle=bundle).create().exits(1)


@differs("runc has no such option")
def test_nobody_misses_it(t):
    """--cgroup-manager disabled names limits that are not in force, and not what is none."""
    for limit, named in ((-1, False), (5, True)):
        box, warnings = limited(t, "true", pids={"limit": limit}), t.runtime.warned()
        t.runtime("--cgroup-manager", "disabled", "run", "--bundle", box.bundle.path, box.id).ok()
        equal("this limit is not in force" in warnings(), named, f"a warning of {limit}")
