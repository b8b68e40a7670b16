# SPDX-License-Identifier: Apache-2.0
"""Containers whose cgroup systemd makes, and what systemd reports about them."""

import os
import pathlib
import subprocess

import pytest

import isolation
from harness import Runtime, eventually
from marks import needs

MAKERS = ("create", "run", "explain")
MIB = 1 << 20
LIMITS = {"memory": {"limit": 64 * MIB, "reservation": 16 * MIB, "swap": 64 * MIB}, "pids": {"limit": 33},
          "cpu": {"quota": 12500, "period": 50000, "cpus": "0", "mems": "0"}}
FILES = {"memory.max": str(64 * MIB), "memory.low": str(16 * MIB), "pids.max": "33", "cpu.max": "12500 50000",
         "cpuset.cpus": "0", "cpuset.mems": "0"}


def needs_systemd():
    return None if isolation.booted_by_systemd() else "systemd is not PID 1 here (tests/vm/run --systemd)"


def driven(function):
    """Marks a case that needs systemd as PID 1."""
    return needs(needs_systemd)(pytest.mark.timeout(120)(function))


class Driven(Runtime):
    """Makes containers with --systemd-cgroup; the other verbs do not get the flag."""

    flags = ("--systemd-cgroup",)

    def command(self, *arguments, root=True):
        words = super().command(*arguments, root=root)
        at = len(words) - len(arguments)
        return [*words[:at], *self.flags, *words[at:]] if arguments and arguments[0] in MAKERS else words


def by_systemd(t, *flags):
    """From here on `t` makes its containers with the systemd driver."""
    t.runtime = Driven(t.runtime.path, t.root, t.scratch, t.null)
    t.runtime.flags = flags or Driven.flags
    return t


def maker(t):
    """The runtime's prefix for scopes that nobody has named."""
    name = pathlib.Path(t.runtime.path).name
    return name if name in ("runc", "crun") else "bulkhead"


def resources(box, **limits):
    box.bundle.edit(lambda config: config["linux"]["resources"].update(limits))
    return box


def quiet(box, result):
    """Fails unless the verb worked. runc names the devices of its default list that it cannot find without udev."""
    return result.ok() if box.context.bulkhead else result.exits(0)


def create(box):
    return quiet(box, box.create())


def cgroups_path(box, path):
    box.bundle.edit(lambda config: config["linux"].update(cgroupsPath=path))
    return box


def scope(box, slice_name="system.slice", prefix="bh"):
    """Names the container's scope; returns the name."""
    cgroups_path(box, f"{slice_name}:{prefix}:{box.id}")
    return f"{prefix}-{box.id}.scope"


def created(t, **limits):
    """A created container with these limits, and the name of its scope."""
    by_systemd(t)
    box = resources(t.sleeper(), **limits)
    unit = scope(box)
    create(box)
    return box, unit


def files(box):
    """The contents of the files that LIMITS sets."""
    return {name: text(box, name) for name in FILES}


def systemctl(*words, user=None, check=True):
    """The output of systemctl; `user` is (uid, words in front) and selects the manager of a user."""
    command = ["systemctl", *words] if user is None else [*user, "systemctl", "--user", *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=60)
    if check and done.returncode != 0:
        raise RuntimeError(f"{command}: {done.stdout}")
    return done.stdout


def show(unit, *names, user=None):
    """Properties of a unit as systemctl(1) prints them, in the order of `names`."""
    lines = dict(line.partition("=")[::2] for line in systemctl("show", unit, user=user).splitlines())
    return tuple(lines.get(name) for name in names)


def is_gone(unit, user=None):
    return show(unit, "LoadState", user=user) == ("not-found",)


def goes(unit, user=None):
    """Waits until systemd has forgotten the unit."""
    eventually(lambda: is_gone(unit, user), f"{unit} is still there")


def text(box, name):
    return (box.cgroup() / name).read_text().strip()


def reload():
    systemctl("daemon-reload")


def failed_scope(unit):
    """Makes a scope of this name that has failed, and that systemd keeps."""
    subprocess.run(["systemd-run", "--quiet", "--scope", f"--unit={unit}", "--property=RuntimeMaxSec=1", "sleep", "60"],
                   check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    eventually(lambda: show(unit, "ActiveState") == ("failed",), f"{unit} does not fail", 30)


def busy_scope(unit):
    """A scope of this name with a process in it; returns the Popen of systemd-run."""
    child = subprocess.Popen(["systemd-run", "--quiet", "--scope", f"--unit={unit}", "sleep", "60"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    eventually(lambda: show(unit, "ActiveState") == ("active",), f"{unit} does not start", 30)
    return child


def exists(cgroup):
    return os.path.exists(cgroup)
