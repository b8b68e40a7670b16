# SPDX-License-Identifier: Apache-2.0
"""`mountOptions` of `features`: every listed word works, and every word that works is listed.

 The words are all that runc, crun, mount(8) and the standard have, so a listed word that is unknown here fails too.
 """

import contextlib
import json
import os
import subprocess

import pytest

from harness import contains, equal, true
from marks import differs, parametrize
from test_mounts import parse
from unprivileged import mapping, with_user_namespace

pytestmark = [pytest.mark.by_the_stage, pytest.mark.any_cgroups]

ATTRIBUTES = ["ro", "nosuid", "nodev", "noexec", "nodiratime"]
OPPOSITES = {"rw": "ro", "suid": "nosuid", "dev": "nodev", "exec": "noexec", "diratime": "nodiratime"}
ATIMES = {"noatime": {"noatime"}, "relatime": {"relatime"}, "strictatime": set(), "atime": {"relatime"},
          "norelatime": set(), "nostrictatime": {"relatime"}}
SUPERBLOCK = {"sync": "async", "dirsync": None, "mand": "nomand", "lazytime": "nolazytime"}
PROPAGATION = ["private", "shared", "slave", "unbindable"]
NO_EFFECT = ["defaults", "iversion", "noiversion", "loud", "silent"]
# Words of other programs: crun's recursive superblock words and links, mount(8)'s words for fstab, and old words.
OTHERS = ["rsync", "rasync", "rdirsync", "rmand", "rnomand", "copy-symlink", "src-nofollow", "dest-nofollow", "acl",
          "noacl", "auto", "noauto", "user", "nouser", "users", "owner", "group", "nofail", "_netdev", "rremount",
          "rsilent", "nobind", "nonsense", "RO", "ro ", "rrro", "move", "rmove", "quiet"]


# ---- the effect of a word ---------------------------------------------------------------------------------

class Ground:
    """Makes containers with a mount of the words at /home, and shows what the kernel reports of the mount."""

    def __init__(self, t):
        self.t = t

    def output(self, *mounts, script="cat /proc/self/mountinfo", prepare=None):
        """The output of the script with these mounts, or None if the runtime refuses the container."""
        bundle = self.t.bundle("sh", "-c", script)
        for kind, source, *words in mounts:
            bundle.add_mount("/home", kind, str(source), *words)
        if prepare:
            prepare(bundle)
        result = self.t.container(bundle=bundle).run()
        return result.out if result.code == 0 else None

    def tmpfs(self, *words):
        """The mount of a new tmpfs, or None."""
        out = self.output(("tmpfs", "tmpfs", *words))
        return None if out is None else parse(out)["/home"]

    @contextlib.contextmanager
    def tree(self, *options):
        """A tmpfs of the host with another tmpfs in it."""
        top = self.t.scratch / "tree"
        top.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", *(["-o", ",".join(options)] if options else []), "tree"]
        for at in (top, top / "below"):
            at.mkdir(exist_ok=True)
            subprocess.run([*command, at], check=True)
            (at / "file").write_text("text")
        try:
            yield top
        finally:
            subprocess.run(["umount", "-R", top], check=True)

    def bound(self, top, *words):
        """The bound tree and the mount below it ({} if there is none), or None."""
        out = self.output(("none", top, *words))
        return None if out is None else [parse(out).get(at, {}) for at in ("/home", "/home/below")]


def attribute(ground, word):
    found = ground.tmpfs(word)
    return found and word in found["options"]


def opposite(ground, word):
    found = ground.tmpfs(OPPOSITES[word], word)
    return found and OPPOSITES[word] not in found["options"]


def access_time(ground, word):
    found = ground.tmpfs(word)
    return found and found["options"] & {"noatime", "relatime"} == ATIMES[word]


def tree_attribute(ground, word):
    with ground.tree() as top:
        found = ground.bound(top, "rbind", word)
    return found and all(word[1:] in mount["options"] for mount in found)


def tree_opposite(ground, word):
    other = OPPOSITES[word[1:]]
    with ground.tree(*([] if other == "ro" else [other])) as top:
        for at in (top / "below", top) if other == "ro" else ():
            subprocess.run(["mount", "-o", "remount,bind,ro", at], check=True)
        found = ground.bound(top, "rbind", word)
    return found and all(other not in mount["options"] for mount in found)


def tree_access_time(ground, word):
    with ground.tree("strictatime" if word == "rnoatime" else "noatime") as top:
        found = ground.bound(top, "rbind", word)
    return found and all(mount["options"] & {"noatime", "relatime"} == ATIMES[word[1:]] for mount in found)


def superblock(ground, word):
    found = ground.tmpfs(word)
    return found and word in found["super"]


def no_superblock(ground, word):
    other = next(set_ for set_, cleared in SUPERBLOCK.items() if cleared == word)
    found = ground.tmpfs(other, word)
    return found and other not in found["super"]


def propagation(ground, word):
    """True if the mount has the kind; a word that begins with r applies to the mount below too."""
    kind, deep = (word[1:], True) if word[1:] in PROPAGATION else (word, False)
    tag = {"private": None, "shared": "shared", "slave": "master", "unbindable": "unbindable"}[kind]
    with ground.tree() as top:
        subprocess.run(["mount", "--make-rshared", top], check=True)
        found = ground.bound(top, "rbind", word)
    if found is None:
        return None
    marks = [{mark.partition(":")[0] for mark in mount["tags"]} for mount in found]
    return all(marked == set() if tag is None else tag in marked for marked in (marks if deep else marks[:1]))


