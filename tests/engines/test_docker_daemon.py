# SPDX-License-Identifier: Apache-2.0
"""How dockerd is told of a runtime, and how containers outlive it."""

import json
import pathlib
import signal

from cases import case
from docker import CONFIG, COUNTER
from engine import IMAGE
from harness import contains, equal

NAME = "added"


def check(t):
    """A container by the runtime of that name."""
    result = t("run", "--runtime", NAME, "--name", "box", IMAGE, "sh", "-c", "echo hello; exit 4").exits(4)
    equal((result.out, t.inspect("box", ".HostConfig.Runtime")), ("hello\n", NAME), "output and runtime")


@case()
def add_runtime(t):
    """dockerd --add-runtime gives a name to the runtime, for `docker run --runtime`."""
    with t.configured({}, "--add-runtime", f"{NAME}={t.path}"):
        check(t)
        contains(t("info", "--format", "{{json .Runtimes}}").exits(0).out, f'"{NAME}"', "runtimes")


@case()
def added_by_file(t):
    """`runtimes` in daemon.json does the same."""
    with t.configured({"runtimes": {NAME: {"path": t.path}}}):
        check(t)
        found = json.loads(t("info", "--format", "{{json .Runtimes}}").exits(0).out)
        equal(found[NAME]["path"], t.path, "path")


@case()
def added_while_running(t):
    """A runtime that is added to daemon.json is there after SIGHUP, without a restart."""
    with t.configured({}):
        settings = json.loads(CONFIG.read_text()) | {"runtimes": {NAME: {"path": t.path}}}
        CONFIG.write_text(json.dumps(settings))
        t.process.send_signal(signal.SIGHUP)
        t.eventually(lambda: NAME in t("info", "--format", "{{json .Runtimes}}").out, "the new runtime is there")
        check(t)


@case()
def default_runtime(t):
    """`default-runtime` in daemon.json is the runtime of who names none."""
    with t.configured({"runtimes": {NAME: {"path": t.path}}, "default-runtime": NAME}):
        equal(t("info", "--format", "{{.DefaultRuntime}}").exits(0).out, f"{NAME}\n", "default runtime")
        t("run", "--name", "box", IMAGE, "true").exits(0)
        equal(t.inspect("box", ".HostConfig.Runtime"), NAME, "runtime")


@case()
def default_on_the_command_line(t):
    """dockerd --default-runtime does the same."""
    with t.configured({}, "--add-runtime", f"{NAME}={t.path}", "--default-runtime", NAME):
        t("run", "--name", "box", IMAGE, "true").exits(0)
        equal(t.inspect("box", ".HostConfig.Runtime"), NAME, "runtime")


@case()
def runtime_arguments(t):
    """`runtimeArgs` are put before all other arguments, by a script that dockerd writes."""
    with t.configured({"runtimes": {NAME: {"path": t.path, "runtimeArgs": ["--debug"]}}}):
        check(t)
        t.up("long", "--runtime", NAME)
        text = pathlib.Path(f"/run/docker/containerd/daemon/io.containerd.runtime.v2.task/moby/"
                            f"{t.inspect('long', '.Id')}/log.json").read_text()
        contains(text, '"level":"debug"', "the shim's log of the runtime")


@case(each=[("TERM", signal.SIGTERM), ("KILL", signal.SIGKILL)], deadline=90)
def live_restore(t, _, number):
    """With live-restore containers run on while dockerd is ended by {} and started again, and stay in its hands."""
    with t.configured(t.usual() | {"live-restore": True}):
        t.up("box", script=COUNTER)
        t.up("ends", script="while ! test -e /go; do sleep 0.05; done; exit 5")
        pid = t.inspect("box", ".State.Pid")
        other = pathlib.Path(f"/proc/{t.inspect('ends', '.State.Pid')}/root/go")
        t.stop_daemon(number)
        written = pathlib.Path(f"/proc/{pid}/root/now")
        before = written.read_text()
        t.eventually(lambda: written.read_text() not in ("", before), "it runs on without dockerd")
        other.touch()  # this one ends while nobody looks
        t.eventually(lambda: not other.parent.exists(), "its end")
        t.start_again()
        equal((t.inspect("box", ".State.Pid"), t.running("box")), (pid, True), "the process")
        t.eventually(lambda: not t.running("ends"), "dockerd knows of the end")
        equal(t("exec", "box", "echo", "hello").exits(0).out, "hello\n", "an exec")
        t("stop", "--time", "0", "box").exits(0)
        equal(t.inspect("box", ".State.ExitCode"), "137", "status")
        t("start", "box").exits(0)
        t("rm", "--force", "box", "ends").exits(0)


@case(each=[("always", True), ("unless-stopped", True), ("no", False)], deadline=90)
def restarted_with_dockerd(t, policy, again):
    """Without live-restore a container ends with dockerd; --restart {} decides if it runs after the next start."""
    t.up("box", "--restart", policy)
    pid = t.inspect("box", ".State.Pid")
    t.restart_daemon()
    equal(pathlib.Path(f"/proc/{pid}").exists(), False, "the process from before")
    if again:
        t.eventually(lambda: t.running("box"), "it runs again", 20)
        t("exec", "box", "true").exits(0)
    else:
        equal(t.inspect("box", ".State.Status"), "exited", "status")


@case(deadline=90)
def not_restarted_if_stopped(t):
    """What was stopped with --restart unless-stopped stays so after a restart of dockerd."""
    t.up("box", "--restart", "unless-stopped")
    t("stop", "--time", "0", "box").exits(0)
    t.restart_daemon()
    equal(t.inspect("box", ".State.Status"), "exited", "status")


@case(deadline=90)
def killed_dockerd(t):
    """After dockerd without live-restore was killed, the next one ends the containers that ran, and can start them."""
    t.up("box")
    t.restart_daemon(signal.SIGKILL)
    t.eventually(lambda: not t.running("box"), "it is ended", 20)
    t("start", "box").exits(0)
    equal(t("exec", "box", "echo", "hello").exits(0).out, "hello\n", "an exec")


@case()
def userns_remap(t):
    """With --userns-remap root in the container is a subordinate user of the machine."""
    for name in ("subuid", "subgid"):
        path = pathlib.Path("/etc", name)
        path.write_text("dockremap:200000:65536\n")
    with t.configured(t.usual(), "--userns-remap", "default"):
        t("load", "-i", "/tmp/image.tar").exits(0)
        t.up("box", "--volume", f"{t.directory}:/mnt", script="cat /proc/self/uid_map; id -u; exec sleep 600")
        t.says("box", "\n0\n")
        equal(t("logs", "box").out.split(), ["0", "200000", "65536", "0"], "map and user")
        equal(pathlib.Path(f"/proc/{t.inspect('box', '.State.Pid')}").stat().st_uid, 200000, "user outside")
        t("exec", "box", "touch", "/mnt/x").exits(1)  # root outside owns it
        t.directory.chmod(0o777)
        t("exec", "box", "touch", "/mnt/x").exits(0)
        equal((t.directory / "x").stat().st_uid, 200000, "owner of a new file")
        equal(t.output("cat /proc/self/uid_map", "--userns", "host").split()[1], "0", "map with --userns host")
