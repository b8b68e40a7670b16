# SPDX-License-Identifier: Apache-2.0
"""containerd's shim: more processes in a container, detached, each with its pid file, reaped by the shim."""

import os
import signal

from harness import contains, equal, eventually, true
from marks import breaks, parametrize
from shim import error_of
from test_shim import task

REFUSED = [
    ("no such program in PATH", ["no-such"], {}, 'exec: "no-such": executable file not found in $PATH'),
    ("no such file", ["/no/such"], {}, 'exec: "/no/such": stat /no/such: no such file or directory'),
    ("not executable", ["/etc/passwd"], {}, 'exec: "/etc/passwd": permission denied'),
    ("a directory", ["/etc"], {}, "permission denied"),
    ("no such cwd", ["true"], {"cwd": "/no/such"}, "no such file or directory"),
    ("an unknown rlimit", ["true"], {"rlimits": [{"type": "RLIMIT_NONE", "hard": 1, "soft": 1}]}, "RLIMIT_NONE"),
]


def running(t, *args, **options):
    return task(t, *args, **options).create("null").start()


def tidy(box, process, exec_id="one"):
    """The container is as before a failing exec: it runs, alone, and has no pid file of the process."""
    equal(box.status(), "running", "status")
    equal(box.runtime.ps(box.id), [box.pid], "processes")
    equal((box.bundle.path / f"{exec_id}.pid").exists(), False, "pid file")


def test_exec_with_pipes(t):
    """Pipes, pid and exit status of an executed process are the shim's, beside those of init."""
    box = running(t)
    process = box.exec("one", "sh", "-c", "cat; echo out; echo err >&2; exit 4", kind="stdin")
    os.write(process.pipes.stdin[1], b"in\n")
    equal(process.pipes.read(), ["in\nout\n", "err\n"], "what was written")
    equal(process.wait(), 4, "exit status")
    process.delete()
    box.end()


@parametrize("number, status", [(15, 143), (9, 137), (2, 130), (10, 138)])
def test_signals_by_kill(t, number, status):
    """Signal {} by kill(2) to the pid in the pid file reaches the executed process itself, and its status says so."""
    box = running(t)
    process = box.exec("one", "sleep", "61", kind="null")
    process.kill(number)
    equal(process.wait(), status, "exit status")
    equal(box.status(), "running", "status of the container")
    process.delete()
    box.end()


def test_several_at_once(t):
    """Processes of several ids have each their own pid file and status, whatever order they end in."""
    box = running(t)
    made = [box.exec(f"exec-{number}", "sh", "-c", f"read x; exit {number}", kind="stdin") for number in (1, 2, 3)]
    for number in (2, 0, 1):
        made[number].pipes.read()
        equal(made[number].wait(), number + 1, "exit status")
        made[number].delete()
    box.end()


def test_exec_in_the_created(t):
    """A process is executed in a container that was created and not started, which can be started afterwards."""
    box = task(t, "sh", "-c", "exit 3").create("null")
    process = box.exec("one", "sh", "-c", "echo here; exit 2")
    equal(process.pipes.read(), ["here\n", ""], "what was written")
    equal(process.wait(), 2, "exit status")
    box.start()
    equal(box.wait(), 3, "exit status of the container")
    box.delete()


def test_exec_in_the_stopped(t):
    """An exec in a stopped container fails with runc's words, after the shim's prefix."""
    box = running(t, "true")
    box.wait()
    contains(error_of(box.exec, "one", "true"), "OCI runtime exec failed: ", "the error")
    contains(error_of(box.exec, "one", "true"), "cannot exec ", "the error")
    contains(error_of(box.exec, "one", "true"), "stopped", "the error")
    box.delete()


def test_exec_in_the_paused(t):
    """The runtime refuses an exec in a paused container, should the shim ever let it through."""
    box = running(t)
    box.pause()
    contains(error_of(box.exec, "one", "true"), "cannot exec in a paused container", "the error")
    box.resume()
    tidy(box, "one")
    box.end()


def test_exec_in_nobody(t):
    """An exec in a container that does not exist says so."""
    text = error_of(task(t).exec, "one", "true")
    contains(text, "OCI runtime exec failed: ", "the error")
    contains(text, "container does not exist", "the error")


@parametrize("_, args, process, text", REFUSED)
def test_exec_that_fails(t, _, args, process, text):
    """An exec fails in the runtime for {}: the log says why, its pipes end, and container and bundle are as before."""
    box = running(t)
    error = error_of(box.exec, "one", *args, process=process)
    contains(error, "OCI runtime exec failed: ", "the error")
    contains(error, text, "the error")
    tidy(box, "one")
    equal(box.exec("two", "true", kind="null").wait(), 0, "exit status of the next process")
    box.end()


