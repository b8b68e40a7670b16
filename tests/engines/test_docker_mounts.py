# SPDX-License-Identifier: Apache-2.0
"""Docker's volumes and mounts, and the files of a container."""

import io
import subprocess
import tarfile

from cases import case
from engine import IMAGE
from harness import contains, equal

BUSY = "echo x >/mnt/new 2>&1; cat /mnt/file"


def options(t, place, *flags):
    """The options of what is mounted there, those of the mount itself first."""
    lines = [line.split() for line in t.output("cat /proc/self/mountinfo", *flags).splitlines()]
    line, = [line for line in lines if line[4] == place]
    return set(line[5].split(",")), line


def run(*command):
    subprocess.run([*map(str, command)], check=True)


@case()
def read_only(t):
    """With --read-only nothing of the root can be written, but --tmpfs and volumes can."""
    out = t.output("echo x >/x; echo x >/run/x && echo x >/mnt/x && echo x >/dev/shm/x && ls /run /mnt", "--read-only",
                   "--tmpfs", "/run", "--volume", f"{t.directory}:/mnt")
    equal(out, "/mnt:\nx\n\n/run:\nx\n", "what could be written")
    equal((t.directory / "x").read_text(), "x\n", "the volume")
    contains(t("run", "--rm", "--read-only", IMAGE, "touch", "/x").exits(1).err, "Read-only file system", "message")


@case()
def tmpfs(t):
    """--tmpfs takes size, mode and flags."""
    flags, line = options(t, "/t", "--tmpfs", "/t:size=1m,mode=750,noexec")
    equal(flags >= {"noexec", "nosuid", "nodev", "rw"}, True, f"flags {flags}")
    equal(line[-3], "tmpfs", "kind")
    equal({"size=1024k", "mode=750"} <= set(line[-1].split(",")), True, f"options {line[-1]}")


@case(each=[("rw", "file\n", True), ("ro", "sh: can't create /mnt/new: Read-only file system\nfile\n", False)])
def volume(t, mode, expected, written):
    """--volume with {} binds a directory."""
    (t.directory / "file").write_text("file\n")
    out = t.output(f"exec 2>&1; {BUSY}", "--volume", f"{t.directory}:/mnt:{mode}")
    equal((out, (t.directory / "new").exists()), (expected, written), "output and file")


@case()
def file(t):
    """--volume binds a file, too."""
    (t.directory / "file").write_text("one\n")
    out = t.output("cat /etc/one; echo two >/etc/one", "--volume", f"{t.directory}/file:/etc/one")
    equal((out, (t.directory / "file").read_text()), ("one\n", "two\n"), "before and after")


@case(each=["rprivate", "rslave", "rshared"])
def propagation(t, kind):
    """With bind-propagation={} the container sees, or does not see, what is mounted below a volume afterwards."""
    top = t.directory / "top"
    (top / "outside").mkdir(parents=True)
    (top / "inside").mkdir()
    run("mount", "--bind", top, top)
    try:
        run("mount", "--make-shared", top)
        t.up("box", "--cap-add", "SYS_ADMIN", "--mount", f"type=bind,source={top},target=/mnt,bind-propagation={kind}")
        run("mount", "-t", "tmpfs", "later", top / "outside")
        seen = t("exec", "box", "grep", "-c", " /mnt/outside ", "/proc/self/mountinfo").out
        equal(seen, "0\n" if kind == "rprivate" else "1\n", "the host's mount is seen inside")
        t("exec", "box", "mount", "-t", "tmpfs", "made-inside", "/mnt/inside").exits(0)
        equal((top / "inside").is_mount(), kind == "rshared", "the container's mount is seen outside")
    finally:
        run("umount", "--recursive", top)


@case()
def bind_nonrecursive(t):
    """A bind takes what is mounted below along, unless bind-nonrecursive is said."""
    below = t.directory / "below"
    below.mkdir()
    run("mount", "-t", "tmpfs", "below", below)
    try:
        (below / "file").touch()
        bind = f"type=bind,source={t.directory},target=/mnt"
        equal(t.output("ls /mnt/below", "--mount", bind), "file\n", "with what is below")
        equal(t.output("ls /mnt/below", "--mount", bind + ",bind-nonrecursive"), "", "without")
    finally:
        run("umount", below)


