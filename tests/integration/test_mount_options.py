# SPDX-License-Identifier: Apache-2.0
"""Every option word of a mount: what it does, and what refuses it."""

import contextlib
import os
import pathlib
import subprocess

import pytest

from harness import absent, contains, equal, true
from marks import differs, needs, parametrize
from test_mounts import host_directory, table

pytestmark = pytest.mark.by_the_stage

FLAGS = [("ro", "rw"), ("nosuid", "suid"), ("nodev", "dev"), ("noexec", "exec"), ("nodiratime", "diratime")]
ATIMES = [("noatime", {"noatime"}), ("strictatime", set()), ("relatime", {"relatime"})]
ATIME_OPPOSITES = [("norelatime", set()), ("nostrictatime", {"relatime"}), ("atime", {"relatime"})]


@contextlib.contextmanager
def tree(t, *options):
    """A directory of the host with a tmpfs below it, both mounted with `options`."""
    top = t.scratch / "tree"
    top.mkdir()
    command = ["mount", "-t", "tmpfs", *(["-o", ",".join(options)] if options else []), "tree"]
    subprocess.run([*command, top], check=True)
    (top / "below").mkdir()
    subprocess.run([*command, top / "below"], check=True)
    try:
        yield top
    finally:
        subprocess.run(["umount", top / "below"], check=True)
        subprocess.run(["umount", top], check=True)


def words_of(t, top, *options):
    """The mount options of the bound tree and of the mount below it."""
    found = table(t, t.bundle().add_mount("/home", "bind", str(top), *options))
    return found["/home"]["options"], found.get("/home/below", {"options": set()})["options"]


def refused(t, part, *mount, runtime_words=None):
    """Such a mount is refused by name, and nothing is left."""
    result = t.container(bundle=t.bundle("true").add_mount(*mount)).run().exits(1)
    contains(result.err, part, "stderr")
    if runtime_words and t.bulkhead:
        contains(result.err, runtime_words, "stderr")
    t.no_state()


# ---- attributes of the mount and of its tree ------------------------------------------------------------

@parametrize("word, _", FLAGS)
def test_recursive_word_sets_all_below(t, word, _):
    """With an r in front the word is for the whole tree."""
    with tree(t) as top:
        for options in words_of(t, top, "rbind", f"r{word}"):
            contains(options, word, "options")


@parametrize("word, _", FLAGS)
def test_plain_word_sets_the_top_alone(t, word, _):
    """Without it is for the top alone."""
    with tree(t) as top:
        own, below = words_of(t, top, "rbind", word)
    contains(own, word, "options")
    absent(below, word, "options below")


@parametrize("clear, word", [(clear, word) for word, clear in FLAGS])
def test_recursive_word_clears_all_below(t, clear, word):
    """What the host has set is cleared everywhere, and stays where nobody asks."""
    with tree(t, "nosuid", "nodev", "noexec", "nodiratime") as top:
        if word == "ro":
            for at in (top / "below", top):
                subprocess.run(["mount", "-o", "remount,bind,ro", at], check=True)
        for options in words_of(t, top, "rbind", f"r{clear}"):
            absent(options, word, "options")
        for options in words_of(t, top, "rbind"):
            contains(options, word, "options of the host's")


def check_tree_time(t, word, expected):
    with tree(t, "noatime" if word != "noatime" else "strictatime") as top:
        for options in words_of(t, top, "rbind", f"r{word}"):
            equal(options & {"noatime", "relatime"}, expected, "options")


@parametrize("word, expected", ATIMES)
def test_access_time_of_the_tree(t, word, expected):
    """The access time words are for the whole tree with an r in front, and replace what the host has."""
    check_tree_time(t, word, expected)


@differs("runc 1.1.5 hands a part of the field to the kernel: EINVAL, or no effect")
@parametrize("word, expected", ATIME_OPPOSITES)
def test_access_time_of_the_tree_by_an_opposite(t, word, expected):
    """Not this kind of access time is another one."""
    check_tree_time(t, word, expected)


@parametrize("word, expected", ATIMES)
def test_access_time_of_a_mount(t, word, expected):
    """The word is the mount's own."""
    mount = table(t, t.bundle().add_mount("/home", "tmpfs", "tmpfs", word))["/home"]
    equal(mount["options"] & {"noatime", "relatime"}, expected, "options")


@differs("of several runc 1.1.5 gives the kernel all, and noatime wins")
@parametrize("word, expected", [*ATIMES, *ATIME_OPPOSITES])
def test_later_access_time_wins(t, word, expected):
    """Access time is one field: a word replaces the one before it."""
    bundle = t.bundle().add_mount("/home", "tmpfs", "tmpfs", "noatime" if word != "noatime" else "strictatime", word)
    equal(table(t, bundle)["/home"]["options"] & {"noatime", "relatime"}, expected, "options")


