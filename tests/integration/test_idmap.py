# SPDX-License-Identifier: Apache-2.0
"""Id-mapped mounts: the owners of files seen through a bind mount, and file systems that the kernel cannot map."""

import contextlib
import os
import subprocess

from harness import contains, equal, true
from marks import differs, parametrize
from unprivileged import become_user, mapping, rootless, with_user_namespace

OLD = "runc 1.1.5 knows no id-mapped mounts"
KINDS = ["ext4", "tmpfs", "overlay"]


def source_of(t, owner=0):
    """A directory with a file; `owner` owns both."""
    place = t.scratch / "source"
    place.mkdir()
    (place / "file").write_text("text")
    for path in (place, place / "file"):
        os.chown(path, owner, owner)
    return place


def bind(bundle, place, *options, uids=None, gids=None):
    """Binds a directory over /tmp with these maps."""
    def change(config):
        entry = {"destination": "/tmp", "type": "none", "source": str(place), "options": list(options) or ["bind"]}
        if uids:
            entry.update(uidMappings=uids, gidMappings=gids or uids)
        config["mounts"].append(entry)
    return bundle.edit(change)


@contextlib.contextmanager
def mounted(*arguments):
    """Mounts a file system while the block runs; the last argument is the mount point."""
    subprocess.run(["mount", *map(str, arguments)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-R", str(arguments[-1])], check=True)


@contextlib.contextmanager
def filesystem(t, kind):
    """An empty directory of a file system of this kind."""
    place = t.scratch / kind
    place.mkdir()
    if kind == "tmpfs":
        with mounted("-t", "tmpfs", "tmpfs", place):
            yield place
    elif kind == "overlay":
        base = t.scratch / "layers"
        base.mkdir()
        with mounted("-t", "tmpfs", "tmpfs", base):
            for name in ("lower", "upper", "work"):
                (base / name).mkdir()
            options = f"lowerdir={base}/lower,upperdir={base}/upper,workdir={base}/work"
            with mounted("-t", "overlay", "overlay", "-o", options, place):
                yield place
    else:
        yield place


def owner_of(t, bundle, *paths):
    return t.container(bundle=bundle.process(args=["stat", "-c", "%u:%g", *paths])).run().ok().out.split()


@differs(OLD)
def test_owners_are_mapped(t):
    """A file of user 0 on disk has the owner 1000 through a mount with that map."""
    bundle = bind(t.bundle(), source_of(t), uids=[mapping(0, 1000, 10)])
    equal(owner_of(t, bundle, "/tmp/file"), ["1000:1000"], "owner")


@differs(OLD)
def test_uids_and_gids_are_mapped_by_their_own(t):
    """Users and groups each have their own map."""
    bundle = bind(t.bundle(), source_of(t), uids=[mapping(0, 1000, 10)], gids=[mapping(0, 2000, 10)])
    equal(owner_of(t, bundle, "/tmp/file"), ["1000:2000"], "owner")


@differs(OLD)
def test_a_map_has_two_sides_and_a_length(t):
    """For users and for groups, a map has a start on disk, a start in the container, and a length."""
    place = source_of(t)
    for name, user, group in (("last", 109, 209), ("none", 110, 210)):
        (place / name).write_text("")
        os.chown(place / name, user, group)
    bundle = bind(t.bundle(), place, uids=[mapping(100, 1000, 10)], gids=[mapping(200, 2000, 10)])
    equal(owner_of(t, bundle, "/tmp/last", "/tmp/none"), ["1009:2009", "65534:65534"], "owners")


@differs(OLD)
def test_an_owner_without_a_map_is_nobody(t):
    """An id that the map does not have shows as 65534."""
    bundle = bind(t.bundle(), source_of(t, owner=5000), uids=[mapping(0, 1000, 10)])
    equal(owner_of(t, bundle, "/tmp/file"), ["65534:65534"], "owner")


@differs(OLD)
def test_what_is_written_belongs_to_the_owner_on_disk(t):
    """The map works in both directions: a file that user 1000 makes belongs to 0 on disk."""
    place = source_of(t)
    bundle = bind(t.bundle("touch", "/tmp/new", user={"uid": 1000, "gid": 1000}), place, uids=[mapping(0, 1000, 10)])
    t.container(bundle=bundle).run().ok()
    equal((place / "new").stat().st_uid, 0, "owner on disk")


@differs(OLD)
@parametrize("kind", KINDS)
def test_on_a_file_system_of(t, kind):
    """ext4 and (since 6.3) tmpfs can be mapped; for overlay create fails with an error that names it, and leaves nothing."""
    release = tuple(int(part) for part in os.uname().release.split(".")[:2])
    refused = kind == "overlay" or (kind == "tmpfs" and release < (6, 3))
    with filesystem(t, kind) as place:
        (place / "file").write_text("")
        box = t.container(bundle=bind(t.bundle("stat", "-c", "%u", "/tmp/file"), place, uids=[mapping(0, 1000, 10)]))
        result = box.run()
        if refused:
            contains(result.exits(1).err, "does not support it", "stderr")
            contains(result.err, "/mounts/7", "stderr")
            t.no_state()
        else:
            equal(result.ok().out.split(), ["1000"], "owner")


@differs(OLD)
@parametrize("word, below", [("idmap", "0:0"), ("ridmap", "1000:1000")])
def test_what_of_a_tree_is_mapped(t, word, below):
    """In a recursive bind idmap maps the top only, and ridmap also the mounts below."""
    place = source_of(t)
    (place / "below").mkdir()
    other = t.scratch / "other"
    other.mkdir()
    with mounted("--bind", other, place / "below"):
        bundle = bind(t.bundle(), place, "rbind", word, uids=[mapping(0, 1000, 10)])
        equal(owner_of(t, bundle, "/tmp/file", "/tmp/below"), ["1000:1000", below], "owners")


@differs(OLD)
@parametrize("word", ["idmap", "ridmap"])
def test_the_maps_of_the_user_namespace(t, word):
    """Without its own maps the mount has those of the container, so the host's 0 is 0 inside."""
    maps = [mapping(0, 100000, 65536)]
    bundle = bind(with_user_namespace(t.bundle(), maps, maps), source_of(t), "rbind", word)
    equal(owner_of(t, bundle, "/tmp/file"), ["0:0"], "owner")


@differs(OLD)
@parametrize("word", ["idmap", "ridmap"])
def test_its_own_maps_go_before_those_of_the_user_namespace(t, word):
    """A mount with its own maps uses those: the host's 0 is 101000 through it, which is 1000 in the container."""
    maps = [mapping(0, 100000, 65536)]
    bundle = with_user_namespace(t.bundle(), maps, maps)
    bind(bundle, source_of(t), "rbind", word, uids=[mapping(0, 101000, 10)])
    equal(owner_of(t, bundle, "/tmp/file"), ["1000:1000"], "owner")


@differs(OLD)
@parametrize("word", ["idmap", "ridmap"])
def test_without_any_map_it_is_refused(t, word):
    """If neither the mount nor the container has maps, create fails."""
    box = t.container(bundle=bind(t.bundle("true"), source_of(t), "bind", word))
    contains(box.create().exits(1).err, "/mounts/7", "stderr")
    t.no_state()


@differs(OLD)
@parametrize("absent", ["uidMappings", "gidMappings"])
def test_both_maps_are_needed(t, absent):
    """A mount with only one of the two maps is an error."""
    bundle = bind(t.bundle("true"), source_of(t), uids=[mapping(0, 1000, 10)])
    bundle.edit(lambda config: config["mounts"][-1].pop(absent))
    contains(t.container(bundle=bundle).create().exits(1).err, "/mounts/7", "stderr")
    t.no_state()


@differs(OLD)
def test_other_options_hold(t):
    """A mapped mount can be read-only like any other."""
    bundle = bind(t.bundle("touch", "/tmp/new"), source_of(t), "bind", "ro", uids=[mapping(0, 1000, 10)])
    true(t.container(bundle=bundle).run().code != 0, "a read-only mount was written")


@differs(OLD)
def test_the_source_on_the_host_is_as_before(t):
    """The host sees its own owners, while the container runs and afterwards."""
    place = source_of(t)
    box = t.container(bundle=bind(t.bundle("sleep", "60"), place, uids=[mapping(0, 1000, 10)]))
    box.run_detached().ok()
    equal((place / "file").stat().st_uid, 0, "owner on the host")
    box.delete("--force").ok()
    equal((place / "file").stat().st_uid, 0, "owner on the host")


@differs(OLD)
def test_equal_maps_share_one_namespace(t):
    """Several mounts with the same maps work beside a mount with other maps."""
    place = source_of(t)
    bundle = t.bundle()
    def change(config):
        for name, host in [("a", 1000), ("b", 1000), ("c", 2000)]:
            maps = [mapping(0, host, 10)]
            config["mounts"].append({"destination": f"/tmp/{name}", "type": "none", "source": str(place),
                                     "options": ["bind"], "uidMappings": maps, "gidMappings": maps})
    bundle.edit(lambda config: config["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"}))
    equal(owner_of(t, bundle.edit(change), "/tmp/a/file", "/tmp/b/file", "/tmp/c/file"),
          ["1000:1000", "1000:1000", "2000:2000"], "owners")


@differs(OLD)
def test_without_root_it_is_refused(t):
    """Only the owner of a file system may map its ids: create fails and leaves nothing."""
    become_user(t)
    bundle = bind(rootless(t.bundle("true")), source_of(t), "bind", "idmap")
    true(t.container(bundle=bundle).create().code != 0, "create succeeded")
    t.no_state()
