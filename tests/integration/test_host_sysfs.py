# SPDX-License-Identifier: Apache-2.0
"""Without a network namespace of its own, the container gets the host's sysfs, in which nothing can be written."""

from harness import contains, equal, true
from marks import differs
from test_mounts import parse
from test_rootless import user_shell, without
from test_user_namespace import bundle_of

SCRIPT = "cat /proc/self/mountinfo; ls /sys/class/net | grep -x lo; echo x > /sys/class/net/lo/mtu"


def without_network(bundle):
    kept = [each for each in bundle.config["linux"]["namespaces"] if each["type"] != "network"]
    return bundle.edit(lambda config: config["linux"].update(namespaces=kept))


@differs("runc cannot mount sysfs there and gives up")
def test_sysfs_of_the_host_is_bound(t):
    """The host's /sys with all mounts below it is read-only throughout; the container's cgroups cover the host's."""
    result = t.container(bundle=without_network(bundle_of(t, "sh", "-c", SCRIPT))).run().exits(1)
    lines = result.out.splitlines()
    found = parse("\n".join(line for line in lines if " - " in line))
    equal(found["/sys"]["type"], "sysfs", "type")
    below = {point: mount["options"] for point, mount in found.items() if point.startswith("/sys")}
    true(all({"ro", "nosuid", "nodev", "noexec"} <= options for options in below.values()), f"writable: {below}")
    equal(lines[-1], "lo", "the interface of the host")
    contains(result.err, "Read-only file system", "stderr")


def test_sysfs_of_its_own_network(t):
    """A container with its own network namespace has its own sysfs."""
    out = t.container(bundle=bundle_of(t, "ls", "/sys/class/net")).run().ok().out
    equal(set(out.split()) - {"sit0", "tunl0", "ip6tnl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "bonding_masters"},
          {"lo"}, "interfaces")


CGROUPS = "cat /proc/self/mountinfo; mkdir /sys/fs/cgroup/escape"


def rootless_with_sys(t, *absent):
    """The mounts of a rootless container with the host's /sys bound on /sys, the caller's cgroup files included."""
    box = user_shell(t, CGROUPS)
    config = box.bundle.config
    config["mounts"] = [each for each in config["mounts"] if not each["destination"].startswith("/sys")]
    box.bundle.add_mount("/sys", "none", "/sys", "rbind", "rw")
    for kind in absent:
        without(box.bundle, kind)
    return parse("\n".join(line for line in box.run().exits(1).out.splitlines() if " - " in line))


@differs("runc 1.1.5 makes only its own mount of cgroups read-only (CVE-2023-25809)")
def test_cgroups_of_the_caller_are_read_only(t):
    """In a rootless container without a cgroup namespace, the cgroups of a bound /sys cannot be written."""
    found = rootless_with_sys(t, "cgroup")
    shown = {point: mount["options"] for point, mount in found.items() if point.startswith("/sys/fs/cgroup")}
    true(shown and all("ro" in options for options in shown.values()), f"writable: {shown}")


def test_cgroups_with_a_namespace_are_as_they_were(t):
    """With a cgroup namespace the mount stays writable: the permissions of the files decide."""
    found = rootless_with_sys(t)
    true("rw" in found["/sys/fs/cgroup"]["options"], "read-only without need")
