# SPDX-License-Identifier: Apache-2.0
"""pause and resume: who stands still, what the verbs say in which state, and how a paused container ends."""

import contextlib
import os
import pathlib
import signal
import time

import isolation
import leaks
from harness import AT_ONCE, contains, equal, eventually, true
from hooks import removed
from marks import differs, parametrize
from test_kill import alive, cgroup_of, family, kill_all

TICKS = "trap '' TERM; while :; do echo x >> /dev/shm/ticks; sleep 0.02; done"


def pause(box):
    return box.runtime("pause", box.id)


def resume(box):
    return box.runtime("resume", box.id)


def created(t):
    box = t.sleeper()
    box.create().ok()
    return box


def stopped(t):
    box = t.container("true")
    box.run_detached().ok()
    box.wait()
    return box


def ticking(t):
    """A running container that writes all the time; (container, function that counts)."""
    box = t.shell(TICKS)
    box.run_detached().ok()
    file = pathlib.Path(f"/proc/{box.pid}/root/dev/shm/ticks")
    eventually(file.exists, "the program is not ready")
    return box, lambda: file.stat().st_size


def paused(t):
    box, _ = ticking(t)
    pause(box).ok()
    return box


def moves(count, seconds=5):
    """True if the program does something within these seconds."""
    before, end = count(), time.monotonic() + seconds
    while count() == before:
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


# ---- what they do ---------------------------------------------------------------------------------------

def test_paused_stands_still(t):
    """pause says nothing, and when it returns nothing moves; the state is paused, the pid is there."""
    box, count = ticking(t)
    equal(pause(box).ok().out, "", "stdout")
    true(not moves(count, 0.3), "the program goes on")
    equal((box.state()["status"], box.state()["pid"]), ("paused", box.pid), "status, pid")
    contains(t.runtime("list").ok().out, "paused", "list")


def test_resumed_goes_on(t):
    """resume lets it go on where it was; the state is running."""
    box, count = ticking(t)
    pause(box).ok()
    equal(resume(box).ok().out, "", "stdout")
    true(moves(count), "the program does not go on")
    equal(box.status(), "running", "status")


def test_back_and_forth(t):
    """Ten times."""
    box, count = ticking(t)
    for _ in range(10):
        pause(box).ok()
        equal(box.status(), "paused", "status")
        resume(box).ok()
        equal(box.status(), "running", "status")
    true(moves(count), "the program does not go on")


def test_every_process_stands_still(t):
    """Children, and those in cgroups below, are frozen too."""
    script = "for i in 1 2 3; do (while :; do echo $i >> /dev/shm/$i; sleep 0.02; done) & done; wait"
    box = t.shell(script)
    box.run_detached().ok()
    files = [pathlib.Path(f"/proc/{box.pid}/root/dev/shm/{number}") for number in (1, 2, 3)]
    eventually(lambda: all(file.exists() for file in files), "the children are not ready")
    below = cgroup_of(box) / "below"
    below.mkdir()
    child = [pid for pid, (parent, *_) in leaks.descendants(box.pid).items() if parent == box.pid][0]
    (below / "cgroup.procs").write_text(str(child))
    pause(box).ok()
    sizes = [file.stat().st_size for file in files]
    time.sleep(0.3)
    equal([file.stat().st_size for file in files], sizes, "what they wrote")
    resume(box).ok()
    eventually(lambda: all(file.stat().st_size > size for file, size in zip(files, sizes)), "one does not go on")


def test_the_kernel_says_frozen(t):
    """When pause returns, cgroup.events says frozen 1, and 0 after resume."""
    box = paused(t)
    contains((cgroup_of(box) / "cgroup.events").read_text(), "frozen 1", "cgroup.events")
    resume(box).ok()
    eventually(lambda: "frozen 0" in (cgroup_of(box) / "cgroup.events").read_text(), "it is frozen still")


def test_only_this_container(t):
    """Another container goes on."""
    box, _ = ticking(t)
    _, count = ticking(t)
    pause(box).ok()
    true(moves(count), "the other one stands still")


