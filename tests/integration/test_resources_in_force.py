# SPDX-License-Identifier: Apache-2.0
"""Limits that a workload runs into: at create, and again after `update`."""

import contextlib
import json
import pathlib
import shutil
import subprocess
import time

import pytest

from harness import equal, status_field, true
from marks import differs, needs
from resources import MIB, NO_UNITS, disk, disk_numbers, limited, no_controllers, read, running, scratch_directory

HOG = ["tail", "/dev/zero"]  # keeps all that it has read of the line that never ends
SPIN = ["sh", "-c", "while :; do :; done"]
KILLED = 137
SWAP = pathlib.Path("/tmp/swap")


def field(box, file, name):
    """A number of a flat-keyed file."""
    return int(dict(line.split() for line in read(box, file).splitlines())[name])


def update(box, *flags):
    box.runtime("update", *flags, box.id).ok()


# ---- memory -----------------------------------------------------------------------------------------------

@needs(no_controllers)
def test_a_hog_is_killed(t):
    """Who wants more than the limit is killed, and `run` returns 137."""
    limited(t, *HOG, memory={"limit": 24 * MIB}).run().exits(KILLED)


@differs(crun=NO_UNITS)
@needs(no_controllers)
def test_a_hog_is_killed_behind_update(t):
    """The same by a limit that was set while the container ran."""
    box = running(t)
    update(box, "--memory", "24m")
    box.exec(*HOG).exits(KILLED)
    true(field(box, "memory.events", "oom_kill") >= 1, "no kill is counted")
    equal(box.status(), "running", "status: the hog was killed, not the container")


@differs(crun=NO_UNITS)
@needs(no_controllers)
def test_a_hog_has_room_behind_update(t):
    """A limit that was raised lets a program have what killed it before."""
    box = running(t, memory={"limit": 16 * MIB})
    room = ["sh", "-c", "head -c 24m /dev/zero | tail -c 1 | wc -c; x=$(head -c 12m /dev/zero | tr '\\0' x); echo ${#x}"]
    true(box.exec(*room).code != 0, "12 MiB in a shell fit into 16 MiB")
    update(box, "--memory", "256m")
    equal(box.exec(*room).ok().lines()[-1], str(12 * MIB), "length of the string")


# ---- pids -------------------------------------------------------------------------------------------------

def storm(box):
    """Forks until it cannot, which ends the shell; how many there are, and the shell with them until it is collected."""
    script = "exec 2>/dev/null; i=0; while [ $i -lt 60 ]; do sleep 20 & i=$((i+1)); done"
    box.exec_detached("sh", "-c", script).wait_dead(20)
    true(field(box, "pids.events", "max") > 0, "the kernel has counted no refusal")
    return int(read(box, "pids.current"))


@needs(no_controllers)
def test_a_fork_storm_stops(t):
    """No process more than the limit says."""
    equal(storm(running(t, pids={"limit": 20})), 20, "processes")


@needs(no_controllers)
def test_a_fork_storm_stops_behind_update(t):
    """The same by a limit that was set while the container ran."""
    box = running(t)
    update(box, "--pids-limit", "15")
    equal(storm(box), 15, "processes")


# ---- cpu --------------------------------------------------------------------------------------------------

def usage(box):
    return field(box, "cpu.stat", "usage_usec")


def used(*boxes, seconds=4):
    """The CPU time that each uses of a second."""
    time.sleep(0.5)
    before, begin = [usage(box) for box in boxes], time.monotonic()
    time.sleep(seconds)
    after, took = [usage(box) for box in boxes], time.monotonic() - begin
    return [(late - early) / 1e6 / took for early, late in zip(before, after)]


def near(actual, expected, what):
    true(abs(actual - expected) <= 0.1 * expected, f"{what} is {actual:.3f}, expected {expected:.3f} within 10 %")


@needs(no_controllers)
def test_cpu_quota(t):
    """A program that never rests gets its quota, and after `update` the other one."""
    box = running(t, *SPIN, cpu={"quota": 20000, "period": 100000})
    near(used(box)[0], 0.2, "CPU time in a second")
    update(box, "--cpu-quota", "40000")
    near(used(box)[0], 0.4, "CPU time in a second after update")


SHARES = {100: "1024", 300: "4050"}  # of these weights, by the quadratic formula
SHARES_OF_RUNC = {100: "2598", 300: "7841"}  # and on a straight line, as Debian's runc and crun have it


@needs(no_controllers)
def test_cpu_weights(t):
    """Two that want the same CPU share it by their weights, and after `update` by the new ones."""
    pinned = {"cpu": {"cpus": "0"}}
    light = running(t, *SPIN, **pinned, unified={"cpu.weight": "100"})
    heavy = running(t, *SPIN, **pinned, unified={"cpu.weight": "300"})
    few, many = used(light, heavy)
    near(many / few, 3.0, "the heavy one's part of the light one's")
    shares = SHARES if t.bulkhead else SHARES_OF_RUNC
    for box, weight in ((light, 300), (heavy, 100)):
        update(box, "--cpu-share", shares[weight])
        equal(read(box, "cpu.weight"), str(weight), "cpu.weight after update")
    many, few = used(light, heavy)
    near(many / few, 3.0, "after update, the light one's part of the heavy one's")


