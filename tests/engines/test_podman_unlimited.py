# SPDX-License-Identifier: Apache-2.0
"""podman run --pids-limit: what podman sends for no limit is another number in each generation."""

from cases import GUEST, case
from engine import IMAGE
from harness import equal


@case(place=GUEST, each=["-1", "0"])
def pids_limit(t, number):
    """`podman run --pids-limit={}` is no limit: the program has children."""
    script = "sh -c 'sh -c \"echo one; true\"; echo two'; echo three"
    result = t("run", "--rm", "--pids-limit", number, IMAGE, "sh", "-c", script).exits(0)
    equal(result.out, "one\ntwo\nthree\n", "output")
