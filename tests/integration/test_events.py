# SPDX-License-Identifier: Apache-2.0
"""events: samples, a single one or one each interval, and the end of the watch."""

import json
import os
import pathlib
import signal
import time

import pytest

import isolation
import leaks
from harness import contains, equal, eventually, true
from hooks import removed
from marks import differs, needs, parametrize
from resources import created, running
from test_kill import family
from watching import Watcher, keys, nothing_to_watch, sample, watching

RUNC = "/usr/sbin/runc"
# Later versions of runc have these keys; Debian's 1.1.5 does not.
SINCE_THEN = {f"{part}.psi{rest}" for part in ("cpu", "memory", "blkio")
              for rest in ["", *(f".{which}{number}" for which in ("some", "full")
                                 for number in ("", ".avg10", ".avg60", ".avg300", ".total"))]} | {"memory.usage.max"}
GROUPS = {"cpu", "cpuset", "memory", "pids", "blkio", "hugetlb", "intel_rdt", "network_interfaces"}
ALWAYS = {"cpu.usage", "cpu.usage.total", "cpu.usage.kernel", "cpu.usage.user", "cpu.throttling",
          "cpuset.cpu_exclusive", "cpuset.mem_hardwall", "cpuset.mem_exclusive", "cpuset.memory_migrate",
          "cpuset.memory_spread_page", "cpuset.memory_spread_slab", "cpuset.memory_pressure",
          "cpuset.sched_load_balance", "cpuset.sched_relax_domain_level",
          *(f"memory.{part}{rest}" for part in ("usage", "swap", "kernel", "kernelTCP")
            for rest in ("", ".limit", ".failcnt")),
          "pids.current"}


def watcher_is_ready(watcher):
    watcher.asleep()
    equal(watcher.child.poll(), None, f"exit code ({watcher.said()})")
    return watcher


def kill(box):
    box.kill("KILL").ok()
    box.wait()


# ---- one sample -------------------------------------------------------------------------------------------

def test_one_sample(t):
    """--stats prints one line with every group of numbers, and returns at once."""
    box = running(t)
    data = sample(t, box)
    equal(set(data), GROUPS, "groups")
    equal(ALWAYS - keys(data), set(), "keys that are missing")
    equal((data["intel_rdt"], data["network_interfaces"]), ({}, None), "what is not there")
    equal(data["pids"]["current"], 1, "processes")


def runc_on_v2():
    return None if isolation.cgroup2_mount() == pathlib.Path("/sys/fs/cgroup") else "runc would use cgroup v1 here"


@differs("it is compared with itself")
@needs(runc_on_v2)
def test_the_keys_of_runc(t):
    """The keys are those of runc's sample of the same bundle, and those that runc has gained since."""
    box, twin, pid_file = t.sleeper(), f"{t.prefix}-runc", t.scratch / "twin.pid"
    command = [RUNC, "--root", t.scratch / "runc"]
    # runc runs first, because it enables every controller below, and bulkhead only those that a container needs.
    t.runtime.exec([*command, "run", "--detach", "--pid-file", pid_file, "--bundle", box.bundle.path, twin]).exits(0)
    try:
        theirs = json.loads(t.runtime.exec([*command, "events", "--stats", twin]).exits(0).out)["data"]
        box.run_detached().ok()
        own = sample(t, box)
    finally:
        t.runtime.exec([*command, "kill", twin, "KILL"])
        eventually(lambda: os.waitpid(int(pid_file.read_text()), os.WNOHANG)[0], "runc's container does not end")
        t.runtime.exec([*command, "delete", "--force", twin]).exits(0)
    busy = {"memory.cache", "memory.swap.usage", "memory.usage.usage"}  # left out if 0
    equal(keys(theirs) - keys(own) - busy, set(), "keys that runc has alone")
    equal(keys(own) - keys(theirs) - busy - SINCE_THEN, set(), "keys that bulkhead has alone")


