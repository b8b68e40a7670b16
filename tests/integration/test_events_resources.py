# SPDX-License-Identifier: Apache-2.0
"""events with every controller: the numbers are those of the cgroup's files, and the kill of a hog is an oom."""

import contextlib
import time

import pytest

import isolation
from harness import contains, equal, eventually, true
from marks import differs, needs
from resources import MIB, disk_numbers, limited, no_controllers, read, running
from test_events import kill, watcher_is_ready
from test_resources_in_force import HOG, KILLED, SPIN, field, huge_pages, on_disk
from watching import sample, watching

UNLIMITED = 2**64 - 1
LIMIT = 24 * MIB


def between(before, value, after, what):
    low, high = sorted((before, after))
    true(low <= value <= high, f"{what} is {value}, the file says {before} before and {after} after it")


def flat(box, file):
    return {line.split()[0]: int(line.split()[1]) for line in read(box, file).splitlines()}


def pressure(box, file):
    """{"some": {"avg10": 0.0, ..., "total": 0}, ...}"""
    rows = {}
    for line in read(box, file).splitlines():
        name, *pairs = line.split()
        rows[name] = {key: float(value) for key, value in (pair.split("=") for pair in pairs)}
    return rows


# ---- numbers ----------------------------------------------------------------------------------------------

@needs(no_controllers)
def test_memory(t):
    """Usage, limits and memory.stat; the numbers of swap are sums of memory and swap."""
    box = running(t, memory={"limit": 64 * MIB, "swap": 96 * MIB})
    box.exec("sh", "-c", "head -c 1m /dev/zero > /dev/shm/x").exits(0)
    before = flat(box, "memory.stat"), int(read(box, "memory.current"))
    found = sample(t, box)["memory"]
    after = flat(box, "memory.stat"), int(read(box, "memory.current"))
    equal((found["usage"]["limit"], found["swap"]["limit"]), (64 * MIB, 96 * MIB), "limits")
    between(before[1], found["usage"]["usage"], after[1], "usage")
    equal(found["swap"]["usage"], found["usage"]["usage"], "usage of memory and swap")
    equal(set(found["raw"]), set(before[0]), "rows of memory.stat")
    for row, value in found["raw"].items():
        between(before[0][row], value, after[0][row], row)
    equal(found["cache"], found["raw"]["file"], "cache")
    if t.bulkhead and (box.cgroup() / "memory.peak").exists():  # since 5.19; runc 1.1.5 does not know of it
        equal(found["usage"]["max"], int(read(box, "memory.peak")), "peak")


@needs(no_controllers)
def test_unlimited(t):
    """Without a limit the sample has 2^64 - 1 for memory, and no key for processes."""
    found = sample(t, running(t, memory={"limit": -1}, pids={"limit": -1}))
    equal((found["memory"]["usage"]["limit"], found["memory"]["swap"]["limit"]), (UNLIMITED, UNLIMITED), "memory")
    equal("limit" in found["pids"], False, "a limit of processes")


@differs("runc 1.1.5's sum of 2^64 - 1 and 4096 goes around to 4095")
@needs(no_controllers)
def test_unlimited_memory_and_limited_swap(t):
    """A sum with an unlimited part is unlimited."""
    box = running(t, memory={"limit": -1})
    (box.cgroup() / "memory.swap.max").write_text("4096")
    equal(sample(t, box)["memory"]["swap"]["limit"], UNLIMITED, "limit of memory and swap")


@needs(no_controllers)
def test_pids(t):
    """The sample has the number of processes and its limit, also after `update`."""
    box = running(t, pids={"limit": 77})
    equal(sample(t, box)["pids"], {"current": 1, "limit": 77}, "pids")
    t.runtime("update", "--pids-limit", "88", box.id).ok()
    equal(sample(t, box)["pids"], {"current": 1, "limit": 88}, "pids after update")


@needs(no_controllers)
def test_throttling(t):
    """A program that needs more than its quota is throttled, and cpu.stat counts that."""
    box = running(t, *SPIN, cpu={"quota": 10000, "period": 100000})
    eventually(lambda: field(box, "cpu.stat", "nr_throttled") > 2, "it is not throttled")
    before = flat(box, "cpu.stat")
    found = sample(t, box)["cpu"]["throttling"]
    after = flat(box, "cpu.stat")
    for key, row, factor in (("periods", "nr_periods", 1), ("throttledPeriods", "nr_throttled", 1),
                             ("throttledTime", "throttled_usec", 1000)):
        between(before[row] * factor, found[key], after[row] * factor, key)


