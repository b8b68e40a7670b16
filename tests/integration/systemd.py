# SPDX-License-Identifier: Apache-2.0
"""Containers whose cgroup systemd makes, and what systemd says of them."""

import os
import pathlib
import subprocess

import isolation
from harness import Runtime, eventually

MAKERS = ("create", "run", "explain")


def needs_systemd():
    return None if isolation.booted_by_systemd() else "systemd is not PID 1 here (tests/vm/run --systemd)"


class Driven(Runtime):
    """Makes containers with --systemd-cgroup; the other verbs are not told."""

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
    """How the runtime calls the scopes that nobody has named."""
    name = pathlib.Path(t.runtime.path).name
    return name if name in ("runc", "crun") else "bulkhead"


def resources(box, **limits):
    box.bundle.edit(lambda config: config["linux"]["resources"].update(limits))
    return box


def cgroups_path(box, path):
    box.bundle.edit(lambda config: config["linux"].update(cgroupsPath=path))
    return box


def scope(box, slice_name="system.slice", prefix="bh"):
    """Names the container's scope; returns the name."""
    cgroups_path(box, f"{slice_name}:{prefix}:{box.id}")
    return f"{prefix}-{box.id}.scope"


def systemctl(*words, user=None, check=True):
    """The output; `user` is (uid, words in front) of whose manager is asked."""
    command = ["systemctl", *words] if user is None else [*user, "systemctl", "--user", *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=60)
    if check and done.returncode != 0:
        raise RuntimeError(f"{command}: {done.stdout}")
    return done.stdout


def show(unit, *names, user=None):
    """Properties of a unit as systemctl(1) prints them, in this order."""
    lines = dict(line.partition("=")[::2] for line in systemctl("show", unit, user=user).splitlines())
    return tuple(lines.get(name) for name in names)


def is_gone(unit, user=None):
    return show(unit, "LoadState", user=user) == ("not-found",)


def goes(unit, user=None):
    """Waits until systemd has forgotten the unit."""
    eventually(lambda: is_gone(unit, user), f"{unit} is still there: {systemctl('status', unit, user=user, check=False)}")


def text(box, name):
    return (box.cgroup() / name).read_text().strip()


def reload():
    systemctl("daemon-reload")


def failed_scope(unit):
    """A scope of this name that has failed, and that systemd keeps."""
    runs = subprocess.run(["systemd-run", "--quiet", "--scope", f"--unit={unit}", "--property=RuntimeMaxSec=1",
                           "sleep", "60"], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    eventually(lambda: show(unit, "ActiveState") == ("failed",), f"{unit} does not fail ({runs.returncode})", 30)


def busy_scope(unit):
    """A scope of this name with a process in it; the Popen of that."""
    child = subprocess.Popen(["systemd-run", "--quiet", "--scope", f"--unit={unit}", "sleep", "60"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    eventually(lambda: show(unit, "ActiveState") == ("active",), f"{unit} does not start", 30)
    return child


def exists(cgroup):
    return os.path.exists(cgroup)
