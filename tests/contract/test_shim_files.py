# SPDX-License-Identifier: Apache-2.0
"""containerd's shim: what lies in the bundle and beside it, its options, and who undoes what."""

import contextlib
import os
import pathlib
import select
import shutil
import subprocess

from caller import SECONDS, cgroup_of, reap
from gorunc import read_pid_file
from harness import contains, equal, true
from isolation import libc
from marks import parametrize
from shim import error_of
from test_shim import task

OURS = {"options.json": '{"binary_name":"bulkhead"}', "runtime": "io.containerd.runc.v2",
        "address": "unix:///run/x.sock", "shim-binary-path": "/usr/bin/containerd-shim-runc-v2", "bootstrap.json": "{}"}
IN_MODIFY = 2
ENDS = [("deleted",), ("cleaned up",), ("failed",)]
# runc-fp of containerd's tests: logs into the same file, then runs the runtime with the words it was given.
FAILPOINT = """#!/bin/sh
log=; previous=; verb=; process=
for word; do
    [ "$previous" != --log ] || log=$word
    case $word in create|exec) verb=${verb:-$word};; --process) process=yes;; esac
    previous=$word
done
[ -n "$log" ] || exit 99
echo '{"level":"info","msg":"failpoint '$verb$process'","time":"2024-05-01T10:00:00Z"}' >> "$log"
[ "$verb" != exec ] || [ -n "$process" ] || exit 98
"RUNTIME" "$@" </dev/null >/dev/null 2>&1; code=$?
[ "$verb" != create ] || kill -9 "$(cat init.pid)"
exit $code
"""


