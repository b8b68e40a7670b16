# SPDX-License-Identifier: Apache-2.0
"""LISTEN_FDS: sockets of a service manager (sd_listen_fds(3))."""

import sys

from harness import absent, contains, equal
from marks import differs, parametrize

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# A service manager sets LISTEN_PID between fork and exec.
ACTIVATE = "import os, sys; os.environ['LISTEN_PID'] = str(os.getpid()); os.execv(sys.argv[1], sys.argv[1:])"


def activated(t, box, *flags, fds=4, **variables):
    """Runs the container as a service manager would, with descriptors from 3 on."""
    command = t.runtime.command("run", "--bundle", box.bundle.path, "--detach", "--pid-file", box.pid_file, *flags,
                                box.id)
    return t.runtime.exec([sys.executable, "-c", ACTIVATE, *command], env={"PATH": PATH, **variables},
                          setup={"fds": {str(3 + number): "/dev/zero" for number in range(fds)}})


def handed_over(t, box):
    """The caller's descriptors in the container; runc 1.1.5 now and then adds some of its own."""
    found = box.descriptors()
    if t.bulkhead:
        return sorted(found)
    return [0, 1, 2, *sorted(number for number, target in found.items() if target == "/dev/zero")]


def environment(box):
    return dict(entry.split("=", 1) for entry in box.proc("environ").split("\0") if entry)


def test_descriptors_and_variables_reach_the_program(t):
    """So many descriptors from 3 on, LISTEN_FDS as given, LISTEN_PID as the program counts."""
    box = t.sleeper()
    activated(t, box, LISTEN_FDS="2").ok()
    equal(handed_over(t, box), [0, 1, 2, 3, 4], "descriptors")
    found = environment(box)
    equal((found.get("LISTEN_FDS"), found.get("LISTEN_PID")), ("2", "1"), "LISTEN_FDS and LISTEN_PID")


def test_they_stand_before_the_preserved_ones(t):
    """--preserve-fds counts behind them."""
    box = t.sleeper()
    activated(t, box, "--preserve-fds", "1", LISTEN_FDS="2").ok()
    equal(handed_over(t, box), [0, 1, 2, 3, 4, 5], "descriptors")
    equal(environment(box)["LISTEN_FDS"], "2", "LISTEN_FDS")


@differs("runc does not pass the names on")
def test_names_come_along(t):
    """LISTEN_FDNAMES goes with the descriptors."""
    box = t.sleeper()
    activated(t, box, LISTEN_FDS="2", LISTEN_FDNAMES="web:admin").ok()
    equal(environment(box)["LISTEN_FDNAMES"], "web:admin", "LISTEN_FDNAMES")


def test_the_manager_wins_over_the_config(t):
    """Of a variable that the config has, too, the program sees the service manager's."""
    box = t.sleeper(env=[f"PATH={PATH}", "LISTEN_FDS=9"])
    activated(t, box, LISTEN_FDS="1").ok()
    equal(environment(box)["LISTEN_FDS"], "1", "LISTEN_FDS")


@parametrize("count", ["0", "many", ""])
def test_a_count_that_is_none_is_none(t, count):
    """Nothing is kept, nothing is set."""
    box = t.sleeper()
    activated(t, box, LISTEN_FDS=count).ok()
    equal(handed_over(t, box), [0, 1, 2], "descriptors")
    absent(box.proc("environ"), "LISTEN_", "environment")


@differs("runc 1.1.5 does not check if they are open")
def test_a_closed_descriptor_is_refused(t):
    """LISTEN_FDS counts more than there are: an error, nothing left."""
    box = t.sleeper()
    result = activated(t, box, fds=1, LISTEN_FDS="2").exits(1)
    contains(result.err, "LISTEN_FDS=2: descriptor 4 is not open", "stderr")
    t.no_state()
