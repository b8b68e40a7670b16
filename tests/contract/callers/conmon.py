# SPDX-License-Identifier: Apache-2.0
"""conmon, which podman and CRI-O put between themselves and a container: runtime_args.c, conmon.c, cmsg.c, ctrl.c."""

import fcntl
import json
import os
import re
import select
import signal
import socket
import struct
import tempfile
import termios
import time

import caller
from caller import SECONDS, ConsoleSocket, pipe, reap, spawn, until_end, wait
from harness import BASE_ENV, Failure

BUFFER = 8192      # of the one read that makes the message (conmon.c)
NAME_BUFFER = 16   # for what comes beside the descriptor; nobody looks at it
# Three pipes from conmon's parent. Their numbers are in the environment; the descriptors are close-on-exec.
PARENT_PIPES = {"_OCI_SYNCPIPE": "3", "_OCI_STARTPIPE": "4", "_OCI_ATTACHPIPE": "5"}
# Puts descriptors where a service manager puts them; LISTEN_PID is the runtime's, where it is set at all.
PLACE = 'test -z "$LISTEN_FDS" || export LISTEN_PID=$$; exec "${@:2}" '


class Conmon:
    """One conmon: `arguments` are --runtime-arg, `options` --runtime-opt, `systemd` is -s.

    `prefix` is a program that executes the runtime. `old`: at most 2.1.12, which has no words of its own for a failure.
    """

    def __init__(self, t, arguments=(), options=(), systemd=False, no_pivot=False, no_new_keyring=False, env=None,
                 prefix=(), old=False):
        self.t, self.arguments, self.options, self.systemd = t, list(arguments), list(options), systemd
        self.no_pivot, self.no_new_keyring, self.prefix, self.old = no_pivot, no_new_keyring, list(prefix), old
        self.env = {**BASE_ENV, "HOME": "/root", "TMPDIR": str(t.directory("tmp")), **PARENT_PIPES, **(env or {})}

    def create(self, name, bundle, pid_file=None, **how):
        pid_file = pid_file or self.t.scratch / f"{name}.pidfile"
        line = ["--systemd-cgroup"] if self.systemd else []
        line += [*self.arguments, "create", "--bundle", bundle, "--pid-file", pid_file]
        line += ["--no-pivot"] if self.no_pivot else []
        line += ["--no-new-keyring"] if self.no_new_keyring else []
        return Monitored(self, [*line, *self.options], name, pid_file, **how)

    def exec(self, name, process, pid_file=None, **how):
        """-e: never with --systemd-cgroup. The process is a dictionary, which says if it has a terminal (-t), or
        the path of what conmon's parent wrote."""
        pid_file = pid_file or self.t.scratch / f"{name}-{time.monotonic_ns()}.pidfile"
        if isinstance(process, dict):
            how["terminal"] = process.get("terminal", False)
            process = self.process_file(process)
        line = [*self.arguments, "exec", "--pid-file", pid_file, "--process", process, "--detach"]
        return Monitored(self, [*line, *self.options], name, pid_file, execs=True, **how)

    def process_file(self, process):
        number, path = tempfile.mkstemp(prefix="exec-process-", dir=self.t.directory("tmp"))
        with os.fdopen(number, "w", encoding="utf-8") as file:
            json.dump(process, file)
        return path


