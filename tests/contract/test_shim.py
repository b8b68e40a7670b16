# SPDX-License-Identifier: Apache-2.0
"""containerd's shim: containers from create to delete."""

import json
import os
import signal

from caller import cgroup_of, reap
from harness import contains, equal, eventually, true
from lines import line
from shim import NotFound, Task, error_of

SHARED = [("no entry",), ("an entry with a path",)]


def task(t, *args, edit=None, **options):
    bundle = t.bundle(*(args or ("sleep", "60")))
    return Task(t, bundle.edit(edit) if edit else bundle, **options)


def shares_pids(how):
    """Edits a config so that its container lives in a pid namespace that is not its own."""
    def change(config):
        spaces = [space for space in config["linux"]["namespaces"] if space["type"] != "pid"]
        config["linux"]["namespaces"] = spaces + ([{"type": "pid", "path": "/proc/self/ns/pid"}]
                                                  if how == "an entry with a path" else [])
    return change


@line()
def a_life(t):
    """create, start, the end, delete: the log has no error, the status is the caller's to reap, and the root and the
    cgroup are empty.
    """
    box = task(t, "sh", "-c", "echo out; echo err >&2; exit 3").create().start()
    equal(box.pipes.read(), ["out\n", "err\n"], "what was written")
    equal(box.wait(), 3, "exit status")
    equal(box.status(), "stopped", "status")
    box.delete()
    equal((box.cgroup.exists(), os.listdir(box.runtime.root)), (False, []), "cgroup and state root")


@line()
def stdin_is_open_until_it_is_closed(t):
    """The container reads what the shim copies into the pipe of its stdin, and its end when the shim closes it."""
    box = task(t, "sh", "-c", "while read line; do echo got $line; done; exit 5").create("stdin").start()
    os.write(box.pipes.stdin[1], b"one\n")
    equal(os.read(box.pipes.stdout[0], 8), b"got one\n", "the answer")
    equal(box.pipes.read(), ["", ""], "the rest")
    equal(box.wait(), 5, "exit status")
    box.delete()


@line()
def the_cgroup_is_final(t):
    """/proc/PID/cgroup right behind create is the container's for good, and what the shim watches is there:
    cgroup.events.
    """
    box = task(t, edit=lambda config: config["linux"].update(cgroupsPath=f"/k8s.io/{t.prefix}")).create("null")
    equal(str(box.cgroup), f"/sys/fs/cgroup/k8s.io/{t.prefix}", "cgroup")
    contains((box.cgroup / "cgroup.events").read_text(), "populated 1", "cgroup.events")
    box.start()
    equal(cgroup_of(box.pid), box.cgroup, "cgroup of the running container")
    events = os.open(box.cgroup / "cgroup.events", os.O_RDONLY | os.O_CLOEXEC)
    box.kill()
    equal(box.wait(), 137, "exit status")
    eventually(lambda: b"populated 0" in os.pread(events, 100, 0), "cgroup.events stays populated")
    os.close(events)
    box.delete()
    os.rmdir("/sys/fs/cgroup/k8s.io")  # what is above the container's is for its maker to remove


@line()
def in_the_bundle_of_another(t):
    """Every call stands in the bundle of the pod's first container, and means its own: --bundle decides, not the
    directory.
    """
    first = task(t, "cat", "/word")
    first.bundle.program("word", "first")
    second = task(t, "cat", "/word", cwd=first.bundle.path)
    second.bundle.program("word", "second")
    second.create().start()
    equal(second.pipes.read()[0], "second", "what the container reads")
    equal(second.wait(), 0, "exit status")
    second.delete()
    equal(sorted(os.listdir(first.bundle.path)), ["config.json", "rootfs"], "the first bundle")


