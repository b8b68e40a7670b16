# SPDX-License-Identifier: Apache-2.0
"""docker exec: more programs in a container that runs."""

from cases import GUEST, case
from harness import contains, equal


@case(each=[0, 3, 255], smoke=True)
def status(t, code):
    """`docker exec` returns the program's status: {}."""
    t.up("box")
    equal(t("exec", "box", "sh", "-c", f"echo hello; exit {code}").exits(code).out, "hello\n", "output")


@case()
def missing_program(t):
    """A program that is not there is status 127 or 126, one that cannot be executed 126; the container runs on."""
    t.up("box")
    contains((missing := t("exec", "box", "no-such-program")).err + missing.out, "executable file not found", "message")
    equal(missing.code in (126, 127), True, f"status {missing.code}")
    contains((refused := t("exec", "box", "/etc/passwd").exits(126)).err + refused.out, "permission denied", "message")
    equal(t.running("box"), True, "running")


@case()
def streams(t):
    """Input, output and errors of an exec are its own."""
    t.up("box")
    result = t("exec", "-i", "box", "sh", "-c", "cat; echo to-err >&2", stdin=b"to-out").exits(0)
    equal((result.out, result.err), ("to-out", "to-err\n"), "output and errors")
    equal(t("logs", "box").exits(0).out, "", "log of the container")


@case()
def terminal(t):
    """`docker exec -it` gives a terminal of the caller's size, which follows a resize."""
    t.up("box")
    screen = t.terminal("docker", "exec", "-it", "box", "sh")
    t.follows_a_resize(screen)
    screen.enter("tty; exit 6")
    screen.ends_with(6, 30 * t.factor)
    contains(screen.text, "/dev/pts/", "screen")


@case()
def detached(t):
    """`docker exec -d` returns at once, and its program goes on."""
    t.up("box")
    t("exec", "-d", "box", "sh", "-c", "echo done >/tmp/mark; exec sleep 500").exits(0)
    t.eventually(lambda: t("exec", "box", "cat", "/tmp/mark").out == "done\n", "the program's work")
    t.eventually(lambda: "sleep 500" in t("top", "box").out, "the program goes on")


@case(each=[("name", "user", "uid=1000(user) gid=1000(user) groups=1000(user),2000(more)"),
            ("numbers", "12:34", "uid=12 gid=34 groups=34")])
def user(t, _, who, expected):
    """--user is who the program runs as ({}), and it has no capabilities then."""
    t.up("box")
    found = t("exec", "--user", who, "box", "sh", "-c", "id; grep CapEff /proc/self/status").exits(0).lines()
    equal(found, [expected, "CapEff:\t0000000000000000"], "id and capabilities")


@case()
def environment(t):
    """--workdir and --env are added to what the container has."""
    t.up("box", "--env", "A=1", "--env", "B=2", "--workdir", "/tmp")
    equal(t("exec", "box", "sh", "-c", 'echo "$A$B$PWD"').exits(0).out, "12/tmp\n", "as in the container")
    more = ("--workdir", "/etc", "--env", "B=3", "--env", "C=4")
    equal(t("exec", *more, "box", "sh", "-c", 'echo "$A$B$C$PWD"').exits(0).out, "134/etc\n", "with more")


@case(place=GUEST)
def privileged(t):
    """`docker exec --privileged` has more capabilities than the container."""
    t.up("box", "--cap-drop", "ALL")
    show = ("box", "grep", "CapEff", "/proc/self/status")
    equal(t("exec", *show).exits(0).out, "CapEff:\t0000000000000000\n", "capabilities without")
    more = int(t("exec", "--privileged", *show).exits(0).out.split()[1], 16)
    equal(more >> 21 & 1, 1, "CAP_SYS_ADMIN with --privileged")


@case()
def same_place(t):
    """An exec'd program is in all the namespaces and in the cgroup of the container."""
    t.up("box")
    show = "for each in cgroup ipc mnt net pid uts; do readlink /proc/$0/ns/$each; done; grep ^0:: /proc/$0/cgroup"
    first = t("exec", "box", "sh", "-c", show.replace("$0", "1")).exits(0).out
    equal(t("exec", "box", "sh", "-c", show.replace("$0", "self")).exits(0).out, first, "namespaces and cgroup")
    equal(len(first.splitlines()), 7, "lines")


@case()
def of_a_stopped_container(t):
    """An exec into a stopped container is refused."""
    t.up("box", script="exit 0")
    t("wait", "box").exits(0)
    contains(t("exec", "box", "true").exits(1).err, "is not running", "message")


@case()
def of_a_paused_container(t):
    """An exec into a paused container is refused, and works when it goes on."""
    t.up("box")
    t("pause", "box").exits(0)
    contains(t("exec", "box", "true").exits(1).err, "paused", "message")
    t("unpause", "box").exits(0)
    t("exec", "box", "true").exits(0)


@case()
def killed_with_the_container(t):
    """When the container is killed, the exec'd programs go with it, status 137."""
    t.up("box")
    child = t.background("exec", "box", "sh", "-c", "echo begun >/tmp/mark; exec sleep 500")
    t.eventually(lambda: t("exec", "box", "cat", "/tmp/mark").out == "begun\n", "the program begins")
    t("kill", "box").exits(0)
    child.communicate(timeout=60 * t.factor)
    equal(child.returncode, 137, "status of the exec")


@case()
def many(t):
    """Eight execs together all come to their own end."""
    t.up("box")
    children = [t.background("exec", "box", "sh", "-c", f"sleep 0.2; echo {number}; exit {number}")
                for number in range(8)]
    found = [(child.communicate(timeout=60 * t.factor)[0], child.returncode) for child in children]
    equal(found, [(f"{number}\n".encode(), number) for number in range(8)], "outputs and statuses")
