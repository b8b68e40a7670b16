# SPDX-License-Identifier: Apache-2.0
"""podman without root: a user with identities to hand out, and in a guest a session with cgroups of its own."""

import os
import pathlib
import shutil

from cases import GUEST
from engine import IMAGE

NAME, UID = "alice", 1000
HOME = "/tmp/alice"  # where no overlay lies below: podman puts its own there
RUNTIME_DIRECTORY = pathlib.Path("/run/user", str(UID))


class User:
    """Calls podman as the user; made when a case first asks for it."""

    def __init__(self, t):
        self.t = t
        if t.shell("id", NAME).code != 0:
            no_more = [word for name in ("UID", "GID") for word in ("--key", f"SUB_{name}_COUNT=0")]
            t.shell("useradd", *no_more, "--uid", UID, "--home-dir", HOME,
                    "--create-home", NAME).exits(0)
        if t.place == GUEST:
            t.shell("systemctl", "start", f"user@{UID}").exits(0)
        else:
            RUNTIME_DIRECTORY.mkdir(parents=True, exist_ok=True)
            shutil.chown(RUNTIME_DIRECTORY, NAME, NAME)
        if self("image", "exists", IMAGE).code != 0:
            self("load", "--input", "/tmp/image.tar").exits(0)

    def command(self, *words):
        bus = [f"DBUS_SESSION_BUS_ADDRESS=unix:path={RUNTIME_DIRECTORY}/bus"] if self.t.place == GUEST else []
        return ["runuser", "-u", NAME, "--", "env", f"HOME={HOME}", f"XDG_RUNTIME_DIR={RUNTIME_DIRECTORY}", *bus,
                *map(str, words)]

    def __call__(self, *arguments, **how):
        return self.t.shell(*self.command("podman", *arguments), **how)

    def output(self, script, *options, **how):
        return self("run", "--rm", *options, IMAGE, "sh", "-c", script, **how).exits(0).out

    def sleeper(self, *options):
        self("run", "--detach", "--name", "box", *options, IMAGE, "sleep", "600").exits(0)

    def inside(self, script, *options):
        return self("exec", *options, "box", "sh", "-c", script).exits(0).out

    def directory(self, name):
        """One of the case's own that belongs to the user."""
        path = self.t.directory / name
        path.mkdir()
        os.chown(path, UID, UID)
        return path

    def sweep(self):
        self("pod", "rm", "--all", "--force", "--time", "0")
        self("rm", "--all", "--force", "--time", "0")
        self("system", "migrate")  # ends the process that holds the user namespace
        self.is_here = False
