# SPDX-License-Identifier: Apache-2.0
"""What `ctr run` says of the files: mounts, devices, the root; and of the namespaces and cgroups."""

import os
import pathlib

import images
from cases import case
from engine import IMAGE
from harness import contains, equal, true


@case()
def bind(t):
    """A bind mount shows the host's directory, in both directions, or without writing if it is read-only."""
    (t.directory / "file").write_text("from outside\n")
    script = "cat /data/file; (echo inside >/data/new) 2>&1; true"
    for option in ("rw", "ro"):
        mount = f"type=bind,src={t.directory},dst=/data,options=rbind:{option}"
        contains(t.output("sh", "-c", script, flags=["--mount", mount]), "from outside\n", "output")
        equal((t.directory / "new").exists(), option == "rw", f"written to a mount that is {option}")
        (t.directory / "new").unlink(missing_ok=True)


@case()
def tmpfs(t):
    """A tmpfs has the size and mode that --mount says."""
    mount = "type=tmpfs,src=tmpfs,dst=/scratch,options=size=64k:mode=1750:nosuid"
    out = t.output("sh", "-c", "stat -f -c '%T %b' /scratch; stat -c %a /scratch; grep /scratch /proc/mounts",
                   flags=["--mount", mount])
    equal(out.splitlines()[:2], ["tmpfs 16", "1750"], "type, blocks and mode")
    contains(out, "nosuid", "mount options")


@case()
def missing_source(t):
    """A bind mount of nothing is refused, with its path."""
    result = t.run("true", flags=["--mount", "type=bind,src=/absent/source,dst=/data,options=rbind"]).exits(1)
    contains(result.err, "/absent/source", "stderr")


@case()
def read_only(t):
    """--read-only: the root cannot be written, /dev/shm can."""
    out = t.output("sh", "-c", "(echo >/new) 2>&1; echo ok >/dev/shm/new; cat /dev/shm/new", flags=["--read-only"])
    contains(out, "ead-only file system", "what the shell said")
    contains(out, "ok\n", "/dev/shm")


@case()
def device(t):
    """--device gives a device of the host; another cannot be opened, though it can be made."""
    script = "stat -c %t:%T /dev/fuse; : <>/dev/fuse && echo opened; mknod /tmp/kmsg c 1 11; cat /tmp/kmsg 2>&1; true"
    out = t.output("sh", "-c", script, flags=["--device", "/dev/fuse"])
    equal(out.splitlines()[:2], ["a:e5", "opened"], "the device")
    contains(out, "Operation not permitted", "what cat said of the other")


@case()
def namespaces(t):
    """A container has namespaces of its own, but for the user's; --net-host leaves the network out."""
    names = "cgroup ipc mnt net pid user uts".split()
    script = "; ".join(f"readlink /proc/self/ns/{name}" for name in names)
    ours = [os.readlink(f"/proc/self/ns/{name}") for name in names]
    for flags, shared in [([], {"user"}), (["--net-host"], {"user", "net"})]:
        theirs = t.output("sh", "-c", script, flags=flags).split()
        same = {name for name, one, other in zip(names, ours, theirs, strict=True) if one == other}
        equal(same - {"cgroup"}, shared, f"shared namespaces with {flags}")


@case()
def joined_namespace(t):
    """--with-ns joins a namespace of another container."""
    t.sleeper(name="first")
    path = f"/proc/{t.pid('first')}/ns/net"
    out = t.output("readlink", "/proc/self/ns/net", flags=["--with-ns", f"network:{path}"])
    equal(out.strip(), os.readlink(path), "the namespace")


@case()
def cgroup(t):
    """--cgroup is where the container is, and it is removed with it."""
    group = t.sleeper("--cgroup", "/engines/deep/c1")
    equal(str(group), "/sys/fs/cgroup/engines/deep/c1", "the cgroup")
    equal((group / "cgroup.procs").read_text(), f"{t.pid()}\n", "its processes")
    t.sweep()
    t.eventually(lambda: not group.exists(), "the cgroup is removed")
    for each in (group.parent, group.parent.parent):  # which nobody else has made, nor removes
        each.rmdir()


@case()
def custom_root(t):
    """--rootfs is a directory of ours, which stays as it is."""
    images.unpack(t.directory / "root")
    (t.directory / "root/mark").write_text("ours\n")
    script = "read line </mark; echo $line; echo >/new; /bin/sleep 0.2"
    result = t("run", "--rm", *t.words("--rootfs"), t.directory / "root", "c1", "/bin/sh", "-c", script)
    equal(result.exits(0).out, "ours\n", "output")
    true((t.directory / "root/new").exists(), "what was written is in the directory")


@case()
def custom_config(t):
    """--config takes a whole config.json, in place of the flags and of the image."""
    t.write_config(*t.lingering("sh", "-c", "hostname; pwd"), hostname="made-here")
    result = t("run", "--rm", *t.words("--config"), "config.json", "c1").exits(0)
    equal(result.out, "made-here\n/tmp\n", "output")


@case()
def bundle_is_removed(t):
    """The bundle and the mounts of a container go with it."""
    t.sleeper()
    bundle = pathlib.Path("/run/containerd/io.containerd.runtime.v2.task/default/c1")
    true((bundle / "config.json").exists() and os.path.ismount(bundle / "rootfs"), "the bundle has a root")
    t.sweep()
    t.eventually(lambda: not bundle.exists(), "the bundle is removed")
    equal(t("run", "--rm", *t.words(), IMAGE, "c1", "true").exits(0).err, "", "what a second of that name says")
