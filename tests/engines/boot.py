# SPDX-License-Identifier: Apache-2.0
"""What a sudden reboot does to a machine, done to a node: all that the kernel knew is gone, and so is /run."""

import os
import pathlib
import shutil
import signal
import subprocess

import harness
import isolation
import leavings

STORES = ("/run/", "/var/lib/containers/", "/var/lib/docker/", "/var/lib/containerd/")


def reboot(t):
    """Afterwards no engine runs."""
    kill_all()
    for child in t.children:
        child.wait(10)
    for place in reversed([line.split()[4] for line in isolation.mounts()]):
        if place.startswith(STORES):
            subprocess.run(["umount", "--lazy", place], check=True)
    for entry in pathlib.Path("/run").iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    for cgroup in sorted(leavings.cgroups(), reverse=True):
        if pathlib.Path(cgroup).name not in ("init.scope", "cgroup"):
            os.rmdir(cgroup)
    for name in os.listdir("/sys/class/net"):
        if name != "lo":
            subprocess.run(["ip", "link", "delete", name], check=False, capture_output=True)
    subprocess.run(["nft", "flush", "ruleset"], check=True)


def kill_all():
    """Everybody but the node's first process and us, until nobody is left who could have started another."""
    def alive():
        found = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        return [pid for pid in found if pid not in (1, os.getpid()) and leavings.read(f"/proc/{pid}/cmdline")]

    def killed():
        for pid in alive():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return not alive()
    harness.eventually(killed, "somebody survives", 20)
