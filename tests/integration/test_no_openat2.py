# SPDX-License-Identifier: Apache-2.0
"""A caller whose service manager refuses openat2(2): the walk by components has the same verdicts."""

import errno

import pytest

from harness import contains, equal
from marks import differs, parametrize
from test_joins import NO_TIME, with_clocks
from test_overlay import ONLY_HERE, Layers

pytestmark = pytest.mark.by_the_stage

OPENAT2 = "437"
REFUSALS = [("ENOSYS", errno.ENOSYS), ("EPERM", errno.EPERM)]


def without(number):
    return {"refuse": {OPENAT2: number}}


@parametrize("_, number", REFUSALS)
def test_the_default_container_runs(t, _, number):
    """Mounts, devices, masks, working directory and HOME are as ever."""
    script = "pwd; echo $HOME; ls /proc/acpi | wc -l; stat -c %F /dev/null; cat /proc/timer_list | wc -c"
    container = t.shell(script, cwd="/home/bob", user={"uid": 1000, "gid": 1000})
    out = container.run(setup=without(number)).exits(0).lines()
    equal(out, ["/home/bob", "/home/bob", "0", "character special file", "0"], "stdout")


@parametrize("_, number", REFUSALS)
def test_links_of_the_image_stay_inside(t, _, number):
    """An absolute link and one that climbs lead below the root."""
    shared = t.scratch / "shared"
    shared.mkdir()
    (shared / "file").write_text("from the host\n")
    bundle = t.bundle("sh", "-c", "cat /home/file /root/file").writable()
    (bundle.rootfs / "absolute").symlink_to("/home")
    (bundle.rootfs / "climbs").symlink_to("../../../../../../root")
    bundle.add_mount("/absolute", "bind", str(shared), "bind").add_mount("/climbs", "bind", str(shared), "bind")
    equal(t.container(bundle=bundle).run(setup=without(number)).exits(0).out, "from the host\n" * 2, "stdout")


@parametrize("_, number", REFUSALS)
def test_procfs_is_not_mounted_through_a_link(t, _, number):
    """The refusals are the same as well."""
    bundle = t.bundle("true")
    (bundle.rootfs / "proc").rmdir()
    (bundle.rootfs / "proc").symlink_to("tmp")
    result = t.container(bundle=bundle).run(setup=without(number)).exits(1)
    contains(result.err, "proc", "stderr")
    t.no_state()


@parametrize("_, number", REFUSALS)
def test_magic_links_do_not_resolve(t, _, number):
    """A working directory that is a descriptor of the caller is refused."""
    container = t.container("true", cwd="/proc/self/fd/9")
    result = container.run(setup={**without(number), "fds": {"9": "/dev/null"}}).exits(1)
    contains(result.err, "/proc/self/fd/9", "stderr")
    t.no_state()


@parametrize("_, number", REFUSALS)
def test_kernel_parameters_are_set(t, _, number):
    """linux.sysctl is written through the stage's own procfs."""
    bundle = t.bundle("cat", "/proc/sys/net/ipv4/ip_default_ttl")
    bundle.edit(lambda config: config["linux"].update(sysctl={"net.ipv4.ip_default_ttl": "77"}))
    equal(t.container(bundle=bundle).run(setup=without(number)).exits(0).out, "77\n", "stdout")


@differs(NO_TIME)
@parametrize("_, number", REFUSALS)
def test_clocks_are_moved(t, _, number):
    """So are the offsets of a time namespace."""
    bundle = with_clocks(t.bundle("cat", "/proc/self/timens_offsets"), {"boottime": {"secs": 3600}})
    contains(t.container(bundle=bundle).run(setup=without(number)).exits(0).out.split(), "3600", "the offsets")


@differs(ONLY_HERE)
@parametrize("_, number", REFUSALS)
def test_a_root_is_made_of_layers(t, _, number):
    """Layers are found below the administrator's directory."""
    layers = Layers(t, "cat", "/name")
    layers.add("top", name="top\n")
    equal(layers.run(t, ["top", "base"], setup=without(number)).exits(0).out, "top\n", "stdout")


@differs(ONLY_HERE)
@parametrize("_, target", [("relative", "../outside"), ("absolute", "{top}/outside")])
def test_a_layer_that_leads_out_is_refused(t, _, target):
    """A link out of the administrator's directory is no layer, as with openat2."""
    (t.scratch / "outside").mkdir()
    layers = Layers(t, "true")
    (layers.path / "out").symlink_to(target.format(top=t.scratch))
    for setup in ({}, without(errno.ENOSYS)):
        contains(layers.run(t, ["out", "base"], setup=setup).exits(1).err, "invalid cross-device link", "stderr")
    t.no_state()
