# SPDX-License-Identifier: Apache-2.0
"""CRI-O: its own calls and how it reads them (runtime_oci.go, oci_unix.go, container.go, config.go)."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import tempfile
import termios
import time

import matchers
from caller import SECONDS, Answer, go_time, merged, pipe, separate, spawn, until_end, wait
from conmon import Conmon
from harness import BASE_ENV, Failure
from podman import alive

# What the container's struct has (oci/container.go), and the types that Go wants of them.
FIELDS = {"ociVersion": str, "id": str, "status": str, "pid": int, "bundle": str, "annotations": (dict, type(None)),
          "created": str}


class NotFound(Failure):
    """ErrNotFound: the container is gone already, which most callers take for success."""


class Crio:
    """One CRI-O. `prefix` is taskset, where infra_ctr_cpuset is set; `cgroup` is where the runtime of an exec starts."""

    def __init__(self, t, prefix=(), cgroup=None):
        self.t, self.prefix, self.cgroup, self.known = t, list(prefix), cgroup, {}
        self.env = {"PATH": BASE_ENV["PATH"], "CRI_O_EXTERNAL": "1", "XDG_RUNTIME_DIR": str(t.directory("tmp"))}

    def argv(self, *words):
        return [str(word) for word in [*self.prefix, self.t.path, "--root", self.t.root, *words]]

    def conmon(self):
        env = {"XDG_RUNTIME_DIR": self.env["XDG_RUNTIME_DIR"]}
        return Conmon(self.t, [f"--root={self.t.root}"], env=env, prefix=self.prefix)

    def create(self, name, bundle, **how):
        return self.conmon().create(name, bundle, **how).made()

    def call(self, *words, **how):
        """runtimeCmd: two buffers; what stderr says decides if a failure is one."""
        answer = separate(self.argv(*words), env=self.env, cwd=self.t.scratch, pdeathsig=None, **how)
        if answer.code == 0:
            return answer
        raise (NotFound if matchers.crio_gone(answer.err) else Failure)(str(answer))

    def start(self, name):
        self.call("start", name).silent()

    def pause(self, name):
        self.call("pause", name).silent()

    def resume(self, name):
        self.call("resume", name).silent()

    def delete(self, name):
        """DeleteContainer: who is gone already is deleted."""
        try:
            self.call("delete", "--force", name).silent()
        except NotFound:
            pass

    def stop(self, box, number=15, patience=0.0):
        """The stop signal; after the patience `kill ID KILL` again and again until the process does not live."""
        try:
            self.call("kill", box.name, number).silent()
        except Failure:
            if alive(box.pid):
                raise
        begin, calls = time.monotonic(), 0
        while alive(box.pid):
            if time.monotonic() - begin > SECONDS:
                raise Failure("the container cannot be killed")
            if time.monotonic() - begin >= patience:
                calls += 1
                try:
                    self.call("kill", box.name, "KILL").silent()
                except NotFound:
                    pass
            time.sleep(0.005)
        return calls

    def kill_all(self, name):
        """SignalContainer of a pod without a pid namespace, after the end of the container."""
        self.call("kill", "-a", name, "9").silent()

    def update(self, name, resources):
        reader, writer = pipe()
        os.write(writer, json.dumps(resources).encode())
        os.close(writer)
        try:
            self.call("update", "--resources", "-", name, stdin=reader).silent()
        finally:
            os.close(reader)

    def state(self, name):
        """UpdateContainerStatus: what is missing keeps the value of the last call. A failure is the end with 255."""
        answer = separate(self.argv("state", name), env=self.env, cwd=self.t.scratch, pdeathsig=None)
        if answer.code != 0:
            return {**self.known.get(name, {}), "status": "stopped", "exitCode": 255}
        document = json.loads(answer.ok().out)
        for field, kind in FIELDS.items():
            if field in document and not isinstance(document[field], kind):
                raise Failure(f"failed to decode container status: {field} is {document[field]!r}")
        if "created" in document:
            go_time(document["created"])
        self.known[name] = {**self.known.get(name, {}), **document}
        return self.known[name]

    def features(self):
        """CombinedOutput, decoded as a whole; the versions must be there."""
        answer = merged([self.t.path, "features"], env={"PATH": BASE_ENV["PATH"]})
        document = json.loads(answer.ok().out)
        if not document.get("ociVersionMin") or not document.get("ociVersionMax"):
            raise Failure(f"no versions: {document}")
        return document

    def exec_sync(self, name, process, **how):
        """By conmon, whose pid file os.CreateTemp has made before."""
        number, path = tempfile.mkstemp(prefix="pidfile", dir=self.t.directory("tmp"))
        os.close(number)
        return self.conmon().exec(name, process, pid_file=path, **how)

    def process_file(self, process):
        return self.conmon().process_file(process)

    def enter(self):
        """What clone3 does with a cgroup's descriptor."""
        if self.cgroup:
            with open(f"{self.cgroup}/cgroup.procs", "w", encoding="ascii") as file:
                file.write(str(os.getpid()))

    def exec(self, name, process):
        """ExecContainer: attached, without a pid file and without a socket."""
        argv = self.argv("exec", "--process", self.process_file(process), name)
        return (TerminalExec if process.get("terminal") else PipeExec)(self, argv)


class PipeExec:
    """The caller's pipes are the process's own."""

    def __init__(self, crio, argv):
        into, out, err = pipe(), pipe(), pipe()
        self.argv, self.stdin, self.stdout, self.stderr = argv, into[1], out[0], err[0]
        self.child = spawn(argv, env=crio.env, cwd=crio.t.scratch, stdin=into[0], stdout=out[1], stderr=err[1],
                           pdeathsig=None, before=crio.enter)
        for end in (into[0], out[1], err[1]):
            os.close(end)

    def finish(self, text=b""):
        """The answer, when stdin has been given this and closed, and all has been read."""
        os.write(self.stdin, text)
        out, err = self.read()
        return Answer(tuple(self.argv), wait(self.child), out, err)

    def read(self):
        """(stdout, stderr) to their ends."""
        os.close(self.stdin)
        return tuple(text.decode() for text in until_end([self.stdout, self.stderr]))

    def kill(self):
        """KillExecPIDs: SIGKILL for the runtime."""
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()


class TerminalExec:
    """pty.Start: the runtime leads a session on a terminal of CRI-O's, whose size changes below it."""

    def __init__(self, crio, argv, rows=24, columns=80):
        self.argv = argv
        self.master, slave = pty.openpty()
        self.shown = b""
        self.resize(rows, columns)
        def before():
            crio.enter()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self.child = spawn(argv, env=crio.env, cwd=crio.t.scratch, stdin=slave, stdout=slave, stderr=slave,
                           pdeathsig=None, session=True, before=before)
        os.close(slave)

    def resize(self, rows, columns):
        """setSize: the kernel sends SIGWINCH to who is in front of the terminal."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text)

    def until(self, text):
        """Reads until this is shown."""
        end = time.monotonic() + SECONDS
        while text.encode() not in self.shown:
            if not select.select([self.master], [], [], max(0, end - time.monotonic()))[0]:
                raise Failure(f"{text!r} is not shown: {self.shown!r}")
            self.shown += os.read(self.master, 4096)
        return self

    def finish(self):
        """The answer, when nobody has the terminal any more."""
        self.shown += until_end([self.master])[0]
        return Answer(tuple(self.argv), wait(self.child), self.shown.decode())

    def kill(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()
