# SPDX-License-Identifier: Apache-2.0
"""The tools of a case: the runtime, containers, and the sentences that a case may state about them."""

import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import stat
import subprocess
import sys
import time

import bundles
import isolation
import leaks

CONTROL_RUNTIME = "/usr/sbin/runc"
CONTROLS = {"runc": pathlib.Path(CONTROL_RUNTIME), "crun": pathlib.Path("/usr/bin/crun")}
LAUNCHER = str(pathlib.Path(__file__).resolve().parent / "launcher.py")
VERB_SECONDS = 20
AT_ONCE = 9  # seconds for what waits for nobody, on a busy machine: the waits of bulkhead(8), DEADLINES, are mostly 10 s and more
BASE_ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}

class Failure(AssertionError):
    pass


def equal(actual, expected, what="value"):
    if actual != expected:
        raise Failure(f"{what} is {actual!r}, expected {expected!r}")


def true(condition, sentence):
    if not condition:
        raise Failure(sentence)


def contains(text, part, what="text"):
    if part not in text:
        raise Failure(f"{what} {text!r} does not contain {part!r}")


def absent(text, part, what="text"):
    if part in text:
        raise Failure(f"{what} {text!r} contains {part!r}")


def eventually(condition, sentence, seconds=5.0):
    """Waits for something that another process does; returns what the condition returned."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"after {seconds} s: {sentence}")
        time.sleep(0.01)


@dataclasses.dataclass(frozen=True)
class Result:
    command: list
    code: int
    out: str
    err: str
    seconds: float

    def ok(self):
        """Fails unless the verb succeeded and wrote nothing to stderr."""
        if self.code != 0 or self.err:
            raise Failure(f"expected success and silence: {self}")
        return self

    def exits(self, code):
        if self.code != code:
            raise Failure(f"expected exit code {code}: {self}")
        return self

    def lines(self):
        return self.out.splitlines()

    def __str__(self):
        return (f"`{' '.join(map(str, self.command))}` exit {self.code} after {self.seconds:.2f} s\n"
                f"    stdout: {self.out[-1500:]!r}\n    stderr: {self.err[-1500:]!r}")


def read_text(path):
    return pathlib.Path(path).read_bytes().decode(errors="replace")


def command_line(pid):
    """A process's arguments, each with its zero at the end; empty if the process has ended."""
    try:
        return read_text(f"/proc/{pid}/cmdline")
    except leaks.GONE:
        return ""


def begins(*words):
    """Waits until a descendant of this process executes this command line."""
    line = "".join(f"{word}\0" for word in words)
    eventually(lambda: any(command_line(pid) == line for pid in leaks.descendants(os.getpid())),
               f"{' '.join(words)} does not begin")


class Runtime:
    """The program under test. Its output goes to files, because a container may hold the descriptors for long."""

    seconds = VERB_SECONDS  # a verb's deadline

    def __init__(self, path, root, scratch, null):
        self.path, self.root, self.scratch, self.null = str(path), str(root), pathlib.Path(scratch), null
        self.log = None  # a path, if the case needs what goes to a log only: warnings
        self.count = 0

    def command(self, *arguments, root=True):
        globals_ = [*(["--root", self.root] if root else []), *(["--log", self.log] if self.log else [])]
        return [self.path, *map(str, globals_), *map(str, arguments)]

    def warned(self):
        """Keeps warnings from now on; returns a function that reads those written so far."""
        self.log = self.scratch / "warnings.log"
        return lambda: read_text(self.log)

    def start(self, command, env=None, cwd=None, setup=None, **streams):
        """Starts a command line; `setup` is for launcher.py. Streams default to private nodes and files."""
        if setup is not None:
            command = [sys.executable, LAUNCHER, json.dumps(setup), *command]
        with open(self.null, "rb") as silence, open(self.scratch / "stray.out", "ab") as stray:
            return subprocess.Popen(command, env=BASE_ENV if env is None else env, cwd=cwd or self.scratch,
                                    **{"stdin": silence, "stdout": stray, "stderr": stray, **streams})

    def __call__(self, *arguments, **options):
        return self.exec(self.command(*arguments), **options)

    def exec(self, command, stdin=None, timeout=None, **options):
        """Runs a command line to its end. At the deadline, kills it and fails."""
        timeout = timeout or self.seconds
        self.count += 1
        out, err = (self.scratch / f"{self.count}.{name}" for name in ("out", "err"))
        begin = time.monotonic()
        with open(out, "wb") as out_file, open(err, "wb") as err_file:
            streams = {"stdin": subprocess.PIPE} if stdin is not None else {}
            streams = {"stdout": out_file, "stderr": err_file, **streams}
            child = self.start(command, **{**streams, **options})
            try:
                child.communicate(stdin, timeout=timeout)
            except subprocess.TimeoutExpired:
                hangs = leaks.where_it_hangs(child.pid)
                child.kill()
                child.wait()
                raise Failure(f"no end after {timeout} s: {command}\n{hangs}{read_text(err)}") from None
        return Result(command, child.returncode, read_text(out), read_text(err), time.monotonic() - begin)


