# SPDX-License-Identifier: Apache-2.0
"""Docker's namespaces: which a container has of its own, shares with the machine, or with another container."""

import os
import pathlib
import urllib.error
import urllib.request

from cases import case
from engine import IMAGE
from harness import contains, equal

KINDS = ("cgroup", "ipc", "mnt", "net", "pid", "uts")
LINKS = "for each in " + " ".join(KINDS) + "; do readlink /proc/self/ns/$each; done"


def of_the_machine():
    return [os.readlink(f"/proc/self/ns/{kind}") for kind in KINDS]


def shared(found, others):
    return {kind for kind, mine, other in zip(KINDS, found, others, strict=True) if mine == other}


@case(each=[("none", [], set()), ("pid", ["--pid", "host"], {"pid"}), ("ipc", ["--ipc", "host"], {"ipc"}),
            ("uts", ["--uts", "host"], {"uts"}), ("net", ["--network", "host"], {"net"}),
            ("cgroup", ["--cgroupns", "host"], {"cgroup"})])
def with_the_machine(t, _, flags, expected):
    """A container shares with the machine only the namespace that it is told to: {}."""
    equal(shared(t.output(LINKS, *flags).split(), of_the_machine()), expected, "shared")


@case(each=[("pid", "--pid"), ("ipc", "--ipc"), ("net", "--network")])
def with_another(t, kind, flag):
    """A container shares the {} namespace of another one, and no other."""
    t.up("box", "--ipc", "shareable")
    others = t("exec", "box", "sh", "-c", LINKS).exits(0).out.split()
    equal(shared(t.output(LINKS, flag, "container:box").split(), others), {kind}, "shared")


@case()
def processes_of_another(t):
    """With --pid container: the other's processes are seen and can be signalled; who joined ends with the other."""
    t.up("box", script="sleep 501 & echo $!; wait $!; echo ended; exec sleep 600")
    t.says("box", "\n")
    t.up("guest", "--pid", "container:box")
    contains(t("exec", "guest", "ps").exits(0).out, "sleep 501", "processes")
    t("exec", "guest", "kill", t("logs", "box").out.strip()).exits(0)
    t.says("box", "ended")
    t("kill", "box").exits(0)
    t.eventually(lambda: not t.running("guest"), "the other one ends, too", 20)
    equal(t.inspect("guest", ".State.ExitCode"), "137", "status")


@case()
def memory_of_another(t):
    """With --ipc container: /dev/shm is the same."""
    t.up("box", "--ipc", "shareable")
    t.output("echo hello >/dev/shm/file", "--ipc", "container:box")
    equal(t("exec", "box", "cat", "/dev/shm/file").exits(0).out, "hello\n", "file")


@case()
def no_memory(t):
    """With --ipc none there is no /dev/shm of docker's."""
    equal(t.output("grep -c ' /dev/shm ' /proc/self/mountinfo || true", "--ipc", "none"), "0\n", "mounts")


@case()
def network_none(t):
    """With --network none there is only a loopback interface, which is up."""
    out = t.output("ls /sys/class/net; ping -c 1 -w 5 127.0.0.1 >/dev/null && echo answered", "--network", "none")
    equal(out, "lo\nanswered\n", "interfaces")


@case()
def network_bridge(t):
    """Usually a container has an address on docker's bridge; two reach each other."""
    t.up("box", script="mkdir /www; echo hello >/www/file; exec httpd -f -p 80 -h /www")
    address = t.inspect("box", ".NetworkSettings.IPAddress")
    contains(t("exec", "box", "ip", "addr", "show", "eth0").exits(0).out, address, "eth0")
    t.eventually(lambda: t("run", "--rm", IMAGE, "wget", "-q", "-O", "-", f"http://{address}/file").out == "hello\n",
                 "an answer", 20)


@case()
def network_of_ones_own(t):
    """On a network that the caller makes, containers find each other by name; one can be joined while it runs."""
    t("network", "create", "inner").exits(0)
    try:
        t.up("box", "--network", "inner", "--network-alias", "web",
             script="mkdir /www; echo hello >/www/file; exec httpd -f -p 80 -h /www")
        t.up("other")
        t("network", "connect", "inner", "other").exits(0)
        contains(t("exec", "other", "ls", "/sys/class/net").exits(0).out, "eth1", "interfaces")
        t.eventually(lambda: t("exec", "other", "wget", "-q", "-O", "-", "http://web/file").out == "hello\n",
                     "an answer", 20)
        t.sweep()
    finally:
        t("network", "rm", "inner").exits(0)


@case()
def publish(t):
    """--publish makes a port of the container one of the machine."""
    t.up("box", "--publish", "127.0.0.1:8080:80",
         script="mkdir /www; echo hello >/www/file; exec httpd -f -p 80 -h /www")

    def answer():
        try:
            with urllib.request.urlopen("http://127.0.0.1:8080/file", timeout=5) as page:
                return page.read()
        except (OSError, urllib.error.URLError):
            return b""
    t.eventually(lambda: answer() == b"hello\n", "an answer", 20)
    equal(t("port", "box").exits(0).out, "80/tcp -> 127.0.0.1:8080\n", "ports")


@case(each=[("private", "/"), ("host", "/docker/")])
def cgroup_namespace(t, kind, begin):
    """With --cgroupns {} the container's own cgroup is seen as that."""
    out = t.output("grep ^0:: /proc/self/cgroup", "--cgroupns", kind)
    equal(out.startswith(f"0::{begin}") and (out == "0::/\n") == (kind == "private"), True, f"cgroup {out!r}")


@case()
def cgroup_parent(t):
    """--cgroup-parent is where the container's cgroup is made; after it that is gone."""
    t.up("box", "--cgroup-parent", "/inner/most")
    group = pathlib.Path(f"/proc/{t.inspect('box', '.State.Pid')}/cgroup").read_text().rpartition("0::")[2].strip()
    equal(group, f"/inner/most/{t.inspect('box', '.Id')}", "cgroup")
    place = pathlib.Path("/sys/fs/cgroup" + group)
    equal(place.is_dir(), True, "directory")
    t("rm", "--force", "box").exits(0)
    equal(place.exists(), False, "directory afterwards")
    for path in (place.parent, place.parent.parent):  # whoever names a parent keeps it
        path.rmdir()