@needs(no_controllers)
@pytest.mark.timeout(60)
def test_block_devices(t):
    """The sample has the bytes and operations of reads and writes, by device."""
    with on_disk(t, blockIO={"throttleReadBpsDevice": [{**disk_numbers(), "rate": 1 << 40}]}) as box:
        box.exec("dd", "if=/dev/zero", "of=/mnt/file", "bs=64k", "count=4", "oflag=direct").exits(0)
        box.exec("dd", "if=/mnt/file", "of=/dev/null", "bs=64k", "count=4", "iflag=direct").exits(0)
        numbers = {key: value for key, value in disk_numbers().items() if value}
        rows = {line.split()[0]: dict(pair.split("=") for pair in line.split()[1:])
                for line in read(box, "io.stat").splitlines()}
        row = rows["{major}:{minor}".format(**disk_numbers())]
        found = sample(t, box)["blkio"]
        for group, names in (("ioServiceBytesRecursive", ("rbytes", "wbytes")),
                             ("ioServicedRecursive", ("rios", "wios"))):
            for op, name in zip(("Read", "Write"), names):
                contains(found[group], {**numbers, "op": op, "value": int(row[name])}, group)


@needs(no_controllers)
def test_hugetlb(t):
    """The sample has the huge pages in use, and how many times the limit refused one."""
    with huge_pages(8):
        bundle = t.bundle("sleep", "300")
        (bundle.rootfs / "mnt").mkdir()
        bundle.add_mount("/mnt", "hugetlbfs", "hugetlbfs", "pagesize=2M")
        box = limited(t, bundle=bundle, hugepageLimits=[{"pageSize": "2MB", "limit": 4 * MIB}])
        box.run_detached().ok()
        equal(sample(t, box)["hugetlb"]["2MB"], {"failcnt": 0}, "before")
        box.exec("fallocate", "-l", str(4 * MIB), "/mnt/two").ok()
        true(box.exec("fallocate", "-l", str(2 * MIB), "/mnt/third").code != 0, "a third page is given away")
        found = sample(t, box)["hugetlb"]
        equal(found["2MB"], {"usage": 4 * MIB, "failcnt": field(box, "hugetlb.2MB.events", "max")}, "2MB")
        true(found["2MB"]["failcnt"] > 0, "no failure is counted")
        box.delete("--force").ok()
        box.wait()


def no_pressure():
    return no_controllers() or (None if (isolation.cgroup2_mount() / "runner/cpu.pressure").exists()
                                else "this kernel has no pressure stall information")


@differs("runc 1.1.5 knows nothing of pressure; 1.2 does")
@needs(no_pressure)
def test_stalls(t):
    """The sample has the times for which tasks had to wait, for each of the three resources, in runc's later form."""
    box = running(t, *SPIN, cpu={"quota": 10000, "period": 100000})
    eventually(lambda: pressure(box, "cpu.pressure")["some"]["total"] > 0, "nothing stalls", 10)
    for part, file in (("cpu", "cpu.pressure"), ("memory", "memory.pressure"), ("blkio", "io.pressure")):
        before, found, after = pressure(box, file), sample(t, box)[part]["psi"], pressure(box, file)
        equal(set(found), {"some", "full"}, part)
        for name, row in found.items():
            for key in ("avg10", "avg60", "avg300", "total"):  # before 5.13 the CPU has no row "full"
                low, high = (rows.get(name, {}).get(key, 0) for rows in (before, after))
                between(low, row[key], high, f"{part} {name} {key}")


# ---- out of memory ----------------------------------------------------------------------------------------

def kills(box):
    return field(box, "memory.events", "oom_kill")


def hog(box):
    before = kills(box)
    box.exec(*HOG).exits(KILLED)
    equal(kills(box), before + 1, "oom_kill")


@needs(no_controllers)
def test_an_oom(t):
    """The kernel kills a hog in the container: an oom without data. The next kill is the next oom."""
    box = running(t, memory={"limit": LIMIT})
    with watching(t, box, "--interval", "1h") as watcher:
        watcher_is_ready(watcher)
        hog(box)
        equal(watcher.next(), {"type": "oom", "id": box.id}, "event")
        if t.control:
            kill(box)  # runc reports a kill as often as the file has changed since the first kill
            equal(set(watcher.all()) - {"oom"}, set(), "types")
            return
        hog(box)
        equal(watcher.next(), {"type": "oom", "id": box.id}, "event")
        watcher.silent(0.5)
        kill(box)
        equal(watcher.all(), [], "further events")


@needs(no_controllers)
def test_the_first_process_is_the_hog(t):
    """The oom comes before the watch ends."""
    box, go = t.gated("tail /dev/zero")
    limited(t, bundle=box.bundle, memory={"limit": LIMIT})
    box.run_detached().ok()
    with watching(t, box, "--interval", "1h") as watcher:
        watcher_is_ready(watcher)
        go()
        equal(watcher.next()["type"], "oom", "type")
        box.wait(20)
        true(set(watcher.all()) <= {"oom"}, "something else is told")
        equal(watcher.ends(), 0, "exit code")


