# SPDX-License-Identifier: Apache-2.0
"""E08 to E12 and E76: what an image, or a neighbour, puts where device nodes and terminals are expected."""

import os
import pathlib
import stat
import subprocess

import pytest

import harness
from harness import equal, true
from marks import attacker, parametrize
from test_terminal import listener, read_master, receive
from world import ended_well, link, strike, without_mounts

USER = {"uid": 1000, "gid": 1000}
NODES = {"node 1:5": (1, 5), "node 1:3": (1, 3), "node 5:0": (5, 0)}


def trap(path, how, target):
    """Puts a link, a regular file, a fifo, a socket's place or a node at a path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if how == "link":
        link(path, target)
    elif how == "file":
        path.write_text("kept\n")
    elif how == "fifo":
        os.mkfifo(path)
    elif how == "directory":
        path.mkdir()
    elif how != "missing":
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(*NODES[how]))


def with_terminal(t, box):
    """(result of create, what the terminal printed)."""
    with listener(t) as server:
        result = ended_well(t, box.create("--console-socket", server.getsockname()))
        if result.code != 0:
            return result, ""
        master = receive(server)[1][0]
    box.start()
    text = read_master(master)
    os.close(master)
    box.wait()
    return result, text


def own_dev_bundle(t, *args, **process):
    """A bundle that keeps the image's own /dev."""
    return t.bundle(*args, **process).writable().edit(lambda config: without_mounts(config, "/dev"))


CONSOLES = [("new file", "hostfile"), ("existing file", "console"), ("directory", "inner")]


@attacker("A1")
@parametrize("_, name", CONSOLES)
def test_E08_console_is_a_link(t, _, name):
    """rootfs/dev/console is a link to the host (CVE-2026-88264), there is no mount on /dev, and a terminal is
    wanted."""
    box = t.container(bundle=console_bundle(t))
    link(box.bundle.rootfs / "dev/console", t.can / name)
    with_terminal(t, box)


@attacker("A1")
@parametrize("*_", CONSOLES[:1])
def test_E08_harmless_console_is_missing(t, _):
    """With the image's own /dev a terminal works."""
    result, text = with_terminal(t, t.container(bundle=console_bundle(t)))
    equal((result.code, text), (0, "started\n"), "exit code and output")


def console_bundle(t):
    bundle = own_dev_bundle(t, "sh", "-c", "echo started > /dev/console", terminal=True)
    (bundle.rootfs / "dev/pts").mkdir()
    return bundle.add_mount("/dev/pts", "devpts", "devpts", "newinstance", "ptmxmode=0666", "mode=0620")


