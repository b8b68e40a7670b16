# SPDX-License-Identifier: Apache-2.0
"""E54 to E56 and E58: descriptors, stdio and environment of a sloppy caller; words that come out in messages.

What `exec` adds is in test_exec.py.
"""

import contextlib
import json
import os
import re
import select
import signal
import socket

from harness import Failure, equal, eventually, true
from marks import attacker, parametrize
from world import ended_well, leaked, refused

BASE = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


@contextlib.contextmanager
def all_kinds(t):
    """Descriptors 3 to 40 of every kind, inheritable: directories, sockets, a pidfd, epoll, a pipe, O_PATH."""
    left, right = socket.socketpair()
    watch, reading, writing = select.epoll(), *os.pipe()
    kinds = [os.open("/", os.O_RDONLY), os.open(t.can.path, os.O_RDONLY), left.fileno(), right.fileno(), watch.fileno(),
             reading,
             writing, os.open("/etc", os.O_PATH), os.pidfd_open(os.getpid()), os.open("/proc/self/ns/mnt", os.O_RDONLY)]
    spare = [os.dup2(number, 200 + index, inheritable=False) for index, number in enumerate(kinds)]
    numbers = range(3, 41)
    saved = {}
    for number in numbers:
        with contextlib.suppress(OSError):
            saved[number] = os.dup2(number, 100 + number, inheritable=False)
        os.dup2(spare[number % len(spare)], number, inheritable=True)
    try:
        yield numbers
    finally:
        for number in numbers:
            os.close(number)
        for number, copy in saved.items():
            os.dup2(copy, number, inheritable=False)
            os.close(copy)
        for number in spare:
            os.close(number)


MODES = [("run", [], 0), ("create", [], 0), ("preserved", ["--preserve-fds", "2"], 2),
         ("all preserved", ["--preserve-fds", "38"], 38)]


@attacker("A5")
@parametrize("mode, flags, count", MODES)
def test_E54_descriptors_of_the_caller(t, mode, flags, count):
    """The caller leaks 38 descriptors of every kind: the container has 0 to 2, and those that were named."""
    box = t.sleeper()
    with all_kinds(t) as numbers:
        if mode == "create":
            box.create(pass_fds=numbers).exits(0)
        else:
            box.run_detached(*flags, pass_fds=numbers).exits(0)
    if mode == "create":
        box.start().exits(0)
        eventually(lambda: box.status() == "running", "it does not run")
    eventually(lambda: box.proc("comm") == "sleep\n", "the program does not run")
    equal(sorted(box.descriptors()), list(range(3 + count)), "descriptors")


@attacker("A5")
@parametrize("mode, flags, count", MODES)
def test_E54_harmless_descriptors_of_nobody(t, mode, flags, count):
    """Without a leak there are 0 to 2; preserved descriptors are there, and are the right ones."""
    box = t.sleeper()
    if count == 0:
        box.run_detached().exits(0)
        equal(sorted(box.descriptors()), [0, 1, 2], "descriptors")
        return
    with leaked("/dev/zero", *range(3, 3 + count)) as numbers:
        box.run_detached(*flags, pass_fds=numbers).exits(0)
    equal({box.descriptors()[number] for number in numbers}, {"/dev/zero"}, "what they are")
    del mode


@attacker("A5")
@parametrize("how", ["another's", "none", "garbage", "negative", "huge"])
def test_E54_listen_fds_of_somebody(t, how):
    """LISTEN_FDS that is for another process, or no number: nothing is handed over."""
    words = {"another's": ("2", "1"), "none": ("2", ""), "garbage": ("two", "0"), "negative": ("-1", "1"),
             "huge": ("4294967295", "1")}
    count, pid = words[how]
    environment = {**BASE, "LISTEN_FDS": count, **({"LISTEN_PID": pid} if pid else {})}
    box = t.sleeper()
    with leaked(t.can.path, 3, 4) as numbers:
        result = ended_well(t, box.run_detached(env=environment, pass_fds=numbers))
    if result.code == 0:
        equal(sorted(box.descriptors()), [0, 1, 2], "descriptors")


@attacker("A5")
@parametrize("_", ["another's"])
def test_E54_harmless_listen_fds_for_the_runtime(t, _):
    """LISTEN_FDS with the runtime's own pid hands the descriptors over, as systemd does it; where that is not there,
    two preserved ones."""
    box = t.sleeper()
    with leaked("/dev/zero", 3, 4) as numbers:
        box.run_detached("--preserve-fds", "2", pass_fds=numbers).exits(0)
    equal(sorted(box.descriptors()), [0, 1, 2, 3, 4], "descriptors")


