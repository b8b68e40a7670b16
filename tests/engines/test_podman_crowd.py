# SPDX-License-Identifier: Apache-2.0
"""Many containers at a time."""

import dataclasses

import harness
from cases import case
from crowd import COUNT, crowd
from engine import IMAGE


def run_crowd(t, numbers):
    sheets = t.directory / "seen"

    def run(number, script):
        # What a container says at once can be over before conmon has accepted podman as its listener: seen once in 600,
        # on a busy machine. What conmon has read is in its log.
        log = t.directory / f"crowd-{number}.log"
        result = t("--runtime", t.path, "run", "--rm", "--network", "none", "--log-driver", "k8s-file",
                   "--log-opt", f"path={log}", "-v", f"{sheets}:/seen", IMAGE, "sh", "-c", script, seconds=120)
        said = [line.split(" ", 3) for line in harness.read_text(log).splitlines()]
        lines = [text for _, stream, _, text in said if stream == "stdout"]
        return dataclasses.replace(result, out="".join(f"{line}\n" for line in lines))

    crowd(run, sheets, numbers)


@case(deadline=600)
def attached(t):
    """Of 200 `podman run`, 8 at a time, each runs once, and its output and its status come back."""
    run_crowd(t, range(COUNT))
