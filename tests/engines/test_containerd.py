# SPDX-License-Identifier: Apache-2.0
"""ctr run and what it passes on."""

from cases import GUEST, case
from engine import IMAGE
from harness import equal


@case(place=GUEST, each=[0, 3])
def run(t, code):
    """`ctr run` returns the program's status: {}."""
    result = t("run", "--rm", "--runc-binary", t.path, IMAGE, "c1", "sh", "-c", f"echo hello; exit {code}").exits(code)
    equal(result.out, "hello\n", "output")
