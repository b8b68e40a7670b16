# SPDX-License-Identifier: Apache-2.0
"""podman of root's: the life of a container without a root named anywhere, and with an environment of one variable."""

import json
import os

from caller import separate, until_end
from conmon import Monitored
from harness import contains, equal, eventually, true
from marks import breaks, parametrize
from podman import Podman


def made(t, podman, *args, terminal=False, change=None, **fields):
    bundle = t.bundle(*args, terminal=terminal, **fields)
    if change:
        bundle.edit(change)
    return podman.create(t.fresh_id(), bundle.path, terminal=terminal).made()


def running(t, podman, *args, **how):
    box = made(t, podman, *(args or ("sleep", "60")), **how)
    podman.start(box.name).silent()
    return box


def end(podman, box: Monitored, code=137):
    """Kills it, if it still lives, and clears away as podman's cleanup does."""
    if code == 137:
        podman.kill(box.name, 9).silent()
    equal(box.exit_code(), code, "exit code")
    box.read()
    podman.delete(box.name).silent()


def without(kind):
    return lambda config: config["linux"].update(
        namespaces=[space for space in config["linux"]["namespaces"] if space["type"] != kind])


def test_the_same_root_for_everyone(t):
    """create with the full environment, start with two variables and the rest with one find the same container."""
    podman = Podman(t)
    box = made(t, podman, "sleep", "60")
    for verb, status in ((podman.start, "running"), (podman.pause, "paused"), (podman.resume, "running")):
        verb(box.name).silent()
        equal(podman.state(box.name)["status"], status, "status")
    podman.update(box.name, {"cpu": {}}).silent()
    end(podman, box)


def test_directory_of_the_container(t):
    """The container has a directory /run/NAME/ID, NAME being the runtime's, which is gone after `delete`."""
    podman = Podman(t)
    box = made(t, podman, "true")
    true((t.default_root / box.name).is_dir(), f"no {t.default_root / box.name}")
    podman.start(box.name).silent()
    equal(box.exit_code(), 0, "exit code")
    box.read()
    true((t.default_root / box.name).is_dir(), "the directory is gone before delete")
    podman.delete(box.name).silent()
    true(not (t.default_root / box.name).exists(), f"{t.default_root / box.name} is left")


def test_a_runtime_directory_of_roots(t):
    """XDG_RUNTIME_DIR that names a directory does not move root's containers away from where later calls look."""
    real = t.directory("xdg") / "real"
    real.mkdir()
    box = made(t, Podman(t, runtime_dir=real), "true")
    podman = Podman(t)
    podman.start(box.name).silent()
    end(podman, box, 0)


def test_streams_of_podman(t):
    """No verb says anything on the streams, which are podman's own and its user's."""
    podman = Podman(t)
    box = made(t, podman, "sleep", "60")
    equal([(answer.code, answer.out + answer.err) for answer in (
        podman.start(box.name), podman.pause(box.name), podman.resume(box.name), podman.update(box.name, {}),
        podman.kill(box.name, 9))], [(0, "")] * 5, "answers")
    equal(box.exit_code(), 137, "exit code")
    box.read()
    equal([(answer.code, answer.out + answer.err) for answer in (podman.delete(box.name), podman.delete(box.name))],
          [(0, "")] * 2, "the first delete and the second")


@parametrize("number", [1, 2, 15, 37, 64])
def test_numbers_of_signals(t, number):
    """`kill ID {}` sends that signal: numbers are never names."""
    script = f"trap 'exit 5' {number}; echo ready; while :; do sleep 0.05; done"
    podman = Podman(t)
    box = running(t, podman, "sh", "-c", script)
    equal(os.read(box.stdout, 64), b"ready\n", "what it says")
    podman.kill(box.name, number).silent()
    end(podman, box, 5)


def test_everybody_without_a_pid_namespace(t):
    """`kill --all ID 9` ends every process of a container that has no pid namespace of its own, orphans too."""
    podman = Podman(t)
    box = running(t, podman, "sh", "-c", "(setsid sleep 60 &); sleep 60 & echo ready; wait", change=without("pid"))
    equal(os.read(box.stdout, 64), b"ready\n", "what it says")
    podman.kill(box.name, 9, everybody=True).silent()
    equal(until_end([box.stdout, box.stderr]), [b"", b""], "the rest of the output")
    equal(box.exit_code(), 137, "exit code")
    podman.delete(box.name).silent()


def test_orphans_behind_the_end(t):
    """Behind the end of the first process `kill --all ID 9` still reaches the others of a shared pid namespace."""
    podman = Podman(t)
    box = running(t, podman, "sh", "-c", "setsid sleep 60 & exit 3", change=without("pid"))
    equal(box.exit_code(), 3, "exit code")
    podman.kill(box.name, 9, everybody=True)
    equal(until_end([box.stdout, box.stderr]), [b"", b""], "output")
    podman.delete(box.name).silent()


