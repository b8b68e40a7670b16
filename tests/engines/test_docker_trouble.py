# SPDX-License-Identifier: Apache-2.0
"""dockerd, its containerd, the shim and the runtime get SIGKILL, at several moments."""

import os
import re
import signal
import subprocess

import boot
import leavings
from cases import case
from engine import IMAGE
from harness import equal, true
from trouble import delete_orphans, engine_killed_each_moment, gone, strike_each_moment

ENDED = ("exited", 137)
INIT_LAYER = re.compile("/var/lib/docker/overlay2/[0-9a-f]{64}-init/merged")
SANDBOX = re.compile("/run/docker/netns/[0-9a-f]{12}")
HOOKS = "/run/docker/libnetwork/"  # the socket on which dockerd listens for what it has the runtime call


def sleeper(t, name, *flags):
    t("run", "--detach", "--stop-signal", "KILL", *flags, "--name", name, IMAGE, "sleep", "600").exits(0)
    return pid_of(t, name)


def inspect(t, name, field):
    return t("inspect", "--type", "container", "--format", "{{." + field + "}}", name).exits(0).out.strip()


def pid_of(t, name):
    return int(inspect(t, name, "State.Pid"))


def status(t, name):
    return inspect(t, name, "State.Status"), int(inspect(t, name, "State.ExitCode"))


def pid_with(*words):
    found, = [pid for pid, line in leavings.lines().items() if all(word in line for word in words)]
    return found


def kill_engine(t):
    t.stop_daemon(signal.SIGKILL)


def is_well(t, name):
    """It is listed, and a command runs in it."""
    equal(status(t, name), ("running", 0), "status")
    equal(t("exec", name, "echo", "well").exits(0).out, "well\n", "output of exec")


def remove(t, name):
    """Docker forgets, with any runtime, what its containerd could not start or delete: that is told to containerd."""
    t("rm", "--force", name).exits(0)
    remove_forgotten(t)


def remove_forgotten(t):
    def ctr(*words):
        return t.shell("ctr", "--address", "/run/docker/containerd/containerd.sock", "--namespace", "moby", *words)
    for name in ctr("task", "ls", "--quiet").exits(0).lines():
        ctr("task", "rm", "--force", name)
    for name in ctr("container", "ls", "--quiet").exits(0).lines():
        ctr("container", "rm", name)
    delete_orphans(t)


def unmount_init_layers():
    """Killed while it prepares a container's first layer, dockerd leaves that mounted: it looks for others only.

    That is before it calls a runtime, which never hears of the place.
    """
    unmount(INIT_LAYER, leavings.mounts())


def unmount_sandboxes(t, before):
    """A runtime killed while its hook has dockerd mount the network namespace: dockerd may forget that mount.

    It deletes the sandbox of what did not start without a look at who is about to fill it in, and with any runtime.
    """
    def hooks():
        return leavings.read("/proc/net/unix").count(HOOKS)
    t.eventually(lambda: hooks() == 1, "dockerd only listens for hooks")
    equal(t("ps", "--all", "--quiet").exits(0).out, "", "what is listed")
    unmount(SANDBOX, leavings.mounts() - before.before["mount"])


def unmount(pattern, places):
    for place in filter(pattern.fullmatch, places):
        subprocess.run(["umount", place], check=True)


def stops_and_goes(t, name):
    pid = pid_of(t, name)
    t("stop", "--time", "0", name).exits(0)
    true(gone(pid), "the container runs still")
    equal(status(t, name), ENDED, "status")
    t("rm", name).exits(0)


def starts_again(t, name):
    t("start", name).exits(0)
    is_well(t, name)
    stops_and_goes(t, name)


@case()
def killed(t):
    """dockerd killed while a container runs: after its restart the container is listed as exited, and starts again."""
    pid = sleeper(t, "whole")
    kill_engine(t)
    t.run_daemon("dockerd")
    t.eventually(lambda: status(t, "whole")[0] == "exited", "the container is ended")
    true(gone(pid), "the container runs still")
    starts_again(t, "whole")


