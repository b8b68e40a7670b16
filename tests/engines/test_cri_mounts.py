# SPDX-License-Identifier: Apache-2.0
"""Mounts and devices of the CRI."""

import subprocess

from cases import case
from harness import contains, equal

PRIVATE, FROM_HOST, BOTH = range(3)


@case()
def bind(t):
    """A mount shows the host's directory in both directions, or without writing if it is read-only."""
    (t.directory / "file").write_text("from outside\n")
    pod = t.pod()
    for read_only in (False, True):
        mount = {"container_path": "/data", "host_path": str(t.directory), "readonly": read_only}
        out = pod.output("sh", "-c", "cat /data/file; (echo inside >/data/new) 2>&1; true", mounts=[mount])
        contains(out, "from outside\n", "output")
        equal((t.directory / "new").exists(), not read_only, f"written where readonly is {read_only}")
        (t.directory / "new").unlink(missing_ok=True)


@case()
def file(t):
    """A single file is mounted, as a kubelet does with /etc/hosts; a relative link to it is followed."""
    (t.directory / "hosts").write_text("192.0.2.1 engines\n")
    (t.directory / "link").symlink_to("hosts")
    mounts = [{"container_path": f"/etc/{name}", "host_path": str(t.directory / name)} for name in ("hosts", "link")]
    equal(t.pod().output("cat", "/etc/hosts", "/etc/link", mounts=mounts), "192.0.2.1 engines\n" * 2, "the files")


@case(each=[("private", PRIVATE), ("host_to_container", FROM_HOST), ("bidirectional", BOTH)])
def propagation(t, name, number):
    """Mounts made later appear inside, and outside, as the propagation {} says."""
    volume = t.directory / "volume"
    for part in ("", "outside", "inside"):
        (volume / part).mkdir()
    t.shell("mount", "--bind", volume, volume).exits(0)
    t.shell("mount", "--make-rshared", volume).exits(0)
    try:
        mount = {"container_path": "/data", "host_path": str(volume), "propagation": number}
        box = t.pod(security={"privileged": True}).sleeper(mounts=[mount], security={"privileged": True})
        t.shell("mount", "-t", "tmpfs", "later", volume / "outside").exits(0)
        inside = [line.split()[1] for line in box.exec_output("cat", "/proc/mounts").splitlines()]
        equal("/data/outside" in inside, number != PRIVATE, "the host's mount is seen inside")
        box.exec_output("mount", "-t", "tmpfs", "mine", "/data/inside")
        equal((volume / "inside").is_mount(), number == BOTH, "the container's mount is seen outside")
    finally:
        t.sweep()
        while subprocess.run(["umount", "-R", volume], capture_output=True, check=False).returncode == 0:
            pass


@case()
def missing_directory(t):
    """A host path that is not there is made, as a directory."""
    mount = {"container_path": "/data", "host_path": str(t.directory / "made/here")}
    t.pod().output("touch", "/data/file", mounts=[mount])
    equal((t.directory / "made/here/file").exists(), True, "the file is on the host")


@case()
def device(t):
    """A device of the host is there by the name that the container wants, and only as it is permitted."""
    devices = [{"host_path": "/dev/fuse", "container_path": "/dev/other", "permissions": "rw"}]
    script = "stat -c %t:%T /dev/other; : <>/dev/other && echo opened; mknod /tmp/kmsg c 1 11; cat /tmp/kmsg 2>&1; true"
    out = t.pod().output("sh", "-c", script, devices=devices)
    equal(out.splitlines()[:2], ["a:e5", "opened"], "the device")
    contains(out, "Operation not permitted", "what cat said of the other")


@case()
def shared_memory(t):
    """The containers of a pod share /dev/shm; those of another pod have their own."""
    pod, other = t.pod(name="one"), t.pod(name="other")
    pod.output("sh", "-c", "echo shared >/dev/shm/file")
    equal(pod.output("cat", "/dev/shm/file"), "shared\n", "the file")
    equal(other.output("ls", "/dev/shm"), "", "the other pod's")
