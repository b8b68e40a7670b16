# SPDX-License-Identifier: Apache-2.0
"""Docker Engine: dockerd with a containerd of its own."""

import pathlib

import images
import snippets
from engine import IMAGE, Engine


class Docker(Engine):
    def begin(self):
        images.save("/tmp/image.tar", IMAGE)
        pathlib.Path("/etc/docker/daemon.json").unlink(missing_ok=True)
        if self.runtime != "runc":  # whose name is reserved, and which is there without being told
            snippets.install("/etc/docker/daemon.json", self.runtime)
        environment = snippets.environment("/etc/systemd/system/docker.service.d/50-bulkhead.conf", self.runtime)
        self.process = self.daemon("dockerd", "--exec-opt", "native.cgroupdriver=cgroupfs", env=environment)
        self.eventually(lambda: self("version").code == 0, "dockerd answers", seconds=20)
        self("load", "-i", "/tmp/image.tar").exits(0)
        self("run", "--rm", IMAGE, "true").exits(0)  # what stays behind the first of all is no leak

    def end(self):
        self.process.terminate()
        self.process.wait()

    def roots(self):
        return [pathlib.Path("/run/docker/runtime-runc/moby")]

    def __call__(self, *arguments, **how):
        return self.shell("docker", *arguments, **how)

    def sweep(self):
        ids = self("ps", "--all", "--quiet").lines()
        if ids:
            self("rm", "--force", "--volumes", *ids)
