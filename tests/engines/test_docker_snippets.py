# SPDX-License-Identifier: Apache-2.0
"""docs/engines.md, Docker: the commands as they stand there."""

import os
import pathlib
import signal
import subprocess

import snippets
from cases import case
from engine import IMAGE
from harness import equal

# A second daemon beside the session's, with everything of its own: network, too, and a runc to be asked its version.
SECOND = """#!/bin/sh
exec unshare --net /usr/sbin/dockerd --host unix://{0}/sock --pidfile {0}/pid --exec-root {0}/exec \
    --data-root {0}/data --config-file {0}/none.json --bridge none --iptables=false --ip6tables=false \
    --exec-opt native.cgroupdriver=cgroupfs "$@" >{0}/log 2>&1
"""


@case()
def the_file_is_enough(t):
    """With daemon.json installed the runtime is the default, and has a name."""
    t("tag", IMAGE, "busybox:latest").exits(0)
    result = t.shell(*snippets.script("docker", t.runtime)).exits(0)
    equal(result.out, f"{t.runtime}\nhello\nhello\n", "output")


@case(deadline=90)
def add_runtime(t):
    """A daemon that is started with --add-runtime calls it by that name."""
    place = t.directory
    (place / "none.json").write_text("{}")
    (place / "dockerd").write_text(SECOND.format(place))
    (place / "dockerd").chmod(0o755)
    (place / "runc").write_text("#!/bin/sh\n")
    (place / "runc").chmod(0o755)
    command = snippets.script("dockerd", t.runtime, path_alone=True)
    daemon = subprocess.Popen(command, env={"PATH": f"{place}:/usr/sbin:/usr/bin:/sbin:/bin"}, start_new_session=True)
    try:
        def docker(*arguments):
            return t("--host", f"unix://{place}/sock", *arguments)
        t.eventually(lambda: docker("version").code == 0, "the second daemon answers", seconds=30)
        docker("load", "-i", "/tmp/image.tar").exits(0)
        for how in ((), ("--runtime", "bulkhead")):
            result = docker("run", "--rm", "--network", "none", *how, IMAGE, "echo", "hello").exits(0)
            equal(result.out, "hello\n", "output")
        equal(docker("info", "--format", "{{.DefaultRuntime}}").out, "bulkhead\n", "default")
    finally:
        os.killpg(daemon.pid, signal.SIGTERM)
        daemon.wait()
        t.eventually(lambda: not (place / "pid").exists(), "the second daemon ends")


@case(generations=["trixie"])  # Docker 20.10 does not know the variable
def buildkit(t):
    """`docker build` by BuildKit calls what the daemon's environment says."""
    (t.directory / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN echo made > /made\n")
    t("build", "--no-cache", "--network", "host", "--tag", "made", ".", env={"DOCKER_BUILDKIT": "1"}).exits(0)
    equal(t("run", "--rm", "made", "cat", "/made").exits(0).out, "made\n", "what the build has made")
    pathlib.Path("/sys/fs/cgroup/docker/buildkit").rmdir()  # which BuildKit keeps for all builds
