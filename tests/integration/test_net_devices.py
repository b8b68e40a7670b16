# SPDX-License-Identifier: Apache-2.0
"""linux.netDevices: devices of the host that the container gets, with their addresses.

The cases' devices live in a network namespace of their own, in which the runtime is started.
"""

import contextlib
import json
import os
import shutil
import subprocess

import pytest

from harness import contains, equal, eventually, true
from marks import differs, needs, parametrize
from unprivileged import UserRuntime, become_user, mapping, rootless, with_user_namespace

pytestmark = pytest.mark.by_the_stage

OLD = "runc 1.1.5 knows no netDevices"


def needs_veth():
    if not shutil.which("ip"):
        return "the package iproute2 is not installed"
    made = subprocess.run(["unshare", "--net", "ip", "link", "add", "one", "type", "veth", "peer", "name", "two"],
                          capture_output=True, check=False)
    return None if made.returncode == 0 else "this kernel has no veth devices"


@contextlib.contextmanager
def host(t, *commands):
    """A network namespace in which the device `given` and its peer are; yields a function that runs commands there."""
    keeper = subprocess.Popen(["unshare", "--net", "sleep", "600"])
    place = ["nsenter", f"--net=/proc/{keeper.pid}/ns/net"]
    own = os.readlink("/proc/self/ns/net")
    eventually(lambda: os.readlink(f"/proc/{keeper.pid}/ns/net") != own, "unshare makes no namespace")
    try:
        run = lambda line: subprocess.run([*place, *line.split()], check=True, capture_output=True, text=True).stdout
        for line in ("ip link add given type veth peer name peer", "ip link set peer up", *commands):
            run(line)
        t.runtime = UserRuntime(t, place)
        yield run
    finally:
        keeper.kill()
        keeper.wait()


def with_devices(t, *args, **devices):
    box = t.container(*(args or ("sleep", "60")))
    box.bundle.edit(lambda config: config["linux"].update(netDevices=devices))
    return box


def inside(box, *words):
    line = ["nsenter", f"--net=/proc/{box.pid}/ns/net", "ip", "-json", *words]
    return json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout or "[]")


def addresses(box, name):
    return {f"{each['local']}/{each['prefixlen']}" for link in inside(box, "addr", "show", "dev", name)
            for each in link["addr_info"] if each["scope"] == "global"}


def names(run):
    return {line.split(": ")[1].split("@")[0] for line in run("ip -o link").splitlines()}


@differs(OLD)
@needs(needs_veth)
def test_a_device_moves(t):
    """It is in the container and up, and no longer on the host."""
    with host(t) as run:
        box = with_devices(t, given={})
        box.run_detached().ok()
        contains(inside(box, "link", "show", "dev", "given")[0]["flags"], "UP", "flags")
        true("given" not in names(run), "the device is still on the host")
        box.delete("--force").ok()


@differs(OLD)
@needs(needs_veth)
def test_it_gets_its_new_name(t):
    """`name` is what it is called inside."""
    with host(t):
        box = with_devices(t, given={"name": "eth7"})
        box.run_detached().ok()
        equal({link["ifname"] for link in inside(box, "link")}, {"lo", "eth7"}, "devices")
        box.delete("--force").ok()


@differs(OLD)
@needs(needs_veth)
def test_its_attributes_are_kept(t):
    """MTU, hardware address, length of the queue and alias are as they were on the host."""
    with host(t, "ip link set given mtu 1280 address 02:00:5e:10:00:07 txqueuelen 77 alias lent"):
        box = with_devices(t, given={"name": "eth0"})
        box.run_detached().ok()
        link, = inside(box, "-details", "link", "show", "dev", "eth0")
        equal((link["mtu"], link["address"], link["txqlen"], link["ifalias"]), (1280, "02:00:5e:10:00:07", 77, "lent"),
              "attributes")
        box.delete("--force").ok()


@differs(OLD)
@needs(needs_veth)
def test_its_parameters_can_be_set(t):
    """linux.sysctl names the device as it is called inside: it is there when they are written."""
    key = "net.ipv4.conf.eth7.forwarding"
    for _ in range(10):
        with host(t):
            box = with_devices(t, "cat", "/proc/sys/" + key.replace(".", "/"), given={"name": "eth7"})
            box.bundle.edit(lambda config: config["linux"].update(sysctl={key: "1"}))
            equal(box.run().exits(0).out, "1\n", key)


@differs(OLD)
@needs(needs_veth)
def test_the_failure_of_somebody_else_is_told(t):
    """The process fails while the device is on its way: the reason is told, and the device is back."""
    for _ in range(10):
        with host(t) as run:
            box = with_devices(t, "true", given={})
            box.bundle.edit(lambda config: config["linux"].update(sysctl={"kernel.msgmax": "many"}))
            contains(box.run().exits(1).err, "/linux/sysctl/kernel.msgmax", "stderr")
            true("given" in names(run), "the device is lost")


