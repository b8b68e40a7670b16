# SPDX-License-Identifier: Apache-2.0
"""Limits that are none, where nobody could set one: engines send them on machines without controllers, too."""

import json

from harness import case, contains, equal
from resources import MIB, controllers, limited, running

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


@case(needs=all_here, control=False, why="runc 1.1.5 wants the file there, too")
def is_passed_by(t):
    """-1 where its controller is missing asks for nothing: the container runs, in a cgroup without such files."""
    box = running(t, **unlimited())
    equal([name for name in missing() if list(box.cgroup().glob(f"{name}.*max*"))], [], "files of missing controllers")
    t.runtime("update", "--resources", "-", box.id, stdin=json.dumps(unlimited()).encode()).ok()


@case(needs=all_here, each=sorted(LIMITED), control=False, why="runc names the file that it cannot open")
def is_not_mistaken(t, name):
    """A limit of {} among them is refused."""
    if name not in missing():
        return
    resources, pointer = LIMITED[name]
    result = limited(t, "true", **{**unlimited(), **resources}).create().exits(1)
    contains(result.err, f"config.json: /linux/resources/{pointer}: the cgroup controller \"{name}\" is not available: ",
             "stderr")
    t.no_state()


@case(each=[("1.0.2-dev", "podman 4"), ("1.2.0", "podman 5")])
def zero_of_an_old_version(t, version, _):
    """A pids.limit of 0 in a config of version {} is no limit: the program may have children."""
    bundle = t.bundle("sh", "-c", "sh -c 'echo one; true'; echo two")
    box = limited(t, bundle=bundle.edit(lambda config: config.update(ociVersion=version)), pids={"limit": 0})
    equal(box.run().ok().out, "one\ntwo\n", "output")
