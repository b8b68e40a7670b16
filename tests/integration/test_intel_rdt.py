# SPDX-License-Identifier: Apache-2.0
"""linux.intelRdt on a made-up resctrl (resctrl.py): what the runtime asks of the kernel, and at which time."""

import contextlib
import json
import os
import pathlib

import pytest

import fuse
import resctrl
from harness import contains, equal, stop, true
from marks import differs, needs, parametrize

WHY = "runc 1.1.5 puts a process in whose copy is init: nobody is born into a group of a made-up resctrl"
POINTER = "config.json: /linux/intelRdt"


@contextlib.contextmanager
def machine(t, **limits):
    """A machine with resctrl; runtimes that start with its `setup` see the mount."""
    with resctrl.Resctrl(t.scratch / "resctrl", **limits) as made:
        made.setup = {"mountinfo": made.line}
        yield made


def with_rdt(t, *command, **rdt):
    box = t.container(*(command or ["sleep", "1000"]))
    box.bundle.edit(lambda config: config["linux"].update(intelRdt=rdt))
    return box


def made(t, rdt, **properties):
    """A container created on this machine."""
    box = with_rdt(t, **properties)
    box.create(setup=rdt.setup).ok()
    return box


def refused(t, rdt, *parts, **properties):
    """Fails unless create refuses the container with these parts in the message, and leaves nothing, groups included."""
    before = rdt.names()
    result = with_rdt(t, **properties).create(setup=rdt.setup).exits(1)
    for part in parts:
        contains(result.err, part, "stderr")
    equal(rdt.names(), before, "the groups")
    t.no_state()


def written(rdt):
    """The texts that the runtime wrote to schemata files, in order."""
    return [call[2] for call in rdt.called("schemata")]


def topic(function):
    return differs(WHY)(needs(fuse.missing)(function))


@topic
def test_the_group_of_its_own(t):
    """Without closID the container has a group of its own name for its whole life."""
    with machine(t) as rdt:
        box = made(t, rdt)
        equal((rdt.names(), rdt.tasks(box.id)), ([box.id], [box.pid]), "the group and who is in it")
        box.start().ok()
        equal(rdt.tasks(box.id), [box.pid], "the tasks of a running container")
        box.delete("--force").ok()
        equal((rdt.names(), written(rdt)), ([], []), "what is left, and what was written to schemata")


@topic
def test_it_is_in_its_group_before_its_program_runs(t):
    """The process that is written to tasks has not executed the program yet, so the program has no children outside."""
    with machine(t) as rdt:
        box = with_rdt(t)
        box.run_detached(setup=rdt.setup).ok()
        (_, path, pid, executed), = rdt.called("tasks")
        equal((path, pid), (box.id, box.pid), "the group and the process")
        true("sleep" not in executed, f"it was {executed!r} by then")


@topic
def test_in_order(t):
    """The runtime writes l3CacheSchema first, then memBwSchema, then schemata, one line each: the later value holds."""
    with machine(t) as rdt:
        box = made(t, rdt, schemata=["L3:1=3", "MB:1=40"], memBwSchema="MB:0=20;1=30", l3CacheSchema="L3:0=f;1=f")
        equal(written(rdt), ["L3:0=f;1=f\n", "MB:0=20;1=30\n", "L3:1=3\nMB:1=40\n"], "what was written")
        equal(rdt.schemata(box.id), {"L3": "0=0000f;1=00003", "MB": "0=20;1=40"}, "schemata")
        true(rdt.calls[-1][0] == "tasks", f"the process does not come last: {rdt.calls}")


@topic
@parametrize("_, properties", [("cache", {"l3CacheSchema": "L3:0=f"}), ("bandwidth", {"memBwSchema": "MB:0=20"}),
                               ("lines", {"schemata": ["MB:1=30", "L3:0=f"]})])
def test_either_alone(t, _, properties):
    """Any of the three works without the others."""
    with machine(t) as rdt:
        made(t, rdt, **properties)
        value, = properties.values()
        equal(written(rdt), ["\n".join([value] if isinstance(value, str) else value) + "\n"], "what was written")


@topic
def test_a_named_group_is_made_and_stays(t):
    """For closID with a schema the runtime makes a missing group, but does not remove it with the container."""
    with machine(t) as rdt:
        box = made(t, rdt, closID="gold", schemata=["L3:0=f"])
        equal((rdt.names(), rdt.tasks("gold")), (["gold"], [box.pid]), "the group")
        box.delete("--force").ok()
        equal(rdt.names(), ["gold"], "the groups")


