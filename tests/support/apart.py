# SPDX-License-Identifier: Apache-2.0
"""Each case in a process of its own, which leads a session and is the parent of every orphan that a runtime leaves.

pytest-timeout ends the wait for it. What it leaves behind is removed by force and fails the case; the closing line
says how many cases passed, failed and were skipped, whatever number of reports each of them had.
"""

import collections
import dataclasses
import os
import pathlib
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile

import pytest
from _pytest.runner import runtestprotocol  # as pytest-forked does: there is no public name for it

import bundles
import isolation
import leaks

CONTROL_TRIES = 3  # runc races at times; what it passes once proves the case, and each failure is shown
RANK = ("passed", "skipped", "failed")


@dataclasses.dataclass(frozen=True)
class Here:
    """What a case is given of this run."""
    scratch: pathlib.Path
    template: pathlib.Path
    prefix: str
    native: bool


HERE = pytest.StashKey[Here]()


def parameters(item):
    """What stands in brackets after the name of a case."""
    return item.callspec.id if hasattr(item, "callspec") else ""


def broken_by_runc(item):
    """What runc does instead of what a line of the contract says, by the marker `breaks`."""
    marker = item.get_closest_marker("breaks")
    said = marker.args[0] if marker else ""
    return said.get(parameters(item), "") if isinstance(said, dict) else said


def held_against(control, leavings):
    """What is left behind is a failure; where a control proves the case and not itself, it is a remark."""
    if not control:
        return leavings
    for sentence in leavings:
        print(f"the control left something behind: {sentence}", flush=True)
    return []


def wreckage(before):
    """After a case: removes by force what is left, so that the next case starts clean, and says so."""
    leaks.kill_descendants(os.getpid())
    sentences = []
    for line in sorted(leaks.mount_set() - before.mounts, reverse=True):
        point = line.split()[4]
        sentences.append(f"removed the mount {point}")
        subprocess.run(["umount", "--lazy", point], check=False, stderr=subprocess.DEVNULL)
    for path in sorted(before.own_cgroups() - before.cgroups, reverse=True):
        sentences.append(f"removed the cgroup {path}")
        isolation.remove_tree(path)
    sentences += before.device_leaks()
    before.repair_devices()
    return sentences


class Apart:
    """The protocol of pytest for one case, with a process between."""

    def __init__(self, config):
        self.config, self.number, self.late = config, 0, False
        self.top, self.template = None, None
        self.outcomes = collections.defaultdict(lambda: "passed")

    # ---- where the cases run ----------------------------------------------------------------------------------------

    def pytest_sessionstart(self, session):
        self.top = tempfile.TemporaryDirectory(prefix="bh-it-")
        os.chmod(self.top.name, 0o755)
        self.template = pathlib.Path(self.top.name, "template")
        bundles.make_template(self.template)

    def pytest_sessionfinish(self):
        self.top.cleanup()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item):
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in self.last_reports(item):
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def last_reports(self, item):
        """A control may try again, within the deadline of the case."""
        self.late = False
        for _ in range(CONTROL_TRIES if self.config.getoption("control") else 1):
            reports = self.reports(item)
            if self.late or not any(report.failed for report in reports):
                break
        return reports

    def reports(self, item):
        native = self.config.getoption("native")
        self.number += 1
        scratch, prefix = pathlib.Path(self.top.name, str(self.number)), f"it{os.getpid()}-{self.number}"
        here = Here(scratch, self.template, prefix, native)
        item.stash[HERE] = here
        here.scratch.mkdir()
        before = leaks.Snapshot(only_with=here.prefix if native else None)
        child = os.fork()
        if child == 0:
            self.inside(item, here.scratch / "reports")
        found = self.await_reports(item, child, here.scratch / "reports")
        if left := held_against(self.config.getoption("control"), wreckage(before)):
            found.append(failure(item, "teardown", "\n".join(left)))
        shutil.rmtree(here.scratch, ignore_errors=True)
        return found

    def inside(self, item, file):
        """The case's own process; it does not return."""
        try:
            os.setsid()
            isolation.die_with_parent()
            isolation.become_subreaper()
            os.umask(0o022)
            for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)  # whoever runs us in the background ignores some
            reports = runtestprotocol(item, log=False, nextitem=None)
            to_data = self.config.hook.pytest_report_to_serializable
            file.write_bytes(pickle.dumps([to_data(config=self.config, report=report) for report in reports]))
            sys.stdout.flush()
        finally:
            os._exit(0)

    def await_reports(self, item, child, file):
        try:
            status = os.waitpid(child, 0)[1]
        except pytest.fail.Exception as late:  # of pytest-timeout
            self.late = True
            where = leaks.where_it_hangs(child)
            leaks.kill_descendants(os.getpid())
            return [failure(item, "call", f"{late}\n{where}")]
        if not file.exists():
            return [failure(item, "call", f"the case's process ended with status {status} and without a report")]
        from_data = self.config.hook.pytest_report_from_serializable
        return [from_data(config=self.config, data=data) for data in pickle.loads(file.read_bytes())]

    # ---- where they are counted -------------------------------------------------------------------------------------

    def pytest_runtest_logreport(self, report):
        """What is expected of a control has passed, also where that is a failure."""
        outcome = "passed" if hasattr(report, "wasxfail") and report.skipped else report.outcome
        self.outcomes[report.nodeid] = max(self.outcomes[report.nodeid], outcome, key=RANK.index)

    def pytest_collectreport(self, report):
        if report.failed:
            self.outcomes[report.nodeid] = "failed"

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self):
        if self.top and not hasattr(self.config, "workerinput"):
            count = collections.Counter(self.outcomes.values())
            print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped", flush=True)


def failure(item, when, text):
    """A report of what the case's process could not tell itself."""
    made = pytest.TestReport(item.nodeid, item.location, {}, "failed", text, when)
    if item.get_closest_marker("xfail"):
        made.outcome, made.wasxfail = "skipped", text
    return made
