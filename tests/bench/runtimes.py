# SPDX-License-Identifier: Apache-2.0
"""Who is measured: the floor, bulkhead and its peers, and what each runs for a case."""

import json
import pathlib
import shutil
import subprocess

ID = "bench"


class Runtime:
    """One runtime with a state root of its own."""

    def __init__(self, name, program, work, extra=()):
        self.name, self.program = name, program
        self.root = work / f"state-{name}"
        self.root.mkdir(mode=0o700)
        self.base = [program, *extra, "--root", str(self.root)]
        self.work = work

    def run(self, bundle):
        return [[*self.base, "run", "--bundle", str(self.work / f"bundle-{bundle}"), ID]]

    def state(self):
        return [[*self.base, "state", ID]]

    def lifecycle(self):
        return [self.create("tiny"), [*self.base, "start", ID], ["@reap"], [*self.base, "delete", ID]]

    def create(self, bundle):
        return [*self.base, "create", "--bundle", str(self.work / f"bundle-{bundle}"), ID]

    def remove(self):
        """Takes away whatever a case has left; nothing to remove is no error."""
        subprocess.run([*self.base, "delete", "--force", ID], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def version(self):
        """The first line of --version."""
        text = subprocess.run([self.program, "--version"], capture_output=True, text=True).stdout
        return text.splitlines()[0] if text else "?"


class Floor:
    """The kernel's own price; where a verb makes no container, a static C program that does nothing."""

    name = "floor"

    def __init__(self, work):
        self.program, self.work = str(work / "floor"), work

    def run(self, bundle):
        command = {"tiny": ["/tiny"], "true": ["/bin/true"], "probe": ["/bin/sh", "/probe"]}[bundle]
        return [[self.program, str(self.work / "rootfs"), *command]]

    def state(self):
        return [self.nothing()]

    def lifecycle(self):
        return [*self.run("tiny"), self.nothing(), self.nothing()]

    def nothing(self):
        return [self.program, "--nothing"]

    def create(self, bundle):
        return self.nothing()

    def remove(self):
        """Nothing stays of it."""

    def version(self):
        return "tests/bench/floor.c"


def make_bundles(work, bulkhead, probe=""):
    """One root file system, and a bundle per workload: what `bulkhead spec` writes, without a terminal."""
    rootfs = work / "rootfs"
    for name in ("bin", "etc", "dev", "proc", "sys", "tmp"):
        (rootfs / name).mkdir(parents=True)
    shutil.copy("/usr/bin/busybox", rootfs / "bin/busybox")
    for applet in ("true", "sh", "cat", "grep", "ls", "sed", "hostname", "id", "pwd", "env", "readlink", "cut", "head"):
        (rootfs / "bin" / applet).symlink_to("busybox")
    shutil.copy(work / "tiny", rootfs / "tiny")
    (rootfs / "probe").write_text(probe)
    for bundle, arguments in {"tiny": ["/tiny"], "true": ["/bin/true"], "probe": ["/bin/sh", "/probe"]}.items():
        (work / f"bundle-{bundle}").mkdir()
        subprocess.run([bulkhead, "spec", "--bundle", str(work / f"bundle-{bundle}")], check=True)
        config = work / f"bundle-{bundle}" / "config.json"
        document = json.loads(config.read_text())
        document["ociVersion"] = "1.0.2"  # crun 1.8.1 knows no newer one, and it changes nothing here
        document["process"].update(terminal=False, args=arguments)
        document["root"]["path"] = str(rootfs)
        config.write_text(json.dumps(document, indent=2))


def contestants(work, bulkhead):
    """The floor first, then bulkhead, then the peers that are installed."""
    found = [Floor(work), Runtime("bulkhead", str(bulkhead), work)]
    for name, extra in {"runc": (), "crun": ("--cgroup-manager=disabled",)}.items():
        program = shutil.which(name)
        if program and pathlib.Path(program).resolve() != pathlib.Path(bulkhead).resolve():
            found.append(Runtime(name, program, work, extra))
    return found
