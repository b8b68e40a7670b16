# SPDX-License-Identifier: Apache-2.0
"""The generations of engines that the cases are run with: what a release of Debian carries, as a tree."""

import dataclasses
import pathlib
import shutil
import subprocess

import cache

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parent.parent

ENGINES = ("podman conmon buildah containerd docker.io runc crun catatonit uidmap slirp4netns fuse-overlayfs "
           "containernetworking-plugins").split()
SYSTEM = ("systemd systemd-sysv dbus dbus-user-session libpam-systemd iptables nftables iproute2 procps kmod mount "
          "util-linux busybox-static apparmor").split()
CASES = "python3-minimal python3-grpcio python3-protobuf protobuf-compiler".split()


@dataclasses.dataclass(frozen=True)
class Generation:
    name: str      # the suite of Debian
    kernel: str    # of its guest
    more: tuple = ()
    engines: tuple = tuple(ENGINES)
    only: tuple = ()  # words of the titles of the cases that it is for; empty if it is for all

    @property
    def tree(self):
        return cache.tree(self.name)

    def prepare(self):
        """Makes the tree if need be, and fetches what the CRI is defined by; the reason why there is none, or None."""
        packages = [*self.engines, *SYSTEM, *CASES, *self.more]
        definition = cache.TOP / "cri"
        for what, command in [(f"tree of {self.name}", [HERE / "tree", self.name, self.tree, *packages]),
                              ("definition of the CRI", [HERE / "cri-api", definition])]:
            done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
            if done.returncode != 0:
                return f"no {what}: {' '.join(done.stderr.split())[-300:]}"
        shutil.copytree(definition, PROJECT / "build/engines/cri", dirs_exist_ok=True)  # a node sees no more than that
        return None


BOOKWORM = Generation("bookworm", "6.1")
TRIXIE = Generation("trixie", "6.12", ("netavark", "aardvark-dns", "passt", "docker-cli", "docker-buildx"))
ALL = {each.name: each for each in (BOOKWORM, TRIXIE)}
# What is not released moves, so it is no part of the table: containerd 2 for what the CRI asks of a runtime's features.
FORKY = Generation("forky", "6.12", engines=("containerd", "runc", "containernetworking-plugins"),
                   only=("cri_features", "cri_limits"))
MORE = {**ALL, FORKY.name: FORKY}
