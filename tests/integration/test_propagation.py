# SPDX-License-Identifier: Apache-2.0
"""Propagation: of each mount, of the root, and what really arrives on the other side."""

import contextlib
import subprocess

import pytest

from harness import contains, equal, eventually, true
from marks import differs, parametrize
from test_mounts import host_directory, table

pytestmark = pytest.mark.by_the_stage

ADMIN = ["CAP_SYS_ADMIN"]


def kinds(tags):
    """{"shared", "master", "unbindable"} of the optional fields of mountinfo."""
    return {tag.partition(":")[0] for tag in tags} - {"propagate_from"}


def with_root_propagation(bundle, word):
    return bundle.edit(lambda config: config["linux"].update(rootfsPropagation=word))


# ---- of a new file system -------------------------------------------------------------------------------

WORDS = [("shared", {"shared"}), ("private", set()), ("slave", set()), ("unbindable", {"unbindable"})]


@parametrize("word, expected", [*WORDS, *[(f"r{word}", expected) for word, expected in WORDS]])
def test_propagation_of_a_tmpfs(t, word, expected):
    """The word is the mount's own."""
    equal(kinds(table(t, t.bundle().add_mount("/tmp", "tmpfs", "tmpfs", word))["/tmp"]["tags"]), expected, "tags")


def test_propagation_words_are_applied_in_order(t):
    """The last word has its way, and a slave can be shared again."""
    bundle = t.bundle().add_mount("/tmp", "tmpfs", "tmpfs", "unbindable", "shared")
    bundle.add_mount("/root", "tmpfs", "tmpfs", "shared", "unbindable")
    found = table(t, bundle)
    equal(kinds(found["/tmp"]["tags"]), {"shared"}, "tags")
    equal(kinds(found["/root"]["tags"]), {"unbindable"}, "tags")


# ---- of a bind ------------------------------------------------------------------------------------------

BINDS = [((), {"master"}), (("slave",), {"master"}), (("rslave",), {"master"}), (("private",), set()),
         (("rprivate",), set()), (("shared",), {"shared", "master"}), (("rshared",), {"shared", "master"}),
         (("unbindable",), {"unbindable"})]


@parametrize("_, words, expected", [(" ".join(words) or "none", words, expected) for words, expected in BINDS])
def test_propagation_of_a_bind(t, _, words, expected):
    """By default a bind receives and sends nothing; a word changes that."""
    bundle = t.bundle().add_mount("/home", "bind", str(host_directory(t)), "bind", *words)
    equal(kinds(table(t, bundle)["/home"]["tags"]), expected, "tags")


@contextlib.contextmanager
def volume(t):
    """A directory of the host that is a mount, with a place below."""
    directory = t.scratch / "volume"
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "volume", directory], check=True)
    (directory / "sub").mkdir()
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-R", directory], check=True)


def seen_on_host(place):
    with open("/proc/self/mountinfo", encoding="utf-8") as lines:
        return any(line.split()[4] == str(place) for line in lines)


def arrives_on_host(t, root, *words):
    """True if a mount that the container makes in the volume is one of the host's."""
    with volume(t) as directory:
        bundle = t.bundle("sh", "-c", "mount -t tmpfs inner /home/sub && sleep 60")
        bundle.capabilities(**{kind: ADMIN for kind in ("bounding", "effective", "permitted")})
        bundle.add_mount("/home", "bind", str(directory), "rbind", *words)
        container = t.container(bundle=with_root_propagation(bundle, root) if root else bundle)
        container.run_detached().ok()
        eventually(lambda: " /home/sub " in container.proc("mountinfo"), "the container does not mount")
        arrived = seen_on_host(directory / "sub")
        container.kill("KILL").ok()
        container.wait()
        container.delete().ok()
    return arrived


def test_bidirectional_mount_arrives_on_the_host(t):
    """rootfsPropagation shared and a volume that is rshared: the volume stays the host's peer."""
    true(arrives_on_host(t, "rshared", "rshared"), "the mount did not arrive")


@parametrize("_, root, *words", [
    (None, None, "rshared"), ("rslave", "rslave", "rshared"), ("rprivate", "rprivate", "rshared"),
    ("volume", "rshared", "rslave")])
def test_mount_stays_inside(t, _, root, words):
    """If only one of the two says shared, nothing arrives."""
    true(not arrives_on_host(t, root, *words), "the mount arrived on the host")


def arrives_inside(t, root, *words):
    """True if a mount that the host makes in the volume is seen in the container."""
    with volume(t) as directory:
        bundle = t.bundle("sleep", "60").add_mount("/home", "bind", str(directory), "rbind", *words)
        container = t.container(bundle=with_root_propagation(bundle, root) if root else bundle)
        container.run_detached().ok()
        subprocess.run(["mount", "-t", "tmpfs", "later", directory / "sub"], check=True)
        arrived = " /home/sub " in container.proc("mountinfo")
        container.kill("KILL").ok()
        container.wait()
        container.delete().ok()
    return arrived


@parametrize("_, *words", [("none",), ("rslave", "rslave"), ("slave", "slave")])
def test_mount_of_the_host_arrives(t, _, words):
    """HostToContainer: a slave sees what the host mounts later."""
    true(arrives_inside(t, None, *words), "the mount did not arrive")


@parametrize("_, root, *words", [("volume", None, "rprivate"), ("root", "rprivate"), ("both", "rprivate", "private")])
def test_mount_of_the_host_stays_outside(t, _, root, words):
    """A private mount, or one below a private root, receives nothing."""
    true(not arrives_inside(t, root, *words), "the mount arrived in the container")


def mounts_of_the_host():
    with open("/proc/self/mountinfo", encoding="utf-8") as lines:
        return set(lines.read().splitlines())


def mounts_that_appear(t, word):
    """The mounts of the host that come with a container of this root propagation."""
    before = mounts_of_the_host()
    container = t.container(bundle=with_root_propagation(t.bundle("sleep", "60"), word))
    container.run_detached().ok()
    contains(container.proc("mountinfo"), " /proc ", "mountinfo")
    return mounts_of_the_host() - before


@parametrize("word", ["shared", "rshared", "slave", "rslave", "private", "rprivate"])
def test_mounts_of_the_container_never_reach_the_host(t, word):
    """Whatever the propagation of the root: /proc, /dev and the others stay inside."""
    equal(mounts_that_appear(t, word), set(), "new mounts of the host")


@differs("runc 1.1.5 cannot start with unbindable")
@parametrize("word", ["unbindable", "runbindable"])
def test_mounts_below_an_unbindable_root_stay_inside(t, word):
    """The same for a root that cannot be bound."""
    equal(mounts_that_appear(t, word), set(), "new mounts of the host")
