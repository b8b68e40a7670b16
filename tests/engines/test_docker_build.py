# SPDX-License-Identifier: Apache-2.0
"""docker build: the classic builder, whose steps are containers, and BuildKit, which calls a runtime by itself."""

import contextlib
import pathlib

import leavings
from cases import case
from engine import IMAGE
from harness import absent, contains, equal

NEW = "engines/built"
GROUP = pathlib.Path("/sys/fs/cgroup/docker/buildkit")
BOTH = [("classic", "0"), ("buildkit", "1")]


class Builder:
    """`docker build` by one of the two, in the case's directory."""

    def __init__(self, t, kit):
        self.t, self.kit = t, kit

    def __call__(self, lines, *flags):
        (self.t.directory / "Dockerfile").write_text(f"FROM {IMAGE}\n{lines}\n")
        usual = ["--progress", "plain"] if self.kit == "1" else ["--no-cache"]
        return self.t("build", *usual, "--tag", NEW, *flags, ".", env={"DOCKER_BUILDKIT": self.kit})

    def shown(self, lines, command, *flags):
        """What a command prints in the image that comes of it."""
        self(lines, *flags).exits(0)
        return self.t("run", "--rm", NEW, "sh", "-c", command).exits(0).out


@contextlib.contextmanager
def builder(t, kit):
    by_name = kit == "1" and t.runtime != "runc" and t.generation == "bookworm"
    if by_name:  # the BuildKit of Docker 20.10 calls what is named runc, no matter what it is told
        t.stand_in(t.path)
    try:
        yield Builder(t, kit)
    finally:
        if by_name:
            t.stand_in("/bin/false")
        t("rmi", "--force", NEW)
        t("image", "prune", "--force")
        t("builder", "prune", "--all", "--force")
        if GROUP.exists():
            GROUP.rmdir()  # it is dockerd's own, and nothing is left in it


def is_there(line):
    """True if some process has this command line."""
    return any(found.strip() == line for found in leavings.processes().values())


@case(each=BOTH, deadline=120)
def steps(t, _, kit):
    """RUN, COPY, ENV, WORKDIR and USER of a Dockerfile come to an image that runs ({})."""
    (t.directory / "copied").write_text("from the context\n")
    with builder(t, kit) as build:
        lines = ("ENV A=1\nWORKDIR /made\nCOPY copied .\nRUN echo $A >ran && mkdir -m 777 open\nUSER user\n"
                 "RUN id -u >open/id && pwd >open/pwd")
        out = build.shown(lines, "cat copied ran open/id open/pwd; id -un")
    equal(out, "from the context\n1\n1000\n/made\nuser\n", "output")


@case(each=BOTH, deadline=120)
def failing(t, _, kit):
    """A RUN that fails ends the build, which tells of its status ({})."""
    with builder(t, kit) as build:
        result = build("RUN echo before; exit 7\nRUN touch /never")
    text = result.out + result.err
    equal(result.code != 0, True, f"a status that is {result.code}")
    contains(text, "non-zero code: 7" if kit == "0" else "exit code: 7", "output")
    contains(text, "before", "output")


@case(each=BOTH, deadline=120)
def missing_program(t, _, kit):
    """A RUN of what is not there ends the build with the runtime's message ({})."""
    with builder(t, kit) as build:
        result = build('RUN ["no-such-program"]')
    equal(result.code != 0, True, f"a status that is {result.code}")
    contains(result.out + result.err, "executable file not found in $PATH", "output")


@case(each=BOTH, deadline=120)
def confined(t, _, kit):
    """A RUN has docker's usual capabilities, its filter, and processes of its own ({})."""
    with builder(t, kit) as build:
        out = build.shown("RUN grep -E '^(CapEff|Seccomp):' /proc/self/status >/status; echo $$ >/pid",
                          "cat /status /pid")
    equal(out.split(), ["CapEff:", "00000000a80425fb", "Seccomp:", "2", "1"], "status")


@case(each=BOTH, deadline=120)
def without_network(t, _, kit):
    """--network none leaves a RUN its loopback interface alone ({})."""
    with builder(t, kit) as build:
        equal(build.shown("RUN ls /sys/class/net >/net", "cat /net", "--network", "none"), "lo\n", "interfaces")


