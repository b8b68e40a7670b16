# SPDX-License-Identifier: Apache-2.0
"""SCMP_ACT_NOTIFY: the agent at listenerPath gets the listener and the container's state before the program runs."""

import array
import contextlib
import fcntl
import json
import os
import select
import socket
import struct
import threading

from harness import contains, equal, eventually, true
from marks import differs
from test_features import features

RECEIVE, SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND
CONTINUE = 1
EXECVE, MKDIR = 59, 83


class Agent:
    """Answers one container: execve goes on, mkdir gets an errno."""

    def __init__(self, path, errno=38):
        self.path, self.errno, self.seen, self.state, self.kind = str(path), errno, [], None, None
        self.parts, self.closed = [], False  # (bytes, descriptors) of each message, and whether that was all
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(self.path)
        self.socket.listen()
        self.socket.settimeout(20)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            connection, _ = self.socket.accept()
            connection.settimeout(20)
            while not self.state and not self.closed:
                self.receive(connection)
            if self.closed:
                return
            listener = self.parts[0][1][0]
            self.kind = os.readlink(f"/proc/self/fd/{listener}")
            with contextlib.suppress(OSError):  # of a container that has ended
                self.answer_until_nothing_comes(listener, connection)
            while not self.closed:
                self.receive(connection)

    def answer_until_nothing_comes(self, listener, connection):
        while ready := select.select([listener, *([] if self.closed else [connection])], [], [], 20)[0]:
            if connection in ready:
                self.receive(connection)
            if listener in ready:
                self.answer(listener)

    def receive(self, connection):
        """One more message; the state is what all of them are together."""
        data, extra, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(4 * 4))
        self.closed = not data
        if data:
            self.parts.append((data, [number for _, _, numbers in extra for number in array.array("i", numbers)]))
        with contextlib.suppress(ValueError):
            self.state = json.loads(b"".join(part for part, _ in self.parts))

    def answer(self, listener):
        request = bytearray(80)
        fcntl.ioctl(listener, RECEIVE, request)
        notification, _, _, number = struct.unpack_from("<QIIi", request)
        self.seen.append(number)
        go_on = number != MKDIR
        fcntl.ioctl(listener, SEND, bytearray(
            struct.pack("<QqiI", notification, 0, 0 if go_on else -self.errno, CONTINUE if go_on else 0)))


def notifying(t, path, *calls, **more):
    rule = {"names": list(calls), "action": "SCMP_ACT_NOTIFY"}
    return t.bundle("sh", "-c", "mkdir /nope; echo mkdir=$?").edit(lambda config: config["linux"].update(
        seccomp={"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": str(path), "syscalls": [rule], **more}))


def test_the_agent_answers(t):
    """mkdir is notified and gets the agent's answer; the state names id, pid, bundle and metadata."""
    agent = Agent(t.scratch / "agent")
    box = t.container(bundle=notifying(t, agent.path, "mkdir", listenerMetadata="some \"data\""))
    contains(box.run().exits(0).out, "mkdir=1", "stdout")
    equal(agent.seen, [MKDIR], "calls")
    equal(agent.kind, "anon_inode:seccomp notify", "descriptor")
    equal(agent.state["metadata"], 'some "data"', "metadata")
    equal(agent.state["fds"], ["seccompFd"], "fds")
    equal((agent.state["state"]["id"], agent.state["state"]["bundle"], agent.state["state"]["status"]),
          (box.id, str(box.bundle.path), "creating"), "state")
    equal(agent.state["pid"], agent.state["state"]["pid"], "pid")


def test_one_state_with_what_is_required(t):
    """One object in one connection, of the version that the runtime follows, with what is required."""
    agent = Agent(t.scratch / "agent")
    box = t.container(bundle=notifying(t, agent.path, "mkdir"))
    box.bundle.edit(lambda config: config.update(ociVersion="1.0.0"))
    box.run().exits(0)
    eventually(lambda: agent.closed, "the connection is not closed")
    json.loads(b"".join(part for part, _ in agent.parts))
    newest = features(t)["ociVersionMax"]
    equal((agent.state["ociVersion"], agent.state["state"]["ociVersion"]), (newest, newest), "versions")
    true({"fds", "pid", "state"} <= set(agent.state), f"the state is {agent.state}")
    true({"id", "status", "pid", "bundle"} <= set(agent.state["state"]), f"the container's state is {agent.state}")
    true(not select.select([agent.socket], [], [], 0)[0], "there is a second connection")