def test_frozen_by_somebody_else(t):
    """Who freezes the cgroup by hand pauses the container: the state says so, resume thaws it."""
    box, count = ticking(t)
    (cgroup_of(box) / "cgroup.freeze").write_text("1")
    eventually(lambda: box.status() == "paused", "the state does not say paused")
    resume(box).ok()
    equal((box.status(), moves(count)), ("running", True), "status, movement")


# ---- what they refuse -----------------------------------------------------------------------------------

def test_pause_twice(t):
    """A second pause is an error, and the container stays paused."""
    box = paused(t)
    true(pause(box).exits(1).err, "it says nothing")
    equal(box.status(), "paused", "status")


def test_resume_of_running(t):
    """What is not paused cannot be resumed."""
    box, count = ticking(t)
    contains(resume(box).exits(1).err, "not paused", "stderr")
    equal((box.status(), moves(count)), ("running", True), "status, movement")


def test_pause_of_created(t):
    """A created container can be paused, with runc; then it can be resumed, started and ended."""
    box = created(t)
    pause(box).ok()
    equal(box.status(), "paused", "status")
    resume(box).ok()
    equal(box.status(), "created", "status")
    box.start().ok()
    eventually(lambda: box.proc("cmdline").startswith("sleep"), "the program does not run")


def test_start_of_a_paused_one(t):
    """A created container that is paused does not start, and nothing hangs."""
    box = created(t)
    pause(box).ok()
    result = box.start().exits(1)
    true(result.seconds < AT_ONCE, f"start took {result.seconds} s")
    equal(box.status(), "paused", "status")
    resume(box).ok()
    box.start().ok()


@parametrize("verb", ["pause", "resume"])
def test_of_a_stopped_one(t, verb):
    """A stopped container is neither paused nor resumed."""
    box = stopped(t)
    result = t.runtime(verb, box.id).exits(1)
    true(result.err, "it says nothing")
    equal(box.status(), "stopped", "status")


@parametrize("verb", ["pause", "resume"])
def test_of_an_unknown_one(t, verb):
    """The error says that it does not exist."""
    t.root.mkdir()
    contains(t.runtime(verb, "nobody").exits(1).err, "does not exist", "stderr")


@parametrize("verb", ["pause", "resume"])
def test_one_id_is_needed(t, verb):
    """No id, and two ids, are wrong usage."""
    t.root.mkdir()
    for operands in ([], ["a", "b"]):
        result = t.runtime(verb, *operands)
        true(result.code != 0 and result.err, str(result))


def test_delete_of_a_paused_one(t):
    """Without --force a paused container is not deleted, and stays paused."""
    box = paused(t)
    contains(box.delete().exits(1).err, "that is not stopped: paused", "stderr")
    equal(box.status(), "paused", "status")


# ---- how a paused container ends ------------------------------------------------------------------------

def test_kill_of_a_paused_one(t):
    """SIGKILL ends it at once."""
    box = paused(t)
    box.kill("KILL").ok()
    equal(box.wait(), -9, "status")
    equal(box.status(), "stopped", "state")
    box.delete().ok()


@parametrize("sharing", ["private", "shared"])
def test_kill_all_of_a_paused_one(t, sharing):
    """`kill --all ID KILL` ends every process of it."""
    box, children = family(t, private=sharing == "private")
    pause(box).ok()
    kill_all(t, box, "KILL")
    eventually(lambda: not any(alive(pid) for pid in [box.pid, *children]), "processes are left")
    box.delete("--force").ok()


def test_another_signal_waits(t):
    """A signal other than KILL is delivered, and acts after resume; the container stays paused until then."""
    box = t.shell("trap 'exit 42' TERM; : > /dev/shm/up; while :; do sleep 0.05; done")
    box.run_detached().ok()
    eventually(lambda: os.path.exists(f"/proc/{box.pid}/root/dev/shm/up"), "the program is not ready")
    pause(box).ok()
    box.kill("TERM").ok()
    time.sleep(0.2)
    equal(box.status(), "paused", "status")
    resume(box).ok()
    equal(box.wait(), 42, "exit status")


