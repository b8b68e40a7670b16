# SPDX-License-Identifier: Apache-2.0
"""systemd in a container, and what podman has systemd do for it."""

from cases import GUEST, case
from engine import IMAGE
from harness import contains, equal, true

UNIT = "[Service]\nExecStart=/bin/sh -c 'echo ran > /run/ran; exec sleep 600'\n"


@case(place=GUEST, deadline=120)
def systemd(t):
    """systemd is process 1 of a container with the machine's files, starts a unit in a cgroup, and stops cleanly."""
    t("run", "--detach", "--name", "box", "--network", "none", "--systemd", "always", "--rootfs", "/:O",
      "/lib/systemd/systemd", "systemd.unit=basic.target").exits(0)

    def systemctl(*words):
        return t("exec", "box", "systemctl", *words)

    t.eventually(lambda: systemctl("is-active", "basic.target").out == "active\n", "basic.target is not reached", 60)
    t("exec", "-i", "box", "sh", "-c", "cat > /run/systemd/system/own.service", stdin=UNIT.encode()).exits(0)
    systemctl("start", "own.service").exits(0)
    t.eventually(lambda: t("exec", "box", "cat", "/run/ran").out == "ran\n", "the unit does not run")
    contains(systemctl("show", "--property", "ControlGroup", "own.service").out, "=/system.slice/own.service", "cgroup")
    t("stop", "--time", "60", "box").exits(0)
    true(t.inspect("box", ".State.ExitCode") in ("0", "130"), "it was killed")


@case(place=GUEST)
def health_timer(t):
    """--health-interval: a timer of systemd asks, and podman knows."""
    t.sleeper("--network", "none", "--health-cmd", "test -e /well", "--health-interval", "2s", "--health-retries", "1")
    t.eventually(lambda: t.inspect("box", ".State.Health.Status") == "unhealthy", "it is never asked")
    t.inside("box", "touch /well")
    t.eventually(lambda: t.inspect("box", ".State.Health.Status") == "healthy", "it stays unhealthy")
    t("rm", "--force", "--time", "0", "box").exits(0)


@case(place=GUEST)
def notify(t):
    """--sdnotify=conmon under a service of Type=notify: systemd knows the container as the service's main process."""
    command = ["podman", "run", "--rm", "--name", "box", "--network", "none", "--sdnotify", "conmon",
               "--cgroups", "split", IMAGE, "sleep", "600"]
    t.shell("systemd-run", "--unit", "own", "--property", "Type=notify", "--property", "NotifyAccess=all",
            "--property", "Delegate=yes", *command).exits(0)
    equal(t.shell("systemctl", "is-active", "own.service").out, "active\n", "the service")
    pid = t.shell("systemctl", "show", "--value", "--property", "MainPID", "own.service").out.strip()
    equal(pid, t.inspect("box", ".State.ConmonPid"), "main process")
    t("kill", "box").exits(0)
    t.eventually(lambda: t("container", "exists", "box").code == 1, "the container stays")
    t.shell("systemctl", "reset-failed", "own.service")
