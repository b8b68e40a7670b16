# SPDX-License-Identifier: Apache-2.0
"""Which namespaces podman gives to a container, and with whom it shares them."""

import os
import re

from cases import case
from engine import IMAGE
from harness import contains, equal, true

KINDS = ("cgroup", "ipc", "mnt", "net", "pid", "uts", "user")
LINKS = f"for n in {' '.join(KINDS)}; do readlink /proc/self/ns/$n; done"


def namespaces(text):
    return dict(zip(KINDS, text.split()))


def ours():
    return {kind: os.readlink(f"/proc/self/ns/{kind}") for kind in KINDS}


def shared(text):
    """The kinds in which a container is where we are."""
    return {kind for kind, name in namespaces(text).items() if name == ours()[kind]}


@case()
def default(t):
    """A container shares only the user namespace with the machine."""
    equal(shared(t.output(LINKS)), {"user"}, "shared namespaces")


@case(each=[("net", "--net"), ("pid", "--pid"), ("ipc", "--ipc"), ("uts", "--uts"), ("cgroup", "--cgroupns")])
def of_the_host(t, kind, option):
    """A container with the host's {} shares that as well."""
    equal(shared(t.output(LINKS, option, "host")), {"user", kind}, "shared namespaces")


@case(each=["net", "pid", "ipc", "uts", "user"])
def of_a_container(t, kind):
    """A container with another one's {} shares it with that."""
    option = "--userns" if kind == "user" else f"--{kind}"
    more = ["--uidmap", "0:300000:1000", "--gidmap", "0:300000:1000"] if kind == "user" else []
    t.sleeper(*(["--ipc", "shareable"] if kind == "ipc" else []), *more)
    first = namespaces(t.inside("box", LINKS))
    second = namespaces(t.output(LINKS, option, "container:box"))
    # The other user namespace owns whatever else the second container has.
    equal({name for name in KINDS if first[name] == second[name]} | {"user"}, {"user", kind}, "shared namespaces")
    equal(first[kind], second[kind], kind)


@case()
def processes_of_the_host(t):
    """`--pid host`: the container sees the machine's processes, and `podman stop` ends its own."""
    t.start("exec sleep 612", "--pid", "host")
    contains(t.inside("box", "cat /proc/*/cmdline 2>/dev/null | tr '\\0' ' '"), "tests/engines", "command lines")
    pid = t.inspect("box", ".State.Pid")
    equal(t.inside("box", f"tr '\\0' ' ' < /proc/{pid}/cmdline"), "sleep 612 ", "the command line")
    t("rm", "--force", "--time", "0", "box").exits(0)
    true(not os.path.exists(f"/proc/{pid}"), "the process lives")


@case()
def children_with_the_hosts_pids(t):
    """`--pid host`: what a program leaves running is killed with its container."""
    t.start("sleep 613 & exec sleep 614", "--pid", "host")
    t.eventually(lambda: "613" in t("top", "box", "args").out, "the child does not run")
    t("kill", "box").exits(0)
    t("wait", "box").exits(0)
    t.eventually(lambda: not running("613"), "the child lives")


def running(word):
    return [pid for pid in os.listdir("/proc") if pid.isdigit() and command(pid) == ["sleep", word]]


