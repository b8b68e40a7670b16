# SPDX-License-Identifier: Apache-2.0
"""bulkhead's package: every node has it installed, and the cases of the topic `package` look at it alone."""

import fcntl
import json
import os
import pathlib
import subprocess

import images
from engine import Engine
from generations import PROJECT

PLACE = PROJECT / "build/release/package"
INSTALLED = PLACE / "installed"  # by cmake --install
# What programs write while they run, and what is no part of this system.
ELSEWHERE = [pathlib.Path(path) for path in (
    "/dev", "/proc", "/sys", "/run", "/tmp", "/var/tmp", "/var/log", "/var/cache", "/var/lib/containers",
    "/var/lib/containerd", "/var/lib/docker", "/var/lib/systemd")] + [PROJECT]


def make(build):
    """Outside: the package out of a build, and beside it what cmake --install makes. The reason why not, or None."""
    if not (build / "CPackConfig.cmake").exists():
        return f"{build} is not configured: cmake --preset release && cmake --build --preset release"
    with open(build / "package.lock", "w") as lock:  # another run may be at it, and other nodes may read it
        fcntl.flock(lock, fcntl.LOCK_EX)
        newest = max(path.stat().st_mtime for path in sources(build))
        return None if any(deb.stat().st_mtime > newest for deb in PLACE.glob("*.deb")) else make_anew(build)


def sources(build):
    """What the package is made of; cmake_install.cmake tells what goes where."""
    return [build / "bulkhead", build / "libexec/bulkhead/host-helper", build / "packaging/cmake_install.cmake",
            build / "CPackConfig.cmake", *(build / "packaging").glob("*.gz"), build / "packaging/copyright",
            *(PROJECT / name for name in ("LICENSE", "README.md", "docs/engines.md"))]


def make_anew(build):
    fresh = build / "package.new"
    subprocess.run(["rm", "-rf", fresh], check=True)
    for command in (["cpack", "-G", "DEB", "--config", build / "CPackConfig.cmake", "-B", fresh],
                    ["env", f"DESTDIR={fresh}/installed", "cmake", "--install", build, "--prefix", "/usr"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False, umask=0o022)
        if done.returncode != 0:
            return f"no package: {' '.join((done.stdout + done.stderr).split())[-300:]}"
    subprocess.run(["rm", "-rf", fresh / "_CPack_Packages", build / "package"], check=True)
    fresh.rename(build / "package")
    return None


def dpkg(*arguments):
    """With the documents, which the trees leave out of every other package."""
    return subprocess.run(["dpkg", "--force-unsafe-io", "--path-include=/usr/share/*", *arguments], check=True,
                          capture_output=True, text=True).stdout


def install():
    dpkg("--install", str(next(PLACE.glob("*.deb"))))


def files():
    """Every path of this system."""
    found = set()
    for directory, names, others in os.walk("/"):
        names[:] = [name for name in names if pathlib.Path(directory, name) not in ELSEWHERE]
        found.update(os.path.join(directory, name) for name in names + others)
    return found


class Package(Engine):
    """No engine: the runtime itself, called by hand, as its package puts it there."""

    runtimes = ("bulkhead",)

    def again(self):
        """Installs it; from here on calls of the new file are counted."""
        install()
        self.calls.watch()

    def end(self):
        install()

    def bundle(self, *command):
        """A directory with busybox and the configuration that the runtime itself writes."""
        archive = self.directory / "image.tar"
        images.save(archive, "x")
        self.shell("sh", "-c", "mkdir rootfs && tar -xOf image.tar layer.tar | tar -x -C rootfs").exits(0)
        self("spec").exits(0)
        config = json.loads((self.directory / "config.json").read_text())
        config["process"].update(terminal=False, args=list(command))
        (self.directory / "config.json").write_text(json.dumps(config))

    def __call__(self, *arguments, **how):
        return self.shell(self.path, *arguments, **how)

    def sweep(self):
        for line in self("list", "--quiet").lines():
            self("delete", "--force", line)
