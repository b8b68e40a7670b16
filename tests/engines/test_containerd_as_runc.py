# SPDX-License-Identifier: Apache-2.0
"""containerd that finds the runtime as `runc` in its PATH: for what ctr passes to no runtime of another name."""

import contextlib
import os
import pathlib

from cases import case
from engine import IMAGE
from harness import contains, equal

DIRECTORY = pathlib.Path("/run/as-runc")


@contextlib.contextmanager
def as_runc(t):
    """ctr run without --runc-binary, of a containerd for which this runtime is runc."""
    DIRECTORY.mkdir(exist_ok=True)
    (DIRECTORY / "runc").unlink(missing_ok=True)
    (DIRECTORY / "runc").symlink_to(t.path)
    t.end()
    t.start(path=f"{DIRECTORY}:{os.environ['PATH']}")
    try:
        yield lambda *words: t("run", "--rm", *t.words()[2:], *words)
    finally:
        t.sweep()
        t.end()
        t.start()


@case()
def replaced(t):
    """Where the runtime is called runc, containerd needs to be told nothing."""
    with as_runc(t) as run:
        equal(run(IMAGE, "c1", *t.lingering("sh", "-c", "echo hello; exit 3")).exits(3).out, "hello\n", "output")


@case()
def created_and_started(t):
    """`ctr container create` makes no process yet, `ctr task start` runs it to its status."""
    with as_runc(t):
        t.write_config(*t.lingering("sh", "-c", "echo begun; exit 7"))
        t("container", "create", "--config", "config.json", "c1").exits(0)
        equal(t.tasks(), {}, "tasks")
        equal(t("task", "start", "c1").exits(7).out, "begun\n", "output")


@case()
def without_pivot(t):
    """--no-pivot moves the root in place of pivot_root(2): only the image is seen."""
    with as_runc(t) as run:
        command = t.lingering("sh", "-c", "ls /; grep -c ' / / ' /proc/self/mountinfo")
        out = run("--no-pivot", IMAGE, "c1", *command).exits(0).out
        equal(out, run(IMAGE, "c1", *command).exits(0).out, "the root")
        contains(out, "bin\ndev\netc", "the root")


@case()
def user_namespace(t):
    """--uidmap and --gidmap put the container into a user namespace, with its files mapped."""
    with as_runc(t) as run:
        script = "cat /proc/self/uid_map /proc/self/gid_map; id -u; stat -c %u /bin"
        out = run("--uidmap", "0:100000:65536", "--gidmap", "0:200000:65536", IMAGE, "c1",
                  *t.lingering("sh", "-c", script)).exits(0).out
        equal(out.split(), ["0", "100000", "65536", "0", "200000", "65536", "0", "0"], "maps, and the ids inside")
