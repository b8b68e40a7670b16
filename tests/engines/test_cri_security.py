# SPDX-License-Identifier: Apache-2.0
"""The security context of the CRI: users, capabilities, seccomp, paths."""

import json
import os
import pathlib

from cases import case
from harness import contains, equal, signal_set, status_field, true

DEFAULT, UNCONFINED, LOCALHOST = range(3)
USER = {"run_as_user": {"value": 1000}}


def status(t, **security):
    return t.pod().output("cat", "/proc/self/status", security=security)


def bits(text, name):
    return {number - 1 for number in signal_set(text, name)}


@case()
def user(t):
    """run_as_user, run_as_group and supplemental_groups are the ids of the process, and of what is executed."""
    box = t.pod().sleeper(security={**USER, "run_as_group": {"value": 2000}, "supplemental_groups": [3000, 3001]})
    for out in (pathlib.Path(f"/proc/{box.pid()}/status").read_text(), box.exec_output("cat", "/proc/self/status")):
        equal(status_field(out, "Uid").split(), ["1000"] * 4, "uid")
        equal(status_field(out, "Gid").split(), ["2000"] * 4, "gid")
        true({"3000", "3001"} <= set(status_field(out, "Groups").split()), f"groups: {status_field(out, 'Groups')}")


@case()
def user_name(t):
    """run_as_username is looked up in the container's own passwd, with its groups."""
    out = status(t, run_as_username="user")
    equal(status_field(out, "Uid").split()[0], "1000", "uid")
    contains(status_field(out, "Groups").split(), "2000", "groups")


@case()
def read_only_root(t):
    """readonly_rootfs: the root cannot be written, a mount can."""
    mount = {"container_path": "/data", "host_path": str(t.directory)}
    out = t.pod().output("sh", "-c", "(echo >/new) 2>&1; echo ok >/data/new", security={"readonly_rootfs": True},
                         mounts=[mount])
    contains(out, "ead-only file system", "output")
    equal((t.directory / "new").read_text(), "ok\n", "the file on the host")


@case()
def capabilities(t):
    """Capabilities are added to and dropped from the usual ones."""
    pod = t.pod()
    usual = bits(pod.output("cat", "/proc/self/status"), "CapEff")
    changes = {"add_capabilities": ["SYS_PTRACE"], "drop_capabilities": ["CHOWN"]}
    changed = pod.output("cat", "/proc/self/status", security={"capabilities": changes})
    for name in ("CapEff", "CapPrm", "CapBnd"):
        equal(bits(changed, name), usual - {0} | {19}, name)


@case()
def no_capabilities(t):
    """drop ALL leaves none, but for what is added beside it."""
    out = status(t, capabilities={"add_capabilities": ["NET_BIND_SERVICE"], "drop_capabilities": ["ALL"]})
    equal(bits(out, "CapEff"), {10}, "CapEff")
    equal(bits(out, "CapBnd"), {10}, "CapBnd")


@case(each=[("RuntimeDefault", DEFAULT, "2"), ("Unconfined", UNCONFINED, "0")])
def seccomp(t, _, kind, mode):
    """The seccomp profile {0} is mode {2} of the process."""
    out = t.pod().output("sh", "-c", "cat /proc/self/status; unshare -U true 2>&1; true",
                         security={"seccomp": {"profile_type": kind}})
    equal(status_field(out, "Seccomp"), mode, "mode")
    equal("Operation not permitted" in out, mode == "2", "unshare is refused")


@case()
def seccomp_of_a_file(t):
    """A Localhost profile filters the calls of the container and of what is executed in it."""
    profile = {"defaultAction": "SCMP_ACT_ALLOW",
               "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}
    (t.directory / "profile").write_text(json.dumps(profile))
    seccomp = {"profile_type": LOCALHOST, "localhost_ref": str(t.directory / "profile")}
    box = t.pod().container("sh", "-c", "mkdir /tmp/a 2>&1; sleep 600", security={"seccomp": seccomp})
    box.says("No space left on device")
    contains(box.exec("mkdir", "/tmp/b").stderr.decode(), "No space left on device", "what mkdir said")


@case(smoke=True)
def paths(t):
    """Masked paths are empty, read-only paths cannot be written: these, and no others."""
    script = "wc -c </proc/keys; ls /proc/driver | wc -l; (echo x >/proc/sys/kernel/hostname) 2>&1; true"
    out = t.pod().output("sh", "-c", script, security={"masked_paths": ["/proc/keys", "/proc/driver"],
                                                       "readonly_paths": ["/proc/sys"]})
    equal(out.splitlines()[:2], ["0", "0"], "what is seen of the masked")
    contains(out, "ead-only file system", "what the shell said")


@case(each=[True, False])
def no_new_privileges(t, wanted):
    """no_new_privs {} is that of the process."""
    equal(status_field(status(t, no_new_privs=wanted), "NoNewPrivs"), str(int(wanted)), "NoNewPrivs")


@case()
def privileged(t):
    """A privileged container has the capabilities of the machine, its devices, a writable /sys, and no filter."""
    os.mknod("/dev/of-the-host", 0o20666, os.makedev(1, 3))
    try:
        pod = t.pod(security={"privileged": True})
        out = pod.output("sh", "-c", "cat /proc/self/status /proc/mounts; ls /dev", security={"privileged": True})
    finally:
        os.unlink("/dev/of-the-host")
    ours = bits(pathlib.Path("/proc/self/status").read_text(), "CapBnd")
    equal(bits(out, "CapEff") & ours, ours, "capabilities")
    equal(status_field(out, "Seccomp"), "0", "mode of seccomp")
    contains(out, "of-the-host", "devices")
    contains(out, "sysfs /sys sysfs rw", "mounts")
