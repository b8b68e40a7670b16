# SPDX-License-Identifier: Apache-2.0
"""pause where a process does not freeze, and a pause or resume that is killed."""

import sys
import time

import pytest

import leaks
from harness import AT_ONCE, contains, equal, eventually, stop, true
from hooks import removed
from marks import differs, parametrize
from test_kill import cgroup_of
from test_pause import moves, pause, resume, ticking

pytestmark = pytest.mark.slow

# Blocks in a write(2) whose page never comes: asleep in the kernel, where only SIGKILL reaches it.
STUCK = """
import ctypes, mmap, os, platform
libc = ctypes.CDLL(None, use_errno=True)
page = mmap.mmap(-1, mmap.PAGESIZE)
start = ctypes.addressof(ctypes.c_char.from_buffer(page))
faults = libc.syscall({"x86_64": 323}.get(platform.machine(), 282), os.O_CLOEXEC)
for request, words in ((0xc018aa3f, (0xaa, 0, 0)), (0xc020aa00, (start, mmap.PAGESIZE, 1, 0))):
    if libc.ioctl(faults, ctypes.c_ulong(request), (ctypes.c_uint64 * len(words))(*words)) != 0:
        raise OSError(ctypes.get_errno(), "userfaultfd")
print("stuck", flush=True)
libc.write(os.pipe()[1], ctypes.c_void_p(start), 1)
"""


def stuck_process(t, box):
    """A process in the container's cgroup that the kernel cannot freeze."""
    output = t.scratch / "stuck"
    with open(output, "wb") as stream:
        child = t.runtime.start([sys.executable, "-c", STUCK], stdout=stream)
    eventually(lambda: output.read_text() == "stuck\n", "userfaultfd does not work here")
    eventually(lambda: leaks.process_table()[child.pid][1] in "SD", "it is not stuck")
    (cgroup_of(box) / "cgroup.procs").write_text(str(child.pid))
    return child


@differs("runc 1.1.5 gives up after 10 s, too, but leaves all the others frozen")
@pytest.mark.timeout(60)
def test_a_process_that_does_not_freeze(t):
    """A process that does not freeze: pause ends after a deadline, says so, and the container goes on."""
    box, count = ticking(t)
    child = stuck_process(t, box)
    result = pause(box).exits(1)
    true(0.5 < result.seconds < 13, f"pause took {result.seconds} s")
    contains(result.err, "freeze", "stderr")
    true(moves(count), "the program does not go on")
    equal(box.status(), "running", "status")
    stop(child)
    pause(box).ok()
    resume(box).ok()


@differs("runc 1.1.5 leaves it: it is not below the first process")
def test_delete_force_in_spite_of_one_that_does_not_freeze(t):
    """Nobody has to freeze for delete --force to remove the container, and all that is in its cgroup."""
    box, _ = ticking(t)
    child = stuck_process(t, box)
    result = box.delete("--force").ok()
    true(result.seconds < AT_ONCE, f"it took {result.seconds} s")
    equal(child.wait(5), -9, "status of the process that did not freeze")


@differs("runc 1.1.5 cannot resume or delete what is half frozen")
@parametrize("verb", ["delete", "resume"])
def test_a_pause_that_is_killed_while_it_waits(t, verb):
    """SIGKILL of a pause that waits: the container can be paused and resumed once all can freeze, and deleted."""
    box, count = ticking(t)
    child = stuck_process(t, box)
    waiting = t.runtime.start(t.runtime.command("pause", box.id))
    eventually(lambda: not moves(count, 0.1), "it does not freeze")
    stop(waiting)
    if verb == "resume":
        stop(child)
        eventually(lambda: box.status() == "paused", "the state does not say paused")
        resume(box).ok()
        true(moves(count), "the program does not go on")
    box.delete("--force").ok()
    t.no_state()
    if verb == "delete":
        equal(child.wait(5), -9, "status of the process that did not freeze")


@parametrize("verb", ["pause", "resume"])
def test_a_killed_verb(t, verb):
    """SIGKILL at any moment: the container is running or paused, and delete --force removes it."""
    for step in range(15):
        box, _ = ticking(t)
        if verb == "resume":
            pause(box).ok()
        child = t.runtime.start(t.runtime.command(verb, box.id))
        time.sleep(step * 0.0006)
        stop(child)
        true(box.status() in ("running", "paused"), f"status is {box.status()}")
        removed(box, "--force")
        t.no_state()


@parametrize("verb", ["pause", "resume"])
def test_a_killed_verb_can_be_repeated(t, verb):
    """After a pause or resume that was killed, the container can be paused and resumed."""
    for step in range(8):
        box, count = ticking(t)
        if verb == "resume":
            pause(box).ok()
        child = t.runtime.start(t.runtime.command(verb, box.id))
        time.sleep(step * 0.001)
        stop(child)
        eventually(lambda mine=box: pause(mine).code == 0 or mine.status() == "paused", "it cannot be paused")
        resume(box).ok()
        true(moves(count), "the program does not go on")
        removed(box, "--force")