def test_time_is_that_of_the_cgroup(t):
    """CPU times are those of cpu.stat, in nanoseconds."""
    box = t.shell("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 60")
    box.run_detached().ok()

    def stat():
        return {line.split()[0]: int(line.split()[1]) for line in (box.cgroup() / "cpu.stat").read_text().splitlines()}
    before = stat()
    usage = sample(t, box)["cpu"]["usage"]
    after = stat()
    for name, row in (("total", "usage_usec"), ("user", "user_usec"), ("kernel", "system_usec")):
        low, high = before[row] * 1000, after[row] * 1000
        true(low <= usage[name] <= high, f"{name} is {usage[name]}, cpu.stat says {low} before and {high} after it")


def test_processes_are_counted(t):
    """The sample counts processes without the pids controller too."""
    box, pids = family(t, "sleep 61 & sleep 62 & wait; sleep 63")
    equal(sample(t, box)["pids"]["current"], 1 + len(pids), "processes")


def test_of_a_created_one(t):
    """A created container has numbers."""
    equal(sample(t, created(t))["pids"]["current"], 1, "processes")


def test_of_a_paused_one(t):
    """A paused container has numbers."""
    box = running(t)
    t.runtime("pause", box.id).ok()
    equal(sample(t, box)["pids"]["current"], 1, "processes")


# ---- what is refused --------------------------------------------------------------------------------------

@parametrize("_, *flags", [("one", "--stats"), ("all",)])
def test_of_a_stopped_one(t, _, flags):
    """A stopped container has no numbers: events fails."""
    box = t.container("true")
    box.run_detached().ok()
    box.wait()
    contains(t.runtime("events", *flags, box.id).exits(1).err, f"container with id {box.id} is not running", "stderr")


@parametrize("_, *flags", [("one", "--stats"), ("all",)])
def test_of_an_unknown_one(t, _, flags):
    """The error is that the container does not exist."""
    t.root.mkdir()
    contains(t.runtime("events", *flags, "nobody").exits(1).err, "does not exist", "stderr")


@parametrize("word", ["0", "0s", "-1s", "5", "abc", "1d", " 5s", "5 s", "3000000h", "0.1ns"])
def test_a_bad_interval(t, word):
    """A word that is no duration above zero is an error, with --stats too."""
    box = running(t)
    for flags in ([], ["--stats"]):
        result = t.runtime("events", "--interval", word, *flags, box.id).exits(1)
        true("interval" in result.err, str(result))
        equal('"stats"' in result.out, False, "a sample is printed")


@differs("runc takes an empty one for 0")
def test_an_empty_interval(t):
    """An empty word is no duration."""
    contains(t.runtime("events", "--interval", "", running(t).id).exits(1).err, "--interval \"\"", "stderr")


@parametrize("word", ["5s", "1m30s", "100ms", "1.5h", "1h1m1s1ms1us1ns", "+5s"])
def test_a_good_interval(t, word):
    """events accepts Go's durations."""
    t.runtime("events", "--interval", word, "--stats", running(t).id).ok()


@parametrize("_, *ids", [("none",), ("two", "a", "b")])
def test_one_id(t, _, ids):
    """events needs exactly one id."""
    t.root.mkdir()
    result = t.runtime("events", "--stats", *ids)
    true(result.code != 0 and result.err, str(result))


@differs("an option of crun")
def test_without_a_cgroup(t):
    """A container without a cgroup has no numbers, and the error gives that reason."""
    box = t.sleeper()
    t.runtime("--cgroup-manager", "disabled", "run", "--detach", "--pid-file", box.pid_file, "--bundle",
              box.bundle.path, box.id).exits(0)
    for flags in ([], ["--stats"]):
        contains(t.runtime("events", *flags, box.id).exits(1).err, "it has no cgroup of its own", "stderr")


# ---- one each interval ------------------------------------------------------------------------------------

