# SPDX-License-Identifier: Apache-2.0
"""process.oomScoreAdj."""

import pathlib

from harness import contains, equal
from marks import differs, needs, parametrize

CAP_SYS_RESOURCE = 24


def may_not_lower():
    """Lowering the value needs CAP_SYS_RESOURCE."""
    for line in pathlib.Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("CapEff:") and not int(line.split()[1], 16) >> CAP_SYS_RESOURCE & 1:
            return "this machine has no CAP_SYS_RESOURCE: the kernel refuses to lower oom_score_adj"
    return None


def score(t, **process):
    return t.output("cat", "/proc/self/oom_score_adj", **process).strip()


@parametrize("value", [0, 123, 1000])
def test_raised(t, value):
    """The program has the value, and so has every user's program."""
    equal(score(t, oomScoreAdj=value), str(value), "oom_score_adj")
    equal(score(t, oomScoreAdj=value, user={"uid": 1000, "gid": 1000}), str(value), "of a user")


@needs(may_not_lower)
@parametrize("value", [-1, -1000])
def test_lowered(t, value):
    """With the privilege the value can be below the caller's."""
    equal(score(t, oomScoreAdj=value), str(value), "oom_score_adj")


@differs("runc says so without the property's pointer")
def test_what_may_not_be_lowered_is_refused(t):
    """Without the privilege the kernel refuses, and nothing is left."""
    if not may_not_lower():
        return
    result = t.container("true", oomScoreAdj=-500).run().exits(1)
    contains(result.err, "/process/oomScoreAdj", "stderr")
    t.no_state()


def test_absent_leaves_the_callers(t):
    """Without the property the program has the caller's value."""
    own = pathlib.Path("/proc/self/oom_score_adj").read_text(encoding="ascii").strip()
    equal(score(t), own, "oom_score_adj")


@differs("runc leaves it to the kernel")
@parametrize("value", [1001, -1001])
def test_out_of_range_is_refused(t, value):
    """The kernel's range is the property's."""
    result = t.container("true", oomScoreAdj=value).run().exits(1)
    contains(result.err, "/process/oomScoreAdj", "stderr")
    t.no_state()
