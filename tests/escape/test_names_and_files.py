# SPDX-License-Identifier: Apache-2.0
"""E61 and E62: ids, and the files that a runtime writes for its caller."""

import contextlib
import os
import socket

from harness import Failure, equal, true
from marks import attacker, parametrize
from world import ended_well, link

IDS = [("empty", ""), ("dot", "."), ("dots", ".."), ("up", "../canary"), ("up and down", "x/../../canary"),
       ("slash", "a/b"), ("absolute", "/etc"), ("newline", "a\nb"), ("blank", "a b"), ("colon", "a:b"),
       ("umlaut", "ä"), ("emoji", "\U0001f600"), ("format", "%s%n"), ("star", "*"), ("256 bytes", "x" * 256),
       ("5000 bytes", "x" * 5000), ("escape", "a\x1b[31m"), ("quote", "a'b\"c"), ("backslash", "a\\b"),
       ("dollar", "$(id)")]


@attacker("A4")
@parametrize("_, name", IDS)
def test_E61_id_is_no_name(t, _, name):
    """An id that is a path, has odd characters or is too long: no verb takes it, and nothing outside the state root is
    touched."""
    bundle = t.bundle("true")
    for words in (["run", "--bundle", bundle.path], ["create", "--bundle", bundle.path]):
        result = ended_well(t, t.runtime(*words, name))
        true(result.code != 0, f"{words[0]} took it")
    for verb in ("state", "start", "kill"):
        true(ended_well(t, t.runtime(verb, name)).code != 0, f"{verb} took it")
    for words in (["delete"], ["delete", "--force"]):
        try:
            ended_well(t, t.runtime(*words, name))
        except FileNotFoundError as gone:
            raise Failure(f"it removed {gone.filename}") from gone
    t.no_state()


@attacker("A4")
@parametrize("*_", IDS[:1])
def test_E61_harmless_id_is_a_name(t, _):
    """All letters of the grammar, a dot in front and 255 bytes are fine, where the file system takes them."""
    for name in ("aZ09_+.-", "0", "x" * 200, *([".hid", "..x"] if t.bulkhead else [])):  # crun: no leading dot
        t.runtime("run", "--bundle", t.bundle("true").path, name).exits(0)


DASHES = ["-x", "--", "--help", "-h"]


@attacker("A4")
@parametrize("name", DASHES)
def test_E61_id_is_a_flag(t, name):
    """An id that looks like a flag makes nothing."""
    bundle = t.bundle("true")
    ended_well(t, t.runtime("create", "--bundle", bundle.path, name))
    t.no_state()


@attacker("A4")
@parametrize("_", DASHES[:1])
def test_E61_harmless_id_with_dashes(t, _):
    """Dashes elsewhere are fine."""
    t.runtime("run", "--bundle", t.bundle("true").path, "x--y-").exits(0)


FILES = ["known", "new"]


def collect(pid):
    """Waits for a detached container's program; crun has collected it itself."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)


@attacker("A6")
@parametrize("name", FILES)
def test_E62_pid_file_is_a_link(t, name):
    """--pid-file is a link that somebody placed: what it leads to is neither written nor made; the link is replaced."""
    place = t.host_folder("public") / "pid"
    link(place, t.can / name)
    box = t.container("true")
    result = ended_well(t, box.run("--detach", "--pid-file", place))
    if result.code == 0:
        true(not place.is_symlink() and place.read_text().isdigit(), "the pid file is still a link")
        collect(int(place.read_text()))


@attacker("A6")
@parametrize("_", FILES[:1])
def test_E62_harmless_pid_file_is_a_file(t, _):
    """An old pid file is replaced."""
    place = t.host_folder("public") / "pid"
    place.write_text("999999")
    box = t.container("true")
    box.run("--detach", "--pid-file", place).exits(0)
    true(place.read_text() != "999999", "the old pid file is there")
    collect(int(place.read_text()))


@attacker("A6")
@parametrize("name", FILES)
def test_E62_log_is_a_link(t, name):
    """--log is a link that somebody placed: what it leads to is neither written nor made."""
    place = t.host_folder("public") / "log"
    link(place, t.can / name)
    ended_well(t, t.runtime("--log", place, "run", "--bundle", "/no/such/bundle", "x"))
    ended_well(t, t.runtime("--debug", "--log", place, "run", "--bundle", t.bundle("true").path, f"{t.prefix}-log"))


@attacker("A6")
@parametrize("_", FILES[:1])
def test_E62_harmless_log_is_a_file(t, _):
    """A log that is a file, or not there yet, is written."""
    for place in (t.scratch / "new.log", t.scratch / "old.log"):
        if place.name == "old.log":
            place.write_text("before\n")
        t.runtime("--log", place, "run", "--bundle", "/no/such/bundle", "x")
        true(place.exists() and place.stat().st_size > 10, f"{place.name} is not written")
    true((t.scratch / "old.log").read_text().startswith("before\n"), "the old lines are gone")


@attacker("A6")
@parametrize("how", ["link to a file", "file", "directory", "fifo", "long path", "nobody listens"])
def test_E62_console_socket_is_none(t, how):
    """--console-socket is no socket, or nobody listens: refused in time, nothing is written there."""
    place = t.host_folder("public") / "socket"
    if how == "link to a file":
        link(place, t.can / "known")
    elif how == "file":
        place.write_text("")
    elif how == "directory":
        place.mkdir()
    elif how == "fifo":
        os.mkfifo(place)
    elif how == "long path":
        place = place.with_name("x" * 200)
    else:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(place))
    box = t.container("true", terminal=True)
    result = ended_well(t, box.create("--console-socket", place))
    true(result.code != 0, "it was accepted")
    t.no_state()


@attacker("A6")
@parametrize("_", ["link to a file"])
def test_E62_harmless_console_socket_is_one(t, _):
    """A socket somebody listens on gets one descriptor."""
    place = t.scratch / "socket"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))
        server.listen(1)
        box = t.container("true", terminal=True)
        box.create("--console-socket", place).exits(0)
        connection, _ = server.accept()
        _, control, _, _ = connection.recvmsg(100, 100)
        connection.close()
    equal(len(control), 1, "control messages")
    descriptor = int.from_bytes(control[0][2][:4], "little")
    true(os.isatty(descriptor), "it is no terminal")
    os.close(descriptor)
    box.delete("--force").exits(0)
