# SPDX-License-Identifier: Apache-2.0
"""podman run and what it passes on."""

from cases import GUEST, case
from engine import IMAGE
from harness import equal


@case(each=[0, 3, 125, 255])
def run(t, code):
    """`podman run` returns the program's status: {}."""
    equal(t("run", "--rm", IMAGE, "sh", "-c", f"echo hello; exit {code}").exits(code).out, "hello\n", "output")


@case(place=GUEST)
def memory(t):
    """`podman run --memory` sets the limit."""
    result = t("run", "--rm", "--memory", "64m", IMAGE, "cat", "/sys/fs/cgroup/memory.max").exits(0)
    equal(result.out, "67108864\n", "memory.max")
