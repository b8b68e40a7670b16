# SPDX-License-Identifier: Apache-2.0
"""The cases: each bundle started in each way and compared byte for byte; the same again and again; and proof that a
difference is seen."""

import contextlib
import copy
import difflib
import functools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

import configs
import expected
import facts
import flips
import harness
import isolation
import known
import random_configs
import test_terminal
from marks import differs

HERE = pathlib.Path(__file__).resolve().parent
RANDOM_SEEDS = int(os.environ.get("WITNESS_SEEDS", "20"))
SPECS = {spec.name: spec for spec in [
    *configs.SPECS, *[random_configs.spec(seed, users) for users in (False, True) for seed in range(RANDOM_SEEDS)]]}
REPETITIONS = int(os.environ.get("WITNESS_REPETITIONS", "20"))
KEYCTL, ADD_KEY = {"x86_64": (250, 248), "aarch64": (219, 217)}.get(os.uname().machine, (0, 0))
JOIN_SESSION_KEYRING, SESSION_KEYRING = 1, -3
HOLDER = {"hostname": "joined", "net/ipv4/ip_forward": "1"}  # what is special about namespaces to be joined


@functools.cache
def probe():
    """The program, compiled once per run; the directory goes with the process."""
    folder = tempfile.TemporaryDirectory(prefix="bh-witness-")
    program = pathlib.Path(folder.name, "witness")
    subprocess.run([os.environ.get("CC", "gcc"), "-std=gnu11", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Werror",
                    "-static", "-s", "-o", program, *sorted(HERE.glob("probe*.c"))], check=True)
    return folder, program


