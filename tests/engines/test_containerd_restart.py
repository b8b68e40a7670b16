# SPDX-License-Identifier: Apache-2.0
"""containerd ends while containers run, and begins again."""

import os
import pathlib
import signal

from cases import case
from harness import contains, equal

ENDINGS = [("SIGTERM", signal.SIGTERM), ("SIGKILL", signal.SIGKILL)]


@case(each=ENDINGS)
def running(t, _, number):
    """Over {} of containerd a container runs on: the new one lists, executes, kills and removes it."""
    t.detached("sh", "-c", "trap 'exit 9' TERM; while :; do sleep 0.1; done")
    before = t.tasks()
    t.end(number)
    os.kill(before["c1"][0], 0)
    t.start()
    equal(t.tasks(), before, "tasks")
    equal(t.exec(*t.lingering("sh", "-c", "echo hello; exit 3")).exits(3).out, "hello\n", "output of exec")
    t("task", "kill", "c1").exits(0)
    t.becomes("STOPPED")
    contains(t("task", "rm", "c1").exits(0).err, "exit code 9", "what rm says")
    t("container", "rm", "c1").exits(0)


@case(each=ENDINGS)
def ended_meanwhile(t, _, number):
    """What ends while there is no containerd after {} is known as ended by the new one, and starts again."""
    t.detached("sh", "-c", "trap 'exit 9' TERM; while :; do sleep 0.1; done")
    pid = t.pid()
    t.end(number)
    os.kill(pid, signal.SIGTERM)
    t.eventually(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "the container ends")
    t.start()
    # containerd 1.6 says so, 1.7 removes the task by itself.
    t.eventually(lambda: t.tasks().get("c1", (0, "STOPPED"))[1] == "STOPPED", "the task is ended")
    t("task", "rm", "c1")
    t("task", "start", "--detach", "--null-io", "c1").exits(0)
    t.becomes("RUNNING")


@case(each=ENDINGS)
def paused(t, _, number):
    """A paused container is still paused after {}, and is resumed by the new containerd."""
    group = t.sleeper()
    t("task", "pause", "c1").exits(0)
    t.end(number)
    t.start()
    equal(t.tasks()["c1"][1], "PAUSED", "status")
    t("task", "resume", "c1").exits(0)
    equal((group / "cgroup.events").read_text().splitlines()[1], "frozen 0", "cgroup.events")
    t.becomes("RUNNING")


@case()
def shim_killed(t):
    """A container whose shim is killed is ended and removed by containerd, with the runtime."""
    t.sleeper()
    pid = t.pid()
    shim = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(shim, signal.SIGKILL)
    t.eventually(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "the container is ended")
    t.eventually(lambda: "c1" not in {path.name for path in t.roots()[0].iterdir()}, "its state is removed")
