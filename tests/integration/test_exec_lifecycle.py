# SPDX-License-Identifier: Apache-2.0
"""exec in the container's life: the states that allow it, what it leaves alone, kills, many execs at once."""

import json
import os
import signal
import subprocess
import time

import pytest

import leaks
from harness import AT_ONCE, command_line, contains, equal, eventually, stop, true
from marks import differs, parametrize
from test_exec import alone, background, output, running


def freeze(box, frozen):
    """Freezes or thaws the container's cgroup, as `pause` and `resume` do."""
    (box.cgroup() / "cgroup.freeze").write_text("01"[frozen])
    eventually(lambda: f"frozen {int(frozen)}" in (box.cgroup() / "cgroup.events").read_text(), "it does not freeze")


def frozen_box(t):
    box = running(t)
    freeze(box, True)
    equal(box.status(), "paused", "status")
    return box


# ---- states -----------------------------------------------------------------------------------------------

def test_unknown_container(t):
    """exec with an unknown id fails with 255, in runc's words."""
    result = t.runtime("exec", "nobody-made-this", "true").exits(255)
    contains(result.err, "exec failed: ", "stderr")
    contains(result.err, "container does not exist", "stderr")
    t.no_state()


@parametrize("how", ["waited for", "a zombie"])
def test_stopped_container(t, how):
    """exec in a container whose process has ended fails with 255, in runc's words."""
    box = t.container("true")
    box.run_detached().ok()
    box.wait_dead()
    if how == "waited for":
        box.wait()
    result = box.exec("true").exits(255)
    contains(result.err, "cannot exec in a stopped container", "stderr")
    equal(box.status(), "stopped", "status")


def test_creating_container(t):
    """While create is under way another caller's exec fails in bounded time; after create it works."""
    box, gate = t.sleeper(), t.scratch / "gate"
    os.mkfifo(gate)
    hook = {"path": "/bin/cat", "args": ["cat", str(gate)]}
    box.bundle.edit(lambda config: config.update(hooks={"createRuntime": [hook]}))
    create = ["create", "--bundle", box.bundle.path, "--pid-file", box.pid_file, box.id]
    child = t.runtime.start(t.runtime.command(*create))
    with open(gate, "wb"):  # opens when the hook does
        contains(box.exec("true").exits(255).err, "does not exist", "stderr")
    equal(child.wait(10), 0, "exit code of create")
    equal(output(box, "echo", "fine"), "fine\n", "stdout")


def test_created_container(t):
    """exec works in a created container, which stays created and can be started."""
    box = t.shell("exit 5")
    box.create().ok()
    true(int(output(box, "sh", "-c", "echo $$")) > 1, "it is pid 1")
    equal(box.status(), "created", "status")
    box.start().ok()
    equal(box.wait(), 5, "status of the container")


def test_a_detached_exec_lives_through_the_start(t):
    """A program that exec has started in a created container is still there when the container runs."""
    box = t.sleeper()
    box.create().ok()
    process = box.exec_detached("sleep", "61")
    box.start().ok()
    eventually(lambda: "sleep" in box.proc("cmdline"), "the program does not run")
    contains(process.proc("cmdline"), "61", "command line")
    equal(box.status(), "running", "status")


def test_paused_container(t):
    """exec refuses a frozen container at once, in runc's words."""
    box = frozen_box(t)
    result = box.exec("true").exits(255)
    contains(result.err, "cannot exec in a paused container (use --ignore-paused to override)", "stderr")
    true(result.seconds < AT_ONCE, f"it took {result.seconds} s")
    freeze(box, False)
    alone(box)


def test_ignore_paused_waits_for_the_thaw(t):
    """With --ignore-paused the program runs after the container is resumed, and not before."""
    box = frozen_box(t)
    child = box.exec_in_background("sh", "-c", "exit 9", flags=["--ignore-paused"])
    time.sleep(0.5)
    equal(child.poll(), None, "end before the thaw")
    equal(box.status(), "paused", "status")
    freeze(box, False)
    equal(child.wait(10), 9, "exit code")
    alone(box)


def test_ignore_paused_of_a_running_container(t):
    """In a running container the flag changes nothing."""
    equal(output(running(t), "echo", "x", flags=["--ignore-paused"]), "x\n", "stdout")


def test_who_waits_for_the_thaw_can_be_terminated(t):
    """An exec that gets SIGTERM in a frozen container ends, at the latest when the container thaws, and leaves no process.

     runc passes the signal on to the program, which exists by then; bulkhead does not start a program any more.
     """
    box = frozen_box(t)
    child = box.exec_in_background("sleep", "61", flags=["--ignore-paused"])
    time.sleep(0.3)
    child.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    freeze(box, False)
    true(child.wait(10) in (128 + signal.SIGTERM, -signal.SIGTERM, 255), f"exit code {child.returncode}")
    alone(box)


