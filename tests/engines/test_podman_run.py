# SPDX-License-Identifier: Apache-2.0
"""podman run and what becomes of its program: status, output, refusals."""

from cases import case
from engine import IMAGE
from harness import contains, equal, true


@case(each=[0, 3, 125, 255], smoke=True)
def run(t, code):
    """`podman run` returns the program's status: {}."""
    equal(t("run", "--rm", IMAGE, "sh", "-c", f"echo hello; exit {code}").exits(code).out, "hello\n", "output")


@case(each=[("a missing path", "/missing", 127, "no such file or directory"),
            ("a name that is not in PATH", "missing", 127, "executable file not found in $PATH"),
            ("a directory", "/etc", 126, ""),
            ("a file that is no program", "/etc/passwd", 126, "permission denied")])
def no_program(t, what, program, code, text):
    """`podman run` of {}, `{}`, returns {}, and leaves no container."""
    contains(t("run", "--rm", IMAGE, program).exits(code).err, text, "stderr")
    equal(t("ps", "--all", "--quiet").out, "", "containers left")


@case()
def refusal_of_podman(t):
    """A `podman run` that podman itself refuses returns 125, and harms no container."""
    t.sleeper()
    contains(t("run", "--name", "box", IMAGE, "true").exits(125).err, "already in use", "stderr")
    equal(t.inspect("box", ".State.Status"), "running", "status")


@case()
def streams(t):
    """`podman run -i` carries input, output and errors apart, a megabyte of it."""
    text = "".join(f"line {number}\n" for number in range(90000))
    result = t("run", "--rm", "-i", IMAGE, "sh", "-c", "echo error >&2; cat", stdin=text.encode()).exits(0)
    true(result.out == text, f"{len(result.out)} characters of {len(text)} came back")
    equal(result.err, "error\n", "stderr")


@case()
def environment(t):
    """`podman run` passes environment, working directory, entry point and host name on."""
    result = t("run", "--rm", "--env", "WORD=two words", "--workdir", "/home", "--hostname", "named",
               "--entrypoint", '["sh", "-c"]', IMAGE, "echo $WORD; pwd; hostname; echo $container").exits(0)
    equal(result.lines(), ["two words", "/home", "named", "podman"], "output")


@case(smoke=True)
def detached(t):
    """`podman run -d` returns at once; logs, wait and inspect tell of the rest."""
    name = t.start("echo out; echo err >&2; cat /proc/self/stat >/dev/null; exit 9")
    equal(t("wait", name).exits(0).out, "9\n", "status")
    result = t("logs", name).exits(0)
    equal((result.out, result.err), ("out\n", "err\n"), "logs")
    equal(t.inspect(name, ".State.Status .State.ExitCode .OCIRuntime".replace(" ", "}} {{")), f"exited 9 {t.runtime}",
          "what inspect says")


@case()
def logs_follow(t):
    """`podman logs --follow` goes on until the container ends."""
    name = t.start("for n in 1 2 3; do echo $n; sleep 0.3; done")
    equal(t("logs", "--follow", name).exits(0).out, "1\n2\n3\n", "logs")


@case()
def created_and_started(t):
    """`podman create` makes a container that runs only with `podman start`, twice if need be."""
    t("create", "--name", "box", IMAGE, "sh", "-c", "date +%s%N >> /times; wc -l < /times; exit 4").exits(0)
    equal(t.inspect("box", ".State.Status"), "created", "status")
    equal([t("start", "--attach", "box").exits(4).out for _ in range(2)], ["1\n", "2\n"], "output")


@case()
def removed(t):
    """`podman run --rm -d` leaves no container once the program has ended."""
    name = t.start("read line < /gate", "--rm", "-v", f"{gate(t)}:/gate")
    equal(t("ps", "--quiet", "--all").out.count("\n"), 1, "containers")
    (t.directory / "gate").write_text("go\n")
    t.eventually(lambda: t("container", "exists", name).code == 1, "the container stays")


def gate(t):
    t.shell("mkfifo", t.directory / "gate").exits(0)
    return t.directory / "gate"


@case()
def init(t):
    """`podman run --init`: catatonit is process 1, collects orphans, and passes TERM on to the program."""
    t.start("(sleep 0.1 &); exec sleep 600", "--init")
    contains(t.inside("box", "tr '\\0' ' ' < /proc/1/cmdline"), "/run/podman-init -- sh -c", "process 1")
    t.eventually(lambda: t.inside("box", "cat /proc/[0-9]*/stat").count("(sleep)") == 1, "the orphan stays")
    t("stop", "--time", "30", "box").exits(0)
    equal(t.inspect("box", ".State.ExitCode"), "143", "status")


@case()
def preserved_descriptor(t):
    """`podman run --preserve-fds 1` leaves descriptor 3 to the program, and no other."""
    (t.directory / "file").write_text("from outside\n")
    command = ["podman", "run", "--rm", "--preserve-fds", "1", IMAGE, "sh", "-c", "cat <&3; ls /proc/$$/fd; :"]
    result = t.shell("sh", "-c", 'exec "$@" 3<file 4<file', "sh", *command).exits(0)
    equal(result.lines(), ["from outside", "0", "1", "2", "3"], "output and descriptors")


@case()
def copying(t):
    """`podman cp` takes files into a running container and out of it, and out of a stopped one."""
    (t.directory / "in").write_text("text\n")
    t.sleeper()
    t("cp", t.directory / "in", "box:/home/there").exits(0)
    equal(t.inside("box", "cat /home/there; echo more >> /home/there"), "text\n", "the copy inside")
    t("kill", "box").exits(0)
    t("wait", "box").exits(0)
    t("cp", "box:/home/there", t.directory / "out").exits(0)
    equal((t.directory / "out").read_text(), "text\nmore\n", "the copy outside")


@case()
def checkpoint(t):
    """`podman container checkpoint` is refused where there is no criu, and the container lives on."""
    t.sleeper()
    contains(t("container", "checkpoint", "box").exits(125).err.lower(), "criu", "stderr")
    equal(t.inside("box", "echo alive"), "alive\n", "output")


@case()
def health(t):
    """`podman healthcheck run` says healthy or not, as the command inside does."""
    t.sleeper("--health-cmd", "test -e /well", "--health-interval", "disable", "--health-retries", "1")
    t("healthcheck", "run", "box").exits(1)
    t.inside("box", "touch /well")
    t("healthcheck", "run", "box").exits(0)
    equal(t.inspect("box", ".State.Health.Status"), "healthy", "status")
