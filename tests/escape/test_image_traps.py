# SPDX-License-Identifier: Apache-2.0
"""E36, E37 and E44: files of the image that a runtime might load, read or wait for. (exec: test_exec.py.)"""

import ctypes
import os
import re
import shutil
import stat
import struct
import sys
import threading
import time

import pytest

from harness import Failure, contains, equal, true
from marks import attacker, needs, parametrize
from world import clear, link, strike

LIBRARIES = ["libc.so.6", "ld-linux-x86-64.so.2", "libnss_files.so.2", "libnss_bait.so.2", "libnss_compat.so.2",
             "libpthread.so.0", "libseccomp.so.2", "libcap.so.2", "libgcc_s.so.1", "libdl.so.2", "libyajl.so.2",
             "libsystemd.so.0", "libsubid.so.4"]
PLACES = ["lib", "lib64", "lib/x86_64-linux-gnu", "usr/lib", "usr/lib64", "usr/lib/x86_64-linux-gnu", "usr/local/lib"]
MARKS = ("mark-by-constructor",)


def bait(t, bundle):
    """Fills the image with everything that a dynamic loader, NSS, iconv or a locale would load."""
    data = t.built("bait").read_bytes()
    path = str(t.can / MARKS[0]).encode()
    data = data.replace(b"PATH-OF-THE-MARK".ljust(len(path), b"\0"), path)
    root = bundle.rootfs
    (root / "bait.so").write_bytes(data)
    (root / "bait.so").chmod(0o755)
    for place in PLACES:
        (root / place / "gconv").mkdir(parents=True, exist_ok=True)
        for name in LIBRARIES:
            os.link(root / "bait.so", root / place / name)
        for name in ("UTF-16.so", "UNICODE.so", "ISO8859-1.so"):
            os.link(root / "bait.so", root / place / "gconv" / name)
        (root / place / "gconv/gconv-modules").write_text("module UTF-8// INTERNAL UTF-16 1\n")
    (root / "etc/ld.so.preload").write_text("/bait.so\n")
    (root / "etc/ld.so.conf").write_text("/usr/lib\n")
    (root / "etc/nsswitch.conf").write_text("passwd: bait files\ngroup: bait files\nhosts: bait\n")
    (root / "usr/lib/locale").mkdir()
    shutil.copy(root / "bait.so", root / "usr/lib/locale/locale-archive")
    return bundle.env("LD_PRELOAD=/bait.so", "LD_LIBRARY_PATH=/usr/lib", "GCONV_PATH=/usr/lib/gconv",
                      "LANG=de_DE.UTF-8",
                      "LOCPATH=/usr/lib/locale", "GLIBC_TUNABLES=glibc.malloc.check=3", "NLSPATH=/usr/%N")


@attacker("A1")
@parametrize("how", [("root",), ("user",), ("terminal free",), ("no HOME",)])
def test_E36_libraries_of_the_image(t, how):
    """An image full of libraries (CVE-2019-14271): none of them is loaded by a process that still sees the host."""
    bundle = bait(t, t.bundle("true"))
    if how == "user":
        bundle.process(user={"uid": 1000, "gid": 1000, "additionalGids": [5]})
    box = t.container(bundle=bundle)
    result = strike(t, box)
    equal(result.code, 0, f"exit code of {result}")
    box = t.container(bundle=bundle)
    box.create().exits(0)
    box.start().exits(0)
    box.wait()
    box.delete("--force").exits(0)


@attacker("A1")
@parametrize("_", [("root",)])
def test_E36_harmless_mark_can_be_left(t, _):
    """The bait works: loaded by a dynamic program of the host it leaves its mark, here in a canary of its own."""
    bundle = bait(t, t.bundle("true"))
    t.runtime.exec(["/usr/bin/env", f"LD_PRELOAD={bundle.rootfs}/bait.so", "/bin/true"])
    true((t.can / MARKS[0]).exists(), "no mark")
    (t.can / MARKS[0]).unlink()
    t.can.before = t.can.look()
    t.container(bundle=bundle).run().exits(0)


def opened_while(bundle, verbs):
    """What any process opened in the image meanwhile."""
    watch = Watch(bundle.rootfs)
    try:
        verbs()
    finally:
        found = watch.end()
    return found


