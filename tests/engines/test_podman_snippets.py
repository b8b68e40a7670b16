# SPDX-License-Identifier: Apache-2.0
"""docs/engines.md, podman and buildah: the commands as they stand there."""

import pathlib

import snippets
from cases import GUEST, case
from engine import IMAGE
from harness import contains, equal

NAMED = "docker.io/library/busybox:latest"


def named(t):
    t("tag", IMAGE, NAMED).exits(0)


@case()
def the_file_is_enough(t):
    """With the file installed podman says that it calls the runtime, and does."""
    named(t)
    result = t.shell(*snippets.script("podman", t.runtime)).exits(0)
    equal(result.out, f"{t.path}\nhello\n", "output")


@case()
def one_command(t):
    """`podman --runtime PATH` calls it for one command."""
    named(t)
    equal(t.shell(*snippets.script("podman-once", t.runtime)).exits(0).out, "hello\n", "output")


@case()
def buildah(t):
    """`buildah run --runtime PATH` calls it for a step of a build."""
    named(t)
    result = t.shell(*snippets.script("buildah", t.runtime)).exits(0)
    equal(result.out.splitlines()[-1:], ["hello"], "last line of the output")


@case(place=GUEST)
def the_systemd_driver(t):
    """podman's own choice where systemd runs: the container is in a scope that systemd made."""
    t("run", "--detach", "--name", "box", IMAGE, "sleep", "300").exits(0)
    pid, ident = t("inspect", "--format", "{{.State.Pid}} {{.Id}}", "box").exits(0).out.split()
    contains(pathlib.Path(f"/proc/{pid}/cgroup").read_text(), f"/machine.slice/libpod-{ident}.scope", "cgroup")
    equal(t.shell("systemctl", "is-active", f"libpod-{ident}.scope").out, "active\n", "unit")
