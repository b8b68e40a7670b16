# SPDX-License-Identifier: Apache-2.0
"""What `ctr run` says of the process: environment, directory, user, capabilities, seccomp."""

import json
import os

import images
from cases import case
from harness import absent, contains, equal, signal_set, status_field

USER_IMAGE = "localhost/engines/user:latest"
FULL = {number for number in range(41) if number != 24}  # CAP_SYS_RESOURCE: not every machine has it to give


def bits(text, name):
    """The capabilities of a set: numbers from 0 on."""
    return {number - 1 for number in signal_set(text, name)}


@case()
def environment(t):
    """--env and --env-file add to what the image says."""
    (t.directory / "file").write_text("FROM=file\nEMPTY=\n")
    lines = t.output("env", flags=["--env", "A=b c", "--env-file", "file"]).splitlines()
    equal({"A=b c", "FROM=file", "EMPTY=", "PATH=/bin"} - set(lines), set(), "what is missing")


@case()
def directory(t):
    """--cwd is where the program begins."""
    equal(t.output("pwd", flags=["--cwd", "/tmp"]), "/tmp\n", "the directory")


@case()
def user_of_the_image(t):
    """The user and group of the image's configuration are the process's."""
    images.save("/tmp/user.tar", USER_IMAGE, {"Env": ["PATH=/bin"], "User": "1000:2000", "WorkingDir": "/home"})
    t("image", "import", "/tmp/user.tar").exits(0)
    result = t("run", "--rm", *t.words(), USER_IMAGE, "c1", *t.lingering("cat", "/proc/self/status")).exits(0)
    equal(status_field(result.out, "Uid").split(), ["1000"] * 4, "uid")
    equal(status_field(result.out, "Gid").split(), ["2000"] * 4, "gid")
    equal(bits(result.out, "CapEff"), set(), "capabilities")


@case()
def capabilities(t):
    """--cap-add and --cap-drop change the default set, in effect and in the bounding set."""
    usual = t.output("cat", "/proc/self/status")
    changed = t.output("cat", "/proc/self/status", flags=["--cap-add", "CAP_SYS_PTRACE", "--cap-drop", "CAP_CHOWN"])
    for name in ("CapEff", "CapPrm", "CapBnd"):
        equal(bits(changed, name), bits(usual, name) - {0} | {19}, name)


@case()
def privileged(t):
    """--privileged gives every capability that this machine has, a /sys to write, and the host's devices."""
    os.mknod("/dev/of-the-host", 0o20666, os.makedev(1, 3))
    try:
        out = t.output("sh", "-c", "cat /proc/self/status /proc/mounts; ls /dev", flags=["--privileged"])
    finally:
        os.unlink("/dev/of-the-host")
    equal(FULL - bits(out, "CapEff"), set(), "the missing capabilities")
    contains(out, "sysfs /sys sysfs rw", "mounts")
    contains(out, "of-the-host", "devices")


@case()
def not_privileged(t):
    """Without a flag /sys is read-only, /proc/keys masked, and /proc/sys not to be written."""
    script = "cat /proc/mounts; echo keys=$(wc -c </proc/keys); (echo x >/proc/sys/kernel/hostname) 2>&1; true"
    out = t.output("sh", "-c", script)
    contains(out, "sysfs /sys sysfs ro", "mounts")
    contains(out, "\nkeys=0\n", "the size of keys")
    contains(out, "ead-only file system", "what the shell said of /proc/sys")


@case()
def new_privileges(t):
    """A process may gain no privileges, unless --allow-new-privs says so."""
    equal(status_field(t.output("cat", "/proc/self/status"), "NoNewPrivs"), "1", "NoNewPrivs")
    more = t.output("cat", "/proc/self/status", flags=["--allow-new-privs"])
    equal(status_field(more, "NoNewPrivs"), "0", "NoNewPrivs")


@case()
def seccomp(t):
    """--seccomp filters with the default profile, and without it there is no filter."""
    equal(status_field(t.output("cat", "/proc/self/status"), "Seccomp"), "0", "mode")
    out = t.output("sh", "-c", "cat /proc/self/status; unshare -U true 2>&1; true", flags=["--seccomp"])
    equal(status_field(out, "Seccomp"), "2", "mode")
    contains(out, "Operation not permitted", "what unshare said")


@case()
def seccomp_profile(t):
    """--seccomp-profile filters with the calls of a file."""
    profile = {"defaultAction": "SCMP_ACT_ALLOW",
               "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}
    (t.directory / "profile").write_text(json.dumps(profile))
    out = t.output("sh", "-c", "mkdir /tmp/a 2>&1; touch /tmp/b && ls /tmp",
                   flags=["--seccomp", "--seccomp-profile", t.directory / "profile"])
    contains(out, "No space left on device", "what mkdir said")
    absent(out, "a\nb", "the directory")