class Process:
    """A process that a runtime left to this process, its subreaper, and the pid file that names it."""

    def __init__(self, name, pid_file):
        self.id, self.pid_file, self.exit_status = name, pid_file, None

    @property
    def pid(self):
        return int(self.pid_file.read_text())

    def wait(self, seconds=10):
        """Collects the exit status: this process is the parent, as a shim would be."""
        def reaped():
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.exit_status = os.waitstatus_to_exitcode(status) if pid else None
            return pid
        eventually(reaped, f"{self.id} does not end", seconds)
        return self.exit_status

    def dead(self):
        """True if the process is a zombie or gone."""
        try:
            return self.proc("stat").rpartition(")")[2].split()[0] in "ZX"
        except leaks.GONE:
            return True

    def wait_dead(self, seconds=10):
        """Waits until the process is a zombie or gone, without collecting it."""
        eventually(self.dead, f"{self.id} does not die", seconds)

    def begun(self, word):
        """Waits until the program with this word in its command line runs or has ended, because runc does not wait for it."""
        eventually(lambda: word in command_line(self.pid) or self.dead(), f"{self.id} does not begin")
        return self

    def proc(self, name):
        return read_text(f"/proc/{self.pid}/{name}")

    def cgroup(self):
        """The directory of the process's cgroup."""
        path, = [line[3:] for line in self.proc("cgroup").splitlines() if line.startswith("0::")]
        return isolation.cgroup2_mount() / path.lstrip("/")

    def descriptors(self):
        """{number: target} of the process's descriptors, seen from outside."""
        directory, found = f"/proc/{self.pid}/fd", {}
        for number in os.listdir(directory):
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                found[int(number)] = os.readlink(f"{directory}/{number}")
        return found


class Container(Process):
    """One id and its bundle."""

    def __init__(self, context, name, bundle):
        super().__init__(name, context.scratch / f"{name}.pid")
        self.context, self.runtime, self.bundle = context, context.runtime, bundle
        self.files, self.executed = 0, []

    def create(self, *flags, **options):
        return self.runtime("create", "--bundle", self.bundle.path, "--pid-file", self.pid_file, *flags, self.id,
                            **options)

    def run(self, *flags, **options):
        return self.runtime("run", "--bundle", self.bundle.path, *flags, self.id, **options)

    def run_detached(self, *flags, **options):
        return self.run("--detach", "--pid-file", self.pid_file, *flags, **options)

    def run_in_background(self, *flags, **streams):
        """An attached run that goes on; returns the Popen after the container has begun to run."""
        command = self.runtime.command("run", "--bundle", self.bundle.path, "--pid-file", self.pid_file, *flags,
                                       self.id)
        child = self.runtime.start(command, **streams)
        eventually(lambda: child.poll() is not None or self.status() == "running", "the container does not run")
        return child

    def start(self, **options):
        return self.runtime("start", self.id, **options)

    def exec(self, *command, flags=(), **options):
        """Runs another program in the container, attached, to its end."""
        return self.runtime("exec", *flags, self.id, *command, **options)

    def exec_detached(self, *command, flags=(), **options):
        """Runs another program, which goes on; returns its Process."""
        name = f"{self.id}-exec{len(self.executed)}"
        made = Process(name, self.context.scratch / f"{name}.pid")
        self.exec(*command, flags=["--detach", "--pid-file", made.pid_file, *flags], **options).ok()
        self.executed.append(made)
        return made.begun(command[-1]) if command else made

    def exec_in_background(self, *command, flags=(), **streams):
        """An attached exec that goes on; returns its Popen."""
        return self.runtime.start(self.runtime.command("exec", *flags, self.id, *command), **streams)

    def process_file(self, **fields):
        """A file for `exec --process`: the process of the bundle with these fields; the value None removes a field."""
        self.files += 1
        path = self.context.scratch / f"{self.id}-process{self.files}.json"
        process = {**self.bundle.config["process"], **fields}
        path.write_text(json.dumps({name: value for name, value in process.items() if value is not None}))
        return path

    def end_executed(self):
        """Ends and collects what exec started: an uncollected dead process keeps the container's init from ending."""
        for process in self.executed:
            if process.exit_status is None:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()

    def kill(self, *arguments, **options):
        return self.runtime("kill", self.id, *arguments, **options)

    def delete(self, *flags, **options):
        return self.runtime("delete", *flags, self.id, **options)

    def state(self):
        return json.loads(self.runtime("state", self.id).ok().out)

    def status(self):
        """The status word, or None if the runtime knows no such container."""
        result = self.runtime("state", self.id)
        return json.loads(result.out)["status"] if result.code == 0 else None