@differs("runc 1.1.5 does not know the word")
def test_no_link_is_followed(t):
    """nosymfollow and rnosymfollow refuse links; without, the link works."""
    with tree(t) as top:
        for at in (top, top / "below"):
            (at / "link").symlink_to("/etc/passwd")
        script = "cat /home/link /home/below/link"
        ends = []
        for words in (["rnosymfollow"], ["rnosymfollow", "rsymfollow"], ["nosymfollow", "symfollow"]):
            bundle = t.bundle("sh", "-c", script).add_mount("/home", "bind", str(top), "rbind", *words)
            ends.append(t.container(bundle=bundle).run().code)
    equal(ends, [1, 0, 0], "exit codes")


def test_rro_is_in_force(t):
    """Nothing of a recursively read-only tree can be written; the host still can."""
    with tree(t) as top:
        script = "echo x > /home/x || echo x > /home/below/x || echo refused"
        bundle = t.bundle("sh", "-c", script).add_mount("/home", "bind", str(top), "rbind", "rro")
        equal(t.container(bundle=bundle).run().out, "refused\n", "stdout")
        (top / "below/x").write_text("the host may")


def test_recursive_words_win(t):
    """rro with rw is read-only: the words for the tree are applied last."""
    with tree(t) as top:
        for options in words_of(t, top, "rbind", "rro", "rw"):
            contains(options, "ro", "options")


# ---- words of the file system ---------------------------------------------------------------------------

@parametrize("word", ["sync", "dirsync", "mand"])
def test_superblock_word(t, word):
    """The file system takes the word; its opposite takes it back."""
    bundle = t.bundle().add_mount("/home", "tmpfs", "tmpfs", word).add_mount("/root", "tmpfs", "tmpfs")
    found = table(t, bundle)
    contains(found["/home"]["super"], word, "options")
    absent(found["/root"]["super"], word, "options of the other")


@differs("runc 1.1.5 does not know the word")
def test_lazytime(t):
    """lazytime is a word of the file system, and nolazytime takes it back."""
    bundle = t.bundle().add_mount("/home", "tmpfs", "tmpfs", "lazytime")
    bundle.add_mount("/root", "tmpfs", "tmpfs", "lazytime", "nolazytime")
    found = table(t, bundle)
    contains(found["/home"]["super"], "lazytime", "options")
    absent(found["/root"]["super"], "lazytime", "options of the other")


@parametrize("word, other", [("async", "sync"), ("nomand", "mand")])
def test_superblock_word_is_taken_back(t, word, other):
    """The later of two opposites wins."""
    found = table(t, t.bundle().add_mount("/home", "tmpfs", "tmpfs", other, word))
    absent(found["/home"]["super"], other, "options")


@parametrize("word", ["sync", "async", "dirsync", "mand", "nomand"])
def test_superblock_word_has_no_effect_on_a_bind(t, word):
    """A bind shares its file system with the host: the word is no error and changes nothing."""
    bundle = t.bundle("cat", "/home/file").add_mount("/home", "bind", str(host_directory(t)), "bind", word)
    equal(t.container(bundle=bundle).run().ok().out, "from the host\n", "stdout")


@parametrize("word", ["iversion", "noiversion"])
def test_word_without_effect(t, word):
    """The word is taken, on a new file system and on a bind."""
    bundle = t.bundle("cat", "/home/file").add_mount("/home", "bind", str(host_directory(t)), "bind", word)
    bundle.add_mount("/tmp", "tmpfs", "tmpfs", word)
    equal(t.container(bundle=bundle).run().ok().out, "from the host\n", "stdout")


@differs("runc 1.1.5 hands it to the file system")
@parametrize("word", ["silent", "loud", "defaults"])
def test_word_about_nothing(t, word):
    """silent and loud are taken; there is nothing to keep silent about. defaults is what there is anyway."""
    bundle = t.bundle("cat", "/home/file").add_mount("/home", "bind", str(host_directory(t)), "bind", word)
    bundle.add_mount("/tmp", "tmpfs", "tmpfs", word)
    equal(t.container(bundle=bundle).run().ok().out, "from the host\n", "stdout")


def test_strange_word_is_the_file_systems_to_refuse(t):
    """A word that nobody knows goes to the file system, which refuses it."""
    refused(t, "/home", "/home", "tmpfs", "tmpfs", "nonsense", runtime_words="/mounts/7")


def test_file_system_options_on_a_bind_have_no_effect(t):
    """A bind has no file system of its own that could take size= or mode=; its other options hold."""
    source = host_directory(t)
    mode = source.stat().st_mode
    mount = table(t, t.bundle().add_mount("/home", "bind", str(source), "nosuid", "mode=701", "size=1k", "bind"))["/home"]
    contains(mount["options"], "nosuid", "options")
    equal(source.stat().st_mode, mode, "mode of the source")


