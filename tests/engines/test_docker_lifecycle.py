# SPDX-License-Identifier: Apache-2.0
"""Containers of docker over time: stop, kill, pause, restart, and what is told of it."""

import json

from cases import case
from docker import COUNTER
from engine import IMAGE
from harness import absent, contains, equal

PATIENT = 'trap "echo got TERM; exit 7" TERM; trap "echo got USR1" USR1; echo ready; while :; do sleep 0.05; done'
STUBBORN = 'trap "" TERM; echo ready; while :; do sleep 0.05; done'


@case()
def stop(t):
    """`docker stop` sends TERM, and the program's own status is kept."""
    t.up("box", script=PATIENT)
    t.says("box", "ready")
    t("stop", "--time", "60", "box").exits(0)
    contains(t("logs", "box").out, "got TERM", "log")
    equal((t("wait", "box").out, t.inspect("box", ".State.Status")), ("7\n", "exited"), "status")


@case()
def stop_by_force(t):
    """Who ignores TERM is killed by `docker stop` after --time: status 137."""
    t.up("box", script=STUBBORN)
    t.says("box", "ready")
    t("stop", "--time", "1", "box").exits(0)
    equal((t("wait", "box").out, t.inspect("box", ".State.OOMKilled")), ("137\n", "false"), "status")


@case()
def stop_signal(t):
    """--stop-signal is what `docker stop` sends."""
    t.up("box", "--stop-signal", "USR2",
         script='trap "exit 12" USR2; trap "exit 1" TERM; echo ready; while :; do sleep 0.05; done')
    t.says("box", "ready")
    t("stop", "--time", "60", "box").exits(0)
    equal(t("wait", "box").out, "12\n", "status")


@case(smoke=True)
def kill(t):
    """`docker kill --signal` sends that signal, without it KILL."""
    t.up("box", script=PATIENT)
    t.says("box", "ready")
    t("kill", "--signal", "USR1", "box").exits(0)
    t.says("box", "got USR1")
    equal(t.running("box"), True, "running")
    t("kill", "box").exits(0)
    equal(t("wait", "box").out, "137\n", "status")
    contains(t("kill", "box").exits(1).err, "is not running", "a second time")


@case()
def pause(t):
    """A paused container stands still, and goes on when it is unpaused."""
    t.up("box", script=COUNTER)
    t.eventually(lambda: t("exec", "box", "cat", "/now").out, "it begins")
    t("pause", "box").exits(0)
    equal(t.inspect("box", ".State.Status"), "paused", "status")
    place = f"/proc/{t.inspect('box', '.State.Pid')}/root/now"
    before = read(place)
    equal([read(place) for _ in range(50)], [before] * 50, "what it writes")
    t("unpause", "box").exits(0)
    t.eventually(lambda: read(place) not in (before, ""), "it goes on")


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


@case()
def stop_of_a_paused(t):
    """A paused container can be stopped and removed."""
    t.up("box")
    t("pause", "box").exits(0)
    t("rm", "--force", "box").exits(0)
    absent(t("ps", "--all").out, "box", "containers")


@case()
def restart(t):
    """`docker restart` gives a new process in the same container."""
    t.up("box", script="echo begun >>/mark; exec sleep 600")
    t.eventually(lambda: t("exec", "box", "cat", "/mark").out, "it begins")
    before = t.inspect("box", ".State.Pid")
    t("restart", "--time", "0", "box").exits(0)
    t.eventually(lambda: t("exec", "box", "cat", "/mark").out == "begun\nbegun\n", "it begins again")
    equal(t.inspect("box", ".State.Pid") != before, True, "a new process")


@case()
def create_and_start(t):
    """`docker create` only prepares; `docker start --attach` shows the output and returns the status, twice."""
    t("create", "--name", "box", IMAGE, "sh", "-c", "echo x >>/mark; wc -l </mark; exit 4").exits(0)
    equal(t.inspect("box", ".State.Status"), "created", "status")
    equal(t("start", "--attach", "box").exits(4).out, "1\n", "output")
    equal(t("start", "--attach", "box").exits(4).out, "2\n", "output of the second time")


@case()
def restart_on_failure(t):
    """--restart on-failure:2 starts a failing program twice more, and then keeps its status."""
    t.up("box", "--restart", "on-failure:2", script="echo begun; exit 3")
    t.eventually(lambda: t.inspect("box", ".State.Status") == "exited", "it gives up", 30)
    equal(t("logs", "box").out, "begun\n" * 3, "log")
    equal((t.inspect("box", ".RestartCount"), t.inspect("box", ".State.ExitCode")), ("2", "3"), "restarts and status")


