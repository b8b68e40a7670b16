# SPDX-License-Identifier: Apache-2.0
"""Pods with a user namespace (hostUsers: false), and recursive read-only mounts."""

import os
import pathlib

from cases import case
from harness import contains, equal, true

MAP = [{"host_id": 100000, "container_id": 0, "length": 65536}]
USERS = {"namespace_options": {"userns_options": {"mode": "POD", "uids": MAP, "gids": MAP}}}
TOO_OLD = {"bookworm": "containerd 1.6 knows no user namespaces of pods"}
NO_RECURSION = {"bookworm": "containerd 1.6 knows no recursive read-only mounts",
                "trixie": "containerd 1.7 knows no recursive read-only mounts"}


@case(fails=TOO_OLD)
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


@case(fails=TOO_OLD)
def files_of_a_user_namespace(t):
    """What such a container writes belongs to it inside; it has its network's interface to itself."""
    box = t.pod(network="POD", security=USERS).sleeper()
    box.exec_output("sh", "-c", "echo mine >/tmp/file")
    equal(box.exec_output("stat", "-c", "%u %s", "/tmp/file"), "0 5\n", "the file, seen inside")
    equal(os.stat(f"/proc/{box.pid()}/root/tmp/file").st_uid, 100000, "the file, seen from the host")
    contains(box.exec_output("ip", "address", "show", "eth0"), "inet 10.88.77.", "the interface")


@case(fails=NO_RECURSION)
def recursive_read_only(t):
    """A mount that is read-only recursively can be written nowhere, while an ordinary one leaves what is below it."""
    volume = t.directory / "volume"
    (volume / "below").mkdir(parents=True)
    t.shell("mount", "-t", "tmpfs", "below", volume / "below").exits(0)
    try:
        pod = t.pod()
        for recursive in (False, True):
            mount = {"container_path": "/data", "host_path": str(volume), "readonly": True,
                     "recursive_read_only": recursive}
            out = pod.output("sh", "-c", "touch /data/top /data/below/file 2>&1; true", mounts=[mount])
            contains(out, "/data/top: Read-only file system", "what touch said")
            equal("/data/below/file: Read-only" in out, recursive, f"below it is read-only: {out}")
            equal((volume / "below/file").exists(), not recursive, "a file is made below it")
            (volume / "below/file").unlink(missing_ok=True)
    finally:
        t.sweep()
        t.shell("umount", volume / "below").exits(0)


@case(fails={**NO_RECURSION, "trixie": "containerd 1.7 tells nothing of its handlers"})
def features(t):
    """Of the handler it is told what the runtime's `features` say: user namespaces and recursive read-only mounts."""
    t.pod().output("true")
    told = {each.name: each.features for each in t("Status").runtime_handlers}
    equal((told[t.runtime].user_namespaces, told[t.runtime].recursive_read_only_mounts), (True, True), "features")


@case(fails={**TOO_OLD, "trixie": "containerd 1.7 gives such a pod no mounts with ids of their own"})
def volume_of_a_user_namespace(t):
    """A volume of such a pod has the ids that it has on the host, through a mount with the pod's ids."""
    (t.directory / "mine").write_text("text\n")
    mount = {"container_path": "/data", "host_path": str(t.directory), "uidMappings": MAP, "gidMappings": MAP}
    box = t.pod(security=USERS, network="POD").sleeper(mounts=[mount])
    equal(box.exec_output("cat", "/proc/self/uid_map").split(), ["0", "100000", "65536"], "the map")
    equal(box.exec_output("stat", "-c", "%u:%g", "/data/mine"), "0:0\n", "the owner, seen inside")
    box.exec_output("touch", "/data/new")
    equal((t.directory / "new").stat().st_uid, 0, "the owner of a new file, seen from the host")