def test_stop_of_one_that_has_ended(t):
    """`stop` of a container that ends just then: `kill` fails with words on stderr, nothing on stdout."""
    podman = Podman(t)
    box = running(t, podman, "true")
    equal(box.exit_code(), 0, "exit code")
    answer = podman.kill(box.name, 15).failed()
    equal(answer.out, "", "stdout")
    contains(answer.err, "container not running", "stderr")
    equal(podman.stop(box), False, "it was stopped")
    box.read()
    podman.delete(box.name).silent()


def test_stop(t):
    """`stop`: the signal, then a state `stopped` with pid 0, before and after the collection of the process."""
    podman = Podman(t)
    box = running(t, podman, "sh", "-c", "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done")
    equal(os.read(box.stdout, 64), b"ready\n", "what it says")
    equal(podman.stop(box), True, "it was stopped")
    eventually(lambda: podman.state(box.name)["status"] == "stopped", "it does not stop", 15)
    equal(podman.state(box.name)["pid"], 0, "pid")
    end(podman, box, 0)


def test_delete_of_a_running_one(t):
    """`delete --force` of a running container ends it, and a second one is silent."""
    podman = Podman(t)
    box = running(t, podman)
    podman.delete(box.name).silent()
    equal(box.exit_code(), 137, "exit code")
    box.read()
    podman.delete(box.name).silent()


@breaks("dies of SIGPIPE")
def test_state_with_a_closed_pipe(t):
    """`state` of nobody, with a pipe for stderr that is closed early: exit 1 and no stdout, not the end by SIGPIPE."""
    answer = Podman(t).state("nobody")
    equal((answer.code, answer.out), (1, ""), "answer")


def test_state_of_nobody(t):
    """`state` of a container that nobody knows says that it does not exist."""
    answer = separate([t.path, "state", "nobody"], env={"XDG_RUNTIME_DIR": ""}).failed()
    true("does not exist" in answer.err or "No such file" in answer.err, f"stderr: {answer.err!r}")


def test_state_words(t):
    """The words of `state` are created, running, paused and stopped."""
    podman = Podman(t)
    box = made(t, podman, "sleep", "60")
    words = [podman.state(box.name)["status"]]
    for verb in (podman.start, podman.pause, podman.resume):
        verb(box.name).silent()
        words.append(podman.state(box.name)["status"])
    podman.kill(box.name, 9).silent()
    equal(box.exit_code(), 137, "exit code")
    words.append(podman.state(box.name)["status"])
    equal(words, ["created", "running", "paused", "running", "stopped"], "words")
    box.read()
    podman.delete(box.name).silent()


def test_without_a_bus(t):
    """No verb asks for HOME, USER, PATH or a bus: a container lives with none of them in the environment."""
    podman = Podman(t, env={"DBUS_SESSION_BUS_ADDRESS": "unix:path=/no/such/bus"})
    box = made(t, podman, "true")
    separate([t.path, "start", box.name], env={}).silent()
    equal(box.exit_code(), 0, "exit code")
    box.read()
    separate([t.path, "delete", "--force", box.name], env={}).silent()


def test_version(t):
    """`--version` exits 0 and says one line with the word version, as `podman info` shows it."""
    answer = separate([t.path, "--version"], env={"XDG_RUNTIME_DIR": ""}).ok()
    equal(sum("version" in row for row in answer.out.splitlines()), 1, "lines with the word")


def test_annotations_for_crun(t):
    """Annotations that podman gives a runtime named crun do no harm, and `state` has them."""
    asked = {"run.oci.keep_original_groups": "1", "run.oci.mount_context_type": "rootcontext",
             "org.systemd.property.KillSignal": "15", "org.systemd.property.TimeoutStopUSec": "uint64 10000000"}
    podman = Podman(t)
    box = made(t, podman, "true", change=lambda config: config.update(annotations=asked))
    state = separate([t.path, "state", box.name], env={"XDG_RUNTIME_DIR": ""}).ok()
    equal(json.loads(state.out)["annotations"], asked, "annotations")
    podman.start(box.name).silent()
    end(podman, box, 0)


@breaks("has no --cgroup-manager")
def test_no_cgroups(t):
    """--cgroups=disabled is `--cgroup-manager disabled` for create alone; the container stays in podman's cgroup."""
    podman = Podman(t, no_cgroups=True)
    box = running(t, podman)
    with open("/proc/self/cgroup", encoding="ascii") as own:
        contains(own.read(), box.cgroup().removeprefix("/sys/fs/cgroup"), "our cgroup")
    end(podman, box)
