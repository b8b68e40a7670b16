# SPDX-License-Identifier: Apache-2.0
"""The systemd driver where no systemd answers: a clear error, soon, and nothing is made."""

import contextlib
import os
import pathlib
import socket
import struct
import threading

import pytest

from harness import Runtime, contains, equal, true
from marks import differs, parametrize
from systemd import Driven

NOT_RUNNING = "systemd not running on this host, cannot use systemd cgroups manager"
SOON = 15  # 10 s for an answer
GUID = b"0" * 32


class Apart(Driven):
    """The runtime sees a /run of its own, in which systemd seems to have booted the machine."""

    script = "mount -t tmpfs none /run && mkdir -p /run/systemd/system && exec \"$@\""

    def command(self, *arguments, root=True):
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", self.script, "sh",
                *super().command(*arguments, root=root)]


class NotBooted(Apart):
    """The same, without systemd."""

    script = "mount -t tmpfs none /run && exec \"$@\""


def become(t, kind):
    t.runtime = kind(t.runtime.path, t.root, t.scratch, t.null)
    return t


@contextlib.contextmanager
def bus(t, conversation):
    """A socket with somebody behind it; yields its address."""
    path = t.scratch / "bus"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=serve, args=(listener, conversation))
        thread.start()
        try:
            yield f"unix:path={path}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def serve(listener, conversation):
    """Talks to everybody who comes, and keeps the connections until the end."""
    kept = []
    with contextlib.suppress(OSError):  # the listener was shut down
        while True:
            kept.append(listener.accept()[0])
            with contextlib.suppress(OSError):
                conversation(kept[-1])
    for connection in kept:
        connection.close()


def says_nothing(connection):
    """A bus that hangs."""


def hangs_up(connection):
    connection.close()


def hangs_up_when_authenticated(connection):
    welcomes(connection)
    connection.close()


def welcomes(connection):
    """The authentication of D-Bus, as sd-bus asks for it, and then silence."""
    connection.recv(4096)
    connection.sendall(b"DATA\r\nOK " + GUID + b"\r\nAGREE_UNIX_FD\r\n")


def field(code, kind, value):
    """One field of a message's header (D-Bus specification, "Message Format")."""
    return struct.pack("<BB2s", code, 1, kind) + value


def text(value):
    return struct.pack("<I", len(value)) + value + b"\0"


def padded(data):
    return data + bytes(-len(data) % 8)


def greets(connection):
    """The bus is well, and gives out a name; systemd behind it is not."""
    welcomes(connection)
    serial, = struct.unpack_from("<I", connection.recv(4096), 8)
    fields = (padded(field(5, b"u", struct.pack("<I", serial))) + padded(field(7, b"s", text(b"org.freedesktop.DBus")))
              + field(8, b"g", b"\1s\0"))
    body = text(b":1.1")
    header = struct.pack("<cBBBII", b"l", 2, 1, 1, len(body), 1) + struct.pack("<I", len(fields)) + fields
    connection.sendall(padded(header) + body)


def refuses(connection):
    connection.recv(4096)
    connection.sendall(b"REJECTED\r\n")


def talks_nonsense(connection):
    connection.sendall(os.urandom(4096))


def create(t, address):
    """A create with this system bus, which must fail soon."""
    box = t.container("true")
    result = box.create(env={"PATH": os.environ["PATH"], "DBUS_SYSTEM_BUS_ADDRESS": address}, timeout=40).exits(1)
    true(result.seconds < SOON, f"it took {result.seconds:.1f} s")
    contains(result.err, "cannot talk to systemd: ", "stderr")
    contains(result.err, address, "stderr")
    contains(result.err, "unix:path=/run/systemd/private: no such file or directory", "stderr")
    true(not t.root.exists(), "the state root was made")
    return result


def test_it_does_not_run(t):
    """In runc's words, before anything is made."""
    become(t, NotBooted)
    for verb in ("create", "run"):
        result = t.runtime(verb, "--bundle", t.bundle("true").path, "x").exits(1)
        contains(result.err, NOT_RUNNING, "stderr")
    t.no_state()


def test_nobody_listens(t):
    """No bus, and no systemd that listens itself."""
    become(t, Apart)
    if not t.bulkhead:
        t.container("true").create().exits(1)
        return
    contains(create(t, f"unix:path={t.scratch}/nothing").err, "no such file or directory", "stderr")


@pytest.mark.slow
@differs("runc waits for ever")
@pytest.mark.timeout(60)
@parametrize("name", ["says_nothing", "welcomes"])
def test_a_bus_that_hangs(t, name):
    """Ten seconds, then both places that were tried are named."""
    become(t, Apart)
    with bus(t, globals()[name]) as address:
        contains(create(t, address).err, "no answer in time", "stderr")


@pytest.mark.slow
@differs("runc waits for ever")
@pytest.mark.timeout(60)
def test_a_systemd_that_hangs(t):
    """25 s, as long as D-Bus waits by default: a busy systemd is not one that hangs."""
    become(t, Apart)
    with bus(t, greets) as address:
        result = t.container("true").create(env={"PATH": os.environ["PATH"], "DBUS_SYSTEM_BUS_ADDRESS": address},
                                            timeout=50).exits(1)
    contains(result.err, "cannot talk to systemd: Version: no answer in time", "stderr")
    true(20 < result.seconds < 35, f"it took {result.seconds:.1f} s")
    true(not t.root.exists(), "the state root was made")


@pytest.mark.slow
@differs("runc has its own words")
@parametrize("name", ["hangs_up", "hangs_up_when_authenticated", "refuses", "talks_nonsense"])
def test_a_bus_that_is_none(t, name):
    """Whatever is at the address, it is an error of create."""
    become(t, Apart)
    with bus(t, globals()[name]) as address:
        create(t, address)


@differs("runc knows no other address")
@pytest.mark.timeout(60)
def test_explain_needs_it_as_well(t):
    """What would be done depends on systemd."""
    become(t, NotBooted)
    contains(t.runtime("explain", "--bundle", t.bundle("true").path, "x").exits(1).err, NOT_RUNNING, "stderr")


@pytest.mark.slow
@differs("runc looks at the path last")
@parametrize("path", ["/a/b", "a.slice:b", "a:b:c"])
def test_a_malformed_path_is_said_first(t, path):
    """Nobody is asked for a unit that cannot be."""
    become(t, NotBooted)
    box = t.container("true")
    box.bundle.edit(lambda config: config["linux"].update(cgroupsPath=path))
    contains(box.create().exits(1).err, f'config.json: /linux/cgroupsPath: "{path}": ', "stderr")
    t.no_state()


@pytest.mark.slow
@differs("runc has no such helper")
def test_a_helper_that_is_not_there(t):
    """The program that talks to systemd is missing: said, with its path."""
    become(t, Apart)
    copy = t.scratch / "alone"
    copy.write_bytes(pathlib.Path(t.runtime.path).read_bytes())
    copy.chmod(0o755)
    t.runtime.path = str(copy)
    contains(t.container("true").create().exits(1).err, "host-helper", "stderr")
    t.no_state()


@differs("runc has no --cgroup-manager")
def test_contradictions_are_refused(t):
    """--systemd-cgroup and --cgroup-manager disabled."""
    plain = Runtime(t.runtime.path, t.root, t.scratch, t.null)
    command = [plain.path, "--root", str(t.root), "--systemd-cgroup", "--cgroup-manager", "disabled", "run",
               "--bundle", str(t.bundle("true").path), "x"]
    contains(plain.exec(command).exits(1).err, "contradict each other", "stderr")
    equal(t.root.exists(), False, "a state root")
