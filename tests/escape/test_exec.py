# SPDX-License-Identifier: Apache-2.0
"""What exec adds to E15 to E17, E36, E41, E42 and E54 to E56: cwd, program, libraries, user, capabilities, descriptors,
environment."""

import json
import os

import pytest

from harness import Failure, equal, eventually, status_field, true
from marks import attacker, parametrize
from test_callers import CLOSED, all_kinds
from test_cwd_and_program import HOST_PROGRAM, LEAKS, NUMBERS, SELVES
from test_image_traps import bait
from world import execute, leaked, link, settle


def running(t, **process):
    """A container to execute in, with links that an image could have."""
    bundle = t.bundle("sleep", "60", **process)
    for name, target in (("way", "/proc/self/fd/9"), ("self", "/proc/self/exe"), ("deep", "/proc/self/fd/9/inner")):
        link(bundle.rootfs / name, target)
    bundle.program("script", "#!/proc/self/exe\n")
    (bundle.rootfs / "inside").mkdir()
    box = t.container(bundle=bundle)
    box.run_detached().exits(0)
    return box


def process_file(t, box, **properties):
    """A file for exec --process: the container's own process with these properties."""
    file = t.scratch / "process.json"
    file.write_text(json.dumps({**box.bundle.config["process"], **properties}))
    return file


def by_form(t, box, form, cwd, *args, **options):
    """exec with a cwd, as a flag or in a file."""
    if form == "flag":
        return execute(t, box, *args, flags=["--cwd", cwd], **options)
    words = ["exec", "--process", process_file(t, box, cwd=cwd, args=list(args)), box.id]
    return t.runtime(*words, **options)


FORMS = ["flag", "file"]


@attacker("A1")
@pytest.mark.timeout(300)
@parametrize("form", FORMS)
def test_E15_cwd_of_exec_is_a_descriptor(t, form):
    """exec --cwd /proc/*/fd/N of any descriptor that the runtime might have open (CVE-2024-21626)."""
    box = running(t)
    for number in t.rounds(*NUMBERS):
        for cwd in (f"/proc/self/fd/{number}", f"/proc/self/fd/{number}/../../..", f"/proc/thread-self/fd/{number}"):
            result = by_form(t, box, form, cwd, "pwd")
            if result.code == 0 and result.out.strip() not in ("/", "/proc", "/inside"):
                raise Failure(f"the program runs outside: {result}")


@attacker("A1")
@pytest.mark.timeout(300)
@parametrize("form", FORMS)
def test_E15_harmless_cwd_of_exec_is_a_directory(t, form):
    """A directory, and a way with dots to it, are fine."""
    box = running(t)
    for cwd in ("/inside", "/proc/../inside"):
        equal(by_form(t, box, form, cwd, "pwd").exits(0).out, "/inside\n", "pwd")


PRESERVED = [(f"{name}, {what}", cwd, flags) for name, cwd in LEAKS for what, flags in
             (("leaked", []), ("preserved", ["--preserve-fds", "7"]))]


@attacker("A5")
@parametrize("_, cwd, flags", PRESERVED)
def test_E16_cwd_of_exec_is_leaked(t, _, cwd, flags):
    """The caller of exec leaks a directory of the host on descriptor 9, or preserves it, and --cwd names it, straight
    or by a link of the image: refused, or at least not there."""
    box = running(t)
    with leaked(t.can.path, *range(3, 10)) as numbers:
        result = execute(t, box, "sh", "-c", "pwd; ls", flags=["--cwd", cwd, *flags], pass_fds=numbers)
    true("known" not in result.out, f"the program runs outside: {result}")


@attacker("A5")
@parametrize("_, cwd, flags", PRESERVED)
def test_E16_harmless_cwd_of_exec_beside_a_leak(t, _, cwd, flags):
    """The same leak does no harm beside a plain cwd; what is preserved is there."""
    del cwd
    box = running(t)
    with leaked(t.can.path, *range(3, 10)) as numbers:
        out = execute(t, box, "sh", "-c", "pwd; ls /proc/self/fd/9/ 2>/dev/null; true",
                      flags=["--cwd", "/inside", *flags], pass_fds=numbers).exits(0).out.split()
    equal(out[0], "/inside", "pwd")
    equal("known" in out, bool(flags), "is the preserved directory there")


@attacker("A1")
@pytest.mark.timeout(300)
@parametrize("directory", ["/proc/self/fd", "/proc/thread-self/fd", "/proc/1/fd"])
def test_E17_program_of_exec_by_descriptor(t, directory):
    """The program of exec goes through any descriptor of the runtime, to a program of the host."""
    box = running(t)
    for number in t.rounds(*NUMBERS):
        for path in (f"{directory}/{number}/../../../../..{HOST_PROGRAM}", f"{directory}/{number}"):
            result = execute(t, box, path, "echo", "HOST")
            true("HOST" not in result.out, f"a program of the host ran: {result}")


