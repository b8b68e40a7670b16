# SPDX-License-Identifier: Apache-2.0
"""Runs the suites of a tier after scripts/test has built them, and adds up what they say; README.md tells which is which.

run.py            what a change must pass
run.py --deep     everything, before a release; with --resume only what has not passed for this state of the tree
"""

import concurrent.futures
import os
import pathlib
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "support"))

import ledger  # noqa: E402  (the path above must come first)
import running  # noqa: E402
import tiers  # noqa: E402

# Whatever hangs is to be named before CI loses its patience. The engines take most of an hour in the deep tier, on a
# fast machine.
EVERYDAY_SECONDS, DEEP_SECONDS = 1800, 4 * 3600
AT_A_TIME = os.cpu_count() + 2  # of what mostly waits
# A filter stops the sanitizers' own calls as well: the tests that load one are run as they are released.
RELEASED = {"test_seccomp_kernel"}


def say(line=""):
    print(line, flush=True)


def programs(preset):
    """The GoogleTest programs of a build."""
    found = sorted(path for path in (running.ROOT / "build" / preset / "tests").glob("test_*") if path.is_file())
    if not found:
        raise SystemExit(f"no test programs in build/{preset}: run scripts/test")
    return found


class Round:
    """One run of a tier."""

    def __init__(self, seconds, book=None):
        self.seconds, self.book, self.totals = seconds, book, []

    def measure(self, name, function, *arguments):
        if self.book and name in self.book.passed:
            self.totals.append(self.book.passed[name])
            say(f"==> {name}: has passed for this state of the tree")
            return
        begin = time.monotonic()
        counts, text = function(*arguments)
        seconds = time.monotonic() - begin
        self.totals.append(counts)
        closing = f"==> {name}: {counts[0]} passed, {counts[1]} failed, {counts[2]} skipped ({seconds:.1f} s)"
        say("\n".join([*(f"    {line}" for line in text.splitlines()), closing]))
        if self.book:
            self.book.put(name, counts, seconds)

    def google(self, preset, chosen, at_a_time=1):
        with concurrent.futures.ThreadPoolExecutor(at_a_time) as pool:
            list(pool.map(lambda each: self.measure(f"{preset} {each.name}", running.run_gtest, each), chosen))

    def suites(self, suites, at_a_time=1):
        with concurrent.futures.ThreadPoolExecutor(at_a_time) as pool:
            list(pool.map(lambda each: self.measure(each.name, running.run_script, each.command, self.seconds), suites))

    def close(self):
        """Prints the closing line; the exit status."""
        passed, failed, skipped = (sum(column) for column in zip(*self.totals))
        say(f"{passed} passed, {failed} failed, {skipped} skipped")
        return 1 if failed else 0


def everyday():
    this = Round(EVERYDAY_SECONDS)
    this.google("check", [each for each in programs("check") if each.name not in RELEASED], os.cpu_count())
    this.google("release", [each for each in programs("release") if each.name in RELEASED])
    this.suites(tiers.EVERYDAY, AT_A_TIME)
    return this.close()


def deep(resume):
    this = Round(DEEP_SECONDS, ledger.Ledger(resume))
    for preset in ("release", "asan"):
        this.google(preset, programs(preset))
    this.suites(tiers.DEEP, AT_A_TIME - 1)
    this.suites(tiers.DEEP_ALONE)
    say(f"==> which suite, when, for which state of the tree: {ledger.REPORT.relative_to(ledger.ROOT)}")
    return this.close()


def main(argv):
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the suites are not in the terminal's group, and end with us
    if argv == []:
        return everyday()
    if argv in (["--deep"], ["--deep", "--resume"]):
        return deep("--resume" in argv)
    say(f"usage: {__file__} [--deep [--resume]]")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
