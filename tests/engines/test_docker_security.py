# SPDX-License-Identifier: Apache-2.0
"""What docker allows a container, and what it forbids."""

import json

from cases import GUEST, case
from engine import IMAGE
from harness import absent, contains, equal, status_field

# CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL
# AUDIT_WRITE: docker's own choice.
USUAL = sum(1 << bit for bit in (0, 1, 4, 3, 27, 13, 6, 7, 31, 8, 10, 18, 5, 29))
SYS_ADMIN, NET_RAW, CHOWN = 21, 13, 0
OPEN_TO_READ = "(exec 3</d) 2>&1 && echo read"
OPEN_TO_WRITE = "(exec 3>>/d) 2>&1 && echo written"
STATUS = "cat /proc/self/status"


def capabilities(t, *flags):
    text = t.output(STATUS, *flags)
    return {name: int(status_field(text, name), 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}


@case(each=[("default", [], USUAL), ("add", ["--cap-add", "SYS_ADMIN"], USUAL | 1 << SYS_ADMIN),
            ("drop", ["--cap-drop", "NET_RAW", "--cap-drop", "CHOWN"], USUAL & ~(1 << NET_RAW | 1 << CHOWN)),
            ("drop_all", ["--cap-drop", "ALL"], 0),
            ("only_one", ["--cap-drop", "ALL", "--cap-add", "CHOWN"], 1 << CHOWN)])
def root(t, _, flags, expected):
    """Root in the container has the capabilities that docker's options say ({})."""
    found = capabilities(t, *flags)
    equal({name: found[name] for name in ("CapPrm", "CapEff", "CapBnd")},
          dict.fromkeys(("CapPrm", "CapEff", "CapBnd"), expected), "capabilities")
    equal(found["CapAmb"], 0, "ambient")


@case()
def user(t):
    """A user in the container has no capabilities but what is bounding."""
    found = capabilities(t, "--user", "1000")
    equal((found["CapPrm"], found["CapEff"], found["CapBnd"]), (0, 0, USUAL), "capabilities")


@case(place=GUEST)
def privileged(t):
    """--privileged has every capability, every device, no seccomp, and nothing hidden."""
    script = (STATUS + "; cat /proc/mounts; test -c /dev/kmsg && echo device; mount -t tmpfs x /mnt && echo mounted;"
              "echo 0 >/proc/sys/kernel/shm_rmid_forced && echo set")
    out = t.output(script, "--privileged", "--tmpfs", "/mnt")
    equal(int(status_field(out, "CapEff"), 16) & 0x3fffffffff, 0x3fffffffff, "capabilities")
    equal(status_field(out, "Seccomp"), "0", "seccomp")
    equal(out.splitlines()[-3:], ["device", "mounted", "set"], "what it may do")
    absent(out, " /proc/kcore ", "mounts")


@case()
def hidden(t):
    """Usually /proc's secrets are hidden and its settings read-only; not with systempaths=unconfined."""
    show = "cat /proc/keys | wc -c; grep -cE ' /proc/(keys|sys) ' /proc/self/mountinfo"
    equal(t.output(show).split(), ["0", "2"], "hidden")
    unhidden = t("run", "--rm", "--security-opt", "systempaths=unconfined", IMAGE, "sh", "-c", show)
    equal(unhidden.lines()[-1], "0", "not hidden")


@case()
def no_new_privileges(t):
    """--security-opt no-new-privileges is set, and only then."""
    equal(status_field(t.output(STATUS), "NoNewPrivs"), "0", "without")
    equal(status_field(t.output(STATUS, "--security-opt", "no-new-privileges"), "NoNewPrivs"), "1", "with")


@case(each=[("default", [], "2", "Operation not permitted"),
            ("unconfined", ["--security-opt", "seccomp=unconfined"], "0", "a new user namespace")])
def seccomp(t, _, flags, mode, expected):
    """docker's own filter is there, unless seccomp=unconfined is said ({})."""
    out = t.output(STATUS + "; unshare -U true 2>&1 && echo a new user namespace; exit 0", "--user", "1000", *flags)
    equal(status_field(out, "Seccomp"), mode, "Seccomp")
    contains(out, expected, "unshare")


@case()
def seccomp_profile(t):
    """A profile of the caller's refuses exactly the call it names, with its errno."""
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
               "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}
    (t.directory / "profile.json").write_text(json.dumps(profile))
    out = t.output("mkdir /x 2>&1; touch /y && ls /y", "--security-opt", f"seccomp={t.directory}/profile.json")
    contains(out, "No space left on device", "mkdir")
    contains(out, "/y\n", "touch")


@case(smoke=True)
def ulimit(t):
    """--ulimit sets limits, soft and hard."""
    out = t.output("ulimit -Sn; ulimit -Hn; ulimit -c; ulimit -Su", "--ulimit", "nofile=512:1000", "--ulimit", "core=0",
                   "--ulimit", "nproc=333:444")
    equal(out.split(), ["512", "1000", "0", "333"], "limits")


@case()
def sysctl(t):
    """--sysctl sets what belongs to the container's namespaces."""
    out = t.output("cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shm_rmid_forced",
                   "--sysctl", "net.ipv4.ip_unprivileged_port_start=321", "--sysctl", "kernel.shm_rmid_forced=1")
    equal(out.split(), ["321", "1"], "settings")


@case()
def devices(t):
    """A container has the usual devices and no others; --device adds one, with the rights that are said."""
    usual = "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero".split()
    equal(set(t.output("ls /dev").split()) - {"console", "core"}, set(usual), "devices")
    out = t.output(f"{OPEN_TO_READ}; {OPEN_TO_WRITE}; exit 0", "--device", "/dev/kmsg:/d:r", "--cap-add", "SYSLOG")
    equal(out.splitlines()[0], "read", "to read")
    contains(out.splitlines()[1], "Operation not permitted", "to write")


@case(each=[("none", [], ("Operation not permitted", "Operation not permitted")),
            ("read", ["--device-cgroup-rule", "c 1:11 rm"], ("read", "Operation not permitted")),
            ("all", ["--device-cgroup-rule", "c 1:* rwm"], ("read", "written"))])
def device_rules(t, _, flags, expected):
    """A device that was not given can be made, but opened only as --device-cgroup-rule allows ({})."""
    out = t.output(f"mknod /d c 1 11; {OPEN_TO_READ}; {OPEN_TO_WRITE}; exit 0", "--cap-add", "SYSLOG", *flags)
    for line, part in zip(out.splitlines(), expected, strict=True):
        contains(line, part, "opening the device")
