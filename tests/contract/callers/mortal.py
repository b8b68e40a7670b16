# SPDX-License-Identifier: Apache-2.0
"""Callers that are not patient, not careful or not there any more: they die, never read, never accept, never close."""

import fcntl
import os
import signal
import socket

import leaks
from caller import SECONDS, pipe, reap, spawn
from gorunc import read_pid_file
from harness import eventually


class Mortal:
    """A process between us and the runtime that it calls, as a shim is; with its death the runtime is killed."""

    def __init__(self, argv, pdeathsig=signal.SIGKILL, **how):
        reader, writer = pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                child = spawn(argv, pdeathsig=pdeathsig, **how)
                os.write(writer, str(child.pid).encode())
                os.close(writer)
                os._exit(child.wait() & 0xff)
            finally:
                os._exit(99)
        os.close(writer)
        self.runtime = int(os.read(reader, 32))
        os.close(reader)

    def die(self):
        """It is killed; on return the runtime has ended, too, if it had not before."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        if os.path.exists(f"/proc/{self.runtime}"):
            reap(self.runtime)

    def finish(self):
        """It lives until the runtime has ended; its exit status."""
        return reap(self.pid)


class FullPipe:
    """A pipe in which there is no room, and whose reader never reads."""

    def __init__(self):
        self.reader, self.writer = pipe()
        fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, 4096)
        os.write(self.writer, b"." * 4096)

    def close(self):
        os.close(self.reader)
        os.close(self.writer)


class DeafSocket:
    """A console socket whose queue is full: nobody accepts, and connect(2) waits."""

    def __init__(self, path):
        self.path, self.clients = path, []
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        self.listener.listen(0)
        while self.one_more():
            pass

    def one_more(self):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.setblocking(False)
        try:
            client.connect(str(self.path))
        except BlockingIOError:
            client.close()
            return False
        self.clients.append(client)
        return True

    def close(self):
        for client in [*self.clients, self.listener]:
            client.close()


def inherited(count=4):
    """(readers, writers): pipes whose writing ends whoever is executed next gets, as a careless caller's are."""
    ends = [pipe() for _ in range(count)]
    return [reader for reader, _ in ends], [writer for _, writer in ends]


def patience(t):
    """How long a runtime may wait for such a caller; that runc, which has no limit, still waits is seen sooner."""
    return 2 if t.control else 2 * SECONDS


def ended(pid_file):
    """Kills and collects an exec'd process; a zombie would keep its container's init from ending."""
    pid = read_pid_file(pid_file)
    os.kill(pid, signal.SIGKILL)
    reap(pid)


def nothing_below_us():
    """Nothing that a runtime has started is left."""
    def none():
        leaks.reap_orphans()
        return not leaks.descendants(os.getpid())
    eventually(none, f"left: {leaks.descendants(os.getpid())}", 10)
