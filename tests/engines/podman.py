# SPDX-License-Identifier: Apache-2.0
"""podman: no daemon; conmon and the runtime are its children and theirs."""

import pathlib

import images
import snippets
from cases import NATIVE
from engine import IMAGE, Engine

# A machine that does not hand out the controllers: podman's own limits would be refused, with every runtime.
WITHOUT_CONTROLLERS = """[containers]
pids_limit = 0
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
"""


class Podman(Engine):
    def begin(self):
        config = pathlib.Path("/etc/containers/containers.conf.d")
        config.mkdir(parents=True, exist_ok=True)
        if self.place == NATIVE:
            (config / "10-node.conf").write_text(WITHOUT_CONTROLLERS)
        snippets.install("/etc/containers/containers.conf.d/50-bulkhead.conf", self.runtime)
        images.save("/tmp/image.tar", IMAGE)
        self("load", "-i", "/tmp/image.tar").exits(0)
        self("run", "--rm", IMAGE, "true").exits(0)  # what stays behind the first of all is no leak

    def __call__(self, *arguments, **how):
        return self.shell("podman", *arguments, **how)

    def sweep(self):
        self("pod", "rm", "--all", "--force")
        self("rm", "--all", "--force", "--time", "0")
