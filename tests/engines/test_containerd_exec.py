# SPDX-License-Identifier: Apache-2.0
"""ctr task exec: another program in a container that runs."""

import pathlib

from cases import case
from harness import command_line, contains, equal, status_field, true


@case(each=[0, 3, 255], smoke=True)
def status(t, code):
    """`ctr task exec` returns the program's status: {}."""
    t.sleeper()
    result = t.exec(*t.lingering("sh", "-c", f"echo out; echo err >&2; exit {code}")).exits(code)
    equal((result.out, result.err), ("out\n", "err\n"), "what was said")


@case()
def stdin(t):
    """The whole of stdin arrives, with its end."""
    t.sleeper()
    data = "0123456789abcdef\n" * 20000
    equal(t.exec(*t.lingering("cat"), stdin=data.encode()).exits(0).out == data, True, "the output is the input")


@case(each=[("user", "1000", "1000"), ("1000:2000", "1000", "2000"), ("1234", "1234", "0")])
def user(t, name, uid, gid):
    """--user {0} is the uid {1} and the gid {2}."""
    t.sleeper()
    out = t.exec_output("cat", "/proc/self/status", flags=["--user", name])
    equal(status_field(out, "Uid").split(), [uid] * 4, "uid")
    equal(status_field(out, "Gid").split(), [gid] * 4, "gid")


@case()
def directory(t):
    """exec --cwd is where the program begins."""
    t.sleeper()
    equal(t.exec_output("pwd", flags=["--cwd", "/home"]), "/home\n", "the directory")


@case()
def inside(t):
    """A program has the namespaces, the root and the cgroup of the container, and its environment."""
    group = t.sleeper("--env", "A=b")
    script = "cat /proc/1/cmdline; echo; cat /proc/self/cgroup; echo $A; echo written >/tmp/file"
    out = t.exec_output("sh", "-c", script)
    contains(out, "sleep\x00600\x00", "the first process")
    contains(out, f"0::/{group.relative_to('/sys/fs/cgroup')}\nb\n", "the cgroup and $A")
    root = pathlib.Path(f"/proc/{t.pid()}/root")
    equal((root / "tmp/file").read_text(), "written\n", "the file in the container")


@case()
def same_privileges(t):
    """A program has the capabilities, the filter and the no_new_privs of the container."""
    t.sleeper("--cap-drop", "CAP_CHOWN", "--seccomp")
    mine = t.exec_output("cat", "/proc/self/status")
    theirs = pathlib.Path(f"/proc/{t.pid()}/status").read_text()
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"):
        equal(status_field(mine, name), status_field(theirs, name), name)


@case()
def detached(t):
    """--detach returns while the program goes on, and the end of the container ends it."""
    t.sleeper()
    t.exec("sleep", "601", flags=["--detach"]).exits(0)
    others = [int(line.split()[0]) for line in t("task", "ps", "c1").lines()[1:] if int(line.split()[0]) != t.pid()]
    t.eventually(lambda: [command_line(pid) for pid in others] == ["sleep\x00601\x00"], "it is the one other process")
    t("task", "kill", "--signal", "KILL", "c1").exits(0)
    t.eventually(lambda: not command_line(others[0]), "the other program ends")


@case()
def killed(t):
    """`ctr task kill --exec-id` ends that program alone, and its status says by which signal."""
    t.sleeper()
    program = t.background("task", "exec", "--exec-id", "e1", "c1", "sleep", "601")
    t.eventually(lambda: len(t("task", "ps", "c1").lines()) == 3, "the program runs")
    t("task", "kill", "--exec-id", "e1", "--signal", "KILL", "c1").exits(0)
    equal(program.wait(10 * t.factor), 137, "status")
    t.becomes("RUNNING")


@case()
def missing(t):
    """A program that is not there is named, and the container lives on."""
    t.sleeper()
    contains(t.exec("absent").exits(1).err, "executable file not found in $PATH", "stderr")
    contains(t.exec("/bin/absent").exits(1).err, "no such file or directory", "stderr")
    contains(t.exec("/etc/passwd").exits(1).err, "permission denied", "stderr")
    equal(t.exec("true").exits(0).err, "", "stderr")


@case()
def of_an_ended(t):
    """In a container that has ended nothing is executed."""
    t.detached("true")
    t.becomes("STOPPED")
    result = t.exec("true")
    true(result.code != 0, f"refused: {result}")


@case()
def many_at_once(t):
    """Eight programs at the same time in one container have each their own status."""
    t.sleeper()
    children = [t.background("task", "exec", "--exec-id", f"e{n}", "c1", "sh", "-c", f"exit {n}") for n in range(8)]
    equal([child.wait(30 * t.factor) for child in children], list(range(8)), "statuses")
