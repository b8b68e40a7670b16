# SPDX-License-Identifier: Apache-2.0
"""podman, conmon and the runtime get SIGKILL, at several moments."""

import os
import signal

import boot
import leavings
from cases import case
from engine import IMAGE
from harness import equal, true
from trouble import MOMENTS, delete_orphans, gone, kill_midway, nothing_since, strike_each_moment

RUN = ("run", "--detach", "--network", "none")


def sleeper(t, name, *flags):
    t(*RUN, *flags, "--name", name, IMAGE, "sleep", "600").exits(0)


def inspect(t, name, field):
    return t("inspect", "--type", "container", "--format", "{{.State." + field + "}}", name).exits(0).out.strip()


def status(t, name):
    return inspect(t, name, "Status")


def is_well(t, name):
    """It is listed, and a command runs in it."""
    equal(status(t, name), "running", "status")
    equal(t("exec", name, "echo", "well").exits(0).out, "well\n", "output of exec")


def remove(t, name):
    t("rm", "--force", "--time", "0", name).exits(0)


def remove_all(t):
    for name in t("ps", "--all", "--external", "--quiet", "--no-trunc").exits(0).lines():
        t("rm", "--force", "--time", "0", name)
    equal(t("ps", "--all", "--external", "--quiet").exits(0).out, "", "what is listed")
    delete_orphans(t)


def stops_and_goes(t, name):
    pid = inspect(t, name, "Pid")
    t("stop", "--time", "0", name).exits(0)
    true(gone(pid), "the container runs still")
    equal(status(t, name), "exited", "status")
    remove(t, name)


@case(deadline=120)
def run_killed(t):
    """`podman run -d` killed at any moment: what is listed can be removed, nothing remains, and the next one runs."""
    before = leavings.Snapshot(t)
    whole = t(*RUN, "--name", "whole", IMAGE, "sleep", "600").exits(0).seconds
    stops_and_goes(t, "whole")
    codes = []
    for moment in MOMENTS:
        codes.append(kill_midway(t, moment, whole, "podman", *RUN, "--name", f"killed{moment}", IMAGE, "sleep", "600"))
        remove_all(t)
        nothing_since(before, f"killed at {moment}")
    true(-signal.SIGKILL in codes, f"none was killed: {codes}")
    equal(t("run", "--rm", IMAGE, "echo", "well").exits(0).out, "well\n", "output")


@case()
def attached_killed(t):
    """podman killed while it is attached to a container: the container goes on, exec, stop and rm work."""
    child = t.daemon("podman", "run", "--network", "none", "--name", "alone", IMAGE, "sleep", "600")
    t.eventually(lambda: t("exec", "alone", "true").code == 0, "it runs")
    child.kill()
    child.wait()
    is_well(t, "alone")
    stops_and_goes(t, "alone")


@case()
def exec_killed(t):
    """`podman exec` killed at any moment leaves the container as it is: the next exec, stop and rm work."""
    sleeper(t, "whole")
    whole = t("exec", "whole", "true").exits(0).seconds
    codes = [kill_midway(t, moment, whole, "podman", "exec", "whole", "sleep", "0.01") for moment in MOMENTS]
    true(-signal.SIGKILL in codes, f"none was killed: {codes}")
    is_well(t, "whole")
    stops_and_goes(t, "whole")


@case()
def stop_killed(t):
    """`podman stop` killed while it waits: the container can be stopped again, and removed."""
    sleeper(t, "stubborn")  # as the first process of its pid namespace it does not see SIGTERM
    equal(kill_midway(t, 1, 1, "podman", "stop", "--time", "30", "stubborn"), -signal.SIGKILL, "status of podman")
    pid = inspect(t, "stubborn", "Pid")
    t("stop", "--time", "0", "stubborn")  # of what is "stopping" already the two generations think differently
    t.eventually(lambda: gone(pid), "the container ends")
    remove(t, "stubborn")


@case()
def conmon_killed(t):
    """conmon killed while the container runs: it is listed, exec works, stop ends it, rm removes it."""
    sleeper(t, "whole")
    pid = inspect(t, "whole", "Pid")
    os.kill(int(inspect(t, "whole", "ConmonPid")), signal.SIGKILL)
    is_well(t, "whole")
    t("stop", "--time", "0", "whole")  # which misses the exit status that conmon would have written
    true(gone(pid), "the container runs still")
    remove(t, "whole")
    delete_orphans(t)


@case(deadline=120, each=["create", "start"])
def runtime_killed(t, verb):
    """The runtime killed in the midst of `{}`: podman says that it failed, and `rm --force` leaves nothing."""
    strike_each_moment(t, verb, prepare=lambda name: None, remove=lambda name: remove(t, name),
                       call=lambda name: t(*RUN, "--name", name, IMAGE, "sleep", "600", seconds=15))


@case(deadline=120)
def runtime_killed_exec(t):
    """The runtime killed in the midst of `exec`: podman says that it failed, the next exec works."""
    def check_and_remove(name):
        is_well(t, name)
        remove(t, name)
    strike_each_moment(t, "exec", prepare=lambda name: sleeper(t, name), remove=check_and_remove,
                       call=lambda name: t("exec", name, "true"))


@case(deadline=120)
def runtime_killed_kill(t):
    """The runtime killed in the midst of `kill`: another stop works, and rm."""
    def stop_and_remove(name):
        pid = inspect(t, name, "Pid")
        t("stop", "--time", "0", name)
        true(gone(pid), "the container runs still")
        remove(t, name)
    strike_each_moment(t, "kill", prepare=lambda name: sleeper(t, name), remove=stop_and_remove,
                       call=lambda name: t("kill", name))


@case(deadline=120)
def runtime_killed_delete(t):
    """The runtime killed in the midst of `delete`: rm works all the same, and nothing is left of it."""
    def remove_twice(name):
        t("rm", "--force", "--ignore", "--time", "0", name).exits(0)
        delete_orphans(t)
    strike_each_moment(t, "delete", prepare=lambda name: sleeper(t, name), remove=remove_twice,
                       call=lambda name: t("rm", "--force", "--time", "0", name))


@case()
def reboot(t):
    """After a sudden reboot containers are listed, none runs, and start, exec, stop and rm work."""
    sleeper(t, "runs")
    t("create", "--network", "none", "--name", "waits", IMAGE, "sleep", "600").exits(0)
    boot.reboot(t)
    equal(status(t, "waits"), "created", "status of what had not run")
    # podman 4 takes a container for a new one then
    equal(status(t, "runs"), "created" if t.generation == "bookworm" else "exited", "status of what ran")
    for name in ("runs", "waits"):
        t("start", name).exits(0)
        is_well(t, name)
        stops_and_goes(t, name)
