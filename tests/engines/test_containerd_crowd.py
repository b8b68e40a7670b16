# SPDX-License-Identifier: Apache-2.0
"""Many containers at a time."""

import dataclasses

import harness
from cases import case
from crowd import COUNT, crowd
from images import unpack
from plain import config


def run_crowd(t, numbers):
    sheets, rootfs = t.directory / "seen", unpack(t.directory / "rootfs")

    def run(number, script):
        name = f"crowd-{number}"
        file = config(t.directory / f"{name}.json", rootfs, name, "sh", "-c", script, binds={sheets: "/seen"})
        # Without pipes: ctr that is slow in opening them loses what a container said that was quick to end, with any
        # runtime.
        said = t.directory / f"{name}.out"
        result = t("run", "--rm", "--log-uri", f"file://{said}", "--runc-binary", t.path, "--config", file, name,
                   seconds=120)
        return dataclasses.replace(result, out=result.out + harness.read_text(said))

    crowd(run, sheets, numbers)


@case(deadline=600)
def attached(t):
    """Of 200 `ctr run`, 8 at a time, each runs once, and its output and its status come back."""
    run_crowd(t, range(COUNT))