class Stage:
    """One bundle on disk, and the ways to start it."""

    def __init__(self, t, spec):
        self.t, self.spec, self.facts = t, spec, facts.Facts()
        t.template = self.template()
        self.box = t.container(bundle=t.bundle())
        self.data()
        self.config = spec.config(self.facts)
        text = json.dumps(self.config).replace("BUNDLE", str(self.box.bundle.path))
        self.config = json.loads(text.replace("HOLDER", str(self.hold())) if spec.holder else text)
        self.write(self.config)
        self.own_the_key()

    def template(self):
        """A root file system of the probe and little else."""
        top = self.t.scratch / "witness-root"
        for name in ("dev", "proc", "sys", "root", "home/bob", "tmp", "etc/secrets", "var/cache"):
            (top / name).mkdir(parents=True)
        (top / "tmp").chmod(0o1777)
        (top / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000:Bob:/home/bob:/bin/sh\n")
        for name in ("etc/secret", "etc/secrets/inner"):
            (top / name).write_text("secret\n")
        shutil.copy(probe()[1], top / "witness")
        (top / "witness.ask").write_text(self.questions())
        if self.spec.rootfs:  # another user's root file system: the way to it has to be open
            self.t.scratch.parent.chmod(0o711)
            subprocess.run(["chown", "-R", f"{self.spec.rootfs}:{self.spec.rootfs}", top], check=True)
        return top

    def questions(self):
        return "".join([*[f"host {name} {link}\n" for name, link in self.facts.namespaces.items()],
                        *[f"path {path}\n" for path in self.spec.paths],
                        *[f"sysctl {name}\n" for name in self.spec.sysctls]])

    def data(self):
        """The directory that some bundles bind."""
        folder = self.box.bundle.path / "data"
        folder.mkdir()
        (folder / "greeting").write_text("hello\n")

        (self.box.bundle.path / "top/etc").mkdir(parents=True)
        (self.box.bundle.path / "top/etc/secret").touch()  # empty, where the layer below has content
        if self.spec.submount:
            (folder / "sub").mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o", "nodev,mode=755", "tmpfs", folder / "sub"], check=True)

    def close(self):
        if self.spec.submount:
            subprocess.run(["umount", self.box.bundle.path / "data/sub"], check=True)
        if self.spec.holder:
            harness.stop(self.holder)

    def hold(self):
        """The pid of a process in namespaces of its own, for others to join; it dies with the case."""
        script = f"hostname {HOLDER['hostname']}; echo 1 > /proc/sys/net/ipv4/ip_forward; touch $0; exec sleep 60"
        ready = self.t.scratch / "held"
        child = subprocess.Popen(["unshare", "--net", "--ipc", "--uts", "--", "sh", "-c", script, ready])
        harness.eventually(ready.exists, "nobody holds the namespaces")
        self.holder = child
        return child.pid

    def write(self, config):
        (self.box.bundle.path / "config.json").write_text(json.dumps(config, indent=2))

    @staticmethod
    def own_the_key():
        """The caller has a session keyring with a key in it, which nobody inside may find."""
        isolation.libc.syscall(KEYCTL, JOIN_SESSION_KEYRING, None)
        isolation.libc.syscall(ADD_KEY, b"user", b"witness:caller", b"secret", 6, SESSION_KEYRING)

    def expectation(self, config=None):
        owner = "65534:65534" if self.config["linux"].get("uidMappings") else "0:0"  # nobody's, seen from inside
        # The standard is silent; runc opens the container's own null device in place of the caller's.
        kinds = [f"{kind} owner {owner}" for kind in ("char 1:3 own read-write", "file write", "file write")]
        how = {"descriptors": kinds, "cgroup": self.config["linux"].get("cgroupsPath") or f"/{self.box.id}",
               "sysctls": self.spec.sysctls, "paths": self.spec.paths, "of_the_holder": HOLDER}
        return expected.Expectation(config or self.config, self.facts, self.box.bundle.path, how).text()

    def ways(self):
        if self.config["process"].get("terminal"):
            return {"run --detach": self.run_on_a_terminal, "create and start": self.create_on_a_terminal}
        return {"run": self.run, "run --detach": self.run_detached, "create and start": self.create}

    def options(self):
        return {"setup": self.spec.setup} if self.spec.setup else {}

    def flags(self):
        return ["--overlay-from", self.box.bundle.path] if self.spec.layers else []

    def run(self):
        return self.box.run(*self.flags(), **self.options()).ok().out

    def streams(self, out):
        return {"stdout": out, **self.options()}

    def run_detached(self):
        with open(self.t.scratch / "seen", "wb") as out:
            self.box.run_detached(*self.flags(), **self.streams(out)).ok()
        return self.ended(out.name)

    def create(self):
        with open(self.t.scratch / "seen", "wb") as out:
            self.box.create(*self.flags(), **self.streams(out)).ok()
        self.box.start().ok()
        return self.ended(out.name)

    def ended(self, seen):
        harness.equal(self.box.wait(), 0, "status of the probe")
        self.box.delete().ok()
        return pathlib.Path(seen).read_text()

    def run_on_a_terminal(self):
        return self.on_a_terminal(self.box.run_detached)

    def create_on_a_terminal(self):
        return self.on_a_terminal(self.box.create)

    def on_a_terminal(self, verb):
        socket = self.t.scratch / "console.sock"
        socket.unlink(missing_ok=True)
        with test_terminal.listener(self.t) as server:
            verb("--console-socket", server.getsockname(), **self.options()).ok()
            master = test_terminal.receive(server)[1][0]
        if self.box.status() == "created":
            self.box.start().ok()
        text = test_terminal.read_master(master)
        os.close(master)
        harness.equal(self.box.wait(), 0, "status of the probe")
        self.box.delete().ok()
        return text


def difference(want, have, way, control):
    """Fails with a unified diff, unless it is known that this runtime differs there; returns why."""
    seen, reasons = known.without_known(want, have, way, control)
    if want != seen:
        diff = difflib.unified_diff(want.splitlines(), seen.splitlines(), "expected", way, lineterm="", n=1)
        raise harness.Failure("\n".join(diff))
    return reasons


def compare(stage):
    want, seen, reasons = stage.expectation(), {}, {}
    for way, start in stage.ways().items():
        seen[way] = start()
        reasons |= dict.fromkeys(difference(want, seen[way], way, stage.t.control))
    for reason in reasons:
        stage.t.note(f"known: {reason}")
    if not stage.t.control:
        harness.equal(len(set(seen.values())), 1, "number of different texts")


def named(specs):
    """A parameter for each, {name: spec}; some are not for runc."""
    return pytest.mark.parametrize("name", [
        pytest.param(name, id=name, marks=[differs(spec.why)] if spec.why else []) for name, spec in specs.items()])


@pytest.mark.timeout(60)
@named(SPECS)
def test_shows_what_is_granted(t, name):
    """Started in any way, the probe prints what follows from config.json, and nothing else."""
    with contextlib.closing(Stage(t, SPECS[name])) as stage:
        compare(stage)



@pytest.mark.timeout(60 + REPETITIONS)
def test_repeated_starts_show_the_same(t):
    """The default bundle again and again: byte for byte one text."""
    stage = Stage(t, SPECS["default"])
    texts = {stage.run() for _ in range(REPETITIONS)}
    harness.equal(len(texts), 1, "number of different texts")


@named({name: SPECS[flip.bundle] for name, flip in flips.FLIPS.items()})
def test_a_flip_is_seen(t, name):
    """One thing is changed in config.json behind the back of the expectation: the comparison must see it."""
    flip = flips.FLIPS[name]
    stage = Stage(t, SPECS[flip.bundle])
    want = stage.expectation()
    config = copy.deepcopy(stage.config)
    flip.change(config)
    stage.write(config)
    have = stage.run()
    difference(stage.expectation(config), have, "run", t.control)  # with its knowledge all is well
    plain = [line for line in difflib.ndiff(want.splitlines(), have.splitlines()) if line[:2] in ("- ", "+ ")]
    touched = {line[2:].split("=")[0] for line in plain}
    harness.true(any(key.startswith(flip.key) for key in touched), f"no line {flip.key} differs, only {plain}")

