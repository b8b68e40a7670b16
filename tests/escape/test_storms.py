# SPDX-License-Identifier: Apache-2.0
"""E32 and E57: a container that falls upon what the runtime lets into its pid namespace: signals, theft, cores."""

import contextlib
import os
import pathlib
import re
import signal

import pytest

import isolation
from harness import Failure, equal, eventually, true
from marks import attacker, needs, parametrize
from test_joins import joined, path_of
from world import settle, with_rights

WORKLOAD = "minimal"
RIGHTS = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SYS_PTRACE"]
# name: (what storm does, rounds in a usual run, with --long, with a control)
STORMS = {"CONT": (signal.SIGCONT, 30, 1000, 6), "USR1": (signal.SIGUSR1, 30, 1000, 6),
          "TERM": (signal.SIGTERM, 30, 1000, 6), "HUP": (signal.SIGHUP, 30, 1000, 6),
          "KILL": (signal.SIGKILL, 30, 1000, 6), "CHLD": (signal.SIGCHLD, 30, 1000, 6), "all": ("all", 30, 1000, 6),
          "stop once": ("stop once", 15, 300, 3), "stop": ("stop", 40, 300, 2), "hold": ("hold", 40, 300, 2),
          "hold without wait": ("abandon", 40, 300, 2), "loop": ("loop", 40, 300, 2),
          "steal": ("steal", 40, 1000, 4), "lie": ("lie", 40, 1000, 4), "forge": ("forge", 120, 3000, 4)}
STARVED = 30  # seconds for a verb: the storm takes its processor's time, and a loop is given up by that time
SLOW_ONES = 1  # who is held or stopped for good costs 2 s
HARMLESS = "0"  # signal 0 is none
CASES = [(f"{verb}, {name}", verb, name) for verb in ("exec", "run") for name in STORMS]


def storm_of(t, how):
    """A bundle in which attackers/storm blows, with the right to trace, and the file with its words."""
    out = t.host_folder("words")
    bundle = t.plant(t.plant(t.bundle(), "storm"), "minimal")
    with_rights(bundle, RIGHTS)
    words = f"exec /storm {int(250 * t.patience)} {WORKLOAD} '{how}' > /out/words"
    bundle.process(args=["sh", "-c", words]).add_mount("/out", "bind", str(out), "bind", "rw")
    return bundle, out / "words"


@contextlib.contextmanager
def storm(t, how, change=lambda bundle: bundle):
    """A container in which a storm blows; its words are there at the end."""
    bundle, words = storm_of(t, how if isinstance(how, str) else int(how))
    box = t.container(bundle=change(bundle))
    box.run_detached().ok()
    eventually(lambda: words.exists() and words.read_text(), "the storm does not begin", 5 * t.patience)
    yield box, words
    box.delete("--force")


def lived(result):
    """The runtime itself did not die of a signal; 128 + n as its exit status is the container's."""
    true(result.code >= 0, f"the runtime was killed: {result}")
    return result


def attempts(t, box, verb, count):
    """Yields results: a program is executed in the container, or run in its pid namespace."""
    bundle = joined(t.plant(t.bundle(f"/{WORKLOAD}"), "minimal"), {"pid": path_of(box, "pid")})
    for number in range(count):
        if verb == "exec":
            yield lived(t.runtime("exec", box.id, f"/{WORKLOAD}"))
        else:
            name = f"{t.prefix}-g{number}"
            yield lived(t.runtime("run", "--bundle", bundle.path, name))
            true(not (t.root / name).exists(), f"the state of {name} is left")


def left_to_init(results):
    """The processes that the errors name: they have ended, and who traces them does not let go of them."""
    return [int(pid) for result in results for pid in
            re.findall(r"process (\d+) is left to init of the host: it has ended, and process \d+, which traces it", result.err)]


def weather(t, verb, how, count):
    """Runs it; returns the results and what the storm said. Nobody is left in the pid namespace but the storm."""
    t.runtime.seconds = STARVED * t.patience
    with storm(t, how) as (box, words):
        results = []
        for result in attempts(t, box, verb, count):
            results.append(result)
            if how != HARMLESS and sum(each.seconds > 1.5 * t.patience for each in results) == SLOW_ONES:
                break
        settle(t, box)
        box.kill("TERM").exits(0)
        for pid in left_to_init(results):  # that is us; before it is reaped its pid namespace cannot end
            eventually(lambda pid=pid: os.waitpid(pid, os.WNOHANG)[0], f"{pid} is not left to us", 5 * t.patience)
        box.wait()
        return results, words.read_text().splitlines()[-1]


@attacker("A2")
@pytest.mark.timeout(300)
@parametrize("_, verb, name", CASES)
def test_E32_newcomers_are_attacked(t, _, verb, name):
    """Somebody in the container sends signals to what exec brings, or run into a joined pid namespace, stops or traces
    it for good, or takes its descriptors: the runtime returns in time and leaves nobody; what returns 0 has run."""
    how, *rounds = STORMS[name]
    results, said = weather(t, verb, how, t.rounds(*rounds))
    failed = [result for result in results if result.code != 0]
    if t.bulkhead and name == "hold without wait":
        equal(len(left_to_init(results)), len(failed), "processes that the errors name")
    for result in results:
        true(result.code != 0 or result.out == "alive\n", f"it returned 0, and the program did not run: {result}")
    last = f", the last: {failed[-1].err.strip()!r}" if failed else ""
    t.note(f"{said}; {len(failed)} of {len(results)} failed{last}; "
           f"slowest {max(result.seconds for result in results):.2f} s")
    if t.bulkhead and said.startswith("met 0"):
        raise Failure("the storm met nobody")


