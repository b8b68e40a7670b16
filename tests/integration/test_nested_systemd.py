# SPDX-License-Identifier: Apache-2.0
"""systemd as the first process of a container: it divides the container's cgroup and runs its services in there."""

import os

import pytest

from harness import contains, equal, eventually, true
from marks import differs, needs
from resources import MIB, no_controllers
from test_cgroup_removal import top_of
from test_debian import DEBIAN
from test_delegation import BY_SYSTEMD_ONLY, writable
from test_nested import EVERY_CAPABILITY
from unprivileged import mapping, with_user_namespace

SYSTEMD = "/lib/systemd/systemd"
SLOWER = 10 if "BULKHEAD_VM" in os.environ else 1
BOOT_SECONDS = 30 * SLOWER
# What it wants of a container (systemd.io/CONTAINER_INTERFACE); the image is not written to.
TEMPORARY = ["/run", "/run/lock", "/tmp", "/var/log", "/var/lib", "/var/tmp"]


def no_systemd():
    if not (DEBIAN / SYSTEMD.lstrip("/")).exists():
        return f"no systemd in {DEBIAN}: run scripts/make-rootfs debian {DEBIAN}"
    return None


def systemd_box(t, mapped=False, **limits):
    bundle = writable(t.bundle(SYSTEMD, "--unit=basic.target", "--log-target=console", "--show-status=0"))
    bundle.env("container=oci", "SYSTEMD_LOG_LEVEL=notice")
    bundle.capabilities(**{kind: EVERY_CAPABILITY for kind in ("bounding", "effective", "permitted")})
    bundle.edit(lambda config: (config["root"].update(path=str(DEBIAN)), config["linux"].update(maskedPaths=[], readonlyPaths=[]),
                                config["process"].update(noNewPrivileges=False), config["linux"]["resources"].update(limits)))
    for place in TEMPORARY:
        bundle.add_mount(place, "tmpfs", "tmpfs", "mode=755", "nosuid", "nodev")
    if mapped:
        ids = [mapping(0, 100000, 65536)]
        with_user_namespace(bundle, ids, ids).edit(lambda config: [
            each["options"].remove("gid=5") for each in config["mounts"] if "gid=5" in each.get("options", [])])
    return t.container(bundle=bundle)


def booted(t, **options):
    """A container whose systemd has reached its target; (container, the container's own cgroup)."""
    box = systemd_box(t, **options)
    box.run_detached().ok()
    own = top_of(box)
    eventually(lambda: divided(box, own), "systemd does not divide its cgroup", BOOT_SECONDS)
    eventually(lambda: systemctl(box, "is-active", "basic.target").out == "active\n", "systemd does not boot", BOOT_SECONDS)
    return box, own


def divided(box, own):
    """True if systemd has left the container's cgroup and handed down what there is. Before that a further program is
    born in there, as runc's, and while it is, the kernel lets nobody hand anything down; systemd does not try again."""
    there = (own / "cgroup.controllers").read_text().split()
    return box.cgroup() == own / "init.scope" and ("memory" not in there or
                                                   "memory" in (own / "cgroup.subtree_control").read_text().split())


def systemctl(box, *words):
    return box.exec("systemctl", *words, timeout=20 * SLOWER)


@needs(no_systemd)
@pytest.mark.timeout(60 * SLOWER)
def test_it_boots_and_divides_the_cgroup(t):
    """init moves into init.scope and makes slices; a further program finds its way in; all is gone afterwards."""
    lives_and_goes(t, *booted(t))


@differs(BY_SYSTEMD_ONLY)
@needs(no_systemd)
@pytest.mark.timeout(60 * SLOWER)
def test_it_boots_in_a_user_namespace(t):
    """The same for root of a user namespace, who owns the container's cgroup."""
    lives_and_goes(t, *booted(t, mapped=True))


def lives_and_goes(t, box, own):
    equal(box.cgroup(), own / "init.scope", "init's cgroup")
    true((own / "system.slice").is_dir(), "there is no system.slice")
    contains(box.exec("cat", "/proc/self/cgroup").ok().out, "0::/", "a further program's cgroup")
    box.exec("systemd-run", "--unit=job", "sleep", "300", timeout=20 * SLOWER).exits(0)
    job = own / "system.slice/job.service"
    eventually(lambda: job.exists() and (job / "cgroup.procs").read_text(), "no service runs", 10 * SLOWER)
    systemctl(box, "stop", "job").exits(0)
    eventually(lambda: not job.exists(), "the service's cgroup is left", 10 * SLOWER)
    box.delete("--force").exits(0)
    true(not own.exists(), "cgroups are left")
    box.wait()
    t.no_state()


@needs(no_systemd)
@pytest.mark.timeout(60 * SLOWER)
def test_it_ends_when_it_is_told(t):
    """SIGRTMIN+3 is its word for halting: the container ends by itself, and delete needs no force."""
    box, own = booted(t)
    box.kill("37").ok()  # SIGRTMIN+3
    box.wait(30 * SLOWER)
    box.delete().ok()
    true(not own.exists(), "cgroups are left")


def no_systemd_with_controllers():
    return no_systemd() or no_controllers()


@needs(no_systemd_with_controllers)
@pytest.mark.timeout(60 * SLOWER)
def test_its_services_have_limits(t):
    """With controllers: what init hands down limits a service inside, and exec is born where init is."""
    box, own = booted(t, memory={"limit": 512 * MIB}, pids={"limit": 500})
    contains((own / "cgroup.subtree_control").read_text(), "memory", "what systemd hands down")
    process = box.exec_detached("sleep", "300")
    equal(process.cgroup(), own / "init.scope", "the cgroup of a further program")
    box.exec("systemd-run", "--unit=job", "-p", "MemoryMax=32M", "-p", "TasksMax=7", "sleep", "300", timeout=20 * SLOWER).exits(0)
    job = own / "system.slice/job.service"
    eventually(lambda: job.exists() and (job / "memory.max").read_text() != "max\n", "no service has a limit", 10 * SLOWER)
    equal((job / "memory.max").read_text(), f"{32 * MIB}\n", "memory.max of the service")
    equal((job / "pids.max").read_text(), "7\n", "pids.max of the service")
    equal((own / "memory.max").read_text(), f"{512 * MIB}\n", "memory.max of the container")
