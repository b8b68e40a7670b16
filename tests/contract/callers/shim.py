# SPDX-License-Identifier: Apache-2.0
"""containerd-shim-runc-v2: one shim's containers, its calls through go-runc, and how it finds out what went wrong."""

import json
import os
import signal
import subprocess

from caller import cgroup_of, go_time, reap
from gorunc import GoRunc, NullIO, PipeIO, read_pid_file
from harness import BASE_ENV, Failure, equal
from master import Master


class TaskError(Exception):
    """What containerd is told, word for word."""


class NotFound(TaskError):
    """errdefs.ErrNotFound: for a stop or a kill as good as success."""


def get_last_runtime_error(log):
    """getLastRuntimeError of process/utils.go: the trimmed msg of the last document whose level is error.

    One bad document loses all. A key that a document lacks keeps the value of the document before.
    """
    text, decoder, found = log.read_text(), json.JSONDecoder(), ""  # a missing file is an error, too
    fields = {"level": "", "msg": "", "time": ""}
    while text.strip():
        text = text.lstrip()
        document, end = decoder.raw_decode(text)
        for name, value in document.items():
            if name.lower() in fields:
                if not isinstance(value, str):
                    raise ValueError(f"cannot unmarshal {value!r} into {name}")
                fields[name.lower()] = go_time(value) if name.lower() == "time" else value
        if fields["level"] == "error":
            found = fields["msg"].strip()
        text = text[end:]
    return found


def errors_in(log):
    """How many documents of level error are in the log; it must be readable to its end."""
    if not log.exists():
        return 0
    get_last_runtime_error(log)
    return sum(json.loads(row)["level"] == "error" for row in log.read_text().split("\n") if row)


def check_kill_error(text):
    """checkKillError: what the words of a failing kill mean to containerd."""
    if "os: process already finished" in text or "container not running" in text or "no such process" in text.lower():
        raise NotFound("process already finished: not found")
    if "does not exist" in text:
        raise NotFound("no such container: not found")
    raise TaskError(f"unknown error after kill: {text}")


def environment(t):
    """What containerd gives its shims; there is no XDG_RUNTIME_DIR, so that temporary files lie elsewhere."""
    return {**BASE_ENV, "TMPDIR": str(t.directory("tmp")), "NAMESPACE": "k8s.io", "MAX_SHIM_VERSION": "3",
            "TTRPC_ADDRESS": "/run/containerd/containerd.sock.ttrpc", "GRPC_ADDRESS": "/run/containerd/containerd.sock",
            "GOMAXPROCS": "4", "OTEL_SERVICE_NAME": "containerd-shim-x", "NOTIFY_SOCKET": "/run/systemd/notify"}


