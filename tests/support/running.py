# SPDX-License-Identifier: Apache-2.0
"""Runs a GoogleTest program, or a script that ends with `N passed, N failed, N skipped`, and counts its cases."""

import collections
import json
import pathlib
import re
import signal
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")
PROGRESS = re.compile(r"^(bringing up nodes\.\.\.|[.sxXFE]+ +\[ *\d+%\]|)$")  # of pytest
GTEST_SECONDS = 600
# A signal to this process ends the whole suite, and all of it shares one deadline; timeout then has a status of its own, or dies, too.
GUARD = ["setpriv", "--pdeathsig", "TERM", "timeout", "--kill-after=60"]
OUT_OF_TIME = (124, -signal.SIGKILL)


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
    """((passed, failed, skipped), what is to be shown)"""
    with tempfile.TemporaryDirectory() as scratch:
        report = pathlib.Path(scratch) / "report.json"
        command = [str(program), "--gtest_brief=1", f"--gtest_output=json:{report}"]
        try:
            done = subprocess.run(command, check=False, cwd=ROOT, timeout=seconds, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, errors="replace")
        except subprocess.TimeoutExpired:
            return (0, 1, 0), f"no end after {seconds} s"
        counts = gtest_counts(json.loads(report.read_text())) if report.exists() else (0, 1, 0)
    if done.returncode != 0 and counts[1] == 0:
        counts = (counts[0], 1, counts[2])  # died, or a sanitizer spoke up after the last test
    shown = done.stdout if counts[1] or counts[2] else ""
    return counts, shown


def run_script(command, seconds):
    """((passed, failed, skipped), what is to be shown): its last line counts; what passed is not shown."""
    child = subprocess.Popen([*GUARD, str(seconds), *command], cwd=ROOT, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, errors="replace")
    recent, shown = collections.deque([""], maxlen=3), []  # after a hang comes what cleaning up has to say
    for line in child.stdout:
        recent.append(line.rstrip("\n"))
        if not line.startswith("ok") and not PROGRESS.match(recent[-1]):
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
