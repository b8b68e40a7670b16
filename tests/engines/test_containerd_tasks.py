# SPDX-License-Identifier: Apache-2.0
"""ctr task: signals, pause, processes, removal, events."""

import json
import pathlib
import signal
import subprocess

from cases import case
from engine import IMAGE
from harness import command_line, contains, equal, true


@case(each=["TERM", "SIGKILL", "9", "RTMIN+2"], smoke=True)
def kill(t, name):
    """`ctr task kill --signal {}` ends the container, and its status says by which."""
    number = {"TERM": 15, "RTMIN+2": signal.SIGRTMIN + 2}.get(name, 9)
    trap = "" if number == 9 else f"trap 'exit {100 + number % 50}' {number}; "
    script = f"{trap}echo; while :; do sleep 0.1; done"
    child = t.background("run", "--rm", *t.words(), IMAGE, "c1", "sh", "-c", script, stdout=subprocess.PIPE)
    child.stdout.readline()
    t("task", "kill", "--signal", name, "c1").exits(0)
    equal(child.wait(20 * t.factor), 137 if number == 9 else 100 + number % 50, "status")


@case()
def kill_all(t):
    """`kill --all` reaches every process, not only the first, which lives on here."""
    t.detached("sh", "-c", "trap : USR1; sleep 601 & while :; do sleep 0.1; done")
    t.eventually(lambda: "sleep\x00601\x00" in lines(t), "the child runs")
    t("task", "kill", "--all", "--signal", "USR1", "c1").exits(0)
    t.eventually(lambda: "sleep\x00601\x00" not in lines(t), "the child is ended")
    t.becomes("RUNNING")


def processes(t):
    return [int(line.split()[0]) for line in t("task", "ps", "c1").exits(0).lines()[1:]]


def lines(t):
    return [command_line(pid) for pid in processes(t)]


@case()
def kill_of_an_ended(t):
    """A container that has ended cannot be killed: it is told, and is removed all the same."""
    t.detached("true")
    t.becomes("STOPPED")
    result = t("task", "kill", "c1")
    true(result.code == 1 and "not found" in result.err, f"it is not found: {result}")
    t("task", "rm", "c1").exits(0)


@case()
def pause(t):
    """A paused container stands still, is PAUSED, and goes on where it was."""
    t.detached("sh", "-c", "i=0; while :; do i=$((i + 1)); echo $i >/tmp/count; done")
    group, count = t.cgroup(), pathlib.Path(f"/proc/{t.pid()}/root/tmp/count")
    t.eventually(count.exists, "it counts")
    t("task", "pause", "c1").exits(0)
    t.becomes("PAUSED")
    contains((group / "cgroup.events").read_text(), "frozen 1", "cgroup.events")
    before = count.read_text()
    equal(t.tasks()["c1"][1], "PAUSED", "status")
    equal(count.read_text(), before, "the count")
    t("task", "resume", "c1").exits(0)
    t.becomes("RUNNING")
    t.eventually(lambda: count.read_text() not in ("", before), "it counts on")


@case()
def paused_and_killed(t):
    """In a paused container nothing is executed, and a kill ends it once it is resumed."""
    t.sleeper()
    t("task", "pause", "c1").exits(0)
    result = t.exec("true")
    true(result.code != 0 and "paused" in result.err, f"refused: {result}")
    t("task", "kill", "--signal", "KILL", "c1")
    t("task", "resume", "c1")
    t.becomes("STOPPED")


@case()
def ps(t):
    """`ctr task ps` names every process of the container, and no other."""
    t.detached("sh", "-c", "sleep 601 & sleep 602 & wait")
    t.eventually(lambda: sorted(lines(t))[1:] == ["sleep\x00601\x00", "sleep\x00602\x00"], "the children are named")
    equal(len(processes(t)), 3, "the number of processes")
    true(t.pid() in processes(t), "the first is one of them")


@case(smoke=True)
def delete(t):
    """A running task is not removed; one that has ended gives its status once; --force needs neither."""
    t.detached("sh", "-c", "trap 'exit 9' TERM; while :; do sleep 0.1; done")
    true(t("task", "rm", "c1").code != 0, "the running one is refused")
    t.becomes("RUNNING")
    t("task", "kill", "c1").exits(0)
    t.becomes("STOPPED")
    contains(t("task", "rm", "c1").exits(0).err, "exit code 9", "what rm says")
    equal(t.tasks(), {}, "tasks")
    t("task", "start", "--detach", "--null-io", "c1").exits(0)
    contains(t("task", "rm", "--force", "c1").exits(0).err, "exit code 137", "what rm says")
    equal(t.tasks(), {}, "tasks")


@case()
def events(t):
    """`ctr events` tells of create, start, exec, pause, exit and delete, in order, with the status."""
    child = t.background("events", stdout=subprocess.PIPE, text=True)
    try:
        t.detached("sh", "-c", "trap 'exit 9' TERM; while :; do sleep 0.1; done")
        t.exec("true").exits(0)
        t("task", "pause", "c1").exits(0)
        t("task", "resume", "c1").exits(0)
        t("task", "kill", "c1").exits(0)
        t.becomes("STOPPED")
        t("task", "rm", "c1")
        seen = until_deleted(child.stdout)
    finally:
        child.kill()
        child.wait()
    topics = [topic.removeprefix("/tasks/") for topic, _ in seen]
    equal(topics, "create start exec-added exec-started exit paused resumed exit delete".split(), "topics")
    equal([told.get("exit_status", 0) for topic, told in seen if topic == "/tasks/exit"], [0, 9], "statuses")


def until_deleted(stream):
    """The events of tasks, up to the first deletion."""
    found = []
    while ("/tasks/delete",) not in [each[:1] for each in found]:
        line = stream.readline()
        true(line, f"`ctr events` ends after {found}")
        found += [(word, json.loads(line[line.index("{"):])) for word in line.split() if word.startswith("/tasks/")]
    return found