@attacker("A1")
@pytest.mark.timeout(300)
@parametrize("_", ["/proc/self/fd"])
def test_E17_harmless_program_of_exec_by_path(t, _):
    """A program by a way with dots works."""
    equal(execute(t, running(t), "/proc/../bin/busybox", "echo", "image").exits(0).out, "image\n", "stdout")


@attacker("A1")
@parametrize("path", [*SELVES, "/self", "/script"])
def test_E17_program_of_exec_is_the_runtime(t, path):
    """The program of exec is the runtime's own (CVE-2019-5736), straight, by a link, or as interpreter: it does
    nothing."""
    result = execute(t, running(t), path, "--version")
    true(result.code != 0 and "version" not in result.out, f"the runtime ran: {result}")


@attacker("A1")
@parametrize("_", [*SELVES])
def test_E17_harmless_program_of_exec_is_a_script(t, _):
    """A script with an interpreter of the image works."""
    box = running(t)
    box.bundle.program("script2", "#!/bin/echo read:\n")
    equal(execute(t, box, "/script2", "word").exits(0).out, "read: /script2 word\n", "stdout")


@attacker("A1")
@parametrize("_, user", [("root", "0:0"), ("user", "1000:1000")])
def test_E36_libraries_of_the_image_with_exec(t, _, user):
    """exec into a container whose image is full of libraries (CVE-2019-14271): none is loaded by who sees the host."""
    bundle = bait(t, t.bundle("sleep", "60"))
    box = t.container(bundle=bundle)
    box.run_detached().exits(0)
    for words in (["true"], ["no-such-program"], ["/script"]):
        execute(t, box, *words, flags=["--user", user])
    execute(t, box, "true", flags=["--user", user]).exits(0)


@attacker("A1")
@parametrize("_, user", [("root", "0:0"), ("user", "1000:1000")])
def test_E36_harmless_no_libraries_with_exec(t, _, user):
    """exec into an ordinary container works for both users."""
    equal(execute(t, running(t), "id", "-u", flags=["--user", user]).exits(0).out, user.split(":")[0] + "\n", "uid")


USERS = ["-1", "0:-1", "4294967295", "0:4294967295", "4294967296", "4294967297", "1:4294967296", "18446744073709551616",
         "18446744073709551617", " 1", "1 ", "+5", "1x", "0x10", "1e3", "1.0", ":5", "1:", "1:2:3", ":", "root",
         "root:root", "1:root", "\u0661", "1\n0", "--", "1,2"]


@attacker("A1")
@parametrize("_, user", [(ascii(user), user) for user in USERS])
def test_E42_user_of_exec_is_no_number(t, _, user):
    """exec --user with something else than plain decimals in range (CVE-2016-3697, CVE-2024-40635, CVE-2026-30892):
    refused; never root, and never another id than the number's."""
    result = execute(t, running(t, user={"uid": 1000, "gid": 1000}), "sh", "-c", "id -u; id -g", flags=["--user", user])
    true(result.code != 0, f"it was accepted: {result}")


@attacker("A1")
@parametrize("*_", ([(ascii(user), user) for user in USERS])[:1])
def test_E42_harmless_user_of_exec_is_a_number(t, _):
    """Plain numbers are what they say; without a group it stays the container's."""
    box = running(t, user={"uid": 1000, "gid": 1000})
    for user, ids in (("0", "0 1000"), ("1", "1 1000"), ("5:6", "5 6"), ("2147483647:7", "2147483647 7"),
                      ("0:0", "0 0")):
        out = execute(t, box, "sh", "-c", "id -u; id -g", flags=["--user", user]).exits(0).out.split()
        if t.bulkhead or ":" in user:
            equal(out, ids.split(), f"ids of --user {user}")
        equal(out[0], ids.split()[0], f"uid of --user {user}")


GROUPS = ["-1", "4294967295", "4294967296", "root", "1,2", "+1"]


@attacker("A1")
@parametrize("_, group", [(ascii(group), group) for group in GROUPS])
def test_E42_group_of_exec_is_no_number(t, _, group):
    """exec --additional-gids with something else than a plain decimal in range: refused, or not that group."""
    result = execute(t, running(t), "cat", "/proc/self/status", flags=["--additional-gids", group])
    if result.code == 0:
        groups = status_field(result.out, "Groups").split()
        true(t.control and not {"4294967295", "0"} & set(groups[1:]), f"groups {groups} by {group!r}")


@attacker("A1")
@parametrize("*_", ([(ascii(group), group) for group in GROUPS])[:1])
def test_E42_harmless_group_of_exec_is_a_number(t, _):
    """A plain number is a group."""
    if t.control == "crun":
        return  # it has no such flag
    out = execute(t, running(t), "cat", "/proc/self/status", flags=["--additional-gids", "4242"]).exits(0).out
    true("4242" in status_field(out, "Groups").split(), "the group is missing")


