# SPDX-License-Identifier: Apache-2.0
"""Turns itself into a strange caller and executes a program: launcher.py JSON PROGRAM ARGS...

 It is a separate program, because what it sets up (closed descriptors, leaked descriptors, masks) would
 disturb the process that runs the case. JSON keys: fds {number: path}, close [numbers], umask,
 block [signals], ignore [signals], rlimits {name: [soft, hard]}, groups [gids], tty (path),
 without_capabilities [numbers], nice (the increment), refuse {system call number: errno},
 mountinfo (one line to add).
 """

import ctypes
import fcntl
import json
import os
import resource
import signal
import struct
import sys
import tempfile
import termios

MS_BIND = 4096


def open_at(number, path):
    """Leaks `path` as the inheritable descriptor `number`."""
    opened = os.open(path, os.O_RDWR)
    if opened != number:
        os.dup2(opened, number, inheritable=True)
        os.close(opened)
    os.set_inheritable(number, True)


def take_terminal(path):
    os.setsid()
    slave = os.open(path, os.O_RDWR)
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for number in (0, 1, 2):
        os.dup2(slave, number, inheritable=True)
    if slave > 2:
        os.close(slave)


def set_signals(blocked, ignored):
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores these; a shell does not
        signal.signal(number, signal.SIG_DFL)
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, blocked)


def prctl(option, *arguments):
    if ctypes.CDLL(None, use_errno=True).prctl(option, *arguments, *[0] * (4 - len(arguments))) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def refuse(calls):
    """A seccomp filter that answers these calls with an errno, as some service managers do."""
    load, equal, give = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
    program = [(load, 0, 0, 0)]
    for number, error in calls.items():
        program += [(equal, 0, 1, int(number)), (give, 0, 0, 0x00050000 | error)]
    program.append((give, 0, 0, 0x7fff0000))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
    prctl(22, 2, header)  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER


def extend_mountinfo(line):
    """Adds a line to the mountinfo that the program reads. The kernel removes a mount on a file of /proc/PID with the process."""
    path = f"/proc/{os.getpid()}/mountinfo"
    with tempfile.NamedTemporaryFile("w") as text, open(path, encoding="utf-8") as mounts:
        text.write(mounts.read() + line + "\n")
        text.flush()
        if ctypes.CDLL(None, use_errno=True).mount(text.name.encode(), path.encode(), None, MS_BIND, None) != 0:
            raise OSError(ctypes.get_errno(), f"mount({path})")


def main():
    setup, command = json.loads(sys.argv[1]), sys.argv[2:]
    if "tty" in setup:
        take_terminal(setup["tty"])
    if "groups" in setup:
        os.setgroups(setup["groups"])
    if "umask" in setup:
        os.umask(setup["umask"])
    os.nice(setup.get("nice", 0))
    for name, limits in setup.get("rlimits", {}).items():
        resource.setrlimit(getattr(resource, name), tuple(limits))
    set_signals(setup.get("block", []), setup.get("ignore", []))
    for number in setup.get("without_capabilities", []):  # after execve root has the bounding set
        prctl(24, number)  # PR_CAPBSET_DROP
    if "mountinfo" in setup:
        extend_mountinfo(setup["mountinfo"])
    for number, path in setup.get("fds", {}).items():
        open_at(int(number), path)
    for number in setup.get("close", []):
        os.close(number)
    if "refuse" in setup:
        refuse(setup["refuse"])
    os.execv(command[0], command)


main()
