# SPDX-License-Identifier: Apache-2.0
"""buildah (run_common.go, run_linux.go): creates, starts, asks for the state until it is told the end, and deletes."""

import fcntl
import json
import os
import struct
import termios
import time

from caller import SECONDS, ConsoleSocket, pipe, reap, separate, spawn, until_end, wait
from harness import BASE_ENV, Failure

POLL = 0.1  # between two questions for the state
WORDS = ("creating", "created", "running", "stopped")


class Buildah:
    """One container in a bundle. It is the subreaper; no state root is named, and the environment is its own."""

    def __init__(self, t, bundle, no_pivot=False, no_new_keyring=False, terminal=False, env=None):
        self.t, self.bundle, self.name = t, bundle, t.fresh_id()
        self.no_pivot, self.no_new_keyring = no_pivot, no_new_keyring
        self.env = {**BASE_ENV, "HOME": "/root", "BUILDAH_ISOLATION": "oci", **(env or {})}
        self.socket = ConsoleSocket(bundle.path, "console.sock") if terminal else None
        self.pid, self.seen, self.stdin, self.outputs, self.master = None, [], None, [], None

    def argv(self, *words):
        return [self.t.path, *map(str, words)]

    def create_argv(self):
        words = ["create", "--bundle", self.bundle.path, "--pid-file", self.bundle.path / "pid"]
        words += ["--no-new-keyring"] if self.no_new_keyring else []
        words += ["--no-pivot"] if self.no_pivot else []
        words += ["--console-socket", self.socket.path] if self.socket else []
        return self.argv(*words, self.name)

    def create(self):
        """Three pipes, or with a terminal /dev/null; then the pid, trimmed, whose end wait4 will tell."""
        if self.socket:
            child = spawn(self.create_argv(), env=self.env, cwd=self.bundle.path)
        else:
            ends = [pipe() for _ in range(3)]
            inner = (ends[0][0], ends[1][1], ends[2][1])
            self.stdin, self.outputs = ends[0][1], [ends[1][0], ends[2][0]]
            child = spawn(self.create_argv(), env=self.env, cwd=self.bundle.path, stdin=inner[0], stdout=inner[1],
                          stderr=inner[2])
            for number in inner:
                os.close(number)
        code = wait(child)
        if code != 0:
            said = [text.decode() for text in until_end(self.outputs)] if self.outputs else []
            raise Failure(f"error creating container: exit status {code}: {said}")
        self.pid = int((self.bundle.path / "pid").read_text().strip())
        if self.socket:
            self.accept()
        return self

    def accept(self, rows=33, columns=111):
        """The terminal, after the runtime has ended; its size is then set from here."""
        _, self.master = self.socket.receive()
        self.socket.close()
        self.outputs = [self.master]
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def call(self, *words):
        return separate(self.argv(*words), env=self.env, cwd=self.bundle.path)

    def start(self):
        return self.call("start", self.name)

    def kill(self, *number):
        return self.call("kill", self.name, *number)

    def delete(self):
        return self.call("delete", self.name)

    def state(self):
        """The status alone, read from stdout; a word that buildah does not know ends the build."""
        answer = self.call("state", self.name)
        if answer.code != 0:
            raise Failure(f"error reading container state: {answer}")
        status = json.loads(answer.out)["status"]
        if status not in WORDS:
            raise Failure(f"unrecognized container status {status!r}")
        self.seen += [status] if self.seen[-1:] != [status] else []
        return status

    def until(self, word):
        """Asks every 100 ms, as long as it takes, for a state."""
        end = time.monotonic() + SECONDS
        while self.state() != word:
            if time.monotonic() > end:
                raise Failure(f"the container does not become {word}: {self.seen}")
            time.sleep(POLL)

    def finish(self):
        """([what was written], exit status): wait4 beside the questions for the state, and the pipes to their ends."""
        if self.stdin is not None:
            os.close(self.stdin)
            self.stdin = None
        code = reap(self.pid)
        self.until("stopped")
        return [text.decode() for text in until_end(self.outputs)], code