@case(each=BOTH, deadline=120)
def host_network(t, _, kit):
    """--network host gives a RUN the machine's interfaces ({})."""
    with builder(t, kit) as build:
        contains(build.shown("RUN ls /sys/class/net >/net", "cat /net", "--network", "host"), "docker0", "interfaces")


@case(each=BOTH, deadline=120)
def bridge(t, _, kit):
    """A RUN usually has an interface on docker's bridge ({})."""
    with builder(t, kit) as build:
        out = build.shown("RUN ip route >/routes; ls /sys/class/net >/net", "cat /net /routes")
    contains(out, "eth0", "interfaces")
    contains(out, "default via 172.17.0.1", "routes")


@case(deadline=120)
def limits(t):
    """The classic builder's --ulimit, --shm-size and --cgroup-parent reach a RUN."""
    with builder(t, "0") as build:
        out = build.shown("RUN ulimit -Hn >/n; df -k /dev/shm | tail -n 1 >/shm", "cat /n /shm", "--ulimit",
                          "nofile=321:321", "--shm-size", "2m")
    equal((out.split()[0], out.split()[2]), ("321", "2048"), "limits")


@case(deadline=120)
def cache_mount(t):
    """BuildKit's cache mount keeps what a RUN writes for the next build, and out of the image."""
    lines = "RUN --mount=type=cache,target=/cache echo x >>/cache/file && wc -l </cache/file >/count"
    with builder(t, "1") as build:
        equal(build.shown(lines, "cat /count; test -e /cache/file || echo gone"), "1\ngone\n", "first build")
        equal(build.shown(f"{lines} && echo another", "cat /count"), "2\n", "second build")


@case(deadline=120)
def tmpfs_mount(t):
    """BuildKit's tmpfs mount is that, and not in the image."""
    with builder(t, "1") as build:
        out = build.shown("RUN --mount=type=tmpfs,target=/t touch /t/x && grep ' /t ' /proc/mounts >/mounts",
                          "cat /mounts; test -e /t/x || echo gone")
    equal((out.split()[0], out.split()[-1]), ("tmpfs", "gone"), "mount and file")


@case(deadline=120)
def secret_mount(t):
    """BuildKit's secret is there for its RUN alone, read-only and for its owner."""
    (t.directory / "secret").write_text("hidden\n")
    (t.directory / ".dockerignore").write_text("secret\n")
    with builder(t, "1") as build:
        lines = ("RUN --mount=type=secret,id=one,mode=0400 "
                 "cat /run/secrets/one >/got && ls -l /run/secrets/one >>/got\nRUN ls /run/secrets >>/got || true")
        out = build.shown(lines, "cat /got", "--secret", "id=one,src=secret")
    equal((out.splitlines()[0], out.splitlines()[1][:10], len(out.splitlines())), ("hidden", "-r--------", 2), "secret")


@case(deadline=120)
def bind_mount(t):
    """BuildKit's bind mount shows the context, read-only."""
    (t.directory / "file").write_text("of the context\n")
    step = "cat /context/file >/got; touch /context/x 2>>/got; true"
    with builder(t, "1") as build:
        out = build.shown(f"RUN --mount=type=bind,target=/context {step}", "cat /got")
    contains(out, "of the context\n", "file")
    contains(out, "Read-only file system", "refusal")


@case(deadline=120)
def side_by_side(t):
    """BuildKit runs the steps of independent stages at the same time."""
    stages = "\n".join(f"FROM {IMAGE} AS s{number}\nRUN sleep 0.2; echo {number} >/n" for number in range(4))
    copies = "\n".join(f"COPY --from=s{number} /n /n{number}" for number in range(4))
    with builder(t, "1") as build:
        equal(build.shown(f"{stages}\nFROM {IMAGE}\n{copies}", "cat /n?"), "0\n1\n2\n3\n", "files")


@case(deadline=120)
def interrupted(t):
    """A BuildKit build whose client is ended leaves nothing running."""
    with builder(t, "1"):
        (t.directory / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN sleep 503\n")
        client = t.background("build", "--no-cache", t.directory, env={"DOCKER_BUILDKIT": "1"})
        t.eventually(lambda: is_there("sleep 503"), "the step begins", 30)
        client.terminate()
        client.communicate(timeout=60 * t.factor)
        t.eventually(lambda: not is_there("sleep 503"), "the step ends", 30)
    absent(t("ps", "--all").out, "503", "containers")
