# SPDX-License-Identifier: Apache-2.0
"""update: every flag, resources as JSON, and what happens to what is not named."""

import json

from harness import contains, equal, eventually, true
from marks import differs, needs, parametrize
from resources import MIB, NO_UNITS, created, disk, disk_numbers, limited, no_controllers, read, reads, running

FULL = {"memory": {"limit": 128 * MIB}, "cpu": {"shares": 1024, "quota": 50000, "period": 100000}, "pids": {"limit": 100}}
# Flag, value, files. A fourth entry is what Debian's runc 1.1.5 makes of it.
FLAGS = [
    ("--memory", "64m", {"memory.max": "67108864"}), ("--memory", "67108864", {"memory.max": "67108864"}),
    ("--memory", "1.5G", {"memory.max": "1610612736"}), ("--memory", "96MiB", {"memory.max": "100663296"}),
    ("--memory", "-1", {"memory.max": "max", "memory.swap.max": "max"}),
    ("--memory-reservation", "32m", {"memory.low": "33554432"}),
    ("--cpu-share", "512", {"cpu.weight": "59"}, {"cpu.weight": "20"}),
    ("--cpu-quota", "20000", {"cpu.max": "20000 100000"}),
    ("--cpu-quota", "-1", {"cpu.max": "max 100000"}),
    ("--cpu-period", "50000", {"cpu.max": "50000 50000"}),
    ("--cpuset-cpus", "1", {"cpuset.cpus": "1"}), ("--cpuset-mems", "0", {"cpuset.mems": "0"}),
    ("--pids-limit", "55", {"pids.max": "55"}), ("--pids-limit", "-1", {"pids.max": "max"}),
    ("--cpu-rt-period", "5000", {"cpu.max": "50000 100000"}), ("--cpu-rt-runtime", "500", {"cpu.max": "50000 100000"}),
    ("--kernel-memory", "5m", {"memory.max": "134217728"}), ("--kernel-memory-tcp", "5m", {"memory.max": "134217728"}),
]
LATER_FLAGS = [("--cpu-burst", "20000", {"cpu.max.burst": "20000", "cpu.max": "50000 100000"}),
               ("--cpu-idle", "1", {"cpu.idle": "1", "cpu.weight": "0"})]
VERSION_1 = "it has the flag, and refuses it on cgroup v2"
OF_CRUN = {
    **{f"{flag} {value}": NO_UNITS for flag, value, *_ in FLAGS if value[-1].isalpha()},
    **{f"{flag} {value}": VERSION_1 for flag, value, *_ in FLAGS if "-rt-" in flag},
    "--cpu-quota -1": "it leaves the quota as it is",
    "--cpu-period 50000": "it takes the quota away when only the period is given",
}
UNTOUCHED = {"memory.max": "134217728", "cpu.weight": "100", "cpu.max": "50000 100000", "pids.max": "100",
             "memory.swap.max": "max", "cpuset.cpus": ""}
WRONG = [("--memory", "5x"), ("--memory", "9999999999999g"), ("--memory", "-5"), ("--cpu-quota", "1.5"),
         ("--cpu-share", "-1"), ("--cpu-share", "99999999999999999999"), ("--pids-limit", "many"),
         ("--cpu-period", "0x10"), ("--blkio-weight", "70000")]


def update(t, box, *flags, **options):
    return t.runtime("update", *flags, box.id, **options)


def with_json(t, box, document, **options):
    return update(t, box, "--resources", "-", stdin=json.dumps(document).encode(), **options)


def everything(box):
    """What all files that can be set say, to see that nothing changed."""
    directory = box.cgroup()
    files = [path for path in directory.iterdir() if path.is_file() and path.stat().st_mode & 0o600 == 0o600]
    return {path.name: path.read_text() for path in files
            if not path.name.startswith("cgroup.") and not path.name.endswith(".pressure")}


@differs(crun=OF_CRUN)
@needs(no_controllers)
@parametrize("_, name, value, files, *of_runc", [
    (f"{flag} {value}", flag, value, *rest) for flag, value, *rest in FLAGS])
