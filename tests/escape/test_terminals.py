# SPDX-License-Identifier: Apache-2.0
"""E13 and E51: the terminal of a container, and that of its caller."""

import contextlib
import fcntl
import os
import pty
import select
import socket
import struct
import termios
import threading
import time

from harness import Failure, contains, equal, eventually, true
from marks import attacker, parametrize
from test_terminal import receive
from world import ended_well, link, settle, with_rights, without_mounts

RIGHTS = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]


@contextlib.contextmanager
def terminal():
    """(master, slave) of a caller."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    try:
        yield master, slave
    finally:
        os.close(master)
        os.close(slave)


def habits(slave):
    """Everything that can be set at a terminal, and what waits in its input."""
    return (termios.tcgetattr(slave), fcntl.ioctl(slave, termios.TIOCGWINSZ, bytes(8)),
            fcntl.ioctl(slave, termios.FIONREAD, bytes(4)))


def below(t, slave, *words):
    """Runs a verb as a shell does: with the terminal as 0, 1, 2 and controlling it. Returns the exit status."""
    child = t.runtime.start(t.runtime.command(*words), setup={"tty": os.ttyname(slave)})
    try:
        return child.wait(t.runtime.seconds)
    except Exception:
        child.kill()
        child.wait()
        raise


def pushing(t, rights, program, file):
    """A bundle whose program is a shell that runs `program`, and the host's end of /out/FILE."""
    out = t.host_folder("out")
    bundle = t.plant(t.bundle("sh", "-c", program, user={"uid": 0, "gid": 0}), "pusher")
    return with_rights(bundle, rights).add_mount("/out", "bind", str(out), "bind", "rw"), out / file


PUSHERS = [(f"{verb}, {name}", verb, [*RIGHTS, *more]) for verb in ("run", "exec")
           for name, more in [("root", []), ("root with CAP_SYS_ADMIN", ["CAP_SYS_ADMIN", "CAP_SYS_TTY_CONFIG"])]]


def push(t, slave, verb, rights, program, tty=False):
    """Runs the program from the caller's terminal, with one of its own or without; returns what it wrote into /out/words."""
    bundle, words = pushing(t, rights, program if verb == "run" else "sleep 60", "words")
    box = t.container(bundle=bundle.process(terminal=tty and verb == "run"))
    if verb == "run":
        equal(below(t, slave, "run", "--bundle", bundle.path, box.id), 0, "exit status")
    else:
        box.run_detached().exits(0)
        flags = ["--tty"] if tty else []
        equal(below(t, slave, "exec", *flags, box.id, "sh", "-c", program), 0, "exit status")
        box.delete("--force").exits(0)
    return words.read_text()


@attacker("A2")
@parametrize("_, verb, rights", PUSHERS)
def test_E51_input_is_pushed(t, _, verb, rights):
    """A program without a terminal of its own, started from a terminal, pushes characters into the caller's input
    (TIOCSTI; CVE-2016-10124, CVE-2017-5226, and by 64 bits CVE-2019-10063), and changes the settings: nothing of it
    happens, for it has no descriptor of that terminal."""
    with terminal() as (_, slave):
        before = habits(slave)
        words = push(t, slave, verb, rights, "/pusher /out/words")
        equal(habits(slave), before, "the caller's terminal")
    contains(words, "end\n", "what it tried")
    equal(words, "end\n", "what the program could do")


@attacker("A2")
@parametrize("_, verb, rights", PUSHERS)
def test_E51_harmless_output_comes_through(t, _, verb, rights):
    """What such a program says is on the caller's terminal."""
    with terminal() as (master, slave):
        push(t, slave, verb, rights, "/pusher /out/words; echo x > /out/words; echo word")
        text, end = b"", time.monotonic() + t.runtime.seconds
        while b"word" not in text and time.monotonic() < end:
            if select.select([master], [], [], 0.1)[0]:
                text += os.read(master, 4096)
    true(b"word" in text, f"output {text!r}")


