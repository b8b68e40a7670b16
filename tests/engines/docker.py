# SPDX-License-Identifier: Apache-2.0
"""Docker Engine: dockerd with a containerd of its own."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess

import images
import snippets
from engine import IMAGE, Engine, log_of

CONFIG = pathlib.Path("/etc/docker/daemon.json")
CONTAINERD = pathlib.Path("/run/docker/containerd/containerd.pid")
REFUSING = pathlib.Path("/tmp/refusing/runc")
LOST = "stream copy error: reading from a closed fifo"
COMMON = {"exec-opts": ["native.cgroupdriver=cgroupfs"]}

COUNTER = "i=0; while :; do i=$((i + 1)); echo $i >/now; sleep 0.02; done"  # a script that shows if it goes on


class Docker(Engine):
    process = None

    def begin(self):
        images.save("/tmp/image.tar", IMAGE)
        CONFIG.parent.mkdir(exist_ok=True)
        self.start_daemon(self.usual())
        self("load", "-i", "/tmp/image.tar").exits(0)
        for network in ("bridge", "host"):  # what stays behind the first of all is no leak
            self("run", "--rm", "--network", network, IMAGE, "true").exits(0)

    def end(self):
        self.stop_daemon()

    def usual(self):
        """Makes the runtime the default one; runc is that, and its name is reserved."""
        if self.runtime == "runc":
            return {}
        return json.loads(snippets.text_of("/etc/docker/daemon.json", self.runtime))

    def start_daemon(self, settings, *flags):
        CONFIG.write_text(json.dumps(COMMON | settings))
        self.run_daemon("dockerd", *flags)

    def run_daemon(self, *command):
        self.process = self.daemon(*command, env={} if self.runtime == "runc" else self.without_runc())
        self.eventually(lambda: self("version").code == 0, "dockerd answers", 20)

    def without_runc(self):
        """The environment of a dockerd that finds no runc: it asks that for its version even if nobody uses it."""
        REFUSING.parent.mkdir(exist_ok=True)
        self.stand_in("/bin/false")
        # What BuildKit calls is told by a variable alone, which Docker 20.10 does not know.
        told = snippets.environment("/etc/systemd/system/docker.service.d/50-bulkhead.conf", self.runtime)
        return {"PATH": f"{REFUSING.parent}:{os.environ['PATH']}", **told}

    @staticmethod
    def stand_in(program):
        """What dockerd finds as `runc`, if that is not the runtime."""
        REFUSING.unlink(missing_ok=True)
        REFUSING.symlink_to(program)

    def stop_daemon(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait(30 * self.factor)

    def restart_daemon(self, number=signal.SIGTERM):
        """With the configuration that it has."""
        self.stop_daemon(number)
        self.start_again()

    def start_again(self):
        self.run_daemon(*self.process.args)

    @contextlib.contextmanager
    def configured(self, settings, *flags):
        """dockerd with another configuration, until the end of a with statement."""
        self.stop_daemon()
        try:
            self.start_daemon(settings, *flags)
            yield
        finally:
            self.sweep()
            self.stop_daemon()
            self.start_daemon(self.usual())

    def daemons(self):
        return super().daemons() | ({int(CONTAINERD.read_text())} if CONTAINERD.exists() else set())

    def roots(self):
        return [pathlib.Path("/run/docker/runtime-runc/moby")]

    def losses(self):
        """Docker 26 gives up a pipe whose open(2) has not returned to it when the container has ended already."""
        return log_of("dockerd").read_text(errors="replace").count(LOST)

    def __call__(self, *arguments, **how):
        return self.shell("docker", *arguments, **how)

    def follows_a_resize(self, screen):
        """A shell on a terminal of the caller's has its size, and the new one when that changes."""
        def tells(size):
            screen.enter("stty size")
            screen.read(0.2)
            return size in screen.text

        def follows():  # the client may not listen yet, and what it does about two sizes has no order: it is told again
            screen.resize(43, 121)
            screen.child.send_signal(signal.SIGWINCH)  # as a kernel sends it to who is in the foreground
            return tells("43 121")

        screen.until("/ #", 30 * self.factor)
        self.eventually(lambda: tells("24 80"), "a size of 24x80")
        self.eventually(follows, "the new size")

    def background(self, *arguments, env=None):
        """A client that goes on: its Popen, with its output in a pipe."""
        return subprocess.Popen(["docker", *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env={**os.environ, **(env or {})})

    def output(self, script, *flags):
        """What a script prints in a container that is made for it."""
        return self("run", "--rm", *flags, IMAGE, "sh", "-c", script).exits(0).out

    def up(self, name, *flags, script="exec sleep 600"):
        """A container that lives until it is told otherwise; returns its name."""
        self("run", "--detach", "--name", name, *flags, IMAGE, "sh", "-c", script).exits(0)
        return name

    def inspect(self, name, field):
        return self("inspect", "--format", "{{" + field + "}}", name).exits(0).out.strip()

    def running(self, name):
        return self.inspect(name, ".State.Running") == "true"

    def says(self, name, text):
        """Waits until a container's log has this text."""
        self.eventually(lambda: text in self("logs", name).out, f"{name} says {text!r}")

    def sweep(self):
        ids = self("ps", "--all", "--quiet").lines()
        if ids:
            self("rm", "--force", "--volumes", *ids)
