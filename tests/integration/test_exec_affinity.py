# SPDX-License-Identifier: Apache-2.0
"""process.execCPUAffinity: the processors on which an executed program runs."""

import os

import pytest

from harness import equal, status_field
from marks import differs, needs, parametrize
from test_exec import running
from test_exec_process import NEWER, refused, sleeping

pytestmark = pytest.mark.by_the_stage

HOST_CPUS = sorted(os.sched_getaffinity(0))


def one_cpu():
    return None if len(HOST_CPUS) > 1 else "this machine has one processor"


@differs(NEWER)
@needs(one_cpu)
@parametrize("how", ["final", "initial and final"])
def test_cpu_affinity_of_the_file(t, how):
    """final is the program's affinity, whatever initial is; the container's first process keeps its own."""
    box = running(t)
    first, last = str(HOST_CPUS[0]), str(HOST_CPUS[-1])
    wish = {"final": last, **({"initial": first} if how != "final" else {})}
    process = sleeping(box, execCPUAffinity=wish)
    equal(os.sched_getaffinity(process.pid), {HOST_CPUS[-1]}, "affinity")
    equal(os.sched_getaffinity(box.pid), set(HOST_CPUS), "affinity of init")


@differs(NEWER)
@needs(one_cpu)
@parametrize("number", [0, -1])
def test_initial_without_final(t, number):
    """Without final the kernel decides; with cgroup v2 and no cpuset it keeps initial."""
    process = sleeping(running(t), execCPUAffinity={"initial": str(HOST_CPUS[number])})
    equal(os.sched_getaffinity(process.pid), {HOST_CPUS[number]}, "affinity")


@differs(NEWER)
@needs(one_cpu)
def test_cpu_affinity_of_the_container(t):
    """Without a file the affinity is that of the container's process; it affects exec only."""
    box = running(t, execCPUAffinity={"initial": str(HOST_CPUS[0]), "final": str(HOST_CPUS[-1])})
    equal(os.sched_getaffinity(box.exec_detached("sleep", "61").pid), {HOST_CPUS[-1]}, "affinity")
    equal(os.sched_getaffinity(sleeping(box, execCPUAffinity=None).pid), {HOST_CPUS[-1]}, "affinity with a file")
    equal(os.sched_getaffinity(box.pid), set(HOST_CPUS), "affinity of init")


@differs(NEWER)
@needs(one_cpu)
@parametrize("form", ["{0}-{0}", "{0}", "{0},{0}", "{0},{0}-{0}"])
def test_lists(t, form):
    """A list has numbers and ranges, also more than once."""
    process = sleeping(running(t), execCPUAffinity={"final": form.format(HOST_CPUS[-1])})
    equal(os.sched_getaffinity(process.pid), {HOST_CPUS[-1]}, "affinity")


@differs(NEWER)
@parametrize("word", ["x", "1-", "-1", "3-1", "0,,1", "0x1", "99999999999"])
def test_what_is_no_list_of_processors_is_refused(t, word):
    """Any other word is an error that names the property."""
    box = running(t)
    for name in ("initial", "final"):
        refused(box, box.process_file(args=["true"], execCPUAffinity={name: word}), "execCPUAffinity")


@differs(NEWER)
def test_a_processor_that_is_not_there_is_refused(t):
    """A program does not run if its processor does not exist."""
    box = running(t)
    refused(box, box.process_file(args=["true"], execCPUAffinity={"final": "1023"}))


@needs(one_cpu)
def test_the_callers_affinity_without_a_wish(t):
    """Without execCPUAffinity the program has the same affinity as a container that this caller makes."""
    caller = ["taskset", "-c", str(HOST_CPUS[0])]
    box = t.sleeper()
    t.runtime.exec([*caller, *t.runtime.command("run", "--detach", "--bundle", box.bundle.path, "--pid-file",
                                                box.pid_file, box.id)]).ok()
    out = t.runtime.exec([*caller, *t.runtime.command("exec", box.id, "cat", "/proc/self/status")]).ok().out
    equal(status_field(out, "Cpus_allowed_list"), status_field(box.proc("status"), "Cpus_allowed_list"), "affinity")