CLOSED = [("none",), ("0", 0), ("1", 1), ("2", 2), ("0 1", 0, 1), ("0 2", 0, 2), ("1 2", 1, 2), ("0 1 2", 0, 1, 2)]


@attacker("A5")
@parametrize("_, *closed", CLOSED)
def test_E55_closed_stdio(t, _, closed):
    """With any of 0, 1 and 2 closed the container starts, and on those numbers is the null device or nothing."""
    for create in (False, True):
        box = t.sleeper()
        (box.create if create else box.run_detached)(setup={"close": list(closed)}).exits(0)
        if create:
            box.start(setup={"close": list(closed)}).exits(0)
            eventually(lambda: box.proc("comm") == "sleep\n", "the program does not run")
        found = box.descriptors()
        true(set(found) <= {0, 1, 2}, f"descriptors: {found}")
        equal({number: found.get(number, "/dev/null") for number in closed}, dict.fromkeys(closed, "/dev/null"),
              "on those numbers")


@attacker("A5")
@parametrize("*_", CLOSED[:1])
def test_E55_harmless_open_stdio(t, _):
    """With all three open the program talks to the caller."""
    result = t.shell("cat; echo out; echo err >&2").run(stdin=b"in\n")
    equal((result.out, result.err), ("in\nout\n", "err\n"), "stdout and stderr")


STRANGE = {"LEAKME": "1", "LD_PRELOAD": "/nothing.so", "LD_LIBRARY_PATH": "/x", "GCONV_PATH": "/x", "BASH_ENV": "/x",
           "_LIBCONTAINER_INITPIPE": "3", "_LIBCONTAINER_FIFOFD": "4", "_LIBCONTAINER_LOGPIPE": "5",
           "_LIBCONTAINER_INITTYPE": "setns", "_BULKHEAD_PLAN": "3", "BULKHEAD_STAGE": "1", "HOME": "/of/the/caller",
           "TERM": "caller", "PATH": BASE["PATH"], "HOSTNAME": "caller", "LC_ALL": "xx", "NOTIFY_SOCKET": "",
           "XDG_RUNTIME_DIR": "/run/caller", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/x", "GODEBUG": "x",
           "container": "caller"}


@attacker("A5")
@parametrize("verb", ["run", "create"])
def test_E56_environment_of_the_caller(t, verb):
    """Nothing of the caller's environment is in the container's."""
    box = t.sleeper()
    if verb == "create":
        result = box.create(env=STRANGE)
    else:
        result = box.run_detached(env=STRANGE)
    if t.control and result.code != 0:  # runc takes itself for its own init: no leak, though
        return
    result.exits(0)
    if verb == "create":
        box.start(env=STRANGE).exits(0)
    eventually(lambda: box.proc("comm") == "sleep\n", "the program does not run")
    names = {entry.partition("=")[0] for entry in box.proc("environ").split("\0") if entry}
    equal(names, {"PATH", "TERM", "HOME"}, "names")
    true("caller" not in box.proc("environ"), "a value of the caller's")


@attacker("A5")
@parametrize("_", ["run"])
def test_E56_harmless_environment_of_the_config(t, _):
    """What the config says is there, even names that look like somebody's own."""
    bundle = t.bundle("env").env("LD_PRELOAD=", "_LIBCONTAINER_X=1", "A=b=c")
    lines = t.container(bundle=bundle).run().exits(0).lines()
    equal({"_LIBCONTAINER_X=1", "A=b=c"} - set(lines), set(), "missing")


EVIL = "\x1b]0;owned\x07\x1b[31m\x07\rX\x08\x7f\x85\x9b31m"
PLACES = ["args", "program", "id", "bundle", "cwd", "env", "hostname", "mount", "option", "masked", "root",
          "capability", "rlimit", "namespace", "key", "annotation", "log name", "flag", "verb", "cgroupsPath",
          "version", "state", "kill"]


