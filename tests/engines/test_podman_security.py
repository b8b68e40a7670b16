# SPDX-License-Identifier: Apache-2.0
"""What podman gives to a program, and what it takes away: identity, capabilities, filters, limits, devices."""

import json

from cases import case
from harness import absent, contains, equal, status_field, true

STATUS = "cat /proc/self/status"
# sethostname(2) is refused by podman's filter even to who has the capability, as here in another user namespace.
REFUSED = "unshare -r -u hostname new 2>/dev/null || echo refused"
CAPABILITIES = {"chown": 0, "net_bind_service": 10, "net_raw": 13, "sys_chroot": 18, "sys_admin": 21}


def capabilities(text, name="CapEff"):
    """The numbers of a set in /proc/PID/status."""
    mask = int(status_field(text, name), 16)
    return {number for number in range(64) if mask >> number & 1}


@case(each=[("user", "1000 1000 1000 2000"), ("1000", "1000 1000 1000 2000"), ("1000:2000", "1000 2000 2000"),
            ("77:88", "77 88 88"), ("user:more", "1000 2000 2000")])
def user(t, who, expected):
    """`--user {}` is uid, gid and groups {}."""
    equal(t.output("echo $(id -u) $(id -g) $(id -G)", "--user", who), f"{expected}\n", "identity")


@case()
def groups(t):
    """`--group-add` gives further groups."""
    equal(t.output("id -G", "--user", "77:88", "--group-add", "more", "--group-add", "99"), "88 99 2000\n", "groups")


@case()
def umask(t):
    """`--umask` is the program's."""
    equal(t.output("umask", "--umask", "0077"), "0077\n", "umask")


@case(each=["chown", "net_bind_service", "sys_chroot"])
def drop(t, name):
    """`--cap-drop {}` takes one capability out of every set."""
    before, after = t.output(STATUS), t.output(STATUS, "--cap-drop", name)
    for kind in ("CapEff", "CapPrm", "CapBnd"):
        equal(capabilities(before, kind) - capabilities(after, kind), {CAPABILITIES[name]}, f"what {kind} lost")


@case(each=["net_raw", "sys_admin"])
def add(t, name):
    """`--cap-drop all --cap-add {}` leaves one capability."""
    text = t.output(STATUS, "--cap-drop", "all", "--cap-add", name)
    for kind in ("CapEff", "CapBnd"):
        equal(capabilities(text, kind), {CAPABILITIES[name]}, kind)


@case()
def of_a_user(t):
    """A program of another user than root has no capability but those that were added for it."""
    equal(capabilities(t.output(STATUS, "--user", "1000")), set(), "CapEff")
    equal(capabilities(t.output(STATUS, "--user", "1000", "--cap-add", "net_raw")), {CAPABILITIES["net_raw"]}, "CapEff")


@case()
def privileged(t):
    """`--privileged`: all the capabilities there are, no filter, nothing masked, the devices of the machine."""
    text = t.output(f"{STATUS}; ls -d /dev/kmsg /dev/fuse; cat /proc/mounts; echo w > /proc/sys/kernel/domainname",
                    "--privileged")
    with open("/proc/self/status", encoding="ascii") as file:
        equal(capabilities(text), capabilities(file.read(), "CapBnd"), "CapEff")
    equal(status_field(text, "Seccomp"), "0", "Seccomp")
    contains(text, "/dev/fuse\n/dev/kmsg\n", "devices")
    absent(text, " /proc/kcore ", "mounts")


@case()
def default_filter(t):
    """Without an option there is podman's filter and what it refuses."""
    text = t.output(f"{STATUS}; {REFUSED}")
    equal(status_field(text, "Seccomp"), "2", "Seccomp")
    contains(text, "refused", "output")


