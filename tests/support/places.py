# SPDX-License-Identifier: Apache-2.0
"""Where the cases run: each process of pytest that runs cases has a mount namespace and a branch of the cgroups of its own.

A run with -n has a place for each worker, which the controller makes and removes; a run of one process goes on in a
child of ours, after which we remove the place.
"""

import os
import pathlib
import signal

import pytest

import isolation

NAME = "place"


def runs_alone(config):
    """True if this is a run of one process."""
    return not hasattr(config, "workerinput") and not config.option.numprocesses and not config.option.tx


def runs_cases(config):
    return runs_alone(config) or hasattr(config, "workerinput")


def go_on_inside(native):
    """Returns None in a child that is in a place of its own; here its exit status, when it has ended."""
    branch = None if native else isolation.make_branch("0")
    child = os.fork()
    if child == 0:
        isolation.move_in(branch)
        return None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, frame: os.kill(child, received))
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        isolation.remove_branch(branch)


class Places:
    """The controller's part and the worker's of a run with -n."""

    def __init__(self, config):
        self.config, self.branches = config, []
        if hasattr(config, "workerinput"):
            named = config.workerinput[NAME]
            isolation.move_in(pathlib.Path(named) if named else None)
        signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", 1))

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node):
        branch = None if self.config.option.native else isolation.make_branch(node.gateway.id)
        node.workerinput[NAME] = str(branch) if branch else ""
        self.branches += [branch] if branch else []

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self):
        """By now the workers have ended."""
        for branch in self.branches:
            isolation.remove_branch(branch)
