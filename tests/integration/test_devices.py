# SPDX-License-Identifier: Apache-2.0
"""linux.devices."""

import os
import stat

import pytest

from harness import contains, equal, true
from marks import differs, parametrize
from unprivileged import mapping, with_user_namespace

pytestmark = pytest.mark.by_the_stage

STAT = ("stat", "-c", "%F %t:%T %a %u:%g")
DEFAULT = "character special file {} 666 0:0\n"
ALLOW_ALL = [{"allow": True, "access": "rwm"}]


def device(path, kind="c", major=1, minor=5, **more):
    numbers = {} if kind == "p" else {"major": major, "minor": minor}
    return {"path": path, "type": kind, **numbers, **more}


def with_devices(bundle, *devices):
    return bundle.edit(lambda config: config["linux"].update(devices=list(devices)))


def look(t, path, *devices):
    """The output of stat for a path in a container with these devices."""
    return t.container(bundle=with_devices(t.bundle(*STAT, path), *devices)).run().ok().out


TYPES = [("c", "character special file 1:5"), ("u", "character special file a:1"), ("b", "block special file 7:0"),
         ("p", "fifo 0:0")]
NUMBERS = {"u": (10, 1), "b": (7, 0)}


@parametrize("kind, expected", TYPES)
def test_each_type_is_made(t, kind, expected):
    """c and u are character devices, b a block device, p a named pipe; by default mode 0666 and owner root."""
    equal(look(t, "/dev/mine", device("/dev/mine", kind, *NUMBERS.get(kind, ()))), f"{expected} 666 0:0\n", "stat")


def test_mode_and_owner_are_the_configs(t):
    """The node has fileMode, uid and gid of the config, whatever umask the caller has."""
    mine = device("/dev/mine", fileMode=0o641, uid=1000, gid=5)
    equal(look(t, "/dev/mine", mine), "character special file 1:5 641 1000:5\n", "stat")


def test_mode_may_carry_the_type(t):
    """Engines send a whole st_mode; only its permission bits count."""
    equal(look(t, "/dev/mine", device("/dev/mine", fileMode=0o020600)), "character special file 1:5 600 0:0\n", "stat")


def test_a_group_without_a_user(t):
    """A gid without a uid is accepted."""
    equal(look(t, "/dev/mine", device("/dev/mine", gid=7)), "character special file 1:5 666 0:7\n", "stat")


@parametrize("path", ["/opt/deep/er/node", "/node"])
def test_a_path_may_be_anywhere(t, path):
    """A node may be outside of /dev; the runtime makes missing directories."""
    bundle = with_devices(t.bundle(*STAT, path), device(path)).writable()
    equal(t.container(bundle=bundle).run().ok().out, DEFAULT.format("1:5"), "stat")


def test_a_node_works(t):
    """A program can read a node that the device rules allow."""
    bundle = with_devices(t.bundle("sh", "-c", "head -c 3 /dev/mine | od -An -tx1"), device("/dev/mine"))
    bundle.edit(lambda config: config["linux"]["resources"].update(
        devices=[{"allow": True, "type": "c", "major": 1, "minor": 5, "access": "r"}]))
    equal(t.container(bundle=bundle).run().ok().out.split(), ["00"] * 3, "stdout")


def test_a_default_device_may_be_listed(t):
    """The runtime makes a default device that the config lists only once, as the config describes it."""
    equal(look(t, "/dev/full", device("/dev/full", minor=7, fileMode=0o640)), "character special file 1:7 640 0:0\n",
          "stat")


def test_the_same_node_may_be_there(t):
    """If the image has the node already, the node stays as it is."""
    bundle = with_devices(t.bundle(*STAT, "/opt/node"), device("/opt/node", fileMode=0o600))
    (bundle.rootfs / "opt").mkdir()
    os.mknod(bundle.rootfs / "opt/node", 0o640 | stat.S_IFCHR, os.makedev(1, 5))
    equal(t.container(bundle=bundle).run().ok().out, "character special file 1:5 640 0:0\n", "stat")


OTHERS = [("another device", lambda path: os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))),
          ("a block device", lambda path: os.mknod(path, 0o666 | stat.S_IFBLK, os.makedev(1, 5))),
          ("a file", lambda path: path.write_text("")),
          ("a directory", os.mkdir),
          ("a link to the right one", lambda path: path.symlink_to("/dev/zero"))]


@differs("runc leaves the file that is there, against the standard")
@parametrize("name, make", OTHERS)
def test_another_node_is_an_error(t, name, make):
    """Another file in the node's place is an error that names the place (config-linux.md, Devices)."""
    bundle = with_devices(t.bundle("true"), device("/opt/node"))
    (bundle.rootfs / "opt").mkdir()
    make(bundle.rootfs / "opt/node")
    result = t.container(bundle=bundle).run().exits(1)
    contains(result.err, "/linux/devices/0", f"stderr for {name}")
    contains(result.err, "/opt/node", "stderr")
    t.no_state()


