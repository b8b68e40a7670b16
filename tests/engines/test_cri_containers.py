# SPDX-License-Identifier: Apache-2.0
"""Containers of the CRI: life, status, exec, logs."""

import os
import re

from cases import case
from cri import STOPS_BY_USR1
from harness import command_line, contains, equal, true

TRAP = "trap 'exit 9' TERM; trap 'exit 8' USR1; echo ready; while :; do sleep 0.1; done"
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"


@case(each=[(0, "Completed"), (3, "Error")], smoke=True)
def life(t, code, reason):
    """A container is created, running, and exited with its status {} for the reason {}."""
    box = t.pod().create("sh", "-c", f"read line </gate; exit {code}", mounts=[t.gate()])
    equal(box.state(), "CREATED", "state")
    box.start()
    equal(box.state(), "RUNNING", "state")
    t.open_gate()
    status = box.ends()
    equal((status.exit_code, status.reason), (code, reason), "status and reason")
    true(status.created_at <= status.started_at <= status.finished_at, "the times are in order")


@case()
def process(t):
    """Command and arguments, the environment and the working directory are the container's."""
    envs = [{"key": "A", "value": "b c"}]
    out = t.pod().output("sh", args=["-c", "echo $0 $A; pwd", "word"], envs=envs, working_dir="/tmp")
    equal(out, "word b c\n/tmp\n", "output")


@case()
def missing_program(t):
    """A container whose program is not there does not start, and says why."""
    box = t.pod().create("absent")
    refusal = t.refused("StartContainer", container_id=box.id)
    contains(refusal.details, "executable file not found in $PATH", "the refusal")
    status = box.status()
    equal((box.state(), status.exit_code, status.reason), ("EXITED", 128, "StartError"), "state, status and reason")
    contains(status.message, "executable file not found in $PATH", "the message")


@case(smoke=True)
def exec_sync(t):
    """ExecSync returns the program's output, its errors and its status."""
    box = t.pod().sleeper()
    done = box.exec("sh", "-c", "echo out; echo err >&2; exit 5")
    equal((done.stdout, done.stderr, done.exit_code), (b"out\n", b"err\n", 5), "what was said")
    equal(box.exec_output("cat", "/proc/1/cmdline"), "sleep\x00600\x00", "the first process")
    equal(len(box.exec("sh", "-c", "head -c 1000000 /dev/zero").stdout), 1000000, "the length of a long output")


@case()
def exec_sync_timeout(t):
    """An ExecSync that takes longer than its timeout fails, and its program is ended; the container lives on."""
    box = t.pod().sleeper()
    refusal = t.refused("ExecSync", container_id=box.id, cmd=["sleep", "601"], timeout=1)
    equal(refusal.code, "DEADLINE_EXCEEDED", "the refusal")
    t.eventually(lambda: not sleepers(), "the program ends")
    equal(box.state(), "RUNNING", "the container")


def sleepers():
    return [pid for pid in os.listdir("/proc") if pid.isdigit() and command_line(pid) == "sleep\x00601\x00"]


@case()
def exec_sync_refused(t):
    """A missing program, and any in a container that has ended, are refused."""
    pod = t.pod()
    box = pod.sleeper()
    contains(t.refused("ExecSync", container_id=box.id, cmd=["absent"]).details, "executable file not found in $PATH",
             "the refusal")
    ended = pod.container("true")
    ended.ends()
    contains(t.refused("ExecSync", container_id=ended.id, cmd=["true"]).details, "CONTAINER_EXITED", "the refusal")


@case(smoke=True)
def log(t):
    """Each line of the log has a time, its stream, and whether the line is complete."""
    box = t.pod().container("sh", "-c", "echo out; sleep 0.3; echo err >&2; sleep 0.3; printf unfinished")
    box.ends()
    t.eventually(lambda: len(box.entries()) == 3, "the log is complete")
    equal(box.entries()[:2], [("stdout", "F", "out"), ("stderr", "F", "err")], "entries")
    equal((box.entries()[2][0], box.entries()[2][2]), ("stdout", "unfinished"), "the last entry")
    for line in box.log.read_text().splitlines():
        true(re.fullmatch(STAMP, line.split()[0]), f"a time begins the line: {line}")


@case()
def log_reopened(t):
    """After ReopenContainerLog the rest goes to a new file, as when logs are rotated."""
    script = "echo one; read line </gate; echo two; sleep 600"
    box = t.pod().container("sh", "-c", script, mounts=[t.gate()]).says("one")
    box.log.rename(t.directory / "rotated")
    t("ReopenContainerLog", container_id=box.id)
    t.open_gate()
    box.says("two")
    equal([text for _, _, text in box.entries()], ["two"], "the new log")


@case(smoke=True)
def terminal(t):
    """With tty the container's streams are a terminal, whose output is in the log."""
    box = t.pod().container("sh", "-c", "tty; test -t 0 && test -t 1 && test -t 2; exit $?", tty=True)
    equal(box.ends().exit_code, 0, "status")
    contains(box.text(), "/dev/pts/0", "the log")


@case(each=[("by_term", 9), ("by_the_image", 8)], smoke=True)
def stop(t, name, code):
    """StopContainer sends SIGTERM, or what the image says, and gives time to end: the status is {1}."""
    more = {"image": STOPS_BY_USR1} if name == "by_the_image" else {}
    box = t.pod().container("sh", "-c", TRAP, **more).says("ready")
    equal(box.stop(timeout=50).exit_code, code, "status")


@case()
def stop_with_patience(t):
    """A container that ignores SIGTERM is killed after the timeout."""
    script = "trap 'echo ignored' TERM; echo ready; while :; do sleep 0.1; done"
    box = t.pod().container("sh", "-c", script).says("ready")
    equal(box.stop(timeout=2).exit_code, 137, "status")
    contains(box.text(), "ignored", "the log")


@case()
def removed_while_it_runs(t):
    """RemoveContainer of a running one ends it; the pod and its other container live on."""
    pod = t.pod()
    box, other = pod.sleeper(), pod.sleeper()
    pid = box.pid()
    box.remove()
    equal(command_line(pid), "", "the process")
    equal((other.state(), pod.status().state), ("RUNNING", 0), "the other, and the pod")


@case()
def again(t):
    """A container that has failed is replaced by a new one in the same pod, as a kubelet restarts it."""
    pod = t.pod()
    for attempt in range(3):
        box = pod.container("sh", "-c", f"exit {attempt + 1}")
        equal(box.ends().exit_code, attempt + 1, "status")
        box.remove()
    equal(len(t("ListContainers").containers), 0, "containers")


@case()
def many(t):
    """Six containers in a pod run at the same time, each with its status."""
    pod = t.pod()
    boxes = [pod.container("sh", "-c", f"sleep 1; exit {n}") for n in range(6)]
    equal([box.ends().exit_code for box in boxes], list(range(6)), "statuses")
