# SPDX-License-Identifier: Apache-2.0
"""Bundles that name something of this machine at this moment, so that they cannot lie in bundles/: namespaces of a
running process, the socket of an agent."""

import os
import pathlib
import socket
import subprocess
import threading
import time

import pytest

from marks import needs

# Of Variants, in its order.
NAMES = ("huge pages", "joined pod", "joined user namespace", "user namespace", "pod below a user namespace", "clocks",
         "memory policy", "shared mounts", "seccomp", "seccomp listener", "hooks")
BASE = "minimal"  # what they are edits of
HOST_HOOKS = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")  # whose programs are the host's
KINDS = {"network": "net", "ipc": "ipc", "uts": "uts", "pid": "pid_for_children", "user": "user"}


def collect_descriptors(path):
    """Listens on a socket as an engine or an agent would. A descriptor is dropped when the next one arrives: without
    its master a terminal hangs up, and whoever is on it."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()

    def serve():
        held = []
        while True:
            connection = listener.accept()[0]
            with connection:
                received = socket.recv_fds(connection, 4096, 1)[1]
            for descriptor in held:
                os.close(descriptor)
            held = received

    threading.Thread(target=serve, daemon=True).start()


class Holder:
    """A process with namespaces of its own, and a child in its pid namespace."""

    def __init__(self, *flags):
        self.process = subprocess.Popen(["unshare", *flags, "--pid", "--fork", "--kill-child", "sleep", "3600"])
        end = time.monotonic() + 10
        while not self.children():
            assert time.monotonic() < end, "unshare makes no child"
            time.sleep(0.01)

    def children(self):
        return pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()

    def entry(self, kind):
        """linux.namespaces: this one, joined."""
        return {"type": kind, "path": f"/proc/{self.process.pid}/ns/{KINDS[kind]}"}

    def close(self):
        self.process.kill()
        self.process.wait()


class Variants:
    """{name: edit of a config}; what they name is there while this is open."""

    def __init__(self, folder):
        self.pod = Holder("--net", "--ipc", "--uts")
        self.room = Holder("--user", "--map-root-user")  # which denies setgroups
        self.agent = folder / "agent"
        collect_descriptors(self.agent)

    def __enter__(self):
        return {"huge pages": limited, "joined pod": self.joined_pod, "joined user namespace": self.joined_user, "user namespace": new_user,
                "pod below a user namespace": self.inherited_pod, "clocks": clocks, "memory policy": near_memory,
                "shared mounts": among_the_hosts,
                "seccomp": filtered, "seccomp listener": self.notifying, "hooks": hooked}

    def __exit__(self, *_):
        self.pod.close()
        self.room.close()

    def joined_pod(self, config):
        """Born late: after every privilege that is given up."""
        replace_namespaces(config, [self.pod.entry(kind) for kind in ("network", "ipc", "uts", "pid")])
        config["mounts"] = [{"destination": "/proc", "type": "proc", "source": "proc"}]

    def joined_user(self, config):
        """Born early: the stage makes the pid namespace."""
        replace_namespaces(config, [self.room.entry("user")])

    def inherited_pod(self, config):
        """The host joins for the moment of clone3."""
        new_user(config)
        replace_namespaces(config, [self.pod.entry(kind) for kind in ("network", "pid")])

    def notifying(self, config):
        """A filter with a listener, for a call that nobody makes."""
        config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": str(self.agent),
                                      "syscalls": [{"names": ["acct"], "action": "SCMP_ACT_NOTIFY"}]}


def replace_namespaces(config, entries):
    """Entries in the place of those of their type."""
    kinds = {entry["type"] for entry in entries}
    namespaces = config["linux"]["namespaces"]
    config["linux"]["namespaces"] = [each for each in namespaces if each["type"] not in kinds] + entries


def new_user(config):
    """The same ids inside as outside."""
    config["linux"]["namespaces"].append({"type": "user"})
    for key in ("uidMappings", "gidMappings"):
        config["linux"][key] = [{"containerID": 0, "hostID": 0, "size": 65536}]


def no_huge_pages():
    """Why the one controller cannot be had that machines with cgroup v1 leave to cgroup v2, or None."""
    there = pathlib.Path("/sys/fs/cgroup/cgroup.controllers").read_text().split()
    return None if "hugetlb" in there else "no hugetlb controller in cgroup v2"


def named(names):
    """A parameter for each."""
    return pytest.mark.parametrize("name", [
        pytest.param(name, id=name, marks=[needs(no_huge_pages)] if name == "huge pages" else []) for name in names])


def limited(config):
    """A limit, for the steps that hand a controller down and write it."""
    config["linux"].setdefault("resources", {})["hugepageLimits"] = [{"pageSize": "2MB", "limit": 4194304}]


def clocks(config):
    """A time namespace."""
    config["linux"]["namespaces"] += [{"type": "time"}]
    config["linux"]["timeOffsets"] = {"monotonic": {"secs": 7, "nanosecs": 8}}


def near_memory(config):
    """A memory policy; every machine has node 0."""
    config["linux"]["memoryPolicy"] = {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}


def among_the_hosts(config):
    """No mount namespace, and something to mount."""
    config["linux"]["namespaces"] = [each for each in config["linux"]["namespaces"] if each["type"] != "mount"]
    config["linux"].update(maskedPaths=[], readonlyPaths=[])
    config["mounts"] = [{"destination": "/proc", "type": "proc", "source": "proc"}]


def filtered(config):
    """A filter without a listener, and without no_new_privs."""
    config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW",
                                  "syscalls": [{"names": ["acct"], "action": "SCMP_ACT_ERRNO"}]}


def hooked(config):
    """A hook of each kind, which does nothing; the program of one is found in the container."""
    config["hooks"] = {kind: [{"path": "/bin/true"}] for kind in HOST_HOOKS}
    config["hooks"]["startContainer"] = [{"path": "/bin/busybox", "args": ["busybox", "true"]}]
