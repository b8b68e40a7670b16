# SPDX-License-Identifier: Apache-2.0
"""podman: no daemon; conmon and the runtime are its children and theirs."""

import pathlib

import images
import rootless
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


# Whose identities --userns=auto and a rootless podman hand out.
SUBORDINATE = f"containers:200000:262144\n{rootless.NAME}:500000:65536\n"
VOLUMES = pathlib.Path("/var/lib/containers/storage/volumes")


class Podman(Engine):
    someone = None

    def begin(self):
        config = pathlib.Path("/etc/containers/containers.conf.d")
        config.mkdir(parents=True, exist_ok=True)
        if self.place == NATIVE:
            (config / "10-node.conf").write_text(WITHOUT_CONTROLLERS)
        snippets.install("/etc/containers/containers.conf.d/50-bulkhead.conf", self.runtime)
        for name in ("subuid", "subgid"):
            pathlib.Path("/etc", name).write_text(SUBORDINATE)
        images.save("/tmp/image.tar", IMAGE)
        self("load", "-i", "/tmp/image.tar").exits(0)
        self("run", "--rm", IMAGE, "true").exits(0)  # what stays behind the first of all is no leak

    def __call__(self, *arguments, **how):
        return self.shell("podman", *arguments, **how)

    def roots(self):
        return [*super().roots(), rootless.RUNTIME_DIRECTORY / self.runtime]

    def user(self):
        """podman as it is for somebody who is not root."""
        if not self.someone:
            self.someone = rootless.User(self)
        self.someone.is_here = True
        return self.someone

    def sweep(self):
        if self.someone and self.someone.is_here:
            self.someone.sweep()
        if self("ps", "--all", "--quiet").out:  # which lists a pod's first container, too
            self("pod", "rm", "--all", "--force", "--time", "0")
            self("rm", "--all", "--force", "--time", "0")
        if any(VOLUMES.glob("*")):
            self("volume", "prune", "--force")

    def output(self, script, *options, **how):
        """What a shell script prints in a container of its own."""
        return self("run", "--rm", *options, IMAGE, "sh", "-c", script, **how).exits(0).out

    def start(self, script, *options, name="box"):
        """A container that runs a shell script in the background: its name."""
        self("run", "--detach", "--name", name, *options, IMAGE, "sh", "-c", script).exits(0)
        return name

    def sleeper(self, *options, name="box"):
        return self.start("exec sleep 600", *options, name=name)

    def inside(self, name, script, *options):
        """What a shell script prints that is executed in a running container."""
        return self("exec", *options, name, "sh", "-c", script).exits(0).out

    def inspect(self, name, field):
        return self("inspect", "--format", f"{{{{{field}}}}}", name).exits(0).out.strip()

    def wrote(self, name, text):
        """Waits until the container's output contains a text."""
        self.eventually(lambda: text in self("logs", name).exits(0).out, f"{name} does not write {text!r}")
