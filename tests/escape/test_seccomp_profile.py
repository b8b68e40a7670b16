# SPDX-License-Identifier: Apache-2.0
"""E46: a profile that allows next to nothing. (That `exec` loads the filter, too, waits for that verb.)"""

from harness import equal, true
from marks import attacker, parametrize
from world import ended_well

LENIENT = {"defaultAction": "SCMP_ACT_ALLOW",
           "syscalls": [{"names": ["getppid", "chroot"], "action": "SCMP_ACT_KILL_PROCESS"}]}
WITH_NNP = ["execve", "write", "exit_group"]
WITHOUT = [*WITH_NNP, "capset"]
ABIS = [["SCMP_ARCH_X86_64"], ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]]


def minimal_box(t, names, architectures, *words, privileges=False, others=None):
    """A container of the program that needs next to nothing, with a profile that allows these calls only."""
    bundle = t.plant(t.bundle("/minimal", *words, noNewPrivileges=not privileges), "minimal")
    seccomp = {"defaultAction": "SCMP_ACT_KILL_PROCESS", "architectures": architectures,
               "syscalls": [{"names": names, "action": "SCMP_ACT_ALLOW"}], **(others or {})}
    return t.container(bundle=bundle.edit(lambda config: config["linux"].update(seccomp=seccomp)))


LISTS = [("no_new_privs", WITH_NNP, False), ("without no_new_privs", WITHOUT, True)]


@attacker("A2")
@parametrize("_, names, privileges", LISTS)
def test_E46_filter_is_loaded_last(t, _, names, privileges):
    """The program starts with a profile of just its own calls, so nothing of the runtime runs after the filter; the
    filter is there."""
    for verb in ("run", "create"):
        box = minimal_box(t, names, ABIS[0], "native", privileges=privileges)
        if verb == "run":
            result = ended_well(t, box.run())
            equal((result.out, result.code), ("alive\n", 159), f"stdout and exit code of {result}")
        else:
            box.create().exits(0)
            box.start().exits(0)
            equal(box.wait(), -31, "status")


@attacker("A2")
@parametrize("_, names, privileges", LISTS)
def test_E46_harmless_program_with_enough_calls(t, _, names, privileges):
    """With an ordinary allowance the program lives."""
    del names
    box = minimal_box(t, ["getpid"], ABIS[0], "native", privileges=privileges,
                      others={"defaultAction": "SCMP_ACT_ALLOW"})
    result = box.run()
    equal((result.out, result.code), ("alive\nsurvived\n", 0), f"stdout and exit code of {result}")


DOORS = [(f"{door}, {len(architectures)} architectures", door, architectures) for door in ("native", "i386", "x32")
         for architectures in ABIS]


@attacker("A2")
@parametrize("_, door, architectures", DOORS)
def test_E46_forbidden_call(t, _, door, architectures):
    """A forbidden call dies by whatever door of the kernel it comes: native, i386, x32."""
    result = minimal_box(t, [], architectures, door, others=LENIENT).run()
    true("alive" in result.out and "survived" not in result.out and result.code != 0, f"it lived: {result}")


@attacker("A2")
@parametrize("*_", DOORS[:1])
def test_E46_harmless_allowed_calls(t, _):
    """The same program without the call ends well."""
    result = minimal_box(t, [], ABIS[1], others=LENIENT).run()
    equal((result.out, result.code), ("alive\n", 0), f"stdout and exit code of {result}")


UNKNOWN = [("action", {"defaultAction": "SCMP_ACT_PLEASE"}), ("architecture", {"architectures": ["SCMP_ARCH_BEER"]}),
           ("flag", {"flags": ["SECCOMP_FILTER_FLAG_BEER"]}), ("operator", {"syscalls": [
               {"names": ["write"], "action": "SCMP_ACT_ALLOW",
                "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_XX"}]}]}),
           ("index", {"syscalls": [
               {"names": ["write"], "action": "SCMP_ACT_ALLOW",
                "args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]}]}),
           ("action of a rule", {"syscalls": [{"names": ["write"], "action": "SCMP_ACT_BEER"}]}),
           ("notify without a listener", {"syscalls": [{"names": ["execve", "write"], "action": "SCMP_ACT_NOTIFY"}]}),
           ("notify with nobody there", {"listenerPath": "/no/such/socket",
                                         "syscalls": [{"names": ["execve"], "action": "SCMP_ACT_NOTIFY"}]})]


@attacker("A4")
@parametrize("_, others", UNKNOWN)
def test_E46_unknown_words_of_a_profile(t, _, others):
    """An action, architecture, flag or comparison that nobody knows, or a notification for nobody, is refused: never a
    weaker filter."""
    result = ended_well(t, minimal_box(t, [], ABIS[0], others={**LENIENT, **others}).run())
    true(result.code != 0 and "alive" not in result.out, f"it started: {result}")


@attacker("A4")
@parametrize("*_", UNKNOWN[:1])
def test_E46_harmless_unknown_calls_of_a_profile(t, _):
    """A call that this library does not know is passed over, as engines need it."""
    rules = [{"names": ["chroot", "no_such_call_yet"], "action": "SCMP_ACT_KILL_PROCESS"}]
    result = minimal_box(t, [], ABIS[0], others={**LENIENT, "syscalls": rules}).run()
    equal((result.out, result.code), ("alive\n", 0), f"stdout and exit code of {result}")