class Watch:
    """fanotify on the image's file system: every open that is more than O_PATH. Files are told by their inode, since
    the way to them is another in the container's mount namespace."""

    MARK_ADD, MARK_FILESYSTEM, NONBLOCK, CLOEXEC = 1, 0x100, 2, 1
    OPEN, OPEN_EXEC = 0x20, 0x1000

    def __init__(self, root):
        self.files, self.found, self.ended = inodes(root), set(), False
        libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = libc.fanotify_init(self.CLOEXEC | self.NONBLOCK, os.O_RDONLY | os.O_CLOEXEC)
        mask = ctypes.c_uint64(self.OPEN | self.OPEN_EXEC)
        where = str(root).encode()
        if libc.fanotify_mark(self.descriptor, self.MARK_ADD | self.MARK_FILESYSTEM, mask, -100, where) != 0:
            raise OSError(ctypes.get_errno(), "fanotify")
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        """Notes events until told to end, and then those that are still there."""
        while True:
            ended = self.ended
            try:
                self.note(os.read(self.descriptor, 65536))
            except BlockingIOError:
                if ended:
                    return
                time.sleep(0.002)

    def note(self, data):
        while data:
            length, _, _, _, mask, descriptor, _ = struct.unpack_from("=IBBHQii", data)
            data = data[length:]
            if descriptor >= 0:
                seen = os.fstat(descriptor)
                name = self.files.get((seen.st_dev, seen.st_ino))
                self.found |= {(name, "executed" if mask & self.OPEN_EXEC else "opened")} if name else set()
                os.close(descriptor)

    def end(self):
        """{(file of the image, opened or executed)}"""
        self.ended = True
        self.thread.join()
        os.close(self.descriptor)
        return self.found


def inodes(root):
    """{(device, inode): path below the image} of all regular files."""
    found = {}
    for directory, _, files in os.walk(root):
        for name in files:
            seen = os.lstat(os.path.join(directory, name))
            if stat.S_ISREG(seen.st_mode):
                found[seen.st_dev, seen.st_ino] = os.path.relpath(os.path.join(directory, name), root)
    return found


def whole_life(t, box):
    """create, state, start, kill, delete."""
    def verbs():
        box.create().exits(0)
        t.runtime("state", box.id)
        box.start().exits(0)
        box.wait()
        box.delete("--force").exits(0)
    return verbs


ALLOWED = {("etc/passwd", "opened"), ("bin/busybox", "opened"), ("bin/busybox", "executed")}


@attacker("A1")
@parametrize("how", [("root",), ("user",), ("HOME given",)])
def test_E37_files_opened_in_the_image(t, how):
    """In create, start and delete no file of the image is opened but /etc/passwd and the program (which is
    executed)."""
    bundle = bait(t, t.bundle("/bin/busybox", "true"))
    bundle.env(*(["HOME=/x"] if how == "HOME given" else []))
    if how == "user":
        bundle.process(user={"uid": 1000, "gid": 1000, "additionalGids": [5]})
    found = opened_while(bundle, whole_life(t, t.container(bundle=bundle)))
    allowed = ALLOWED - ({("etc/passwd", "opened")} if how == "HOME given" else set())
    equal(found - allowed, set(), "files that were opened")
    true(("bin/busybox", "executed") in found, f"the watch sees nothing: {found}")


@attacker("A1")
@parametrize("_", [("root",)])
def test_E37_harmless_opening_is_seen(t, _):
    """The watch sees what a program opens."""
    bundle = t.bundle("cat", "/etc/group")
    found = opened_while(bundle, whole_life(t, t.container(bundle=bundle)))
    true(("etc/group", "opened") in found, f"seen: {found}")


def no_strace():
    return None if shutil.which("strace") else "strace is not installed"


@attacker("A1")
@needs(no_strace)
def test_E37_programs_executed_on_the_way(t):
    """strace: between clone and the program nothing is executed but the runtime's own stages."""
    box = t.container("/bin/busybox", "true")
    trace = t.scratch / "trace"
    command = ["strace", "-f", "-qq", "-s", "200", "-e", "trace=execve,execveat", "-o", str(trace),
               *t.runtime.command("run", "--bundle", box.bundle.path, box.id)]
    result = t.runtime.exec(command, timeout=t.runtime.seconds * 4)
    equal(result.code, 0, f"exit code of {result}")
    calls = re.findall(r"^\d+ +(execve|execveat)\((.*)$", trace.read_text(), re.MULTILINE)
    own = (t.runtime.path, "/proc/self/exe", "/bin/busybox", "/proc/self/fd/")
    strange = [rest for call, rest in calls
               if not (call == "execveat" and '""' in rest) and not any(f'"{name}' in rest for name in own)]
    equal(strange, [], "programs")


