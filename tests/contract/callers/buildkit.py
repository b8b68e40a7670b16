# SPDX-License-Identifier: Apache-2.0
"""BuildKit's runc worker (executor.go, executor_linux.go): attached `run --keep` and `exec`, one log for all builds."""

import copy
import fcntl
import json
import os
import pathlib
import pty
import select
import signal
import struct
import termios
import time

from caller import SECONDS, Answer, pipe, spawn, until_end, wait
from gorunc import GoRunc, read_pid_file
from harness import Failure, equal, eventually

POLL = 0.1  # between two questions whether the container runs


class Attached:
    """A runtime that stays for as long as its process: pipes that are copied from and to, and their end."""

    def __init__(self, argv, **how):
        self.argv, ends = argv, [pipe() for _ in range(3)]
        inner = (ends[0][0], ends[1][1], ends[2][1])
        self.stdin, self.outputs = ends[0][1], [ends[1][0], ends[2][0]]
        self.child = spawn(argv, stdin=inner[0], stdout=inner[1], stderr=inner[2], **how)
        for number in inner:
            os.close(number)

    def until(self, word):
        """Reads the standard output up to a line."""
        shown, end = b"", time.monotonic() + SECONDS
        while word.encode() + b"\n" not in shown:
            if not select.select([self.outputs[0]], [], [], max(0, end - time.monotonic()))[0]:
                raise Failure(f"{word} is not written: {shown}")
            part = os.read(self.outputs[0], 4096)
            if not part:
                raise Failure(f"{word} is not written before the end: {shown}")
            shown += part
        return self

    def say(self, text):
        os.write(self.stdin, text)

    def signal(self, number):
        """Signals go to the runtime, which has to pass them on."""
        self.child.send_signal(number)

    def finish(self):
        """Closes the input, reads both outputs to their ends, and takes the exit status."""
        if self.stdin is not None:
            os.close(self.stdin)
            self.stdin = None
        said = until_end(self.outputs)
        return Answer(tuple(self.argv), wait(self.child), *(text.decode() for text in said))


class AttachedTerminal(Attached):
    """The same with the slave of a terminal as its three streams; the master's size is announced with SIGWINCH."""

    def __init__(self, argv, rows=24, columns=80, **how):
        self.argv, self.stdin = argv, None
        self.master, slave = pty.openpty()
        os.set_inheritable(self.master, False)
        self.size(rows, columns)
        self.outputs = [self.master]
        self.child = spawn(argv, stdin=slave, stdout=slave, stderr=slave, **how)
        os.close(slave)

    def size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, rows, columns):
        self.size(rows, columns)
        self.signal(signal.SIGWINCH)

    def until(self, word):
        """The terminal ends its lines with a return, too."""
        return super().until(word + "\r")

    def say(self, text):
        os.write(self.master, text)


class BuildKit(GoRunc):
    """The worker: no root, one log, a process group for each runtime."""

    def __init__(self, t):
        super().__init__(t, log=t.directory("worker") / "runc-log.json", group=True)

    def run(self, bundle, name, no_pivot=False, keep=True, kind=Attached, **how):
        words = ["run", "--bundle", bundle.path, *(["--no-pivot"] if no_pivot else []), *(["--keep"] if keep else [])]
        return kind(self.argv(*words, name), **self.how(), **how)

    def running(self, name):
        """Asks every 100 ms; an error is taken for a container that is still being made."""
        end = time.monotonic() + SECONDS
        while True:
            try:
                state = self.state(name)
            except Failure:
                state = {}
            if state.get("status") == "running":
                return state
            if time.monotonic() > end:
                raise Failure(f"{name} does not run: {state}")
            time.sleep(POLL)

    def user(self, rootfs, name):
        """oci.GetUser: the numbers behind a name, looked up below the rootfs of the state."""
        for entry in pathlib.Path(rootfs, "etc/passwd").read_text().splitlines():
            fields = entry.split(":")
            if fields[0] == name:
                return {"uid": int(fields[2]), "gid": int(fields[3])}
        raise Failure(f"no user {name} in {rootfs}")

    def execute(self, name, *args, user=None, env=(), cwd=None, terminal=False, kind=None, **how):
        """Attached exec of the container's process with other words, as soon as the container runs."""
        state = self.running(name)
        config = json.loads(pathlib.Path(state["bundle"], "config.json").read_text())
        process = copy.deepcopy(config["process"])
        process.update(args=list(args), terminal=terminal, env=[*process["env"], *env], cwd=cwd or process["cwd"])
        if user:
            process["user"] = self.user(state["rootfs"], user)
        return Executed(self, name, process, kind or (AttachedTerminal if terminal else Attached), **how)


class Executed:
    """An attached exec, with the files that live as long as it."""

    def __init__(self, worker, name, process, kind, **how):
        self.files = worker.process_file(process)
        self.pid_file = pathlib.Path(f"{self.files.path}.pid")
        self.attached = kind(worker.argv("exec", "--process", self.files.path, "--pid-file", self.pid_file, name),
                             **worker.how(), **how)

    def pid(self):
        eventually(self.pid_file.exists, "no pid file", SECONDS)
        return read_pid_file(self.pid_file)

    def cancel(self):
        """execProcKiller: the process behind the pid file, not the runtime."""
        os.kill(self.pid(), signal.SIGKILL)

    def finish(self):
        answer = self.attached.finish()
        os.unlink(self.files.path)
        return answer


def errors(path):
    """The errors of a log, in which every line is a document; an empty list where there is no file."""
    documents = [json.loads(row) for row in pathlib.Path(path).read_text().splitlines()] if os.path.exists(path) else []
    return [document for document in documents if document["level"] == "error"]


WAITING = "echo ready; while :; do sleep 0.02; done"


def build(t, script, terminal=False, bundle=None, **how):
    """(worker, id, attached run) of a build step that is a shell script."""
    worker, name = BuildKit(t), t.fresh_id()
    bundle = bundle or t.bundle("sh", "-c", script, terminal=terminal)
    return worker, name, worker.run(bundle, name, kind=AttachedTerminal, **how) if terminal else worker.run(
        bundle, name, **how)


def running(t, script=WAITING):
    """The same, after its first line `ready`."""
    worker, name, step = build(t, script)
    step.until("ready")
    return worker, name, step


def ended(worker, name, step):
    """Kills the step and deletes it."""
    worker.kill(name, 9).silent()
    equal(step.finish().code, 137, "exit status")
    worker.delete(name).silent()
