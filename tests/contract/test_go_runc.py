# SPDX-License-Identifier: Apache-2.0
"""go-runc: what the library calls and reads for everybody who is built on it."""

import os

from caller import reap
from gorunc import GoRunc, NullIO, PipeIO, read_pid_file
from harness import contains, equal
from lines import line


def full(t):
    """The library with every field set that goes in front of a verb."""
    return GoRunc(t, root=t.root, log=t.scratch / "log.json", debug=True)


def made(t, library, *args, **fields):
    """(id, pid, pipes) of a created container whose streams are pipes."""
    name, bundle, pipes = t.fresh_id(), t.bundle(*args, **fields), PipeIO()
    library.create(bundle.path, name, pid_file=t.scratch / "pid", stdio=pipes.inner).silent()
    pipes.close_inner()
    return name, read_pid_file(t.scratch / "pid"), pipes


@line()
def pipes_are_the_containers(t):
    """Behind `create` only the container holds the caller's pipes: both end with it, and its status is the caller's to take."""
    library = full(t)
    name, pid, pipes = made(t, library, "sh", "-c", "cat; echo out; echo err >&2; exit 7")
    library.start(name).silent()
    equal(pipes.read(), ["out\n", "err\n"], "what the container wrote")
    equal(reap(pid), 7, "exit status")
    library.delete(name).silent()


@line()
def null_that_cannot_be_written(t):
    """`create` succeeds with /dev/null opened read-only as stdout and stderr, where every write is EBADF."""
    library, name, null = full(t), t.fresh_id(), NullIO()
    library.create(t.bundle("true").path, name, pid_file=t.scratch / "pid", stdio=null.inner).silent()
    null.close_inner()
    library.start(name).silent()
    reap(read_pid_file(t.scratch / "pid"))


@line()
def state_is_json_from_one_pipe(t):
    """`state` is JSON with stdout and stderr in one pipe, and has id, pid, status, bundle, rootfs and created."""
    library = full(t)
    name, pid, pipes = made(t, library, "true")
    state = library.state(name)
    equal((state["id"], state["pid"], state["status"]), (name, pid, "created"), "state")
    equal(os.path.basename(state["rootfs"]), "rootfs", "the rootfs")
    library.delete(name, force=True).silent()
    pipes.read()


@line()
def a_failure_is_in_the_pipe(t):
    """A verb that fails says why in the one pipe that its caller drains."""
    answer = full(t).kill("nobody", 9).failed()
    contains(answer.out, "does not exist", "the message")
