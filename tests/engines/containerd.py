# SPDX-License-Identifier: Apache-2.0
"""containerd and its v2 shim, told what to do by ctr."""

import pathlib

import images
from cases import GUEST
from engine import IMAGE, Engine


class Containerd(Engine):
    def begin(self):
        images.save("/tmp/image.tar", IMAGE)
        self.launch()
        self("image", "import", "/tmp/image.tar").exits(0)
        if self.place == GUEST:  # what stays behind the first of all is no leak
            self("run", "--rm", "--runc-binary", self.path, IMAGE, "first", "true").exits(0)

    def launch(self):
        self.process = self.daemon("containerd")
        self.eventually(lambda: self("version").code == 0, "containerd answers")

    def end(self):
        self.process.terminate()
        self.process.wait()

    def roots(self):
        return [pathlib.Path("/run/containerd/runc/default")]

    def __call__(self, *arguments, **how):
        return self.shell("ctr", *arguments, **how)

    def sweep(self):
        for name in self("task", "ls", "-q").lines():
            self("task", "rm", "--force", name)
        for name in self("container", "ls", "-q").lines():
            self("container", "rm", name)
