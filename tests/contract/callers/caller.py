# SPDX-License-Identifier: Apache-2.0
"""What every engine is made of: it executes the runtime with descriptors of its own, reads, waits, and loses patience."""

import dataclasses
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import time

import isolation
import leaks
from harness import BASE_ENV, Failure

# How long a caller waits for anything; the engines themselves would often wait for ever.
SECONDS = int(os.environ.get("CONTRACT_SECONDS", "15"))


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came back from one call: the exit status as wait4 gives it (negative: a signal), and what was read."""
    argv: tuple
    code: int
    out: str
    err: str = ""

    def ok(self):
        """Success, and nothing else was said."""
        if self.code != 0 or self.err:
            raise Failure(f"expected success and silence: {self}")
        return self

    def silent(self):
        """Success without a word, also where both streams are one pipe."""
        if self.out:
            raise Failure(f"expected silence: {self}")
        return self.ok()

    def failed(self):
        if self.code == 0:
            raise Failure(f"expected a failure: {self}")
        return self

    def __str__(self):
        return f"`{' '.join(self.argv)}` exit {self.code}\n    out: {self.out!r}\n    err: {self.err!r}"


def spawn(argv, env=None, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
          pass_fds=(), pdeathsig=signal.SIGKILL, session=False, group=False, before=None):
    """Executes the runtime. `pdeathsig` as Go's SysProcAttr; `before` runs in the child, last."""
    def prepare():
        if session:
            os.setsid()
        if group:
            os.setpgid(0, 0)
        if pdeathsig:
            isolation.prctl(isolation.PR_SET_PDEATHSIG, pdeathsig)
        if before:
            before()
    return subprocess.Popen([str(word) for word in argv], env=BASE_ENV if env is None else env, cwd=cwd, stdin=stdin,
                            stdout=stdout, stderr=stderr, pass_fds=pass_fds, preexec_fn=prepare)


def pipe():
    """(read end, write end), both close-on-exec as Go makes them."""
    return os.pipe2(os.O_CLOEXEC)


def holders(descriptor):
    """Who below us has this pipe or socket open: sentences for a failure."""
    name, found = os.readlink(f"/proc/self/fd/{descriptor}"), []
    for pid in leaks.descendants(os.getpid()):
        for link in pathlib.Path(f"/proc/{pid}/fd").glob("*"):
            try:
                if os.readlink(link) == name:
                    found.append(f"{pid} ({pathlib.Path(f'/proc/{pid}/comm').read_text().strip()}) as {link.name}")
            except OSError:  # closed or ended meanwhile
                pass
    return ", ".join(found) or "nobody below us"


def until_end(descriptors, seconds=SECONDS):
    """[bytes] of each descriptor, read until nobody holds the other end; closes them. A leak makes it fail."""
    parts, open_ones, end = {number: b"" for number in descriptors}, set(descriptors), time.monotonic() + seconds
    while open_ones:
        ready = select.select(list(open_ones), [], [], max(0, end - time.monotonic()))[0]
        if not ready:
            held = holders(next(iter(open_ones)))
            raise Failure(f"no end of file after {seconds} s; held by {held}; read so far {parts}")
        for number in ready:
            try:
                part = os.read(number, 65536)
            except OSError:  # EIO: a terminal whose last slave has been closed
                part = b""
            parts[number] += part
            if not part:
                open_ones.discard(number)
                os.close(number)
    return [parts[number] for number in descriptors]


def wait(child, seconds=SECONDS):
    """The exit status of the runtime; it is killed when it does not end."""
    try:
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        hangs = leaks.where_it_hangs(child.pid)
        child.kill()
        child.wait()
        raise Failure(f"no end after {seconds} s: {child.args}\n{hangs}") from None


def reap(pid, seconds=SECONDS):
    """wait4 of a process that must be our child: the container's, after a runtime that has ended. 128+n for a signal."""
    end = time.monotonic() + seconds
    while True:
        try:
            done, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            raise Failure(f"process {pid} is not a child of the subreaper that called the runtime") from None
        if done:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        if time.monotonic() > end:
            raise Failure(f"process {pid} does not end")
        time.sleep(0.005)


def separate(argv, stdin=None, seconds=SECONDS, **how):
    """Two pipes, both read to their ends, then the exit status: Go's exec.Cmd with two buffers."""
    out, err = pipe(), pipe()
    child = spawn(argv, stdout=out[1], stderr=err[1], stdin=subprocess.DEVNULL if stdin is None else stdin, **how)
    os.close(out[1])
    os.close(err[1])
    said = until_end([out[0], err[0]], seconds)
    return Answer(tuple(map(str, argv)), wait(child, seconds), *(text.decode() for text in said))


def merged(argv, stdin=subprocess.DEVNULL, seconds=SECONDS, **how):
    """One pipe as stdout and stderr, read to its end, then the exit status: Go's CombinedOutput."""
    both = pipe()
    child = spawn(argv, stdout=both[1], stderr=both[1], stdin=stdin, **how)
    os.close(both[1])
    said, = until_end([both[0]], seconds)
    return Answer(tuple(map(str, argv)), wait(child, seconds), said.decode())


def go_atoi(text):
    """strconv.Atoi: a sign and digits, and not one letter more."""
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise Failure(f"strconv.Atoi: parsing {text!r}: invalid syntax")
    return int(text)


RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def go_time(text):
    """time.Time's UnmarshalJSON: RFC 3339, or the whole document is refused."""
    if not isinstance(text, str) or not RFC3339.fullmatch(text):
        raise Failure(f"parsing time {text!r} as RFC 3339")
    return text


class ConsoleSocket:
    """A listener on a path for one message with one descriptor; accept() comes when the caller says so."""

    def __init__(self, directory, name="pty.sock", backlog=128):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.path = self.directory / name
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(self.path))
        self.listener.listen(backlog)

    def receive(self, seconds=SECONDS, size=4096):
        """(data, descriptor) as go-runc's socket.go takes them: one recvmsg, room for one descriptor, exactly one."""
        self.listener.settimeout(seconds)
        try:
            connection, _ = self.listener.accept()
            with connection:
                connection.settimeout(seconds)
                data, control, flags, _ = connection.recvmsg(size, socket.CMSG_LEN(4))
        except TimeoutError:
            raise Failure(f"nobody sent a descriptor within {seconds} s") from None
        if flags & socket.MSG_CTRUNC or len(control) != 1:
            raise Failure(f"expected one control message with one descriptor: flags {flags:#x}, {control}")
        level, kind, payload = control[0]
        if (level, kind, len(payload)) != (socket.SOL_SOCKET, socket.SCM_RIGHTS, 4):
            raise Failure(f"expected SCM_RIGHTS with one descriptor: {control}")
        return data, int.from_bytes(payload, "little")

    def close(self):
        self.listener.close()
        self.path.unlink(missing_ok=True)


def cgroup_of(pid):
    """The directory of a process's cgroup as engines find it: the line `0::` of its /proc file, below /sys/fs/cgroup."""
    text = pathlib.Path(f"/proc/{pid}/cgroup").read_text()
    path, = [row[3:] for row in text.splitlines() if row.startswith("0::")]
    return pathlib.Path("/sys/fs/cgroup", path.lstrip("/"))