def command(pid):
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            return file.read().split("\0")[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []


@case()
def no_network(t):
    """`--net none`: there is the loopback device, and it is up."""
    text = t.output("ip -o link; ip -o addr", "--net", "none")
    equal(re.findall(r"^\d+: (\S+?)[:@]", text, re.MULTILINE), ["lo"], "devices")
    contains(text, "127.0.0.1/8", "addresses")


@case()
def bridge(t):
    """Two containers in the bridge network talk to each other, and to the machine's side."""
    t.start("echo hello | nc -l -p 7000; sleep 600")
    address = t.inspect("box", ".NetworkSettings.IPAddress")
    true(address, "no address")
    reached = "for n in 1 2 3 4 5 6 7 8 9; do nc -w 5 {} 7000 < /dev/null && break; sleep 0.3; done"
    equal(t.output(reached.format(address)), "hello\n", "what the second read")


@case()
def published(t):
    """`--publish` opens a port of the machine."""
    t.start("while :; do echo hello | nc -l -p 7000; done", "--publish", "127.0.0.1:7001:7000")
    t.eventually(lambda: t.shell("busybox", "nc", "-w", "2", "127.0.0.1", "7001").out == "hello\n", "nobody answers")


@case()
def uts(t):
    """`--hostname` is the container's own, and the machine keeps its name."""
    before = os.uname().nodename
    equal(t.output("hostname; cat /etc/hostname", "--hostname", "own").split(), ["own", "own"], "names")
    equal(os.uname().nodename, before, "the machine's name")


@case()
def shared_memory_of_another(t):
    """`--ipc container:` shares /dev/shm."""
    t.sleeper("--ipc", "shareable")
    t.inside("box", "echo word > /dev/shm/file")
    equal(t.output("cat /dev/shm/file", "--ipc", "container:box"), "word\n", "the file")


@case(each=[("net.ipv4.ip_forward", "1"), ("kernel.msgmax", "4096"), ("net.ipv4.ip_local_port_range", "2000 3000")])
def sysctl(t, name, value):
    """`--sysctl {}` is set to {} in the container only."""
    path = f"/proc/sys/{name.replace('.', '/')}"
    with open(path, encoding="ascii") as file:
        before = file.read()
    equal(t.output(f"cat {path}", "--sysctl", f"{name}={value}").split(), value.split(), name)
    with open(path, encoding="ascii") as file:
        equal(file.read(), before, f"the machine's {name}")


@case()
def uid_map(t):
    """`--uidmap` and `--gidmap`: root inside is another user outside, and the files of the image are root's inside."""
    t.sleeper("--uidmap", "0:300000:65536", "--gidmap", "0:400000:65536", "-v", f"{t.directory}:/mnt:rw")
    equal(t.inside("box", "cat /proc/self/uid_map /proc/self/gid_map").split(),
          ["0", "300000", "65536", "0", "400000", "65536"], "maps")
    equal(t.inside("box", "id -u; stat -c '%u %g' /bin/busybox").split(), ["0", "0", "0"], "identities inside")
    found = os.stat(f"/proc/{t.inspect('box', '.State.Pid')}")
    equal((found.st_uid, found.st_gid), (300000, 400000), "the process's identity outside")


@case()
def of_a_user_in_a_map(t):
    """`--user` in a user namespace is that user inside, who may not touch root's files."""
    maps = ["--uidmap", "0:300000:65536", "--gidmap", "0:300000:65536"]
    equal(t.output("id -u; id -g; touch /etc/new 2>/dev/null || echo refused", *maps, "--user", "1000:2000").split(),
          ["1000", "2000", "refused"], "output")


@case()
def automatic_map(t):
    """`--userns auto`: two containers have maps that do not overlap."""
    ranges = []
    for name in ("one", "two"):
        t.sleeper("--userns", "auto:size=2000", name=name)
        ranges.append([int(word) for word in t.inside(name, "cat /proc/self/uid_map").split()])
    equal([each[0::2] for each in ranges], [[0, 2000]] * 2, "inside and size")
    true(abs(ranges[0][1] - ranges[1][1]) >= 2000, f"{ranges} overlap")


@case()
def chowned_volume(t):
    """`-v` with U in a user namespace: the volume is the container's root's."""
    path = t.directory / "volume"
    path.mkdir()
    script = "touch /mnt/file; stat -c %u /mnt"
    equal(t.output(script, "--userns", "auto", "-v", f"{path}:/mnt:U"), "0\n", "owner inside")
    true(200000 <= (path / "file").stat().st_uid < 462144, "the file's owner is not one of the handed out")


@case()
def cgroup_namespace(t):
    """`--cgroupns`: the container's cgroup is its root, or is named as on the machine."""
    name = "sed -n s/^0:://p /proc/self/cgroup"
    equal(t.output(name, "--cgroupns", "private"), "/\n", "private")
    contains(t.output(name, "--cgroupns", "host"), "libpod", "host")


@case()
def without_cgroup(t):
    """`--cgroups disabled`: the container stays in its caller's cgroup; runc cannot do that, and the run is refused."""
    t.sleeper(name="other")
    if t.runtime == "runc":
        true(t("run", "--rm", "--cgroups", "disabled", IMAGE, "true").code != 0, "it is not refused")
        return
    t.sleeper("--cgroups", "disabled")
    pid = t.inspect("box", ".State.Pid")
    with open(f"/proc/{pid}/cgroup", encoding="ascii") as there, open("/proc/self/cgroup", encoding="ascii") as here:
        equal(there.read(), here.read(), "cgroup")
    equal(t.inside("box", "echo alive"), "alive\n", "output of an exec")
    t("stop", "--time", "0", "box").exits(0)
    equal(t.inspect("box", ".State.ExitCode"), "137", "status")


@case()
def without_conmons_cgroup(t):
    """`--cgroups no-conmon`: the container has a cgroup, conmon stays where podman was."""
    t.sleeper("--cgroups", "no-conmon", "--cgroupns", "host")
    contains(t.inside("box", "sed -n s/^0:://p /proc/self/cgroup"), "libpod", "the container's cgroup")
    with open(f"/proc/{t.inspect('box', '.State.ConmonPid')}/cgroup", encoding="ascii") as there, \
            open("/proc/self/cgroup", encoding="ascii") as here:
        equal(there.read(), here.read(), "conmon's cgroup")