def test_init_ends_before_them(t):
    """When init ends, executed processes of its pid namespace end by SIGKILL, each reaped by the shim, and delete
    succeeds.
    """
    box = running(t)
    process = box.exec("one", "sh", "-c", "trap '' TERM; sleep 61", kind="pipes")
    box.kill()
    equal(process.wait(), 137, "exit status of the process")
    equal(process.pipes.read(), ["", ""], "what was written")
    equal(box.wait(), 137, "exit status of init")
    box.delete()


def test_an_executed_process_has_children(t):
    """A child that an executed process leaves is init's, and not the shim's; the shim's pipes are held by it until it
    ends.
    """
    box = running(t)
    process = box.exec("one", "sh", "-c", "sleep 61 & exit 4")
    equal(process.wait(), 4, "exit status")
    left, = set(box.runtime.ps(box.id)) - {box.pid}
    os.kill(left, signal.SIGKILL)
    equal(process.pipes.read(), ["", ""], "what was written")
    box.end()


def test_the_cgroup_of_an_executed_process(t):
    """An executed process is in the container's cgroup when exec returns, as the shim's statistics want it."""
    box = running(t)
    process = box.exec("one", "sleep", "61", kind="null")
    contains((box.cgroup / "cgroup.procs").read_text().split(), str(process.pid), "the processes of the cgroup")
    process.kill(9)
    process.wait()
    box.end()


def test_the_process_is_what_is_told(t):
    """user, env, cwd, groups, capabilities and rlimits of the process file are the executed process's, not init's."""
    box = running(t)
    script = "id -u; id -g; id -G; pwd; echo $WORD; ulimit -n; grep CapEff /proc/self/status"
    process = box.exec("one", "sh", "-c", script, process={
        "user": {"uid": 1000, "gid": 1001, "additionalGids": [7, 8]}, "cwd": "/tmp",
        "env": ["PATH=/bin", "WORD=word"], "capabilities": {},
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 99, "soft": 88}]})
    said = process.pipes.read()[0].split()
    equal(said, ["1000", "1001", *"1001 7 8".split(), "/tmp", "word", "88", "CapEff:", "0" * 16], "what it says")
    equal(process.wait(), 0, "exit status")
    box.end()


@breaks("gives every executed process 0022")
def test_the_umask_is_what_is_told(t):
    """The umask of the process file is the executed process's; without one it is the container's."""
    box = running(t, edit=lambda config: config["process"].update(user={"uid": 0, "gid": 0, "umask": 0o77}))
    for user, mask in ({"umask": 0o27}, "0027"), ({}, "0077"):
        process = box.exec("one", "sh", "-c", "umask", process={"user": {"uid": 0, "gid": 0, **user}})
        equal(process.pipes.read()[0], f"{mask}\n", "umask")
        equal(process.wait(), 0, "exit status")
    box.end()


def owners(pipes):
    return {os.fstat(end).st_uid for end in (pipes.stdout[0], pipes.stderr[0])}


def opens_again(box, written):
    """A process of an exec opens its pipe again, as the container has done, which then ends."""
    process = box.exec("one", "sh", "-c", "echo more > /proc/self/fd/2")
    equal(process.pipes.read(), ["", "more\n"], "what the process wrote")
    equal(process.wait(), 0, "exit status of the process")
    equal(box.pipes.read(), written, "what was written")
    equal(box.wait(), 0, "exit status")
    box.delete()


def test_pipes_of_another_owner(t):
    """The pipes are fchown'ed to the IoUid of the options; they stay so, and a user of that number may open them
    again.
    """
    box = task(t, io_ids=(1000, 1000))
    box.bundle.process(user={"uid": 1000, "gid": 1000}, args=["sh", "-c", "echo again > /proc/self/fd/1; cat"])
    box.create("stdin").start()
    equal(owners(box.pipes), {1000}, "owners")
    opens_again(box, ["again\n", ""])


def test_pipes_of_a_mapped_owner(t):
    """In a user namespace the pipes are of its root's number outside, and the container's root may open them again."""
    maps = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    box = task(t, "sh", "-c", "id -u; echo again > /proc/self/fd/1; cat", io_ids=(100000, 100000), edit=lambda config:
               config["linux"].update(uidMappings=maps, gidMappings=maps,
                                      namespaces=[*config["linux"]["namespaces"], {"type": "user"}]))
    box.create("stdin")
    equal(owners(box.pipes), {100000}, "owners")
    box.start()
    opens_again(box, ["0\nagain\n", ""])


def test_an_old_pid_file(t):
    """A pid file of the same exec id that was left behind is replaced by the new pid."""
    box = running(t)
    (box.bundle.path / "one.pid").write_text("99999999\n")
    process = box.exec("one", "sh", "-c", "read x; exit 1", kind="stdin")
    true(process.pid != 99999999, "the pid is the old one")
    process.pipes.read()
    equal(process.wait(), 1, "exit status")
    eventually(lambda: box.runtime.ps(box.id) == [box.pid], "the process is still listed")
    box.end()
