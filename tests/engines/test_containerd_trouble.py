# SPDX-License-Identifier: Apache-2.0
"""containerd, its shim and the runtime get SIGKILL, at several moments."""

import os
import signal

import boot
import leavings
from cases import case
from harness import contains, equal, true
from images import unpack
from plain import config
from trouble import delete_orphans, engine_killed_each_moment, gone, strike_each_moment


def rootfs(t):
    directory = t.directory / "rootfs"
    return directory if directory.exists() else unpack(directory)


def run(t, name):
    """The words after ctr that start a container which stays."""
    file = config(t.directory / f"{name}.json", rootfs(t), name, "sleep", "600")
    return "run", "--detach", "--runc-binary", t.path, "--config", file, name


def shim(name):
    """The pid of the shim of a container."""
    found, = [pid for pid, line in leavings.processes().items() if "shim" in line and f"-id {name} " in line]
    return found


def sleeper(t, name):
    t(*run(t, name)).exits(0)
    return t.tasks()[name][0]


def kill_engine(t):
    t.end(signal.SIGKILL)


def is_well(t, name):
    """It is listed, and a command runs in it."""
    equal(t.tasks()[name][1], "RUNNING", "status")
    command = t.lingering("echo", "well")
    equal(t("task", "exec", "--exec-id", "again", name, *command).exits(0).out, "well\n", "output of exec")


def stops_and_goes(t, name):
    pid, _ = t.tasks()[name]
    t("task", "kill", "--signal", "9", name).exits(0)
    t.eventually(lambda: t.tasks()[name][1] == "STOPPED", "it stops")
    true(gone(pid), "the container runs still")
    t("task", "rm", name)  # whose status is the container's
    t("container", "rm", name).exits(0)
    equal(t.tasks(), {}, "tasks")


def remove_all(t):
    t.sweep()
    equal((t("task", "ls", "-q").exits(0).out, t("container", "ls", "-q").exits(0).out), ("", ""), "what is listed")
    delete_orphans(t)


@case()
def killed(t):
    """containerd killed while a container runs: after its restart list, exec, kill and rm work."""
    sleeper(t, "whole")
    kill_engine(t)
    t.start()
    is_well(t, "whole")
    stops_and_goes(t, "whole")


@case()
def killed_before_the_end(t):
    """A container that ends while containerd is down does not run after the restart, and can be removed."""
    pid = sleeper(t, "short")
    kill_engine(t)
    os.kill(pid, signal.SIGKILL)
    t.eventually(lambda: gone(pid), "it ends")
    t.start()
    if t.generation == "bookworm":
        equal(t.tasks(), {"short": (pid, "STOPPED")}, "tasks")
        contains(t("task", "rm", "short").exits(0).err, "exit code 137", "what ctr says")
    else:  # containerd 1.7 has the runtime delete what has no process any more
        t.eventually(lambda: not t.tasks(), "the task is gone")
    t("container", "rm", "short").exits(0)


@case(deadline=300)
def run_killed(t):
    """containerd killed at any moment of `ctr run`: after its restart all can be removed, and the next one runs."""
    before = leavings.Snapshot(t)
    whole = t(*run(t, "whole")).exits(0).seconds
    stops_and_goes(t, "whole")

    def begin(moment):
        return t.daemon("ctr", *map(str, run(t, f"killed{moment}")))

    def recover():
        t.start()
        remove_all(t)
    engine_killed_each_moment(t, before, whole, begin, kill_engine, recover)
    sleeper(t, "next")
    is_well(t, "next")
    stops_and_goes(t, "next")


@case()
def ctr_killed(t):
    """`ctr run` killed while it is attached: the container goes on; list, exec, kill and rm work."""
    words = [word for word in run(t, "alone") if word != "--detach"]
    child = t.daemon("ctr", *map(str, words))
    t.eventually(lambda: t.tasks().get("alone", (0, ""))[1] == "RUNNING", "it runs")
    child.kill()
    child.wait()
    is_well(t, "alone")
    stops_and_goes(t, "alone")


@case()
def shim_killed(t):
    """The shim killed: containerd has the runtime delete the container, and the name is free again."""
    pid = sleeper(t, "whole")
    os.kill(shim("whole"), signal.SIGKILL)
    t.eventually(lambda: gone(pid) and not t.tasks(), "the container is killed, and the task gone")
    t.eventually(lambda: not leavings.states(t.roots()), "the runtime's state is gone")
    t("container", "rm", "whole").exits(0)
    sleeper(t, "whole")
    is_well(t, "whole")


@case()
def both_killed(t):
    """containerd and the shim killed: at its restart containerd has the runtime delete the container."""
    pid = sleeper(t, "whole")
    kill_engine(t)
    os.kill(shim("whole"), signal.SIGKILL)
    t.start()
    t.eventually(lambda: gone(pid) and not t.tasks(), "the container is killed, and the task gone")
    contains(t("container", "ls").exits(0).out, "whole", "list of containers")
    t("container", "rm", "whole").exits(0)


@case(deadline=120, each=["create", "start"])
def runtime_killed(t, verb):
    """The runtime killed in the midst of `{}`: ctr says that it failed, and nothing is left when all is removed."""
    strike_each_moment(t, verb, prepare=lambda name: rootfs(t), remove=lambda name: remove_all(t),
                       call=lambda name: t(*run(t, name), seconds=15))


@case(deadline=120)
def runtime_killed_exec(t):
    """The runtime killed in the midst of `exec`: ctr says that it failed, the next exec works."""
    def check_and_remove(name):
        is_well(t, name)
        remove_all(t)
    strike_each_moment(t, "exec", prepare=lambda name: sleeper(t, name), remove=check_and_remove,
                       call=lambda name: t("task", "exec", "--exec-id", "first", name, "true", seconds=15))


@case(deadline=120)
def runtime_killed_kill(t):
    """The runtime killed in the midst of `kill`: it can be killed again, and removed."""
    def kill_and_remove(name):
        t("task", "kill", "--signal", "9", name)
        t.eventually(lambda: t.tasks()[name][1] == "STOPPED", "it stops")
        remove_all(t)
    strike_each_moment(t, "kill", prepare=lambda name: sleeper(t, name), remove=kill_and_remove,
                       call=lambda name: t("task", "kill", "--signal", "9", name))


@case(deadline=120)
def runtime_killed_delete(t):
    """The runtime killed in the midst of `delete`: removing works all the same, and nothing is left."""
    def stopped(name):
        sleeper(t, name)
        t("task", "kill", "--signal", "9", name).exits(0)
        t.eventually(lambda: t.tasks()[name][1] == "STOPPED", "it stops")
    strike_each_moment(t, "delete", prepare=stopped, remove=lambda name: remove_all(t),
                       call=lambda name: t("task", "rm", name))


@case()
def reboot(t):
    """After a sudden reboot containers are listed, none runs, and start, exec, kill and rm work."""
    sleeper(t, "whole")
    boot.reboot(t)
    t.start()
    equal(t.tasks(), {}, "tasks")
    t("task", "start", "--detach", "whole").exits(0)
    is_well(t, "whole")
    stops_and_goes(t, "whole")