@topic
@parametrize("named", ["closID", "id"])
def test_a_group_that_was_there_stays(t, named):
    """The runtime does not remove a group that existed before, named by closID or by chance like the container."""
    with machine(t) as rdt:
        box = with_rdt(t, schemata=["L3:0=f"], **({"closID": "gold"} if named == "closID" else {}))
        name = "gold" if named == "closID" else box.id
        rdt.prepare(name)
        box.create(setup=rdt.setup).ok()
        equal(rdt.tasks(name), [box.pid], "tasks")
        box.delete("--force").ok()
        equal(rdt.names(), [name], "the groups")


@topic
def test_a_named_group_is_joined(t):
    """For closID alone the group must exist, and the runtime writes nothing to its schemata."""
    with machine(t) as rdt:
        rdt.prepare("gold", "L3:0=ff")
        box = made(t, rdt, closID="gold")
        equal((rdt.tasks("gold"), written(rdt)), ([box.pid], []), "tasks, and what was written")


@topic
def test_a_named_group_that_is_missing(t):
    """closID alone without such a group is an error."""
    with machine(t) as rdt:
        refused(t, rdt, "/linux/intelRdt/closID", "find_rdt_group", "no such file or directory", closID="gold")


@topic
@parametrize("which, more", [
    ("alone", {}), ("monitored", {"enableMonitoring": True}), ("lines", {"schemata": ["L3:0=ff"]})])
def test_the_root_group(t, which, more):
    """closID "/" is the root of the file system, which the runtime neither makes nor removes."""
    with machine(t) as rdt:
        box = made(t, rdt, closID="/", **more)
        counted = [f"mon_groups/{box.id}"] if which == "monitored" else []
        equal((rdt.tasks(), rdt.names()), ([box.pid], counted), "tasks and groups")
        box.delete("--force").ok()
        equal((rdt.names(), rdt.called("rmdir")), ([], [("rmdir", path) for path in counted]), "what is left")


@topic
@parametrize("_, properties", [("same", {"l3CacheSchema": "L3:0=00ff;1=fffff", "memBwSchema": "MB:1=100"}),
                               ("part", {"l3CacheSchema": "L3:0=0xFF"}), ("lines", {"schemata": ["L3:0=1"]})])
def test_a_schema_that_fits(t, _, properties):
    """The runtime uses an existing group if its values are those of the two schemas, in whatever spelling."""
    with machine(t) as rdt:
        rdt.prepare("gold", "L3:0=ff")
        box = made(t, rdt, closID="gold", **properties)
        equal(rdt.tasks("gold"), [box.pid], "tasks")


@topic
@parametrize("which, name, schema, missing", [
    ("cache", "l3CacheSchema", "L3:0=f", "L3:0=f"), ("bandwidth", "memBwSchema", "MB:0=100;1=20", "MB:1=20"),
    ("root", "l3CacheSchema", "L3:0=f", "L3:0=f")])
def test_a_schema_that_does_not_fit(t, which, name, schema, missing):
    """A difference is an error, and the group stays as it was."""
    with machine(t) as rdt:
        if which != "root":
            rdt.prepare("gold", "L3:0=ff")
        refused(t, rdt, f"/linux/intelRdt/{name}", f'"{schema}"', "another schema", missing,
                closID="/" if which == "root" else "gold", **{name: schema})
        equal(written(rdt), [], "what was written")


@topic
@parametrize("_, properties, name, words", [
    ("mask", {"l3CacheSchema": "L3:0=5"}, "l3CacheSchema", "non-consecutive 1-bits"),
    ("value", {"memBwSchema": "MB:0=5"}, "memBwSchema", "out of range"),
    ("twice", {"schemata": ["L3:0=f", "L3:0=ff"]}, "schemata", "Duplicate domain 0"),
    ("unknown", {"schemata": ["L3:0=f", "L4:0=f"]}, "schemata", "L4")])
def test_what_the_kernel_refuses(t, _, properties, name, words):
    """The message has the kernel's words, and the new group goes, named by closID or not."""
    with machine(t) as rdt:
        refused(t, rdt, f"/linux/intelRdt/{name}", "invalid argument", words, **properties)
        refused(t, rdt, f"/linux/intelRdt/{name}", "invalid argument", words, closID="gold", **properties)


@topic
def test_no_class_is_free(t):
    """A processor has a limited number of classes of service; the error of create has the kernel's words."""
    with machine(t, classes=1) as rdt:
        rdt.prepare("gold")
        refused(t, rdt, POINTER[13:], "no space left on device", "Out of CLOSIDs")