@differs("runc 1.1.5 drops it")
def test_unknown_word_on_a_bind_is_refused(t):
    """A slip like this would be silent: there is no file system that refuses it."""
    refused(t, "/mounts/7/options", "/home", "bind", str(host_directory(t)), "bind", "readnoly")


def test_read_only_tmpfs_gets_its_mount_points_first(t):
    """Mounts below a read-only tmpfs find their place made, and it is read-only in the end."""
    bundle = t.bundle("sh", "-c", "cat /srv/x/file; echo y > /srv/y").add_mount("/srv", "tmpfs", "tmpfs", "ro")
    bundle.writable().add_mount("/srv/x", "bind", str(host_directory(t)), "bind")
    result = t.container(bundle=bundle).run().exits(1)
    equal(result.out, "from the host\n", "stdout")
    contains(result.err, "Read-only file system", "stderr")


def test_read_only_dev_has_its_nodes(t):
    """A read-only /dev is filled before it is closed."""
    bundle = t.bundle("sh", "-c", "echo x > /dev/null && ls /dev/zero /dev/pts/ptmx && echo x > /dev/new")
    bundle.config["mounts"][1]["options"].append("ro")
    bundle.save()
    result = t.container(bundle=bundle).run().exits(1)
    equal(result.out, "/dev/pts/ptmx\n/dev/zero\n", "stdout")
    contains(result.err, "Read-only file system", "stderr")


# ---- remount --------------------------------------------------------------------------------------------

def test_remount_of_a_file_system(t):
    """remount changes the file system that an earlier mount made."""
    bundle = t.bundle().add_mount("/tmp", "tmpfs", "tmpfs", "size=64k")
    bundle.add_mount("/tmp", "tmpfs", "tmpfs", "remount", "ro", "size=128k")
    mount = table(t, bundle)["/tmp"]
    contains(mount["options"], "ro", "options")
    contains(mount["super"], "size=128k", "options of the file system")


def test_remount_of_the_mount_alone(t):
    """remount with bind changes the mount and leaves the host's file system alone."""
    directory = host_directory(t)
    bundle = t.bundle("sh", "-c", "cat /home/file; echo x > /home/x").add_mount("/home", "bind", str(directory), "bind")
    bundle.add_mount("/home", "bind", str(directory), "bind", "remount", "ro")
    result = t.container(bundle=bundle).run().exits(1)
    contains(result.err, "Read-only file system", "stderr")
    (directory / "x").write_text("the host may")


@differs("mount(2) clears what is not named, and so does runc")
def test_remount_keeps_what_it_does_not_name(t):
    """A mount that becomes read-only goes on being nosuid."""
    bundle = t.bundle().add_mount("/tmp", "tmpfs", "tmpfs", "nosuid", "noexec")
    bundle.add_mount("/tmp", "tmpfs", "tmpfs", "remount", "bind", "ro")
    true({"ro", "nosuid", "noexec"} <= table(t, bundle)["/tmp"]["options"], "an attribute was lost")


def test_remount_of_what_is_no_mount_is_refused(t):
    """There has to be a mount at the destination."""
    refused(t, "home", "/home", "tmpfs", "tmpfs", "remount", "ro", runtime_words="/mounts/7")


# ---- tmpcopyup ------------------------------------------------------------------------------------------

COPY_SCRIPT = """
cat /srv/file /srv/sub/deep
stat -c '%a %u:%g' /srv/file /srv/sub
readlink /srv/link
echo x > /srv/new
"""


def image_directory(bundle):
    srv = bundle.rootfs / "srv"
    (srv / "sub").mkdir(parents=True)
    (srv / "file").write_text("of the image\n")
    (srv / "sub/deep").write_text("deep\n")
    (srv / "link").symlink_to("file")
    os.chown(srv / "file", 1000, 5)
    os.chmod(srv / "file", 0o644)
    os.chown(srv / "sub", 7, 8)
    os.chmod(srv / "sub", 0o1755)
    return srv


def test_tmpcopyup_fills_the_tmpfs(t):
    """What is in the directory below is in the tmpfs; the directory itself stays as it is."""
    bundle = t.bundle("sh", "-c", COPY_SCRIPT)
    srv = image_directory(bundle)
    bundle.add_mount("/srv", "tmpfs", "tmpfs", "tmpcopyup")
    out = t.container(bundle=bundle).run().ok().out
    equal(out, "of the image\ndeep\n644 1000:5\n1755 7:8\nfile\n", "stdout")
    true(not (srv / "new").exists(), "written through to the image")