@differs("runc 1.1.5 leaves its frozen child behind")
def test_who_waits_for_the_thaw_can_be_killed(t):
    """A runtime that is killed while the container is frozen leaves nothing of itself after the thaw."""
    box = frozen_box(t)
    child = box.exec_in_background("sleep", "61", flags=["--ignore-paused"])
    time.sleep(0.3)
    stop(child)
    freeze(box, False)

    def settled():
        leaks.reap_orphans()
        pids = (box.cgroup() / "cgroup.procs").read_text().split()
        return all(command_line(pid).startswith("sleep\0") for pid in pids)
    eventually(settled, "a process of the runtime is left")
    for pid in set((box.cgroup() / "cgroup.procs").read_text().split()) - {str(box.pid)}:
        os.kill(int(pid), signal.SIGKILL)
    alone(box)


@differs("runc 1.1.5 sometimes leaves its child, outside the container's cgroup")
@pytest.mark.timeout(60)
def test_a_runtime_that_is_killed_at_any_moment(t):
    """Whenever the runtime dies, at most the program is left; the container and its record are whole."""
    box = running(t)
    before = records(t, box)

    def others():
        leaks.reap_orphans()
        return leaks.descendants(os.getpid()).keys() - {box.pid}

    def settled():
        return all(command_line(pid).startswith("sleep\0") for pid in others())
    for number in range(40):
        child = box.exec_in_background("sleep", "61", flags=["--detach"] if number % 2 else [])
        time.sleep(number / 40 * 0.03)
        stop(child)
        eventually(settled, "a process of the runtime is left")
        for pid in others():
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: not others(), "it cannot be killed")
    equal(records(t, box), before, "records")
    equal(output(box, "echo", "fine"), "fine\n", "stdout")


@differs("runc 1.1.5 sometimes leaves a dead child that keeps init from ending")
@pytest.mark.timeout(60)
def test_delete_force_against_execs(t):
    """If delete --force comes while ten execs are under way, all end in bounded time, and nothing is left."""
    for round_ in range(3):
        box = running(t)
        children = [box.exec_in_background("sleep", "0.02") for _ in range(10)]
        time.sleep(round_ * 0.02)
        box.delete("--force").ok()
        codes = {child.wait(15) for child in children}
        true(codes <= {0, 137, 255}, f"exit codes are {codes}")
        leaks.reap_orphans()
        t.no_state()


def test_freezes_against_an_exec(t):
    """Execs that begin while the container is frozen and thawed again and again all run to their end."""
    box = running(t)
    children = [box.exec_in_background("sh", "-c", f"exit {number}", flags=["--ignore-paused"]) for number in range(8)]
    for _ in range(10):
        freeze(box, True)
        time.sleep(0.01)
        freeze(box, False)
        time.sleep(0.01)
    equal([child.wait(15) for child in children], list(range(8)), "exit codes")
    alone(box)


def test_dying_container(t):
    """Init is dead, but a process that nobody has collected keeps it: exec fails in bounded time and leaves nothing."""
    box = running(t)
    process = box.exec_detached("sleep", "61")
    os.kill(box.pid, signal.SIGKILL)
    process.wait_dead()
    time.sleep(0.2)
    result = box.exec("true", timeout=15)
    equal(result.code, 255, "exit code")
    contains(result.err, "exec failed: ", "stderr")
    true(result.seconds < 10, f"it took {result.seconds} s")
    equal(process.wait(), -9, "status of the executed")
    equal(box.wait(), -9, "status of the container")


def test_exec_against_kill(t):
    """An exec at the moment of the kill runs, is killed or is refused, and ends."""
    for _ in range(5):
        box = running(t)
        box.kill("KILL").ok()
        result = box.exec("true", timeout=15)
        true(result.code in (0, 137, 255), f"unexpected: {result}")
        true(result.code != 255 or "exec failed: " in result.err, f"no reason: {result}")
        if t.control:  # a dead child that runc does not collect keeps init from ending
            eventually(lambda: leaks.reap_orphans() or not os.path.exists(f"/proc/{box.pid}"), "it does not end")
        else:
            box.wait()
        box.delete().ok()


def test_the_death_of_the_container_ends_the_exec(t):
    """After init's death an attached exec ends with 137."""
    box = running(t)
    child = background(box, "echo ready; sleep 61")
    box.kill("KILL").ok()
    equal(child.wait(10), 137, "exit code")
    box.wait()


def test_the_death_of_the_executed_is_not_the_containers(t):
    """If the executed program kills itself, the container goes on."""
    box = running(t)
    box.exec("sh", "-c", "kill -KILL $$").exits(137)
    equal(box.status(), "running", "status")
    alone(box)


