# SPDX-License-Identifier: Apache-2.0
"""What the engines have in common: their runtime, how they are called, and what must not be left behind."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import harness
import terminals
from cases import GUEST

RUNTIMES = {"bulkhead": "/usr/sbin/bulkhead", "runc": "/usr/sbin/runc"}
SLOWER = 10  # than natively is everything in a guest
IMAGE = "localhost/engines/busybox:latest"
DIRECTORY = pathlib.Path("/var/tmp/case")  # of each case, one after the other


def cgroup_of(pid):
    """The directory of a process's cgroup."""
    text = pathlib.Path(f"/proc/{pid}/cgroup").read_text()
    return pathlib.Path("/sys/fs/cgroup" + text.rpartition("0::")[2].strip())


def log_of(program):
    """Where a daemon's output goes."""
    return pathlib.Path("/tmp", f"{program}.log")


class Terminal(terminals.Terminal):
    """A caller's terminal, with an engine's client below it."""

    def start(self, command, shell=None):
        program = shutil.which(command[0])
        self.child = subprocess.Popen([sys.executable, harness.LAUNCHER, json.dumps({"tty": self.name}), program,
                                       *command[1:]])
        return self


class Engine:
    """`t` of a case. One of these lives as long as an engine with one runtime; `directory` is fresh for each case."""

    runtimes = tuple(RUNTIMES)  # that the cases are run with

    def __init__(self, generation, place, runtime):
        self.generation, self.place, self.runtime = generation, place, runtime
        self.path = RUNTIMES[runtime]
        self.factor = SLOWER if place == GUEST else 1
        self.directory = None
        self.children = []
        self.calls = None  # who counts those of the runtimes

    def begin(self):
        """Configures and starts the engine, and gives it IMAGE."""

    def end(self):
        """Stops the engine."""

    def sweep(self):
        """Removes every container, whatever the case has left."""

    def daemons(self):
        """Pids of the engine itself, which may come and go with a restart of it, and are no leak."""
        return {child.pid for child in self.children}

    def roots(self):
        """The directories in which the runtime keeps its states."""
        return [pathlib.Path("/run", self.runtime)]

    def traces(self):
        """Names of what else a case must not leave behind."""
        return set()

    def losses(self):
        """How often the engine, with any runtime, has lost what a container wrote: as its log tells."""
        return 0

    def shell(self, *command, seconds=30, stdin=None, env=None):
        """Runs a program to its end."""
        begin = time.monotonic()
        done = subprocess.run([*map(str, command)], input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
                              capture_output=True, timeout=seconds * self.factor, check=False, cwd=self.directory,
                              env={**os.environ, **(env or {})})
        return harness.Result(list(command), done.returncode, done.stdout.decode(errors="replace"),
                              done.stderr.decode(errors="replace"), time.monotonic() - begin)

    def daemon(self, *command, env=None):
        """Starts a program that stays; its output goes to the log of that name."""
        log = open(log_of(os.path.basename(command[0])), "ab")
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                 env={**os.environ, **(env or {})})
        self.children.append(child)
        return child

    def terminal(self, *command):
        """A terminal on which this program runs."""
        return Terminal(self).start([*map(str, command)])

    def killed_amidst(self, program):
        """A script of a container in which a program is killed by the kernel, so that containerd's shim sees that.

        It looks into the cgroup from a moment after `start` on (containerd#12405) until that is removed.
        """
        moment = 0.1 * self.factor
        return f"sleep {moment}; {program}; status=$?; sleep {2 * moment}; exit $status"

    def eventually(self, condition, sentence, seconds=30):
        return harness.eventually(condition, sentence, seconds * self.factor)

    def fresh_directory(self, path):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        self.directory = path
