# SPDX-License-Identifier: Apache-2.0
"""The seccomp part of `features`: each listed action, operator, architecture and flag works, and others are refused."""

import pytest

import test_seccomp as rules
from harness import contains, equal, true
from marks import differs, needs, parametrize
from test_features import accepted, agree, features
from test_seccomp_listener import MKDIR, Agent, notifying

pytestmark = [pytest.mark.by_the_stage, pytest.mark.any_cgroups]

ACTIONS = ["ALLOW", "ERRNO", "KILL", "KILL_PROCESS", "KILL_THREAD", "LOG", "NOTIFY", "TRACE", "TRAP"]
OPERATORS = ["EQ", "GE", "GT", "LE", "LT", "MASKED_EQ", "NE"]
ARCHITECTURES = """
    AARCH64 ARM LOONGARCH64 M68K MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PARISC PARISC64 PPC PPC64 PPC64LE
    RISCV64 S390 S390X SH SHEB X32 X86 X86_64
""".split()
BIG_ENDIAN = ["M68K", "MIPS", "MIPS64", "MIPS64N32", "PARISC", "PARISC64", "PPC", "PPC64", "S390", "S390X", "SHEB"]
FLAGS = ["LOG", "NEW_LISTENER", "SPEC_ALLOW", "TSYNC", "TSYNC_ESRCH", "WAIT_KILLABLE_RECV"]


def words(t, name):
    return features(t)["linux"]["seccomp"].get(name, [])


@needs(rules.x86_64)
@parametrize("action", ACTIONS)
def test_a_listed_action_acts(t, action):
    """The program sees the action's effect on the listed call, and other calls still work."""
    contains(words(t, "actions"), f"SCMP_ACT_{action}", "actions")
    if action == "NOTIFY":
        agent = Agent(t.scratch / "agent")
        contains(t.container(bundle=notifying(t, agent.path, "mkdir")).run().exits(0).out, "mkdir=1", "stdout")
        return equal(agent.seen, [MKDIR], "calls that the agent saw")
    confinement = rules.profile("ERRNO" if action == "ALLOW" else "ALLOW",
                                (["getuid", *(rules.TAIL if action == "ALLOW" else [])], action))
    if action.startswith("KILL") or action == "TRAP":
        return rules.confined(t, confinement, rules.call("getuid")).run().exits(rules.SIGSYS)
    expected = {"ALLOW": 0, "ERRNO": -rules.EPERM, "LOG": 0, "TRACE": -rules.ENOSYS}[action]
    return equal(rules.results(t, confinement, rules.call("getuid")), [expected], "results")


OPERANDS = {"EQ": (5, 0, 5, 6), "NE": (5, 0, 6, 5), "LT": (5, 0, 4, 5), "LE": (5, 0, 5, 6), "GT": (5, 0, 6, 5),
            "GE": (5, 0, 5, 4), "MASKED_EQ": (0xf0, 0x50, 0x15f, 0x60)}


@needs(rules.x86_64)
@parametrize("operator", OPERATORS)
def test_a_listed_operator_compares(t, operator):
    """A matching call gets the errno, and a call that does not match does its work."""
    contains(words(t, "operators"), f"SCMP_CMP_{operator}", "operators")
    value, second, hit, missed = OPERANDS[operator]
    args = [{"index": 0, "value": value, "valueTwo": second, "op": f"SCMP_CMP_{operator}"}]
    found = rules.results(t, rules.profile("ALLOW", ("getpid", "ERRNO", {"args": args})), rules.call("getpid", hit),
                          rules.call("getpid", missed))
    equal(found, [-rules.EPERM, 1], "results")


@parametrize("action", ["SCMP_ACT_MAYBE", "SCMP_ACT_KILL_ALL", "ALLOW", "scmp_act_allow", "SCMP_ACT_"])
def test_an_action_that_is_not_listed_is_refused(t, action):
    """create refuses the action in a profile that is otherwise valid."""
    true(action not in words(t, "actions"), "it is listed")
    seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getuid"], "action": action}]}
    true(not accepted(t, lambda config: config["linux"].update(seccomp=seccomp)), "it was accepted")


@parametrize("operator", ["SCMP_CMP_LIKE", "EQ", "scmp_cmp_eq", "SCMP_CMP_"])
def test_an_operator_that_is_not_listed_is_refused(t, operator):
    """create refuses the operator in a profile that is otherwise valid."""
    true(operator not in words(t, "operators"), "it is listed")
    rule = ("getpid", "ERRNO", {"args": [{"index": 0, "value": 1, "op": operator}]})
    profile = rules.profile("ALLOW", rule)
    true(not accepted(t, lambda config: config["linux"].update(seccomp=profile)), "it was accepted")


@needs(rules.x86_64)
@parametrize("arch", [*ARCHITECTURES, "Z80", "TILE"])
def test_an_architecture_is_listed_if_it_is_taken(t, arch):
    """The profile has the machine's own architecture too; libseccomp makes no filter for two byte orders."""
    box = t.container("true")
    box.bundle.edit(lambda config: config["linux"].update(seccomp=rules.profile(
        "ALLOW", ("getuid", "ERRNO"), architectures=["SCMP_ARCH_X86_64", f"SCMP_ARCH_{arch}"])))
    result = box.create()
    other_order = result.code != 0 and "numerical argument out of domain" in result.err
    listed = f"SCMP_ARCH_{arch}" in words(t, "archs")
    agree(listed, result.code == 0 or other_order, arch)
    equal(other_order, listed and arch in BIG_ENDIAN, "refused for its byte order")


@differs("runc 1.1.5 lists no flags")
@parametrize("flag", FLAGS)
def test_a_flag_is_supported_if_it_is_taken(t, flag):
    """One flag needs an agent, so the profile has an agent. A known flag may be refused only because the kernel is too old."""
    name = f"SECCOMP_FILTER_FLAG_{flag}"
    agent = Agent(t.scratch / "agent")
    result = t.container(bundle=notifying(t, agent.path, "mkdir", flags=[name])).create()
    agree(name in words(t, "supportedFlags"), result.code == 0, flag)
    equal(name in words(t, "knownFlags"), result.code == 0 or "Linux 5.19" in result.err, f"{flag} is known")


def test_every_word_of_seccomp_has_its_proof(t):
    """A case above tries each listed word."""
    for name, prefix, tried in (("actions", "SCMP_ACT_", ACTIONS), ("operators", "SCMP_CMP_", OPERATORS),
                                ("archs", "SCMP_ARCH_", ARCHITECTURES), ("knownFlags", "SECCOMP_FILTER_FLAG_", FLAGS)):
        equal(set(words(t, name)) - {prefix + word for word in tried}, set(), f"{name} without a proof")
    true(features(t)["linux"]["seccomp"]["enabled"], "seccomp is not enabled")