@case()
def unconfined(t):
    """`--security-opt seccomp=unconfined`: no filter."""
    text = t.output(f"{STATUS}; {REFUSED}", "--security-opt", "seccomp=unconfined")
    equal(status_field(text, "Seccomp"), "0", "Seccomp")
    absent(text, "refused", "output")


@case()
def own_filter(t):
    """`--security-opt seccomp=FILE`: what that file says, and nothing else."""
    path = t.directory / "filter.json"
    path.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}))
    text = t.output(f"{STATUS}; mkdir /new 2>&1; touch /file && echo touched", "--security-opt", f"seccomp={path}")
    equal(status_field(text, "Seccomp"), "2", "Seccomp")
    contains(text, "No space left on device", "what mkdir says")
    contains(text, "touched", "what touch says")


@case()
def killing_filter(t):
    """A filter that kills: the status is 128 and SIGSYS."""
    path = t.directory / "filter.json"
    path.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_KILL_PROCESS"}]}))
    equal(t.output("mkdir /new; echo $?", "--security-opt", f"seccomp={path}"), "159\n", "status of mkdir")


@case()
def no_new_privileges(t):
    """`--security-opt no-new-privileges` is set, and only then."""
    equal([status_field(t.output(STATUS, *options), "NoNewPrivs")
           for options in ([], ["--security-opt", "no-new-privileges"])], ["0", "1"], "NoNewPrivs")


@case(smoke=True)
def default_masks(t):
    """What podman masks is empty and what it makes read-only cannot be written to."""
    script = "cat /proc/keys; ls /sys/firmware; "
    true(len(t.shell("sh", "-c", script).out.split()) > 1, "nothing to mask")
    equal(t.output(script + "echo 1 > /proc/sys/kernel/panic || echo refused"), "refused\n", "output")


@case()
def mask(t):
    """`--security-opt mask=` hides a file and a directory."""
    text = t.output("ls /home; wc -c < /etc/passwd", "--security-opt", "mask=/etc/passwd:/home")
    equal(text, "0\n", "output")


@case()
def unmask(t):
    """`--security-opt unmask=ALL` masks nothing."""
    absent(t.output("cat /proc/mounts", "--security-opt", "unmask=ALL"), " /proc/", "mounts")


@case(smoke=True)
def limits(t):
    """`--ulimit` sets what the program may use, of each of its processes."""
    text = t.output("cat /proc/self/limits", "--ulimit", "nofile=100:200", "--ulimit", "nproc=300:400")
    rows = {line[:25].strip(): line[25:].split()[:2] for line in text.splitlines()}
    equal((rows["Max open files"], rows["Max processes"]), (["100", "200"], ["300", "400"]), "limits")


@case()
def device(t):
    """`--device` with another name: it is there and gives what it gives; with r it cannot be written to."""
    equal(t.output("head -c 3 /dev/there | wc -c", "--device", "/dev/zero:/dev/there"), "3\n", "bytes read")
    script = "true > /dev/there && echo written; true < /dev/there && echo read"
    equal(t.output(script, "--device", "/dev/fuse:/dev/there:r"), "read\n", "output")


@case()
def device_rules(t):
    """A device that was not given cannot be made, or made and not opened, unless a rule allows it."""
    script = "mknod /dev/there c 10 229 && true < /dev/there && echo opened; :"
    equal(t.output(script, "--cap-add", "mknod"), "", "without a rule")
    equal(t.output(script, "--cap-add", "mknod", "--device-cgroup-rule", "c 10:229 rwm"), "opened\n", "with a rule")


@case()
def score(t):
    """`--oom-score-adj` is the program's."""
    equal(t.output("cat /proc/self/oom_score_adj", "--oom-score-adj", "555"), "555\n", "score")


@case()
def labels_disabled(t):
    """`--security-opt label=disable` and apparmor=unconfined change nothing where there is no policy."""
    true("Seccomp:\t2" in t.output(STATUS, "--security-opt", "label=disable", "--security-opt", "apparmor=unconfined"),
         "no filter")
