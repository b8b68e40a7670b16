# SPDX-License-Identifier: Apache-2.0
"""`exec`, broken, in one container that goes on running all the time.

EPERM, ENOSYS and ENOMEM at any step: exit 255, the error says `exec failed` and names that step. `kill` at a step of
the init lane: the stage is killed there, and the same holds. `kill` at a step of the host lane: the runtime is killed
there. After each of them nobody but init is in the container's cgroup, no file is left, `state` says what it said
before, and a further exec works. In the end the container can be deleted.

Once the runtime has sent its go, the program needs it no longer: a SIGKILL for the runtime after send_go does not
take the program back, which runs to its end, as the program of a container does whose `start` is killed. These steps
are deliver_listener and await_execution, and await_respawn where the go is sent before it. Before the go the stage
finds the end of the stream in its place, and ends.
"""

import dataclasses
import json
import pathlib
import subprocess
import time

import ground
import harness
import remains
import steps as walk
import variants

FAILED = 255
# Ends at once or, where HOLD says so, not by itself: whoever survives a fault is seen.
PROGRAM = ["/bin/busybox", "sh", "-c", "exec /bin/busybox sleep ${HOLD:-0}"]
FOR_EVER = 3600
INIT = ["/bin/busybox", "sleep", "36000"]
MISSING = [walk.Step(0, "init", verb, "") for verb in walk.UNTIMED]  # what explain would say of them is not known


@dataclasses.dataclass
class Subject:
    """A way to exec into a container."""
    runtime: pathlib.Path
    root: pathlib.Path
    bundle: pathlib.Path
    flags: list = dataclasses.field(default_factory=list)
    process: dict = None  # for --process
    inner: str = ""  # a cgroup below the container's, for --cgroup
    id: str = "fault-exec"

    def call(self, *words, **keywords):
        """Runs a verb."""
        return walk.call(self.runtime, self.root, *words, **keywords)

    def exec(self, *flags, hold=0):
        """One exec; the program stays for `hold` seconds."""
        if self.process is None:
            return self.call("exec", *self.flags, *flags, "--env", f"HOLD={hold}", self.id, *PROGRAM)
        file = self.root.parent / "process.json"
        file.write_text(json.dumps({**self.process, "args": PROGRAM, "env": [f"HOLD={hold}"]}))
        return self.call("exec", *self.flags, *flags, "--process", file, self.id)

    def state(self):
        return self.call("state", self.id, stdout=subprocess.PIPE).stdout

    def begin(self):
        """The container, running, and the cgroup below its own."""
        needed = ground.flags_of(self.bundle)
        for words in (["create", "--bundle", self.bundle, *needed, self.id], ["start", self.id]):
            result = self.call(*words)
            harness.true(result.returncode == 0, f"{words[0]}: exit {result.returncode}: {result.stderr}")
        if self.inner:
            pathlib.Path("/sys/fs/cgroup", self.id, self.inner).mkdir()

    def delete(self):
        return self.call("delete", "--force", self.id)


def timeline(subject):
    """The steps of an exec without a fault."""
    log = subject.root.parent / "trace"
    result = subject.exec("--trace", log)
    harness.true(result.returncode == 0, f"exec without a fault: exit {result.returncode}: {result.stderr}")
    text = log.read_text()
    verbs = {walk.TRACE_LINE.match(line)[3] for line in text.splitlines()[1:]}
    notified = "deliver_listener" in verbs
    filtered = {"load_seccomp": filters(subject), "report_listener": notified, "await_delivery": notified}
    return walk.traced(text, [step for step in MISSING if filtered.get(step.verb, True)])


def filters(subject):
    """True if the container has a filter of system calls."""
    return "seccomp" in json.loads((subject.bundle / "config.json").read_text())["linux"]


# --- one fault ------------------------------------------------------------------------------------------------------

def reported(subject, step, action):
    """A fault that the runtime survives; a program that was started all the same would stay."""
    result = subject.exec("--fault", f"{step.number}:{action}", hold=FOR_EVER)
    problems = [] if result.returncode == FAILED else [f"exit {result.returncode} instead of {FAILED}"]
    return problems + walk.wrong_words(step, action, result.stderr, prefix="exec failed: ")


def host_killed(subject, step, released):
    """The runtime is gone; before its go the program never runs, after it the program comes to its own end."""
    result = subject.exec("--fault", f"{step.number}:kill", hold=0 if released else FOR_EVER)
    return [] if result.returncode == -9 else [f"exit {result.returncode}: the runtime was not killed"]


