# SPDX-License-Identifier: Apache-2.0
"""The tests that there are, by the names that the rows use: of the built programs, and of the suites' own lists."""

import concurrent.futures
import os
import re
import subprocess

import table

SUITES = ("contract", "escape", "integration")
NODE = re.compile(r"(?:.*/)?test_(\w+)\.py::test_(.*)")
GOOGLE = re.compile(r"^(?:unit|kernel) (test_\w+): (\S+)$")


def ask(command):
    done = subprocess.run(command, check=False, cwd=table.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise SystemExit(f"coverage: {' '.join(map(str, command))} says: {done.stdout[-300:]}")
    return done.stdout.splitlines()


def google(program):
    """The tests of a GoogleTest program."""
    label, suite, names = "kernel" if program.name.endswith("_kernel") else "unit", "", set()
    for line in ask([program, "--gtest_list_tests"]):
        word = line.split("#")[0].strip()
        if not line.startswith(" "):
            suite = word
        elif suite:
            names.update({f"{label} {program.name}: {suite}{word}", f"{label} {program.name}: {suite}{word.partition('/')[0]}"})
    return names


def suite(name):
    """The cases of a suite of ours, with and without the parameters of each."""
    names = set()
    for line in ask(["pytest", f"tests/{name}", "--collect-only", "-q"]):
        node = NODE.match(line)
        title = node and (attack(node[2]) if name == "escape" else f"{node[1]}: {node[2]}")
        names.update({f"{name}: {title}", f"{name}: {title.partition('[')[0]}"} if title else ())
    return names


def attack(case):
    """`E01_case`: the number and the case."""
    return case.replace("_", " ", 1)


def names(build):
    programs = sorted(path for path in (build / "tests").glob("test_*") if path.is_file() and os.access(path, os.X_OK))
    if not programs:
        raise SystemExit(f"coverage: no test programs in {build}: configure with -DBULKHEAD_TESTS=ON and build")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = [*(pool.submit(google, program) for program in programs),
                 *(pool.submit(suite, name) for name in SUITES)]
    return set().union(*(each.result() for each in asked))
