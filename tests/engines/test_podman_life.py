# SPDX-License-Identifier: Apache-2.0
"""What podman does to a running container: stop, kill, restart, pause, top, wait."""

import signal

from cases import case
from engine import IMAGE
from harness import absent, contains, equal, true

TRAP = "trap 'echo got {0}; exit 7' {0}; echo ready; while :; do sleep 0.05; done"


def trapping(t, word, *options):
    """A container that writes and ends when it gets this signal."""
    name = t.start(TRAP.format(word), *options)
    t.wrote(name, "ready")
    return name


@case()
def stop(t):
    """`podman stop` sends TERM, and the program ends as it likes."""
    name = trapping(t, "TERM")
    t("stop", "--time", "30", name).exits(0)
    contains(t("logs", name).out, "got TERM", "logs")
    equal(t.inspect(name, ".State.ExitCode"), "7", "status")


@case()
def stop_of_the_deaf(t):
    """`podman stop --time 1` kills a program that ignores TERM."""
    t.start("trap '' TERM; echo ready; while :; do sleep 0.05; done")
    t.wrote("box", "ready")
    t("stop", "--time", "1", "box").exits(0)
    equal(t.inspect("box", ".State.ExitCode"), "137", "status")


@case()
def stop_signal(t):
    """`podman stop` sends the signal of --stop-signal."""
    name = trapping(t, "USR2", "--stop-signal", "SIGUSR2")
    t("stop", "--time", "30", name).exits(0)
    contains(t("logs", name).out, "got USR2", "logs")


@case(each=["HUP", "SIGUSR1", "12", "WINCH"], smoke=True)
def kill(t, word):
    """`podman kill --signal {}` arrives."""
    name = trapping(t, signal.Signals(int(word)).name[3:] if word.isdigit() else word.removeprefix("SIG"))
    t("kill", "--signal", word, name).exits(0)
    equal(t("wait", name).exits(0).out, "7\n", "status")
    contains(t("logs", name).out, "got ", "logs")


@case()
def kill_without_a_signal(t):
    """`podman kill` kills, and the status is 137."""
    t("kill", t.sleeper()).exits(0)
    equal(t("wait", "box").exits(0).out, "137\n", "status")


@case()
def kill_of_the_dead(t):
    """`podman kill` of a container that has ended is refused, and `podman stop` has nothing to do."""
    t("wait", t.start("exit 5")).exits(0)
    contains(t("kill", "box").exits(125).err, "can only kill running containers", "stderr")
    t("stop", "box").exits(0)
    equal(t.inspect("box", ".State.ExitCode"), "5", "status")


@case()
def attached_and_killed(t):
    """An attached `podman run` returns 128 and the signal that killed its program."""
    child = t.daemon("podman", "run", "--name", "box", IMAGE, "sh", "-c", "exec sleep 600")
    t.eventually(lambda: t("container", "exists", "box").code == 0 and t.inspect("box", ".State.Running") == "true",
                 "the container does not run")
    t("kill", "box").exits(0)
    equal(child.wait(30 * t.factor), 137, "status")


@case()
def passed_on(t):
    """A signal for an attached `podman run` is passed on to its program."""
    attached = t.terminal("podman", "run", "--name", "box", IMAGE, "sh", "-c", TRAP.format("TERM"))
    attached.until("ready", 30 * t.factor)
    attached.child.terminate()
    attached.ends_with(7, 30 * t.factor)
    contains(t("logs", "box").out, "got TERM", "logs")


@case()
def restart(t):
    """`podman restart` starts a new process on the old files."""
    t.sleeper()
    t.inside("box", "echo kept > /file")
    before = t.inspect("box", ".State.Pid")
    t("restart", "--time", "0", "box").exits(0)
    true(t.inspect("box", ".State.Pid") not in ("0", before), "the process is the same")
    equal(t.inside("box", "cat /file"), "kept\n", "the file")


@case()
def restart_policy(t):
    """`--restart on-failure:2` starts a failing program three times, and no more."""
    t("run", "-d", "--name", "box", "--restart", "on-failure:2", IMAGE, "sh", "-c", "echo run; exit 1").exits(0)
    t.eventually(lambda: t("logs", "box").out == "run\n" * 3 and t.inspect("box", ".State.Status") == "exited",
                 "it does not run three times")
    equal(t.inspect("box", ".RestartCount"), "2", "restarts")


@case()
def pause(t):
    """`podman pause` freezes every process, and `podman unpause` lets them go on."""
    file = t.directory / "count"
    file.touch()
    t.start("while :; do echo >> /count; sleep 0.01; done", "-v", f"{file}:/count")
    t.eventually(lambda: file.stat().st_size > 0, "nothing is counted")
    t("pause", "box").exits(0)
    equal(t.inspect("box", ".State.Status"), "paused", "status")
    before = file.stat().st_size
    contains(t("exec", "box", "true").exits(255).err, "state improper", "stderr")
    equal(file.stat().st_size, before, "what was counted while it was paused")
    t("unpause", "box").exits(0)
    t.eventually(lambda: file.stat().st_size > before, "nothing is counted any more")


@case(smoke=True)
def removal(t):
    """`podman rm` refuses a running container, and `--force` takes a paused one."""
    t.sleeper()
    contains(t("rm", "box").exits(2).err, "running", "stderr")
    t("pause", "box").exits(0)
    t("rm", "--force", "--time", "0", "box").exits(0)
    equal(t("ps", "--all", "--quiet").out, "", "containers")


@case()
def top(t):
    """`podman top` lists the processes of the container, those of an exec as well."""
    t.sleeper()
    t("exec", "--detach", "box", "sleep", "601").exits(0)

    def listed():
        lines = t("top", "box", "pid", "args").exits(0).lines()
        return lines if len(lines) == 3 and "sleep" in lines[2] else None

    lines = t.eventually(listed, "the second process is not listed")
    equal(lines[1].split(), ["1", "sleep", "600"], "process 1")
    equal(lines[2].split()[1:], ["sleep", "601"], "the other one")


@case()
def waiting(t):
    """`podman wait` of two containers waits for both; `podman ps` knows their statuses."""
    t.start("exit 3", name="one")
    t.start("sleep 0.5; exit 4", name="two")
    equal(t("wait", "one", "two").exits(0).lines(), ["3", "4"], "statuses")
    listed = t("ps", "--all", "--format", "{{.Names}} {{.Status}}", "--sort", "names").out
    contains(listed, "one Exited (3)", "ps")
    contains(listed, "two Exited (4)", "ps")
    absent(listed, "Up", "ps")
