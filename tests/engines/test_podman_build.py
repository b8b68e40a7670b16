# SPDX-License-Identifier: Apache-2.0
"""podman build, whose RUN steps are buildah's calls of the runtime."""

import re

from cases import case
from engine import IMAGE
from harness import contains, equal, true


def build(t, *lines, options=()):
    (t.directory / "Containerfile").write_text("\n".join([f"FROM {IMAGE}", *lines]) + "\n")
    return t("--runtime", t.path, "build", "--isolation", "oci", "--tag", "made", *options, t.directory, seconds=60)


@case()
def run(t):
    """What RUN steps write is in the image, and a step sees what the one before wrote."""
    build(t, "RUN echo one > /file", "RUN echo two >> /file && cat /file").exits(0)
    equal(t("run", "--rm", "made", "cat", "/file").exits(0).out, "one\ntwo\n", "the file")
    t("rmi", "made").exits(0)


@case()
def instructions(t):
    """USER, WORKDIR, ENV, ARG and SHELL are those of the RUN step."""
    result = build(t, "ARG word=default", "ENV NAME=value", "WORKDIR /home/deep", "RUN chmod 777 .", "USER user:more",
                   "RUN echo \"<$(id -u) $(id -g) $(pwd) $NAME $word>\"",
                   options=["--build-arg", "word=given"]).exits(0)
    contains(result.out, "<1000 2000 /home/deep value given>", "output")
    t("rmi", "made").exits(0)


@case()
def failing(t):
    """A RUN step that fails ends the build with its status, and leaves no image."""
    result = build(t, "RUN echo before; exit 9")
    true(result.code != 0, f"it succeeds: {result}")
    contains(result.out, "before", "output")
    contains(result.err, "exit status 9", "stderr")
    t("image", "exists", "made").exits(1)


@case()
def confined(t):
    """A RUN step has podman's capabilities and filter, in namespaces of its own."""
    script = "grep -E '^(CapEff|Seccomp):' /proc/self/status; echo \"<$(ls /proc | grep -c '^[0-9]')>\""
    out = build(t, f"RUN {script}").exits(0).out
    contains(out, "Seccomp:\t2", "output")
    true("CapEff:\t000001ff" not in out, "it has every capability")
    true(int(re.findall(r"<(\d+)>", out)[0]) <= 8, f"it sees the machine's processes: {out}")
    t("rmi", "made").exits(0)


@case()
def mounts(t):
    """RUN --mount of kinds bind, tmpfs, cache and secret."""
    (t.directory / "secret").write_text("hidden\n")
    (t.directory / "context").write_text("from the context\n")
    kinds = ("type=bind,source=.,target=/context", "type=tmpfs,target=/there", "type=cache,target=/cache",
             "type=secret,id=word,target=/secret")
    script = "cat /context/context /secret; grep -o 'tmpfs /there tmpfs' /proc/mounts; touch /cache/file"
    out = build(t, f"RUN {' '.join(f'--mount={kind}' for kind in kinds)} {script}",
                "RUN --mount=type=cache,target=/cache ls /cache; ls /secret || echo no secret",
                options=["--secret", f"id=word,src={t.directory}/secret"]).exits(0).out
    for text in ("from the context\n", "hidden\n", "tmpfs /there tmpfs\n", "\nfile\n", "no secret\n"):
        contains(out, text, "output")
    t("rmi", "made").exits(0)


@case()
def options(t):
    """`podman build` with --network, --cap-drop, --ulimit, --volume and --shm-size."""
    (t.directory / "file").write_text("text of the file\n")
    script = "ip -o link | wc -l; ulimit -n; cat /mnt/file; grep CapEff /proc/self/status; grep /dev/shm /proc/mounts"
    out = build(t, f"RUN {script}",
                options=["--network", "none", "--cap-drop", "all", "--ulimit", "nofile=100:200",
                         "--volume", f"{t.directory}:/mnt:ro", "--shm-size", "1m"]).exits(0).out
    for text in ("\n1\n", "\n100\n", "\ntext of the file\n", "CapEff:\t0000000000000000", "size=1024k"):
        contains(out, text, "output")
    t("rmi", "made").exits(0)


@case()
def stages(t):
    """A stage that is copied from, and a RUN step as the next one's."""
    build(t, "RUN echo built > /result",
          f"FROM {IMAGE}", "COPY --from=0 /result /taken", "RUN cat /taken > /copy").exits(0)
    equal(t("run", "--rm", "made", "cat", "/copy").exits(0).out, "built\n", "the file")
    t("rmi", "made").exits(0)
