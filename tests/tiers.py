# SPDX-License-Identifier: Apache-2.0
"""Which suite is run when: the one table that a new suite gets a row in. README.md says what belongs where, and why."""

import typing

PYTEST = ("pytest", "-q", "-rs")


class Suite(typing.NamedTuple):
    """A command whose last line is `N passed, N failed, N skipped`."""
    name: str
    command: tuple


# Of more than one tier.
# The integration cases mostly wait, and have a place of their own in each process.
INTEGRATION = Suite("integration", (*PYTEST, "-n", "3", "tests/integration"))
ESCAPE = Suite("escape", (*PYTEST, "tests/escape"))
CONTRACT = Suite("contract", (*PYTEST, "--patience", "2", "tests/contract"))
EXPLAIN = Suite("explain", (*PYTEST, "tests/explain"))
ARCHITECTURE = Suite("architecture", ("tests/architecture/run",))

# ---- what a change must pass ----------------------------------------------------------------------------------------

# Beside each other, the longest first. What is emulated needs a processor for itself.
EVERYDAY = [
    Suite("guest", ("tests/vm/run",)),
    ESCAPE,
    INTEGRATION,
    Suite("engines, smoke", ("tests/engines/run", "--smoke")),
    CONTRACT,
    EXPLAIN,
    ARCHITECTURE,
    Suite("lint", ("tests/lint/run",)),
    Suite("conformance, every row has its tests", ("tests/conformance/coverage", "--build", "build/check")),
]

# ---- everything: before a release -----------------------------------------------------------------------------------

# Alone, one after the other: what is emulated keeps every processor busy by itself, and a control may change what all share
# (the owner of /dev/null).
PARTS = ("plain-wide", "plain", "systemd", "oldest", "systemd-rest", "plain-wide-rest", "plain-rest", "oldest-rest")
# A thousand containers of runc take minutes; with a hundred the cases are proven as well.
FEWER = ("-k", "not (test_many and a_thousand)")
DEEP_ALONE = [
    Suite("integration, runc as the control", (*PYTEST, "tests/integration", "--control", "runc", *FEWER)),
    Suite("refusals, crun as the control", (*PYTEST, "tests/integration/test_refusals.py", "--control", "crun")),
    Suite("contract, runc as the control", (*PYTEST, "tests/contract", "--patience", "2", "--control", "runc")),
    Suite("validation programs", ("tests/conformance/validation", "--place", "native")),
    *(Suite(f"guests: {part}", ("tests/vm/run", "--part", part)) for part in PARTS),
    Suite("engines", ("tests/engines/run", "--whole")),
    Suite("validation programs in a guest", ("tests/conformance/validation", "--place", "guest", "--whole")),
]
# The markers are explained in pytest.ini.
SANITIZED = ("--runtime", "build/asan/bulkhead", "-m", "not slow and not released and not by_the_stage", "-k", "not without_run")
# Each in a place of its own, and each mostly waits: some at a time, the longest first.
DEEP = [
    Suite("contract, twenty times", (*PYTEST, "tests/contract", "--patience", "2", "--times", "20")),
    Suite("conformance, ten mutations", ("tests/conformance/coverage", "mutate")),
    Suite("integration, AddressSanitizer and UBSan", (*PYTEST, "tests/integration", *SANITIZED)),
    Suite("contract, sixteen at the same time", (*PYTEST, "tests/contract", "--patience", "8", "--tx", "16*popen", "--dist", "each")),
    INTEGRATION,
    CONTRACT,
    Suite("contract, can its lines fail", ("tests/contract/selftest",)),
    ESCAPE,
    Suite("faults", (*PYTEST, "tests/faults")),
    Suite("integration, hybrid cgroups", (*PYTEST, "tests/integration", "--native", "-m", "not slow and not any_cgroups")),
    EXPLAIN,
    Suite("integration, can the leak checks fail", ("tests/integration/selftest",)),
    Suite("witness", (*PYTEST, "tests/witness")),
    ARCHITECTURE,
    Suite("lint", ("tests/lint/run", "--all")),
    Suite("conformance, every row has its tests", ("tests/conformance/coverage", "--build", "build/asan")),
    Suite("bench, smoke run", ("scripts/bench", "--quick")),
]
