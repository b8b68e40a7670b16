# SPDX-License-Identifier: Apache-2.0
"""containerd and its v2 shim, told what to do by ctr."""

import json
import os
import pathlib
import signal
import subprocess

import images
import snippets
from cases import NATIVE
from engine import IMAGE, Engine, cgroup_of


class Containerd(Engine):
    def begin(self):
        images.save("/tmp/image.tar", IMAGE)
        snippets.install(">>/etc/containerd/config.toml", self.runtime)
        self.start()
        self("image", "import", "/tmp/image.tar").exits(0)
        self.run("true").exits(0)  # what stays behind the first of all is no leak

    def start(self, path=os.environ["PATH"]):
        """path: where it looks for the shim, and the shim for runc."""
        self.process = self.daemon("/usr/bin/env", f"PATH={path}", "containerd")
        self.eventually(lambda: self("version").code == 0, "containerd answers", seconds=20)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait(30 * self.factor)

    def roots(self):
        return [pathlib.Path("/run/containerd/runc/default")]

    def __call__(self, *arguments, **how):
        return self.shell("ctr", *arguments, **how)

    def words(self, *flags):
        """The options of `ctr run` and `ctr container create` that name the runtime."""
        # By default ctr asks for 1024 shares of the CPU, which a machine without that controller has not to give.
        return ["--runc-binary", self.path, *(["--cpu-shares", "0"] if self.place == NATIVE else []), *flags]

    def run(self, *command, flags=(), **how):
        """`ctr run` to the end of the container c1."""
        return self("run", "--rm", *self.words(*flags), IMAGE, "c1", *command, **how)

    def lingering(self, *command):
        """A command that ends a little later: of what ends at once ctr may not have begun to read the output."""
        return ["sh", "-c", f'"$@"; status=$?; sleep {0.2 * self.factor}; exit $status', "sh", *command]

    def output(self, *command, flags=()):
        """What a program prints in a container that has these flags."""
        return self.run(*self.lingering(*command), flags=flags).exits(0).out

    def detached(self, *command, flags=(), name="c1"):
        """A container that goes on."""
        self("run", "--detach", *self.words("--null-io", *flags), IMAGE, name, *command).exits(0)

    def sleeper(self, *flags, name="c1"):
        """A container that lives until it is ended; returns its cgroup's directory."""
        self.detached("sleep", "600", flags=flags, name=name)
        return self.cgroup(name)

    def write_config(self, *command, **fields):
        """A config.json for a root beside it, which asks for no limit."""
        images.unpack(self.directory / "root")
        config = json.loads(self("oci", "spec").exits(0).out) | fields
        config["process"] |= {"args": command, "cwd": "/tmp", "env": ["PATH=/bin"]}
        config["root"] = {"path": str(self.directory / "root")}
        config["linux"]["resources"] = {}
        del config["linux"]["cgroupsPath"]
        (self.directory / "config.json").write_text(json.dumps(config))

    def exec(self, *command, flags=(), **how):
        return self("task", "exec", "--exec-id", "e1", *flags, "c1", *command, **how)

    def exec_output(self, *command, flags=()):
        """What another program prints in c1."""
        return self.exec(*self.lingering(*command), flags=flags).exits(0).out

    def background(self, *arguments, **streams):
        """A ctr that goes on: its Popen."""
        return subprocess.Popen(["ctr", *map(str, arguments)], cwd=self.directory, stdin=subprocess.DEVNULL, **streams)

    def tasks(self):
        """{name: (pid, status)}"""
        rows = [line.split() for line in self("task", "ls").exits(0).lines()[1:]]
        return {name: (int(pid), status) for name, pid, status in rows}

    def pid(self, name="c1"):
        return self.tasks()[name][0]

    def cgroup(self, name="c1"):
        return cgroup_of(self.pid(name))

    def becomes(self, status, name="c1"):
        self.eventually(lambda: self.tasks()[name][1] == status, f"{name} becomes {status}")

    def sweep(self):
        for name in self("task", "ls", "-q").lines():
            self("task", "rm", "--force", name)
        for name in self("container", "ls", "-q").lines():
            self("container", "rm", name)