def test_without_tmpcopyup_it_is_empty(t):
    """A tmpfs covers what is below."""
    bundle = t.bundle("ls", "-A", "/srv")
    image_directory(bundle)
    equal(t.container(bundle=bundle.add_mount("/srv", "tmpfs", "tmpfs")).run().ok().out, "", "listing")


@differs("runc copies set-id bits, and devices where it can")
def test_tmpcopyup_takes_no_privileges(t):
    """No device, no fifo and no set-id bit gets into the copy."""
    bundle = t.bundle("sh", "-c", "ls -A /srv; stat -c %a /srv/su")
    srv = bundle.rootfs / "srv"
    srv.mkdir()
    os.mkfifo(srv / "fifo")
    os.mknod(srv / "zero", 0o20666, os.makedev(1, 5))
    (srv / "su").write_text("x")
    os.chmod(srv / "su", 0o4755)
    bundle.add_mount("/srv", "tmpfs", "tmpfs", "tmpcopyup")
    equal(t.container(bundle=bundle).run().ok().out, "su\n755\n", "stdout")


@differs("runc looks at the word for tmpfs only and drops it elsewhere")
def test_tmpcopyup_elsewhere_is_refused(t):
    """Only a tmpfs can be filled."""
    refused(t, "tmpcopyup", "/home", "bind", str(host_directory(t)), "bind", "tmpcopyup",
            runtime_words="/mounts/7/options")


def test_tmpcopyup_is_bounded_by_the_size(t):
    """An image directory that does not fit is an error of the start."""
    bundle = t.bundle("true")
    image_directory(bundle)
    (bundle.rootfs / "srv/big").write_bytes(b"x" * 300_000)
    result = t.container(bundle=bundle.add_mount("/srv", "tmpfs", "tmpfs", "tmpcopyup", "size=64k")).run().exits(1)
    contains(result.err, "no space left on device", "stderr")
    t.no_state()


HUGE = [("no size", ()), ("a size of none", ("size=0",))]


@differs("runc fills the tmpfs with all that the image has, up to half of the memory")
@parametrize("name, options", HUGE)
def test_tmpcopyup_has_a_limit_of_its_own(t, name, options):
    """Without a size of the config's own a gigabyte is the most; the error names the mount and the option."""
    bundle = t.bundle("true")
    os.truncate(os.open(image_directory(bundle) / "big", os.O_CREAT | os.O_WRONLY, 0o644), 1 << 40)
    result = t.container(bundle=bundle.add_mount("/srv", "tmpfs", "tmpfs", "tmpcopyup", *options)).run().exits(1)
    contains(result.err, "(/mounts/7): check: file too large (tmpcopyup copies at most 1024 MiB where the option size= says "
                         "no other limit", "stderr")
    t.no_state()


# ---- idmap, labels, cgroups -----------------------------------------------------------------------------

@differs("runc 1.1.5 does not know id-mapped mounts")
@parametrize("word", ["idmap", "ridmap"])
def test_idmap_without_mappings_is_refused(t, word):
    """There is no user namespace whose ids could be meant."""
    refused(t, "/mounts/7/options", "/home", "bind", str(host_directory(t)), "bind", word)


@differs("runc 1.1.5 hands it to the file system")
@parametrize("word", ["idmap", "ridmap"])
def test_idmap_of_a_new_file_system_is_refused(t, word):
    """Only binds are id-mapped."""
    refused(t, "only supported for bind-mounts", "/home", "tmpfs", "tmpfs", word)


def has_selinux():
    return "this kernel has SELinux" if pathlib.Path("/sys/fs/selinux").is_dir() else None


@needs(has_selinux)
def test_mount_label_needs_selinux(t):
    """A label that nothing enforces is an error."""
    bundle = t.bundle("true").edit(lambda config: config["linux"].update(mountLabel="system_u:object_r:x_t:s0"))
    t.container(bundle=bundle).run().exits(1)
    t.no_state()


@differs("runc mounts the host's whole hierarchy there")
def test_cgroup_mount_without_a_namespace_takes_its_words(t):
    """Attributes are in force on the bind of the container's own cgroup; words of the hierarchy have no effect."""
    bundle = t.bundle().without_namespace("cgroup")
    bundle.config["mounts"][-1]["options"] = ["rro", "noexec", "nsdelegate"]
    bundle.save()
    true({"ro", "noexec"} <= table(t, bundle)["/sys/fs/cgroup"]["options"], "an attribute was lost")


@differs("runc mounts the host's whole hierarchy there")
def test_cgroup_mount_without_a_namespace_refuses_others(t):
    """A word that cgroup2 would refuse is refused on the bind as well."""
    bundle = t.bundle("true").without_namespace("cgroup")
    bundle.config["mounts"][-1]["options"] = ["ro", "memory"]
    bundle.save()
    contains(t.container(bundle=bundle).run().exits(1).err, "/mounts/6/options: \"memory\"", "stderr")
    t.no_state()