@attacker("A2")
@parametrize("_, verb", [("run", "run"), ("exec", "exec")])
def test_E51_input_is_pushed_from_a_terminal_of_its_own(t, _, verb):
    """The same from a program with a terminal of its own, which is relayed to the caller's: that keeps its size, its
    settings, and has nothing in its input afterwards."""
    with terminal() as (master, slave):
        before = habits(slave)
        with draining(master):
            words = push(t, slave, verb, [*RIGHTS, "CAP_SYS_ADMIN"], "/pusher /out/words", tty=True)
        contains(words, "is a terminal", "what it has")
        equal(habits(slave), before, "the caller's terminal")


@contextlib.contextmanager
def draining(master):
    """Reads what is printed meanwhile, so that nobody has to wait."""
    ended = threading.Event()

    def drain():
        while not ended.is_set():
            if select.select([master], [], [], 0.05)[0]:
                os.read(master, 65536)
    thread = threading.Thread(target=drain)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@attacker("A2")
@parametrize("_, verb", [("run", "run"), ("exec", "exec")])
def test_E51_harmless_terminal_of_its_own(t, _, verb):
    """A program with a terminal of its own runs below a terminal."""
    with terminal() as (master, slave), draining(master):
        words = push(t, slave, verb, RIGHTS, "tty > /out/words", tty=True)
    contains(words, "/dev/pts/", "tty")


# ---- E13 ------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def listener(t, name="console.sock"):
    """A console socket as engines make it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(t.scratch / name))
        server.listen(1)
        server.settimeout(t.runtime.seconds)
        yield server


def false_pts(t, target):
    """A directory of the host full of links for every number that a terminal could have."""
    place = t.host_folder("pts")
    for number in range(256):
        link(place / str(number), target)
    (place / "ptmx").write_text("")
    return place


# Where the names in the false /dev/pts lead to; harmless if it works.
LURES = ["/proc/sys/kernel/hostname", "/etc/passwd", "/proc/self/attr/exec"]
FALSE = [(f"{how}, {lure}", how, lure) for how in ("links", "links and a real ptmx", "links over a real devpts")
         for lure in LURES]


def lured(t, how, lure):
    """A bundle with a terminal whose /dev/pts is the attacker's."""
    program = "stat -c %F:%t /dev/console 2>&1; grep ' /dev/console ' /proc/self/mountinfo; hostname"
    bundle = t.bundle("sh", "-c", program, terminal=True)
    bundle.edit(lambda config: without_mounts(config, *([] if "over" in how else ["/dev/pts"])))
    place = false_pts(t, lure)
    bundle.add_mount("/dev/pts", "bind", str(place), "rbind", "rw")
    if "real ptmx" in how:
        bundle.add_mount("/dev/pts/ptmx", "bind", "/dev/pts/ptmx" if os.path.exists("/dev/pts/ptmx") else "/dev/ptmx",
                         "bind", "rw")
    return bundle


@attacker("A1")
@parametrize("_, how, lure", FALSE)
def test_E13_terminal_is_a_link(t, _, how, lure):
    """/dev/pts is a directory of links to files of /proc and of the image, for all numbers that a terminal could have
    (CVE-2025-52565): refused, or /dev/console is a terminal; nothing is bound, written or given another owner."""
    bundle = lured(t, how, lure)
    before = (bundle.rootfs / "etc/passwd").stat()
    box = t.container(bundle=bundle)
    with listener(t) as server:
        result = ended_well(t, box.create("--console-socket", server.getsockname()))
        if result.code == 0:
            text = started(box, server)
            true("regular" not in text, f"/dev/console is a file: {text}")
            for line in text.splitlines():
                true(" /dev/console " not in line or " devpts " in line, f"/dev/console is bound elsewhere: {line}")
            contains(text, bundle.config["hostname"], "hostname")
    after = (bundle.rootfs / "etc/passwd").stat()
    equal((after.st_uid, after.st_mode, after.st_size, after.st_mtime), (before.st_uid, before.st_mode, before.st_size,
                                                                         before.st_mtime), "the image's file")


