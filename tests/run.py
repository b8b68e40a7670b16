# SPDX-License-Identifier: Apache-2.0
"""Runs every suite after scripts/test has built them, and adds up what they say.

A suite is either a GoogleTest program, counted from its JSON report, or a script that ends with the line
`N passed, N failed, N skipped`.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")
GTEST_SECONDS, SCRIPT_SECONDS = 600, 1500

# Name and command line. --quick leaves out what needs a virtual machine.
VIRTUAL = ("virtual machine, kernel 6.1", ["tests/vm/run"])
SCRIPTS = [
    ("architecture", ["tests/architecture/run"]),
    ("explain", ["tests/explain/run"]),
    ("integration", ["tests/integration/run"]),
    ("integration, AddressSanitizer and UBSan", ["tests/integration/run", "--runtime", "build/asan/bulkhead"]),
    ("integration, hybrid cgroups", ["tests/integration/run", "--native"]),
    ("integration, runc as the control", ["tests/integration/run", "--control"]),
    ("integration, can the leak checks fail", ["tests/integration/selftest"]),
    ("witness", ["tests/witness/run"]),
    ("escape", ["tests/escape/run"]),
    ("faults", ["tests/faults/run"]),
    ("bench, smoke run", ["scripts/bench", "--quick"]),
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


def run_gtest(program):
    with tempfile.TemporaryDirectory() as scratch:
        report = pathlib.Path(scratch) / "report.json"
        command = [str(program), "--gtest_brief=1", f"--gtest_output=json:{report}"]
        try:
            done = subprocess.run(command, cwd=ROOT, timeout=GTEST_SECONDS, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, errors="replace")
        except subprocess.TimeoutExpired:
            return (0, 1, 0), f"no end after {GTEST_SECONDS} s"
        counts = gtest_counts(json.loads(report.read_text())) if report.exists() else (0, 1, 0)
    if done.returncode != 0 and counts[1] == 0:
        counts = (counts[0], 1, counts[2])  # died, or a sanitizer spoke up behind the last test
    shown = done.stdout if counts[1] or counts[2] else ""
    return counts, shown


def run_script(command):
    """Streams the script's output, since it may run for minutes; its last line counts."""
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace")
    begin, last, quiet = time.monotonic(), "", 0
    for line in child.stdout:
        last = line.rstrip("\n")
        if last.startswith("ok"):
            quiet += 1
            if quiet % 100 == 0:
                say(f"    ... {quiet} ok")
        else:
            say(f"    {last}")
        if time.monotonic() - begin > SCRIPT_SECONDS:
            child.kill()
            last = f"no end after {SCRIPT_SECONDS} s"
    code = child.wait()
    closing = CLOSING.match(last)
    if not closing:
        return (0, 1, 0), f"ended with {code} and without its closing line: {last!r}"
    passed, failed, skipped = map(int, closing.groups())
    if code != 0 and failed == 0:
        return (passed, 1, skipped), f"all passed, and yet it ended with {code}"
    return (passed, failed, skipped), ""


def measure(name, function, *arguments):
    begin = time.monotonic()
    counts, text = function(*arguments)
    if text:
        say("\n".join(f"    {line}" for line in text.splitlines()))
    say(f"==> {name}: {counts[0]} passed, {counts[1]} failed, {counts[2]} skipped ({time.monotonic() - begin:.1f} s)")
    return counts


def main(argv):
    if argv not in ([], ["--quick"]):
        say(f"usage: {__file__} [--quick]")
        return 2
    totals = []
    for preset in ("release", "asan"):
        programs = gtest_programs(preset)
        if not programs:
            say(f"no test programs in build/{preset}: run scripts/test")
            return 2
        for program in programs:
            totals.append(measure(f"{preset} {program.name}", run_gtest, program))
    for name, command in SCRIPTS if argv else [*SCRIPTS, VIRTUAL]:
        say(f"==> {name}")
        totals.append(measure(name, run_script, command))
    passed, failed, skipped = (sum(column) for column in zip(*totals))
    say(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
