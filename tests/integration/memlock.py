# SPDX-License-Identifier: Apache-2.0
"""Answers attempts to change RLIMIT_MEMLOCK with success.

crun raises this limit before it loads a filter of devices, and gives up if root has no CAP_SYS_RESOURCE. Since
 Linux 5.11 the limit does not apply to eBPF.
"""

import ctypes
import pathlib
import struct

CAP_SYS_RESOURCE = 24
RLIMIT_MEMLOCK = 8
PRLIMIT64 = 302  # x86_64; glibc's setrlimit and getrlimit call it
LOAD, EQUAL, GIVE = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
CALL, RESOURCE, NEW = 0, 16 + 8, 16 + 2 * 8  # offsets in struct seccomp_data
ALLOW, SUCCESS = 0x7fff0000, 0x00050000  # SECCOMP_RET_ALLOW; SECCOMP_RET_ERRNO with no error

FILTER = [(LOAD, 0, 0, CALL), (EQUAL, 0, 7, PRLIMIT64), (LOAD, 0, 0, RESOURCE), (EQUAL, 0, 5, RLIMIT_MEMLOCK),
          (LOAD, 0, 0, NEW), (EQUAL, 0, 2, 0), (LOAD, 0, 0, NEW + 4), (EQUAL, 1, 0, 0),
          (GIVE, 0, 0, SUCCESS), (GIVE, 0, 0, ALLOW)]  # a null pointer there only asks for the limit


def may_raise_limits():
    status = pathlib.Path("/proc/self/status").read_text()
    effective = status.partition("CapEff:\t")[2].splitlines()[0]
    return bool(int(effective, 16) >> CAP_SYS_RESOURCE & 1)


def intercept():
    """Acts on this process and what it executes from here on; changes nothing if root may raise limits."""
    if may_raise_limits():
        return
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in FILTER))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(FILTER), ctypes.addressof(code)))
    if ctypes.CDLL(None, use_errno=True).prctl(22, 2, program, 0, 0) != 0:  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
        raise OSError(ctypes.get_errno(), "prctl")
