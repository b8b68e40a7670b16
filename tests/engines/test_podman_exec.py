# SPDX-License-Identifier: Apache-2.0
"""podman exec: who runs, as whom, where, and what comes back."""

import subprocess

from cases import case
from harness import contains, equal, status_field, true


@case(each=[0, 1, 125, 255], smoke=True)
def status(t, code):
    """`podman exec` returns the program's status: {}."""
    t.sleeper()
    t("exec", "box", "sh", "-c", f"exit {code}").exits(code)


@case(each=[("a missing path", "/missing", (127,)), ("a name that is not in PATH", "missing", (127,)),
            ("a file that is no program", "/etc/passwd", (126,)), ("a directory", "/etc", (126, 255))])
def no_program(t, what, program, codes):
    """`podman exec` of {}, `{}`, is refused with one of {}, and the container lives on."""
    t.sleeper()
    result = t("exec", "box", program)
    true(result.code in codes, f"{result}")
    equal(t.inside("box", "echo alive"), "alive\n", "output")


@case()
def killed(t):
    """`podman exec` returns 128 and the signal that killed the program."""
    t.sleeper()
    t("exec", "box", "sh", "-c", "kill -KILL $$").exits(137)


@case()
def environment(t):
    """`podman exec` has the container's environment and what --env and --env-file add."""
    (t.directory / "file").write_text("THIRD=3\n")
    t.sleeper("--env", "FIRST=1")
    script = "echo $FIRST $SECOND $THIRD $HOME"
    options = ["--env", "SECOND=two", "--env-file", t.directory / "file"]
    equal(t.inside("box", script, *options), "1 two 3 /root\n", "output")


@case(each=[("user", "1000 1000 1000 2000 /home"), ("1000:2000", "1000 2000 2000 /home"), ("77:88", "77 88 88 /")])
def user(t, who, expected):
    """`podman exec --user {}` runs as uid, gid, groups and home {}."""
    t.sleeper()
    equal(t.inside("box", "echo $(id -u) $(id -g) $(id -G) $HOME", "--user", who), f"{expected}\n", "identity")


@case()
def directory(t):
    """`podman exec --workdir` begins there, and else where the container began."""
    t.sleeper("--workdir", "/home")
    equal(t.inside("box", "pwd") + t.inside("box", "pwd", "--workdir", "/etc"), "/home\n/etc\n", "directories")


@case()
def missing_directory(t):
    """`podman exec --workdir` with a directory that is missing returns 127."""
    t.sleeper()
    contains(t("exec", "--workdir", "/missing", "box", "true").exits(127).err, "no such file or directory", "stderr")


@case()
def streams(t):
    """`podman exec -i` carries input, output and errors apart, a megabyte of it."""
    t.sleeper()
    text = "".join(f"line {number}\n" for number in range(90000))
    result = t("exec", "-i", "box", "sh", "-c", "echo error >&2; cat", stdin=text.encode()).exits(0)
    true(result.out == text, f"{len(result.out)} characters of {len(text)} came back")
    equal(result.err, "error\n", "stderr")


@case()
def detached(t):
    """`podman exec -d` returns at once, and its program goes on in the container."""
    t.sleeper()
    t("exec", "--detach", "box", "sh", "-c", "echo $$ > /pid; exec sleep 601").exits(0)
    t.eventually(lambda: t("exec", "box", "sh", "-c", "tr '\\0' ' ' < /proc/$(cat /pid)/cmdline").out == "sleep 601 ",
                 "the program does not run")


@case()
def same_namespaces(t):
    """`podman exec` is in the container's namespaces, cgroup and root, and has its restrictions."""
    t.sleeper("--cap-drop", "all", "--security-opt", "no-new-privileges")
    script = "for n in cgroup ipc mnt net pid uts; do for p in 1 self; do readlink /proc/$p/ns/$n; done; done"
    lines = t.inside("box", script).splitlines()
    equal(lines[::2], lines[1::2], "namespaces of process 1 and of the exec")
    own, first = (t.inside("box", f"cat /proc/{who}/status") for who in ("self", 1))
    for name in ("CapBnd", "CapEff", "NoNewPrivs", "Seccomp"):
        equal(status_field(own, name), status_field(first, name), name)
    equal(t.inside("box", "grep 0:: /proc/self/cgroup"), "0::/\n", "cgroup")


@case()
def privileged(t):
    """`podman exec --privileged` has every capability and no seccomp filter though the container has not."""
    t.sleeper()
    ours = status_field(t.inside("box", "cat /proc/self/status"), "CapEff")
    theirs = t.inside("box", "cat /proc/self/status", "--privileged")
    true(int(status_field(theirs, "CapEff"), 16) > int(ours, 16), "no capability more")
    equal(status_field(theirs, "CapEff"), status_field(theirs, "CapBnd"), "CapEff")


@case()
def ends_with_the_container(t):
    """`podman exec` returns when its container is killed."""
    t.sleeper()
    child = t.daemon("podman", "exec", "box", "sh", "-c", "touch /begun; exec sleep 601")
    t.eventually(lambda: t("exec", "box", "test", "-e", "/begun").code == 0, "it does not begin")
    t("kill", "box").exits(0)
    equal(child.wait(30 * t.factor), 137, "status")


@case()
def many(t):
    """Eight `podman exec` at the same time all run and each has its own status and output."""
    t.sleeper()
    children = [subprocess.Popen(["podman", "exec", "box", "sh", "-c", f"echo {number}; exit {number}"],
                                 stdout=subprocess.PIPE, text=True) for number in range(10, 18)]
    found = [(child.communicate(timeout=30 * t.factor)[0], child.returncode) for child in children]
    equal(found, [(f"{number}\n", number) for number in range(10, 18)], "outputs and statuses")


@case()
def no_container(t):
    """`podman exec` into a container that has ended is refused."""
    t("wait", t.start("true")).exits(0)
    contains(t("exec", "box", "true").exits(255).err, "state improper", "stderr")