def started(box, server):
    """Starts it, and returns what its program prints on its terminal."""
    _, (master,) = receive(server)
    box.start().exits(0)
    text, end = b"", time.monotonic() + box.runtime.seconds
    while time.monotonic() < end:
        if select.select([master], [], [], 0.1)[0]:
            try:
                part = os.read(master, 65536)
            except OSError:
                break
            text += part
    os.close(master)
    box.wait()
    return text.decode()


@attacker("A1")
@parametrize("*_", FALSE[:1])
def test_E13_harmless_terminal_is_one(t, _):
    """A container with a devpts of its own has its terminal on /dev/console."""
    program = "stat -c %F:%t /dev/console; grep ' /dev/console ' /proc/self/mountinfo; hostname"
    box = t.container(bundle=t.bundle("sh", "-c", program, terminal=True))
    with listener(t) as server:
        box.create("--console-socket", server.getsockname()).exits(0)
        text = started(box, server)
    contains(text, "character special file:88", "/dev/console")
    contains(text, " devpts ", "what is mounted there")


@attacker("A2")
@parametrize("how", ["links", "tmpfs", "ptmx is a file", "ptmx is a link", "ptmx is null", "nothing"])
def test_E13_exec_finds_another_devpts(t, how):
    """A container replaces its /dev/pts, then exec asks for a terminal: refused in time, or a real terminal."""
    inside = {"links": "mount -t tmpfs x /dev/pts; for n in 0 1 2 3 4 5 6 7 8 9; do ln -s /proc/sys/kernel/hostname "
                       "/dev/pts/$n; done; ln -s /dev/ptmx /dev/pts/ptmx",
              "tmpfs": "mount -t tmpfs x /dev/pts", "nothing": "umount -l /dev/pts",
              "ptmx is a file": "mount -t tmpfs x /dev/pts; echo > /dev/pts/ptmx; rm -f /dev/ptmx; echo > /dev/ptmx",
              "ptmx is a link": "rm -f /dev/ptmx; ln -s /proc/self/fd/0 /dev/ptmx; mount -t tmpfs x /dev/pts",
              "ptmx is null": "mount -t tmpfs x /dev/pts; touch /dev/pts/ptmx; "
                              "mount --bind /dev/null /dev/pts/ptmx"}[how]
    box = t.shell(f"({inside}) > /dev/null 2>&1; echo > /dev/shm/done; exec sleep 60")
    with_rights(box.bundle, [*RIGHTS, "CAP_SYS_ADMIN", "CAP_MKNOD"])
    box.run_detached().exits(0)
    eventually(lambda: os.path.exists(f"/proc/{box.pid}/root/dev/shm/done"), "it does not begin", t.runtime.seconds)
    with listener(t) as server:
        result = ended_well(t, t.runtime("exec", "--tty", "--detach", "--console-socket", server.getsockname(), box.id,
                                         "sh", "-c", "tty; sleep 1"))
        if result.code == 0:
            _, descriptors = receive(server)
            for master in descriptors:
                if not os.isatty(master):
                    raise Failure("what came is no terminal")
                os.close(master)
            settle(t, box)


@attacker("A2")
@parametrize("*_", ["links"])
def test_E13_harmless_exec_finds_its_devpts(t, _):
    """exec gets a terminal of the container's own devpts."""
    box = t.sleeper()
    box.run_detached().exits(0)
    with listener(t) as server:
        t.runtime("exec", "--tty", "--detach", "--console-socket", server.getsockname(), box.id, "sh", "-c",
                  "tty; sleep 0.3").exits(0)
        _, (master,) = receive(server)
    contains(os.read(master, 100).decode(), "/dev/pts/", "tty")
    os.close(master)
    settle(t, box)
