# SPDX-License-Identifier: Apache-2.0
"""Tools for cases about hooks: hooks that note that they ran, or all that they see of themselves."""

import json
import os
import pathlib
import sys
import time

from harness import eventually

WITNESS = str(pathlib.Path(__file__).resolve().parent / "hook_witness.py")
KINDS = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
HOSTS = ["prestart", "createRuntime", "poststart", "poststop"]  # run in the runtime's namespaces
OF_CREATE = ["prestart", "createRuntime", "createContainer"]
LINKS = ["pid", "net", "ipc", "uts", "mnt", "cgroup", "user"]

# The container has busybox and nothing else. A subshell looks at its parent, because the parent has no redirection.
INSIDE = """
log={log}
cat > $log.stdin
tr '\\0' '\\n' < /proc/$$/environ > $log.env
tr '\\0' '\\n' < /proc/$$/cmdline > $log.argv
readlink /proc/$$/cwd > $log.cwd
(ls -l /proc/$$/fd > $log.fds)
ls -l /proc/$$/ns > $log.ns
cat /proc/$$/status > $log.status
: > $log.done
"""


def shell(script, **properties):
    """A hook that is a shell script; it runs on the host and in the container."""
    return {"path": "/bin/sh", "args": ["sh", "-c", script], **properties}


def links(text):
    """{name: target} of a listing by `ls -l`; the descriptor of the listing itself has no target."""
    pairs = [line.split(" -> ", 1) for line in text.splitlines() if " -> " in line]
    return {name.split()[-1]: target for name, target in pairs}


class Journal:
    """A directory that has the same path on the host and in the container; the hooks of a case write there."""

    def __init__(self, t):
        self.t = t
        self.path = t.scratch / "log"
        self.path.mkdir()
        self.path.chmod(0o777)

    def bundle(self, *args, **process):
        """A bundle whose container mounts the directory; without arguments the program sleeps."""
        made = self.t.bundle(*(args or ("sleep", "60")), **process)
        return made.add_mount(str(self.path), "bind", str(self.path), "bind", "rw")

    def box(self, *args, hooks, **process):
        """A container with these hooks: {kind: [hook, ...]}."""
        bundle = self.bundle(*args, **process)
        return self.t.container(bundle=bundle.edit(lambda config: config.update(hooks=hooks)))

    def note(self, word, then="", **properties):
        """A hook that appends a line to the order, and then does more."""
        return shell(f"echo {word} >> {self.path}/order\n{then}", **properties)

    def noting(self, *kinds):
        """One hook for each kind, which notes the name of its kind."""
        return {kind: [self.note(kind)] for kind in kinds}

    def order(self):
        """The words that the hooks noted, in their order."""
        file = self.path / "order"
        return file.read_text().split() if file.exists() else []

    def witness(self, kind, **properties):
        """A hook that writes down everything about itself; read it with `seen`."""
        if kind == "startContainer":
            return shell(INSIDE.format(log=self.path / kind), **properties)
        return {"path": sys.executable, "args": ["python3", "-IS", WITNESS, str(self.path / kind)], **properties}

    def watched(self, *kinds, args=(), process=None, **properties):
        """A container with one witness of each kind."""
        hooks = {kind: [self.witness(kind, **properties)] for kind in kinds}
        return self.box(*args, hooks=hooks, **(process or {}))

    def seen(self, kind):
        """The record of the witness: state, argv, env, cwd, fds, ns, status."""
        def file(name):
            return (self.path / f"{kind}.{name}").read_text()
        eventually((self.path / f"{kind}.done").exists, f"the hook {kind} has not run")
        return {"state": json.loads(file("stdin")), "argv": file("argv").splitlines(), "env": file("env").splitlines(),
                "cwd": file("cwd").rstrip("\n"), "fds": links(file("fds")), "ns": links(file("ns")),
                "status": file("status")}


def whole_life(box):
    """Create, start, the end and delete: every kind of hook runs."""
    box.create().ok()
    box.start().ok()
    box.kill("KILL").ok()
    box.wait()
    box.delete().ok()


def removed(box, *flags):
    """Deletes a container whose process nobody has waited for; runc may find its cgroup busy then, and reports that."""
    result = box.delete(*flags)
    return result.exits(0) if box.context.control else result.ok()


def namespaces(pid):
    """{name: inode} of a process, as links of /proc."""
    return {name: os.readlink(f"/proc/{pid}/ns/{name}") for name in LINKS}


def seconds_of(function):
    """(what the function returned, seconds it took)"""
    begin = time.monotonic()
    value = function()
    return value, time.monotonic() - begin