@differs(OLD)
@needs(needs_veth)
def test_a_template_takes_the_first_free_number(t):
    """"eth%d" is eth0 in an empty namespace."""
    with host(t, "ip link add second type veth peer name peer2"):
        box = with_devices(t, given={"name": "eth%d"}, second={"name": "eth%d"})
        box.run_detached().ok()
        equal({link["ifname"] for link in inside(box, "link")}, {"lo", "eth0", "eth1"}, "devices")
        box.delete("--force").ok()


@differs(OLD)
@needs(needs_veth)
def test_addresses_come_along(t):
    """Permanent addresses of global scope, of both families, with their prefix."""
    with host(t, "ip addr add 192.0.2.5/24 dev given", "ip addr add 192.0.2.6/32 dev given",
              "ip -6 addr add 2001:db8::5/64 dev given nodad", "ip link set given up"):
        box = with_devices(t, given={"name": "eth0"})
        box.run_detached().ok()
        equal(addresses(box, "eth0"), {"192.0.2.5/24", "192.0.2.6/32", "2001:db8::5/64"}, "addresses")
        box.delete("--force").ok()


GIVEN = ["ip addr add 192.0.2.5/24 dev given metric 77 noprefixroute label given:one",
         "ip addr add 192.0.2.6/25 dev given metric 78", "ip -6 addr add 2001:db8::5/64 dev given metric 79 nodad home",
         "ip -6 addr add 2001:db8:1::6/64 dev given", "ip link set given up"]


def given(found):
    """What somebody said of each address of global scope."""
    words = ("metric", "nodad", "noprefixroute", "home", "label", "protocol")
    return {each["local"]: {word: each[word] for word in words if word in each}
            for link in found for each in link["addr_info"] if each["scope"] == "global"}


@differs(OLD)
@needs(needs_veth)
def test_what_was_said_of_an_address_comes_along(t):
    """The metric of its route, nodad and other flags that somebody gave it, and the end of its label."""
    with host(t, *GIVEN) as run:
        before = given(json.loads(run("ip -json addr show dev given")))
        equal([before["192.0.2.5"]["metric"], before["2001:db8::5"]["nodad"]], [77, True], "metric and nodad before")
        box = with_devices(t, given={"name": "eth0"})
        box.run_detached().ok()
        before["192.0.2.5"]["label"], before["192.0.2.6"]["label"] = "eth0:one", "eth0"
        equal(given(inside(box, "addr", "show", "dev", "eth0")), before, "addresses")
        routes = {each["dst"]: each.get("metric") for each in inside(box, "route", "show", "dev", "eth0")}
        equal(routes, {"192.0.2.0/25": 78}, "routes")
        box.delete("--force").ok()


@differs(OLD)
@needs(needs_veth)
def test_what_was_said_of_an_address_comes_back(t):
    """A creation that fails leaves the host's addresses as they were."""
    with host(t, *GIVEN) as run:
        before = given(json.loads(run("ip -json addr show dev given")))
        with_devices(t, "/bin/nothing", given={"name": "eth0"}).create().exits(1)
        equal(given(json.loads(run("ip -json addr show dev given"))), before, "addresses")


@differs(OLD)
@needs(needs_veth)
def test_what_is_not_permanent_stays_behind(t):
    """Addresses with a lifetime and those of link scope are not given again."""
    with host(t, "ip addr add 192.0.2.5/24 dev given", "ip addr add 192.0.2.6/32 dev given valid_lft 600 preferred_lft 600",
              "ip addr add 169.254.1.1/16 dev given scope link"):
        box = with_devices(t, given={})
        box.run_detached().ok()
        found = [each["local"] for link in inside(box, "-4", "addr", "show", "dev", "given") for each in link["addr_info"]]
        equal(found, ["192.0.2.5"], "addresses")
        box.delete("--force").ok()


@differs(OLD)
@needs(needs_veth)
def test_a_missing_device_is_an_error(t):
    """The error names it; nothing is left."""
    with host(t):
        result = with_devices(t, nothere={}).create()
        contains(result.exits(1).err, "/linux/netDevices/nothere", "stderr")
        t.no_state()


@differs(OLD)
@needs(needs_veth)
def test_a_name_that_is_taken_is_an_error(t):
    """lo is there already: an error, and the device is where it was."""
    with host(t, "ip addr add 192.0.2.5/24 dev given", "ip link set given up") as run:
        contains(with_devices(t, given={"name": "lo"}).create().exits(1).err, "is there already", "stderr")
        contains(run("ip -o addr show dev given"), "192.0.2.5/24", "addresses on the host")
        contains(run("ip -o link show dev given"), ",UP", "flags on the host")
        t.no_state()