@differs("runc 1.1.5 leaves it open until it ends")
def test_the_connection_is_closed(t):
    """As soon as the state is sent: a runtime that waits for its container does not hold it."""
    agent = Agent(t.scratch / "agent")
    box = t.container(bundle=notifying(t, agent.path, "mkdir").process(args=["sleep", "60"]))
    child = box.run_in_background()
    eventually(lambda: agent.closed, "the connection is not closed")
    equal((box.status(), child.poll()), ("running", None), "the container, and the runtime that waits for it")
    box.kill("KILL").ok()
    child.wait(10)


LARGE = {f"key{number}": "x" * 1000 for number in range(400)}


def test_descriptors_come_first(t):
    """A state that is larger than a socket's buffer: the descriptor is with its first bytes, and no other ones."""
    agent = Agent(t.scratch / "agent")
    box = t.container(bundle=notifying(t, agent.path, "mkdir"))
    box.bundle.edit(lambda config: config.update(annotations=LARGE))
    box.run().exits(0)
    equal(agent.state["state"]["annotations"], LARGE, "annotations")
    numbers = [len(descriptors) for _, descriptors in agent.parts]
    equal(numbers, [1, *[0] * (len(numbers) - 1)], "descriptors of each part")


def test_a_send_that_fails_is_an_error(t):
    """An agent that closes the connection before it has read everything: no container is made."""
    agent = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    agent.bind(str(t.scratch / "agent"))
    agent.listen()
    closing = threading.Thread(target=lambda: agent.accept()[0].close(), daemon=True)
    closing.start()
    box = t.container(bundle=notifying(t, t.scratch / "agent", "mkdir"))
    box.bundle.edit(lambda config: config.update(annotations=LARGE))
    result = box.create()
    true(result.code != 0, f"it was accepted: {result}")
    if t.bulkhead:
        contains(result.err, "sendmsg", "error")
    t.no_state()
    closing.join()


def test_created_and_started(t):
    """With create and start the agent is told by create."""
    agent = Agent(t.scratch / "agent")
    box = t.container(bundle=notifying(t, agent.path, "mkdir"))
    box.create().ok()
    equal(eventually(lambda: agent.state, "the agent was not told")["pid"], box.pid, "pid")
    equal(agent.seen, [], "calls before start")
    box.start().ok()
    equal(box.wait(), 0, "exit status")
    equal(agent.seen, [MKDIR], "calls")


@differs("runc refuses to notify about write, which its own init calls after the load")
def test_even_execve_may_be_notified(t):
    """The listener is out of the container before the first call that the filter sees."""
    agent = Agent(t.scratch / "agent")
    box = t.container(bundle=notifying(t, agent.path, "execve", "write", "close_range", "sendmsg", "ppoll"))
    box.run().exits(0)
    equal(agent.seen[0], EXECVE, "first call")


def test_nobody_listens(t):
    """Without an agent the container is not made."""
    box = t.container(bundle=notifying(t, t.scratch / "nobody", "mkdir"))
    result = box.create()
    true(result.code != 0, f"it was accepted: {result}")
    if t.bulkhead:
        contains(result.err, "failed to connect with seccomp agent", "error")
        contains(result.err, "/linux/seccomp/listenerPath", "error")
    t.no_state()


def test_no_path_is_refused(t):
    """NOTIFY without listenerPath has nobody to answer."""
    bundle = notifying(t, "/nobody", "mkdir")
    bundle.edit(lambda config: config["linux"]["seccomp"].pop("listenerPath"))
    result = t.container(bundle=bundle).create()
    true(result.code != 0, f"it was accepted: {result}")
    t.no_state()


def test_a_path_without_notify_is_ignored(t):
    """listenerPath is not used where no rule notifies."""
    bundle = t.bundle("true").edit(lambda config: config["linux"].update(
        seccomp={"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/no/such/socket"}))
    t.container(bundle=bundle).run().ok()
