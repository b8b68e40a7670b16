# SPDX-License-Identifier: Apache-2.0
"""What podman mounts: volumes and their options, tmpfs, read-only roots, images, other roots."""

import os

import images
from cases import case
from engine import IMAGE
from harness import absent, contains, equal, true

SHOWN = "while read -r id parent device root place options rest; do [ $place = /mnt ] && echo $options; done " \
        "< /proc/self/mountinfo"


def volume(t, *names):
    """A directory of the case's own with these files in it, each of which contains its name."""
    path = t.directory / "volume"
    path.mkdir()
    for name in names:
        (path / name).write_text(f"{name}\n")
    return path


@case(each=[("rw", "rw"), ("ro", "ro"), ("noexec", "rw,noexec"), ("nosuid,nodev", "nosuid,nodev"), ("z", "rw"),
            ("ro,Z", "ro")])
def options(t, words, expected):
    """`-v` with the option `{}` is a mount with {}."""
    path = volume(t, "file")
    lines = t.output(f"{SHOWN}; cat /mnt/file", "-v", f"{path}:/mnt:{words}").splitlines()
    equal(set(expected.split(",")) - set(lines[0].split(",")), set(), f"what is missing in {lines[0]}")
    equal(lines[1], "file", "the file")


@case()
def in_force(t):
    """`-v` with ro refuses to write, noexec to execute; what is written with rw is outside."""
    path = volume(t)
    script = "echo '#!/bin/sh' > /mnt/program && chmod 755 /mnt/program && /mnt/program && echo ran"
    equal(t.output(script, "-v", f"{path}:/mnt"), "ran\n", "rw")
    true((path / "program").exists(), "nothing is outside")
    contains(t.output("/mnt/program 2>&1 || :", "-v", f"{path}:/mnt:noexec"), "Permission denied", "noexec")
    contains(t.output("rm /mnt/program 2>&1 || :", "-v", f"{path}:/mnt:ro"), "Read-only file system", "ro")


@case(each=[("rshared", True), ("rslave", True), ("rprivate", False)])
def propagation(t, word, seen):
    """`-v` with {}: a mount that is made outside afterwards is seen inside: {}."""
    path = volume(t)
    (path / "below").mkdir()
    t.shell("mount", "-t", "tmpfs", "volume", path).exits(0)
    try:
        (path / "below").mkdir()
        t.sleeper("-v", f"{path}:/mnt:{word}")
        t.shell("mount", "-t", "tmpfs", "below", path / "below").exits(0)
        (path / "below/file").touch()
        equal(t.inside("box", "ls /mnt/below"), "file\n" if seen else "", "the mount's content")
    finally:
        t("rm", "--force", "--time", "0", "box")
        t.shell("umount", "-R", path).exits(0)


@case()
def from_inside(t):
    """`-v` with rshared: a mount that is made inside is seen outside."""
    path = volume(t)
    t.shell("mount", "--bind", path, path).exits(0)
    try:
        t.output("mkdir /mnt/new && mount -t tmpfs new /mnt/new && touch /mnt/new/file", "--privileged",
                 "-v", f"{path}:/mnt:rshared")
        equal(os.listdir(path / "new"), ["file"], "the mount's content")
    finally:
        t.shell("umount", "-R", path).exits(0)


@case()
def overlay(t):
    """`-v` with O: what is written is seen inside, and the directory stays as it was."""
    path = volume(t, "file")
    script = "echo more >> /mnt/file; touch /mnt/new; cat /mnt/*"
    equal(t.output(script, "-v", f"{path}:/mnt:O"), "file\nmore\n", "inside")
    equal((os.listdir(path), (path / "file").read_text()), (["file"], "file\n"), "outside")


@case()
def chown(t):
    """`-v` with U: the volume belongs to the container's user."""
    path = volume(t, "file")
    equal(t.output("echo more >> /mnt/file; cat /mnt/file", "--user", "1000:1000", "-v", f"{path}:/mnt:U"),
          "file\nmore\n", "inside")
    equal((path / "file").stat().st_uid, 1000, "the owner")


@case()
def named_volume(t):
    """A named volume begins with the image's files, and keeps what is written until it is removed."""
    t.output("echo kept > /etc/new", "-v", "named:/etc")
    found = t.output("cat /mnt/new; cut -d : -f 1 /mnt/passwd", "-v", "named:/mnt:ro")
    equal(found, "kept\nroot\nuser\n", "the volume")
    t("volume", "rm", "named").exits(0)


@case()
def volumes_from(t):
    """`--volumes-from` has the volumes of another container."""
    t.sleeper("-v", f"{volume(t, 'file')}:/mnt")
    equal(t.output("cat /mnt/file", "--volumes-from", "box:ro"), "file\n", "the file")