@topic
@parametrize("which", ["own", "named"])
def test_monitoring(t, which):
    """A monitoring group has the container's name and its process; it goes with the container."""
    with machine(t) as rdt:
        rdt.prepare("gold")
        box = made(t, rdt, enableMonitoring=True, **({"closID": "gold"} if which == "named" else {}))
        above = "gold" if which == "named" else box.id
        group = f"{above}/mon_groups/{box.id}"
        equal((rdt.tasks(above), rdt.tasks(group)), ([box.pid], [box.pid]), "tasks")
        box.delete("--force").ok()
        equal(rdt.names(), ["gold"], "the groups")
        true(("rmdir", group) in rdt.calls, f"it was not removed: {rdt.calls}")


@topic
@parametrize("why", ["full", "there"])
def test_monitoring_that_cannot_be(t, why):
    """If the monitoring group cannot be made, create fails."""
    with machine(t, counters=0 if why == "full" else 3) as rdt:
        rdt.prepare("gold")
        if why == "there":
            os.mkdir(rdt.path / "gold/mon_groups" / f"{t.prefix}-0")
        words = "Out of RMIDs" if why == "full" else "file exists"
        refused(t, rdt, "/linux/intelRdt/enableMonitoring", words, closID="gold", enableMonitoring=True)


@topic
def test_without_a_mounted_resctrl(t):
    """The message names what is missing, whatever the config asks for."""
    for properties in ({}, {"closID": "/"}, {"schemata": ["L3:0=f"]}):
        result = with_rdt(t, **properties).create().exits(1)
        contains(result.err, f"{POINTER}: intelRdt is specified in config, but Intel RDT is not supported or enabled: "
                             "no resctrl file system is mounted", "stderr")
        t.no_state()


@topic
def test_without_the_property_nothing_is_touched(t):
    """Without intelRdt the runtime asks resctrl for nothing."""
    with machine(t) as rdt:
        box = t.sleeper()
        box.run_detached(setup=rdt.setup).ok()
        box.exec("true", setup=rdt.setup).ok()
        box.delete("--force", setup=rdt.setup).ok()
        equal(rdt.calls, [], "what was asked of resctrl")


@topic
@parametrize("name", ["info", "mon_groups", "mon_data"])
def test_what_is_no_group(t, name):
    """closID must not name a directory of the file system that is not a group."""
    with machine(t) as rdt:
        for more in ({}, {"schemata": ["L3:0=f"]}):
            refused(t, rdt, "/linux/intelRdt/closID", "not a group of resctrl", closID=name, **more)


@topic
@parametrize("how", ["attached", "detached", "monitored"])
def test_executed(t, how):
    """A further process is in the group before its program runs, because exec forks outside of the group."""
    with machine(t) as rdt:
        box = made(t, rdt, enableMonitoring=how == "monitored")
        box.start().ok()
        rdt.calls.clear()
        if how == "attached":
            box.exec("true").ok()
        else:
            pid = box.exec_detached("sleep", "1001").pid
            group = f"{box.id}/mon_groups/{box.id}" if how == "monitored" else box.id
            true(pid in rdt.tasks(group), f"{pid} is not in {rdt.tasks(group)}")
        entered = rdt.called("tasks")
        equal([path for _, path, *_ in entered], [box.id, f"{box.id}/mon_groups/{box.id}"][:1 + (how == "monitored")],
              "where it went")
        true(not any("sleep" in executed or executed.startswith("true") for *_, executed in entered), f"{entered}")


@topic
def test_executed_where_the_group_is_gone(t):
    """After the administrator removes the group, the kernel has the container in the root group; exec puts its process there too."""
    with machine(t) as rdt:
        box = made(t, rdt)
        box.start().ok()
        os.rmdir(rdt.path / box.id)
        box.exec("true").ok()
        box.delete("--force").ok()


@topic
@parametrize("kind", ["createContainer", "startContainer"])
def test_hooks_in_the_container(t, kind):
    """Hooks born in the container's namespaces and cgroup are in its group too."""
    with machine(t) as rdt:
        box = with_rdt(t)
        box.bundle.edit(lambda config: config.update(hooks={kind: [{"path": "/bin/true"}]}))
        if kind == "createContainer":
            box.bundle.edit(lambda config: config["hooks"][kind][0].update(path="/usr/bin/true"))
        box.create(setup=rdt.setup).ok()
        box.start().ok()
        entered = [(path, pid) for _, path, pid, _ in rdt.called("tasks")]
        equal(({path for path, _ in entered}, len({pid for _, pid in entered})), ({box.id}, 2), "who went where")


