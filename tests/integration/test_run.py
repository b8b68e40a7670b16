# SPDX-License-Identifier: Apache-2.0
"""Attached and detached `run`: streams, signals, what stays."""

import hashlib
import os
import pathlib
import signal
import subprocess

import leaks
from harness import absent, contains, equal, eventually, stop, true
from marks import parametrize


def test_stdout_and_stderr_stay_apart(t):
    """What the program writes to 1 and 2 arrives on the caller's 1 and 2."""
    result = t.shell("echo out; echo err >&2").run().exits(0)
    equal(result.out, "out\n", "stdout")
    equal(result.err, "err\n", "stderr")


def test_stdin_pipe_passes_through(t):
    """The program reads the caller's stdin to its end."""
    result = t.container("cat").run(stdin=b"hello\nworld\n").ok()
    equal(result.out, "hello\nworld\n", "stdout")


def test_stdin_null_is_at_its_end(t):
    """With a null device as stdin the program reads nothing and ends."""
    equal(t.container("wc", "-c").run().ok().out.strip(), "0", "bytes read")


def test_big_output_through_a_pipe(t):
    """8 MiB through a pipe arrive complete."""
    box = t.container("head", "-c", str(8 << 20), "/dev/zero")
    command = t.runtime.command("run", "--bundle", box.bundle.path, box.id)
    child = t.runtime.start(command, stdout=subprocess.PIPE)
    data, _ = child.communicate(timeout=20)
    equal(child.returncode, 0, "exit code")
    equal(hashlib.sha256(data).hexdigest(), hashlib.sha256(bytes(8 << 20)).hexdigest(), "hash of the output")


def test_stdout_pipe_closed_by_the_reader(t):
    """A reader that goes away gives the program SIGPIPE, and the runtime reports 128+13."""
    bundle = t.bundle("sh", "-c", "exec cat /dev/zero").without_namespace("pid")
    box = t.container(bundle=bundle)
    command = t.runtime.command("run", "--bundle", bundle.path, box.id)
    child = t.runtime.start(command, stdout=subprocess.PIPE)
    child.stdout.read(1)
    child.stdout.close()
    equal(child.wait(10), 128 + signal.SIGPIPE, "exit code")


@parametrize("name", ["TERM", "INT", "HUP", "USR1", "USR2", "QUIT"])
def test_attached_run_forwards_signals(t, name):
    """A signal that the runtime gets reaches the program, which decides."""
    box = t.shell(f"trap 'exit 42' {name}; echo ready; while :; do sleep 0.1; done")
    out = t.scratch / "live"
    with open(out, "wb") as stream:
        child = box.run_in_background(stdout=stream)
    eventually(lambda: "ready" in out.read_text(), "the program is not ready")
    equal(stop(child, getattr(signal, f"SIG{name}")), 42, "exit code")


def test_attached_run_forwards_a_fatal_signal(t):
    """SIGTERM kills a program that does not handle it; the exit code says so."""
    box = t.container(bundle=t.bundle("sleep", "60").without_namespace("pid"))
    child = box.run_in_background()
    equal(stop(child, signal.SIGTERM), 143, "exit code")


def test_attached_run_removes_the_container(t):
    """After an attached run no container is known under the id."""
    box = t.container("true")
    box.run().ok()
    contains(t.runtime("state", box.id).exits(1).err, "does not exist", "stderr")
    t.no_state()


def test_attached_run_removes_a_failing_container(t):
    """A program that fails is cleaned up like one that succeeds."""
    t.shell("exit 3").run().exits(3)
    t.no_state()


def test_keep_leaves_a_stopped_container(t):
    """`run --keep` leaves state and cgroup until delete."""
    box = t.shell("exit 5")
    box.run("--keep").exits(5)
    state = box.state()
    equal((state["status"], state["pid"]), ("stopped", 0), "status and pid")
    true(any(path.endswith(box.id) for path in leaks.cgroups()), "the cgroup of a kept container is gone")
    box.delete().ok()
    t.no_state()


def test_same_id_again_after_run(t):
    """An id is free again as soon as run has returned."""
    box = t.container("true")
    for _ in range(3):
        box.run().ok()


def test_detach_returns_while_the_container_runs(t):
    """`run --detach` returns 0, prints nothing, and the container is running."""
    box = t.sleeper()
    equal(box.run_detached().ok().out, "", "stdout")
    equal(box.state()["status"], "running", "status")
    equal(box.state()["pid"], box.pid, "pid")


def test_detached_short_flag(t):
    """`-d` is `--detach`, `-b` is `--bundle`."""
    box = t.sleeper()
    t.runtime("run", "-d", "-b", box.bundle.path, box.id).ok()
    equal(box.status(), "running", "status")


def test_detached_container_is_a_child_of_the_caller(t):
    """No helper stays between the subreaper and the container's first process."""
    box = t.sleeper()
    box.run_detached().ok()
    equal(leaks.process_table()[box.pid][0], os.getpid(), "parent of init")
    equal(set(leaks.descendants(os.getpid())), {box.pid}, "processes below the caller")


def test_attached_run_has_init_and_itself_only(t):
    """While an attached run waits there are two processes: the runtime and the program."""
    box = t.sleeper()
    child = box.run_in_background()
    equal(set(leaks.descendants(os.getpid())), {child.pid, box.pid}, "processes below the caller")
    box.kill("KILL").ok()
    equal(child.wait(10), 137, "exit code")


def test_attached_run_reaps_orphans(t):
    """Orphans of a container that shares the host's pid namespace do not stay as zombies."""
    box, let_go = t.gated("exit 4", before="for i in 1 2 3; do (sleep 0.1 &) ; done; : > /dev/shm/up")
    box.bundle.without_namespace("pid")
    child = box.run_in_background()
    eventually(lambda: os.path.exists(f"/proc/{box.pid}/root/dev/shm/up"), "the program does not begin")
    eventually(lambda: leaks.descendants(os.getpid()).keys() == {child.pid, box.pid}, "a zombie is left")
    let_go()
    equal(child.wait(10), 4, "exit code")


def test_children_die_with_pid_1(t):
    """When the first process ends, the kernel ends the rest and run returns."""
    result = t.shell("sleep 60 & sleep 60 & exit 9").run().exits(9)
    true(result.seconds < 10, f"run took {result.seconds} s")


def test_killed_runtime_leaves_a_deletable_container(t):
    """SIGKILL of an attached run loses nothing: delete --force removes the container."""
    box = t.sleeper()
    child = box.run_in_background()
    stop(child, signal.SIGKILL)
    equal(box.status(), "running", "status")
    box.delete("--force").ok()
    t.no_state()


def test_config_is_taken_from_the_cwd_without_bundle(t):
    """Without --bundle the current directory is the bundle."""
    box = t.container("echo", "here")
    equal(t.runtime("run", box.id, cwd=box.bundle.path).ok().out, "here\n", "stdout")


def test_bundle_may_be_relative(t):
    """A relative bundle is taken from the caller's directory, and state shows it absolute."""
    box = t.sleeper()
    t.runtime("run", "-d", "-b", box.bundle.path.name, box.id, cwd=box.bundle.path.parent).ok()
    equal(box.state()["bundle"], str(box.bundle.path), "bundle")


def test_default_root_is_not_touched_with_root(t):
    """With --root nothing appears in the default state root."""
    default = pathlib.Path("/run/bulkhead" if t.bulkhead else "/run/runc")
    box = t.sleeper()
    box.run_detached().ok()
    true(not (default / box.id).exists(), f"{default / box.id} exists")
    absent(" ".join(os.listdir("/run")), box.id, "/run")