@line()
def in_a_directory_that_is_gone(t):
    """start, state, kill and delete do without the directory that they stand in, whose bundle was deleted meanwhile."""
    gone = t.directory("gone")
    box = task(t, cwd=gone).create("null")
    where = os.open(gone, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    os.rmdir(gone)
    box.runtime.cwd = f"/proc/self/fd/{where}"
    box.start()
    equal(box.status(), "running", "status")
    box.end()
    os.close(where)


@line(each=[("nothing",), ("zeros, which are empty",), ("the number of another",)])
def the_pid_file_is_there_before(t, what):
    """init.pid may exist with {} in it; behind create all of it is the pid."""
    box = task(t)
    text = {"nothing": "", "the number of another": "4194304999\n"}.get(what, "")
    (box.bundle.path / "init.pid").write_text(text)
    box.create("null").start()
    equal((box.bundle.path / "init.pid").read_text(), str(box.pid), "the file")
    box.end()


@line(each=SHARED)
def the_rest_is_killed_behind_init(t, how):
    """With {} for its own pids in the config, `kill --all ID 9` after init's exit succeeds silently, and kills who is
    left.
    """
    box = task(t, "sh", "-c", "sleep 61 & echo $!; exit 2", edit=shares_pids(how)).create().start()
    left = int(os.read(box.pipes.stdout[0], 20))
    contains((box.cgroup / "cgroup.procs").read_text(), str(left), "the processes of the cgroup")
    equal(box.wait(), 2, "exit status")
    equal(reap(left), 137, "exit status of who was left")
    equal(box.pipes.read(), ["", ""], "what was written")
    box.delete()


@line(each=SHARED)
def nobody_is_left_to_be_killed(t, how):
    """With {}, `kill --all ID 9` succeeds silently also where nobody is left, and once more."""
    box = task(t, "true", edit=shares_pids(how)).create("null").start()
    equal(box.wait(), 0, "exit status")
    box.kill_all()
    box.delete()


@line(each=[("has ended", "process already finished: not found"), ("is deleted", "no such container: not found"),
            ("never was", "no such container: not found")])
def kill_of_who_is_gone(t, how, text):
    """The words of `kill` for a container that {} make it NotFound, so that a stop succeeds."""
    box = task(t, "true")
    if how != "never was":
        box.create("null").start()
        box.wait()
    if how == "is deleted":
        box.delete()
    try:
        box.kill(signal.SIGTERM)
        true(False, "kill succeeds")
    except NotFound as error:
        equal(str(error), text, "what containerd is told")
    if how == "has ended":
        box.delete()


@line()
def kill_of_an_init_that_nobody_has_reaped(t):
    """A zombie whose status the shim has not taken yet is stopped, and a signal for it says `container not running`."""
    box = task(t, "true").create("null").start()
    eventually(lambda: box.status() == "stopped", "the status is not stopped")
    answer = box.runtime.kill(box.id, 15).failed()
    contains(answer.out, "container not running", "the message")
    equal(box.wait(), 0, "exit status")
    box.delete()


@line()
def kill_of_the_created(t):
    """Signal 9 ends a container that was created and never started; then it is stopped, and is deleted without force.
    """
    box = task(t).create("null")
    box.kill()
    equal(box.wait(), 137, "exit status")
    equal(box.status(), "stopped", "status")
    box.delete()


@line()
def delete_of_the_created(t):
    """A created container is deleted without force: its process is killed, and the shim reaps it."""
    box = task(t).create()
    box.delete()
    equal(box.wait(), 137, "exit status")
    equal(box.pipes.read(), ["", ""], "what was written")


@line()
def delete_of_the_running(t):
    """A running container is not deleted without force, and the shim's error names its state."""
    box = task(t).create("null").start()
    text = error_of(box.delete)
    contains(text, "failed to delete task: ", "the error")
    contains(text, "is not stopped: running", "the error")
    equal(box.status(), "running", "status")
    box.end()


@line()
def delete_twice(t):
    """The second delete of a container says `does not exist`, which is as good as deleted."""
    box = task(t).create("null").start()
    box.end()
    answer = box.runtime.delete(box.id).failed()
    contains(answer.out, "does not exist", "the message")
    box.delete()


@line()
def start_twice(t):
    """The second start fails with runc's words, behind the shim's prefix, and harms nobody."""
    box = task(t).create("null").start()
    contains(error_of(box.start), "OCI runtime start failed: cannot start an already running container", "the error")
    equal(box.status(), "running", "status")
    box.end()


@line()
def start_of_the_stopped(t):
    """A container whose init was killed before it was started cannot be started, and is deleted without force."""
    box = task(t).create("null")
    os.kill(box.pid, signal.SIGKILL)
    equal(reap(box.pid), 137, "exit status")
    contains(error_of(box.start), "OCI runtime start failed: cannot start a container that has stopped", "the error")
    box.delete()


@line()
def paused_and_resumed(t):
    """pause and resume are silent; the state is paused between them, and a paused container pauses no more: `container
    not running`.
    """
    box = task(t).create("null").start()
    box.pause()
    equal(box.status(), "paused", "status")
    contains(error_of(box.pause), "OCI runtime pause failed: container not running", "the error")
    box.resume()
    equal(box.status(), "running", "status")
    contains(error_of(box.resume), "OCI runtime resume failed: container not paused", "the error")
    box.end()


@line()
def update_of_cri(t):
    """What CRI sends as resources, with its devices, its nulls left out and what this machine has no controller for at
    0, is taken.
    """
    box = task(t).create("null").start()
    box.update({"devices": [{"allow": False, "access": "rwm"}], "memory": {}, "cpu": {}, "pids": {},
                "blockIO": {}, "hugepageLimits": [{"pageSize": "2MB", "limit": 0}], "unified": {}})
    equal(box.status(), "running", "status")
    box.end()


@line()
def processes_of_the_host(t):
    """`ps` names init and what was executed by the host's pids, which the shim tells containerd."""
    box = task(t).create("null").start()
    process = box.exec("one", "sleep", "61", kind="null")
    equal(sorted(box.runtime.ps(box.id)), sorted([box.pid, process.pid]), "processes")
    process.kill(9)
    equal(process.wait(), 137, "exit status")
    box.end()


@line(each=[("created",), ("running",), ("paused",), ("stopped",)])
def after_the_shims_crash(t, status):
    """`delete --force` by who never spoke of the container's driver removes one that is {}; init.pid stays to be read.
    """
    box = task(t).create()
    if status != "created":
        box.start()
    if status == "paused":
        box.pause()
    if status == "stopped":
        os.kill(box.pid, signal.SIGKILL)
        reap(box.pid)
    equal(box.status(), status, "status")
    equal(box.clean_up(), box.pid, "what init.pid says")
    if status != "stopped":
        equal(reap(box.pid), 137, "exit status")
    equal(box.pipes.read(), ["", ""], "what was written")
    equal((box.cgroup.exists(), os.listdir(box.runtime.root)), (False, []), "cgroup and state root")


@line()
def after_a_crash_in_create(t):
    """A create that is killed with its shim leaves what `delete --force` clears away: no process, no cgroup, no state.
    """
    box = task(t)
    os.mkfifo(box.bundle.path / "gate")
    box.bundle.edit(lambda config: config.update(hooks={"createRuntime": [
        {"path": "/bin/sh", "args": ["sh", "-c", f"cat > {box.bundle.path}/state; read x < {box.bundle.path}/gate"]}]}))
    argv = box.runtime.argv(*box.runtime.words("create", box.bundle.path, box.id,
                                               {"pid_file": box.bundle.path / "init.pid"}))
    child = box.runtime.begin(argv, (-3, -3, -3), None)
    eventually(lambda: (box.bundle.path / "state").exists() and (box.bundle.path / "state").read_text(), "no hook runs")
    pid = json.loads((box.bundle.path / "state").read_text())["pid"]
    child.kill()
    child.wait()
    gate = os.open(box.bundle.path / "gate", os.O_RDWR | os.O_CLOEXEC)
    os.write(gate, b"\n")
    box.runtime.delete(box.id, force=True).silent()
    os.close(gate)
    reap(pid)
    equal(os.listdir(box.runtime.root), [], "state root")
