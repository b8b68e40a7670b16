# SPDX-License-Identifier: Apache-2.0
"""docker run and what it passes on."""

from cases import case
from engine import IMAGE
from harness import equal


@case(each=[0, 3])
def run(t, code):
    """`docker run` returns the program's status: {}."""
    equal(t("run", "--rm", IMAGE, "sh", "-c", f"echo hello; exit {code}").exits(code).out, "hello\n", "output")