@case()
def tmpfs(t):
    """`--tmpfs` with options: size, mode and flags are the mount's."""
    line = t.output("grep ' /mnt ' /proc/mounts; stat -c %a /mnt", "--tmpfs", "/mnt:rw,size=1m,mode=1750,noexec")
    for word in ("tmpfs /mnt tmpfs rw,", "noexec", "nosuid", "nodev", "size=1024k", "\n1750\n"):
        contains(line, word, "the mount")


@case()
def tmpfs_copies(t):
    """A tmpfs over a directory of the image begins with its files where it is asked to."""
    equal(t.output("cat /etc/group | wc -l", "--mount", "type=tmpfs,destination=/etc,tmpcopyup"), "3\n", "lines")
    equal(t.output("ls /home", "--tmpfs", "/home:notmpcopyup"), "", "files")


@case()
def read_only(t):
    """`--read-only`: the root cannot be written to, /tmp, /run and /dev/shm can."""
    words = t.output("for d in / /etc /tmp /run /dev/shm; do touch $d/x 2>/dev/null && echo $d; done", "--read-only")
    equal(words.split(), ["/tmp", "/run", "/dev/shm"], "what can be written to")


@case()
def read_only_tmpfs(t):
    """`--read-only --read-only-tmpfs=false`: nothing but a volume can be written to."""
    words = t.output("for d in / /tmp /run /mnt; do touch $d/x 2>/dev/null && echo $d; done; :", "--read-only",
                     "--read-only-tmpfs=false", "-v", f"{volume(t)}:/mnt")
    equal(words.split(), ["/mnt"], "what can be written to")


@case()
def a_file(t):
    """`-v` of a file and into a directory that the image has not: both are made."""
    path = volume(t, "file")
    equal(t.output("cat /etc/passwd /new/deep/file", "-v", f"{path}/file:/etc/passwd:ro",
                   "-v", f"{path}:/new/deep"), "file\nfile\n", "the files")


@case()
def missing_source(t):
    """`-v` of a directory that is missing is refused with 125 and leaves nothing."""
    contains(t("run", "--rm", "-v", "/missing:/mnt", IMAGE, "true").exits(125).err, "/missing", "stderr")
    equal(t.output("echo fine"), "fine\n", "the next container's output")


@case()
def of_an_image(t):
    """`--mount type=image` shows the files of an image, read-only unless told else."""
    script = "ls /mnt/bin/busybox; touch /mnt/x 2>/dev/null || echo refused"
    equal(t.output(script, "--mount", f"type=image,source={IMAGE},destination=/mnt"), "/mnt/bin/busybox\nrefused\n",
          "output")


@case()
def secret(t):
    """`--secret` is a file that only the program sees."""
    t("secret", "create", "word", "-", stdin=b"hidden").exits(0)
    try:
        equal(t.output("cat /run/secrets/word; stat -c ' %a' /run/secrets/word", "--secret", "word,mode=0400"),
              "hidden 400\n", "the secret")
    finally:
        t("secret", "rm", "word").exits(0)


@case()
def shared_memory(t):
    """`--shm-size` is the size of /dev/shm."""
    contains(t.output("grep ' /dev/shm ' /proc/mounts", "--shm-size", "2m"), "size=2048k", "the mount")


@case()
def own_files(t):
    """podman's own /etc/hosts, /etc/resolv.conf and /run/.containerenv are there."""
    lines = t.output("cat /etc/hosts /etc/resolv.conf; ls /run/.containerenv", "--add-host", "there:10.1.2.3",
                     "--dns", "10.9.8.7")
    for text in ("10.1.2.3", "nameserver 10.9.8.7", "/run/.containerenv"):
        contains(lines, text, "the files")


@case(each=["", ":O"])
def other_root(t, suffix):
    """`--rootfs` with a directory instead of an image, with the suffix `{}`."""
    path = t.directory / "root"
    images.unpack(path)
    result = t("run", "--rm", "--rootfs", f"{path}{suffix}", "sh", "-c", "echo written > /file; cat /file").exits(0)
    equal(result.out, "written\n", "output")
    equal((path / "file").exists(), not suffix, "the file is in the directory")


@case()
def nothing_left(t):
    """The mounts of a container are not the machine's: none is seen while it runs but podman's own."""
    t.sleeper("-v", f"{volume(t)}:/mnt", "--tmpfs", "/there")
    absent(t.shell("cat", "/proc/self/mountinfo").out, "/there", "mounts")
    absent(t.shell("cat", "/proc/self/mountinfo").out, "/mnt", "mounts")


@case()
def for_systemd(t):
    """`--systemd always`: the tmpfs and the cgroup that systemd wants are there, and can be written to."""
    text = t.output("cat /proc/mounts; mkdir /sys/fs/cgroup/new && echo made", "--systemd", "always")
    for place in ("/run", "/run/lock", "/tmp", "/var/log/journal"):
        contains(text, f"tmpfs {place} tmpfs rw,nosuid,nodev", "mounts")
    contains(text, "\nmade\n", "output")
