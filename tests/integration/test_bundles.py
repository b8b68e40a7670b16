# SPDX-License-Identifier: Apache-2.0
"""Compiles every bundle of bundles/ from its YAML and runs it: what it prints, and what is visible from outside."""

import json
import os
import pathlib
import shutil

import bundles
import unprivileged
from harness import contains, equal, read_text, true
from marks import differs, needs, parametrize
from resources import controllers
from test_net_devices import host, inside, names, needs_veth

PROJECT = pathlib.Path(__file__).resolve().parent.parent.parent
OURS = "the short form is bulkhead's own"
# A part of what each bundle prints; empty if the output does not show its theme.
SAID = {
    "affinity": "Cpus_allowed_list", "annotations": "", "binds": "Hello from the host.",
    "capabilities": "CapEff:\t0000000000002421", "delegated": "0::/", "device-nodes": "/dev/mine", "devices": "4",
    "environment": "GREETING=good morning", "every-hook": "", "hidden-paths": "0 /proc/timer_list", "host-like": os.uname().nodename,
    "hostname-domainname": "lighthouse\nharbour.example", "limits": "(-n) 256", "memory-policy": " prefer:0 ", "minimal": "",
    "no-terminal": "uid=0", "overlay": "gone with the container", "process": "200", "quickstart": "host name: bulkhead",
    "seccomp": "Seccomp:\t2", "shared-mounts": "/dev/pts", "shared-network": "LOOPBACK", "time-namespace": "monotonic", "user": "uid=1000",
    "writable": "/srv/app/work",
}
# Bundles with a case of their own below, in test_bundle_themes (mount-label) or in test_intel_rdt.
OWN_CASES = {"cgroup-limits", "default", "idmapped-mount", "intel-rdt", "mount-label", "net-device", "rootless"}
LIMITS = {"memory.max": "67108864", "memory.swap.max": "0", "memory.high": "59998208", "cpu.max": "50000 100000",
          "pids.max": "100"}  # memory.high in whole pages
CALLER = 1000  # the uid and gid that the bundle rootless is made for


class Compiled(bundles.Bundle):
    """A copy of a bundle with a newly made config.json and a busybox root."""

    def __init__(self, t, name):  # pylint: disable=super-init-not-called
        self.path = t.scratch / name
        self.rootfs = self.path / "rootfs"
        shutil.copytree(PROJECT / "bundles" / name, self.path)
        (self.path / "config.json").unlink()
        t.runtime("spec", "--from", self.path / "bundle.yaml", "--bundle", self.path).ok()
        self.config = json.loads((self.path / "config.json").read_text())
        shutil.copytree(t.template, self.rootfs, symlinks=True)


def layered(t, bundle):
    """Makes the layers that the bundle overlay names; returns the flags that allow them."""
    layers = t.scratch / "layers"
    shutil.copytree(t.template, layers / "base", symlinks=True)
    (layers / "app").mkdir()
    lower = {"run.bulkhead.overlay.lower": f"{layers}/app:{layers}/base"}
    bundle.edit(lambda config: config["annotations"].update(lower))
    return ["--overlay-from", layers]


@differs(OURS)
@parametrize("name", sorted(SAID))
def test_bundle(t, name):
    """The bundle prints what it is about."""
    made = Compiled(t, name)
    flags = layered(t, made) if name == "overlay" else []
    result = t.container(bundle=made).run(*flags).exits(0)
    contains(result.out, SAID[name], f"output of {result}")


def needs_limits():
    missing = {"memory", "cpu", "pids"} - controllers()
    return f"no cgroup v2 controllers {' '.join(sorted(missing))} here: in the virtual machine" if missing else None


@differs(OURS)
@needs(needs_limits)
def test_cgroup_limits(t):
    """The container reads its limits, and they are those of its cgroup."""
    made = Compiled(t, "cgroup-limits")
    said = dict(line.split(":") for line in t.container(bundle=made).run().ok().lines())
    equal(said, LIMITS, "what it prints")
    box = t.container(bundle=made.process(args=["sleep", "60"]))
    box.run_detached().ok()
    equal({name: read_text(box.cgroup() / name).strip() for name in LIMITS}, LIMITS, "files of its cgroup")


@differs(OURS)
def test_default(t):
    """The bundle runs without its terminal; test_terminal gives one to the same config.json."""
    made = Compiled(t, "default").process(terminal=False, args=["echo", "here"])
    equal(t.container(bundle=made).run().ok().out, "here\n", "stdout")


@differs(OURS)
def test_idmapped_mount(t):
    """Files of uid 0 on disk are root's in the container, whose root is uid 100000 outside; without the map they are nobody's."""
    made = Compiled(t, "idmapped-mount")
    for path in (made.path / "data", *(made.path / "data").iterdir()):
        os.chown(path, 0, 0)
    owners = lambda: [line.split()[2:4] for line in t.container(bundle=made).run().ok().lines()[1:]]
    equal(set(map(tuple, owners())), {("0", "0")}, "owners that it prints")
    box = t.container(bundle=made.process(args=["sleep", "60"]))
    box.run_detached().ok()
    equal(os.stat(f"/proc/{box.pid}").st_uid, 100000, "uid of the process outside")
    made.process(args=["ls", "-n", "/dev/data"])
    made.edit(lambda config: [config["mounts"][-1].pop(key) for key in ("uidMappings", "gidMappings")])
    equal(set(map(tuple, owners())), {("65534", "65534")}, "owners without the map")


@differs(OURS)
@needs(needs_veth)
def test_net_device(t):
    """eth1 of the host is eth0 in the container, with its address, and no longer on the host."""
    with host(t, "ip link set given name eth1", "ip addr add 192.0.2.7/24 dev eth1") as run:
        made = Compiled(t, "net-device").process(args=["sleep", "60"])
        box = t.container(bundle=made)
        box.run_detached().ok()
        link, = inside(box, "addr", "show", "dev", "eth0")
        contains(link["flags"], "UP", "flags")
        contains([each["local"] for each in link["addr_info"]], "192.0.2.7", "addresses")
        true("eth1" not in names(run), "the device is still on the host")
        box.delete("--force").ok()


@differs(OURS)
@needs(needs_veth)
def test_net_device_shows_itself(t):
    """The bundle prints the address of its device."""
    with host(t, "ip link set given name eth1", "ip addr add 192.0.2.7/24 dev eth1"):
        contains(t.container(bundle=Compiled(t, "net-device")).run().ok().out, "inet 192.0.2.7/24", "stdout")


@differs(OURS)
def test_rootless(t):
    """The caller, uid 1000, is root in the container and uid 1000 outside."""
    made = Compiled(t, "rootless")
    unprivileged.become(t, ["/usr/bin/setpriv", f"--reuid={CALLER}", f"--regid={CALLER}", "--clear-groups"])
    os.chown(t.scratch, CALLER, CALLER)
    said = t.container(bundle=made).run().ok()
    contains(said.out, "uid=0(root) gid=0(root)", "stdout")
    equal(said.lines()[-1].split(), ["0", str(CALLER), "1"], "the map")
    box = t.container(bundle=made.process(args=["sleep", "60"]))
    box.run_detached().ok()
    equal(os.stat(f"/proc/{box.pid}").st_uid, CALLER, "uid of the process outside")


@differs(OURS)
def test_every_bundle_has_a_case(t):
    """This file names all folders of bundles/ and nothing else."""
    there = sorted(path.parent.name for path in (PROJECT / "bundles").glob("*/bundle.yaml"))
    equal(sorted(SAID.keys() | OWN_CASES), there, "bundles")