class Context:
    """The fixture `t` of a case."""

    more_devices = ()  # further nodes of the host that a case must leave alone

    def __init__(self, runtime_path, control, scratch, template, prefix):
        self.scratch = pathlib.Path(scratch)
        self.template, self.prefix, self.control = template, prefix, control
        self.root = self.scratch / "state"
        self.null = self.scratch / "null"
        os.mknod(self.null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        os.chmod(self.null, 0o666)
        self.runtime = Runtime(runtime_path, self.root, self.scratch, self.null)
        self.containers = []
        self.properties = []

    @property
    def bulkhead(self):
        return not self.control

    def bundle(self, *args, **process):
        """A default bundle; arguments are the program, keywords are properties of `process`."""
        made = bundles.Bundle(self.scratch / f"bundle{len(self.containers)}-{time.monotonic_ns()}", self.template)
        return made.process(**({"args": list(args)} if args else {}), **process)

    def container(self, *args, bundle=None, **process):
        name = f"{self.prefix}-{len(self.containers)}"
        made = Container(self, name, bundle or self.bundle(*args, **process))
        self.containers.append(made)
        return made

    def shell(self, script, **process):
        """A container that runs a shell script."""
        return self.container("sh", "-c", script, **process)

    def gated(self, after, before=":"):
        """(container, function): a script that waits between its two halves until the case calls the function."""
        box = self.shell(f"{before}; read line < /gate; {after}")
        path = box.bundle.rootfs / "gate"
        os.mkfifo(path)
        gate = os.open(path, os.O_RDWR)
        return box, lambda: os.write(gate, b"\n")

    def sleeper(self, **process):
        """A container that lives for ten minutes unless it is killed: a case in a slow guest may take more than one."""
        return self.container("sleep", "600", **process)

    def output(self, *args, bundle=None, **process):
        """The output of a program in a default container made for it."""
        return self.container(*args, bundle=bundle, **process).run().ok().out

    def note(self, text):
        """Keeps a sentence to print with the result."""
        self.properties.append(("note", text))

    def cleanup(self):
        """Deletes what the case left on purpose; returns sentences about what remains."""
        problems = []
        for container in self.containers:
            container.end_executed()
            if (self.root / container.id).exists():
                result = container.delete("--force")
                if result.code != 0 or (result.err and not self.control):  # runc may find its cgroup busy
                    problems.append(f"clean-up: {result}")
        return problems

    def invariants(self):
        """Sentences about anything else that a case failed to leave as it was; other suites add theirs."""
        return []

    def no_state(self):
        """Fails unless the state root holds no container: a refused create left nothing there."""
        left = set(os.listdir(self.root) if self.root.exists() else []) - leaks.ROOT_FURNITURE
        equal(left, set(), "the state root")


def status_field(text, name):
    """A field of /proc/PID/status."""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return value.strip()
    raise Failure(f"no field {name} in {text!r}")


def signal_set(text, name):
    """The signal numbers of a mask in /proc/PID/status."""
    mask = int(status_field(text, name), 16)
    return {number for number in range(1, 65) if mask >> (number - 1) & 1}


def stop(child, number=signal.SIGKILL, seconds=10):
    """Sends a signal to a background runtime and returns its exit code."""
    child.send_signal(number)
    return child.wait(seconds)
