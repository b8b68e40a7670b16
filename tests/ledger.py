# SPDX-License-Identifier: Apache-2.0
"""What has been run of the deep tier, when, and with which state of the tree: build/deep.tsv, a line for each suite.

A suite that has passed need not be run again for the same state: --resume goes on after it.
"""

import hashlib
import pathlib
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
REPORT = ROOT / "build/deep.tsv"
HEAD = "state\tended\tseconds\tpassed\tfailed\tskipped\tsuite\n"


def git(*words):
    return subprocess.run(["git", *words], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout


def state_of_the_tree():
    """The commit, and a hash of what is not committed if there is anything."""
    commit = git("rev-parse", "--short=12", "HEAD").decode().strip()
    changes = git("diff", "HEAD") + b"".join(
        name + b"\0" + (ROOT / name.decode()).read_bytes()
        for name in git("ls-files", "--others", "--exclude-standard", "-z").split(b"\0") if name)
    return f"{commit}+{hashlib.sha256(changes).hexdigest()[:8]}" if changes else commit


class Ledger:
    """The lines of one state; those of others are kept, and count for nothing."""

    def __init__(self, resume):
        self.state, self.passed = state_of_the_tree(), {}
        REPORT.parent.mkdir(exist_ok=True)
        lines = REPORT.read_text().splitlines() if REPORT.exists() else []
        for state, _, _, passed, failed, skipped, name in (line.split("\t") for line in lines[1:]):
            if resume and state == self.state:
                self.passed.pop(name, None)
                if failed == "0":
                    self.passed[name] = (int(passed), 0, int(skipped))
        if not lines:
            REPORT.write_text(HEAD)

    def put(self, name, counts, seconds):
        """A suite has ended."""
        ended = time.strftime("%Y-%m-%d %H:%M:%S")
        with open(REPORT, "a") as report:
            report.write("\t".join(map(str, (self.state, ended, f"{seconds:.0f}", *counts, name))) + "\n")
