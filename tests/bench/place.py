# SPDX-License-Identifier: Apache-2.0
"""The place of the measurements: the integration cases' private cgroup2 view, and a tmpfs for bundles and state."""

import os
import pathlib
import stat
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
import isolation  # noqa: E402

COMPILE = ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-Wshadow", "-Werror"]
PROGRAMS = {"floor": ["-static"], "floor_exec": ["-static"], "tiny": ["-static", "-nostdlib"], "spawner": []}


def enter(script, argv):
    """Runs `script` again inside the private place and returns its exit code."""
    if os.geteuid() != 0:
        sys.exit("bench: needs root, as everything that makes a container without a user namespace does")
    branch = isolation.make_branch()
    try:
        # --uts: a floor that forgets its own namespace must not rename the machine.
        unshare = ["unshare", "--mount", "--propagation", "private", "--cgroup", "--uts", "--"]
        command = [*unshare, sys.executable, script, *argv]
        environment = {**os.environ, isolation.STAGE: "inside"}
        return subprocess.run(command, check=False, env=environment, preexec_fn=lambda: isolation.join_branch(branch)).returncode
    finally:
        isolation.remove_branch(branch)


def settle():
    """Called inside: pure cgroup2 on /sys/fs/cgroup, and a tmpfs that ends with this mount namespace."""
    isolation.settle(native=False)
    work = pathlib.Path(tempfile.mkdtemp(prefix="bulkhead-bench-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", work], check=True)
    os.mknod(work / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    (work / "null").chmod(0o666)
    return work


def leave(work):
    """Unmounts the tmpfs and removes the directory below it, which the machine shares with us."""
    subprocess.run(["umount", "--lazy", work], check=True)
    work.rmdir()


def compile_programs(work):
    """The C programs, compiled into the work directory."""
    for name, flags in PROGRAMS.items():
        compiler = os.environ.get("CC", "gcc")
        subprocess.run([compiler, *COMPILE, *flags, HERE / f"{name}.c", "-o", work / name], check=True)
