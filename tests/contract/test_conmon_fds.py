# SPDX-License-Identifier: Apache-2.0
"""conmon: which descriptors and variables of the engine reach a container, and which do not."""

import os

from caller import holders
from conmon import reserved_port
from harness import absent, equal
from test_conmon import conmon, go, made
from test_conmon_exec import end, process, running

# Opens nothing itself.
LIST = "number=0; while test $number -lt 60; do test -e /proc/$$/fd/$number && echo $number; let number=number+1; done"


def descriptors(text):
    """The numbers that the container printed."""
    return [int(number) for number in text.split()]


def files(t, count):
    """Open files with their names in them."""
    found = []
    for number in range(count):
        path = t.scratch / f"file{number}"
        path.write_text(f"{number}\n")
        found.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    return found


def test_reserved_ports_stay_outside(t):
    """Sockets that podman keeps ports with, and forgets to close on exec, are in no container: 0, 1, 2, and no more."""
    ports = [reserved_port() for _ in range(3)]
    bundle, numbers = t.bundle("sh", "-c", f"{LIST}; read line"), [port.fileno() for port in ports]
    box = conmon(t).create(t.fresh_id(), bundle.path, leaked=numbers, stdin=True).made()
    go(t, box)
    other = conmon(t).exec(box.name, process("sh", "-c", LIST), leaked=numbers).made()
    equal(descriptors(other.read()[0]), [0, 1, 2], "descriptors of the process of an exec")
    other.exit_code()
    for port in ports:
        equal(holders(port.fileno()), "nobody below us", "who else keeps the port")
        port.close()
    equal(descriptors(box.read()[0]), [0, 1, 2], "descriptors of the container")
    box.exit_code()


def test_conmons_pipes_stay_outside(t):
    """Variables of conmon and its parent are neither in the container's environment nor in that of an exec."""
    box = made(t, "env")
    go(t, box)
    out, _ = box.read()
    absent(out, "_OCI_", "the environment")
    absent(out, "TMPDIR", "the environment")
    box.exit_code()
    box = running(t)
    other = conmon(t).exec(box.name, process("env")).made()
    out, _ = other.read()
    absent(out, "_OCI_", "the environment of an exec")
    absent(out, "TMPDIR", "the environment of an exec")
    equal(other.exit_code(), 0, "exit code of the exec")
    end(t, box)


def test_sockets_of_a_service_manager(t):
    """LISTEN_FDS come as 3 and 4, LISTEN_PID as the runtime's pid; inside it is 1."""
    bundle = t.bundle("sh", "-c", f"{LIST}; echo $LISTEN_FDS $LISTEN_PID >&2; cat <&3 >&2; cat <&4 >&2")
    box = conmon(t).create(t.fresh_id(), bundle.path, passed=files(t, 2), listen=2).made()
    go(t, box)
    out, err = box.read()
    equal(descriptors(out), [0, 1, 2, 3, 4], "descriptors")
    equal(err, "2 1\n0\n1\n", "LISTEN_FDS, LISTEN_PID and what is behind the descriptors")
    equal(box.exit_code(), 0, "exit code")


def test_preserved(t):
    """`--preserve-fds 2` of create passes 3 and 4 on, and the leaked socket beside them not."""
    bundle, port = t.bundle("sh", "-c", f"{LIST}; cat <&3 >&2; cat <&4 >&2"), reserved_port()
    box = conmon(t, options=["--preserve-fds", "2"]).create(t.fresh_id(), bundle.path, passed=files(t, 2),
                                                            leaked=[port.fileno()]).made()
    port.close()
    go(t, box)
    out, err = box.read()
    equal((descriptors(out), err), ([0, 1, 2, 3, 4], "0\n1\n"), "descriptors and what is behind them")
    equal(box.exit_code(), 0, "exit code")


def test_preserved_by_exec(t):
    """`--preserve-fds 2` of exec does the same there."""
    box = running(t)
    other = conmon(t, options=["--preserve-fds", "2"]).exec(
        box.name, process("sh", "-c", f"{LIST}; cat <&3 >&2; cat <&4 >&2"), passed=files(t, 2)).made()
    out, err = other.read()
    equal((descriptors(out), err), ([0, 1, 2, 3, 4], "0\n1\n"), "descriptors and what is behind them")
    equal(other.exit_code(), 0, "exit code")
    end(t, box)
