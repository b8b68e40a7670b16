# SPDX-License-Identifier: Apache-2.0
"""The themes of those bundles in bundles/ whose output does not show them."""

import json
import os

from harness import contains, equal, true
from marks import differs, parametrize
from test_bundles import OURS, PROJECT, SAID


def box_of(t, name, *args):
    """A container from a bundle; `args` replace its program."""
    box = t.container()
    config = json.loads((PROJECT / "bundles" / name / "config.json").read_text())
    if args:
        config["process"]["args"] = list(args)
    box.bundle.config = config
    box.bundle.save()
    return box


def namespaces_of(process):
    return {kind: os.readlink(f"/proc/{process}/ns/{kind}") for kind in ("cgroup", "ipc", "mnt", "net", "pid", "uts")}


def own_namespaces(box):
    """The kinds of namespaces that the container does not share with the caller."""
    mine = namespaces_of("self")
    return {kind for kind, link in namespaces_of(box.pid).items() if link != mine[kind]}


def annotations(t):
    """`state` prints the annotations, and a hook gets them with the state."""
    box, seen = box_of(t, "annotations"), t.scratch / "seen"
    box.bundle.edit(lambda config: config.update(
        hooks={"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", f"cat > {seen}"]}]}))
    box.create().ok()
    expected = {"org.example.owner": "harbour", "org.example.tries": "3"}
    equal(box.state()["annotations"], expected, "annotations in state")
    equal(json.loads(seen.read_text())["annotations"], expected, "annotations of a hook")


def every_hook(t):
    """Each hook runs once, in the order of the standard, with its arguments and its environment."""
    box, seen = box_of(t, "every-hook"), t.scratch / "seen"
    script = '#!/bin/sh\necho "{name} $0 $* LANG=${{LANG-}}" >> {log}\n'
    for kind, hooks in box.bundle.config["hooks"].items():
        for number, hook in enumerate(hooks):
            inside = kind == "startContainer"
            program = (box.bundle.rootfs if inside else t.scratch) / f"{kind}{number}"
            program.write_text(script.format(name=f"{kind}{number}", log="/seen" if inside else seen))
            program.chmod(0o755)
            hook["path"] = f"/{program.name}" if inside else str(program)
    box.bundle.save()
    box.run().ok()
    lines = [line.split() for line in seen.read_text().splitlines()]
    order = ["prestart0", "createRuntime0", "createRuntime1", "createContainer0", "poststart0", "poststop0"]
    equal([line[0] for line in lines], order, "hooks of the host")
    equal([line[2:] for line in lines[:4]], [["LANG="], ["first", "LANG="], ["second", "LANG=C"], ["LANG="]],
          "arguments and environment")
    contains((box.bundle.rootfs / "seen").read_text(), "startContainer0 ", "the container's hook")


def minimal(t):
    """The container has two namespaces of its own, and no mount but its root."""
    box = box_of(t, "minimal", "/bin/busybox", "sleep", "60")
    box.run_detached().ok()
    equal(own_namespaces(box), {"mnt", "pid"}, "namespaces of its own")
    points = [line.split()[4] for line in box.proc("mountinfo").splitlines()]
    equal([point for point in points if not point.startswith("/dev/")], ["/"], "mount points")


def host_like(t):
    """The container has one namespace of its own, and sees the host's processes and the host's name."""
    box = box_of(t, "host-like", "sleep", "60")
    box.run_detached().ok()
    equal(own_namespaces(box), {"mnt"}, "namespaces of its own")
    lines = box_of(t, "host-like").run().ok().lines()
    equal(lines[0], os.uname().nodename, "host name")
    contains([line.split()[0] for line in lines[2:]], str(os.getpid()), "processes")


def affinity(t):
    """A process of exec has processor 0 alone; the container's first process has all."""
    box = box_of(t, "affinity", "sleep", "60")
    box.run_detached().ok()
    command = json.loads((PROJECT / "bundles/affinity/config.json").read_text())["process"]["args"]
    equal(box.exec(*command).ok().out.split(), ["Cpus_allowed_list:", "0"], "processors of exec")
    equal(os.sched_getaffinity(box.pid), os.sched_getaffinity(0), "processors of the first process")


def memory_policy(t):
    """A process of exec prefers the node too."""
    box = box_of(t, "memory-policy", "sleep", "60")
    box.run_detached().ok()
    contains(box.exec("head", "-n", "1", "/proc/self/numa_maps").ok().out, " prefer:0 ", "policy of exec")


def mount_label(t):
    """With SELinux the mount has the label; without it the kernel refuses the mount, and the error names it."""
    box = box_of(t, "mount-label")
    if os.path.exists("/sys/fs/selinux/enforce"):
        contains(box.run().exits(0).out, "context=system_u:object_r:container_file_t:s0:c1,c2", "mounts")
        return
    contains(box.run().exits(1).err, "mounts/", "stderr")
    t.no_state()


def shared_mounts(t):
    """The container is in the runtime's mount namespace; its mounts are below its root and go with it."""
    box = box_of(t, "shared-mounts")
    lines = box.run().exits(0).lines()
    equal(lines[0], os.readlink("/proc/self/ns/mnt"), "mount namespace")
    equal(lines[1:3], ["/", "/proc"], "mount points")
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        true(str(box.bundle.rootfs) not in mounts.read(), "a mount is left")


THEMES = {"annotations": annotations, "every-hook": every_hook, "minimal": minimal, "host-like": host_like,
          "affinity": affinity, "memory-policy": memory_policy, "mount-label": mount_label,
          "shared-mounts": shared_mounts}


@differs(OURS)
@parametrize("name", sorted(THEMES))
def test_theme(t, name):
    """The theme of a bundle holds, if its output alone does not show that."""
    THEMES[name](t)


@differs(OURS)
def test_every_silent_bundle_has_a_theme(t):
    """Each bundle whose output does not show its theme has a function above."""
    equal({name for name, said in SAID.items() if not said} - THEMES.keys(), set(), "bundles")
