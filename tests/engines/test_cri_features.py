# SPDX-License-Identifier: Apache-2.0
"""What only containerd 2 asks a runtime for over the CRI, since it reads the runtime's `features`."""

import pathlib

from cases import GUEST, case
from harness import contains, equal
from test_cri_userns import MAP, USERS


def older(what, words, other_words=None):
    return {"bookworm": (f"containerd 1.6 {what}", words), "trixie": (f"containerd 1.7 {what}", other_words or words)}


NO_RECURSION = older("knows no recursive read-only mounts", "below it is read-only")
NO_FEATURES = older("tells nothing of its handlers", "KeyError")
NO_IDS = older("gives such a pod no mounts with ids of their own", "the map is", "idmap mounts not yet supported")
VOLUME = pathlib.Path("/tmp/volume")  # on no overlay, which has no such ids before Linux 6.13


@case(place=GUEST, fails=NO_RECURSION)
def recursive_read_only(t):
    """A mount that is read-only recursively can be written nowhere, while an ordinary one leaves what is below it."""
    t.fresh_directory(VOLUME)
    below = VOLUME / "below"
    below.mkdir()
    t.shell("mount", "-t", "tmpfs", "below", below).exits(0)
    try:
        pod = t.pod()
        for recursive in (False, True):
            mount = {"container_path": "/data", "host_path": str(VOLUME), "readonly": True,
                     "recursive_read_only": recursive}
            out = pod.output("sh", "-c", "touch /data/top /data/below/file 2>&1; true", mounts=[mount])
            contains(out, "/data/top: Read-only file system", "what touch said")
            equal("/data/below/file: Read-only" in out, recursive, f"below it is read-only: {out}")
            equal((below / "file").exists(), not recursive, "a file is made below it")
            (below / "file").unlink(missing_ok=True)
    finally:
        t.sweep()
        t.shell("umount", below).exits(0)


@case(place=GUEST, fails=NO_FEATURES)
def features(t):
    """Of the handler it is told what the runtime's `features` say: user namespaces and recursive read-only mounts."""
    t.pod().output("true")
    told = {each.name: each.features for each in t("Status").runtime_handlers}
    equal((told[t.runtime].user_namespaces, told[t.runtime].recursive_read_only_mounts), (True, True), "features")


@case(place=GUEST, fails=NO_IDS)
def volume_of_a_user_namespace(t):
    """A volume of such a pod has the ids that it has on the host, through a mount with the pod's ids."""
    t.fresh_directory(VOLUME)
    (VOLUME / "mine").write_text("text\n")
    mount = {"container_path": "/data", "host_path": str(VOLUME), "uidMappings": MAP, "gidMappings": MAP}
    box = t.pod(security=USERS, network="POD").sleeper(mounts=[mount])
    equal(box.exec_output("cat", "/proc/self/uid_map").split(), ["0", "100000", "65536"], "the map")
    equal(box.exec_output("stat", "-c", "%u:%g", "/data/mine"), "0:0\n", "the owner, seen inside")
    box.exec_output("touch", "/data/new")
    equal((VOLUME / "new").stat().st_uid, 0, "the owner of a new file, seen from the host")
