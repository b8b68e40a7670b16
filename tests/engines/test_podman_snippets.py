# SPDX-License-Identifier: Apache-2.0
"""docs/engines.md, podman and buildah: the commands as they stand there."""

import snippets
from cases import case
from engine import IMAGE
from harness import equal

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