def undisturbed(subject, state, before):
    """The container is as it was, and another exec works."""
    problems = remains.left(subject.root, before)
    if (now := subject.state()) != state:
        problems.append(f"the state was {state}, is {now}")
    again = subject.exec()
    if again.returncode != 0 or again.stderr:
        problems.append(f"exec again: exit {again.returncode}, {again.stderr!r}")
    remains.remove_pid_files(subject.root)
    return problems + remains.left(subject.root, before)


def inject(subject, step, action, go, before):
    """One fault; `go` is the number of send_go."""
    state = subject.state()
    if step.lane == "host" and action == "kill":
        problems = host_killed(subject, step, released=step.number > go)
        remains.remove_pid_files(subject.root)  # written before the kill or not, the file is the caller's
    else:
        problems = reported(subject, step, action)
    return problems + undisturbed(subject, state, before)


def break_everywhere(subject, totals):
    """Every step and every action, in one container."""
    empty, begin = remains.traces_of_life(subject.root), time.monotonic()
    subject.begin()
    before = remains.traces_of_life(subject.root)
    try:
        steps = timeline(subject)
        remains.remove_pid_files(subject.root)
        go = next(step.number for step in steps if step.verb == "send_go")
        count = walk.everywhere(steps, lambda step, action: inject(subject, step, action, go, before),
                                lambda: remains.sweep(subject.root, before), totals)
    finally:
        gone, rest = subject.delete(), remains.left(subject.root, empty)
        if rest:
            remains.sweep(subject.root, empty)
    harness.true(gone.returncode == 0 and not gone.stderr, f"delete --force: exit {gone.returncode}, {gone.stderr!r}")
    harness.true(not rest, f"after delete --force: {rest}")
    return f"{len(steps)} steps, {count} faults, {time.monotonic() - begin:.1f} s"


# --- the containers and the ways into them --------------------------------------------------------------------------

def at_rest(config):
    """An edit: an init that does nothing, without a terminal."""
    config["process"].update(terminal=False, args=INIT)


def resting(edit):
    """An edit, and then this one."""
    def change(config):
        edit(config)
        at_rest(config)
    return change


def pids_of_the_host(config):
    """An edit: the container shares the host's pid namespace, so nothing is respawned."""
    config["linux"]["namespaces"] = [each for each in config["linux"]["namespaces"] if each["type"] != "pid"]


def without_new_privileges(config):
    """An edit of the default bundle's policy: what exec inherits, and a filter that needs no capability."""
    variants.filtered(config)
    config["process"]["noNewPrivileges"] = True


def policy(**properties):
    """A file for --process."""
    return {"cwd": "/", "user": {"uid": 0, "gid": 0}, **properties}


def flagged(folder, console):
    """{title: keywords of a Subject} of ways into the default bundle's container."""
    pid_file, socket = f"{folder}/exec.pid", ["--console-socket", console]
    return {
        "default": {},
        "pid file": {"flags": ["--pid-file", pid_file]},
        "terminal": {"flags": ["--tty"]},
        "console socket": {"flags": ["--tty", "--detach", *socket, "--pid-file", pid_file]},
        "pidfd socket": {"flags": ["--detach", "--pidfd-socket", console]},
        "user and directory": {"flags": ["--user", "1000:1000", "--additional-gids", "7", "--cwd", "/tmp", "--cap",
                                           "CAP_NET_RAW", "--no-new-privs", "--preserve-fds", "0"]},
        "inner cgroup": {"flags": ["--cgroup", "inner"], "inner": "inner"},
        "oomScoreAdj and CPUs": {"process": policy(oomScoreAdj=300, execCPUAffinity={"initial": "0", "final": "0-1"},
                                                     user={"uid": 1000, "gid": 1000, "umask": 0o77})},
        "scheduling": {"process": policy(scheduler={"policy": "SCHED_BATCH", "nice": 3},
                                           ioPriority={"class": "IOPRIO_CLASS_BE", "priority": 6},
                                           rlimits=[{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}])},
    }


BUNDLES = ("limits", "overlay", "process", "user")
EDITS = {"pids of the host": pids_of_the_host, "seccomp without privileges": without_new_privileges}
WITH_A_PID_FILE = ("joined pod", "user namespace", "joined user namespace", "pids of the host")


def of_bundle(runtime, scratch, name, edit=lambda config: None, **keywords):
    """The container of a bundle, and a way into it."""
    return Subject(runtime, scratch.path / "state", scratch.bundle(name, resting(edit)), **keywords)