def test_flag(t, _, name, value, files, of_runc):
    """This flag changes its limit and no other."""
    box = running(t, **FULL)
    before = {**UNTOUCHED, "cpu.weight": "39"} if t.control else UNTOUCHED
    reads(box, before)
    update(t, box, name, value).exits(0)
    reads(box, {**before, **(of_runc[0] if t.control and of_runc else files)})


@differs("runc 1.1.5 does not know the flag")
@needs(no_controllers)
@parametrize("_, name, value, files", [(f"{flag} {value}", flag, value, files) for flag, value, files in LATER_FLAGS])
def test_later_flag(t, _, name, value, files):
    """The same of flags that later versions of runc have."""
    test_flag(t, _, name, value, files, [])


@differs(crun=NO_UNITS)
@needs(no_controllers)
def test_several_flags(t):
    """Flags go together."""
    box = running(t, **FULL)
    update(t, box, "--memory", "32m", "--memory-swap", "48m", "--pids-limit", "7", "--cpu-quota", "30000",
           "--cpu-period", "60000").exits(0)
    reads(box, {"memory.max": "33554432", "memory.swap.max": "16777216", "pids.max": "7", "cpu.max": "30000 60000"})


@differs("runc 1.1.5 refuses it: unable to set swap limit without memory limit")
@needs(no_controllers)
def test_memory_swap_alone(t):
    """It counts both, so the limit of memory that there is goes off."""
    box = running(t, memory={"limit": 32 * MIB})
    update(t, box, "--memory-swap", "48m").exits(0)
    reads(box, {"memory.max": "33554432", "memory.swap.max": "16777216"})
    contains(update(t, box, "--memory-swap", "31m").exits(1).err, "memory+swap limit should be >= memory limit", "stderr")


@needs(no_controllers)
def test_blkio_weight(t):
    """The weight goes where create puts it."""
    box = running(t)
    update(t, box, "--blkio-weight", "500").exits(0)
    bfq = (box.cgroup() / "io.bfq.weight").exists()
    equal(read(box, "io.bfq.weight" if bfq else "io.weight"), "default 500" if bfq else "default 4950", "weight")


@needs(no_controllers)
@parametrize("how", ["file", "stdin"])
def test_json_document(t, how):
    """--resources takes an object as in config.json; what is not in it stays."""
    box, document = running(t, **FULL), {"memory": {"limit": 32 * MIB}, "cpu": {"quota": 25000}}
    if how == "file":
        path = t.scratch / "limits.json"
        path.write_text(json.dumps(document))
        update(t, box, "-r", str(path)).exits(0)
    else:
        with_json(t, box, document).exits(0)
    reads(box, {"memory.max": "33554432", "cpu.max": "25000 100000", "pids.max": "100"})


@differs("to runc 1.1.5 a limit of 0 is none of any version, to later ones 1")
@needs(no_controllers)
@parametrize("version, limit", [("1.2.1", "max"), ("1.3.0", "1")])
def test_a_pids_limit_of_zero(t, version, limit):
    """A limit of 0 is none before version 1.3 of the container's config.json and the lowest since, as for create."""
    zero = limited(t, "sleep", "60", **{**FULL, "pids": {"limit": 0}})
    zero.bundle.edit(lambda config: config.update(ociVersion=version))
    zero.run_detached().ok()
    equal(read(zero, "pids.max"), limit, "created with 0")
    with_json(t, zero, {"pids": {"limit": 20}}).ok()
    equal(read(zero, "pids.max"), "20", "changed")
    with_json(t, zero, {"pids": {"limit": 0}}).ok()
    equal(read(zero, "pids.max"), limit, "changed to 0")


@needs(no_controllers)
def test_json_beats_flags(t):
    """With --resources the other flags count for nothing."""
    box = running(t, **FULL)
    update(t, box, "--resources", "-", "--pids-limit", "5", stdin=b'{"memory": {"limit": 33554432}}').exits(0)
    reads(box, {"memory.max": "33554432", "pids.max": "100"})


