# SPDX-License-Identifier: Apache-2.0
"""bpf(2) for cases: looks at, attaches and detaches the device programs of a cgroup, as hooks and service managers do."""

import contextlib
import ctypes
import os
import platform
import struct

NUMBER = {"x86_64": 321, "aarch64": 280}[platform.machine()]
LOAD, ATTACH, DETACH, GET_FD_BY_ID, GET_INFO, QUERY = 5, 8, 9, 13, 15, 16
CGROUP_DEVICE_PROGRAM, CGROUP_DEVICE, ALLOW_MULTI = 15, 6, 2
OURS = "bulkhead_dev"
ALLOW_ALL = struct.pack("<BBhi", 0xb7, 0, 0, 1) + struct.pack("<BBhi", 0x95, 0, 0, 0)  # r0 = 1; exit

libc = ctypes.CDLL(None, use_errno=True)


def call(command, attribute):
    """The result of bpf(2), and the attribute as the kernel left it. Zeros follow the attribute, because the kernels from
     6.17 to 7.1 need the room."""
    buffer = ctypes.create_string_buffer(attribute.ljust(256, b"\0"), 256)
    result = libc.syscall(NUMBER, command, buffer, 256)
    if result == -1:
        raise OSError(ctypes.get_errno(), f"bpf({command})")
    return result, buffer.raw


@contextlib.contextmanager
def opened(path):
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield number
    finally:
        os.close(number)


def attached(cgroup):
    """The ids of the device programs attached to this cgroup itself at one moment, oldest first."""
    ids = (ctypes.c_uint32 * 64)()
    with opened(cgroup) as directory:
        _, answer = call(QUERY, struct.pack("<IIIIQI", directory, CGROUP_DEVICE, 0, 0, ctypes.addressof(ids), 64))
    return ids[:struct.unpack_from("<I", answer, 24)[0]]


def programs(cgroup):
    """{id: name} of the device programs attached to this cgroup itself, oldest first; omits a program that vanishes meanwhile."""
    found = {}
    for number in attached(cgroup):
        with contextlib.suppress(FileNotFoundError):
            found[number] = name_of(number)
    return found


def name_of(program):
    info = ctypes.create_string_buffer(512)
    number, _ = call(GET_FD_BY_ID, struct.pack("<I", program))
    try:
        call(GET_INFO, struct.pack("<IIQ", number, 512, ctypes.addressof(info)))
    finally:
        os.close(number)
    return info.raw[64:80].rstrip(b"\0").decode()


def is_loaded(program):
    try:
        name_of(program)
    except FileNotFoundError:
        return False
    return True


def attach(cgroup, name, code=ALLOW_ALL):
    """Loads a program of this name and attaches it beside those already attached."""
    text, license_text = ctypes.create_string_buffer(code), ctypes.create_string_buffer(b"Apache-2.0")
    number, _ = call(LOAD, struct.pack("<IIQQIIQII16sII", CGROUP_DEVICE_PROGRAM, len(code) // 8, ctypes.addressof(text),
                                       ctypes.addressof(license_text), 0, 0, 0, 0, 0, name.encode(), 0, CGROUP_DEVICE))
    try:
        with opened(cgroup) as directory:
            call(ATTACH, struct.pack("<IIII", directory, number, CGROUP_DEVICE, ALLOW_MULTI))
    finally:
        os.close(number)


def detach(cgroup, program):
    number, _ = call(GET_FD_BY_ID, struct.pack("<I", program))
    try:
        with opened(cgroup) as directory:
            call(DETACH, struct.pack("<III", directory, number, CGROUP_DEVICE))
    finally:
        os.close(number)
