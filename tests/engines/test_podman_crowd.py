# SPDX-License-Identifier: Apache-2.0
"""Many containers at a time."""

from cases import case
from crowd import COUNT, crowd
from engine import IMAGE


def run_crowd(t, numbers):
    sheets = t.directory / "seen"
    words = ("--runtime", t.path, "run", "--rm", "--network", "none", "-v", f"{sheets}:/seen", IMAGE, "sh", "-c")
    crowd(lambda number, script: t(*words, script, seconds=120), sheets, numbers)


@case(deadline=600)
def attached(t):
    """Of 200 `podman run`, 8 at a time, each runs once, and its output and its status come back."""
    run_crowd(t, range(COUNT))