@contextlib.contextmanager
def mounted_rootfs(box):
    """The shim mounts the container's layers on B/rootfs; and unmounts them, whatever became of the container."""
    layer = box.t.scratch / "layer"
    shutil.move(box.bundle.rootfs, layer)
    box.bundle.rootfs.mkdir()
    subprocess.run(["mount", "--bind", layer, box.bundle.rootfs], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", box.bundle.rootfs], check=True)


@parametrize("end", ENDS)
def test_what_the_shim_put_there(t, end):
    """Of a container that was {} every file and directory of the bundle is what the shim made of it, to the letter and
    its times.
    """
    box = task(t, "no-such" if end == "failed" else "sleep", "60")
    for name, text in OURS.items():
        (box.bundle.path / name).write_text(text)
    (box.bundle.path / "work").mkdir()
    (box.bundle.path / "work/criu-work").write_text("x")
    names = [*OURS, "config.json", "work", "work/criu-work", "rootfs"]
    before = {name: stamp(box.bundle.path / name) for name in names}
    if end == "failed":
        error_of(box.create)
    else:
        box.create("null").start()
        box.end() if end == "deleted" else (box.clean_up(), reap(box.pid))
    equal({name: stamp(box.bundle.path / name) for name in names}, before, "the bundle")
    more = set(os.listdir(box.bundle.path)) - {name.partition("/")[0] for name in names}
    equal(more - {"log.json", "init.pid"}, set(), "new files")


def stamp(path):
    status = path.stat()
    text = path.read_text() if path.is_file() else None
    return status.st_mode, status.st_uid, status.st_ino, status.st_mtime_ns, text


@parametrize("end", ENDS)
def test_the_rootfs_is_the_shims(t, end):
    """The mount on B/rootfs of a container that was {} is still there, is not busy, and has no mount below it."""
    box = task(t, "no-such" if end == "failed" else "sleep", "60")
    with mounted_rootfs(box):
        if end == "failed":
            error_of(box.create)
        else:
            box.create("null").start()
            if end == "deleted":
                box.end()
            else:
                box.runtime.delete(box.id, force=True).silent()
                reap(box.pid)
        mounts = [row.split()[4] for row in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
        equal([point for point in mounts if point.startswith(str(box.bundle.path))], [str(box.bundle.rootfs)], "mounts")


def test_the_mounts_are_not_the_shims(t):
    """While a container runs nobody outside sees its mounts below B/rootfs."""
    box = task(t)
    with mounted_rootfs(box):
        box.create("null").start()
        mounts = pathlib.Path("/proc/self/mountinfo").read_text()
        equal(mounts.count(str(box.bundle.path)), 1, "mounts in the bundle")
        box.end()


def test_cri_without_systemd(t):
    """CRI's `slice:cri-containerd:id` is, without --systemd-cgroup, the plain name of a directory, which goes with the
    container.
    """
    name = f"kubepods-burstable-pod1.slice:cri-containerd:{t.prefix}"
    box = task(t, edit=lambda config: config["linux"].update(cgroupsPath=name)).create("null").start()
    equal(box.cgroup.name, name, "name of the cgroup")
    true((box.cgroup / "cgroup.events").exists(), "the cgroup has no cgroup.events")
    process = box.exec("one", "sleep", "61", kind="null")
    equal(cgroup_of(process.pid), box.cgroup, "cgroup of an executed process")
    process.kill(9)
    process.wait()
    box.end()
    equal(box.cgroup.exists(), False, "the cgroup is still there")


@parametrize("_, options", [
    ("--no-pivot", {"no_pivot": True}), ("--no-new-keyring", {"no_new_keyring": True}), ("both", {
"no_pivot": True, "no_new_keyring": True})])
def test_options_of_create(t, _, options):
    """NoPivotRoot and NoNewKeyring of the shim's options come as {} of create, and the container lives."""
    box = task(t, "sh", "-c", "echo /*").create(**options).start()
    contains(box.pipes.read()[0], "/bin", "what is in the container's root")
    equal(box.wait(), 0, "exit status")
    box.delete()


def test_the_old_flag_for_criu(t):
    """The shim of 1.6 says --criu PATH in front of every verb."""
    box = task(t)
    box.runtime.criu = "/usr/local/bin/criu"
    box.create("null").start()
    equal(box.exec("one", "true", kind="null").wait(), 0, "exit status")
    box.end()


def test_inotify_on_the_cgroup(t):
    """Who watches cgroup.events through inotify from create on is told of the end of the last process, and sees
    populated 0.
    """
    box = task(t).create("null")
    watch = libc.inotify_init1(os.O_CLOEXEC)
    true(libc.inotify_add_watch(watch, bytes(box.cgroup / "cgroup.events"), IN_MODIFY) >= 0, "it cannot be watched")
    box.start()
    box.kill()
    equal(box.wait(), 137, "exit status")
    while "populated 0" not in (box.cgroup / "cgroup.events").read_text():
        true(select.select([watch], [], [], SECONDS)[0], "no event, and the cgroup is populated")
        os.read(watch, 4096)
    os.close(watch)
    box.delete()


def failpoint(t, box):
    """The wrapper in place of the runtime; it stands in the bundle and reads the log's name out of the command line."""
    path = t.scratch / "runc-fp"
    path.write_text(FAILPOINT.replace("RUNTIME", t.path))
    path.chmod(0o755)
    box.runtime.path = str(path)
    return box


def test_a_wrapper_that_kills_init(t):
    """containerd's failpoint wrapper writes into the same log, and kills init after create: start fails, delete does
    not.
    """
    box = failpoint(t, task(t)).create("null")
    equal(reap(box.pid), 137, "exit status")
    contains(error_of(box.start), "OCI runtime start failed: cannot start a container that has stopped", "the error")
    box.delete()
    contains(box.log.read_text(), "failpoint create", "the log")


def test_a_wrapper_around_exec(t):
    """Through the wrapper, whose streams are /dev/null, a failing exec is explained by the log alone."""
    box = task(t).create("null").start()
    failpoint(t, box)
    equal(box.exec("one", "sh", "-c", "exit 3", kind="null").wait(), 3, "exit status")
    contains(error_of(box.exec, "two", "no-such"), 'exec: "no-such": executable file not found in $PATH', "the error")
    contains(box.log.read_text(), "failpoint execyes", "the log")
    box.end()


def test_two_namespaces_one_id(t):
    """The same id below two roots is two containers."""
    first = task(t, namespace="k8s.io")
    first.create("null").start()
    second = task(t, "sh", "-c", "exit 3", namespace="moby")
    second.id = first.id
    second.bundle.edit(lambda config: config["linux"].update(cgroupsPath=f"/{t.prefix}-moby"))
    second.create("null").start()
    equal(second.wait(), 3, "exit status")
    second.delete()
    equal(first.status(), "running", "status of the first")
    equal(read_pid_file(first.bundle.path / "init.pid"), first.pid, "pid of the first")
    first.end()


def test_a_root_that_is_not_there(t):
    """create makes the root that it is told, with its parents, and has one directory there."""
    box = task(t, root=t.directory("deep") / "run/containerd")
    box.create("null").start()
    equal(os.listdir(box.runtime.root), [box.id], "the root")
    box.end()