class Monitored:
    """What conmon tells its parent: a pid, or -1 and a message; and its ends of the container's streams."""

    def __init__(self, conmon, line, name, pid_file, terminal=False, stdin=False, passthrough=None, passed=(),
                 leaked=(), listen=0, execs=False):
        self.conmon, self.name, self.pid_file, self.execs = conmon, name, pid_file, execs
        self.pid, self.message, self.rest, self.master, self.no_terminal = -1, "", "", None, ""
        self.socket = self.listen() if terminal else None
        inner = self.streams(terminal, stdin) if passthrough is None else passthrough
        words = ["--console-socket", self.socket.path] if terminal else []
        self.argv = [str(word) for word in [*conmon.prefix, conmon.t.path, *line, *words, name]]
        self.code = self.execute(inner, passed, leaked, listen)
        if passthrough is None:
            self.close_inner(inner)
        self.judge()

    def listen(self):
        """A name that mkstemp made and that is free again."""
        number, path = tempfile.mkstemp(prefix="conmon-term.", dir=self.conmon.env["TMPDIR"])
        os.close(number)
        os.unlink(path)
        return ConsoleSocket(os.path.dirname(path), os.path.basename(path))

    def streams(self, terminal, stdin):
        """The runtime's three. With a terminal only stderr is a pipe, for what goes wrong before there is one."""
        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        into, out, err = pipe() if stdin else (null, None), (None, null) if terminal else pipe(), pipe()
        self.stdin, self.stdout, self.stderr = into[1], out[0], err[0]
        for end in {out[1], err[1]} - {null}:
            os.fchmod(end, 0o777)
        self.spare = {null} - {into[0], out[1]}
        return into[0], out[1], err[1]

    def close_inner(self, inner):
        for end in {*inner, *self.spare}:
            os.close(end)

    def execute(self, inner, passed, leaked, listen):
        """Runs the runtime to its end; a terminal may come meanwhile. Nothing is read from the pipes yet."""
        argv, env, kept = self.argv, dict(self.conmon.env), list(leaked)
        if passed:
            # High copies, so that none stands where another one goes.
            copies = [fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 20) for number in passed]
            moves = " ".join(f"{3 + place}<&{copy} {copy}<&-" for place, copy in enumerate(copies))
            argv, kept = ["/bin/bash", "-c", PLACE + moves, "bash", "", *argv], [*leaked, *copies]
            env.update({"LISTEN_FDS": str(listen)} if listen else {})
        child = spawn(argv, env=env, cwd=self.conmon.t.scratch, stdin=inner[0], stdout=inner[1], stderr=inner[2],
                      session=True, pass_fds=kept, before=as_conmon_forks)
        self.close(*(copies if passed else []))
        if self.socket:
            self.await_terminal(child)
        return wait(child)

    def await_terminal(self, child):
        """One connection, one message, one descriptor, while the runtime runs or when it has just ended."""
        ended = os.pidfd_open(child.pid)
        ready = select.select([self.socket.listener, ended], [], [], SECONDS)[0]
        if ended in ready:  # both may have happened
            ready = select.select([self.socket.listener], [], [], 0)[0]
        os.close(ended)
        if self.socket.listener in ready:
            self.take_terminal()
        self.socket.close()

    def take_terminal(self):
        """recvfd; what is not a message as it wants it is no terminal, and no end of conmon either (cmsg.c)."""
        try:
            self.master = self.socket.receive(size=NAME_BUFFER)[1]
        except Failure as failure:
            self.no_terminal = f" ({failure})"
            return
        settings = termios.tcgetattr(self.master)
        settings[1] |= termios.ONLCR
        termios.tcsetattr(self.master, termios.TCSANOW, settings)

    def judge(self):
        """What the exit code and the pid file mean; 2.2's exec believes the pid file alone."""
        found = atoi(self.pid_file)
        if self.execs and not self.conmon.old and found > 0:
            self.pid = found
        elif self.code != 0:
            self.message = self.one_read() or ("" if self.conmon.old else f"exit status {self.code}")
        elif self.socket and self.master is None:
            self.message = f"Runtime did not set up terminal{self.no_terminal}"
        else:
            self.pid = found

    def one_read(self):
        """The first read of stderr, which blocks where somebody still has the other end; the rest is lost."""
        if not select.select([self.stderr], [], [], SECONDS)[0]:
            raise Failure(f"no end of stderr; held by {caller.holders(self.stderr)}")
        message = os.read(self.stderr, BUFFER - 1).decode()
        self.rest = until_end([self.stderr])[0].decode()
        self.close(self.stdin, self.stdout, self.master)
        self.stderr = None
        return message

    @staticmethod
    def close(*numbers):
        for number in numbers:
            if number is not None:
                os.close(number)

    def made(self):
        """Success, with a pid."""
        if self.message or self.pid <= 0:
            raise Failure(f"`{' '.join(self.argv)}` exit {self.code}, pid {self.pid}: {self.message!r}")
        return self

    def refused(self):
        """The message, which must be all that was said."""
        if self.pid > 0 or not self.message:
            raise Failure(f"`{' '.join(self.argv)}` exit {self.code}, pid {self.pid}: expected a message")
        if self.rest:
            raise Failure(f"expected one message: {self.message!r}, then {self.rest!r}")
        return self.message

    def read(self):
        """(stdout, stderr) to their ends, with stdin closed; a terminal's output for stdout."""
        self.close(self.stdin)
        self.stdin = None
        return tuple(text.decode() for text in until_end([self.stdout or self.master, self.stderr]))

    def resize(self, rows, columns):
        """What comes by the fifo `winsz` (ctrl.c)."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def until(self, text):
        """Reads the terminal until this is shown; returns all that was read."""
        shown, end = b"", time.monotonic() + SECONDS
        while text.encode() not in shown:
            if not select.select([self.master], [], [], max(0, end - time.monotonic()))[0]:
                raise Failure(f"{text!r} is not shown: {shown!r}")
            shown += os.read(self.master, 4096)
        return shown.decode()

    def exit_code(self):
        """Of the process in the pid file, which must have become our child."""
        return reap(self.pid)

    def cgroup(self):
        """Where an end by memory is watched, found at once (cgroup.c)."""
        with open(f"/proc/{self.pid}/cgroup", encoding="ascii") as file:
            path, = [line[3:].rstrip("\n") for line in file if line.startswith("0::")]
        return "/sys/fs/cgroup" + path


def as_conmon_forks():
    """Between fork and exec: no signal is blocked, and SIGPIPE is ignored as in conmon itself."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("0")


def atoi(path):
    """The number at the beginning of a file; 0 where there is none, -1 where there is no file."""
    try:
        with open(path, encoding="ascii") as file:
            found = re.match(r"\s*([+-]?\d+)", file.read())
    except FileNotFoundError:
        return -1
    return int(found[1]) if found else 0


def reserved_port():
    """A listening socket that keeps a port from others: podman's, and not close-on-exec."""
    made = socket.create_server(("127.0.0.1", 0))
    made.set_inheritable(True)
    return made
