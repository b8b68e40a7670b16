# SPDX-License-Identifier: Apache-2.0
"""podman: what it calls itself, what it lets conmon call, and how it reads a failure.

From oci_conmon_common.go and oci_conmon_exec_common.go; how it judges a text is in matchers.py.
"""

import json
import os
import tempfile

import leaks
import matchers
from caller import Answer, pipe, separate, spawn, until_end, wait
from conmon import Conmon
from harness import BASE_ENV, Failure

PATH = BASE_ENV["PATH"]
STATES = ("created", "paused", "running", "stopped")


class Podman:
    """One podman of root's. It never names a root; XDG_RUNTIME_DIR is there, and empty.

    `json_log`: the runtime's name is one of those of runtime_supports_json. `flags` are --runtime-flag.
    """

    def __init__(self, t, flags=(), json_log=True, no_cgroups=False, env=None, runtime_dir="", terminal=False):
        self.t, self.flags, self.json_log, self.no_cgroups = t, list(flags), json_log, no_cgroups
        self.runtime_dir = {"XDG_RUNTIME_DIR": str(runtime_dir)}
        # conmon gets the whole environment; what is the caller's own, as NOTIFY_SOCKET, has been taken out.
        self.env = {**BASE_ENV, "HOME": "/root", "USER": "root", "TERM": "xterm", **self.runtime_dir, **(env or {})}

    def conmon(self, directory, options=()):
        """The words of --runtime-arg in their order."""
        arguments = list(self.flags)
        arguments += ["--log-format=json", "--log", directory / "oci-log"] if self.json_log else []
        arguments += ["--cgroup-manager", "disabled"] if self.no_cgroups else []
        return Conmon(self.t, arguments, options, env=self.env)

    def create(self, name, bundle, preserve_fds=0, **how):
        """A created container, or an OciError."""
        directory = self.t.directory(f"run-{name}")
        options = ["--preserve-fds", preserve_fds] if preserve_fds else []
        return self.judged(self.conmon(directory, options).create(name, bundle, **how), directory)

    def exec(self, name, process, preserve_fds=0, **how):
        """Each exec has a directory and an oci-log of its own."""
        directory = self.t.directory(f"exec-{name}-{os.urandom(4).hex()}")
        options = ["--preserve-fds", preserve_fds] if preserve_fds else []
        return self.judged(self.conmon(directory, options).exec(name, process, **how), directory)

    def judged(self, box, directory):
        """readConmonPipeData: the log wins where it is one document, else it is what conmon has read."""
        if box.pid > 0 and not box.message:
            return box
        raise OciError(log_message(directory / "oci-log") if self.json_log else None, box.refused())

    def direct(self, *words, path=True, **how):
        """ExecCmdWithStdStreams: two variables, or one; the streams are podman's own, and seen by its user."""
        env = {**self.runtime_dir, **({"PATH": PATH} if path else {})}
        return separate([self.t.path, *self.flags, *words], env=env, cwd=self.t.scratch, pdeathsig=None, **how)

    def start(self, name):
        return self.direct("start", name)

    def update(self, name, resources):
        number, path = tempfile.mkstemp(prefix="podman", dir=self.t.directory("tmp"))
        with os.fdopen(number, "w", encoding="utf-8") as file:
            json.dump(resources, file)
        try:
            return self.direct("update", f"--resources={path}", name)
        finally:
            os.unlink(path)

    def kill(self, name, number, everybody=False):
        return self.direct("kill", *(["--all"] if everybody else []), name, number, path=False)

    def pause(self, name):
        return self.direct("pause", name, path=False)

    def resume(self, name):
        return self.direct("resume", name, path=False)

    def delete(self, name):
        return self.direct("delete", "--force", name, path=False)

    def stop(self, box, number=15):
        """True where the signal was sent, False where the container had ended: kill(2) is asked, not the text."""
        if not alive(box.pid):
            return False
        answer = self.kill(box.name, number)
        if answer.code != 0 and alive(box.pid):
            raise Failure(f"the signal was not sent to a living container: {answer}")
        return answer.code == 0

    def state(self, name):
        """UpdateContainerStatus up to 5.3: no flags, and the pipe for stderr is closed before anything is read."""
        out, err = pipe(), pipe()
        argv = [self.t.path, "state", name]
        child = spawn(argv, env=self.runtime_dir, cwd=self.t.scratch, stdout=out[1], stderr=err[1], pdeathsig=None)
        for end in (err[0], err[1], out[1]):
            os.close(end)
        said = until_end([out[0]])[0].decode()
        code = wait(child)
        if code < 0:
            raise Failure(f"`state` died of signal {-code} on a closed pipe")
        if code != 0:
            return Answer(tuple(argv), code, said)
        document = json.loads(said)
        if document["status"] not in STATES or not isinstance(document["pid"], int):
            raise Failure(f"unrecognized status returned by runtime: {said}")
        return document


class OciError(Failure):
    """A failure: `log` is what its oci-log said or None, `stderr` what conmon read; podman goes by `text`."""

    def __init__(self, log, stderr):
        self.log, self.stderr = log, stderr
        self.text = log if log is not None else stderr
        self.kind = matchers.podman_error(self.text)
        super().__init__(f"{self.kind}: {self.text}")


def refused(function, *arguments, **how):
    """The OciError of a call that must fail."""
    try:
        function(*arguments, **how)
    except OciError as error:
        return error
    raise Failure("expected a failure")


def log_message(path):
    """What the oci-log says, or None."""
    return matchers.oci_log(path.read_text()) if path.exists() else None


def alive(pid):
    """kill(pid, 0), with our zombies as dead: conmon would have collected them."""
    return leaks.process_table().get(pid, (0, "Z"))[1] != "Z"


def process(*args, **fields):
    """specs.Process of an exec: the container's, every field filled."""
    names = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
    return {"user": {"uid": 0, "gid": 0, "umask": 0o22, "additionalGids": [10]}, "args": list(args), "cwd": "/",
            "env": [f"PATH={PATH}", "TERM=xterm", "container=podman", "HOME=/root"],
            "capabilities": {kind: names for kind in ("bounding", "effective", "inheritable", "permitted")},
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}], **fields}
