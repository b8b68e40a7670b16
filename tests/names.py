#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Names of the cases, by tier: those that `scripts/test` runs, and those that only `--deep` does, a line each.

    tests/names.py deep-only [--count]     its suite, a tab and its name; or how many of each suite
    tests/names.py everyday [--count]

A second setting of a case (another build, kernel, release or control) is no case of its own. The GoogleTest programs are
left out: both tiers run every test of each. The validation programs are known to their own runner only.
"""

import ast
import collections
import pathlib
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import tiers  # noqa: E402  (the path above must come first)


def of_pytest(suites):
    """{(suite, name)} of the suites that are pytest's."""
    found = set()
    for suite in suites:
        if suite.command[0] != "pytest":
            continue
        listed = subprocess.run([*suite.command, "--collect-only"], cwd=HERE.parent, stdout=subprocess.PIPE, text=True, check=True)
        nodes = [line.split("/", 1) for line in listed.stdout.splitlines() if "::" in line]
        found |= {(folder, name) for folder, name in nodes}
    return found


def of_engines():
    """{(suite, name): of both tiers}; read from the text, since the modules need what only the engines' trees have. A name
    is that of a function, whatever its parameters."""
    found = {}
    for path in sorted((HERE / "engines").glob("test_*.py")):
        for function in ast.parse(path.read_text()).body:
            for marked in getattr(function, "decorator_list", ()):
                if isinstance(marked, ast.Call) and ast.unparse(marked.func) == "case":
                    words = {each.arg: ast.unparse(each.value) for each in marked.keywords}
                    found["engines", f"{path.stem.removeprefix('test_')}: {function.name}"] = words.get("smoke") == "True"
    return found


def main(argv):
    if not argv or argv[0] not in ("deep-only", "everyday") or argv[1:] not in ([], ["--count"]):
        sys.exit(__doc__)
    engines = of_engines()
    found = of_pytest(tiers.EVERYDAY) | {name for name, smoke in engines.items() if smoke}
    if argv[0] == "deep-only":
        found = (of_pytest(tiers.DEEP) | set(engines)) - found
    if argv[1:]:
        for suite, count in sorted(collections.Counter(suite for suite, _ in found).items()):
            print(f"{suite}\t{count}")
    else:
        print("\n".join("\t".join(each) for each in sorted(found)))


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # names.py | head
    main(sys.argv[1:])