@differs("runc may learn of it when the cgroup is gone already")
@needs(no_controllers)
@pytest.mark.timeout(90)
def test_a_hog_that_is_deleted_at_once(t):
    """The oom comes too if delete removes the cgroup directly after the hog's death."""
    for _ in range(5):
        bundle = t.bundle(*HOG)
        box = limited(t, bundle=bundle, memory={"limit": LIMIT})
        box.create().ok()
        with watching(t, box, "--interval", "1h") as watcher:
            watcher_is_ready(watcher)
            box.start().ok()
            box.wait(20)
            box.delete().ok()
            equal(watcher.all(), ["oom"], "events")
            equal(watcher.ends(), 0, "exit code")


@differs("runc may learn of it when the cgroup is gone already")
@needs(no_controllers)
@pytest.mark.timeout(90)
def test_a_hog_of_an_attached_run(t):
    """The oom comes too if one attached `run` makes, waits and removes: it returns 137."""
    for _ in range(5):
        box, go = t.gated("exec tail /dev/zero")
        limited(t, bundle=box.bundle, memory={"limit": LIMIT})
        child = box.run_in_background()
        with watching(t, box, "--interval", "1h") as watcher:
            watcher_is_ready(watcher)
            go()
            equal(child.wait(20), KILLED, "exit code of run")
            equal(watcher.all(), ["oom"], "events")
            equal(watcher.ends(), 0, "exit code")


@needs(no_controllers)
def test_a_hog_in_a_cgroup_below(t):
    """A hog in a cgroup below the container's own counts for the container."""
    box = running(t, memory={"limit": LIMIT})
    below = box.cgroup() / "below"
    below.mkdir()
    with watching(t, box, "--interval", "1h") as watcher:
        watcher_is_ready(watcher)
        box.exec(*HOG, flags=["--cgroup", "below"]).exits(KILLED)
        equal(watcher.next()["type"], "oom", "type")
    kill(box)


@differs("runc tells of an old one at the next change of the file")
@needs(no_controllers)
@pytest.mark.timeout(60)
def test_an_old_oom(t):
    """The watch does not report an oom from before its beginning."""
    with on_disk(t, memory={"limit": LIMIT}) as box:
        hog(box)
        with watching(t, box, "--interval", "1h") as watcher:
            watcher_is_ready(watcher)
            before = field(box, "memory.events", "max")
            box.exec("dd", "if=/dev/zero", "of=/mnt/file", "bs=1M", "count=64").exits(0)
            true(field(box, "memory.events", "max") > before, "memory.events has not changed")
            watcher.silent(0.5)
            hog(box)
            equal(watcher.next()["type"], "oom", "type")


@needs(no_controllers)
@pytest.mark.timeout(60)
def test_a_limit_that_is_reached_without_a_kill(t):
    """A program that reaches the limit and gets room from the page cache causes no oom."""
    with on_disk(t, memory={"limit": LIMIT}) as box, watching(t, box, "--interval", "1h") as watcher:
        watcher_is_ready(watcher)
        box.exec("dd", "if=/dev/zero", "of=/mnt/file", "bs=1M", "count=64").exits(0)
        true(field(box, "memory.events", "max") > 0, "the limit is not reached")
        watcher.silent(0.5)
        equal(kills(box), 0, "oom_kill")


@needs(no_controllers)
def test_ooms_and_samples(t):
    """Samples and ooms come in one stream."""
    box = running(t, memory={"limit": LIMIT})
    with watching(t, box, "--interval", "300ms") as watcher:
        equal(watcher.next()["type"], "stats", "type")
        hog(box)
        equal(watcher.next("oom")["id"], box.id, "id")
        equal(watcher.next("stats")["type"], "stats", "type")


@differs("without memory.events runc 1.1.5 cannot watch at all")
@needs(no_controllers)
def test_a_controller_that_goes_and_comes(t):
    """If the memory controller goes and returns, the watch sleeps meanwhile and reports ooms afterwards as before."""
    top = isolation.cgroup2_mount() / "cgroup.subtree_control"
    box = running(t, memory={"limit": -1})
    with watching(t, box, "--interval", "200ms") as watcher:
        equal("raw" in watcher.next("stats")["data"]["memory"], True, "memory.stat")
        with given_again(top):
            eventually(lambda: "raw" not in watcher.next("stats")["data"]["memory"], "the controller is still there")
            before = watcher.ticks()
            time.sleep(1)
            true(watcher.ticks() - before <= 30, f"it does not sleep: {watcher.ticks() - before} ticks")
        eventually(lambda: "raw" in watcher.next("stats")["data"]["memory"], "the controller does not come back")
        t.runtime("update", "--memory", str(LIMIT), box.id).ok()
        hog(box)
        equal(watcher.next("oom")["id"], box.id, "id")


@contextlib.contextmanager
def given_again(subtree_control):
    subtree_control.write_text("-memory")
    try:
        yield
    finally:
        subtree_control.write_text("+memory")