@differs("runc makes it, or fails later in other words")
@parametrize("path", ["/proc/node", "/dev/../proc/node"])
def test_none_inside_proc(t, path):
    """The runtime makes and binds no node inside /proc."""
    contains(t.container(bundle=with_devices(t.bundle("true"), device(path))).run().exits(1).err, "inside /proc", "stderr")
    t.no_state()


def test_a_path_of_an_image_link_stays_inside(t):
    """A link in the image leads to a place in the image, not on the host."""
    bundle = with_devices(t.bundle(*STAT, "/home/node"), device("/trap/node")).writable()
    (bundle.rootfs / "trap").symlink_to("/home")
    equal(t.container(bundle=bundle).run().ok().out, DEFAULT.format("1:5"), "stat")
    true(not os.path.lexists("/home/node"), "the node is on the host")


def test_a_bound_dev_keeps_its_own(t):
    """If /dev is bound from the host, the runtime makes nothing in it."""
    directory = t.scratch / "dev"
    directory.mkdir()
    bundle = with_devices(t.bundle("ls", "-A", "/dev"), device("/dev/mine"))
    bundle.edit(lambda config: config.update(mounts=[mount for mount in config["mounts"]
                                                     if not mount["destination"].startswith("/dev")]))
    bundle.add_mount("/dev", "bind", str(directory), "rbind")
    bundle.edit(lambda config: config["linux"].update(maskedPaths=[]))
    t.container(bundle=bundle).run()
    true("mine" not in os.listdir(directory), "a node in the host's directory")


def in_a_user_namespace(t, bundle):
    """The bundle with a user namespace; its files keep their owners on the host."""
    os.chmod(t.scratch.parent, 0o711)  # runc looks for the root as the mapped user
    return with_user_namespace(bundle, [mapping(0, 100000, 65536)], [mapping(0, 100000, 65536)])


def test_a_user_namespace_gets_the_hosts_node(t):
    """If mknod is refused, the runtime binds the host's node: the right device, and the container cannot change it."""
    bundle = in_a_user_namespace(t, with_devices(t.bundle(
        "sh", "-c", "stat -c '%t:%T' /dev/full /dev/kmsg; chmod 600 /dev/kmsg 2>/dev/null || echo no"),
        device("/dev/kmsg", minor=11, fileMode=0o600)))
    mode = os.stat("/dev/kmsg").st_mode
    equal(t.container(bundle=bundle).run().ok().out, "1:7\n1:b\nno\n", "stdout")
    equal(os.stat("/dev/kmsg").st_mode, mode, "the mode on the host")


@differs("runc binds any file of that name")
def test_a_bound_node_must_be_the_right_one(t):
    """The runtime does not bind a node of the host that is another device."""
    bundle = in_a_user_namespace(t, with_devices(t.bundle("true"), device("/dev/kmsg", minor=5)))
    result = t.container(bundle=bundle).run().exits(1)
    contains(result.err, "is not the device c 1:5", "stderr")
    contains(result.err, "/linux/devices/0", "stderr")
    t.no_state()


@differs("runc binds over the file that is there")
def test_a_bound_node_covers_what_is_there(t):
    """A bound node covers a file of the image at its place; the image keeps the file."""
    bundle = with_devices(t.bundle("stat", "-c", "%t:%T", "/dev/kmsg"), device("/dev/kmsg", minor=11))
    in_a_user_namespace(t, bundle)
    bundle.edit(lambda config: config.update(mounts=[mount for mount in config["mounts"]
                                                     if not mount["destination"].startswith("/dev")]))
    (bundle.rootfs / "dev").mkdir(exist_ok=True)
    os.chown(bundle.rootfs / "dev", 100000, 100000)
    (bundle.rootfs / "dev/kmsg").write_text("of the image")
    equal(t.container(bundle=bundle).run().ok().out, "1:b\n", "stat")
    equal((bundle.rootfs / "dev/kmsg").read_text(), "of the image", "the image's file")


def test_a_node_that_the_host_has_not_is_an_error(t):
    """The runtime cannot bind a device if the host has no node for it."""
    bundle = in_a_user_namespace(t, with_devices(t.bundle("true"), device("/dev/no-such-node")))
    contains(t.container(bundle=bundle).run().exits(1).err, "/dev/no-such-node", "stderr")
    t.no_state()


@differs("runc binds a pipe of the host, which is not there")
def test_a_named_pipe_in_a_user_namespace(t):
    """A named pipe is no device: the runtime makes it, and root inside owns it."""
    bundle = in_a_user_namespace(t, with_devices(t.bundle(*STAT, "/dev/pipe"), device("/dev/pipe", "p")))
    equal(t.container(bundle=bundle).run().ok().out, "fifo 0:0 666 0:0\n", "stat")
