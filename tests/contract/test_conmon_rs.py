# SPDX-License-Identifier: Apache-2.0
"""conmon-rs: doubled globals, exec without a process file, and a terminal whose message has no data."""

import fcntl
import os
import socket
import struct
import termios

import leaks
from caller import merged, until_end
from conmonrs import ConmonRs
from harness import absent, contains, equal
from marks import breaks, parametrize


def go(t, name, verb="start", *words):
    """CRI-O's own call; its root comes twice, too."""
    merged([t.path, "--root", t.root, "--root", t.root, verb, name, *words]).silent()


def made(t, server, *args, terminal=False, **fields):
    """(id, child) of a created container."""
    name = t.fresh_id()
    return name, server.create(name, t.bundle(*args, terminal=terminal, **fields).path, terminal=terminal).made()


def running(t, server, **fields):
    name, child = made(t, server, "sleep", "60", **fields)
    go(t, name)
    return name, child


def end(t, name, child):
    go(t, name, "kill", "KILL")
    equal(child.exit_code(), 137, "exit code")
    return child.read()


def test_doubled_globals(t):
    """`--root=R` twice is one root; the streams are the container's, and a pid file of digits names our child."""
    name, child = made(t, ConmonRs(t), "sh", "-c", "echo out; echo err >&2; exit 3")
    go(t, name)
    equal((child.read(), child.exit_code()), (("out\n", "err\n"), 3), "output and exit code")


@breaks("has no --cgroup-manager")
def test_doubled_values(t):
    """Of a global that comes twice with different values the last counts, as for Docker's wrappers."""
    server = ConmonRs(t, arguments=["--cgroup-manager=disabled", "--cgroup-manager=cgroupfs"])
    name, child = running(t, server)
    with open(f"/proc/{child.pid}/cgroup", encoding="ascii") as file:
        contains(file.read(), name, "the cgroup")
    end(t, name, child)


@breaks("has no --log-level")
@parametrize("level", ["error", "warning", "debug"])
def test_a_runtime_named_crun(t, level):
    """Under the name crun there is `--log=journald:ID --log-level={}` in front; where nobody hears, nothing fails."""
    path = t.directory("bin") / "crun"
    path.symlink_to(t.path)
    name, child = running(t, ConmonRs(t, path=path, level=level))
    absent(os.listdir(t.scratch), f"journald:{name}", "files that the runtime made")
    end(t, name, child)


