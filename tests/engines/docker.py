# SPDX-License-Identifier: Apache-2.0
"""Docker Engine: dockerd with a containerd of its own."""

import json
import pathlib

import images
from engine import IMAGE, Engine


class Docker(Engine):
    def begin(self):
        images.save("/tmp/image.tar", IMAGE)
        pathlib.Path("/etc/docker").mkdir(exist_ok=True)
        config = {"exec-opts": ["native.cgroupdriver=cgroupfs"]}
        if self.runtime != "runc":  # whose name is reserved
            config |= {"runtimes": {self.runtime: {"path": self.path}}, "default-runtime": self.runtime}
        pathlib.Path("/etc/docker/daemon.json").write_text(json.dumps(config))
        self.launch()
        self("load", "-i", "/tmp/image.tar").exits(0)
        self("run", "--rm", IMAGE, "true").exits(0)  # what stays behind the first of all is no leak

    def launch(self, *options):
        with self.calls.only_of(self.runtime):
            self.process = self.daemon("dockerd", *options)
            self.eventually(lambda: self("version").code == 0, "dockerd answers", seconds=20)

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
