# SPDX-License-Identifier: Apache-2.0
"""Which suite is run when: the one table that a new suite gets a row in. README.md says what belongs where, and why."""

import typing

INTEGRATION = "tests/integration/run"
SHARES = 3  # of the integration cases, which mostly wait


class Suite(typing.NamedTuple):
    """A command whose last line is `N passed, N failed, N skipped`."""
    name: str
    command: tuple


def without(words):
    return tuple(option for word in words for option in ("--without", word))


# Of more than one tier.
INTEGRATION_SHARES = [Suite(f"integration {number}/{SHARES}", (INTEGRATION, "--share", f"{number}/{SHARES}"))
                      for number in range(1, SHARES + 1)]
ESCAPE = Suite("escape", ("tests/escape/run",))
EXPLAIN = Suite("explain", ("tests/explain/run",))
ARCHITECTURE = Suite("architecture", ("tests/architecture/run",))

# ---- what a change must pass ----------------------------------------------------------------------------------------

# Beside each other, the longest first. What is emulated needs a processor for itself.
EVERYDAY = [
    Suite("guest", ("tests/vm/run",)),
    ESCAPE,
    *INTEGRATION_SHARES,
    Suite("engines, smoke", ("tests/engines/run", "--smoke")),
    Suite("contract", ("env", "CONTRACT_SECONDS=30", "tests/contract/run", "--only", "bulkhead")),
    EXPLAIN,
    ARCHITECTURE,
    Suite("conformance, every row has its tests", ("tests/conformance/coverage", "--build", "build/check")),
]

# ---- everything: before a release -----------------------------------------------------------------------------------

# Alone, one after the other: what is emulated keeps every processor busy by itself.
PARTS = ("plain-wide", "plain", "systemd", "oldest", "systemd-rest", "plain-wide-rest", "plain-rest", "oldest-rest")
DEEP_ALONE = [
    *(Suite(f"guests: {part}", ("tests/vm/run", "--part", part)) for part in PARTS),
    Suite("engines", ("tests/engines/run", "--whole")),
    Suite("validation programs in a guest", ("tests/conformance/validation", "--place", "guest", "--whole")),
]
# What takes its time by waiting is the same with another build of the binary.
PATIENT = ("nobody_reads", "never_accepts", "never_reads", "does_not_come", "forwarded_meanwhile", "many:",
           "pause_deadline:", "terminal_tmux:", "hooks_hostile:", "hooks_killing:", "hooks_meanwhile:",
           "systemd_missing: a_")
# AddressSanitizer takes the signals of a broken program for itself; a program with it needs libraries in a container,
# and /proc, and does not fork a thousand times in good time.
CRASHES = ("a_crash_of_the_runtime", "nested:", "device_update: a_thousand", "without_run]",
           "a_question_is_answered_without_anything")
# Work of the stage, which no sanitizer is compiled into: the host side of it is the planner, and the unit tests of that
# are run with them.
BY_THE_STAGE = ("features_mounts:", "features_seccomp:", "mount_options:", "mounts:", "propagation:", "credentials:",
                "devices:", "sysctl:", "no_openat2:", "scheduling:", "exec_privileges:", "exec_user:", "exec_affinity:",
                "exec_seccomp:", "environment:")
# The sanitizers' build is not to be judged by its time.
IN_TIME = ("refusals: wrong_", "spec_from: refused")
# A thousand containers of runc take minutes; with a hundred the cases are proven as well.
CROWDS = ("many: a_thousand",)
# What has nothing to do with the view of the cgroups.
ANYWHERE = (*PATIENT, "terminal", "stdio_relay:", "hooks", "kill:", "exec_attached:", "exec_flags:", "exec_policy:",
            "exec_privileges:", "exec_process:", "exec_refusals:", "exec_seccomp:", "exec_user:", "features", "probes:",
            "error_texts:", "log_services:", "caller_")
# Each in a place of its own, and each mostly waits: some at a time, the longest first.
DEEP = [
    Suite("integration, runc as the control", (INTEGRATION, "--control", *without(CROWDS))),
    Suite("contract, twenty times", ("tests/contract/run", "--only", "bulkhead", "--times", "20",
                                     "--without", "patience:")),
    Suite("contract, patience twenty times", ("tests/contract/run", "--only", "bulkhead", "--times", "20",
                                              "--filter", "patience:")),
    Suite("conformance, ten mutations", ("tests/conformance/coverage", "mutate")),
    Suite("integration, AddressSanitizer and UBSan", (INTEGRATION, "--runtime", "build/asan/bulkhead",
                                                      *without((*PATIENT, *CRASHES, *BY_THE_STAGE, *IN_TIME)))),
    Suite("contract, sixteen at the same time", ("tests/contract/run", "--parallel", "16")),
    Suite("refusals, crun as the control", (INTEGRATION, "--control=crun", "--topic", "refusals")),
    *INTEGRATION_SHARES,
    Suite("contract, with runc beside it", ("env", "CONTRACT_SECONDS=30", "tests/contract/run")),
    Suite("contract, can its lines fail", ("tests/contract/selftest",)),
    ESCAPE,
    Suite("faults", ("tests/faults/run",)),
    Suite("integration, hybrid cgroups", (INTEGRATION, "--native", *without(ANYWHERE))),
    EXPLAIN,
    Suite("integration, can the leak checks fail", ("tests/integration/selftest",)),
    Suite("validation programs", ("tests/conformance/validation", "--place", "native")),
    Suite("witness", ("tests/witness/run",)),
    ARCHITECTURE,
    Suite("conformance, every row has its tests", ("tests/conformance/coverage", "--build", "build/asan")),
    Suite("bench, smoke run", ("scripts/bench", "--quick")),
]