@breaks("takes journald:ID for a file")
def test_the_journal_hears_of_a_failure(t):
    """With `--log=journald:ID` a failure is in the journal, too, as one record with the id and the priority of an
    error; stderr has the same words."""
    path, name = t.directory("bin") / "crun", t.fresh_id()
    path.symlink_to(t.path)
    os.makedirs("/run/systemd/journal", exist_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind("/run/systemd/journal/socket")
        try:
            error = ConmonRs(t, path=path).create(name, t.bundle("/no/such").path).refused()
            record, others = heard(journal), heard(journal)
        finally:
            os.unlink("/run/systemd/journal/socket")
            os.removedirs("/run/systemd/journal")
    equal(others, [], "a second record")
    contains(record, f"ID={name}", "the record")
    contains(record, "PRIORITY=3", "the record")
    message, = [row.removeprefix("MESSAGE=") for row in record if row.startswith("MESSAGE=")]
    contains(error, message, "the error")
    contains(message, "no such file or directory", "the message")


def heard(listener):
    """The lines of a record; none where none has been sent by who has ended meanwhile."""
    try:
        return listener.recv(65536, socket.MSG_DONTWAIT).decode().splitlines()
    except BlockingIOError:
        return []


def test_exec_stops_at_the_id(t):
    """exec has no `--`: words after the id that look like options are the program's."""
    server = ConmonRs(t)
    name, child = running(t, server)
    other = server.exec(name, "echo", "-d", "--tty", "--pid-file=/no/such/file", "--", "-e").made()
    equal((other.read(), other.exit_code()), (("-d --tty --pid-file=/no/such/file -- -e\n", ""), 0), "output")
    end(t, name, child)


def test_exec_has_what_the_config_has(t):
    """Without a process file user, groups, directory, environment and capabilities are those of the config."""
    server = ConmonRs(t)
    names = {kind: ["CAP_KILL"] for kind in ("bounding", "effective", "permitted", "inheritable", "ambient")}
    name, child = running(t, server, user={"uid": 1000, "gid": 1000, "additionalGids": [10]}, cwd="/tmp",
                          env=["PATH=/bin", "COLOUR=blue"], capabilities=names)
    other = server.exec(name, "sh", "-c", "id -u; id -G; pwd; echo $COLOUR; grep -E 'Cap(Eff|Bnd)' /proc/self/status")
    out = other.made().read()[0].split()
    equal(out, ["1000", "1000", "10", "/tmp", "blue", "CapEff:", f"{0x20:016x}", "CapBnd:", f"{0x20:016x}"], "output")
    equal(other.exit_code(), 0, "exit code")
    end(t, name, child)


@parametrize("verb", ["create", "exec"])
def test_terminal_without_data(t, verb):
    """The terminal of {} comes while the runtime runs, to one that has room for a descriptor and for no data."""
    server = ConmonRs(t)
    script = "stty -echo; tty; read line; stty size; exit 5"
    if verb == "create":
        name, child = made(t, server, "sh", "-c", script, terminal=True)
        go(t, name)
        other = child
    else:
        name, child = running(t, server)
        other = server.exec(name, "sh", "-c", script, terminal=True).made()
    contains(os.read(other.master, 64).decode(), "/dev/", "what is shown")
    fcntl.ioctl(other.master, termios.TIOCSWINSZ, struct.pack("HHHH", 44, 88, 0, 0))
    os.write(other.master, b"\n")
    contains(other.read()[0], "44 88\r\n", "what is shown")
    equal(other.exit_code(), 5, "exit code")
    if verb == "exec":
        end(t, name, child)


def test_pipes_end_beside_a_terminal(t):
    """Behind `create` with a terminal the three pipes have ended: nobody holds them, not even the container."""
    name, child = made(t, ConmonRs(t), "sleep", "60", terminal=True)
    equal(until_end([child.stdout, child.stderr], 5), [b"", b""], "what the pipes had")
    go(t, name, "kill", "KILL")
    equal(child.exit_code(), 137, "exit code")
    os.close(child.stdin)
    os.close(child.master)


@parametrize("verb, program, phrase", [
    ("create", "/no/such", "no such file or directory"), ("exec", "nothere", "executable file not found")])
def test_failures_are_read_to_the_end(t, verb, program, phrase):
    """{} that fails: both pipes end with the runtime, and stderr says why."""
    server = ConmonRs(t)
    if verb == "create":
        error = server.create(t.fresh_id(), t.bundle(program).path).refused()
        t.no_state()
    else:
        name, child = running(t, server)
        error = server.exec(name, program).refused()
        end(t, name, child)
    contains(error, phrase, "the error")
    contains(error, "stdout: ''", "the error")


@parametrize("verb", ["create", "exec"])
def test_no_helper_is_left(t, verb):
    """Behind {} the subreaper has one child more, the process of the pid file: no helper is left to collect."""
    server = ConmonRs(t)
    name, child = running(t, server)
    expected = {child.pid}
    if verb == "exec":
        other = server.exec(name, "sleep", "60").made()
        expected.add(other.pid)
    equal({pid for pid, (parent, *_) in leaks.descendants(os.getpid()).items() if parent == os.getpid()}, expected,
          "children")
    go(t, name, "kill", "KILL")
    if verb == "exec":
        equal((other.exit_code(), other.read()), (137, ("", "")), "the process of the exec")
    equal((child.exit_code(), child.read()), (137, ("", "")), "the container")


def test_stdin_stays_open(t):
    """stdin is a pipe that stays open: what is written later arrives, and its end, too."""
    name, child = made(t, ConmonRs(t), "cat")
    go(t, name)
    os.write(child.stdin, b"later\n")
    equal((child.read(), child.exit_code()), (("later\n", ""), 0), "output and exit code")