class Task:
    """A container of the shim: Init of process/init.go."""

    def __init__(self, t, bundle, namespace="k8s.io", root=None, cwd=None, command=None, io_ids=(0, 0)):
        self.t, self.bundle, self.id, self.io_ids = t, bundle, t.fresh_id(), io_ids
        self.log, self.pid, self.cgroup, self.master, self.pipes = bundle.path / "log.json", None, None, None, None
        # The shim stands in the bundle of the pod's first container.
        self.runtime = GoRunc(t, root=(root or t.directory("containerd-roots")) / namespace, log=self.log,
                              cwd=cwd or bundle.path, command=command, env=environment(t))

    def check(self, answer, errors_before, prefix):
        """runtimeError; and rule one: a failing call adds one error to the log, the others add none."""
        text = errors_in(self.log) - errors_before
        if answer.code == 0:
            equal(text, 0, f"errors logged by a call that succeeds ({answer})")
            return answer.silent()
        equal(text, 1, f"errors logged by a failing call ({answer}; {self.log.read_text()})")
        if prefix is None:
            return check_kill_error(f"exit status {answer.code}: {answer.out}")
        raise TaskError(f"{prefix}: {get_last_runtime_error(self.log)}")

    def call(self, prefix, function, *args, **options):
        before = errors_in(self.log)
        return self.check(function(*args, **options), before, prefix)

    def io(self, kind):
        """The streams of a process without a terminal; its pipes are kept to be read."""
        if kind == "null":
            return NullIO(), None
        pipes = PipeIO(*self.io_ids, stdin=kind == "stdin")
        return pipes, pipes

    def with_streams(self, kind, prefix, function, *args, **options):
        """A create or an exec: the call, then accept(); (master, pipes)."""
        if kind != "terminal":
            io, pipes = self.io(kind)
            try:
                self.call(prefix, function, *args, io=io, **options)
            except BaseException:
                if pipes:
                    pipes.read()  # whoever still holds them keeps the shim waiting
                raise
            return None, pipes
        socket = self.runtime.console_socket()
        try:
            self.call(prefix, function, *args, console_socket=socket.path, **options)
            return Master(socket.receive()[1]), None
        finally:
            socket.close()

    def create(self, kind="pipes", **options):
        """kind: pipes, stdin (a pipe there, too), null or terminal. Stdin is opened, the console accepted, the pid
        read.
        """
        pid_file = self.bundle.path / "init.pid"
        self.master, self.pipes = self.with_streams(kind, "OCI runtime create failed", self.runtime.create,
                                                    self.bundle.path, self.id, pid_file=pid_file, **options)
        self.pid = read_pid_file(pid_file)
        self.cgroup = cgroup_of(self.pid)
        return self

    def start(self):
        self.call("OCI runtime start failed", self.runtime.start, self.id)
        return self

    def pause(self):
        self.call("OCI runtime pause failed", self.runtime.pause, self.id)

    def resume(self):
        self.call("OCI runtime resume failed", self.runtime.resume, self.id)

    def update(self, resources):
        self.call("OCI runtime update failed", self.runtime.update, self.id, resources)

    def kill(self, number=signal.SIGKILL, everybody=False):
        self.call(None, self.runtime.kill, self.id, int(number), everybody)

    def kill_all(self):
        self.call("OCI runtime killall failed", self.runtime.kill, self.id, 9, True)

    def wait(self):
        """The exit status, which the shim's reaper takes; a container that shares its pids is then killed to the last.
        """
        status = reap(self.pid)
        kinds = [space for space in self.config()["linux"].get("namespaces", []) if space["type"] == "pid"]
        if not kinds or kinds[0].get("path"):
            self.kill_all()
        return status

    def config(self):
        """The shim reads the file again, so an edit of it changes if all processes are killed."""
        return json.loads((self.bundle.path / "config.json").read_text())

    def delete(self):
        """`delete` without force; what exists no more is deleted."""
        try:
            self.call("failed to delete task", self.runtime.delete, self.id)
        except TaskError as error:
            if "does not exist" not in str(error):
                raise

    def status(self):
        return self.runtime.state(self.id)["status"]

    def exec(self, exec_id, *args, kind="pipes", process=None, terminal=None):
        return Exec(self, exec_id, {**self.config()["process"], "args": list(args), **(process or {}),
                                    "terminal": kind == "terminal"}, kind)

    def end(self):
        """The usual end of a container that runs."""
        self.kill()
        equal(self.wait(), 137, "exit status")
        self.delete()

    def clean_up(self):
        """The shim's `delete` after a crash: other globals, by another process, and what the bundle still has of it."""
        runtime = GoRunc(self.t, root=self.runtime.root, log=self.log, cwd=self.bundle.path, env=self.runtime.env,
                         command=self.runtime.path)
        runtime.delete(self.id, force=True).silent()
        subprocess.run(["umount", "-R", self.bundle.rootfs], check=False, stderr=subprocess.DEVNULL)
        return read_pid_file(self.bundle.path / "init.pid")


class Exec:
    """execProcess of process/exec.go: started at once."""

    def __init__(self, task, exec_id, process, kind):
        self.task, self.id, self.pid_file = task, exec_id, task.bundle.path / f"{exec_id}.pid"
        self.master, self.pipes = task.with_streams(kind, "OCI runtime exec failed", task.runtime.exec, task.id,
                                                    process, detach=True, pid_file=self.pid_file)
        self.pid = read_pid_file(self.pid_file)

    def kill(self, number):
        """By kill(2), not by the runtime."""
        os.kill(self.pid, number)

    def wait(self):
        return reap(self.pid)

    def delete(self):
        self.pid_file.unlink()


def error_of(function, *args, **options):
    """The text of the error with which a call of the shim fails."""
    try:
        function(*args, **options)
    except TaskError as error:
        return str(error)
    raise Failure(f"expected an error of {function.__name__}")
