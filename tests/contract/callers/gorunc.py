# SPDX-License-Identifier: Apache-2.0
"""go-runc, the library below containerd's shim, BuildKit and through them Docker: its command lines and its readers."""

import json
import os
import shutil
import subprocess
import tempfile

from caller import SECONDS, Answer, ConsoleSocket, go_atoi, go_time, merged, pipe, separate, spawn, until_end, wait
from harness import BASE_ENV, Failure


HOW = ("stdio", "io", "pass_fds", "before", "seconds")  # how a verb is called, and not what is said to it


class GoRunc:
    """runc.Runc: the fields say what goes in front of every verb, in the library's order."""

    def __init__(self, t, root=None, log=None, debug=False, criu=None, systemd=False, rootless=None, more=(),
                 group=False, cwd=None, command=None, env=None):
        self.t, self.root, self.log, self.debug, self.criu = t, root, log, debug, criu
        self.systemd, self.rootless, self.more, self.group = systemd, rootless, more, group
        self.cwd, self.path = cwd or t.scratch, str(command or t.path)
        # The whole environment, without the socket that belongs to the caller (command_linux.go).
        env = env or {**BASE_ENV, "HOME": "/root", "XDG_RUNTIME_DIR": str(t.directory("tmp"))}
        self.env = {name: value for name, value in env.items() if name != "NOTIFY_SOCKET"}
        self.temporary = self.env.get("XDG_RUNTIME_DIR") or self.env.get("TMPDIR", "/tmp")

    def argv(self, *words):
        """Runc.args() and the verb's own words."""
        line = [self.path]
        line += ["--root", self.root] if self.root else []
        line += ["--debug"] if self.debug else []
        line += ["--log", self.log] if self.log else []
        line += ["--log-format", "json"] if self.log else []
        line += ["--criu", self.criu] if self.criu else []
        line += ["--systemd-cgroup"] if self.systemd else []
        line += [f"--rootless={str(self.rootless).lower()}"] if self.rootless is not None else []
        return [str(word) for word in [*line, *self.more, *words]]

    def how(self):
        return {"env": self.env, "cwd": self.cwd, "group": self.group}

    def run_or_error(self, *words, stdio=None, io=None, **how):
        """runOrError: with the caller's streams only the status comes back, else one pipe for both is drained."""
        argv = self.argv(*words)
        if stdio is None and io is None:
            return merged(argv, **{**self.how(), **how})
        code = wait(self.begin(argv, stdio, io, **how))
        return Answer(tuple(argv), code, "" if code == 0 else f"{self.path} did not terminate successfully: "
                                                              f"exit status {code}")

    def begin(self, argv, stdio, io, **how):
        """Monitor.Start with three streams, or with an IO, whose inner ends are then the child's alone."""
        stdin, stdout, stderr = io.inner if io else stdio
        child = spawn(argv, stdin=stdin, stdout=stdout, stderr=stderr, **{**self.how(), **how})
        if io:
            io.close_inner()
        return child

    def create(self, bundle, name, **options):
        return self.run_or_error(*self.words("create", bundle, name, options), **options)

    def run(self, bundle, name, io=None, **options):
        """The exit status of an attached `run`; without an IO all three streams are /dev/null."""
        argv = self.argv(*self.words("run", bundle, name, options))
        return wait(self.begin(argv, (subprocess.DEVNULL,) * 3, io, **options))

    def words(self, verb, bundle, name, options):
        """CreateOpts.args() between the verb and the id; takes what it knows out of the options."""
        return [*self.of_create(verb, bundle, **{key: options.pop(key) for key in list(options)
                                                 if key not in HOW}), name]

    @staticmethod
    def of_create(verb, bundle, pid_file=None, console_socket=None, pidfd_socket=None, no_pivot=False,
                  no_new_keyring=False, detach=False, preserve_fds=0, extra=()):
        words = [verb, "--bundle", bundle]
        words += ["--pid-file", pid_file] if pid_file else []
        words += ["--console-socket", console_socket] if console_socket else []
        words += ["--pidfd-socket", pidfd_socket] if pidfd_socket else []
        words += ["--no-pivot"] if no_pivot else []
        words += ["--no-new-keyring"] if no_new_keyring else []
        words += ["--detach"] if detach else []
        words += ["--preserve-fds", preserve_fds] if preserve_fds else []
        return [*words, *extra]

    def start(self, name):
        return self.run_or_error("start", name)

    def exec(self, name, process, console_socket=None, pidfd_socket=None, detach=False, pid_file=None, extra=(),
             **how):
        """The process is written to a file that is gone as soon as the runtime has ended."""
        with self.process_file(process) as path:
            words = ["exec", "--process", path]
            words += ["--console-socket", console_socket] if console_socket else []
            words += ["--pidfd-socket", pidfd_socket] if pidfd_socket else []
            words += ["--detach"] if detach else []
            words += ["--pid-file", pid_file] if pid_file else []
            return self.run_or_error(*words, *extra, name, **how)

    def process_file(self, process):
        return TemporaryFile(self.temporary, "runc-process", json.dumps(process))

    def console_socket(self):
        return TemporarySocket(self.temporary, bool(self.env.get("XDG_RUNTIME_DIR")))

    def kill(self, name, number, everybody=False):
        return self.run_or_error("kill", *(["--all"] if everybody else []), name, number)

    def delete(self, name, force=False):
        return self.run_or_error("delete", *(["--force"] if force else []), name)

    def pause(self, name):
        return self.run_or_error("pause", name)

    def resume(self, name):
        return self.run_or_error("resume", name)

    def update(self, name, resources):
        """The resources come by a pipe, which is closed behind them."""
        reader, writer = pipe()
        os.write(writer, json.dumps(resources).encode() + b"\n")
        os.close(writer)
        try:
            return self.run_or_error("update", "--resources=-", name, stdin=reader)
        finally:
            os.close(reader)

    def state(self, name):
        """Both streams are one pipe, and all of it must be the document."""
        answer = merged(self.argv("state", name), **self.how())
        if answer.code != 0:
            raise Failure(f"exit status {answer.code}: {answer.out}")
        return container(json.loads(answer.out))

    def list(self):
        answer = separate(self.argv("list", "--format=json"), **self.how())
        return [container(document) for document in json.loads(answer.ok().out) or []]

    def ps(self, name):
        answer = merged(self.argv("ps", "--format", "json", name), **self.how())
        pids = json.loads(answer.ok().out) or []
        if any(not isinstance(pid, int) for pid in pids):
            raise Failure(f"expected numbers: {pids}")
        return pids

    def top(self, name, *options):
        """(headers, rows) of `ps --format table`, split as parsePSOutput does it."""
        answer = merged(self.argv("ps", "--format", "table", name, *options), **self.how()).ok()
        headers, *rows = answer.out.strip().split("\n")
        names = headers.split()
        return names, [row.split(None, len(names) - 1) for row in rows]

    def stats(self, name):
        answer = separate(self.argv("events", "--stats", name), **self.how())
        return json.loads(answer.ok().out)

    def events(self, name, seconds):
        """Each document of a stream, until the runtime ends it; close() the generator to kill the runtime."""
        child = spawn(self.argv("events", f"--interval={seconds}s", name), stdout=subprocess.PIPE, **self.how())
        try:
            for row in child.stdout:  # a document is a row: what Go's decoder finds, too
                yield json.loads(row)
            wait(child)
        finally:
            child.kill()
            child.wait()
            child.stdout.close()

    def version(self):
        """(runc, commit, spec); empty where the line begins otherwise, which is no error."""
        answer = separate(self.argv("--version"), **self.how()).ok()
        first, *others = answer.out.strip().split("\n")
        found = dict(line.split(": ", 1) for line in others if ": " in line)
        return first.removeprefix("runc version ") if first.startswith("runc version ") else "", found.get("commit"), \
            found.get("spec")

    def features(self):
        return json.loads(separate(self.argv("features"), **self.how()).ok().out)