@attacker("A4")
@parametrize("_, user", [("root", "0"), ("user", "1000:1000")])
def test_E41_capability_of_exec_is_inherited(t, _, user):
    """exec --cap gives the program a capability; nothing is inheritable by that, and nothing ambient (CVE-2022-29162,
    CVE-2022-27650, CVE-2025-27612)."""
    out = execute(t, running(t), "cat", "/proc/self/status", flags=["--cap", "CAP_CHOWN", "--user", user]).exits(0).out
    sets = [int(status_field(out, name), 16) for name in ("CapInh", "CapAmb")]
    equal(sets, [0, 0], "inheritable and ambient")


@attacker("A4")
@parametrize("*_", [("root", "0")])
def test_E41_harmless_capability_of_exec_is_there(t, _):
    """It is there."""
    box = running(t)
    out = execute(t, box, "cat", "/proc/self/status", flags=["--cap", "CAP_CHOWN"]).exits(0).out
    equal(int(status_field(out, "CapEff"), 16) & 1, 1, "CAP_CHOWN")


EXEC_LEAKS = [("leaked", [], 0), ("preserved", ["--preserve-fds", "2"], 2), ("detached", ["--detach"], 0)]


@attacker("A5")
@parametrize("name, flags, count", EXEC_LEAKS)
def test_E54_descriptors_of_the_caller_of_exec(t, name, flags, count):
    """The caller of exec leaks 38 descriptors of every kind: the program has 0 to 2, and those that were named."""
    box = running(t)
    file = "/dev/shm/list"
    script = f"ls /proc/$$/fd > {file}x; mv {file}x {file}"
    with all_kinds(t) as numbers:
        execute(t, box, "sh", "-c", script, flags=flags, pass_fds=numbers).exits(0)
    found = execute(t, box, "sh", "-c", f"until cat {file} 2> /dev/null; do sleep 0.1; done").exits(0).out.split()
    extra = {number for number in map(int, found) if number > 2 and number != 10}  # 10 is the shell's own
    equal(extra, set(range(3, 3 + count)), f"descriptors, {name}")


@attacker("A5")
@parametrize("name, flags, count", EXEC_LEAKS)
def test_E54_harmless_descriptors_of_an_exec(t, name, flags, count):
    """Without a leak there are 0 to 2, and what is preserved is the right one."""
    box = running(t)
    with leaked("/dev/zero", *range(3, 3 + count)) as numbers:
        execute(t, box, "sh", "-c", "ls -l /proc/$$/fd > /dev/shm/list", flags=flags, pass_fds=numbers).exits(0)
    del name


@attacker("A5")
@parametrize("_, *closed", CLOSED)
def test_E55_closed_stdio_of_exec(t, _, closed):
    """With any of 0, 1 and 2 closed exec works, and on those numbers is the null device or nothing."""
    box = running(t)
    file = f"/proc/{box.pid}/root/dev/shm/list"
    script = "for n in 0 1 2; do readlink /proc/$$/fd/$n || echo none; done > /dev/shm/x; mv /dev/shm/x /dev/shm/list"
    t.runtime("exec", "--detach", box.id, "sh", "-c", script, setup={"close": list(closed)}).exits(0)
    eventually(lambda: os.path.exists(file), "it did not run", t.runtime.seconds)
    with open(file, encoding="utf-8") as lines:
        found = lines.read().split()
    settle(t, box)
    # 1 is the list by then.
    strange = {number: found[number] for number in closed if number != 1 and found[number] not in ("/dev/null", "none")}
    equal(strange, {}, "on the closed numbers")


@attacker("A5")
@parametrize("*_", CLOSED[:1])
def test_E55_harmless_open_stdio_of_exec(t, _):
    """With all three open the program talks to the caller."""
    result = execute(t, running(t), "sh", "-c", "cat; echo out; echo err >&2", stdin=b"in\n")
    equal((result.code, result.out, result.err), (0, "in\nout\n", "err\n"), "exit code, stdout and stderr")


@attacker("A5")
@parametrize("form", FORMS)
def test_E56_environment_of_the_caller_of_exec(t, form):
    """Nothing of the environment of exec's caller is in the program's."""
    words = ["CALLERS_WORD", "LD_PRELOAD", "_LIBCONTAINER_INITPIPE", "_BULKHEAD_STAGE", "NOTIFY_SOCKET", "LISTEN_FDS"]
    box = running(t)
    environment = {"PATH": "/usr/bin:/bin", **dict.fromkeys(words[:-1], "x")}
    result = by_form(t, box, form, "/", "env", env=environment)
    out = result.exits(0).out if t.bulkhead else result.out
    equal([line for line in out.splitlines() if line.split("=")[0] in words], [], "the caller's environment")


@attacker("A5")
@parametrize("form", FORMS)
def test_E56_harmless_environment_of_exec(t, form):
    """The container's environment is there, and what --env adds."""
    box = running(t, env=["PATH=/bin", "OWN=word"])
    out = by_form(t, box, form, "/", "env").exits(0).out.splitlines()
    true("OWN=word" in out and "PATH=/bin" in out, f"environment {out}")
    out = execute(t, box, "/bin/env", flags=["--env", "MORE=1"]).exits(0).out.splitlines()
    true("MORE=1" in out and (t.control == "crun" or "OWN=word" in out), f"environment {out}")
