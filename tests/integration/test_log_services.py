# SPDX-License-Identifier: Apache-2.0
"""--log=journald:ID and --log=syslog:ID: what arrives in the machine's log; no verb waits for the log.

 The runtime has a mount namespace of its own, in which the sockets are bound over the machine's paths.
 """

import contextlib
import os
import re
import socket

import pytest

from harness import contains, equal, true
from marks import differs, parametrize

pytestmark = pytest.mark.any_cgroups

NOT_RUNCS = "runc knows files only"
SERVICES = ["journald", "syslog"]
# The directory with the sockets covers /run/systemd/journal and /dev.
PLACE = ("mount -t tmpfs run /run && mkdir -p /run/systemd/journal && mount --bind \"$1\" /run/systemd/journal && "
         "mount --bind \"$1\" /dev && shift && exec \"$@\"")


class Listener:
    """The socket of one service, in a directory that has what the runtime needs of /dev."""

    def __init__(self, t, service, bound=True):
        self.t, self.service = t, service
        self.place = t.scratch / "sockets"
        self.place.mkdir()
        t.root.mkdir(mode=0o700)
        os.mknod(self.place / "null", 0o20666, os.makedev(1, 3))
        self.path = self.place / {"journald": "socket", "syslog": "log"}[service]
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        if bound:
            self.socket.bind(str(self.path))
            self.socket.settimeout(0.5)

    def call(self, *words, identifier="box"):
        """Runs a verb that logs to the service."""
        command = self.t.runtime.command(f"--log={self.service}:{identifier}", *words)
        return self.t.runtime.exec(["unshare", "--mount", "/bin/sh", "-c", PLACE, "sh", str(self.place), *command])

    def messages(self):
        """The messages that have arrived: (priority, identifier, message)."""
        found = []
        with contextlib.suppress(TimeoutError):
            while True:
                found.append(self.read(self.socket.recv(65536).decode()))
        return found

    def read(self, text):
        if self.service == "syslog":
            priority, identifier, message = re.fullmatch(r"<(\d+)>(\S+)\[\d+\]: (.*)", text).groups()
            equal(int(priority) & ~7, 8, "facility")  # LOG_USER
            return int(priority) & 7, identifier, message
        fields = dict(line.split("=", 1) for line in text.splitlines())
        equal(set(fields), {"MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "ID"}, "fields")
        equal(fields["ID"], fields["SYSLOG_IDENTIFIER"], "crun's field")
        return int(fields["PRIORITY"]), fields["SYSLOG_IDENTIFIER"], fields["MESSAGE"]


@differs(NOT_RUNCS)
@parametrize("service", SERVICES)
def test_an_error_arrives(t, service):
    """The service gets the sentence as an error with the identifier ID; stderr has the bare sentence too."""
    listener = Listener(t, service)
    result = listener.call("state", "nobody").exits(1)
    equal(result.err, "container does not exist: nobody\n", "stderr")
    equal(listener.messages(), [(3, "box", "container does not exist: nobody")], "messages")


@differs(NOT_RUNCS)
@parametrize("service", SERVICES)
def test_a_warning_arrives(t, service):
    """A warning goes to the service and not to stderr; with --log-level=error it goes nowhere."""
    listener = Listener(t, service)
    box = t.container("true")
    box.bundle.capabilities(bounding=["CAP_NOBODY"])
    listener.call("create", "--bundle", box.bundle.path, box.id).ok()
    (priority, identifier, message), = listener.messages()
    equal((priority, identifier), (4, "box"), "priority and identifier")
    contains(message, "CAP_NOBODY", "message")
    box.delete("--force").ok()
    listener.call("--log-level=error", "create", "--bundle", box.bundle.path, box.id).ok()
    equal(listener.messages(), [], "messages with --log-level=error")


@differs(NOT_RUNCS)
@parametrize("service", SERVICES)
def test_debug_arrives_if_asked_for(t, service):
    """conmon-rs passes the level along; a successful verb logs nothing at other levels."""
    listener = Listener(t, service)
    listener.call("list").ok()
    equal(listener.messages(), [], "messages")
    listener.call("--log-level=debug", "list").ok()
    equal({priority for priority, _, _ in listener.messages()}, {7}, "priorities")


@differs(NOT_RUNCS)
@parametrize("service", SERVICES)
def test_an_identifier_is_one_word_of_one_line(t, service):
    """Line breaks in the caller's words make no new fields."""
    listener = Listener(t, service)
    listener.call("state", "x\nPRIORITY=0", identifier="a\nb").exits(1)
    (priority, identifier, message), = listener.messages()
    equal((priority, identifier), (3, "a\\x0ab"), "priority and identifier")
    true("\n" not in message, f"message is {message!r}")


@differs(NOT_RUNCS)
@parametrize("_, service, how", [(f"{service} {how}", service, how) for service in SERVICES
                                 for how in ("no socket", "nobody listens", "a file")])
def test_nobody_there_is_no_error(t, _, service, how):
    """Without a service the verb goes on in silence, and stderr still has its error."""
    listener = Listener(t, service, bound=how == "nobody listens")
    if how == "nobody listens":
        listener.socket.close()
    elif how == "a file":
        listener.path.write_text("")
    listener.call("list").ok()
    equal(listener.call("state", "nobody").exits(1).err, "container does not exist: nobody\n", "stderr")
    box = t.container("echo", "made")
    equal(listener.call("run", "--bundle", box.bundle.path, box.id).ok().out, "made\n", "stdout")


@differs(NOT_RUNCS)
@parametrize("service", SERVICES)
def test_a_full_queue_is_not_waited_for(t, service):
    """If a service has stopped reading, the message is lost, and the verb ends."""
    listener = Listener(t, service)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler:
        filler.setblocking(False)
        filler.connect(str(listener.path))
        with contextlib.suppress(BlockingIOError):
            while True:
                filler.send(b"x")
        result = listener.call("state", "nobody").exits(1)
    equal(result.err, "container does not exist: nobody\n", "stderr")


@differs(NOT_RUNCS)
@parametrize("service", SERVICES)
def test_a_container_does_not_hold_the_socket(t, service):
    """The container does not have the log's socket."""
    listener = Listener(t, service)
    box = t.sleeper()
    listener.call("--log-level=debug", "run", "--detach", "--bundle", box.bundle.path, "--pid-file", box.pid_file,
                  box.id).ok()
    equal([target for target in box.descriptors().values() if target.startswith("socket:")], [], "sockets")
