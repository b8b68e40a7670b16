# SPDX-License-Identifier: Apache-2.0
"""linux.sysctl: what a container may set, and what it never reaches."""

import os
import pathlib
import subprocess

import pytest

from harness import contains, equal
from marks import differs, parametrize

pytestmark = pytest.mark.by_the_stage

HOST_FILES = ["kernel/hostname", "kernel/core_pattern", "kernel/msgmax", "net/ipv4/ip_default_ttl", "kernel/domainname"]


def host():
    return {name: pathlib.Path("/proc/sys", name).read_text(encoding="utf-8") for name in HOST_FILES}


def box_with(t, parameters, *args):
    bundle = t.bundle(*args)
    bundle.edit(lambda config: config["linux"].update(sysctl=parameters))
    return t.container(bundle=bundle)


def refused(t, parameters, *words, change=None):
    before = host()
    box = box_with(t, parameters, "true")
    if change:
        box.bundle.edit(change)
    result = box.run().exits(1)
    for word in words:
        contains(result.err, word, "stderr")
    equal(host(), before, "the host's parameters")
    t.no_state()


@parametrize("key, value", [
    ("net.ipv4.ip_default_ttl", "77"), ("net/ipv4/ip_default_ttl", "78"), ("kernel.msgmax", "4321"),
    ("kernel.domainname", "yard.example"), ("fs.mqueue.msg_max", "11")])
def test_a_parameter_of_the_namespace_is_set(t, key, value):
    """Dotted and slashed keys reach the container's parameter, and the host's stays."""
    before = host()
    path = "/proc/sys/" + key.replace(".", "/")
    equal(box_with(t, {key: value}, "cat", path).run().ok().out, value + "\n", key)
    equal(host(), before, "the host's parameters")


@differs("runc 1.1.5 turns the dot of an interface's name into a slash")
def test_an_interface_with_a_dot(t):
    """In a dotted key the slash stands for a dot, and the other way round."""
    for key in ("net.ipv4.conf.lo.forwarding", "net/ipv4/conf/lo/forwarding"):
        box_with(t, {key: "1"}, "grep", "1", "/proc/sys/net/ipv4/conf/lo/forwarding").run().ok()
    result = box_with(t, {"net.ipv4.conf.eth0/100.forwarding": "1"}, "true").run().exits(1)
    contains(result.err, "/proc/sys/net/ipv4/conf/eth0.100/forwarding", "stderr")


def test_it_is_set_although_proc_sys_is_read_only(t):
    """readonlyPaths cover what was written before."""
    box = box_with(t, {"net.ipv4.ip_default_ttl": "79"}, "sh", "-c",
                   "cat /proc/sys/net/ipv4/ip_default_ttl; echo 1 > /proc/sys/net/ipv4/ip_default_ttl || echo kept")
    equal(box.run().exits(0).out, "79\nkept\n", "stdout")


@differs("runc writes through the container's /proc")
def test_it_needs_no_proc_in_the_container(t):
    """A container without /proc has its parameters, too."""
    box = box_with(t, {"kernel.domainname": "no.proc"}, "uname", "-n")
    box.bundle.edit(lambda config: config.update(
        mounts=[each for each in config["mounts"] if each["destination"] != "/proc"]))
    box.run_detached().exits(0)


@parametrize("key", ["net/../kernel/hostname", "net....kernel.hostname", "fs.mqueue/../../kernel/core_pattern", "net.",
                     "/net/ipv4/ip_default_ttl", "kernel.core_pattern", "vm.swappiness"])
def test_keys_that_lead_elsewhere_are_refused(t, key):
    """A key is what sysctl(8) calls one, and its parameter is the container's own (E25)."""
    refused(t, {key: "|/bin/false"})


@differs("runc names no JSON pointer")
@parametrize("key", ["net/../kernel/hostname", "kernel.core_pattern"])
def test_a_refusal_names_the_property(t, key):
    """JSON pointer, key and reason."""
    refused(t, {key: "x"}, "/linux/sysctl/" + key.replace("/", "~1"), f'sysctl "{key}"')


@differs("runc 1.1.5 writes it as it is")
def test_a_value_is_one_line(t):
    """A second line could be a second parameter to somebody (CVE-2022-0811)."""
    refused(t, {"kernel.domainname": "a\nkernel.core_pattern=|/bin/false"}, "/linux/sysctl/kernel.domainname",
            "single line")


def test_the_host_name_has_its_own_property(t):
    """kernel.hostname is refused in favour of hostname."""
    refused(t, {"kernel.hostname": "x"}, 'is not allowed as it conflicts with the OCI')


@parametrize("kind, key, words", [("network", "net.ipv4.ip_default_ttl", "not allowed in host network namespace"),
                                  ("ipc", "kernel.msgmax", "is not allowed in the hosts ipc namespace")])
def test_without_the_namespace_it_is_the_hosts(t, kind, key, words):
    """A parameter of a namespace that the container shares with the host is refused."""
    def share(config):
        spaces = config["linux"]["namespaces"]
        config["linux"]["namespaces"] = [each for each in spaces if each["type"] != kind]
    refused(t, {key: "1"}, words, change=share)


def test_a_joined_network_namespace_that_is_the_hosts(t):
    """A path that leads to the runtime's own network namespace makes none of the container's."""
    def join(config):
        for each in config["linux"]["namespaces"]:
            if each["type"] == "network":
                each["path"] = "/proc/self/ns/net"
    refused(t, {"net.ipv4.ip_default_ttl": "1"}, "not allowed in host network namespace", change=join)


def test_a_joined_network_namespace_of_somebody_else(t):
    """The parameter is set there."""
    holder = subprocess.Popen(["unshare", "--net", "sleep", "60"])
    try:
        while os.readlink(f"/proc/{holder.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            pass
        box = box_with(t, {"net.ipv4.ip_default_ttl": "80"}, "cat", "/proc/sys/net/ipv4/ip_default_ttl")
        box.bundle.edit(lambda config: [each.update(path=f"/proc/{holder.pid}/ns/net")
                                        for each in config["linux"]["namespaces"] if each["type"] == "network"])
        equal(box.run().ok().out, "80\n", "ip_default_ttl")
    finally:
        holder.kill()
        holder.wait()


@differs("runc names no JSON pointer")
def test_what_the_kernel_refuses_is_an_error(t):
    """A parameter that is not there, a value that is none."""
    refused(t, {"net.core.no_such_thing": "1"}, "/linux/sysctl/net.core.no_such_thing", "no such file")
    refused(t, {"net.ipv4.ip_default_ttl": "many"}, "/linux/sysctl/net.ipv4.ip_default_ttl", "invalid argument")
