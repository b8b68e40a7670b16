# SPDX-License-Identifier: Apache-2.0
"""A caller that is not root: the same runtime, after programs that give privileges up."""

import os
import pathlib
import shutil

import bundles
import isolation
from harness import Runtime

UID, GID = 12345, 23456
FIRST_SUBID, SUBIDS = 300000, 65536
SETPRIV = ["/usr/bin/setpriv", f"--reuid={UID}", f"--regid={GID}", "--clear-groups"]


def needs_mapping_tools():
    return None if shutil.which("newuidmap") and shutil.which("newgidmap") else "the package uidmap is not installed"


def within_reach(t):
    """The runtime's path, or that of a copy where it lies below a directory that is not for everybody."""
    path = pathlib.Path(t.runtime.path).resolve()
    if all(parent.stat().st_mode & 1 for parent in path.parents):
        return t.runtime.path
    helper = path.parent / "libexec/bulkhead/host-helper"
    if helper.exists():
        (t.scratch / "libexec/bulkhead").mkdir(parents=True)
        shutil.copy(helper, t.scratch / "libexec/bulkhead")
    return shutil.copy(path, t.scratch / "runtime")


class UserRuntime(Runtime):
    """Every command line runs after `prefix`."""

    def __init__(self, t, prefix):
        super().__init__(within_reach(t), t.root, t.scratch, t.null)
        self.prefix = prefix

    def command(self, *arguments, root=True):
        return [*self.prefix, *super().command(*arguments, root=root)]


def become(t, prefix):
    """From here on `t` makes its containers after `prefix`; the case's files are within the user's reach."""
    os.chmod(t.scratch.parent, 0o711)
    os.chown(t.scratch, UID, GID)
    t.runtime = UserRuntime(t, prefix)
    return t


def become_user(t, *flags):
    """A user with one uid, one gid and no groups."""
    return become(t, [*SETPRIV, *flags])


def become_user_with_ranges(t):
    """A user to whom /etc/subuid and /etc/subgid, bound over in a mount namespace of its own, give ranges."""
    (t.scratch / "subid").write_text(f"tester:{FIRST_SUBID}:{SUBIDS}\n")
    passwd = pathlib.Path("/etc/passwd").read_text().splitlines()
    kept = [line for line in passwd if line.split(":")[2] != str(UID)]
    (t.scratch / "passwd").write_text("\n".join([*kept, f"tester:x:{UID}:{GID}::/:/bin/sh", ""]))
    script = (f"mount --bind {t.scratch}/subid /etc/subuid && mount --bind {t.scratch}/subid /etc/subgid && "
              f"mount --bind {t.scratch}/passwd /etc/passwd && exec {' '.join(SETPRIV)} \"$@\"")
    return become(t, ["/usr/bin/unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"])


def become_root_of_a_user_namespace(t):
    """As in rootless podman: uid 0 with all capabilities, over nothing but its own user namespace."""
    return become(t, [*SETPRIV, "/usr/bin/unshare", "--user", "--map-root-user", "--mount"])


def delegate(t, *controlled):
    """A cgroup that belongs to the user, who is in a leaf of it; returns it. The caller removes it."""
    top = pathlib.Path(isolation.cgroup2_mount()) / f"{t.prefix}-user"
    leaf = top / "leaf"
    leaf.mkdir(parents=True)
    for name in (".", "cgroup.procs", "cgroup.subtree_control", "leaf", "leaf/cgroup.procs"):
        os.chown(top / name, UID, GID)
    script = f"echo $$ > {leaf}/cgroup.procs && exec \"$@\""
    t.runtime.prefix = ["sh", "-c", script, "sh", *t.runtime.prefix]
    return top


def mapping(inside, outside, size=1):
    return {"containerID": inside, "hostID": outside, "size": size}


def with_user_namespace(bundle, uids, gids):
    def change(config):
        config["linux"]["namespaces"].append({"type": "user"})
        config["linux"]["uidMappings"], config["linux"]["gidMappings"] = uids, gids
    return bundle.edit(change)


def rootless(bundle, uid=0, gid=0):
    """What `spec --rootless` makes of the default bundle, with the caller's ids seen as `uid` and `gid`."""
    def change(config):
        linux = config["linux"]
        linux["namespaces"] = [{"type": kind} for kind in bundles.DEFAULT_NAMESPACES if kind != "network"]
        linux.pop("resources")
        for mount in config["mounts"]:
            if mount["type"] == "sysfs":
                mount.update(type="none", source="/sys", options=["rbind", "nosuid", "noexec", "nodev", "ro"])
            if mount["type"] == "devpts":
                mount["options"].remove("gid=5")
        config["process"]["user"] = {**config["process"]["user"], "uid": uid, "gid": gid}
    bundle.edit(change)
    return with_user_namespace(bundle, [mapping(uid, UID)], [mapping(gid, GID)])