@differs("runc 1.1.5 ignores these in update")
@needs(no_controllers)
def test_json_of_everything(t):
    """What create can set, update can change."""
    box = running(t, **FULL)
    rate = {**disk_numbers(), "rate": 1000000}
    with_json(t, box, {"hugepageLimits": [{"pageSize": "2MB", "limit": 0}], "unified": {"memory.high": "50331648"},
                       "blockIO": {"throttleReadBpsDevice": [rate]}, "cpu": {"burst": 1000, "cpus": "0"}}).ok()
    reads(box, {"hugetlb.2MB.max": "0", "memory.high": "50331648", "cpu.max.burst": "1000", "cpuset.cpus": "0",
                "io.max": f"{disk()} rbps=1000000 wbps=max riops=max wiops=max"})
    with_json(t, box, {"blockIO": {"throttleReadBpsDevice": [{**rate, "rate": 0}]}}).ok()
    equal(read(box, "io.max"), "", "io.max behind a rate of 0")


@differs(crun={"unset": "it writes memory.max 0: the container would be killed"})
@needs(no_controllers)
@parametrize("_, document", [
    ("empty", {}), ("unset", {"memory": {"limit": 0}, "cpu": {"shares": 0, "quota": 0}, "pids": {}})])
def test_nothing_to_change(t, _, document):
    """What is unset stays as it is."""
    box = running(t, **FULL)
    before = everything(box)
    with_json(t, box, document).exits(0)
    equal(everything(box), before, "files")


@differs("runc 1.1.5 crashes")
@needs(no_controllers)
def test_null_is_nothing_to_change(t):
    """What is null stays as it is, too."""
    test_nothing_to_change(t, "null", {"memory": None, "cpu": None, "pids": None})


@needs(no_controllers)
def test_created_and_paused(t):
    """Limits of a container that is created or paused change as well."""
    box = created(t, **FULL)
    update(t, box, "--pids-limit", "33").exits(0)
    equal(read(box, "pids.max"), "33", "created")
    other = running(t, **FULL)
    t.runtime("pause", other.id).ok()
    update(t, other, "--pids-limit", "44").exits(0)
    equal(read(other, "pids.max"), "44", "paused")
    equal(other.status(), "paused", "status")
    t.runtime("resume", other.id).ok()


@differs("runc leaves what it had written before the failure")
@needs(no_controllers)
def test_all_or_nothing(t):
    """Where one value is refused by the kernel, those before it are taken back."""
    box = running(t, **FULL, unified={"io.max": f"{disk()} wbps=5000000"})
    before = everything(box)
    rate = {**disk_numbers(), "rate": 1000000}
    result = with_json(t, box, {"memory": {"limit": 32 * MIB}, "cpu": {"shares": 5, "cpus": "77"}, "pids": {"limit": 5},
                                "blockIO": {"throttleReadBpsDevice": [rate]}}).exits(1)
    contains(result.err, "-: /cpu/cpus: \"77\": ", "stderr")
    equal(everything(box), before, "files")


@differs("runc 1.1.5 has no such check on cgroup v2")
@needs(no_controllers)
def test_check_before_update(t):
    """With checkBeforeUpdate a limit below what is used is refused; without it the kernel decides."""
    hold = "x=$(head -c 12m /dev/zero | tr '\\0' x); echo ready; sleep 300"
    box = limited(t, "sh", "-c", hold)
    child = box.run_in_background()
    eventually(lambda: child.poll() is not None or int(read(box, "memory.current")) >= 12 * MIB,
               "the container does not take its memory", 20)
    equal(child.poll(), None, "exit code of the container")
    result = with_json(t, box, {"memory": {"limit": 4 * MIB, "checkBeforeUpdate": True}}).exits(1)
    contains(result.err, "-: /memory/limit: 4194304: rejecting the limit (checkBeforeUpdate): the container uses ", "stderr")
    equal(read(box, "memory.max"), "max", "memory.max")
    with_json(t, box, {"memory": {"limit": 64 * MIB, "checkBeforeUpdate": True}}).ok()
    equal(read(box, "memory.max"), str(64 * MIB), "memory.max")
    box.delete("--force").ok()
    child.wait()


