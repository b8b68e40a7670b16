# SPDX-License-Identifier: Apache-2.0
"""E64 and E66: a pid that somebody else has by now, and an id that several callers want at once."""

import contextlib
import os
import pathlib
import signal
import subprocess
import threading
import time

import pytest

from harness import Failure, equal, eventually, true
from marks import attacker, parametrize
from world import ended_well


@contextlib.contextmanager
def successor(t, pid):
    """A process with a pid that is free; None if somebody else was faster."""
    command = [str(t.built("successor")), str(pid)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as parent:
        born = parent.stdout.readline() == "born\n"
        try:
            yield parent if born else None
        finally:
            if born:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            parent.wait()


def pidfds_tell_processes_apart():
    """Linux 6.9 and later: each process has an inode of its own."""
    inodes = set()
    for pid in (os.getpid(), os.getppid()):
        pidfd = os.pidfd_open(pid)
        inodes.add(os.fstat(pidfd).st_ino)
        os.close(pidfd)
    return len(inodes) == 2


def whoever_follows(t, how):
    """Containers whose first process has died and been collected, one after the other."""
    for _ in range(5):
        box = t.sleeper()
        if how == "created":
            box.create().exits(0)
        else:
            box.run_detached().exits(0)
        os.kill(box.pid, signal.SIGKILL)
        box.wait()
        if not pidfds_tell_processes_apart():
            time.sleep(0.02)  # then the start time has to, which counts in ticks of 10 ms
        yield box
        box.delete("--force")


VERBS = {"kill": ["kill", "{}", "KILL"], "kill TERM": ["kill", "{}", "TERM"],
         "kill --all": ["kill", "--all", "{}", "KILL"], "delete": ["delete", "{}"],
         "delete --force": ["delete", "--force", "{}"], "exec": ["exec", "{}", "true"],
         "exec --ignore-paused": ["exec", "--ignore-paused", "{}", "true"], "pause": ["pause", "{}"],
         "resume": ["resume", "{}"], "start": ["start", "{}"], "ps": ["ps", "{}"],
         "update": ["update", "--pids-limit", "7", "{}"], "state": ["state", "{}"]}
PIDS = [(f"{verb}, {how}", verb, how) for how in ("running", "created") for verb in VERBS]


@attacker("A6")
@parametrize("_, verb, how", PIDS)
def test_E64_pid_is_somebody_elses(t, _, verb, how):
    """The container's process has died and its pid is a stranger's: no verb touches him, nor says that it runs."""
    for box in whoever_follows(t, how):
        with successor(t, box.pid) as parent:
            if not parent:
                continue
            before = about(box.pid)
            result = ended_well(t, t.runtime(*[word.format(box.id) for word in VERBS[verb]]))
            true(parent.poll() is None, f"the stranger was killed: {result}")
            equal(about(box.pid), before, f"what is known of the stranger, after {result}")
            if verb in ("exec", "exec --ignore-paused", "start", "pause"):
                true(result.code != 0, f"it was done: {result}")
            if verb == "state":
                true('"stopped"' in result.out, f"it is not stopped: {result}")
            return
    raise Failure("nobody got the pid")


def about(pid):
    """Limits, namespaces, cgroup and state of a process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (fields[0] in "ZX", pathlib.Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8"),
            pathlib.Path(f"/proc/{pid}/limits").read_text(encoding="utf-8"))


@attacker("A6")
@parametrize("*_", PIDS[:1])
def test_E64_harmless_pid_is_its_own(t, _):
    """A container that lives is killed, and deleted."""
    box = t.sleeper()
    box.run_detached().exits(0)
    equal(box.status(), "running", "status")
    box.kill("KILL").exits(0)
    equal(box.wait(), -9, "exit status")
    eventually(lambda: box.status() == "stopped", "it is not stopped")
    box.delete().exits(0)


# ---- E66 ------------------------------------------------------------------------------------------------

def at_once(*calls):
    """Runs all of them in threads, and returns their results in order; whatever one raises is raised."""
    results, barrier = [None] * len(calls), threading.Barrier(len(calls))

    def run(index, call):
        barrier.wait()
        try:
            results[index] = call()
        except Exception as problem:  # shown by whoever waits
            results[index] = problem
    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


def caller(t, number, *words):
    """A call that keeps its words apart from those of the others."""
    runtime = t.runtime.__class__(t.runtime.path, t.runtime.root, t.scratch / f"caller{number}", t.null)
    runtime.seconds = t.runtime.seconds * 2
    runtime.scratch.mkdir(exist_ok=True)
    return lambda: ended_well(t, runtime(*words))


def is_gone(t, box):
    """Nothing of it is left after a last delete --force."""
    t.runtime("delete", "--force", box.id)
    true(not (t.root / box.id).exists(), "state is left")


@attacker("A5")
@pytest.mark.timeout(600)
@parametrize("verb", ["create", "run"])
def test_E66_eight_want_the_same_id(t, verb):
    """Eight callers create the same id at once: one has it, the others are refused, nothing is left of them."""
    bundle = t.bundle("sleep", "60")
    for round_ in range(t.rounds(20, 200, 8)):
        name = f"{t.prefix}-same{round_}"
        flags = ["--detach"] if verb == "run" else []
        results = at_once(*[caller(t, number, verb, *flags, "--bundle", bundle.path, name) for number in range(8)])
        codes = [result.code for result in results]
        true(codes.count(0) == 1, f"round {round_}: {codes}\n" + "\n".join(str(result) for result in results))
        equal(t.runtime("state", name).code, 0, "state of the winner's")
        t.runtime("delete", "--force", name).exits(0)
        t.no_state()


@attacker("A5")
@pytest.mark.timeout(600)
@parametrize("verb", ["create", "run"])
def test_E66_harmless_eight_want_different_ids(t, verb):
    """Eight callers with eight ids: all of them are served."""
    bundle = t.bundle("sleep", "60")
    flags = ["--detach"] if verb == "run" else []
    names = [f"{t.prefix}-other{number}" for number in range(8)]
    results = at_once(*[caller(t, number, verb, *flags, "--bundle", bundle.path, name)
                        for number, name in enumerate(names)])
    equal([result.code for result in results], [0] * 8, "exit codes")
    results = at_once(*[caller(t, number, "delete", "--force", name) for number, name in enumerate(names)])
    equal([result.code for result in results], [0] * 8, "exit codes of delete")


PAIRS = {"create and delete --force": (["create", "--bundle", "BUNDLE", "ID"], ["delete", "--force", "ID"]),
         "exec and delete --force": (["exec", "ID", "true"], ["delete", "--force", "ID"]),
         "exec and kill": (["exec", "ID", "true"], ["kill", "ID", "KILL"]),
         "start and kill": (["start", "ID"], ["kill", "ID", "KILL"]),
         "start and delete --force": (["start", "ID"], ["delete", "--force", "ID"]),
         "start and start": (["start", "ID"], ["start", "ID"]),
         "kill and delete": (["kill", "ID", "KILL"], ["delete", "ID"]),
         "delete and delete": (["delete", "--force", "ID"], ["delete", "--force", "ID"]),
         "pause and kill": (["pause", "ID"], ["kill", "ID", "KILL"]),
         "pause and exec": (["pause", "ID"], ["exec", "ID", "true"]),
         "state and delete": (["state", "ID"], ["delete", "--force", "ID"])}


def made_for(t, words):
    """A container in the state that the first verb needs."""
    box = t.sleeper()
    if words[0] == "start":
        box.create().exits(0)
    elif words[0] != "create":
        box.run_detached().exits(0)
    return box


def filled(words, box):
    return [str(box.bundle.path) if word == "BUNDLE" else box.id if word == "ID" else word for word in words]


@attacker("A5")
@pytest.mark.timeout(600)
@parametrize("name", list(PAIRS))
def test_E66_two_verbs_at_once(t, name):
    """Two verbs for the same container at once: both return in time, whoever wins; it can be deleted."""
    for _ in range(t.rounds(12, 200, 4)):
        box = made_for(t, PAIRS[name][0])
        calls = [caller(t, number, *filled(words, box)) for number, words in enumerate(PAIRS[name])]
        if name == "pause and exec":  # whose program may be frozen, too
            calls.append(lambda: (time.sleep(0.2 * t.patience), caller(t, 2, "resume", box.id)())[1])
        results = at_once(*calls)
        if name == "start and start":
            equal(sorted(result.code == 0 for result in results), [False, True], f"{results}")
        t.runtime("resume", box.id)
        is_gone(t, box)


@attacker("A5")
@pytest.mark.timeout(600)
@parametrize("name", list(PAIRS))
def test_E66_harmless_two_verbs_in_turn(t, name):
    """One after the other they do what they should."""
    box = made_for(t, PAIRS[name][0])
    first, second = (filled(words, box) for words in PAIRS[name])
    t.runtime(*first).exits(0)
    result = t.runtime(*second)
    if name not in ("start and start", "kill and delete", "pause and exec", "pause and kill"):
        result.exits(0)
    t.runtime("resume", box.id)
    is_gone(t, box)