@differs(OLD)
@needs(needs_veth)
@parametrize("when", ["first", "last"])
def test_a_creation_that_fails_gives_it_back(t, when):
    """Under its old name, up as it was, with its addresses."""
    with host(t, "ip addr add 192.0.2.5/24 dev given", "ip -6 addr add 2001:db8::5/64 dev given nodad",
              "ip link set given up") as run:
        if when == "first":  # the second device is missing
            box = with_devices(t, given={"name": "eth0"}, zzz={})
        else:  # the stage fails at its last step
            box = with_devices(t, "/bin/nothing", given={"name": "eth0"})
        box.create().exits(1)
        t.no_state()
        text = run("ip -o addr show dev given")
        contains(text, "192.0.2.5/24", "addresses on the host")
        contains(text, "2001:db8::5/64", "addresses on the host")
        contains(run("ip -o link show dev given"), ",UP", "flags on the host")


@differs(OLD)
@needs(needs_veth)
def test_a_device_that_was_down_comes_back_down(t):
    """Undo does not raise what nobody had raised."""
    with host(t) as run:
        with_devices(t, "/bin/nothing", given={}).create().exits(1)
        true("UP" not in run("ip -o link show dev given").split(">")[0].replace("LOWER_UP", ""), "the device is up")


@differs(OLD)
@needs(needs_veth)
def test_traffic_passes(t):
    """A ping from the host's peer reaches the container."""
    with host(t, "ip addr add 192.0.2.1/24 dev peer", "ip addr add 192.0.2.5/24 dev given") as run:
        box = with_devices(t, given={"name": "eth0"})
        box.run_detached().ok()
        contains(run("busybox ping -c 1 -W 5 192.0.2.5"), " 0% packet loss", "ping")
        box.delete("--force").ok()


@differs(OLD)
def test_without_a_network_namespace_it_is_refused(t):
    """There is no place to move a device to."""
    bundle = t.bundle("true").without_namespace("network")
    bundle.edit(lambda config: config["linux"].update(netDevices={"given": {}}))
    contains(t.container(bundle=bundle).create().exits(1).err, "without a private NET namespace", "stderr")
    t.no_state()


@differs(OLD)
def test_without_root_it_is_refused(t):
    """In runc's words."""
    become_user(t)
    bundle = rootless(t.bundle("true"))
    bundle.edit(lambda config: (config["linux"].update(netDevices={"given": {}}),
                                config["linux"]["namespaces"].append({"type": "network"})))
    contains(t.container(bundle=bundle).create().exits(1).err, "not supported for rootless containers", "stderr")
    t.no_state()


@differs(OLD)
@parametrize("name", ["a/b", "a" * 16, "a b", ".."])
def test_names_that_the_kernel_refuses(t, name):
    """A name that no device can have is an error of the config."""
    contains(with_devices(t, **{name: {}}).create().exits(1).err, "invalid network device name", "stderr")
    contains(with_devices(t, given={"name": name}).create().exits(1).err, "invalid network device name", "stderr")
    t.no_state()


def joining(t, first):
    """A container in the network namespace of another one, and with the device."""
    box = with_devices(t, given={"name": "eth0"})
    box.bundle.edit(lambda config: [each.update(path=f"/proc/{first.pid}/ns/net")
                                    for each in config["linux"]["namespaces"] if each["type"] == "network"])
    return box


@differs(OLD)
@needs(needs_veth)
def test_a_joined_namespace_gets_the_device(t):
    """With a path the device goes into the namespace that is joined."""
    with host(t):
        first = t.sleeper()
        first.run_detached().ok()
        box = joining(t, first)
        box.run_detached().ok()
        equal({link["ifname"] for link in inside(first, "link")}, {"lo", "eth0"}, "devices")
        for each in (box, first):
            each.delete("--force").ok()


@differs(OLD)
@needs(needs_veth)
def test_delete_leaves_it_to_its_namespace(t):
    """Whoever has the namespace has the device: no verb configures it again, or takes it out before the end."""
    with host(t) as run:
        first = t.sleeper()
        first.run_detached().ok()
        box = joining(t, first)
        box.create().ok()
        for command in ("addr add 192.0.2.9/24 dev eth0", "link set eth0 down", "link set eth0 mtu 1300"):
            inside(first, *command.split())
        before = inside(first, "addr", "show")
        box.start().ok()
        equal(inside(first, "addr", "show"), before, "devices after start")
        box.exec("true").ok()
        box.kill("KILL").ok()
        box.wait()
        box.delete().ok()
        equal(inside(first, "addr", "show"), before, "devices after delete")
        true("given" not in names(run), "the device is back on the host")
        first.delete("--force").ok()


@differs(OLD)
@needs(needs_veth)
def test_a_container_in_a_user_namespace_owns_it(t):
    """Root of the container's user namespace may change its device."""
    maps = [mapping(0, 100000, 65536)]
    with host(t):
        box = with_devices(t, "sh", "-c", "ip link set eth0 mtu 1300 && cat /sys/class/net/eth0/mtu",
                           given={"name": "eth0"})
        with_user_namespace(box.bundle, maps, maps)
        box.bundle.capabilities(**{kind: ["CAP_NET_ADMIN"] for kind in ("bounding", "permitted", "effective")})
        equal(box.run().ok().out, "1300\n", "mtu")
