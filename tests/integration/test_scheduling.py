# SPDX-License-Identifier: Apache-2.0
"""Scheduler, I/O priority and personality of the program."""

import ctypes
import os
import struct

import pytest

from harness import contains, equal
from marks import differs, parametrize

pytestmark = pytest.mark.by_the_stage

NEWER = "runc 1.1.5 is older than the property"
LIBC = ctypes.CDLL(None, use_errno=True)
SYS_IOPRIO_GET = {"x86_64": 252, "aarch64": 31}[os.uname().machine]
SYS_SCHED_GETATTR = {"x86_64": 315, "aarch64": 275}[os.uname().machine]


def running(t, **properties):
    """A detached sleeper with these properties of process."""
    box = t.sleeper(**properties)
    box.run_detached().ok()
    return box


def refused(t, config, *words):
    """The document is refused with these words and leaves nothing."""
    box = t.container("true")
    box.bundle.edit(config)
    result = box.run().exits(1)
    for word in words:
        contains(result.err, word, "stderr")
    t.no_state()


def deadline_of(pid):
    """(runtime, deadline, period) of a process, by sched_getattr(2)."""
    attributes = ctypes.create_string_buffer(48)
    equal(LIBC.syscall(SYS_SCHED_GETATTR, pid, attributes, len(attributes), 0), 0, "sched_getattr")
    return struct.unpack_from("<QQQ", attributes, 24)


def io_priority(pid):
    """(class, priority) of a process."""
    value = LIBC.syscall(SYS_IOPRIO_GET, 1, pid)
    return value >> 13, value & 0x1fff


@differs(NEWER)
@parametrize("word, policy, nice", [("SCHED_BATCH", os.SCHED_BATCH, 7), ("SCHED_OTHER", os.SCHED_OTHER, -5)])
def test_policy_and_nice(t, word, policy, nice):
    """The program has the policy and the nice value, although its user could not set them."""
    box = running(t, scheduler={"policy": word, "nice": nice}, user={"uid": 1000, "gid": 1000})
    equal(os.sched_getscheduler(box.pid), policy, "policy")
    equal(os.getpriority(os.PRIO_PROCESS, box.pid), nice, "nice")


@differs(NEWER)
@parametrize("more", [0, 5])
def test_idle_leaves_the_nice_value(t, more):
    """sched_setattr(2) takes a nice value for SCHED_OTHER and SCHED_BATCH alone: it stays the caller's."""
    expected = min(os.getpriority(os.PRIO_PROCESS, 0) + more, 19)
    box = t.sleeper(scheduler={"policy": "SCHED_IDLE", "nice": 0}, user={"uid": 1000, "gid": 1000})
    box.run_detached(setup={"nice": more}).ok()
    equal(os.sched_getscheduler(box.pid), os.SCHED_IDLE, "policy")
    equal(os.getpriority(os.PRIO_PROCESS, box.pid), expected, "nice")


@differs(NEWER)
@parametrize("word, policy", [("SCHED_FIFO", os.SCHED_FIFO), ("SCHED_RR", os.SCHED_RR)])
def test_realtime_priority(t, word, policy):
    """The program has the real-time policy and priority, and a fork of it has not, if the flag says so."""
    box = running(t, scheduler={"policy": word, "priority": 9, "flags": ["SCHED_FLAG_RESET_ON_FORK"]})
    equal(os.sched_getscheduler(box.pid), policy | os.SCHED_RESET_ON_FORK, "policy")
    equal(os.sched_getparam(box.pid).sched_priority, 9, "priority")


@differs(NEWER)
def test_deadline(t):
    """Runtime, deadline and period reach the kernel."""
    times = {"runtime": 1_000_000, "deadline": 10_000_000, "period": 20_000_000}
    box = running(t, scheduler={"policy": "SCHED_DEADLINE", **times})
    equal(os.sched_getscheduler(box.pid), 6, "policy")
    equal(deadline_of(box.pid), tuple(times.values()), "runtime, deadline and period")


