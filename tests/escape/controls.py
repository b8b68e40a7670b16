#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is known of the controls: controls.tsv. As a program it takes over what a run with -rA has printed, there and into
the table of README.md:

    controls.py CONTROL LOG...

A line has the attack and the verdicts of runc and crun: pass, FAIL, n/a (its harmless twin does not work either), varies (a
race), or - for one not run yet.
"""

import pathlib
import re
import sys

FILE = pathlib.Path(__file__).resolve().parent / "controls.tsv"
README = FILE.parent / "README.md"
NAMES = ("runc", "crun")
HEAD = "# Verdicts of Debian's runc 1.1.5 and crun 1.8.1 in tests/vm (kernel 6.1); see controls.py.\n"
# What advisories, sources and earlier measurements say of these versions, attack by attack.
PUBLISHED = {
    "runc": "FAIL E01 E09 E11 E19 E30 E31 E32 E35 E42 E44 E46 E58 E59 E66 E74",
    "crun": "FAIL E01 E08 E09 E10 E16 E24 E30 E31 E32 E42 E43 E44 E46 E51 E58 E59 E61 E62 E74",
}
ROW = re.compile(r"^(PASSED|XPASS|FAILED|ERROR|XFAIL) \S*::test_(E\d+)_(\w+(?:\[.*?\](?= - | \w+ is known|$))?)")


def known():
    """{attack: [verdict of runc, of crun]}"""
    lines = FILE.read_text().splitlines() if FILE.exists() else []
    return {name: verdicts for name, *verdicts in (line.split("\t") for line in lines if not line.startswith("#"))}


def title(name):
    """`test_E01_case[variant]`, as the table has it."""
    number, _, rest = name.removeprefix("test_").partition("_")
    return f"{number}: {rest}"


def expected(table, control, name):
    """The verdicts that are no surprise, of a test by its name; nothing is known of a harmless twin."""
    verdict = table.get(title(name), ["-", "-"])[NAMES.index(control)]
    return {"pass", "FAIL", "n/a"} if verdict in ("-", "varies") else {verdict}


def published(control, number):
    """pass or FAIL."""
    return "FAIL" if number in PUBLISHED[control].split() else "pass"


def take_over(control, logs):
    """Reads the verdicts of runs; `varies` stays, and n/a is written by hand."""
    table = known()
    rows = [ROW.match(line) for log in logs for line in pathlib.Path(log).read_text(errors="replace").splitlines()]
    for outcome, number, name in (row.groups() for row in rows if row):
        verdict = "pass" if outcome in ("PASSED", "XPASS") else "FAIL"
        if name.startswith("harmless_"):
            print("" if verdict == "pass" else f"{number}: {name} fails: what is its twin is n/a\n", end="")
            continue
        verdicts = table.setdefault(f"{number}: {name}", ["-", "-"])
        if verdicts[NAMES.index(control)] not in ("varies", "n/a"):
            verdicts[NAMES.index(control)] = verdict
    FILE.write_text(HEAD + "".join("\t".join([name, *verdicts]) + "\n" for name, verdicts in sorted(table.items())))
    for number, line in summary((name, verdicts[NAMES.index(control)]) for name, verdicts in table.items()).items():
        if not line.startswith((published(control, number), "n/a")):
            print(f"{number} is {line}, and published is {published(control, number)}")


def summary(verdicts):
    """{number: "FAIL 2/5", "pass" or "n/a"} of pairs of an attack and its verdict."""
    found = {}
    for title, verdict in verdicts:
        found.setdefault(title.partition(":")[0], []).append(verdict)
    return {number: line_of(verdicts) for number, verdicts in found.items()}


def line_of(verdicts):
    if len(set(verdicts)) == 1:  # for example - where none has been run
        return verdicts[0] + (f" {len(verdicts)}/{len(verdicts)}" if verdicts[0] == "FAIL" else "")
    failed = verdicts.count("FAIL")
    others = [f", {word.replace('-', 'not run')} {verdicts.count(word)}" for word in ("n/a", "varies", "-")
              if word in verdicts]
    return (f"FAIL {failed}/{len(verdicts)}" if failed else "pass") + "".join(others)


def publish():
    """The last two columns of the README's table."""
    table = known()
    columns = [summary((name, verdicts[i]) for name, verdicts in table.items()) for i in range(len(NAMES))]
    lines = README.read_text().splitlines()
    for i, line in enumerate(lines):
        number = line[2:5]
        if line.startswith("| E") and number in columns[0]:
            cells = line.split(" | ")
            lines[i] = " | ".join([*cells[:-2], *(column[number] for column in columns)]) + " |"
    README.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    take_over(sys.argv[1], sys.argv[2:])
    publish()