@needs(nothing_to_watch)
def test_one_each_interval(t):
    """The first sample comes after one interval, each further one an interval later: no delay adds up."""
    interval, count = 0.4, 6
    with watching(t, running(t), "--interval", "400ms") as watcher:
        times = []
        for _ in range(count):
            equal(watcher.next()["type"], "stats", "type")
            times.append(time.monotonic() - watcher.begin)
    true(times[0] >= interval, f"the first one comes after {times[0]:.2f} s")
    true(times[-1] >= count * interval, f"{count} come within {times[-1]:.2f} s")
    true(times[-1] - times[0] <= (count - 1) * interval + 0.35, f"they take {times[-1] - times[0]:.2f} s")


@needs(nothing_to_watch)
def test_each_five_seconds(t):
    """Without --interval the interval is five seconds."""
    with watching(t, running(t)) as watcher:
        equal(watcher.next()["type"], "stats", "type")
        took = time.monotonic() - watcher.begin
    true(5 <= took <= 8, f"the first one comes after {took:.2f} s")


@needs(nothing_to_watch)
def test_a_created_one_that_starts(t):
    """A watch can begin before the container's start; it goes on while the container is paused."""
    box = t.sleeper()
    box.create().ok()
    with watching(t, box, "--interval", "200ms") as watcher:
        for act in ("start", "pause", "resume"):
            equal(watcher.next()["type"], "stats", "type")
            t.runtime(act, box.id).ok()
        equal(watcher.next()["type"], "stats", "type")
        kill(box)
        true("oom" not in watcher.all(), "an oom is reported")
        equal(watcher.ends(), 0, "exit code")


# ---- the end ----------------------------------------------------------------------------------------------

@needs(nothing_to_watch)
@parametrize("how", ["kill", "exit", "delete", "delete a paused one"])
def test_ends_with_the_container(t, how):
    """The watch ends with success after the container has ended, long before the next sample."""
    box, go = t.gated("exit 3")
    box.run_detached().ok()
    with watching(t, box, "--interval", "1h") as watcher:
        watcher_is_ready(watcher)
        if how == "exit":
            go()
            box.wait()
        elif how == "kill":
            kill(box)
        else:
            if how.endswith("paused one"):
                t.runtime("pause", box.id).ok()
            removed(box, "--force")
        equal(watcher.ends(), 0, "exit code")
        equal(watcher.all(), [], "events")


@needs(nothing_to_watch)
def test_ends_with_an_attached_run(t):
    """The watch ends too if run removes the cgroup at the moment of the end."""
    for _ in range(5):
        box, go = t.gated("exit 3")
        child = box.run_in_background()
        with watching(t, box, "--interval", "1h") as watcher:
            watcher_is_ready(watcher)
            go()
            equal(child.wait(10), 3, "exit code of run")
            equal(watcher.ends(), 0, "exit code")


@needs(nothing_to_watch)
def test_ends_with_the_last_process(t):
    """In a shared pid namespace other processes may outlive the first; the watch ends with the last."""
    box, pids = family(t, "sleep 61 & sleep 62 & wait; sleep 63", private=False)
    with watching(t, box, "--interval", "1h") as watcher:
        watcher_is_ready(watcher)
        os.kill(box.pid, signal.SIGKILL)
        box.wait()
        watcher.silent(0.5)
        equal(watcher.child.poll(), None, "exit code")
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        leaks.reap_orphans()
        eventually(lambda: leaks.reap_orphans() or watcher.child.poll() is not None, "the watcher does not end")


@differs("runc notices a missing reader only when it writes")
@parametrize("how", ["pipe", "terminal"])
def test_ends_with_its_reader(t, how):
    """The watch ends after its reader has gone, and does not wait for the next sample."""
    box = running(t)
    reader, writer = os.pipe() if how == "pipe" else os.openpty()
    with watching(t, box, "--interval", "1h", stdout=writer) as watcher:
        os.close(writer)
        watcher_is_ready(watcher)
        os.close(reader)
        equal(watcher.ends(), 1, "exit code")
        contains(watcher.said(), "broken pipe", "stderr")
    equal(box.status(), "running", "status")