def message_of(t, place, text):
    """The words of a call that fails and has the text in it."""
    box = t.container("true")
    bundle, name = box.bundle, box.id
    path = str(bundle.path)
    changes = {
        "args": lambda config: config["process"].update(args=[f"/no/{text}"]),
        "program": lambda config: config["process"].update(args=[f"no-{text}"]),
        "cwd": lambda config: config["process"].update(cwd=f"/etc/passwd/{text}"),
        "env": lambda config: config["process"].update(env=[f"{text}"]),
        "hostname": lambda config: config.update(hostname=text * 20),
        "mount": lambda config: config["mounts"].append({"destination": f"/tmp/{text}", "type": "bind",
                                                         "source": f"/no/{text}", "options": ["bind"]}),
        "option": lambda config: config["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "x",
                                                          "options": [text]}),
        "masked": lambda config: config["linux"]["maskedPaths"].append(f"/etc/passwd/{text}/x\0"),
        "root": lambda config: config["root"].update(path=f"no/{text}"),
        "capability": lambda config: config["process"].update(capabilities={"bounding": [text]}, args=["/no/such"]),
        "rlimit": lambda config: config["process"].update(rlimits=[{"type": text, "soft": 1, "hard": 1}]),
        "namespace": lambda config: config["linux"]["namespaces"].append({"type": text}),
        "key": lambda config: config["process"].update(user={"uid": "x", text: 1}),
        "annotation": lambda config: config.update(annotations={text: 7}),
        "cgroupsPath": lambda config: config["linux"].update(cgroupsPath=f"/runner/cgroup.procs/{text}"),
        "version": lambda config: config.update(ociVersion=text),
    }
    if place in changes:
        bundle.edit(changes[place])
    others = {"id": ["run", "--bundle", path, text], "bundle": ["run", "--bundle", f"/no/{text}", name],
              "log name": ["--log", f"/no/{text}", "run", "--bundle", path, name],
              "flag": ["run", f"--{text}", "--bundle", path, name], "verb": [text], "state": ["state", text],
              "kill": ["kill", name, text]}
    return others.get(place, ["run", "--bundle", path, name])


def clean(text, what, limit):
    """No byte that a terminal obeys, and not too much of it."""
    wrong = sorted(set(re.findall(r"[\0-\x09\x0b-\x1f\x7f-\x9f]", text)))
    equal(wrong, [], f"control characters in {what}")
    if len(text) > limit:
        raise Failure(f"{what} has {len(text)} characters: {text[:200]!r}")


@attacker("A4")
@parametrize("place", PLACES)
def test_E58_words_in_messages(t, place):
    """ESC, BEL, CR, C1 and more in whatever a message may quote: stderr and both kinds of log have no raw control
    character, are one line each, valid JSON where that was asked for, and short."""
    for form in ("text", "json"):
        for text in (EVIL, EVIL.replace("\r", "\n"), "long" * 20000):
            log = t.scratch / f"{form}.log"
            log.unlink(missing_ok=True)
            words = message_of(t, place, text)
            result = ended_well(t, t.runtime("--log", log, "--log-format", form, *words))
            true(result.code != 0, f"it was accepted: {result}"[:2000])
            clean(result.err, "stderr", 8192)
            if log.exists() and place != "log name":
                check_log(log.read_bytes().decode(errors="surrogateescape"), form)


def check_log(text, form):
    """One entry, and decodable."""
    clean(text, "the log", 8192)
    for line in text.rstrip("\n").split("\n"):
        if form == "json":
            json.loads(line)


@attacker("A4")
@parametrize("_", PLACES[:1])
def test_E58_harmless_plain_words_in_messages(t, _):
    """A plain word, and letters of other languages, are quoted as they are."""
    result = t.container("no-such-tööl").run()
    true("no-such-tööl" in result.err, f"stderr: {result.err!r}")


@attacker("A1")
@parametrize("place", ["args", "id", "bundle", "flag"])
def test_E58_bytes_in_messages(t, place):
    """Bytes that are no UTF-8, in words of the command line: the same."""
    text = b"\xff\xfe\x1b[2J\xc3"
    box = t.container("true")
    path = str(box.bundle.path).encode()
    words = {"args": [b"run", b"--bundle", path + text, box.id.encode()], "id": [b"run", b"--bundle", path, text],
             "bundle": [b"run", b"-b", text, box.id.encode()], "flag": [b"--" + text, b"list"]}[place]
    log = t.scratch / "log"
    command = [t.runtime.path.encode(), b"--root", str(t.root).encode(), b"--log", str(log).encode(), b"--log-format",
               b"json", *words]
    result = t.runtime.exec(command)
    true(result.code not in (0, -signal.SIGSEGV, -signal.SIGABRT), f"{result}")
    clean(result.err, "stderr", 8192)
    if log.exists() and t.bulkhead:
        json.loads(log.read_bytes().decode())  # strictly UTF-8


@attacker("A1")
@parametrize("_", ["args"])
def test_E58_harmless_bytes_in_arguments(t, _):
    """A program's argument may have any character that JSON can write."""
    equal(t.output("echo", "a\u00e4\u20ac\U0001f600"), "a\u00e4\u20ac\U0001f600\n", "stdout")
    refused(t, t.container("/no/such").run())
