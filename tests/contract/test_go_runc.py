# SPDX-License-Identifier: Apache-2.0
"""go-runc: what the library calls and what becomes of the processes, for everybody who is built on it."""

import os
import pathlib
import signal

from bundles import PATH_ENV
from caller import reap, until_end
from gorunc import GoRunc, NullIO, PipeIO, read_pid_file
from harness import contains, equal, eventually
from marks import breaks, parametrize

FIELDS = [("debug", {"debug": True}), ("criu", {"criu": "/nowhere/criu"}), ("rootless=false", {"rootless": False}),
          ("rootless=true", {"rootless": True}),
          ("more", {"more": ["--debug", "--criu=/nowhere", "-rootless", "auto"]})]
SIGNALS = [(0, 0), (signal.SIGTERM, 128 + 15), (signal.SIGUSR2, 128 + 12), (37, 128 + 37), (64, 128 + 64), (9, 128 + 9)]


def full(t, **fields):
    """The library with the fields set that go in front of a verb."""
    return GoRunc(t, root=t.root, log=t.scratch / "log.json", **{"debug": True, **fields})


def made(t, library, *args, bundle=None, options=None, **fields):
    """(id, pid, pipes) of a created container whose streams are pipes."""
    name, bundle, pipes = t.fresh_id(), bundle or t.bundle(*args, **fields), PipeIO()
    library.create(bundle.path, name, pid_file=t.scratch / "pid", io=pipes, **(options or {})).silent()
    return name, read_pid_file(t.scratch / "pid"), pipes


def started(t, library, *args, **fields):
    name, pid, pipes = made(t, library, *args, **fields)
    library.start(name).silent()
    return name, pid, pipes


def sleeper(t, library):
    """(id, pid) of a container that sleeps, with Null IO."""
    name = t.fresh_id()
    library.create(t.bundle("sleep", "60").path, name, pid_file=t.scratch / "pid", io=NullIO()).silent()
    library.start(name).silent()
    return name, read_pid_file(t.scratch / "pid")


def removed(library, name, pid):
    library.kill(name, 9).silent()
    equal(reap(pid), 137, "exit status")
    library.delete(name).silent()


def test_pipes_are_the_containers(t):
    """Behind `create` only the container holds the caller's pipes: both end with it, and its status is the caller's to
    take.
    """
    library = full(t)
    name, pid, pipes = started(t, library, "sh", "-c", "cat; echo out; echo err >&2; exit 7")
    equal(pipes.read(), ["out\n", "err\n"], "what the container wrote")
    equal(reap(pid), 7, "exit status")
    library.delete(name).silent()


def test_null_that_cannot_be_written(t):
    """`create` succeeds with /dev/null opened read-only as stdout and stderr, where every write is EBADF."""
    library = full(t)
    removed(library, *sleeper(t, library))


def test_null_that_cannot_be_written_at_a_failure(t):
    """A `create` that fails with stdout and stderr that cannot be written has its message in the log, and ends with
    status 1.
    """
    library = full(t, debug=False)
    answer = library.create(t.bundle("no-such-program").path, t.fresh_id(), io=NullIO()).failed()
    equal(answer.code, 1, "exit status")
    contains((t.scratch / "log.json").read_text(), "executable file not found in $PATH", "the log")


@parametrize("_, fields", FIELDS)
def test_globals_before_every_verb(t, _, fields):
    """With {} in front of every verb a container lives, and is seen, and goes, without a word."""
    library = full(t, **{"debug": False, **fields})
    name, pid, pipes = made(t, library, "sleep", "60")
    equal(library.state(name)["status"], "created", "status")
    library.start(name).silent()
    equal(library.ps(name), [pid], "processes")
    removed(library, name, pid)
    pipes.read()


def test_create_with_its_options(t):
    """`create` takes its options in the library's order, and the descriptor of --preserve-fds is the container's
    number 3.
    """
    library, number = full(t, debug=False), os.open("/proc/self/status", os.O_RDONLY)
    name, pid, pipes = made(t, library, "sh", "-c", "head -c 5 <&3; readlink /proc/self/fd/4; ls /proc/self/fd | wc -l",
                            options={"no_pivot": True, "no_new_keyring": True, "preserve_fds": 1,
                                     "pass_fds": [3], "before": lambda: os.dup2(number, 3)})
    os.close(number)
    library.start(name).silent()
    equal(pipes.read()[0], "Name:5\n", "what the container reads, and how many descriptors `ls` has")
    equal(reap(pid), 0, "exit status")
    library.delete(name).silent()


@breaks("runc 1.1.5 has no --detach of create: `flag provided but not defined`")
def test_create_with_detach(t):
    """`create --detach`, as the library writes it for options with Detach, is a create like any other."""
    library = full(t)
    name, pid, pipes = made(t, library, "true", options={"detach": True})
    library.start(name).silent()
    pipes.read()
    reap(pid)
    library.delete(name).silent()


@parametrize("_, script, code", [("its code", "exit 9", 9), ("128 and its signal", "kill -9 $$", 137)])
def test_run_attached(t, _, script, code):
    """`run` in front of a caller with pipes ends with the process: {}; nothing is left of the container."""
    # Init of a pid namespace could not kill itself.
    pipes, bundle = PipeIO(), t.bundle("sh", "-c", f"echo out; echo err >&2; {script}").without_namespace("pid")
    equal(full(t).run(bundle.path, t.fresh_id(), io=pipes), code, "exit status")
    equal(pipes.read(), ["out\n", "err\n"], "what the container wrote")
    t.no_state()