@attacker("A1")
@needs(no_strace)
def test_E37_harmless_strace_is_there(t):
    """strace can follow a runtime."""
    box = t.container("/bin/busybox", "echo", "traced")
    trace = t.scratch / "trace"
    result = t.runtime.exec(["strace", "-f", "-qq", "-o", str(trace), "-e", "trace=execve",
                             *t.runtime.command("run", "--bundle", box.bundle.path, box.id)],
                             timeout=t.runtime.seconds * 4)
    equal((result.code, result.out), (0, "traced\n"), "exit code and stdout")
    contains(trace.read_text(), "execve(", "trace")


def sparse(path):
    with open(path, "wb") as file:
        file.truncate(1 << 30)


def many_lines(path):
    path.write_text("user:x:12345:12345::/home/user:/bin/sh\n" * 1_000_000)


PASSWD = {
    "fifo": os.mkfifo,
    "zero device": lambda path: os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5)),
    "tty device": lambda path: os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(5, 0)),
    "sparse gigabyte": sparse, "million lines": many_lines, "directory": lambda path: path.mkdir(),
    "link to stdin": lambda path: path.symlink_to("/proc/self/fd/0"),
    "link to init's root": lambda path: path.symlink_to("/proc/1/root/etc/passwd"),
    "link to itself": lambda path: path.symlink_to("passwd"), "empty": lambda path: path.write_text(""),
    "NULs": lambda path: path.write_bytes(b"root:x:0:0:\0:/\0evil:/bin/sh\n" + b"\0" * 100_000),
    "overflows": lambda path: path.write_text("a:x:4294967296:0::/evil:/\nb:x:-0:0::/evil:/\n"
                                              "c:x:18446744073709551616:0::/evil:/\n"
                                              "d:x: 0:0::/evil:/\ne:x:+0:0::/evil:/\nf:x:0x0:0::/evil:/\n"),
    "one long line": lambda path: path.write_text("root:x:0:0:" + "x" * 2_000_000 + ":/evil:/bin/sh\n"),
    "newline and equals in home": lambda path: path.write_text("root:x:0:0::/a=b\rc:/bin/sh\n"),
    "host's canary": None,
}
SECONDS, KILOBYTES = 1.0, 32 * 1024


def measured(t, box):
    """(result, seconds of CPU, peak RSS in KiB) of the runtime's processes."""
    usage = t.scratch / "usage"
    script = ("import os,resource,subprocess,sys\n"
              "code=subprocess.run(sys.argv[2:]).returncode\n"
              "used=resource.getrusage(resource.RUSAGE_CHILDREN)\n"
              "open(sys.argv[1],'w').write(f'{used.ru_utime + used.ru_stime} {used.ru_maxrss}')\n"
              "sys.exit(code if code >= 0 else 128 - code)\n")
    command = t.runtime.command("run", "--bundle", box.bundle.path, box.id)
    result = t.runtime.exec([sys.executable, "-c", script, str(usage), *command])
    seconds, kilobytes = usage.read_text().split()
    return result, float(seconds), int(kilobytes)


@attacker("A1")
@pytest.mark.timeout(90)
@parametrize("how", list(PASSWD))
def test_E44_passwd_is_a_trap(t, how):
    """HOME has to be found in an /etc/passwd that is no such file: in a second, with 32 MiB, and HOME is sane."""
    bundle = t.bundle("sh", "-c", 'echo "[$HOME]"')
    path = bundle.rootfs / "etc/passwd"
    clear(path)
    if how == "host's canary":
        link(path, t.can / "passwd")
    else:
        PASSWD[how](path)
    result, seconds, kilobytes = measured(t, t.container(bundle=bundle))
    if t.bulkhead or result.code == 0:  # a control may refuse, in time, or leave HOME away
        equal(result.code, 0, f"exit code of {result}")
        homes = ("[/]", "[/root]", *(["[]"] if t.control else []))
        true(result.out.strip() in homes or how.startswith("newline"), f"HOME is {result.out!r}")
    if seconds > SECONDS * t.patience:
        raise Failure(f"it took {seconds:.1f} s of CPU")
    true(t.control or kilobytes <= KILOBYTES, f"it took {kilobytes} KiB")


@attacker("A1")
@pytest.mark.timeout(90)
@parametrize("_", list(PASSWD)[:1])
def test_E44_harmless_passwd_is_read(t, _):
    """HOME comes from an ordinary file."""
    bundle = t.bundle("sh", "-c", "echo $HOME").program("etc/passwd", "root:x:0:0:root:/home/of/root:/bin/sh\n", 0o644)
    equal(t.container(bundle=bundle).run().exits(0).out, "/home/of/root\n", "HOME")