@differs("runc 1.1.5 does not know burst")
@needs(no_controllers)
def test_quota_and_burst_in_both_directions(t):
    """Values that have to fit together change in any order."""
    box = running(t, cpu={"quota": 20000, "burst": 10000})
    update(t, box, "--cpu-quota", "60000", "--cpu-burst", "50000").ok()
    reads(box, {"cpu.max": "60000 100000", "cpu.max.burst": "50000"})
    update(t, box, "--cpu-quota", "20000", "--cpu-burst", "5000").ok()
    reads(box, {"cpu.max": "20000 100000", "cpu.max.burst": "5000"})
    update(t, box, "--cpu-idle", "1").ok()
    update(t, box, "--cpu-idle", "0", "--cpu-share", "512").ok()
    reads(box, {"cpu.idle": "0", "cpu.weight": "59"})


# ---- refusals, on any machine -----------------------------------------------------------------------------

@parametrize("_, flag, value", [(f"{flag} {value!r}", flag, value) for flag, value in WRONG])
def test_wrong_value(t, _, flag, value):
    """A value out of its grammar is refused, naming the flag."""
    box = running_here(t)
    result = update(t, box, flag, value)
    true(result.code == 1 or (t.control and result.code != 0), f"taken: {result}")
    if not t.control:
        contains(result.err, flag.lstrip("-"), "stderr")


@differs("runc 1.1.5 does not know the flag")
def test_wrong_idle(t):
    """cpu.idle is 0 or 1."""
    test_wrong_value(t, "--cpu-idle '2'", "--cpu-idle", "2")


def running_here(t):
    box = t.sleeper()
    box.run_detached().ok()
    return box


@differs(crun="it says that a file is not there")
def test_unknown_container(t):
    """There is nobody to update."""
    contains(t.runtime("update", "--pids-limit", "5", f"{t.prefix}-nobody").exits(1).err, "container does not exist", "stderr")


@differs("runc 1.1.5 writes to the cgroup of a stopped container, if it finds it")
def test_stopped_container(t):
    """A stopped container has no limits to change."""
    box = t.container("true")
    box.run_detached().ok()
    box.wait()
    contains(update(t, box, "--pids-limit", "5").exits(1).err, f"container not running: {box.id}", "stderr")


@differs(crun={"no object": "it takes an array", "unknown type": "it takes a text"})
@parametrize("_, document, words", [
    ("no JSON", b"{", "-: "), ("no object", b"[]", "-: "), ("unknown type", b'{"memory": {"limit": "5"}}', "/memory/limit"),
    ("swap", b'{"memory": {"limit": 5, "swap": 2}}', "memory+swap limit should be >= memory limit")])
def test_wrong_document(t, _, document, words):
    """A document that says something wrong is refused with the place."""
    result = update(t, running_here(t), "--resources", "-", stdin=document)
    true(result.code == 1, f"taken: {result}")
    if not t.control:
        contains(result.err, words, "stderr")


@differs("runc 1.1.5 does not look at huge pages in update")
def test_wrong_page_size(t):
    """The same of a page size."""
    test_wrong_document(t, "page size", b'{"hugepageLimits": [{"pageSize": "3XB", "limit": 2}]}',
                   "-: /hugepageLimits/0/pageSize: \"3XB\"")


def test_missing_document(t):
    """A file that is not there."""
    contains(update(t, running_here(t), "--resources", "/nowhere.json").exits(1).err, "/nowhere.json", "stderr")


@parametrize("flag, schema", [("--l3-cache-schema", "L3:0=f"), ("--mem-bw-schema", "MB:0=20")])
def test_resource_director(t, flag, schema):
    """Without Intel RDT its schemata cannot be changed."""
    result = update(t, running_here(t), flag, schema)
    true(result.code != 0, f"taken: {result}")
    if not t.control:
        contains(result.err, "Intel RDT is not enabled", "stderr")
