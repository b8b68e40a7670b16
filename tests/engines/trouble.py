# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at a chosen moment: of a runtime while it carries out a verb, of an engine while it carries out a call."""

import contextlib
import ctypes
import os
import select
import shutil
import signal
import struct
import subprocess
import threading
import time

import leavings
from harness import Failure, true

# The moments of a call: parts of the time that an undisturbed one takes, so that a slower machine sees the same ones.
MOMENTS = (0.0, 0.3, 0.6, 0.9)
HANGS = 60  # seconds after which a verb that nobody disturbs does
VERBS = frozenset("create start exec kill delete state run pause resume ps update list features".split())

FAN_CLOEXEC, FAN_NONBLOCK, FAN_CLASS_CONTENT, FAN_MARK_ADD, FAN_OPEN_EXEC_PERM, FAN_ALLOW = 1, 2, 4, 1, 0x40000, 1
AT_FDCWD = -100
EVENT, ANSWER = struct.Struct("IBBHQii"), struct.Struct("iI")

libc = ctypes.CDLL(None, use_errno=True)


class Struck:
    """While this is entered, the runtime's first `verb` gets SIGKILL `after` seconds, or is timed if that is None.

    `killed` says if it was still there then, and `seconds` how long it took. The kernel asks us before each
    execution of the runtime (fanotify(7)), which then stands still until we know what it was told to do. So nobody may
    start the runtime from this process meanwhile: Python would wait for itself.
    """

    def __init__(self, path, verb, after=None):
        self.path, self.verb, self.after, self.killed, self.seconds = path, verb, after, False, None
        self.events = libc.fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK, os.O_RDONLY | os.O_CLOEXEC)
        if self.events < 0 or libc.fanotify_mark(self.events, FAN_MARK_ADD, ctypes.c_uint64(FAN_OPEN_EXEC_PERM),
                                                 AT_FDCWD, os.fsencode(path)):
            raise OSError(ctypes.get_errno(), f"fanotify {path}")
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def watch(self):
        pid = self.first()
        os.close(self.events)  # nobody is asked about any more
        if pid is not None:
            process = os.pidfd_open(pid)
            self.strike(process)
            os.close(process)

    def first(self):
        """The first process that is about to carry out the verb; it is stopped."""
        while not self.over.is_set():
            for pid in self.executions():
                if self.verb_of(pid) == self.verb:
                    return pid
                os.kill(pid, signal.SIGCONT)
        return None

    def executions(self):
        """The processes that have executed the program, each stopped before its first instruction."""
        if not select.select([self.events], [], [], 0.05)[0]:
            return
        data = os.read(self.events, 1 << 12)
        for place in range(0, len(data), EVENT.size):
            *_, descriptor, pid = EVENT.unpack_from(data, place)
            os.kill(pid, signal.SIGSTOP)
            os.write(self.events, ANSWER.pack(descriptor, FAN_ALLOW))
            os.close(descriptor)
            yield pid

    def verb_of(self, pid):
        while leavings.read(f"/proc/{pid}/stat").rpartition(") ")[2][:1] not in "TZ":
            time.sleep(0)
        return next((word for word in leavings.read(f"/proc/{pid}/cmdline").split("\0")[1:] if word in VERBS), None)

    def strike(self, process):
        begin = time.monotonic()
        if self.after != 0:
            signal.pidfd_send_signal(process, signal.SIGCONT)
        if not select.select([process], [], [], HANGS if self.after is None else self.after)[0]:
            signal.pidfd_send_signal(process, signal.SIGKILL)
            self.killed = True
        self.seconds = time.monotonic() - begin


def strike_each_moment(t, verb, call, prepare, remove):
    """Kills the runtime in the midst of its verb at each moment; what is wrong with the engine's answer is a failure.

    prepare(name) makes what call(name) needs, and remove(name) must get rid of everything.
    """
    before = leavings.Snapshot(t)
    prepare("whole")
    with Struck(t.path, verb) as whole:
        call("whole")
    remove("whole")
    true(whole.seconds, f"the runtime's {verb} was not called")
    hits = 0
    for moment in MOMENTS:
        name = f"struck{round(moment * 100)}"
        prepare(name)
        with Struck(t.path, verb, whole.seconds * moment) as struck:
            result = answer(t, call, name, before)
        hits += struck.killed
        failed = result is None or result.code != 0
        # Whoever is about to end is not changed by SIGKILL; and to kill and delete engines have more ways than one.
        true(verb in ("kill", "delete") or failed == struck.killed or (moment and not failed),
             f"{verb} killed at {moment}: {struck.killed}, but {result}")
        remove(name)
        nothing_since(before, f"{verb} was killed at {moment}: {struck.killed}")
    true(hits, f"no {verb} was alive when it should have been killed")


def engine_killed_each_moment(t, before, whole, begin, kill, recover):
    """Kills the engine at each moment of a call that takes `whole` seconds and that begin(moment) starts.

    recover() starts the engine again and has it remove everything; what it could not know of is removed here, and
    nothing may be left then.
    """
    for moment in MOMENTS:
        child = begin(moment)
        time.sleep(max(whole * moment, 0.001))
        kill(t)
        child.wait(15)
        recover()
        end_forgotten_shims(before)
        delete_orphans(t)
        nothing_since(before, f"killed at {moment}")


def answer(t, call, name, before):
    """The result of an engine's call; None if it waits for ever.

    That it does, with any runtime, if the first process of a half-made container holds its pipes and waits for `start`.
    Of bulkhead's `delete --force` has to end it; of runc's processes some know no container.
    """
    try:
        return call(name)
    except subprocess.TimeoutExpired:
        delete_orphans(t)
        if t.runtime == "runc":
            tidy(before)
        return None


def nothing_since(before, occasion):
    """Killed in the midst of `create`, runc leaves what it does not delete even by force; bulkhead must not."""
    found = before.leaks(10 * before.engine.factor)
    if found and before.engine.runtime == "runc":
        tidy(before)
        found = before.leaks(2 * before.engine.factor)
    if found:
        raise Failure(f"{occasion}:\n" + "\n".join(found))


def tidy(before):
    for pid, line in leavings.processes().items():
        if pid not in before.before["process"] and line.startswith(("runc init", before.engine.path)):
            os.kill(pid, signal.SIGKILL)
    for directory in leavings.states(before.engine.roots()) - before.before["state"]:
        shutil.rmtree(directory)
    for cgroup in sorted(leavings.cgroups() - before.before["cgroup"], reverse=True):
        with contextlib.suppress(OSError):
            os.rmdir(cgroup)


def kill_midway(t, moment, whole, *command):
    """Starts a program, and kills it when this part of its usual time is over; its exit status, -9 if it was there."""
    child = subprocess.Popen([*map(str, command)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, cwd=t.directory)
    try:
        return child.wait(max(whole * moment, 0.001))
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def orphans(t):
    """(root, id) of the containers that the runtime has."""
    return [path.rsplit("/", 1) for path in sorted(leavings.states(t.roots()))]


def end_forgotten_shims(before):
    """A containerd that dies between the start of a shim and the note of it leaves the shim to itself."""
    for pid, line in leavings.processes().items():
        if pid not in before.before["process"] and "containerd-shim" in line:
            os.kill(pid, signal.SIGKILL)


def delete_orphans(t):
    """What an administrator does where the engine has forgotten a container that the runtime has, half or whole."""
    for root, name in orphans(t):
        t.shell(t.path, "--root", root, "delete", "--force", name).ok()


def gone(pid):
    """True if a process has ended."""
    return not leavings.read(f"/proc/{pid}/cmdline")
