# SPDX-License-Identifier: Apache-2.0
"""containerd's shim: containers from create to delete."""

import os
import signal

from caller import cgroup_of, reap, wait
from gorunc import NullIO, read_pid_file
from harness import contains, equal, eventually
from marks import parametrize
from shim import Task, error_of, errors_in


def task(t, *args, edit=None, **options):
    bundle = t.bundle(*(args or ("sleep", "60")))
    return Task(t, bundle.edit(edit) if edit else bundle, **options)


def test_a_life(t):
    """create, start, the end, delete: the log has no error, the status is the caller's to reap, and the root and the
    cgroup are empty.
    """
    box = task(t, "sh", "-c", "echo out; echo err >&2; exit 3").create().start()
    equal(box.pipes.read(), ["out\n", "err\n"], "what was written")
    equal(box.wait(), 3, "exit status")
    equal(box.status(), "stopped", "status")
    box.delete()
    equal((box.cgroup.exists(), os.listdir(box.runtime.root)), (False, []), "cgroup and state root")


def test_stdin_is_open_until_it_is_closed(t):
    """The container reads what the shim copies into the pipe of its stdin, and its end when the shim closes it."""
    box = task(t, "sh", "-c", "while read line; do echo got $line; done; exit 5").create("stdin").start()
    os.write(box.pipes.stdin[1], b"one\n")
    equal(os.read(box.pipes.stdout[0], 8), b"got one\n", "the answer")
    equal(box.pipes.read(), ["", ""], "the rest")
    equal(box.wait(), 5, "exit status")
    box.delete()


def test_the_cgroup_is_final(t):
    """/proc/PID/cgroup right after create is the container's for good, and what the shim watches is there:
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


def test_in_the_bundle_of_another(t):
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


def test_in_a_directory_that_is_gone(t):
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


@parametrize("_, text", [("nothing", ""), ("a zero", "0"), ("the number of another", "4194304999\n")])
def test_the_pid_file_is_there_before(t, _, text):
    """init.pid may exist with {} in it; after create all of it is the pid."""
    box = task(t)
    (box.bundle.path / "init.pid").write_text(text)
    box.create("null").start()
    equal((box.bundle.path / "init.pid").read_text(), str(box.pid), "the file")
    box.end()


def test_many_at_once(t):
    """Eight containers are created at the same time below a root that is not there yet, and deleted at the same time.
    """
    boxes = [task(t) for _ in range(8)]
    calls = [box.runtime.words("create", box.bundle.path, box.id, {"pid_file": box.bundle.path / "init.pid"})
             for box in boxes]
    children = [box.runtime.begin(box.runtime.argv(*words), None, NullIO()) for box, words in zip(boxes, calls)]
    equal([wait(child) for child in children], [0] * 8, "exit statuses of create")
    children = [box.runtime.begin(box.runtime.argv("delete", box.id), None, NullIO()) for box in boxes]
    equal([wait(child) for child in children], [0] * 8, "exit statuses of delete")
    pids = [read_pid_file(box.bundle.path / "init.pid") for box in boxes]
    equal([reap(pid) for pid in pids], [137] * 8, "exit statuses of the containers")
    equal([errors_in(box.log) for box in boxes], [0] * 8, "errors in the logs")
    equal(os.listdir(boxes[0].runtime.root), [], "state root")


def test_delete_of_the_created(t):
    """A created container is deleted without force: its process is killed, and the shim reaps it."""
    box = task(t).create()
    box.delete()
    equal(box.wait(), 137, "exit status")
    equal(box.pipes.read(), ["", ""], "what was written")


def test_delete_of_the_running(t):
    """A running container is not deleted without force, and the shim's error names its state."""
    box = task(t).create("null").start()
    text = error_of(box.delete)
    contains(text, "failed to delete task: ", "the error")
    contains(text, "is not stopped: running", "the error")
    equal(box.status(), "running", "status")
    box.end()


def test_delete_twice(t):
    """The second delete of a container says `does not exist`, which is as good as deleted."""
    box = task(t).create("null").start()
    box.end()
    answer = box.runtime.delete(box.id).failed()
    contains(answer.out, "does not exist", "the message")
    box.delete()


def test_start_twice(t):
    """The second start fails with runc's words, after the shim's prefix, and harms nobody."""
    box = task(t).create("null").start()
    contains(error_of(box.start), "OCI runtime start failed: cannot start an already running container", "the error")
    equal(box.status(), "running", "status")
    box.end()


def test_start_of_the_stopped(t):
    """A container whose init was killed before it was started cannot be started, and is deleted without force."""
    box = task(t).create("null")
    os.kill(box.pid, signal.SIGKILL)
    equal(reap(box.pid), 137, "exit status")
    contains(error_of(box.start), "OCI runtime start failed: cannot start a container that has stopped", "the error")
    box.delete()


def test_paused_and_resumed(t):
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


def test_update_of_cri(t):
    """What CRI sends as resources, with its devices, its nulls left out and what this machine has no controller for at
    0, is taken.
    """
    box = task(t).create("null").start()
    box.update({"devices": [{"allow": False, "access": "rwm"}], "memory": {}, "cpu": {}, "pids": {},
                "blockIO": {}, "hugepageLimits": [{"pageSize": "2MB", "limit": 0}], "unified": {}})
    equal(box.status(), "running", "status")
    box.end()


def test_processes_of_the_host(t):
    """`ps` names init and what was executed by the host's pids, which the shim tells containerd."""
    box = task(t).create("null").start()
    process = box.exec("one", "sleep", "61", kind="null")
    equal(sorted(box.runtime.ps(box.id)), sorted([box.pid, process.pid]), "processes")
    process.kill(9)
    equal(process.wait(), 137, "exit status")
    box.end()