@topic
@parametrize("which", ["host", "pid"])
def test_without_an_own_namespace(t, which):
    """A container in the host's pid namespace, or in another container's, is in its group too."""
    with machine(t) as rdt:
        other = t.sleeper()
        other.run_detached().ok()
        box = with_rdt(t)
        own = [] if which == "host" else [{"type": "pid", "path": f"/proc/{other.pid}/ns/pid"}]
        box.bundle.edit(lambda config: config["linux"].update(namespaces=[
            *(each for each in config["linux"]["namespaces"] if each["type"] != "pid"), *own]))
        box.create(setup=rdt.setup).ok()
        box.start().ok()
        equal(rdt.tasks(box.id), [box.pid], "tasks")


def host_steps(t, rdt, box):
    text = t.runtime("explain", "--json", "--bundle", box.bundle.path, box.id, setup=rdt.setup).ok().out
    return [(number, step) for number, step in enumerate(json.loads(text)) if step["lane"] == "host"]


def broken(t, rdt, box, fault):
    """A create with the steps that explain shows; a --pid-file would add a step."""
    return t.runtime("create", "--bundle", box.bundle.path, "--fault", fault, box.id, setup=rdt.setup)


EVERYTHING = {"l3CacheSchema": "L3:0=f", "memBwSchema": "MB:0=20", "schemata": ["L3:1=f"], "enableMonitoring": True}


@topic
def test_explained(t):
    """explain shows each step with its pointer, and does nothing."""
    with machine(t) as rdt:
        box = with_rdt(t, **EVERYTHING)
        place = f"{rdt.path}/{box.id}"
        shown = [(step["verb"], step["object"], step["property"]) for _, step in host_steps(t, rdt, box)
                 if "rdt" in step["verb"] or "schemata" in step["verb"] or "monitoring" in step["verb"]]
        equal(shown, [
            ("make_rdt_group", place, "/linux/intelRdt"),
            ("make_monitoring_group", f"{place}/mon_groups/{box.id}", "/linux/intelRdt/enableMonitoring"),
            ("record_rdt_group", "what of it is new, in state.json", None),
            ("write_schemata", "L3:0=f", "/linux/intelRdt/l3CacheSchema"),
            ("write_schemata", "MB:0=20", "/linux/intelRdt/memBwSchema"),
            ("write_schemata", "L3:1=f", "/linux/intelRdt/schemata"),
            ("join_rdt_group", f"{place}/mon_groups/{box.id}", "/linux/intelRdt")], "the steps")
        equal(rdt.calls, [], "what was asked of resctrl")


@pytest.mark.timeout(120)
@topic
@parametrize("which", ["own", "named"])
def test_a_creation_that_fails_leaves_no_group(t, which):
    """Each host step fails once: the groups are as before, and create works afterwards."""
    with machine(t) as rdt:
        box = with_rdt(t, **EVERYTHING, **({"closID": "gold"} if which == "named" else {}))
        for number, step in host_steps(t, rdt, box):
            result = broken(t, rdt, box, f"{number}:EPERM").exits(1)
            contains(result.err, step["verb"], "stderr")
            equal(rdt.names(), [], f"the groups after step {number}, {step['verb']}")
            t.no_state()
        box.create(setup=rdt.setup).ok()


@pytest.mark.timeout(120)
@topic
def test_a_creation_that_is_killed_is_deleted_by_force(t):
    """The runtime is killed before each host step: delete --force finds the groups through the record."""
    with machine(t) as rdt:
        box = with_rdt(t, **EVERYTHING)
        for number, step in host_steps(t, rdt, box):
            equal(broken(t, rdt, box, f"{number}:kill").code, -9, f"step {number}, {step['verb']}")
            box.delete("--force").exits(0)
            equal(rdt.names(), [], f"the groups after step {number}, {step['verb']}")
            t.no_state()
        box.create(setup=rdt.setup).ok()


@topic
def test_a_run_that_ends_takes_its_groups_along(t):
    """An attached run removes its groups, also if a signal ends the runtime."""
    with machine(t) as rdt:
        with_rdt(t, "true", enableMonitoring=True).run(setup=rdt.setup).ok()
        equal(rdt.names(), [], "the groups")
        box = with_rdt(t)
        child = box.run_in_background(setup=rdt.setup)
        box.kill("KILL").ok()
        stop(child, 15)
        equal(rdt.names(), [], "the groups")