@case()
def recursively_read_only(t):
    """A read-only bind is that with all mounts below in Docker 26, if the runtime says it can; in 20.10 only on top."""
    below = t.directory / "below"
    below.mkdir()
    run("mount", "-t", "tmpfs", "below", below)
    try:
        out = t.output("touch /mnt/x 2>/dev/null || echo refused; touch /mnt/below/x 2>/dev/null || echo refused below",
                       "--volume", f"{t.directory}:/mnt:ro")
        equal(out, "refused\n" + ("refused below\n" if t.generation == "trixie" else ""), "output")
    finally:
        run("umount", below)


@case()
def named_volume(t):
    """A new named volume begins with what the image has there, and keeps what is written."""
    equal(t.output("cat /etc/passwd | wc -l; echo more >>/etc/passwd", "--volume", "kept:/etc"), "2\n", "first")
    try:
        equal(t.output("tail -n 1 /etc/passwd", "--volume", "kept:/etc"), "more\n", "second")
        equal(t.output("ls /mnt | grep -c passwd", "--volume", "kept:/mnt:ro"), "1\n", "third")
    finally:
        t("volume", "rm", "kept").exits(0)


@case()
def volumes_from(t):
    """--volumes-from gives the volumes of another container."""
    t.up("box", "--volume", "/shared", script="echo hello >/shared/file; exec sleep 600")
    t.eventually(lambda: t.output("cat /shared/file", "--volumes-from", "box") == "hello\n", "the file is there")


@case()
def shm_size(t):
    """--shm-size is the size of /dev/shm, in which shared memory works."""
    out = t.output("df -k /dev/shm | tail -n 1; echo x >/dev/shm/x && cat /dev/shm/x", "--shm-size", "3m")
    equal((out.split()[1], out.split()[-1]), ("3072", "x"), "kilobytes")


@case()
def own_files(t):
    """/etc/hosts, /etc/hostname and /etc/resolv.conf are docker's, with --add-host and --dns."""
    flags = ("--hostname", "inner", "--add-host", "other:10.1.2.3", "--dns", "10.9.8.7", "--dns-search", "example.test")
    out = t.output("grep other /etc/hosts; cat /etc/hostname; grep -E '^(nameserver|search)' /etc/resolv.conf", *flags)
    equal(set(out.splitlines()), {"10.1.2.3\tother", "inner", "nameserver 10.9.8.7", "search example.test"}, "files")


@case(each=["running", "stopped"])
def copy(t, state):
    """`docker cp` copies to and from a {} container, with owners and modes."""
    t.up("box", "--tmpfs", "/mem")
    if state == "stopped":
        t("stop", "--time", "0", "box").exits(0)
    source = t.directory / "tree"
    (source / "sub").mkdir(parents=True)
    (source / "sub/file").write_text("hello\n")
    (source / "sub/file").chmod(0o751)
    t("cp", source, "box:/home/tree").exits(0)
    t("cp", "box:/home/tree/sub/file", t.directory / "back").exits(0)
    back = t.directory / "back"
    equal((back.read_text(), back.stat().st_mode & 0o777), ("hello\n", 0o751), "copy")
    archive = subprocess.run(["docker", "cp", "box:/etc/passwd", "-"], capture_output=True, check=True).stdout
    equal(tarfile.open(fileobj=io.BytesIO(archive)).getnames(), ["passwd"], "archive")
    if state == "running":
        equal(t("exec", "box", "cat", "/home/tree/sub/file").exits(0).out, "hello\n", "seen inside")


@case()
def diff(t):
    """`docker diff` lists what the container changed, and nothing that the runtime put there."""
    t.up("box", "--volume", "/put/there", script="touch /etc/new; rm /etc/group; exec sleep 600")
    t.eventually(lambda: "D /etc/group" in t("diff", "box").out, "the change is seen")
    equal(set(t("diff", "box").exits(0).lines()) - {"A /put", "A /put/there"}, {"C /etc", "A /etc/new", "D /etc/group"},
          "changes")


@case()
def commit(t):
    """`docker commit` makes an image of a running container, from which another starts."""
    t.up("box", "--env", "A=1", script="echo changed >/file; exec sleep 600")
    t.eventually(lambda: t("exec", "box", "test", "-s", "/file").code == 0, "the change")
    t("commit", "--change", 'CMD ["cat", "/file"]', "box", "committed").exits(0)
    try:
        equal(t("run", "--rm", "committed").exits(0).out, "changed\n", "output")
        equal(t("run", "--rm", "committed", "sh", "-c", "echo $A").exits(0).out, "1\n", "environment")
    finally:
        t("rmi", "--force", "committed").exits(0)
