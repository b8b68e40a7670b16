# SPDX-License-Identifier: Apache-2.0
"""conmon: create, the container's streams, its pid, its end."""

import os

from caller import merged, reap
from conmon import Conmon, atoi
from harness import contains, equal, status_field
from marks import parametrize


def conmon(t, arguments=(), **fields):
    return Conmon(t, arguments=["--root", t.root, *arguments], **fields)


def go(t, box, verb="start", *words):
    """The engine's own call, in silence."""
    merged([t.path, "--root", t.root, verb, box.name, *words]).silent()


def made(t, *args, terminal=False, stdin=False, change=None, process=None, **fields):
    """A created container."""
    bundle = t.bundle(*args, terminal=terminal, **(process or {}))
    if change:
        bundle.edit(change)
    return conmon(t, **fields).create(t.fresh_id(), bundle.path, terminal=terminal, stdin=stdin).made()


def test_streams_are_the_containers(t):
    """Behind `create` the three pipes are the container's alone, and end with it."""
    box = made(t, "sh", "-c", "cat; echo out; echo err >&2", stdin=True)
    go(t, box)
    os.write(box.stdin, b"in\n")
    equal(box.read(), ("in\nout\n", "err\n"), "output")
    equal(box.exit_code(), 0, "exit code")


def test_no_stdin(t):
    """Without -i stdin is /dev/null: a program that reads it goes on at once."""
    box = made(t, "sh", "-c", "cat; stat -L -c %t:%T /proc/self/fd/0")
    go(t, box)
    equal(box.read(), ("1:3\n", ""), "output")
    box.exit_code()


@parametrize("code", [0, 1, 42, 255])
def test_exit_code(t, code):
    """The process in the pid file is conmon's child, and {} its exit code."""
    box = made(t, "sh", "-c", f"exit {code}")
    go(t, box)
    equal(box.exit_code(), code, "exit code")
    box.read()


@parametrize("number", [1, 9, 15, 37])
def test_ends_by_a_signal(t, number):
    """The end by signal {} is 128 and the number."""
    box = made(t, "sleep", "60", change=lambda config: config["linux"].update(
        namespaces=[space for space in config["linux"]["namespaces"] if space["type"] != "pid"]))
    go(t, box)
    go(t, box, "kill", str(number))
    equal(box.exit_code(), 128 + number, "exit code")
    box.read()


@parametrize("_, text", [("empty", ""), ("stale", "4194304999\nmore\n")])
def test_pid_file_that_is_there(t, _, text):
    """An {} pid file is replaced by one that has digits and nothing else."""
    path = t.scratch / "pidfile"
    path.write_text(text)
    box = conmon(t).create(t.fresh_id(), t.bundle("true").path, pid_file=path).made()
    equal(path.read_text(), str(box.pid), "the pid file")
    go(t, box)
    equal(box.exit_code(), 0, "exit code")
    box.read()


def test_signals_are_as_new(t):
    """That conmon ignores SIGPIPE does not reach the container: nothing is blocked, nothing ignored."""
    box = made(t, "cat", "/proc/self/status")
    go(t, box)
    out, _ = box.read()
    equal([int(status_field(out, name), 16) for name in ("SigBlk", "SigIgn")], [0, 0], "SigBlk and SigIgn")
    box.exit_code()


def test_another_user_opens_the_streams(t):
    """A program of another user opens /dev/stdout and /dev/stderr anew."""
    box = made(t, "sh", "-c", "echo out > /dev/stdout; echo err > /dev/stderr",
               process={"user": {"uid": 1000, "gid": 1000}})
    go(t, box)
    equal(box.read(), ("out\n", "err\n"), "output")
    box.exit_code()


def test_cgroup_is_final(t):
    """Right after `create` the process is in the cgroup in which it will run, with the files that are watched."""
    box = made(t, "sleep", "60", change=lambda config: config["linux"].update(cgroupsPath=f"/{t.prefix}/libpod-x"))
    place = box.cgroup()
    equal(place, f"/sys/fs/cgroup/{t.prefix}/libpod-x", "the cgroup")
    with open(f"{place}/cgroup.events", encoding="ascii") as events:
        contains(events.read(), "populated 1", "cgroup.events")
        go(t, box)
        equal(box.cgroup(), place, "the cgroup after start")
        go(t, box, "kill", "9")
        box.exit_code()
        events.seek(0)
        contains(events.read(), "populated 0", "cgroup.events after the end")
    box.read()
    go(t, box, "delete")
    os.rmdir(f"/sys/fs/cgroup/{t.prefix}")


def test_passthrough(t):
    """With the log driver passthrough the container has the very descriptors of the engine, whatever they are."""
    (t.scratch / "in").write_text("from a file\n")
    files = [open(t.scratch / name, mode, encoding="utf-8") for name, mode in
             (("in", "r"), ("out", "w"), ("err", "w"))]
    box = conmon(t).create(t.fresh_id(), t.bundle("sh", "-c", "cat; echo err >&2; exit 3").path,
                           passthrough=[file.fileno() for file in files]).made()
    go(t, box)
    equal(box.exit_code(), 3, "exit code")
    for file in files:
        file.close()
    equal([(t.scratch / name).read_text() for name in ("out", "err")], ["from a file\n", "err\n"], "output")


def test_no_pivot_and_no_keyring(t):
    """`--no-pivot` and `--no-new-keyring` stand after the pid file, and the container runs with them."""
    box = made(t, "echo", "out", no_pivot=True, no_new_keyring=True)
    go(t, box)
    equal(box.read(), ("out\n", ""), "output")
    box.exit_code()


def test_session_of_its_own(t):
    """The container does not stay in the session in which conmon starts the runtime."""
    box = made(t, "sleep", "60")
    go(t, box)
    equal(os.getsid(box.pid), box.pid, "session")
    go(t, box, "kill", "9")
    equal(box.exit_code(), 137, "exit code")
    box.read()


def test_ends_at_once(t):
    """A container that ends while `start` still runs: `start` succeeds, and its end comes to conmon."""
    for _ in range(4):
        box = made(t, "true")
        go(t, box)
        equal((box.exit_code(), box.read()), (0, ("", "")), "exit code and output")


def test_conmon_ends(t):
    """The end of the process that called `create` is not the container's, though the runtime was to die with it."""
    name, keeper = t.fresh_id(), t.scratch / "out"
    child = os.fork()
    if child == 0:
        with open(keeper, "w", encoding="utf-8") as file:
            streams = [file.fileno()] * 3
            conmon(t).create(name, t.bundle("sh", "-c", "echo out; exit 9").path, passthrough=streams).made()
        os._exit(0)
    equal(reap(child), 0, "exit code of who called")
    pid = atoi(t.scratch / f"{name}.pidfile")
    merged([t.path, "--root", t.root, "start", name]).silent()
    equal((reap(pid), keeper.read_text()), (9, "out\n"), "exit code and output")


def test_gone_without_start(t):
    """A container that is created and never started is deleted without force, and conmon gets its end."""
    box = made(t, "true")
    go(t, box, "kill", "9")
    equal(reap(box.pid), 137, "exit code")
    box.read()
    go(t, box, "delete")