def library(t, **fields):
    """The library as most of its users set it up: a root of their own and a log."""
    return GoRunc(t, **{"root": t.root, "log": t.scratch / "log.json", **fields})


def container(document):
    """runc.Container: the fields that the library decodes, of the types that Go wants."""
    kinds = {"id": str, "pid": int, "status": str, "bundle": str, "rootfs": str, "created": str}
    for name, kind in kinds.items():
        if not isinstance(document.get(name), kind):
            raise Failure(f"{name} is {document.get(name)!r}, expected a {kind.__name__}")
    if not isinstance(document.get("annotations", {}), (dict, type(None))):
        raise Failure(f"annotations are {document['annotations']!r}")
    go_time(document["created"])
    return document


def read_pid_file(path):
    """ReadPidFile: the whole file is the number."""
    with open(path, encoding="ascii") as file:
        return go_atoi(file.read())


class TemporaryFile:
    """os.CreateTemp: its path, while the block lasts."""

    def __init__(self, directory, prefix, text):
        number, self.path = tempfile.mkstemp(prefix=prefix, dir=directory)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        os.unlink(self.path)


class TemporarySocket(ConsoleSocket):
    """NewTempConsoleSocket: pty.sock in a directory of its own, sticky below a runtime directory; both go with it."""

    def __init__(self, directory, sticky):
        super().__init__(tempfile.mkdtemp(prefix="pty", dir=directory))
        if sticky:
            os.chmod(self.path, 0o1755)

    def close(self):
        super().close()
        shutil.rmtree(self.directory)


class PipeIO:
    """NewPipeIO: pipes, whose inner ends are the container's for good; without one for stdin Go opens /dev/null."""

    def __init__(self, uid=0, gid=0, stdin=True):
        self.stdin = pipe() if stdin else [os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC), None]
        self.stdout, self.stderr = pipe(), pipe()
        for end in self.inner[0 if stdin else 1:]:
            os.fchown(end, uid, gid)

    @property
    def inner(self):
        return self.stdin[0], self.stdout[1], self.stderr[1]

    def close_inner(self):
        """CloseAfterStart: from now on only the container holds them."""
        for end in self.inner:
            os.close(end)

    def read(self, seconds=SECONDS):
        """[stdout, stderr] to their ends, with stdin closed."""
        if self.stdin[1] is not None:
            os.close(self.stdin[1])
        return [text.decode() for text in until_end([self.stdout[0], self.stderr[0]], seconds)]


class NullIO:
    """NewNullIO: /dev/null for stdout and stderr, opened only for reading, so that every write fails with EBADF."""

    def __init__(self):
        self.null = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        self.input = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)

    @property
    def inner(self):
        return self.input, self.null, self.null

    def close_inner(self):
        os.close(self.null)
        os.close(self.input)
