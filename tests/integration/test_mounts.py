# SPDX-License-Identifier: Apache-2.0
"""The mounts of the document: types, flags, devices and links, binds, the root itself."""

import os
import stat

import pytest

from harness import contains, equal, true
from marks import differs, parametrize

pytestmark = pytest.mark.by_the_stage

NOTHING = {"nosuid", "nodev", "noexec"}
DEFAULT_MOUNTS = [
    ("/proc", "proc", {"rw"}),
    ("/dev", "tmpfs", {"rw", "nosuid"}),
    ("/dev/pts", "devpts", {"rw", "nosuid", "noexec"}),
    ("/dev/shm", "tmpfs", {"rw", *NOTHING}),
    ("/dev/mqueue", "mqueue", {"rw", *NOTHING}),
    ("/sys", "sysfs", {"ro", *NOTHING}),
    ("/sys/fs/cgroup", "cgroup2", {"ro", *NOTHING, "relatime"}),
]
NODES = [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)]
LINKS = [("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
         ("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx")]


def parse(text):
    """{mount point: {options, type, super, tags}}; of several on one point the topmost."""
    found = {}
    for line in text.splitlines():
        left, right = line.split(" - ")
        fields, back = left.split(), right.split()
        found[fields[4]] = {"options": set(fields[5].split(",")), "tags": fields[6:], "type": back[0],
                            "source": back[1], "super": set(back[2].split(","))}
    return found


def table(t, bundle=None):
    bundle = bundle or t.bundle()
    bundle.process(args=["cat", "/proc/self/mountinfo"])
    return parse(t.container(bundle=bundle).run().ok().out)


@parametrize("destination, kind, flags", DEFAULT_MOUNTS)
def test_default_mount(t, destination, kind, flags):
    """The mount is there, of its type, with exactly the flags of the document (and a kind of atime)."""
    mount = table(t)[destination]
    equal(mount["type"], kind, "type")
    equal(mount["options"] - {"relatime"}, flags - {"relatime"}, "flags")
    equal("relatime" in mount["options"], destination != "/dev", "relatime")


def test_nothing_else_is_mounted(t):
    """Besides root, the seven mounts and the masks there is no mount: nothing of the host is left."""
    allowed = {"/", *[destination for destination, *_ in DEFAULT_MOUNTS]}
    found = {point for point in table(t) if not point.startswith(("/proc/", "/sys/firmware", "/sys/devices"))}
    equal(found, allowed, "mount points")


@parametrize("line", [
    "/dev size=65536k", "/dev mode=755", "/dev/shm size=65536k", "/dev/pts gid=5", "/dev/pts mode=620",
    "/dev/pts ptmxmode=666"])
def test_default_mount_data(t, line):
    """The file system got its own options."""
    destination, word = line.split()
    contains(table(t)[destination]["super"], word, f"options of {destination}")


def test_mounts_do_not_propagate_to_the_host(t):
    """No mount in the container is shared with a peer group of the host."""
    shared = [point for point, mount in table(t).items() if any(tag.startswith("shared") for tag in mount["tags"])]
    equal(shared, [], "shared mounts")


@parametrize("name, major, minor", NODES)
def test_default_node(t, name, major, minor):
    """/dev has the node: character device, 0666, root:root."""
    out = t.output("stat", "-c", "%F %t:%T %a %u:%g", f"/dev/{name}").strip()
    equal(out, f"character special file {major:x}:{minor:x} 666 0:0", f"/dev/{name}")


@parametrize("name, target", LINKS)
def test_default_link(t, name, target):
    """/dev has the link."""
    equal(t.output("readlink", f"/dev/{name}").strip(), target, f"/dev/{name}")


def test_dev_has_nothing_else(t):
    """/dev holds the default nodes, links and mount points, and nothing of the host's."""
    expected = {name for name, *_ in NODES} | {name for name, _ in LINKS} | {"pts", "shm", "mqueue"}
    found = set(t.output("ls", "-A", "/dev").split()) - {"core"}
    equal(found, expected, "names in /dev")


def test_shm_is_for_everybody(t):
    """/dev/shm has the sticky mode 1777 and a user may write there."""
    script = "stat -c %a /dev/shm; echo x > /dev/shm/f && cat /dev/shm/f"
    out = t.output("sh", "-c", script, user={"uid": 1000, "gid": 1000})
    equal(out, "1777\nx\n", "stdout")


def test_null_and_zero_work(t):
    """The nodes do what they are for."""
    out = t.output("sh", "-c", "echo x > /dev/null; cat /dev/null; head -c 4 /dev/zero | od -An -tx1")
    equal(out.split(), ["00"] * 4, "stdout")


def test_root_is_read_only(t):
    """root.readonly refuses writing, as a flag of the mount and in practice."""
    true("ro" in table(t)["/"]["options"], "/ is not ro")
    contains(t.shell("echo x > /etc/x").run().exits(1).err, "Read-only file system", "stderr")


def test_root_is_writable_if_not_told(t):
    """Without readonly the program writes, and the file is in the bundle's rootfs."""
    bundle = t.bundle("sh", "-c", "echo x > /etc/made").writable()
    t.container(bundle=bundle).run().ok()
    equal((bundle.rootfs / "etc/made").read_text(), "x\n", "the file on the host")


def test_the_old_root_is_gone(t):
    """Nothing of the host's file system is visible above the root."""
    for path in ("/", "/..", "/../../.."):
        names = t.output("ls", "-A", path).split()
        equal(names, ["bin", "dev", "etc", "home", "proc", "root", "sys", "tmp"], f"names in {path}")


def test_root_path_may_be_absolute(t):
    """root.path may be an absolute path outside the bundle."""
    bundle = t.bundle("echo", "moved")
    bundle.rootfs.rename(t.scratch / "elsewhere")
    bundle.edit(lambda config: config["root"].update(path=str(t.scratch / "elsewhere")))
    equal(t.container(bundle=bundle).run().ok().out, "moved\n", "stdout")


def test_writable_tmpfs(t):
    """A tmpfs of the document is writable on a read-only root, with its mode and size."""
    bundle = t.bundle("sh", "-c", "stat -c %a /new; echo x > /new/f && cat /new/f; df -k /new | tail -1")
    bundle.add_mount("/new", "tmpfs", "tmpfs", "nosuid", "mode=1770", "size=1024k")
    lines = t.container(bundle=bundle).run().ok().lines()
    equal(lines[:2], ["1770", "x"], "mode and content")
    contains(lines[2], " 1024 ", "df")


def test_tmpfs_takes_the_mode_of_the_directory_below(t):
    """A tmpfs without a mode of its own has the mode of the directory it covers."""
    bundle = t.bundle("stat", "-c", "%a", "/home").add_mount("/home", "tmpfs", "tmpfs")
    (bundle.rootfs / "home").chmod(0o751)
    equal(t.container(bundle=bundle).run().ok().out, "751\n", "mode")


@differs("runc 1.1.5 gives it the mode of the directory below all the same")
def test_tmpfs_with_a_mode_keeps_it(t):
    """mode= of a tmpfs wins over the mode of the directory it covers."""
    bundle = t.bundle("stat", "-c", "%a", "/home").add_mount("/home", "tmpfs", "tmpfs", "mode=1770")
    equal(t.container(bundle=bundle).run().ok().out, "1770\n", "mode")


def test_tmpfs_size_is_a_limit(t):
    """A tmpfs takes no more than its size."""
    bundle = t.bundle("sh", "-c", "dd if=/dev/zero of=/tmp/f bs=1k count=2000")
    bundle.add_mount("/tmp", "tmpfs", "tmpfs", "size=1m")
    contains(t.container(bundle=bundle).run().exits(1).err, "No space left", "stderr")


def host_directory(t):
    directory = t.scratch / "shared"
    directory.mkdir()
    (directory / "file").write_text("from the host\n")
    return directory


def test_bind_mount_of_a_directory(t):
    """A bound directory is read and written through."""
    directory = host_directory(t)
    bundle = t.bundle("sh", "-c", "cat /home/file; echo back > /home/answer")
    bundle.add_mount("/home", "bind", str(directory), "bind", "rw")
    equal(t.container(bundle=bundle).run().ok().out, "from the host\n", "stdout")
    equal((directory / "answer").read_text(), "back\n", "the answer")


def test_bind_mount_of_a_file(t):
    """A bound file replaces a file; the one below is untouched."""
    directory = host_directory(t)
    bundle = t.bundle("cat", "/etc/group").add_mount("/etc/group", "bind", str(directory / "file"), "bind")
    equal(t.container(bundle=bundle).run().ok().out, "from the host\n", "stdout")
    contains((bundle.rootfs / "etc/group").read_text(), "bob", "the file below")


def test_bind_mount_to_a_new_place(t):
    """The destination of a bind is made when it is missing: a file for a file, a directory for one."""
    directory = host_directory(t)
    bundle = t.bundle("sh", "-c", "cat /new/file /new/dir/file")
    bundle.add_mount("/new/file", "bind", str(directory / "file"), "bind")
    bundle.add_mount("/new/dir", "bind", str(directory), "rbind")
    equal(t.container(bundle=bundle).run().ok().out, "from the host\n" * 2, "stdout")


def test_read_only_bind(t):
    """A bind with ro refuses writing and leaves the host's directory writable."""
    directory = host_directory(t)
    bundle = t.bundle("sh", "-c", "cat /home/file; echo x > /home/x").add_mount("/home", "bind", str(directory), "bind",
                                                                               "ro")
    result = t.container(bundle=bundle).run().exits(1)
    contains(result.err, "Read-only file system", "stderr")
    equal(result.out, "from the host\n", "stdout")
    (directory / "x").write_text("the host may")


@parametrize("flag", [("nosuid",), ("nodev",), ("noexec",)])
def test_bind_with_a_flag(t, flag):
    """A flag on a bind is the mount's own."""
    bundle = t.bundle().add_mount("/home", "bind", str(host_directory(t)), "bind", flag)
    contains(table(t, bundle)["/home"]["options"], flag, "options")


def test_noexec_means_it(t):
    """A program on a noexec tmpfs cannot be run."""
    bundle = t.bundle("sh", "-c", "cp /bin/busybox /tmp/cat; /tmp/cat /etc/group").add_mount("/tmp", "tmpfs", "tmpfs",
                                                                                            "noexec")
    contains(t.container(bundle=bundle).run().exits(126).err, "ermission denied", "stderr")


def test_rbind_takes_what_is_below(t):
    """rbind brings the mounts below the source, bind does not."""
    script = "grep -c '/home/below ' /proc/self/mountinfo; true"
    directory = host_directory(t)
    (directory / "below").mkdir()
    os.system(f"mount -t tmpfs below {directory}/below")
    counts = []
    for word in ("rbind", "bind"):
        bundle = t.bundle("sh", "-c", script).add_mount("/home", "bind", str(directory), word)
        counts.append(t.container(bundle=bundle).run().ok().out)
    os.system(f"umount {directory}/below")
    equal(counts, ["1\n", "0\n"], "mounts below")


def test_mounts_are_done_in_order(t):
    """A later mount on the same place covers the earlier one."""
    bundle = t.bundle("sh", "-c", "ls -A /tmp")
    bundle.add_mount("/tmp", "bind", str(host_directory(t)), "bind").add_mount("/tmp", "tmpfs", "tmpfs")
    equal(t.container(bundle=bundle).run().ok().out, "", "listing")


def test_a_relative_destination_is_taken_from_the_root(t):
    """A destination without its slash is one below /, wherever the runtime and the program start."""
    bundle = t.bundle("cat", "/home/file", cwd="/etc").add_mount("home", "bind", str(host_directory(t)), "bind")
    equal(t.container(bundle=bundle).run().exits(0).out, "from the host\n", "stdout")


def test_mount_destination_through_a_link_stays_inside(t):
    """An absolute link in the image is followed within the image, never on the host."""
    bundle = t.bundle("cat", "/trap/file").writable()
    (bundle.rootfs / "trap").symlink_to("/home")
    bundle.add_mount("/trap", "bind", str(host_directory(t)), "bind")
    equal(t.container(bundle=bundle).run().ok().out, "from the host\n", "stdout")


def test_missing_bind_source_is_refused(t):
    """A bind of something that is not there names the path; nothing is left."""
    bundle = t.bundle("true").add_mount("/home", "bind", "/no/such/source", "bind")
    contains(t.container(bundle=bundle).run().exits(1).err, "/no/such/source", "stderr")
    t.no_state()


def test_null_of_the_container_is_not_the_hosts(t):
    """/dev/null inside is a node of the container's own tmpfs."""
    out = t.output("stat", "-c", "%d:%i", "/dev/null").strip()
    host = os.stat("/dev/null")
    true(out != f"{host.st_dev}:{host.st_ino}" and stat.S_ISCHR(host.st_mode), "it is the host's node")


def test_devices_of_the_document(t):
    """linux.devices makes a node with its mode and owner."""
    device = {"path": "/dev/mine", "type": "c", "major": 1, "minor": 5, "fileMode": 0o640, "uid": 1000, "gid": 5}
    bundle = t.bundle("stat", "-c", "%t:%T %a %u:%g", "/dev/mine")
    bundle.edit(lambda config: config["linux"].update(devices=[device]))
    equal(t.container(bundle=bundle).run().ok().out, "1:5 640 1000:5\n", "stat")
