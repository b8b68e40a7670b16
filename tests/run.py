# SPDX-License-Identifier: Apache-2.0
"""Runs every suite after scripts/test has built them, and adds up what they say.

A suite is either a GoogleTest program, counted from its JSON report, or a script that ends with the line
`N passed, N failed, N skipped`.
"""

import collections
import concurrent.futures
import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import typing

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")
# The longest suite takes a quarter of an hour on a slow day, the engines with --whole most of an hour. Whatever hangs
# is to be named before CI loses its patience.
GTEST_SECONDS, SCRIPT_SECONDS, WHOLE_SECONDS = 600, 1800, 7200
# Whoever ends us ends the suite, and its deadline is for everybody in it; then timeout's own status, or it dies, too.
GUARD = ["setpriv", "--pdeathsig", "TERM", "timeout", "--kill-after=60"]
OUT_OF_TIME = (124, -signal.SIGKILL)


class Suite(typing.NamedTuple):
    name: str
    command: list
    spare: tuple = ()  # what saves time unless it is --whole


# --quick leaves out what needs virtual machines.
VIRTUAL = [Suite("virtual machine", ["tests/vm/run"]), Suite("engines", ["tests/engines/run"], ("--shared",)),
           Suite("validation programs in a guest", ["tests/conformance/validation", "--place", "guest"])]
# What takes its time by waiting is the same with another build of the binary.
PATIENT = ("nobody_reads", "never_accepts", "never_reads", "does_not_come", "forwarded_meanwhile", "many:",
           "pause_deadline:", "terminal_tmux:", "hooks_hostile:", "hooks_killing:", "hooks_meanwhile:",
           "systemd_missing: a_")
# AddressSanitizer takes the signals of a broken program for itself; a program with it needs libraries in a container,
# and /proc, and does not fork a thousand times in good time.
CRASHES = ("a_crash_of_the_runtime", "nested:", "device_update: a_thousand", "without_run]",
           "a_question_is_answered_without_anything")
# Work of the stage, which no sanitizer is compiled into: the host side of it is the planner, and the unit tests of that
# are run with them.
BY_THE_STAGE = ("features_mounts:", "features_seccomp:", "mount_options:", "mounts:", "propagation:", "credentials:",
                "devices:", "sysctl:", "no_openat2:", "scheduling:", "exec_privileges:", "exec_user:", "exec_affinity:",
                "exec_seccomp:", "environment:")
# The sanitizers' build is not to be judged by its time.
IN_TIME = ("refusals: wrong_", "spec_from: refused")
# A thousand containers of runc take minutes; with a hundred the cases are proven as well.
CROWDS = ("many: a_thousand",)
# What has nothing to do with the view of the cgroups, and is run three times already.
ANYWHERE = (*PATIENT, "terminal", "stdio_relay:", "hooks", "kill:", "exec_attached:", "exec_flags:", "exec_policy:",
            "exec_privileges:", "exec_process:", "exec_refusals:", "exec_seccomp:", "exec_user:", "features", "probes:",
            "error_texts:", "log_services:", "caller_")


def without(words):
    return [option for word in words for option in ("--without", word)]


SCRIPTS = [
    Suite("integration, AddressSanitizer and UBSan", ["tests/integration/run", "--runtime", "build/asan/bulkhead",
                                                      *without((*PATIENT, *CRASHES, *BY_THE_STAGE, *IN_TIME))],
          ("--once",)),
    Suite("integration", ["tests/integration/run"]),
    Suite("contract, with runc beside it", ["env", "CONTRACT_SECONDS=30", "tests/contract/run"]),
    Suite("contract, can its lines fail", ["tests/contract/selftest"]),
    Suite("escape", ["tests/escape/run"]),
    Suite("faults", ["tests/faults/run"]),
    Suite("integration, hybrid cgroups", ["tests/integration/run", "--native", *without(ANYWHERE)], ("--once",)),
    Suite("explain", ["tests/explain/run"]),
    Suite("integration, can the leak checks fail", ["tests/integration/selftest"]),
    Suite("validation programs", ["tests/conformance/validation", "--place", "native"]),
    Suite("witness", ["tests/witness/run"]),
    Suite("architecture", ["tests/architecture/run"]),
    Suite("conformance, every row has its tests", ["tests/conformance/coverage", "--build", "build/asan"]),
    Suite("bench, smoke run", ["scripts/bench", "--quick"]),
]
# What proves the cases and not the program. The lines of the contract have runc beside them anyway.
PROOF = [
    Suite("integration, runc as the control", ["tests/integration/run", "--control", *without(CROWDS)]),
    Suite("refusals, crun as the control", ["tests/integration/run", "--control=crun", "--topic", "refusals"]),
    Suite("contract, twenty times", ["tests/contract/run", "--only", "bulkhead", "--times", "20", "--without",
                                     "patience:"]),
    Suite("contract, patience twenty times", ["tests/contract/run", "--only", "bulkhead", "--times", "20", "--filter",
                                              "patience:"]),
    Suite("conformance, ten mutations", ["tests/conformance/coverage", "mutate"]),
    Suite("contract, sixteen at the same time", ["tests/contract/run", "--parallel", "16"]),
]


