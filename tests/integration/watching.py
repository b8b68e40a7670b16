# SPDX-License-Identifier: Apache-2.0
"""`events` in cases: one sample, and a watcher whose lines are read as they come."""

import contextlib
import json
import os
import select
import subprocess
import sys
import time

from harness import Failure, eventually, read_text, status_field
from resources import controllers

PPOLL = {"x86_64": 271, "aarch64": 73}[os.uname().machine]


def nothing_to_watch():
    """For the control: without memory.events runc 1.1.5 cannot watch anything."""
    control = any(word.partition("=")[0] == "--control" for word in sys.argv)
    if not control or "memory" in controllers():
        return None
    return "runc watches nothing without the memory controller: in the virtual machine"


def sample(t, box):
    """The data of `events --stats`."""
    line, = t.runtime("events", "--stats", box.id).ok().lines()
    event = json.loads(line)
    if (event["type"], event["id"], set(event)) != ("stats", box.id, {"type", "id", "data"}):
        raise Failure(f"{line} is no sample of {box.id}")
    return event["data"]


def keys(value, path=""):
    """The paths of all keys: {"cpu", "cpu.usage", "cpu.usage.total", ...}; those of a list are its elements'."""
    if isinstance(value, list):
        return {path + below for each in value for below in keys(each)}
    if not isinstance(value, dict):
        return set()
    found = set()
    for key, below in value.items():
        name = f"{path}.{key}" if path else key
        found |= {name} | keys(below, name)
    return found


class Watcher:
    def __init__(self, t, box, *flags, **streams):
        self.errors = t.scratch / f"watcher{time.monotonic_ns()}.err"
        self.begin, self.rest, self.lines = time.monotonic(), b"", []
        with open(self.errors, "wb") as errors:
            streams = {"stdout": subprocess.PIPE, "stderr": errors, **streams}
            self.child = t.runtime.start(t.runtime.command("events", *flags, box.id), **streams)

    def read(self, seconds):
        """One read(2); False at the end of the stream."""
        if not select.select([self.child.stdout], [], [], max(seconds, 0))[0]:
            raise Failure(f"nothing within {seconds:.1f} s: {self.said()}")
        piece = os.read(self.child.stdout.fileno(), 1 << 16)
        *whole, self.rest = (self.rest + piece).split(b"\n")
        self.lines += whole
        return bool(piece)

    def next(self, kind=None, seconds=15):
        """The next event, or the next one of this kind; None at the end of the stream."""
        end = time.monotonic() + seconds
        while True:
            while self.lines:
                event = json.loads(self.lines.pop(0))
                if kind in (None, event["type"]):
                    return event
            if not self.read(end - time.monotonic()):
                return None

    def all(self, seconds=15):
        """The types of all that comes until the end of the stream."""
        found = []
        while event := self.next(seconds=seconds):
            found.append(event["type"])
        return found

    def silent(self, seconds):
        """No event comes in this time."""
        if self.lines or select.select([self.child.stdout], [], [], seconds)[0]:
            raise Failure(f"something is said: {self.next()}")

    def asleep(self):
        """Waits until it watches: sleeps in ppoll(2), or has runc's two inotify watches."""
        def watches():
            if self.proc("syscall").startswith(f"{PPOLL} "):
                return True
            directory = f"/proc/{self.child.pid}/fdinfo"
            with contextlib.suppress(FileNotFoundError):  # a descriptor that is closed meanwhile
                return sum(read_text(f"{directory}/{name}").count("inotify wd:") for name in os.listdir(directory)) == 2
            return False
        eventually(lambda: self.child.poll() is not None or watches(), "nothing is watched", 10)
        return self

    def ends(self, seconds=5):
        """Its exit code, once it has ended by itself."""
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"the watcher does not end within {seconds} s: {self.proc('stat')}") from None

    def proc(self, name):
        try:
            with open(f"/proc/{self.child.pid}/{name}", encoding="utf-8", errors="replace") as file:
                return file.read()
        except (FileNotFoundError, ProcessLookupError):
            return ""

    def ticks(self):
        """The CPU time that it has used, in hundredths of a second."""
        fields = self.proc("stat").rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def memory(self, name):
        """VmRSS or VmSize, in KiB."""
        return int(status_field(self.proc("status"), name).split()[0])

    def said(self):
        return f"exit code {self.child.poll()}, stderr {self.errors.read_text()!r}"


@contextlib.contextmanager
def watching(t, box, *flags, **streams):
    """A watcher, which is ended if it has not ended by itself."""
    watcher = Watcher(t, box, *flags, **streams)
    try:
        yield watcher
    finally:
        if watcher.child.poll() is None:
            watcher.child.kill()
            watcher.child.wait()
        if watcher.child.stdout:
            watcher.child.stdout.close()
