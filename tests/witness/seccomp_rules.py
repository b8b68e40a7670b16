# SPDX-License-Identifier: Apache-2.0
"""What a filter of config.json answers to the calls the probe makes; config-linux.md, "Seccomp"."""

import errno

ARGUMENTS = {  # the calls of the probe: (name, arguments that a filter can compare)
    "sethostname": ("sethostname", [0, 2**64 - 1]), "setdomainname": ("setdomainname", [0, 2**64 - 1]),
    "swapoff": ("swapoff", [0]), "reboot": ("reboot", [0, 0, 0, 0]), "chroot": ("chroot", []),
    "unshare": ("unshare", [0]), "setns": ("setns", [2**64 - 1, 0]), "clone3": ("clone3", [0, 0]),
    "personality_linux": ("personality", [0]), "personality_bsd": ("personality", [6]), "mkdirat": ("mkdirat", []),
}
COMPARISONS = {
    "SCMP_CMP_NE": lambda have, value, _: have != value, "SCMP_CMP_LT": lambda have, value, _: have < value,
    "SCMP_CMP_LE": lambda have, value, _: have <= value, "SCMP_CMP_EQ": lambda have, value, _: have == value,
    "SCMP_CMP_GE": lambda have, value, _: have >= value, "SCMP_CMP_GT": lambda have, value, _: have > value,
    "SCMP_CMP_MASKED_EQ": lambda have, value, two: have & value == two,
}


def matches(rule, name, arguments):
    return name in rule["names"] and all(
        COMPARISONS[each["op"]](arguments[each["index"]], each["value"], each.get("valueTwo", 0))
        for each in rule.get("args") or [])


def answers(seccomp):
    """{call of the probe: name of the error} for those that the filter refuses."""
    refused = {}
    for call, (name, arguments) in ARGUMENTS.items() if seccomp else ():
        for rule in seccomp.get("syscalls") or []:
            if matches(rule, name, arguments) and rule["action"] == "SCMP_ACT_ERRNO":
                refused[call] = errno.errorcode[rule.get("errnoRet", errno.EPERM)]
    return refused