@differs(NEWER)
def test_what_is_not_said_is_0(t):
    """Without nice the program has 0, whatever its caller has; without priority a real-time policy is refused."""
    refused(t, lambda config: config["process"].update(scheduler={"policy": "SCHED_FIFO"}), "/process/scheduler")
    box = t.sleeper(scheduler={"policy": "SCHED_BATCH"})
    command = t.runtime.command("run", "--detach", "--bundle", box.bundle.path, "--pid-file", box.pid_file, box.id)
    t.runtime.exec(["nice", "-n", "7", *command]).ok()
    equal(os.sched_getscheduler(box.pid), os.SCHED_BATCH, "policy")
    equal(os.getpriority(os.PRIO_PROCESS, box.pid), 0, "nice")


@differs(NEWER)
def test_a_deadline_that_no_kernel_takes_is_refused(t):
    """What sched_setattr(2) refuses ends the creation, with the property's pointer."""
    wish = {"policy": "SCHED_DEADLINE", "runtime": 30, "deadline": 20, "period": 10}
    refused(t, lambda config: config["process"].update(scheduler=wish), "/process/scheduler", "sched_setattr")


@differs(NEWER)
def test_a_nice_value_out_of_range_is_refused(t):
    """nice goes from -20 to 19."""
    refused(t, lambda config: config["process"].update(scheduler={"policy": "SCHED_OTHER", "nice": 20}),
            "/process/scheduler/nice", "invalid scheduler.nice: 20")


def test_without_a_scheduler_the_callers_stays(t):
    """A container without the property has the policy of its caller."""
    box = running(t)
    equal(os.sched_getscheduler(box.pid), os.sched_getscheduler(0), "policy")


@differs(NEWER)
@parametrize("word, number, priority", [
    ("IOPRIO_CLASS_BE", 2, 6), ("IOPRIO_CLASS_IDLE", 3, 0), ("IOPRIO_CLASS_RT", 1, 2)])
def test_io_priority_is_set(t, word, number, priority):
    """The program's I/O class and priority are the given ones, whoever it is."""
    box = running(t, ioPriority={"class": word, "priority": priority}, user={"uid": 1000, "gid": 1000})
    equal(io_priority(box.pid), (number, priority), "I/O priority")


@differs(NEWER)
def test_io_priority_is_the_containers_alone(t):
    """The caller, in another process group, keeps its own."""
    before = io_priority(0)
    running(t, ioPriority={"class": "IOPRIO_CLASS_IDLE", "priority": 1})
    equal(io_priority(0), before, "the caller's I/O priority")


@differs(NEWER)
def test_an_io_priority_out_of_range_is_refused(t):
    """Priorities go from 0 to 7."""
    refused(t, lambda config: config["process"].update(ioPriority={"class": "IOPRIO_CLASS_BE", "priority": 8}),
            "/process/ioPriority/priority", "invalid ioPriority.Priority: 8")


@differs(NEWER)
@parametrize("word, expected", [("LINUX32", "00000008"), ("LINUX", "00000000")])
def test_personality(t, word, expected):
    """The execution domain is the given one."""
    box = t.sleeper()
    box.bundle.edit(lambda config: config["linux"].update(personality={"domain": word}))
    box.run_detached().ok()
    equal(box.proc("personality").strip(), expected, "personality")


@differs(NEWER)
def test_personality_flags_are_a_warning(t):
    """The standard knows no flag: the warning names it, and the container runs."""
    box = t.container("true")
    box.bundle.edit(lambda config: config["linux"].update(personality={"domain": "LINUX", "flags": ["ADDR_NO"]}))
    log = t.scratch / "log"
    t.runtime("--log", log, "run", "--bundle", box.bundle.path, box.id).ok()
    contains(log.read_text(), "ignoring unsupported personality flags: [ADDR_NO]", "log")


@differs(NEWER)
def test_an_unknown_personality_is_refused(t):
    """LINUX and LINUX32 are all."""
    refused(t, lambda config: config["linux"].update(personality={"domain": "BSD"}), "/linux/personality/domain")