@differs("runc 1.1.5 thaws after it has signalled all")
def test_all_get_another_signal_and_stay_paused(t):
    """`kill --all ID TERM` does not thaw; who handles the signal does so after resume."""
    member = "sh -c \"trap 'echo $$ >> /dev/shm/got; exit' TERM; echo >> /dev/shm/up; while :; do sleep 0.05; done\""
    box = t.shell(f"{member} & {member} & trap '' TERM; wait; wait; sleep 60")
    box.run_detached().ok()
    up, got = (pathlib.Path(f"/proc/{box.pid}/root/dev/shm/{name}") for name in ("up", "got"))
    eventually(lambda: up.exists() and up.read_text() == "\n\n", "the children are not ready")
    pause(box).ok()
    t.runtime("kill", "--all", box.id, "TERM").ok()
    time.sleep(0.2)
    equal((box.status(), got.exists()), ("paused", False), "status, who got it")
    resume(box).ok()
    eventually(lambda: got.exists() and len(got.read_text().split()) == 2, "the signal is lost")


def test_delete_force_of_a_paused_one(t):
    """`delete --force` ends and removes it."""
    box, _ = family(t)
    pause(box).ok()
    result = box.delete("--force").ok()
    true(result.seconds < AT_ONCE, f"it took {result.seconds} s")
    t.no_state()


@differs("runc 1.1.5 leaves the children, and the cgroup with them")
def test_delete_force_of_a_paused_one_in_a_shared_pid_namespace(t):
    """So it is where the first process does not take the others with it."""
    box, children = family(t, private=False)
    pause(box).ok()
    removed(box, "--force")
    t.no_state()
    eventually(lambda: not any(alive(pid) for pid in children), "children are alive")


def test_delete_force_of_a_paused_created_one(t):
    """So it is with one that never started."""
    box = created(t)
    pause(box).ok()
    removed(box, "--force")
    t.no_state()


def test_an_attached_run_that_is_paused(t):
    """The runtime that waits for a paused container goes on waiting, and returns the status in the end."""
    box, let_go = t.gated("exit 9")
    child = box.run_in_background()
    pause(box).ok()
    let_go()
    time.sleep(0.5)
    equal(child.poll(), None, "exit code of run")
    resume(box).ok()
    equal(child.wait(10), 9, "exit code of run")


@differs("runc 1.1.5 fails at times: the cgroup is gone before it has looked")
def test_a_program_that_ends_with_its_resume(t):
    """resume succeeds when the program ends at once and an attached run removes the container meanwhile."""
    for _ in range(8):
        box, let_go = t.gated("exit 0")
        child = box.run_in_background()
        pause(box).ok()
        let_go()
        resume(box).ok()
        equal(child.wait(10), 0, "exit code of run")


def test_paused_and_its_cgroup_is_gone(t):
    """The processes of a paused container die and its cgroup goes: it is stopped, the verbs answer, delete works."""
    box = paused(t)
    top = cgroup_of(box)
    for pid in (top / "cgroup.procs").read_text().split():  # cgroup.kill came with Linux 5.14
        with contextlib.suppress(ProcessLookupError):  # init takes the others with it
            os.kill(int(pid), signal.SIGKILL)
    box.wait()
    isolation.remove_tree(top)
    true(not top.exists(), "the cgroup cannot be removed")
    equal(box.status(), "stopped", "status")
    for verb in (pause, resume):
        verb(box).exits(1)
    box.delete().ok()
    t.no_state()


@differs("runc 1.1.5 says paused")
def test_a_stopped_one_in_a_frozen_cgroup(t):
    """The last process died frozen: the container is stopped, not paused, and can be deleted."""
    box = paused(t)
    os.kill(box.pid, 9)
    box.wait()
    equal(box.status(), "stopped", "status")
    box.delete().ok()
