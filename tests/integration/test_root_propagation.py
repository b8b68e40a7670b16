# SPDX-License-Identifier: Apache-2.0
"""linux.rootfsPropagation."""

import pytest

from harness import contains, equal, true
from marks import differs, parametrize

pytestmark = pytest.mark.by_the_stage

RECEIVING = ["slave", "rslave", "private", "rprivate"]
# word -> the kind of tag that mountinfo has for "/"
TAGGED = [("shared", "shared:"), ("rshared", "shared:"), ("unbindable", "unbindable"), ("runbindable", "unbindable")]
RUNC = "runc 1.1.5 leaves / private for shared, and cannot start with unbindable"


def tags(t, word, point="/"):
    """The optional fields of a mount point inside."""
    bundle = t.bundle("cat", "/proc/self/mountinfo")
    if word:
        bundle.edit(lambda config: config["linux"].update(rootfsPropagation=word))
    for line in t.container(bundle=bundle).run().ok().lines():
        fields = line.split(" - ")[0].split()
        if fields[4] == point:
            return " ".join(fields[6:])
    return None


@parametrize("word", RECEIVING)
def test_root_sends_nothing(t, word):
    """Neither a slave nor a private root is in a peer group, and both can be bound."""
    equal([tag for tag in tags(t, word).split() if not tag.startswith("master:")], [], "tags of /")


@differs(RUNC)
@parametrize("word, tag", TAGGED)
def test_root_has_the_propagation(t, word, tag):
    """The root mount is what rootfsPropagation says."""
    found = tags(t, word)
    for kind in ("shared:", "unbindable"):
        true((kind in found) == (kind == tag), f"{word}: tags of / are {found!r}")


@differs(RUNC)
def test_recursive_words_reach_the_mounts(t):
    """The word with an r is for the mounts below as well."""
    contains(tags(t, "rshared", "/dev"), "shared:", "tags of /dev")


def test_plain_words_are_for_the_root_alone(t):
    """The word without an r leaves the mounts below alone."""
    equal(tags(t, "shared", "/dev"), "", "tags of /dev")


@parametrize("word", ["private", "rprivate"])
def test_private_receives_nothing(t, word):
    """A private root is no slave of the host's mount."""
    equal(tags(t, word), "", "tags of /")


def test_shared_stays_inside(t):
    """A mount under a shared root does not arrive on the host."""
    before = open("/proc/self/mountinfo", encoding="utf-8").read()
    bundle = t.bundle("sh", "-c", "mount -t tmpfs here /tmp && grep -c ' /tmp ' /proc/self/mountinfo && sleep 60")
    bundle.edit(lambda config: config["linux"].update(rootfsPropagation="rshared"))
    names = ["CAP_SYS_ADMIN"]
    bundle.capabilities(bounding=names, effective=names, permitted=names)
    container = t.container(bundle=bundle)
    container.run_detached().ok()
    equal(open("/proc/self/mountinfo", encoding="utf-8").read(), before, "the host's mount table")


def test_unknown_word_is_refused(t):
    """A word that the standard does not know is an error that names it."""
    bundle = t.bundle("true")
    bundle.edit(lambda config: config["linux"].update(rootfsPropagation="foo"))
    contains(t.container(bundle=bundle).run().exits(1).err, "rootfsPropagation=foo", "stderr")
    t.no_state()