def by_pipes(t, box):
    """Runs with pipes as stdio, as engines do; returns (result, stdout)."""
    streams = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
    child = t.runtime.start(t.runtime.command("run", "--bundle", box.bundle.path, box.id), **streams)
    try:
        out, err = child.communicate(b"", timeout=t.runtime.seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise harness.Failure("no end") from None
    return ended_well(t, harness.Result(["run"], child.returncode, out.decode(), err.decode(), 0)), out.decode()


@attacker("A1")
@parametrize("how", ["file", "link"])
def test_E09_null_hijacks_stdio(t, how):
    """The image's /dev/null is a file, or a link to one (CVE-2026-88265): stdio stays with the caller, the file as it
    was."""
    bundle = own_dev_bundle(t, "sh", "-c", "echo to the caller", user=USER).program("victim", "kept\n", 0o644)
    trap(bundle.rootfs / "dev/null", how, "/victim")
    victim = bundle.rootfs / ("victim" if how == "link" else "dev/null")
    before = os.stat(victim)
    result, out = by_pipes(t, t.container(bundle=bundle))
    true(result.code != 0 or out == "to the caller\n", f"stdout went elsewhere: {result}")
    if not victim.is_char_device():  # replaced by a real one: that is right, too
        after = os.stat(victim)
        equal((after.st_uid, after.st_mode, after.st_size), (before.st_uid, before.st_mode, before.st_size),
              str(victim))


@attacker("A1")
@parametrize("_", ["file"])
def test_E09_harmless_null_is_missing(t, _):
    """An image without /dev/null gets the real one, and pipes work."""
    bundle = own_dev_bundle(t, "sh", "-c", "echo gone > /dev/null; echo to the caller", user=USER)
    equal(by_pipes(t, t.container(bundle=bundle))[1], "to the caller\n", "stdout")


@attacker("A1")
@parametrize("how", ["file", "link"])
def test_E10_null_of_the_host_is_chowned(t, how):
    """stdin is a null device of the host (a private one), the image's is something else: the host's keeps its owner."""
    bundle = own_dev_bundle(t, "true", user=USER).program("victim", "kept\n", 0o644)
    trap(bundle.rootfs / "dev/null", how, "/victim")
    strike(t, t.container(bundle=bundle))
    equal(os.stat(t.null).st_uid, 0, "owner of the host's null device")


@attacker("A1")
@parametrize("_", ["file"])
def test_E10_harmless_null_of_the_host_is_stdin(t, _):
    """A user whose stdin is the host's null device reads its end."""
    equal(t.container("cat", user=USER).run().exits(0).out, "", "stdout")


MASK = ["link", "file", "node 1:5", "fifo", "directory", "missing"]


def mask_bundle(t, how):
    """/dev is a directory that somebody else owns; two files are to be masked."""
    script = "cat /secret; echo written > /secret; cat /secret; echo done"
    bundle = t.bundle("sh", "-c", script).writable().program("secret", "secret\n", 0o666)
    bundle.program("target", "target\n", 0o666)
    bundle.edit(lambda config: without_mounts(config, "/dev"))
    bundle.edit(lambda config: config["linux"]["maskedPaths"].append("/secret"))
    neighbour = t.host_folder("neighbour")
    trap(neighbour / "null", how, "/target")
    return bundle.add_mount("/dev", "bind", str(neighbour), "rbind", "rw")


@attacker("A3")
@pytest.mark.timeout(90)
@parametrize("how", MASK)
def test_E11_null_for_masks(t, how):
    """What a mask is made of is not taken from a /dev that somebody else owns (CVE-2025-31133): it is empty, takes
    nothing and leads nowhere; or the start is refused."""
    bundle = mask_bundle(t, how)
    result = strike(t, t.container(bundle=bundle))
    true(result.code != 0 or result.out == "done\n", f"the mask shows something: {result}")
    equal((bundle.rootfs / "secret").read_text(), "secret\n", "the masked file")
    equal((bundle.rootfs / "target").read_text(), "target\n", "the link's target")


@attacker("A3")
@pytest.mark.timeout(90)
@parametrize("_", MASK[:1])
def test_E11_harmless_null_for_masks_is_good(t, _):
    """A bound /dev with a real null device works, and masks hold."""
    bundle = mask_bundle(t, "node 1:3")
    equal(t.container(bundle=bundle).run().exits(0).out, "done\n", "stdout")


PTMX = ["file", "fifo", "node 1:5", "node 5:0", "link", "directory", "missing"]


@attacker("A3")
@parametrize("how", PTMX)
def test_E12_ptmx_is_false(t, how):
    """/dev/pts is somebody's directory, with something that is no ptmx (CVE-2025-52565): refused in time."""
    neighbour = t.host_folder("neighbour")
    trap(neighbour / "ptmx", how, t.can / "ptmx")
    bundle = t.bundle("echo", "started", terminal=True)
    bundle.edit(lambda config: without_mounts(config, "/dev/pts")).add_mount("/dev/pts", "bind", str(neighbour), "bind")
    result, text = with_terminal(t, t.container(bundle=bundle))
    true(result.code != 0, f"a terminal was made of it: {text!r}")


@attacker("A3")
@parametrize("_", PTMX[:1])
def test_E12_harmless_ptmx_is_real(t, _):
    """With a devpts of its own a terminal works."""
    result, text = with_terminal(t, t.container("echo", "started", terminal=True))
    equal((result.code, text), (0, "started\n"), "exit code and output")


def disks():
    """["b MAJOR MINOR"] of the machine's first disk."""
    numbers = sorted(path.read_text().strip() for path in pathlib.Path("/sys/class/block").glob("*/dev"))
    return ["b " + numbers[0].replace(":", " ")] if numbers else []


# Memory, kernel messages, tun, a serial line, a number that nobody has, and the machine's disk.
FORBIDDEN = ["c 1 1", "c 1 2", "c 1 11", "c 10 200", "c 4 64", "c 244 7", "b 8 0", *disks()]
MKNOD = {kind: ["CAP_MKNOD", "CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"] for kind in ("bounding", "effective", "permitted")}
NODE_SCRIPT = """mknod /tmp/node {words} && echo made
head -c 1 /tmp/node > /dev/null && exit 42
(echo x > /tmp/node) && exit 43
mount -t ext4 /tmp/node /tmp/there && exit 44
exit 0"""


def node_box(t, words, access):
    """A container that makes a node and exits with 42 if it can read, with 43 if it can write."""
    bundle = t.bundle("sh", "-c", NODE_SCRIPT.format(words=words)).capabilities(**MKNOD)
    bundle.add_mount("/tmp", "tmpfs", "tmpfs", "mode=1777")
    kind, major, minor = words.split()
    allow = [{"allow": True, "type": kind, "major": int(major), "minor": int(minor),
              "access": access}] if access else []
    rules = [{"allow": False, "access": "rwm"}, *allow]
    return t.container(bundle=bundle.edit(lambda config: config["linux"]["resources"].update(devices=rules)))


@attacker("A2")
@parametrize("words", FORBIDDEN)
def test_E76_device_filter(t, words):
    """With CAP_MKNOD and CAP_SYS_ADMIN a node that the rules do not allow can be neither opened nor mounted, at once
    after `start`, too. Making the node is allowed, as in runc. (The part about `update` waits for that verb.)"""
    equal(strike(t, node_box(t, words, "")).code, 0, "exit code")
    box = node_box(t, words, "")
    box.create().exits(0)
    box.start().exits(0)
    equal(box.wait(), 0, "status")


@attacker("A2")
@parametrize("_", FORBIDDEN[:1])
def test_E76_harmless_device_is_allowed(t, _):
    """A node that the rules allow can be made and opened."""
    equal(strike(t, node_box(t, "c 1 3", "rwm")).code, 42, "exit code")
    equal(strike(t, node_box(t, "c 1 11", "wm")).code, 43, "exit code")
