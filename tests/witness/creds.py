# SPDX-License-Identifier: Apache-2.0
"""Who the program is after execve, as capabilities(7), credentials(7) and path_resolution(7) say."""

import dataclasses

CAPABILITIES = (
    "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service "
    "net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct "
    "sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap "
    "mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore").split()

NOBODY = 65534  # what an id looks like that a user namespace does not map


def named(mask):
    return {name for bit, name in enumerate(CAPABILITIES) if mask >> bit & 1}


def in_order(names):
    return " ".join(name for name in CAPABILITIES if name in names) or "none"


@dataclasses.dataclass
class Credentials:
    uid: int
    gid: int
    groups: list
    bounding: set
    effective: set
    permitted: set
    inheritable: set
    ambient: set
    gained: bool  # execve gave something that the process did not have
    host_root: bool  # uid 0 of the machine, not of a user namespace

    def may(self, node, bits):
        """DAC for a file as the container sees it; bits: 4 read, 2 write, 1 search."""
        ours = self.host_root or NOBODY not in (node.uid, node.gid)  # user_namespaces(7): only where the ids are mapped
        if ours and ("dac_override" in self.effective or ("dac_read_search" in self.effective and not bits & 2)):
            return True
        mode = node.mode
        if node.uid == self.uid:
            mode >>= 6
        elif node.gid in [self.gid, *self.groups]:
            mode >>= 3
        return mode & bits == bits


@dataclasses.dataclass(frozen=True)
class Node:
    mode: int
    uid: int
    gid: int


def asked(config, kind):
    names = (config["process"].get("capabilities") or {}).get(kind) or []
    return {name.removeprefix("CAP_").lower() for name in names}


def after_execve(config, facts):
    """The standard sets the five sets; execve then transforms them (capabilities(7), "Transformation")."""
    process, grantable = config["process"], named(facts.capabilities)
    user = process.get("user", {})
    old = {kind: asked(config, kind) & grantable
           for kind in ("bounding", "effective", "permitted", "inheritable", "ambient")}
    # prctl(2), PR_CAP_AMBIENT_RAISE: only what is permitted and inheritable can be ambient.
    ambient = old["ambient"] & old["permitted"] & old["inheritable"]
    root = user.get("uid", 0) == 0
    permitted = old["inheritable"] | old["bounding"] if root else set()
    held = set(old["permitted"])
    if config["linux"].get("seccomp") and not process.get("noNewPrivileges"):
        held.add("sys_admin")  # seccomp(2): whoever loads a filter without no_new_privs; execve takes it away
    gained = not permitted <= held
    if gained and process.get("noNewPrivileges"):
        permitted &= old["permitted"]
        gained = False
    permitted = permitted | ambient
    own_users = any(each["type"] == "user" for each in config["linux"].get("namespaces", []))
    return Credentials(
        uid=user.get("uid", 0), gid=user.get("gid", 0), groups=sorted(user.get("additionalGids") or []),
        bounding=old["bounding"], effective=permitted if root else ambient, permitted=permitted,
        inheritable=old["inheritable"], ambient=ambient, gained=gained, host_root=not own_users)