def test_run_detached(t):
    """`run --detach` returns while the process runs, which is the caller's child and alone holds its pipes."""
    library, name, pipes = full(t), t.fresh_id(), PipeIO()
    status = library.run(t.bundle("sh", "-c", "cat; echo done; exit 4").path, name, io=pipes, detach=True,
                         pid_file=t.scratch / "pid")
    equal(status, 0, "exit status of the runtime")
    equal(pipes.read()[0], "done\n", "what the container wrote")
    equal(reap(read_pid_file(t.scratch / "pid")), 4, "exit status")
    library.delete(name).silent()


def test_exec_attached(t):
    """`exec` in front of a caller with pipes ends with the process's code, of which the library only tells the number.
    """
    library, pipes = full(t), PipeIO()
    name, pid = sleeper(t, library)
    process = {**t.bundle().config["process"], "args": ["sh", "-c", "echo out; echo err >&2; exit 5"]}
    answer = library.exec(name, process, io=pipes)
    equal((answer.code, answer.out.rpartition(": ")[2]), (5, "exit status 5"), "answer")
    equal(pipes.read(), ["out\n", "err\n"], "what the process wrote")
    removed(library, name, pid)


def test_exec_detached(t):
    """A detached `exec` has read its process file when it returns, and leaves a child of the caller that alone holds
    its pipes.
    """
    library, pipes = full(t), PipeIO()
    name, pid = sleeper(t, library)
    process = {**t.bundle().config["process"], "args": ["sh", "-c", "cat; echo $WORD; exit 6"],
               "env": [PATH_ENV, "WORD=here"]}
    library.exec(name, process, io=pipes, detach=True, pid_file=t.scratch / "exec.pid").silent()
    equal([file.name for file in t.directory("tmp").iterdir()], [], "process files")
    equal(pipes.read()[0], "here\n", "what the process wrote")
    equal(reap(read_pid_file(t.scratch / "exec.pid")), 6, "exit status")
    removed(library, name, pid)


def test_a_failure_is_in_the_pipe(t):
    """A verb that fails says why in the one pipe that its caller drains."""
    answer = full(t).kill("nobody", 9).failed()
    contains(answer.out, "does not exist", "the message")


def test_a_failing_exec_is_in_the_pipe(t):
    """A detached `exec` without streams that fails says why in the one pipe, and leaves no process and no pid file."""
    library = full(t, debug=False)
    name, pid = sleeper(t, library)
    process = {**t.bundle().config["process"], "args": ["no-such-program"]}
    answer = library.exec(name, process, detach=True, pid_file=t.scratch / "exec.pid").failed()
    contains(answer.out, 'exec: "no-such-program": executable file not found in $PATH', "the message")
    equal(answer.out.count("executable file"), 1, "how often it is said")
    equal((t.scratch / "exec.pid").exists(), False, "pid file")
    equal(library.ps(name), [pid], "processes")
    removed(library, name, pid)


@parametrize("number, status", SIGNALS)
def test_kill_by_number(t, number, status):
    """`kill ID {}` reaches the container's process; 0 only asks if it is there."""
    library = full(t)
    # Init of a pid namespace only gets signals that it handles, except SIGKILL.
    traps = "" if number in (0, 9) else f"trap 'exit {status}' {number}; "
    name, pid, pipes = started(t, library, "sh", "-c", f"{traps}echo; while :; do read x; done")
    equal(os.read(pipes.stdout[0], 1), b"\n", "what the container wrote")
    library.kill(name, int(number)).silent()
    if number == 0:
        library.kill(name, 9).silent()
    equal(reap(pid), status or 137, "exit status")
    pipes.read()
    library.delete(name).silent()


def test_kill_all_before_the_id(t):
    """`kill --all ID 9` kills every process of the container, also what was executed in it."""
    library = full(t)
    name, pid = sleeper(t, library)
    process = {**t.bundle().config["process"], "args": ["sleep", "61"]}
    library.exec(name, process, io=NullIO(), detach=True, pid_file=t.scratch / "exec.pid").silent()
    library.kill(name, 9, everybody=True).silent()
    # Init of a pid namespace ends after all others, of whom we are the parent here.
    equal([reap(read_pid_file(t.scratch / "exec.pid")), reap(pid)], [137, 137], "exit statuses")
    library.delete(name).silent()


def test_pause_and_resume(t):
    """`pause` and `resume` say nothing, and the state says paused and running."""
    library = full(t)
    name, pid = sleeper(t, library)
    library.pause(name).silent()
    equal(library.state(name)["status"], "paused", "status")
    library.resume(name).silent()
    equal(library.state(name)["status"], "running", "status")
    removed(library, name, pid)


def test_delete_of_the_unknown(t):
    """`delete --force` of an unknown id succeeds silently; without the flag it says `does not exist`."""
    library = full(t, debug=False)
    library.delete("nobody", force=True).silent()
    contains(library.delete("nobody").failed().out, "does not exist", "the message")


def test_created_streams_are_kept_until_the_end(t):
    """A container that is created, killed and deleted without a start ends its caller's pipes, too."""
    library = full(t)
    name, pid, pipes = made(t, library, "sleep", "60")
    library.kill(name, 9).silent()
    equal(reap(pid), 137, "exit status")
    equal(until_end([pipes.stdout[0], pipes.stderr[0]]), [b"", b""], "what was written")
    eventually(lambda: library.state(name)["status"] == "stopped", "the state is not stopped")
    library.delete(name).silent()
    equal(pathlib.Path(t.root, name).exists(), False, "state directory")