@attacker("A2")
@pytest.mark.timeout(300)
@parametrize("_, verb, name", CASES)
def test_E32_harmless_newcomers_are_let_in(t, _, verb, name):
    """A neighbour that only looks does no harm."""
    results, _ = weather(t, verb, HARMLESS, 3)
    equal([(result.code, result.out) for result in results], [(0, "alive\n")] * 3, "results")


LEFT = re.compile(r"process (\d+) is left to init of the host: process \d+, which traces it, keeps it from ending")
IN_USE = re.compile(r"cannot remove cgroup (\S+): .* 1 process\(es\) found after 10000 ms")


@attacker("A2")
@pytest.mark.timeout(300)
@parametrize("verb", ["exec", "run"])
def test_E32_newcomer_is_held_at_its_end(t, verb):
    """Somebody in the container has it stop once more when it is killed, and never lets it go: the runtime gives up, and says
    who is left, held by whom, in which cgroup. When the tracer has ended, both can go. (Its twin is
    that of the storms.)"""
    t.runtime.seconds = STARVED * t.patience
    with storm(t, "keep") as (box, _):
        failed = next(result for result in attempts(t, box, verb, 40) if result.code != 0)
        left, used = LEFT.findall(failed.err), IN_USE.findall(failed.err)
        equal((len(left), len(used)), (1, int(verb == "run")), f"processes and cgroups that are named by {failed}")
        box.kill("TERM").exits(0)
        eventually(lambda: os.waitpid(int(left[0]), os.WNOHANG)[0], f"{left[0]} is not left to us", 5 * t.patience)
        box.wait()
    for path in used:
        os.rmdir(isolation.cgroup2_mount() / path.strip("/"))


FATAL = [(f"{verb}, {number.name}", verb, number) for verb in ("exec", "run")
         for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGQUIT)]


def cores(t):
    """The core files anywhere below the case's directory: core_pattern of this machine is a plain name."""
    return [path for path in t.scratch.rglob("core*") if path.is_file() and path.read_bytes()[:4] == b"\x7fELF"]


def plain_cores():
    """The reason why no core can be found, or None."""
    pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text(encoding="utf-8").strip()
    return None if pattern == "core" else f"core_pattern is {pattern!r}, and is the machine's"


def with_cores(bundle):
    """Cores of any size, in a root that can be written."""
    unlimited = (1 << 64) - 1
    return bundle.writable().process(rlimits=[{"type": "RLIMIT_CORE", "soft": unlimited, "hard": unlimited}])


@attacker("A2")
@needs(plain_cores)
@pytest.mark.timeout(300)
@parametrize("_, verb, number", FATAL)
def test_E57_newcomers_dump_core(t, _, verb, number):
    """Somebody in the container makes what exec brings dump core, with a limit for cores that has no end: there is no
    core of a process of the runtime, nor one with its words."""
    with storm(t, number, with_cores) as (box, _):
        bundle = with_cores(joined(t.plant(t.bundle(f"/{WORKLOAD}"), "minimal"), {"pid": path_of(box, "pid")}))
        for round_ in range(t.rounds(60, 1000, 8)):
            if verb == "exec":
                lived(t.runtime("exec", box.id, f"/{WORKLOAD}"))
            else:
                lived(t.runtime("run", "--bundle", bundle.path, f"{t.prefix}-{round_}"))
        found = [path for path in cores(t) if is_runtimes(t, path.read_bytes())]
    equal(found, [], "cores of the runtime")


def is_runtimes(t, data):
    """Is it a core of something else than the workload, or has it the runtime's words in it?"""
    return any(word in data for word in (b"bulkhead:init", b"runc:[", b"crun", str(t.root).encode()))


@attacker("A2")
@needs(plain_cores)
@pytest.mark.timeout(300)
@parametrize("*_", FATAL[:1])
def test_E57_harmless_programs_dump_core(t, _):
    """A program that dies of such a signal does dump core where its limit allows it."""
    box = t.container(bundle=with_cores(t.bundle("sh", "-c", "sh -c 'kill -SEGV $$'; true")))  # pid 1 lives through it
    lived(box.run())
    true(cores(t), "no core")


LIMITS = [("no memory", "RLIMIT_AS", 4096), ("little memory", "RLIMIT_AS", 1 << 16), ("no stack", "RLIMIT_STACK", 0),
          ("no data", "RLIMIT_DATA", 0), ("no time", "RLIMIT_CPU", 0)]


@attacker("A4")
@needs(plain_cores)
@parametrize("_, name, value", LIMITS)
def test_E57_limits_that_kill(t, _, name, value):
    """Limits that leave a process hardly anything: a process may die of them, but no core of the runtime is left."""
    unlimited = (1 << 64) - 1
    bundle = t.plant(t.bundle(f"/{WORKLOAD}"), "minimal").writable()
    bundle.process(rlimits=[{"type": "RLIMIT_CORE", "soft": unlimited, "hard": unlimited},
                            {"type": name, "soft": value, "hard": value}])
    lived(t.container(bundle=bundle).run())
    equal([path for path in cores(t) if is_runtimes(t, path.read_bytes())], [], "cores of the runtime")


@attacker("A4")
@needs(plain_cores)
@parametrize("_, name, value", LIMITS)
def test_E57_harmless_limits_that_do_not(t, _, name, value):
    """The same limits, large enough, are in force."""
    del value
    bundle = t.plant(t.bundle(f"/{WORKLOAD}"), "minimal").process(rlimits=[{"type": name, "soft": 1 << 30,
                                                                            "hard": 1 << 30}])
    equal(t.container(bundle=bundle).run().exits(0).out, "alive\n", "stdout")