@topic
def test_a_stranger_of_the_same_name_stays(t):
    """If somebody has removed the group and made another of its name, delete leaves the new group alone."""
    with machine(t) as rdt:
        box = made(t, rdt)
        os.rmdir(rdt.path / box.id)
        rdt.prepare(box.id)
        box.delete("--force").ok()
        equal(rdt.names(), [box.id], "the groups")


@topic
@parametrize("which", ["own", "named"])
def test_updated(t, which):
    """update writes the cache first, and leaves the other values of the schemata alone."""
    with machine(t) as rdt:
        box = made(t, rdt, schemata=["L3:0=f;1=f"], **({"closID": "gold"} if which == "named" else {}))
        rdt.calls.clear()
        t.runtime("update", "--mem-bw-schema", "MB:1=50", "--l3-cache-schema", "L3:0=ff", box.id).ok()
        equal(written(rdt), ["L3:0=ff\n", "MB:1=50\n"], "what was written")
        equal(rdt.schemata("gold" if which == "named" else box.id),
              {"L3": "0=000ff;1=0000f", "MB": "0=100;1=50"}, "schemata")


@topic
@parametrize("which", ["schema", "limit"])
def test_an_update_that_fails(t, which):
    """If the kernel refuses one of the values, or a step fails, the schemata are as before."""
    with machine(t) as rdt:
        box = made(t, rdt, schemata=["L3:0=f;1=3"])
        before = rdt.schemata(box.id)
        devices = t.scratch / "devices.json"
        devices.write_text(json.dumps({"devices": [{"allow": False, "access": "rwm"}]}))
        flags = {"schema": ["--mem-bw-schema", "MB:0=5"], "limit": ["--fault", "1:EPERM", "--resources", devices]}[which]
        result = t.runtime("update", "--l3-cache-schema", "L3:0=ff", *flags, box.id).exits(1)
        contains(result.err, "out of range" if which == "schema" else "replace_device_filter", "stderr")
        equal(rdt.schemata(box.id), before, "schemata")


@topic
@parametrize("_, schema, reason", [
    ("start", "L3:0=f", "must start with MB:"), ("line", "MB:0=20\nL3:0=f", "must not contain newlines")])
def test_an_update_of_no_bandwidth(t, _, schema, reason):
    """The flag obeys the rules of config.json."""
    with machine(t) as rdt:
        box = made(t, rdt)
        result = t.runtime("update", "--mem-bw-schema", schema, box.id).exits(1)
        contains(result.err, "invalid value for mem-bw-schema", "stderr")
        contains(result.err, reason, "stderr")
        equal(written(rdt), [], "what was written")


@topic
@parametrize("which", ["group", "monitored", "root"])
def test_events(t, which):
    """events has what the group may use, and what the container has used of it."""
    with machine(t) as rdt:
        more = {"group": {}, "monitored": {"enableMonitoring": True}, "root": {"closID": "/"}}[which]
        box = made(t, rdt, **more, **({} if which == "root" else {"schemata": ["L3:0=f", "MB:0=20"]}))
        box.start().ok()
        data = json.loads(t.runtime("events", "--stats", box.id).ok().out)["data"]["intel_rdt"]
        root = {"L3": "L3:0=fffff;1=fffff", "MB": "MB:0=100;1=100"}
        own = root if which == "root" else {"L3": "L3:0=0000f;1=fffff", "MB": "MB:0=20;1=100"}
        equal(data, {
            "l3_cache_info": {"cbm_mask": "fffff", "min_cbm_bits": 1, "num_closids": 4},
            "l3_cache_schema_root": root["L3"], "l3_cache_schema": own["L3"],
            "mem_bw_info": {"bandwidth_gran": 10, "delay_linear": 1, "min_bandwidth": 10, "num_closids": 8},
            "mem_bw_schema_root": root["MB"], "mem_bw_schema": own["MB"], "schemata": [own["L3"], own["MB"]],
            "mbm_stats": [{"mbm_total_bytes": 8192}] * 2, "cmt_stats": [{"llc_occupancy": 4096}] * 2}, "intel_rdt")


@topic
def test_the_bundle(t):
    """The config of bundles/intel-rdt has the effect that it describes."""
    text = (pathlib.Path(__file__).resolve().parents[2] / "bundles/intel-rdt/config.json").read_text()
    with machine(t) as rdt:
        box = made(t, rdt, **json.loads(text)["linux"]["intelRdt"])
        equal(rdt.schemata(box.id), {"L3": "0=000ff;1=000ff", "MB": "0=20;1=100"}, "schemata")
        equal(rdt.tasks(f"{box.id}/mon_groups/{box.id}"), [box.pid], "tasks")
