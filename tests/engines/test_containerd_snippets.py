# SPDX-License-Identifier: Apache-2.0
"""docs/engines.md, containerd: the command as it stands there, and what containerd makes of the configuration."""

import snippets
from cases import GUEST, case
from engine import IMAGE
from harness import contains, equal

NAMED = "docker.io/library/busybox:latest"


@case(place=GUEST)
def ctr(t):
    """`ctr run --runc-binary` calls it for one container, and the configuration has it for the CRI plugin."""
    t("image", "tag", "--force", IMAGE, NAMED).exits(0)
    equal(t.shell(*snippets.script("ctr", t.runtime)).exits(0).out, "hello\n", "output")
    config = t.shell("containerd", "config", "dump").exits(0).out
    for words in (f'BinaryName = "{t.path}"', "SystemdCgroup = true", f'default_runtime_name = "{t.runtime}"'):
        contains(config, words, "configuration")