@needs(no_controllers)
def test_cpuset(t):
    """A program runs on its CPU and on no other, and after `update` on the other one."""
    box = running(t, cpu={"cpus": "1"})
    allowed = ["sh", "-c", "grep Cpus_allowed_list /proc/self/status"]
    equal(box.exec(*allowed).ok().out.split()[-1], "1", "CPUs")
    update(box, "--cpuset-cpus", "0")
    equal(box.exec(*allowed).ok().out.split()[-1], "0", "CPUs after update")
    equal(status_field(box.proc("status"), "Cpus_allowed_list"), "0", "CPUs of the first process after update")


# ---- block devices ----------------------------------------------------------------------------------------

@contextlib.contextmanager
def on_disk(t, **resources):
    """A running container with a directory of the scratch disk at /mnt."""
    path = scratch_directory(t)
    bundle = t.bundle("sleep", "300")
    (bundle.rootfs / "mnt").mkdir()
    bundle.add_mount("/mnt", "bind", str(path), "rbind", "rw")
    box = limited(t, bundle=bundle, **resources)
    try:
        box.run_detached().ok()
        yield box
    finally:
        box.delete("--force")
        shutil.rmtree(path)


def writing(box, mebibytes):
    """Seconds for a write of so many MiB past the page cache."""
    begin = time.monotonic()
    box.exec("dd", "if=/dev/zero", "of=/mnt/file", "bs=256k", f"count={4 * mebibytes}", "oflag=direct").exits(0)
    return time.monotonic() - begin


@needs(no_controllers)
@pytest.mark.timeout(60)
def test_io_max(t):
    """A direct write is as slow as io.max says, and after `update` as fast as the disk."""
    slow = {**disk_numbers(), "rate": MIB}
    with on_disk(t, blockIO={"throttleWriteBpsDevice": [slow]}) as box:
        took = writing(box, 4)
        true(3.0 <= took <= 8, f"4 MiB at 1 MiB/s took {took:.1f} s")
        if t.control:  # runc 1.1.5 does not know throttles in update
            (box.cgroup() / "io.max").write_text(f"{disk()} wbps=16777216")
        else:
            document = {"blockIO": {"throttleWriteBpsDevice": [{**slow, "rate": 16 * MIB}]}}
            box.runtime("update", "--resources", "-", box.id, stdin=json.dumps(document).encode()).ok()
        took = writing(box, 4)
        true(took <= 2.5, f"4 MiB at 16 MiB/s took {took:.1f} s")


# ---- huge pages -------------------------------------------------------------------------------------------

@contextlib.contextmanager
def huge_pages(count):
    """So many pages of 2 MiB on this machine."""
    path = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")
    before = path.read_text()
    path.write_text(str(count))
    equal(path.read_text().strip(), str(count), "huge pages")
    try:
        yield
    finally:
        path.write_text(before)


@needs(no_controllers)
def test_hugetlb(t):
    """No huge page more than the limit says, and after `update` as many as the other one says."""
    with huge_pages(8):
        bundle = t.bundle("sleep", "300")
        (bundle.rootfs / "mnt").mkdir()
        bundle.add_mount("/mnt", "hugetlbfs", "hugetlbfs", "pagesize=2M")
        box = limited(t, bundle=bundle, hugepageLimits=[{"pageSize": "2MB", "limit": 4 * MIB}])
        box.run_detached().ok()
        take = ["fallocate", "-l"]
        box.exec(*take, str(4 * MIB), "/mnt/two").ok()
        true(box.exec(*take, str(2 * MIB), "/mnt/third").code != 0, "a third page is given away")
        document = b'{"hugepageLimits":[{"pageSize":"2MB","limit":6291456}]}'
        if t.control:  # runc 1.1.5 does not know them in update
            for file in ("hugetlb.2MB.max", "hugetlb.2MB.rsvd.max"):
                (box.cgroup() / file).write_text(str(6 * MIB))
        else:
            box.runtime("update", "--resources", "-", box.id, stdin=document).ok()
        box.exec(*take, str(2 * MIB), "/mnt/third").ok()
        true(box.exec(*take, str(2 * MIB), "/mnt/fourth").code != 0, "a fourth page is given away")
        box.delete("--force").ok()
        box.wait()


# ---- swap -------------------------------------------------------------------------------------------------

@needs(no_controllers)
def test_swap(t):
    """Memory and swap together are the limit where there is swap."""
    SWAP.write_bytes(bytes(96 * MIB))
    SWAP.chmod(0o600)
    subprocess.run(["mkswap", SWAP], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["swapon", SWAP], check=True)
    try:
        box = limited(t, *HOG, memory={"limit": 16 * MIB, "swap": 48 * MIB})
        child = box.run_in_background()
        peak = 0
        while child.poll() is None:
            with contextlib.suppress(OSError, ValueError):
                peak = max(peak, int(read(box, "memory.swap.current")))
            time.sleep(0.02)
        equal(child.returncode, KILLED, "exit code")
        true(0 < peak <= 32 * MIB, f"{peak} bytes of swap were used")
    finally:
        subprocess.run(["swapoff", SWAP], check=True)
        SWAP.unlink()
