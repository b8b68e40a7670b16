# SPDX-License-Identifier: Apache-2.0
"""What an attack gets: bundles and containers as in tests/integration, a canary, and the invariants behind it all."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import stat
import subprocess

import harness
import leaks
from harness import Failure

ATTACKERS_BUILT = pathlib.Path(__file__).resolve().parent.parent.parent / "build/escape"

# Files of the host that make the kernel run something, or that a misdirected write would show up in.
HOST_TEXTS = ["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hostname",
              "/proc/sys/kernel/domainname", "/proc/sys/kernel/msgmax", "/proc/sys/net/ipv4/ip_forward",
              "/sys/kernel/uevent_helper"]
# What runtimes make, remove or write under /dev and in an image: bait for a misdirected call.
CANARY_FILES = ["console", "core", "fd", "full", "known", "null", "ptmx", "random", "stderr", "stdin", "stdout", "tty",
                "urandom", "zero", "exec", "passwd", "inner/known", "pts/known", "shm/known", "mqueue/known"]


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def texts():
    found = {}
    for path in HOST_TEXTS:
        with contextlib.suppress(OSError):
            found[path] = harness.read_text(path)
    return found


class Canary:
    """A directory of the host, outside every bundle, that nothing may change."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        for name in CANARY_FILES:
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"the host's {name}\n")
            file.chmod(0o640)
        self.before = self.look()

    def __truediv__(self, name):
        return self.path / name

    def __str__(self):
        return str(self.path)

    def look(self):
        """{name: everything about it}; the time of a directory shows what was made and removed again."""
        found = {}
        for directory, folders, files in os.walk(self.path):
            for name in [".", *folders, *files]:
                path = os.path.join(directory, name)
                seen = os.lstat(path)
                content = digest(path) if stat.S_ISREG(seen.st_mode) else ""
                found[os.path.relpath(path, self.path)] = (seen.st_ino, oct(seen.st_mode), seen.st_uid, seen.st_gid,
                                                           seen.st_size, seen.st_mtime_ns, content)
        return found

    def changes(self):
        now = self.look()
        return [f"canary: {name} was {self.before.get(name)}, is {now.get(name)}"
                for name in sorted(self.before.keys() | now.keys()) if self.before.get(name) != now.get(name)]


class World(harness.Context):
    """`t`. `t.can` is the canary; `t.control` is None, "runc" or "crun"."""

    more_devices = ("/dev/ptmx",)

    def __init__(self, long, patience, *arguments):
        super().__init__(*arguments)
        self.long, self.patience = long, patience  # how much slower than usual this machine is
        self.runtime.seconds = harness.VERB_SECONDS * patience
        self.can = Canary(self.scratch / "canary")
        self.texts = texts()
        self.binary = digest(self.runtime.path)

    def rounds(self, few, many, control=None):
        """How often a race is run: `few` in every run, `many` with --long, `control` with a control, whose VM is
        slow."""
        if self.long:
            return many
        return few if self.bulkhead or control is None else control

    def host_folder(self, name):
        """A new directory of the host outside every bundle."""
        path = self.scratch / name
        path.mkdir()
        return path

    def built(self, name):
        """A program of attackers/."""
        return ATTACKERS_BUILT / name

    def plant(self, bundle, program):
        """Puts a built attacker into the image as /program."""
        target = bundle.rootfs / program
        subprocess.run(["cp", str(self.built(program)), str(target)], check=True)
        target.chmod(0o755)
        return bundle

    def cleanup(self):
        """What a control leaves on the way is not our business; the invariants look at what stays."""
        leaks.reap_orphans()  # a dead program of exec that nobody collects keeps its pid namespace from ending
        problems = super().cleanup()
        return problems if self.bulkhead else []

    def invariants(self):
        """I1, I3 and I6; devices, mounts, cgroups, processes and state are those of leaks.py (I2, I4, I5, I7, I8)."""
        problems = self.can.changes()
        if digest(self.runtime.path) != self.binary:
            problems.append(f"{self.runtime.path} was changed")
        now = texts()
        problems += [f"{path} was {text!r}, is {now.get(path)!r}" for path, text in self.texts.items()
                     if now.get(path) != text]
        return problems + self.strays()

    def strays(self):
        """Processes anywhere whose root is one of our images."""
        roots = set()
        for container in self.containers:
            with contextlib.suppress(OSError):
                seen = os.stat(container.bundle.rootfs)
                roots.add((seen.st_dev, seen.st_ino))
        found = []
        for entry in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                seen = os.stat(f"/proc/{entry}/root") if entry.isdigit() else None
                if seen and (seen.st_dev, seen.st_ino) in roots:
                    found.append(f"process {entry} still lives in the image")
        return found


