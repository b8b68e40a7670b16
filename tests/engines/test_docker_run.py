# SPDX-License-Identifier: Apache-2.0
"""docker run: a program, its status, its streams, what it finds around itself."""

from cases import case
from engine import IMAGE
from harness import absent, contains, equal


@case(each=[0, 3, 255], smoke=True)
def status(t, code):
    """`docker run` returns the program's status: {}."""
    equal(t("run", "--rm", IMAGE, "sh", "-c", f"echo hello; exit {code}").exits(code).out, "hello\n", "output")


@case(each=[("by_name", "no-such-program"), ("by_path", "/no/such/program")])
def missing_program(t, _, program):
    """A program that is not there is status 127, and the message says so ({})."""
    result = t("run", "--name", "box", IMAGE, program).exits(127)
    contains(result.err, "executable file not found in $PATH" if "/" not in program else "no such file or directory",
             "message")
    equal(t.inspect("box", ".State.ExitCode"), "127", "status that docker keeps")


@case(each=[("file", "/etc/passwd"), ("directory", "/etc")])
def not_executable(t, _, program):
    """A program that cannot be executed is status 126 ({})."""
    message = t("run", "--rm", IMAGE, program).exits(126).err
    contains(message, "permission denied" if program == "/etc/passwd" else "/etc", "message")


@case()
def refused_by_the_runtime(t):
    """A container that the runtime refuses is status 125, with its message, and can be removed."""
    result = t("run", "--name", "box", "--sysctl", "kernel.shm_rmid_forced=77", IMAGE, "true").exits(125)
    contains(result.err, "shm_rmid_forced", "message")
    equal(t("rm", "box").exits(0).out, "box\n", "what is removed")


@case()
def streams(t):
    """Input is passed on to its end; output and errors stay apart."""
    script = "cat; echo to-err >&2"
    result = t("run", "--rm", "-i", IMAGE, "sh", "-c", script, stdin=b"to-out").exits(0)
    equal((result.out, result.err), ("to-out", "to-err\n"), "output and errors")


@case()
def much_output(t):
    """Two megabytes go through the container's streams, none lost."""
    data = bytes(range(32, 127)) * 22000
    equal(t("run", "--rm", "-i", IMAGE, "cat", stdin=data).exits(0).out, data.decode(), "output")


@case(smoke=True)
def terminal(t):
    """`docker run -it` gives a terminal of the caller's size, which follows a resize, and its status."""
    screen = t.terminal("docker", "run", "-it", "--name", "box", IMAGE, "sh")
    t.follows_a_resize(screen)
    screen.enter("tty; test -t 0 && test -t 1 && test -t 2 && exit 5")
    screen.ends_with(5, 30 * t.factor)
    contains(screen.text, "/dev/pts/0", "screen")


@case()
def terminal_keys(t):
    """^C on the terminal interrupts the program inside."""
    screen = t.terminal("docker", "run", "-it", "--rm", IMAGE, "sh", "-c",
                        'trap "exit 9" INT; echo ready; while :; do sleep 0.1; done')
    screen.until("ready", 30 * t.factor)
    screen.type(b"\x03")
    screen.ends_with(9, 30 * t.factor)


@case(smoke=True)
def detached(t):
    """`docker run -d` goes on by itself; `docker logs` has both streams."""
    t.up("box", script="echo one; echo two >&2; exec sleep 600")
    t.says("box", "one\n")
    t.eventually(lambda: t("logs", "box").err == "two\n", "the log of the errors")
    equal(t.running("box"), True, "running")
    equal(t.inspect("box", ".HostConfig.Runtime"), t.runtime, "runtime")


@case()
def environment(t):
    """--env, --env-file, --workdir and --entrypoint set what the program finds."""
    (t.directory / "env").write_text("C=from file\n")
    result = t("run", "--rm", "--env", "A=1", "--env", "B=two words", "--env-file", t.directory / "env", "--workdir",
               "/made/here", "--entrypoint", "/bin/sh", IMAGE, "-c", 'echo "$A|$B|$C|$PWD|$HOME|$PATH"').exits(0)
    equal(result.out, "1|two words|from file|/made/here|/root|/bin\n", "environment")


@case(each=[("name", "user", "uid=1000(user) gid=1000(user) groups=1000(user),2000(more)"),
            ("numbers", "1234:5678", "uid=1234 gid=5678 groups=5678"),
            ("name_and_group", "user:more", "uid=1000(user) gid=2000(more) groups=2000(more)")])
def user(t, _, who, expected):
    """--user is who the program runs as ({})."""
    found = t.output("id; touch /root/x 2>&1; echo $HOME", "--user", who).splitlines()
    equal(found[0], expected, "id")
    contains(found[1], "Permission denied", "root's directory")
    equal(found[2], "/home" if who.startswith("user") else "/", "home")


@case()
def group_add(t):
    """--group-add adds groups by name and by number."""
    out = t.output("grep ^Groups /proc/self/status", "--user", "1000:1000", "--group-add", "more", "--group-add", "77")
    equal(set(out.split()[1:]), {"1000", "2000", "77"}, "groups")


@case()
def hostname(t):
    """--hostname and --domainname are the container's, and stand in /etc/hosts."""
    out = t.output("hostname; cat /proc/sys/kernel/domainname; grep -c inner.outer /etc/hosts",
                   "--hostname", "inner", "--domainname", "outer")
    equal(out, "inner\nouter\n1\n", "names")


@case()
def init(t):
    """With --init the first process is docker-init, which passes TERM on and reaps orphans."""
    script = 'trap "echo got TERM; exit 3" TERM; (sleep 0.1 &); echo ready; while :; do sleep 0.05; done'
    t.up("box", "--init", script=script)
    t.says("box", "ready")
    contains(t("exec", "box", "cat", "/proc/1/comm").exits(0).out, "docker-init", "first process")
    t.eventually(lambda: "Z" not in t("exec", "box", "sh", "-c", "grep -h ^State /proc/[0-9]*/status").out,
                 "the orphan is reaped")
    t("stop", "--time", "60", "box").exits(0)
    equal(t("wait", "box").out, "3\n", "status")
    contains(t("logs", "box").out, "got TERM", "log")


@case()
def oom_score(t):
    """--oom-score-adj is set."""
    equal(t.output("cat /proc/1/oom_score_adj", "--oom-score-adj", "321"), "321\n", "oom_score_adj")


@case(smoke=True)
def removed(t):
    """With --rm nothing of the container remains."""
    t("run", "--rm", "--name", "box", IMAGE, "true").exits(0)
    t.eventually(lambda: t("ps", "--all", "--quiet").out == "", "it is removed")
    absent(t("ps", "--all").out, "box", "containers")


@case()
def many(t):
    """Eight containers started together all come to their own end."""
    children = [t.background("run", "--rm", IMAGE, "sh", "-c", f"sleep 0.2; echo {number}; exit {number}")
                for number in range(8)]
    found = [(child.communicate(timeout=60 * t.factor)[0], child.returncode) for child in children]
    equal(found, [(f"{number}\n".encode(), number) for number in range(8)], "outputs and statuses")
