# SPDX-License-Identifier: Apache-2.0
"""conmon-rs, CRI-O's other monitor: server.rs, child_reaper.rs, terminal.rs."""

import os
import re
import select
import tempfile
import termios

from caller import SECONDS, ConsoleSocket, pipe, reap, spawn, until_end, wait
from harness import BASE_ENV, Failure


class ConmonRs:
    """One server. CRI-O gives it the runtime's arguments, and it has them itself: they come twice.

    `level` is its own log level, for a runtime whose name is crun.
    """

    def __init__(self, t, path=None, arguments=(), level="warning"):
        self.t, self.path, self.level = t, str(path or t.path), level
        self.arguments = [f"--root={t.root}", *arguments]
        self.env = {**BASE_ENV, "TMPDIR": str(t.directory("tmp"))}

    def globals(self, name):
        log = [f"--log=journald:{name}", f"--log-level={self.level}"] if self.path.endswith("/crun") else []
        return [self.path, *log, *self.arguments, *self.arguments]

    def create(self, name, bundle, options=(), terminal=False):
        """Every container has a pid file of its own below a fresh directory."""
        pid_file = self.fresh(name)
        line = [*self.globals(name), "create", "--bundle", bundle, "--pid-file", pid_file, *options]
        with Terminal(self, terminal) as console:
            return Child([*line, *console.words("--console-socket={}"), name], self, pid_file, console)

    def exec(self, name, *command, terminal=False):
        """No --process and no `--`: the words after the id are the program's."""
        pid_file = self.fresh(name)
        with Terminal(self, terminal) as console:
            words = console.words("--console-socket={}", "--tty")
            line = [*self.globals(name), "exec", "-d", *words, f"--pid-file={pid_file}", name, *command]
            return Child(line, self, pid_file, console)

    def fresh(self, name):
        return os.path.join(tempfile.mkdtemp(prefix=f"{name}-", dir=self.t.directory("tmp")), "pidfile")


class Terminal:
    """The console socket, if a terminal is asked for; the connection is awaited while the runtime runs."""

    def __init__(self, server, asked):
        self.master, self.socket = None, None
        if asked:
            name = f"conmon-term-{os.urandom(4).hex()}.sock"
            self.socket = ConsoleSocket(server.env["TMPDIR"], name)
            os.chmod(self.socket.path, 0o700)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.socket:
            self.socket.close()

    def words(self, form, *more):
        return [form.format(self.socket.path), *more] if self.socket else []

    def await_connection(self, child):
        """One recvmsg that has room for a descriptor and for no data at all."""
        ended = os.pidfd_open(child.pid)
        ready = select.select([self.socket.listener, ended], [], [], SECONDS)[0]
        if ended in ready:
            ready = select.select([self.socket.listener], [], [], 0)[0]
        os.close(ended)
        if self.socket.listener not in ready:
            return
        try:
            self.master = self.socket.receive(size=0)[1]
        except Failure:  # "got no file descriptor": the runtime's end will tell
            return
        settings = termios.tcgetattr(self.master)
        settings[1] |= termios.ONLCR
        termios.tcsetattr(self.master, termios.TCSANOW, settings)


class Child:
    """What the runtime has left: a pid, or an error that is all of what it said."""

    def __init__(self, line, server, pid_file, console):
        self.argv = [str(word) for word in line]
        self.pid_file, self.pid, self.error = pid_file, None, ""
        self.stdin, out, err = pipe(), pipe(), pipe()
        child = spawn(self.argv, env=server.env, cwd=server.t.scratch, stdin=self.stdin[0], stdout=out[1],
                      stderr=err[1])
        for end in (self.stdin[0], out[1], err[1]):
            os.close(end)
        self.stdin, self.stdout, self.stderr = self.stdin[1], out[0], err[0]
        if console.socket:
            console.await_connection(child)
        self.master, self.code = console.master, wait(child)
        if self.code != 0:
            self.error = f"exit {self.code}, {self.end()}"
        elif console.socket and self.master is None:
            self.error = f"no terminal, {self.end()}"
        else:
            self.pid = as_u32(pid_file)

    def end(self):
        """Both pipes to their ends."""
        os.close(self.stdin)
        return "stdout: {!r}, stderr: {!r}".format(*(part.decode() for part in until_end([self.stdout, self.stderr])))

    def made(self):
        if self.error:
            raise Failure(f"`{' '.join(self.argv)}`: {self.error}")
        return self

    def refused(self):
        if not self.error:
            raise Failure(f"`{' '.join(self.argv)}` made process {self.pid}")
        return self.error

    def read(self):
        """(stdout or what the terminal shows, stderr)."""
        os.close(self.stdin)
        ends = [self.stdout, self.stderr, *([] if self.master is None else [self.master])]
        said = [part.decode() for part in until_end(ends)]
        return (said[-1] if self.master is not None else said[0]), said[1]

    def exit_code(self):
        return reap(self.pid)


def as_u32(path):
    """str::parse::<u32> of the whole file."""
    with open(path, encoding="ascii") as file:
        text = file.read()
    if not re.fullmatch(r"\+?[0-9]+", text) or int(text) >= 1 << 32:
        raise Failure(f"invalid digit found in string: {text!r}")
    return int(text)
