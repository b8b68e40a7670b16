# SPDX-License-Identifier: Apache-2.0
"""What explain, faults and architecture share: real bundles, the runtime, and the cases of architecture."""

import argparse
import dataclasses
import json
import pathlib
import shutil
import subprocess
import traceback

import harness

PROJECT = pathlib.Path(__file__).resolve().parent.parent.parent
DEFAULT_RUNTIME = PROJECT / "build/release/bulkhead"
VERB_SECONDS = 20
LAYERS = "run.bulkhead.overlay.lower"


@dataclasses.dataclass(frozen=True)
class Skip(Exception):
    """Raised by a case that cannot run here; says why."""
    reason: str


def flags_of(bundle):
    """What the bundle needs on the command line of create, run and explain."""
    annotations = json.loads((pathlib.Path(bundle) / "config.json").read_text()).get("annotations", {})
    return ["--overlay-from", pathlib.Path(annotations[LAYERS].split(":")[0]).parent] if LAYERS in annotations else []


class Score:
    """Runs named cases, prints a line for each, and closes with the totals."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def case(self, name, function, *arguments):
        """Runs one case; what it returns is printed after its name."""
        try:
            note = function(*arguments)
        except Skip as skip:
            self.skipped += 1
            print(f"skip  {name}: {skip.reason}", flush=True)
        except harness.Failure as failure:
            self.failed += 1
            print(f"FAIL  {name}: {failure}", flush=True)
        except Exception:  # a broken case is a failing case
            self.failed += 1
            print(f"FAIL  {name}:\n{traceback.format_exc()}", flush=True)
        else:
            self.passed += 1
            print(f"ok    {name}" + (f": {note}" if note else ""), flush=True)

    def close(self):
        """Prints the last line and returns the exit code."""
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        return 1 if self.failed else 0


def options(description):
    """The command line: --runtime, --only."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--runtime", type=pathlib.Path, default=DEFAULT_RUNTIME, help="the program under test")
    parser.add_argument("--only", metavar="WORD", default="", help="only cases whose name contains it")
    return parser.parse_args()


class Scratch:
    """A folder of a case: the bundles of bundles/ with a busybox root, and whatever a test writes."""

    def __init__(self, path, template):
        self.path, self.template = path, template

    def bundle(self, name, change=None):
        """A fresh copy of bundles/NAME that can run; `change` edits its config."""
        target = self.path / "bundles" / name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(PROJECT / "bundles" / name, target)
        subprocess.run(["cp", "-a", "--link", str(self.template), str(target / "rootfs")], check=True)
        config = json.loads((target / "config.json").read_text())
        self.make_layers(config.get("annotations", {}))
        if change:
            change(config)
        (target / "config.json").write_text(json.dumps(config))
        return target

    def make_layers(self, annotations):
        """The layers that an overlay bundle names, here: the lowest has a busybox in it, the others nothing."""
        if LAYERS not in annotations:
            return
        layers = [self.path / path.lstrip("/") for path in annotations[LAYERS].split(":")]
        shutil.rmtree(layers[0].parent, ignore_errors=True)
        for layer in layers:
            layer.mkdir(parents=True)
        subprocess.run(["cp", "-a", "--link", f"{self.template}/.", str(layers[-1])], check=True)
        annotations[LAYERS] = ":".join(str(layer) for layer in layers)


def without_terminal(config):
    """An edit for Scratch.bundle."""
    config["process"]["terminal"] = False


# Bundles that not every machine can run, by what they need. Their plans are looked at everywhere.
NOT_HERE = {
    "cgroup-limits",   # controllers in cgroup2
    "idmapped-mount",  # a file system that can be mapped
    "mount-label",     # SELinux
    "net-device",      # an eth1 of the host
}
# Bundles whose plan takes more than looking.
NOT_BY_NOBODY = {
    "idmapped-mount",  # with a user namespace the plan is the caller's own, and this takes privileges
    "seccomp",         # explain compiles the profile, for which it makes a memfd
}


# Bundles whose plan names what only some hosts have; the topic intel_rdt explains them on a model of it.
NOT_PLANNED_HERE = {"intel-rdt"}


def every_bundle():
    """The folders of bundles/ that can be planned everywhere."""
    there = sorted(path.parent.name for path in (PROJECT / "bundles").glob("*/config.json"))
    return [name for name in there if name not in NOT_PLANNED_HERE]


def bundle_names():
    """Those that run everywhere."""
    return [name for name in every_bundle() if name not in NOT_HERE]


def call(command, **keywords):
    """Runs a command line without a terminal and collects what it says."""
    defaults = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True,
                "env": harness.BASE_ENV, "timeout": VERB_SECONDS, "check": False}
    return subprocess.run([str(word) for word in command], **{**defaults, **keywords})  # noqa: PLW1510  (it is one of them)


def explained(runtime, bundle, name="ID", root=None):
    """The steps of `explain --json`."""
    command = [runtime, *(["--root", root] if root else []), "explain", "--json", "--bundle", bundle,
               *flags_of(bundle), name]
    result = call(command)
    harness.true(result.returncode == 0, f"explain: exit {result.returncode}: {result.stderr}")
    return json.loads(result.stdout)
