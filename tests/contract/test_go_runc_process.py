# SPDX-License-Identifier: Apache-2.0
"""go-runc: the runtime as a process of its caller, with its group, its death signal and its environment."""

import json
import os
import signal

import leaks
from bundles import PATH_ENV
from caller import SECONDS, reap
from gorunc import NullIO, read_pid_file
from harness import command_line, equal, eventually, true
from marks import parametrize
from test_go_runc import full, removed, sleeper, started


def test_the_process_group_ends_with_the_call(t):
    """The library's caller put the runtime into a group of its own: nobody is left in it, so that killing it harms no
    container.
    """
    library = full(t)
    name, bundle, groups = t.fresh_id(), t.bundle("sleep", "60"), []
    begin = library.begin
    library.group, library.begin = True, lambda *args, **how: groups.append(begin(*args, **how)) or groups[-1]
    library.create(bundle.path, name, pid_file=t.scratch / "pid", io=NullIO()).silent()
    try:
        os.killpg(groups[0].pid, signal.SIGKILL)
        true(False, "somebody is left in the runtime's process group")
    except ProcessLookupError:
        pass
    pid = read_pid_file(t.scratch / "pid")
    library.start(name).silent()
    removed(library, name, pid)


def test_the_callers_death_spares_the_container(t):
    """PDEATHSIG belongs to the runtime alone: a container whose caller has died goes on, and others start it."""
    library, name, bundle = full(t), t.fresh_id(), t.bundle("sleep", "60")
    child = os.fork()
    if child == 0:
        answer = library.create(bundle.path, name, pid_file=t.scratch / "pid", io=NullIO())
        os._exit(answer.code)
    equal(reap(child), 0, "exit status of the caller")
    pid = read_pid_file(t.scratch / "pid")
    library.start(name).silent()
    equal(library.state(name)["status"], "running", "status")
    removed(library, name, pid)


@parametrize("verb", [("run",), ("exec",)])
def test_the_callers_death_ends_the_call(t, verb):
    """PDEATHSIG kills an attached `{}` with its caller: what the library asked for is still in force when the process
    runs.
    """
    library = full(t)
    if verb == "exec":
        name, init = sleeper(t, library)
        (t.scratch / "process.json").write_text(json.dumps({**t.bundle().config["process"], "args": ["sleep", "61"]}))
        words = ["exec", "--process", t.scratch / "process.json", "--pid-file", t.scratch / "exec.pid", name]
    else:
        name = t.fresh_id()
        words = library.words("run", t.bundle("sleep", "61").path, name, {"pid_file": t.scratch / "exec.pid"})
    child = os.fork()
    if child == 0:
        (t.scratch / "began").write_text(str(library.begin(library.argv(*words), None, NullIO()).pid))
        (t.scratch / "began").rename(t.scratch / "runtime")
        signal.pause()
    eventually(lambda: any(command_line(pid) == "sleep\0" + "61\0" for pid in leaks.descendants(os.getpid())),
               "the process does not begin", SECONDS)
    for told in ("runtime", "exec.pid"):
        eventually((t.scratch / told).exists, f"{told} is not written", SECONDS)
    os.kill(child, signal.SIGKILL)
    reap(child)
    equal(reap(int((t.scratch / "runtime").read_text())), 137, "exit status of the runtime")
    left = read_pid_file(t.scratch / "exec.pid")
    if verb == "exec":
        os.kill(left, signal.SIGKILL)  # who is ours now, alive or not
        reap(left)
        removed(library, name, init)
    else:
        library.delete(name, force=True).silent()
        reap(left)


def test_the_environment_is_the_callers(t):
    """The whole environment of the caller comes along with every call, and nothing of it gets into the container."""
    library = full(t)
    library.env.update({"SECRET": "1", "LISTEN_PID": "1", "INVOCATION_ID": "2", "TTRPC_ADDRESS": "/x"})
    name, pid, pipes = started(t, library, "sh", "-c", "tr '\\0' '\\n' < /proc/self/environ; cat",
                               env=[PATH_ENV, "ONE=1"])
    equal(sorted(pipes.read()[0].split()), ["HOME=/root", "ONE=1", PATH_ENV], "environment")
    reap(pid)
    library.delete(name).silent()