def bind(ground, word):
    with ground.tree() as top:
        found = ground.bound(top, word)
    return found and found[0]["type"] == "tmpfs" and bool(found[1]) == (word == "rbind")


def remount(ground, word):
    out = ground.output(("tmpfs", "tmpfs"), ("tmpfs", "tmpfs", word, "ro"))
    return out and "ro" in parse(out)["/home"]["options"]


def no_effect(ground, word):
    return ground.tmpfs(word) is not None


def links(ground, *words, host=()):
    """True if the kernel follows a link below the mount; None if the runtime refuses the container."""
    with ground.tree(*host) as top:
        (top / "link").symlink_to("/etc/passwd")
        out = ground.output(("none", top, "rbind", *words), script="cat /home/link > /dev/null 2>&1; echo $?")
    return out and out == "0\n"


def nosymfollow(ground, word):
    return links(ground) and links(ground, word) is False


def symfollow(ground, word):
    if word == "rsymfollow":
        return links(ground, host=["nosymfollow"]) is False and links(ground, word, host=["nosymfollow"])
    return links(ground, word.replace("sym", "nosym"), word)


def copy_up(ground, word):
    out = ground.output(("tmpfs", "tmpfs", word), script="ls -A /home")
    return out and "bob" in out.split()


def id_map(ground, word):
    """The mount has the map of the container's user namespace: the host's user 0 is its user 0, not the overflow uid."""
    place = ground.t.scratch / "source"
    place.mkdir(exist_ok=True)
    os.chmod(ground.t.scratch, 0o755)

    def prepare(bundle):
        with_user_namespace(bundle, [mapping(0, 100000, 1000)], [mapping(0, 100000, 1000)])
        for directory in (bundle.path, bundle.rootfs):
            os.chmod(directory, 0o755)
    out = ground.output(("none", place, "rbind" if word == "ridmap" else "bind", word), script="stat -c %u /home",
                        prepare=prepare)
    return out and out == "0\n"


PROOFS = {
    **{word: attribute for word in ATTRIBUTES}, **{word: opposite for word in OPPOSITES},
    **{word: access_time for word in ATIMES},
    **{f"r{word}": tree_attribute for word in ATTRIBUTES}, **{f"r{word}": tree_opposite for word in OPPOSITES},
    **{f"r{word}": tree_access_time for word in ATIMES},
    **{word: superblock for word in SUPERBLOCK}, **{word: no_superblock for word in SUPERBLOCK.values() if word},
    **{word: propagation for word in PROPAGATION}, **{f"r{word}": propagation for word in PROPAGATION},
    "bind": bind, "rbind": bind, "remount": remount, **{word: no_effect for word in NO_EFFECT},
    "nosymfollow": nosymfollow, "rnosymfollow": nosymfollow, "symfollow": symfollow, "rsymfollow": symfollow,
    "tmpcopyup": copy_up, "idmap": id_map, "ridmap": id_map,
}
# Words that runc 1.1.5 lists although they have no effect: it hands a part of the access time's field to the kernel, and
 # passes defaults to the file system.
NOT_RUNCS = ["norelatime", "ratime", "rnorelatime", "rnostrictatime", "defaults"]


def listed(t):
    return json.loads(t.runtime.exec([t.runtime.path, "features"]).ok().out)["mountOptions"]


def check(t, word):
    works = PROOFS[word](Ground(t), word)
    if word in listed(t):
        true(works, f"it is listed, and {'refused' if works is None else 'has no effect'}")
    else:
        true(t.control, "it is not listed")
        true(not works, "it works, and is not listed")


@parametrize("word", [word for word in PROOFS if word not in NOT_RUNCS])
def test_a_word_is_listed_and_works(t, word):
    """The list has the word, and the kernel shows its effect; a runtime that does not know the word has neither."""
    check(t, word)


@differs("runc 1.1.5 lists the word, and the kernel refuses it or shows no effect")
@parametrize("word", NOT_RUNCS)
def test_a_word_that_is_listed_works(t, word):
    """The same holds for words that runc lists without effect."""
    check(t, word)


@parametrize("word", OTHERS)
def test_a_word_that_is_not_listed_is_refused(t, word):
    """The list has a word of another program, or a mount of a new file system with the word fails."""
    if word in listed(t):
        true(t.control, "it is listed, and there is no proof of it here")
        return
    equal(Ground(t).tmpfs(word), None, "the mount")


@differs("runc drops what it does not know where it makes a bind")
@parametrize("word", OTHERS)
def test_a_word_that_is_not_listed_is_refused_on_a_bind(t, word):
    """The same holds for a bind mount, which has no file system that could accept the word."""
    ground = Ground(t)
    with ground.tree() as top:
        equal(ground.bound(top, "rbind", word), None, "the mount")


def test_every_word_has_its_proof(t):
    """A case above tries each listed word; the list is sorted and has each word once."""
    words = listed(t)
    equal(words, sorted(set(words)), "mountOptions")
    equal(set(words) - set(PROOFS) - ({"acl", "noacl"} if t.control else set()), set(), "words without a proof")
    if t.bulkhead:
        equal(set(PROOFS) - set(words), set(), "words that work and are not listed")


def test_what_engines_look_for(t):
    """The list has rro, for which containerd, dockerd and CRI-O look."""
    contains(listed(t), "rro", "mountOptions")