def test_delete_refuses_and_force_ends_the_executed(t):
    """delete without --force refuses a running container; delete --force ends executed processes too."""
    box = running(t)
    child = background(box, "echo ready; sleep 61")
    true(box.delete().code != 0, "delete of a running container")
    box.delete("--force").ok()
    equal(child.wait(10), 137, "exit code of exec")
    box.wait()
    t.no_state()


def test_a_stopped_container_with_an_exec_of_another_pid_namespace(t):
    """Without a pid namespace an executed process outlives init: the container is stopped, and exec is refused."""
    box = t.sleeper()
    box.bundle.without_namespace("pid")
    box.run_detached().ok()
    process = box.exec_detached("sleep", "61")
    os.kill(box.pid, signal.SIGKILL)
    box.wait()
    equal(box.status(), "stopped", "status")
    contains(box.exec("true").exits(255).err, "cannot exec in a stopped container", "stderr")
    contains(process.proc("cmdline"), "61", "command line")


# ---- what exec leaves alone -------------------------------------------------------------------------------

def records(t, box):
    """{name: content} of the container's state directory."""
    return {file.name: file.read_bytes() if file.is_file() else None for file in sorted((t.root / box.id).iterdir())}


def test_exec_changes_no_record(t):
    """The state directory is the same before, during and after an exec, byte by byte."""
    box = running(t)
    before, state = records(t, box), box.state()
    child = background(box, "echo ready; read x", stdin=subprocess.PIPE)
    equal(records(t, box), before, "records during the exec")
    child.communicate(b"\n", timeout=10)
    box.exec("/no/such").exits(255)
    equal((records(t, box), box.state()), (before, state), "records and state")


@differs("runc 1.1.5 reads the bundle again")
@parametrize("_, change", [("edited", lambda file: file.write_text(json.dumps(
          {**json.loads(file.read_text()), "process": {"args": ["x"], "cwd": "/etc", "env": ["A=1"]}}))),
          ("damaged", lambda file: file.write_text("{")), ("gone", lambda file: file.unlink())])
def test_the_config_of_the_creation_counts(t, _, change):
    """An edit of config.json after the creation has no effect on exec."""
    box = running(t, cwd="/tmp", env=["PATH=/bin", "A=2"])
    change(box.bundle.path / "config.json")
    equal(output(box, "sh", "-c", "pwd; echo $A"), "/tmp\n2\n", "stdout")


@parametrize("program", ["/bin/true", "/no/such"])
def test_no_descriptor_of_the_host_is_held(t, program):
    """After an exec, good or bad, the container is the only process below the caller."""
    box = running(t)
    for _ in range(3):
        box.exec(program)
    leaks.reap_orphans()
    equal(leaks.descendants(os.getpid()).keys(), {box.pid}, "processes below the caller")


# ---- many -------------------------------------------------------------------------------------------------

def test_thirty_at_once(t):
    """Thirty attached execs in parallel: each has its own output and its own status."""
    box = running(t)
    outs = [open(t.scratch / f"many{number}", "w+b") for number in range(30)]
    children = [box.exec_in_background("sh", "-c", f"echo {number}; exit {number}", stdout=out)
                for number, out in enumerate(outs)]
    equal([child.wait(30) for child in children], list(range(30)), "exit codes")
    for number, out in enumerate(outs):
        out.seek(0)
        equal(out.read(), f"{number}\n".encode(), "output")
        out.close()
    equal(box.status(), "running", "status")
    alone(box)


def test_one_after_another(t):
    """Fifty execs in a row leave the container as it was."""
    box = running(t)
    before = sorted(box.descriptors())
    for _ in range(50):
        box.exec("true").ok()
    equal(sorted(box.descriptors()), before, "descriptors of init")
    alone(box)


def test_detached_in_parallel(t):
    """Ten detached execs at once: ten processes, ten pid files."""
    box = running(t)
    files = [t.scratch / f"many{number}.pid" for number in range(10)]
    children = [box.exec_in_background("sleep", "61", flags=["--detach", "--pid-file", file]) for file in files]
    equal([child.wait(30) for child in children], [0] * 10, "exit codes")
    pids = [int(file.read_text()) for file in files]
    equal(set((box.cgroup() / "cgroup.procs").read_text().split()), {str(pid) for pid in [*pids, box.pid]}, "processes")
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        equal(os.waitpid(pid, 0)[0], pid, "child")


def test_execs_and_a_stream_of_states(t):
    """`state` reports running at any moment of an exec."""
    box = running(t)
    for _ in range(5):
        child = box.exec_in_background("true")
        equal(box.status(), "running", "status")
        equal(child.wait(10), 0, "exit code")
