# SPDX-License-Identifier: Apache-2.0
"""Who is measured: the floor, bulkhead and its peers, and what each runs for a case."""

import json
import pathlib
import shutil
import subprocess

import peers

# What a workload runs; "idle" is there to be joined.
PROGRAMS = {"tiny": ["/tiny"], "true": ["/bin/true"], "probe": ["/bin/sh", "/probe"], "idle": ["/bin/sleep", "36000"]}
WITHOUT_CGROUP = ("--cgroup-manager=disabled",)
APPLETS = ("true", "sh", "cat", "grep", "ls", "sed", "hostname", "id", "pwd", "env", "readlink", "cut", "head", "sleep")


class Runtime:
    """One runtime with a state root of its own, and an id that is nobody else's: containers of several are there at
    the same time, and an id becomes the name of a cgroup."""

    def __init__(self, name, program, work, extra=()):
        self.name, self.program = name, program
        self.id = "bench-" + name.replace(" ", "-")
        self.root = work / f"state-{self.id}"
        self.root.mkdir(mode=0o700)
        self.base = [*program, *extra, "--root", str(self.root)]
        self.work = work

    def run(self, bundle):
        return [[*self.base, "run", "--bundle", str(self.work / f"bundle-{bundle}"), self.id]]

    def state(self):
        return [[*self.base, "state", self.id]]

    def exec(self, workload):
        return [[*self.base, "exec", self.id, *PROGRAMS[workload]]]

    def lifecycle(self):
        return [self.create("tiny"), [*self.base, "start", self.id], ["@reap"], [*self.base, "delete", self.id]]

    def create(self, bundle):
        return [*self.base, "create", "--bundle", str(self.work / f"bundle-{bundle}"), self.id]

    def idle(self):
        """A container to be joined."""
        return [*self.base, "run", "--detach", "--bundle", str(self.work / "bundle-idle"), self.id]

    def remove(self):
        """Takes away whatever a case has left; nothing to remove is no error."""
        subprocess.run([*self.base, "delete", "--force", self.id], check=False, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def version(self):
        """The first line of --version."""
        return peers.version(self.program)


class Floor:
    """The kernel's own price; where a verb makes no container, a static C program that does nothing."""

    name = "floor"

    def __init__(self, work, bulkhead):
        self.program, self.work = str(work / "floor"), work
        self.joined = Runtime("joined by the floor", [str(bulkhead)], work)

    def run(self, bundle):
        return [[self.program, str(self.work / "rootfs"), *PROGRAMS[bundle]]]

    def idle(self):
        """exec needs a container, and the floor keeps none: bulkhead makes it."""
        return self.joined.idle()

    def exec(self, workload):
        state = json.loads(subprocess.run(self.joined.state()[0], capture_output=True, check=False).stdout or "{}")
        cgroup = f"/sys/fs/cgroup/{self.joined.id}"
        return [[str(self.work / "floor_exec"), str(state.get("pid", 0)), cgroup, *PROGRAMS[workload]]]

    def state(self):
        return [self.nothing()]

    def lifecycle(self):
        return [*self.run("tiny"), self.nothing(), self.nothing()]

    def nothing(self):
        return [self.program, "--nothing"]

    def create(self, bundle):
        return self.nothing()

    def remove(self):
        """Nothing stays of it but what it has joined."""
        self.joined.remove()

    def version(self):
        return "tests/bench/floor.c, for exec tests/bench/floor_exec.c"


def make_bundles(work, bulkhead, probe=""):
    """One root file system, and a bundle per workload: what `bulkhead spec` writes, without a terminal."""
    rootfs = work / "rootfs"
    for name in ("bin", "etc", "dev", "proc", "sys", "tmp"):
        (rootfs / name).mkdir(parents=True)
    shutil.copy("/usr/bin/busybox", rootfs / "bin/busybox")
    for applet in APPLETS:
        (rootfs / "bin" / applet).symlink_to("busybox")
    shutil.copy(work / "tiny", rootfs / "tiny")
    (rootfs / "probe").write_text(probe)
    for bundle, arguments in PROGRAMS.items():
        (work / f"bundle-{bundle}").mkdir()
        subprocess.run([bulkhead, "spec", "--bundle", str(work / f"bundle-{bundle}")], check=True)
        config = work / f"bundle-{bundle}" / "config.json"
        document = json.loads(config.read_text())
        document["ociVersion"] = "1.0.2"  # crun 1.8.1 knows no newer one, and it changes nothing here
        document["process"].update(terminal=False, args=arguments)
        document["root"]["path"] = str(rootfs)
        config.write_text(json.dumps(document, indent=2))


def contestants(work, bulkhead, against=None):
    """The floor first, then bulkhead, then who it is compared with: the other build that was asked for, or the peers that
    are there, those installed and the crun that was fetched."""
    found = [Floor(work, bulkhead), Runtime("bulkhead", [str(bulkhead)], work)]
    if against:
        return [*found, Runtime("other build", [str(against)], work)]
    for name, extra in {"runc": (), "crun": WITHOUT_CGROUP}.items():
        program = shutil.which(name)
        if program and pathlib.Path(program).resolve() != pathlib.Path(bulkhead).resolve():
            found.append(Runtime(name, [program], work, extra))
    if fetched := peers.crun():
        found.append(Runtime(f"crun {peers.version(fetched).split()[-1]}", fetched, work))
    return found