@contextlib.contextmanager
def leaked(path, *numbers):
    """Has `path` open on these descriptors, inheritable, while the caller of a runtime needs them."""
    opened = fcntl.fcntl(os.open(path, os.O_RDONLY), fcntl.F_DUPFD_CLOEXEC, 300)
    for number in numbers:
        os.dup2(opened, number, inheritable=True)
    try:
        yield numbers
    finally:
        for number in (opened, *numbers):
            os.close(number)


def link(path, target):
    """Replaces whatever is at `path` in an image by a symbolic link."""
    clear(path)
    path.symlink_to(str(target))


def clear(path):
    """Removes a name of an image, and what is below it."""
    if os.path.isdir(path) and not os.path.islink(path):
        subprocess.run(["rm", "-rf", str(path)], check=True)
    else:
        path.unlink(missing_ok=True)


def with_rights(bundle, names):
    """Replaces the bounding, effective and permitted set."""
    return bundle.capabilities(**{kind: list(names) for kind in ("bounding", "effective", "permitted")})


def without_mounts(config, *prefixes):
    """Takes the mounts at or below these destinations out of a config."""
    config["mounts"] = [entry for entry in config["mounts"]
                        if not any(entry["destination"] == prefix or entry["destination"].startswith(prefix + "/")
                                   for prefix in prefixes)]


def ended_well(t, result):
    """Whatever came of it, the runtime did not die of a signal, and a refusal of bulkhead's is one plain line."""
    if result.code < 0 or result.code in (132, 134, 135, 136, 139):
        raise Failure(f"the runtime was killed: {result}")
    if t.bulkhead and result.code == 1 and result.err.count("\n") > 1:
        raise Failure(f"a refusal of more than one line: {result}")
    return result


def refused(t, result, *words):
    """The runtime says no, and leaves no state."""
    ended_well(t, result)
    if result.code == 0:
        raise Failure(f"it was accepted: {result}")
    if t.bulkhead:
        result.exits(1)
        harness.equal(result.out, "", "stdout of a refusal")
        for word in words:
            harness.contains(result.err, word, "stderr")
    t.no_state()
    return result


def strike(t, box, *flags, **options):
    """Runs the container; it may be refused or start."""
    return ended_well(t, box.run(*flags, **options))


def execute(t, box, *args, flags=(), **options):
    """Runs a program in a running container; it may be refused."""
    return ended_well(t, t.runtime("exec", *flags, box.id, *args, **options))


def repeated(t, count, *words, seconds=0.1, **options):
    """Runs `RUNTIME words...` count times from a shell, which costs less than we do; the first failure ends it."""
    script = ('n=0; while [ $n -lt $0 ]; do "$@" || { echo "round $n: exit $?" >&2; exit 1; }; n=$((n + 1)); done')
    command = ["/bin/sh", "-c", script, str(count), *t.runtime.command(*words)]
    return t.runtime.exec(command, timeout=t.patience * (10 + count * seconds), **options)


def inhabitants(box):
    """The pids, as the host has them, of all processes that live in the container's pid namespace."""
    found = set()
    wanted = os.readlink(f"/proc/{box.pid}/ns/pid")
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if entry.isdigit() and os.readlink(f"/proc/{entry}/ns/pid") == wanted and not is_dead(entry):
                found.add(int(entry))
    return found


def settle(t, box):
    """Waits until the container has its first process only, and collects what exec --detach has left to us."""
    harness.eventually(lambda: inhabitants(box) <= {box.pid}, "processes are left in the container", t.runtime.seconds)
    leaks.reap_orphans()


def is_dead(pid):
    return harness.read_text(f"/proc/{pid}/stat").rpartition(")")[2].split()[0] in "ZX"


def mount_points(text):
    """[(mount point, type, root in its file system)] of a mountinfo."""
    rows = [line.split(" - ") for line in text.splitlines()]
    return [(left.split()[4], right.split()[0], left.split()[3]) for left, right in rows]