@needs(nothing_to_watch)
def test_ends_with_its_reader_at_the_next_sample(t):
    """At a sample without a reader the watch fails, and no process is left."""
    reader, writer = os.pipe()
    os.close(reader)
    with watching(t, running(t), "--interval", "100ms", stdout=writer) as watcher:
        os.close(writer)
        true(watcher.ends() != 0, "it ends successfully")


@differs("runc goes on and complains of each sample")
def test_a_full_disk(t):
    """A sample that cannot be written is an error."""
    with open("/dev/full", "wb") as full, watching(t, running(t), "--interval", "100ms", stdout=full) as watcher:
        equal(watcher.ends(), 1, "exit code")
        contains(watcher.said(), "no space left on device", "stderr")


@needs(nothing_to_watch)
@parametrize("name", ["TERM", "INT", "HUP", "KILL"])
def test_ends_by_a_signal(t, name):
    """A signal ends the watch at once; the container goes on."""
    box, number = running(t), getattr(signal, f"SIG{name}")

    def heed():  # the caller of the cases may ignore some signals
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
    with watching(t, box, "--interval", "1h", preexec_fn=heed) as watcher:
        watcher_is_ready(watcher)
        watcher.child.send_signal(number)
        true(watcher.ends() != 0, "it ends successfully")
    equal(box.status(), "running", "status")


@needs(nothing_to_watch)
def test_a_reader_that_does_not_read(t):
    """Samples wait for their reader. The watch omits those that are late, and does not miss the end."""
    box = running(t)
    with watching(t, box, "--interval", "1ms") as watcher:
        time.sleep(1.5)
        equal(watcher.child.poll(), None, "exit code")
        kill(box)
        true(watcher.all().count("stats") > 5, "samples are missing")
        equal(watcher.ends(), 0, "exit code")


# ---- what it costs ----------------------------------------------------------------------------------------

@needs(nothing_to_watch)
def test_it_sleeps(t):
    """Between two samples the watch does nothing, whatever happened before."""
    box = running(t)
    with watching(t, box, "--interval", "1h") as watcher:
        watcher_is_ready(watcher)
        for verb in ("pause", "resume"):
            t.runtime(verb, box.id).ok()
        time.sleep(0.3)
        before = watcher.ticks()
        time.sleep(1)
        true(watcher.ticks() - before <= 1, f"it uses {watcher.ticks() - before} hundredths of a second of CPU time")


@differs("Go collects garbage when it pleases")
@pytest.mark.timeout(120)
def test_a_thousand_samples(t):
    """A thousand samples take no more memory than a hundred."""
    with watching(t, running(t), "--interval", "1ms") as watcher:
        for _ in range(100):
            watcher.next("stats")
        if watcher.memory("VmSize") > 1 << 30:
            return  # AddressSanitizer, which keeps freed memory for a while
        before = watcher.memory("VmRSS")
        for _ in range(1000):
            watcher.next("stats")
        after = watcher.memory("VmRSS")
    true(after - before <= 64, f"{before} KiB have become {after} KiB")


@needs(nothing_to_watch)
@pytest.mark.timeout(90)
def test_twenty_at_once(t):
    """Twenty watches of one container: each sees it live, and each sees its end."""
    box = running(t)
    watchers = [Watcher(t, box, "--interval", "500ms") for _ in range(20)]
    try:
        for watcher in watchers:
            for _ in range(3):
                equal(watcher.next(seconds=40)["type"], "stats", "type")
        kill(box)
        for watcher in watchers:
            watcher.all()
            equal(watcher.ends(), 0, "exit code")
    finally:
        for watcher in watchers:
            watcher.child.kill()
            watcher.child.communicate()
