# SPDX-License-Identifier: Apache-2.0
"""Pods with a user namespace (hostUsers: false)."""

import os
import pathlib

from cases import case
from harness import contains, equal, true

MAP = [{"host_id": 100000, "container_id": 0, "length": 65536}]
USERS = {"namespace_options": {"userns_options": {"mode": "POD", "uids": MAP, "gids": MAP}}}


def too_old(words):
    return {"bookworm": ("containerd 1.6 knows no user namespaces of pods", words)}


@case(fails=too_old("it is not the host's"))
def user_namespace(t):
    """A pod and its containers share a user namespace with the ids of the host that it was given."""
    pod = t.pod(network="POD", security=USERS)
    box, other = pod.sleeper(), pod.sleeper()
    spaces = {os.readlink(f"/proc/{pid}/ns/user") for pid in (pod.pid(), box.pid(), other.pid())}
    equal(len(spaces), 1, "user namespaces")
    true(os.readlink("/proc/self/ns/user") not in spaces, "it is not the host's")
    equal(pathlib.Path(f"/proc/{box.pid()}/uid_map").read_text().split(), ["0", "100000", "65536"], "the map")
    equal(os.stat(f"/proc/{box.pid()}").st_uid, 100000, "the owner of the process, seen from the host")
    equal(box.exec_output("stat", "-c", "%u:%g", "/bin/busybox"), "0:0\n", "the owner of a file, seen inside")
    contains(box.exec_output("cat", "/proc/self/status"), "Uid:\t0\t0\t0\t0", "what exec is")


@case(fails=too_old("seen from the host is 0"))
def files_of_a_user_namespace(t):
    """What such a container writes belongs to it inside; it has its network's interface to itself."""
    box = t.pod(network="POD", security=USERS).sleeper()
    box.exec_output("sh", "-c", "echo mine >/tmp/file")
    equal(box.exec_output("stat", "-c", "%u %s", "/tmp/file"), "0 5\n", "the file, seen inside")
    equal(os.stat(f"/proc/{box.pid()}/root/tmp/file").st_uid, 100000, "the file, seen from the host")
    contains(box.exec_output("ip", "address", "show", "eth0"), "inet 10.88.77.", "the interface")