@case()
def restart_not_after_success(t):
    """--restart on-failure leaves a program in peace that ends with 0."""
    t.up("box", "--restart", "on-failure", script="echo begun")
    t("wait", "box").exits(0)
    equal((t("logs", "box").out, t.inspect("box", ".RestartCount")), ("begun\n", "0"), "log and restarts")


@case()
def restart_always(t):
    """--restart always starts a program again that was killed, but not after `docker stop`."""
    t.up("box", "--restart", "always", script='trap "exit 0" TERM; echo begun; while :; do sleep 0.05; done')
    t.says("box", "begun")
    first = t.inspect("box", ".State.Pid")
    t("exec", "box", "kill", "1").exits(0)  # from inside: docker itself did not ask for it
    t.eventually(lambda: t("logs", "box").out == "begun\nbegun\n", "it begins again", 20)
    t.eventually(lambda: t.inspect("box", ".State.Pid") not in ("0", first), "a new process")
    t("stop", "--time", "60", "box").exits(0)
    equal(t.inspect("box", ".State.Status"), "exited", "status")
    equal(t.inspect("box", ".RestartCount"), "1", "restarts")


@case()
def wait(t):
    """`docker wait` ends with the container, and says its status."""
    t.up("box", script="while ! test -e /go; do sleep 0.05; done; exit 42")
    waiting = t.background("wait", "box")
    t("exec", "box", "touch", "/go").exits(0)
    equal(waiting.communicate(timeout=60 * t.factor)[0], b"42\n", "status")


@case()
def top(t):
    """`docker top` lists the container's processes as ps does, with the columns asked for."""
    t.up("box", script="sleep 501 & exec sleep 502")
    t.eventually(lambda: "sleep 501" in t("top", "box").out, "the child")
    lines = t("top", "box", "-o", "pid,args").exits(0).lines()
    equal(lines[0].split(), ["PID", "COMMAND"], "titles")
    found = {words[1]: words[0] for words in (line.split(None, 1) for line in lines[1:])}
    equal(set(found), {"sleep 501", "sleep 502"}, "processes")
    equal(found["sleep 502"], t.inspect("box", ".State.Pid"), "first process")


@case()
def rename(t):
    """A container is found by its new name while it runs."""
    t.up("box")
    t("rename", "box", "other").exits(0)
    t("exec", "other", "true").exits(0)
    t("rm", "--force", "other").exits(0)


@case()
def attach(t):
    """`docker attach` shows what comes from now on, and can be left by its keys, after which the container runs on."""
    t("run", "-dit", "--name", "box", IMAGE, "sh").exits(0)
    screen = t.terminal("docker", "attach", "--detach-keys", "ctrl-x,q", "box")
    t.eventually(lambda: (screen.enter("echo $((6 * 7))"), screen.read(0.2), "42" in screen.text)[-1], "an answer")
    screen.type(b"\x18q")
    screen.finish(30 * t.factor)
    equal(t.running("box"), True, "running")


@case()
def health(t):
    """A health check is run in the container again and again, and its answer is the container's health."""
    t.up("box", "--health-cmd", "test -e /well || { echo ill; exit 1; }", "--health-interval", "200ms",
         "--health-retries", "2", script="touch /well; exec sleep 600")
    t.eventually(lambda: t.inspect("box", ".State.Health.Status") == "healthy", "it is healthy", 20)
    t("exec", "box", "rm", "/well").exits(0)
    t.eventually(lambda: t.inspect("box", ".State.Health.Status") == "unhealthy", "it is unhealthy", 20)
    last = json.loads(t.inspect("box", "json .State.Health.Log"))[-1]
    equal((last["ExitCode"], last["Output"]), (1, "ill\n"), "the last check")


@case()
def events(t):
    """`docker events` tells of a container's whole life in order, with its status."""
    since = t("info", "--format", "{{.SystemTime}}").exits(0).out.strip()
    t.up("box", script="while ! test -e /go; do sleep 0.05; done; exit 42")
    t("exec", "box", "touch", "/go").exits(0)
    t("wait", "box").exits(0)
    t("rm", "box").exits(0)
    until = t("info", "--format", "{{.SystemTime}}").exits(0).out.strip()
    lines = t("events", "--since", since, "--until", until, "--filter", "type=container", "--format",
              "{{.Action}} {{.Actor.Attributes.exitCode}}").exits(0).lines()
    found = [line.replace(" <no value>", "").strip() for line in lines if not line.startswith("exec_")]
    equal(found, ["create", "start", "die 42", "destroy"], "events")
    equal([line.split()[-1] for line in lines if line.startswith("exec_die")], ["0"], "end of the exec")
