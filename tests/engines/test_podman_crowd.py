# SPDX-License-Identifier: Apache-2.0
"""Many containers at a time."""

from cases import case
from crowd import crowd
from engine import IMAGE


@case(deadline=600)
def attached(t):
    """Of 200 `podman run`, 8 at a time, each runs once, and its output and its status come back."""
    sheets = t.directory / "seen"
    crowd(lambda number, script: t("run", "--rm", "--network", "none", "-v", f"{sheets}:/seen", IMAGE, "sh", "-c", script,
                                   seconds=120), sheets)
