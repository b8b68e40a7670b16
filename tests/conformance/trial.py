# SPDX-License-Identifier: Apache-2.0
"""What named tests say of a build: passed, failed or skipped each. Those of the other suites are skipped."""

import re
import subprocess

import living
import mutants

GOOGLE_SECONDS, SUITE_SECONDS = 300, 3600
SUITE = "integration: "
CASE = re.compile(r"^(PASSED|FAILED|ERROR) tests/integration/test_(\w+)\.py::test_(.*?)(?: - .*)?$")
CLOSING = re.compile(r"^\d+ passed, \d+ failed, \d+ skipped$", re.M)


def verdicts(tests):
    """{test: passed, failed or skipped}."""
    found = {test: google_verdict(test) for test in tests if living.GOOGLE.match(test)}
    found.update(suite_verdicts([test for test in tests if test.startswith(SUITE)]))
    return {test: found.get(test, "skipped") for test in tests}


def google_verdict(test):
    program, name = living.GOOGLE.match(test).groups()
    try:
        done = call([mutants.BUILT / "tests" / program, f"--gtest_filter={name}:{name}/*"], GOOGLE_SECONDS)
    except subprocess.TimeoutExpired:
        return "failed"
    if done.returncode != 0:
        return "failed"
    return "passed" if re.search(r"\[  PASSED  \] [1-9]", done.stdout) else "skipped"


def suite_verdicts(tests):
    """The cases in one run; one with parameters has failed if it fails with any of them."""
    if not tests:
        return {}
    done = call(["pytest", *map(node, tests), "-q", "-rpfE", "--runtime", mutants.BUILT / "bulkhead"], SUITE_SECONDS)
    results = list(filter(None, map(CASE.match, done.stdout.splitlines())))
    closing = CLOSING.search(done.stdout)
    if not closing or (closing[0].startswith("0 passed, 0 failed") != (not results)):
        raise SystemExit(f"mutate: pytest did not come to its end, or it ended in other words:\n{done.stdout[-2000:]}")
    found = {test: "skipped" for test in tests}
    for result in results:
        for test in tests:
            if same(test.removeprefix(SUITE), f"{result[2]}: {result[3]}") and found[test] != "failed":
                found[test] = "passed" if result[1] == "PASSED" else "failed"
    return found


def node(test):
    """`integration: topic: case`, as pytest calls it."""
    topic, case = test.removeprefix(SUITE).split(": ", 1)
    return f"tests/integration/test_{topic}.py::test_{case}"


def same(name, title):
    return title == name or title.startswith(name + "[")


def call(command, seconds):
    return subprocess.run(command, check=False, cwd=mutants.PLACE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", timeout=seconds)