@case()
def killed_with_live_restore(t):
    """dockerd killed with live-restore: after its restart the container is as it was, and exec, stop and rm work."""
    kill_engine(t)
    t.run_daemon("dockerd", "--live-restore")
    pid = sleeper(t, "whole")
    kill_engine(t)
    true(not gone(pid), "the container did not survive")
    t.run_daemon("dockerd", "--live-restore")
    equal(pid_of(t, "whole"), pid, "pid")
    is_well(t, "whole")
    stops_and_goes(t, "whole")
    kill_engine(t)
    t.run_daemon("dockerd")


@case(deadline=300)
def run_killed(t):
    """dockerd killed at any moment of `docker run`: after its restart all can be removed, and the next one runs."""
    before = leavings.Snapshot(t)
    run = ("run", "--detach", IMAGE, "sleep", "600")
    whole = t(*run).exits(0).seconds
    t.sweep()

    def recover():
        t.run_daemon("dockerd")
        t.sweep()
        equal(t("ps", "--all", "--quiet").exits(0).out, "", "what is listed")
        remove_forgotten(t)
        unmount_init_layers()
    engine_killed_each_moment(t, before, whole, lambda moment: t.daemon("docker", *run), kill_engine, recover)
    sleeper(t, "next")
    is_well(t, "next")
    stops_and_goes(t, "next")


@case()
def containerd_killed(t):
    """The containerd of dockerd killed: it is started again, the container goes on, exec, stop and rm work."""
    pid = sleeper(t, "whole")
    first = pid_with("containerd --config")
    os.kill(first, signal.SIGKILL)
    t.eventually(lambda: gone(first) and t("exec", "whole", "true").code == 0, "it is started again", seconds=30)
    equal(pid_of(t, "whole"), pid, "pid")
    is_well(t, "whole")
    stops_and_goes(t, "whole")


@case()
def shim_killed(t):
    """The shim killed: the container is killed and listed as exited, and starts again."""
    pid = sleeper(t, "whole")
    os.kill(pid_with("containerd-shim", inspect(t, "whole", "Id")), signal.SIGKILL)
    t.eventually(lambda: status(t, "whole")[0] == "exited", "it is listed as exited")
    true(gone(pid), "the container runs still")
    starts_again(t, "whole")


@case(deadline=120, each=["create", "start"])
def runtime_killed(t, verb):
    """The runtime killed in the midst of `{}`: docker says that it failed, and `rm --force` leaves nothing."""
    before = leavings.Snapshot(t)

    def remove_with_network(name):
        remove(t, name)
        unmount_sandboxes(t, before)
    strike_each_moment(t, verb, prepare=lambda name: None, remove=remove_with_network,
                       call=lambda name: t("run", "--detach", "--name", name, IMAGE, "sleep", "600", seconds=15))


@case(deadline=120)
def runtime_killed_exec(t):
    """The runtime killed in the midst of `exec`: docker says that it failed, the next exec works."""
    def check_and_remove(name):
        is_well(t, name)
        remove(t, name)
    strike_each_moment(t, "exec", prepare=lambda name: sleeper(t, name), remove=check_and_remove,
                       call=lambda name: t("exec", name, "true", seconds=15))


@case(deadline=120)
def runtime_killed_kill(t):
    """The runtime killed in the midst of `kill`: another stop works, and rm."""
    def stop_and_remove(name):
        pid = pid_of(t, name)
        t("stop", "--time", "0", name).exits(0)
        true(not pid or gone(pid), "the container runs still")
        remove(t, name)
    strike_each_moment(t, "kill", prepare=lambda name: sleeper(t, name), remove=stop_and_remove,
                       call=lambda name: t("kill", "--signal", "TERM", name))


@case(deadline=120)
def runtime_killed_delete(t):
    """The runtime killed in the midst of `delete`: the container is exited all the same, and rm leaves nothing."""
    strike_each_moment(t, "delete", prepare=lambda name: sleeper(t, name), remove=lambda name: remove(t, name),
                       call=lambda name: t("stop", "--time", "0", name))


@case()
def reboot(t):
    """After a sudden reboot a container is listed as exited and starts again, one of `--restart always` runs."""
    sleeper(t, "whole")
    sleeper(t, "always", "--restart", "always")
    boot.reboot(t)
    t.run_daemon("dockerd")
    equal(status(t, "whole")[0], "exited", "status")
    t.eventually(lambda: status(t, "always") == ("running", 0), "it runs again")
    is_well(t, "always")
    stops_and_goes(t, "always")
    starts_again(t, "whole")
