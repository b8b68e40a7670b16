# SPDX-License-Identifier: Apache-2.0
"""A hook on the host that writes down what it was given: hook_witness.py LOG writes LOG.stdin, LOG.env, ...

 /proc/self is right in every pid namespace, whichever procfs is mounted: a hook in the container's namespaces may see the
 host's. The output has forms that a shell in the container can produce too; see hooks.py.
 """

import os
import sys

LOG = sys.argv[1]


def write(name, content):
    with open(f"{LOG}.{name}", "wb") as file:
        file.write(content)


def read(name):
    with open(f"/proc/self/{name}", "rb") as file:
        return file.read()


def listing(directory):
    """The form of `ls -l`. A name that cannot be read any more was the listing's own descriptor."""
    lines = []
    for name in sorted(os.listdir(directory)):
        try:
            lines.append(f"l {name} -> {os.readlink(f'{directory}/{name}')}\n".encode())
        except OSError:
            pass
    return b"".join(lines)


descriptors = listing("/proc/self/fd")  # first: before this program opens anything
write("fds", descriptors)
write("stdin", sys.stdin.buffer.read())
for each, place in (("env", "environ"), ("argv", "cmdline")):
    write(each, read(place).replace(b"\0", b"\n"))
write("cwd", os.readlink("/proc/self/cwd").encode())
write("ns", listing("/proc/self/ns"))
write("status", read("status"))
write("done", b"")