def say(line=""):
    print(line, flush=True)


def gtest_programs(preset):
    return sorted(path for path in (ROOT / "build" / preset / "tests").glob("test_*") if path.is_file())


def gtest_counts(report):
    """Passed, failed and skipped of a GoogleTest JSON report."""
    failed = skipped = total = 0
    for suite in report["testsuites"]:
        for test in suite["testsuite"]:
            total += 1
            failed += bool(test.get("failures"))
            skipped += test.get("result") == "SKIPPED"
    return total - failed - skipped, failed, skipped


def run_gtest(program, seconds=GTEST_SECONDS):
    with tempfile.TemporaryDirectory() as scratch:
        report = pathlib.Path(scratch) / "report.json"
        command = [str(program), "--gtest_brief=1", f"--gtest_output=json:{report}"]
        try:
            done = subprocess.run(command, cwd=ROOT, timeout=seconds, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, errors="replace")
        except subprocess.TimeoutExpired:
            return (0, 1, 0), f"no end after {seconds} s"
        counts = gtest_counts(json.loads(report.read_text())) if report.exists() else (0, 1, 0)
    if done.returncode != 0 and counts[1] == 0:
        counts = (counts[0], 1, counts[2])  # died, or a sanitizer spoke up behind the last test
    shown = done.stdout if counts[1] or counts[2] else ""
    return counts, shown


def run_script(command, seconds):
    """Its last line counts; what passed is not shown."""
    child = subprocess.Popen([*GUARD, str(seconds), *command], cwd=ROOT, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, errors="replace")
    recent, shown = collections.deque([""], maxlen=3), []  # behind a hang comes what cleaning up has to say
    for line in child.stdout:
        recent.append(line.rstrip("\n"))
        if not line.startswith("ok"):
            shown.append(recent[-1])
    code = child.wait()
    closing = CLOSING.match(recent[-1])
    if not closing:
        ending = f"no end after {seconds} s" if code in OUT_OF_TIME else f"ended with {code}"
        shown.append(f"{ending} and without its closing line, but with {list(recent)}")
        return (0, 1, 0), "\n".join(shown)
    passed, failed, skipped = map(int, closing.groups())
    if code != 0 and failed == 0:
        shown.append(f"all passed, and yet it ended with {code}")
        failed = 1
    return (passed, failed, skipped), "\n".join(shown)


def measure(name, function, *arguments):
    begin = time.monotonic()
    counts, text = function(*arguments)
    closing = f"==> {name}: {counts[0]} passed, {counts[1]} failed, {counts[2]} skipped ({time.monotonic() - begin:.1f} s)"
    say("\n".join([*(f"    {line}" for line in text.splitlines()), closing]))
    return counts


def run_suite(suite, more, seconds):
    return measure(suite.name, run_script, [*suite.command, *more], seconds)


def main(argv):
    if argv not in ([], ["--quick"], ["--whole"]):
        say(f"usage: {__file__} [--quick | --whole]")
        return 2
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the suites are not in the terminal's group, and end with us
    whole = argv == ["--whole"]
    seconds = WHOLE_SECONDS if whole else SCRIPT_SECONDS
    totals = []
    for preset in ("release", "asan"):
        programs = gtest_programs(preset)
        if not programs:
            say(f"no test programs in build/{preset}: run scripts/test")
            return 2
        for program in programs:
            totals.append(measure(f"{preset} {program.name}", run_gtest, program))
    # What is emulated keeps every processor busy by itself.
    if argv != ["--quick"]:
        totals += [run_suite(each, argv if whole else each.spare, seconds) for each in VIRTUAL]
    # Each in a place of its own, and each mostly waits: three at a time, the longest first.
    with concurrent.futures.ThreadPoolExecutor(max_workers=3) as pool:
        scripts = PROOF + SCRIPTS if whole else SCRIPTS
        totals += pool.map(lambda each: run_suite(each, () if whole else each.spare, seconds), scripts)
    passed, failed, skipped = (sum(column) for column in zip(*totals))
    say(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
