#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is known of the controls: controls.tsv. As a program it takes over what a run has printed:

    controls.py CONTROL LOG...

A line has the attack and the verdicts of runc and crun: pass, FAIL, n/a, varies (a race), or - for one not run yet.
"""

import pathlib
import re
import sys

FILE = pathlib.Path(__file__).resolve().parent / "controls.tsv"
NAMES = ("runc", "crun")
HEAD = "# Verdicts of Debian's runc 1.1.5 and crun 1.8.1 in tests/vm (kernel 6.1); see controls.py.\n"
# What advisories, sources and earlier measurements say of these versions, attack by attack. exec is not in it.
PUBLISHED = {
    "runc": "FAIL E01 E09 E11 E19 E44 E46 E58 E59",
    "crun": "FAIL E01 E08 E09 E10 E16 E24 E43 E44 E46 E58 E59 E61 E62",
}
ROW = re.compile(r"^(pass|FAIL|n/a ) (E\d+: \w+(?:\[.*?\](?=: |$))?)(?:: |$)")


def known():
    """{attack: [verdict of runc, of crun]}"""
    lines = FILE.read_text().splitlines() if FILE.exists() else []
    return {name: verdicts for name, *verdicts in (line.split("\t") for line in lines if not line.startswith("#"))}


def expected(table, control, name):
    """The verdicts that are no surprise."""
    verdict = table.get(name, ["-", "-"])[NAMES.index(control)]
    return {"pass", "FAIL", "n/a"} if verdict in ("-", "varies") else {verdict}


def published(control, number):
    """pass or FAIL."""
    return "FAIL" if number in PUBLISHED[control].split() else "pass"


def take_over(control, logs):
    """Reads the verdicts of runs; `varies` stays."""
    table = known()
    for log in logs:
        for line in pathlib.Path(log).read_text(errors="replace").splitlines():
            row = ROW.match(line)
            if row:
                verdicts = table.setdefault(row[2], ["-", "-"])
                if verdicts[NAMES.index(control)] != "varies":
                    verdicts[NAMES.index(control)] = row[1].strip()
    FILE.write_text(HEAD + "".join("\t".join([name, *verdicts]) + "\n" for name, verdicts in sorted(table.items())))


if __name__ == "__main__":
    take_over(sys.argv[1], sys.argv[2:])
