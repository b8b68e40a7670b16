# SPDX-License-Identifier: Apache-2.0
"""A container without a mount namespace: a chroot among the host's mounts, of which none changes and none is left."""

import contextlib
import os
import pathlib
import signal
import subprocess

import pytest

from harness import absent, contains, equal, eventually, read_text, true
from marks import differs, parametrize
from test_notify_socket import manager_of, say, start_run
from test_terminal import listener, read_master, receive

pytestmark = pytest.mark.by_the_stage

CONTROL = "runc changes the propagation of the host's mounts and leaves its own behind"
PLAIN = {"mounts": [], "root": {"path": "rootfs", "readonly": False}}


def shared(bundle, *also, **top):
    """Takes the mount namespace away, and what cannot be without one."""
    def edit(config):
        gone = {"mount", *also}
        config["linux"]["namespaces"] = [each for each in config["linux"]["namespaces"] if each["type"] not in gone]
        config["linux"].update(maskedPaths=[], readonlyPaths=[])
        config.update(top)
    return bundle.edit(edit)


def container(t, *command, also=(), process=None, **top):
    return t.container(bundle=shared(t.bundle(*command, **(process or {})), *also, **top))


def mounts():
    """mountinfo without the numbers of mounts: (root, point, tags...)."""
    return sorted(line.split()[3:] for line in read_text("/proc/self/mountinfo").splitlines())


def below(path):
    return [point for _, point, *_ in mounts() if point == str(path) or point.startswith(f"{path}/")]


@contextlib.contextmanager
def shared_ground(box):
    """The bundle on a mount that is shared, as a host's usually is, with a peer in another mount namespace."""
    path = str(box.bundle.path)
    subprocess.run(["mount", "--bind", path, path], check=True)
    subprocess.run(["mount", "--make-shared", path], check=True)
    with subprocess.Popen(["unshare", "-m", "--propagation", "unchanged", "sleep", "1000"]) as peer:
        try:
            eventually(lambda: os.readlink(f"/proc/{peer.pid}/ns/mnt") != os.readlink("/proc/self/ns/mnt"), "no peer")
            yield lambda: [line.split()[4] for line in read_text(f"/proc/{peer.pid}/mountinfo").splitlines()
                           if line.split()[4].startswith(f"{path}/")]
        finally:
            peer.kill()
            peer.wait()
            subprocess.run(["umount", "--lazy", path], check=True)


@differs(CONTROL)
def test_without_mounts_nothing_is_mounted(t):
    """It is in the runtime's mount namespace, its root is the bundle's, and the table of mounts is the same."""
    before = mounts()
    box = container(t, "sleep", "1000", **PLAIN)
    box.run_detached()
    equal(os.readlink(f"/proc/{box.pid}/ns/mnt"), os.readlink("/proc/self/ns/mnt"), "mount namespace")
    equal(os.readlink(f"/proc/{box.pid}/root"), str(box.bundle.rootfs), "root")
    equal(mounts(), before, "mounts")
    true((box.bundle.rootfs / "dev/null").is_char_device(), "no /dev/null")
    equal(os.readlink(box.bundle.rootfs / "dev/ptmx"), "pts/ptmx", "/dev/ptmx")
    box.delete("--force").ok()


@differs(CONTROL)
def test_what_is_mounted_is_below_the_root(t):
    """The config's mounts are there, below the bundle's root on the host, and gone after delete."""
    before = mounts()
    box = container(t, "sh", "-c", "mount; touch /x; sleep 1000")
    box.create()
    found = below(box.bundle.rootfs)
    for point in ("", "/proc", "/dev", "/dev/pts", "/sys"):
        contains(found, f"{box.bundle.rootfs}{point}", "mount points")
    box.start().ok()
    eventually(lambda: "sleep" in box.proc("cmdline"), "it does not come to its sleep")
    true(not (box.bundle.rootfs / "x").exists(), "the root is not read-only")
    box.kill("KILL").ok()
    box.wait_dead()
    box.delete().ok()
    equal(mounts(), before, "mounts after delete")


@differs(CONTROL)
def test_on_a_shared_mount(t):
    """No propagation changes, and a peer of the host's mount sees none of the mounts below, and nothing afterwards."""
    box = container(t, "sleep", "1000")
    with shared_ground(box) as seen_by_peer:
        before = mounts()
        box.run_detached()
        absent(seen_by_peer(), f"{box.bundle.rootfs}/proc", "what the peer sees")
        old = [line for line in mounts() if not line[1].startswith(str(box.bundle.rootfs))]
        equal(old, [line for line in before if not line[1].startswith(str(box.bundle.rootfs))], "the host's own")
        box.delete("--force").ok()
        equal(mounts(), before, "mounts after delete")
        equal(seen_by_peer(), [], "what the peer sees after delete")


@differs(CONTROL)
def test_a_failed_create_leaves_no_mount(t):
    """The program is missing: everything was mounted, and nothing is any more."""
    before = mounts()
    result = container(t, "/no/such/program").create()
    true(result.code != 0, "it succeeded")
    equal(mounts(), before, "mounts")


@differs(CONTROL)
@parametrize("verb", ["open_root", "spawn", "send_go", "await_ready", "publish"])
def test_a_killed_runtime_leaves_what_delete_finds(t, verb):
    """Whoever kills the runtime in the middle leaves a record of the mount: delete --force takes it away, twice."""
    before = mounts()
    box = container(t, "sleep", "1000")
    steps = t.runtime("explain", "--bundle", box.bundle.path, "x").out.splitlines()
    number = next(line.split()[0] for line in steps if line.split()[2:3] == [verb])
    result = box.create("--fault", f"{number}:kill")
    equal(result.code, -signal.SIGKILL, "exit code")
    for _ in range(2):
        t.runtime("delete", "--force", box.id).ok()
    equal(mounts(), before, "mounts")


@differs(CONTROL)
def test_nobody_elses_mount_is_taken(t):
    """Who has unmounted the container's root and mounted his own there, keeps that."""
    box = container(t, "sleep", "1000")
    box.run_detached()
    subprocess.run(["umount", "--lazy", box.bundle.rootfs], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "own", box.bundle.rootfs], check=True)
    try:
        box.delete("--force").ok()
        equal(below(box.bundle.rootfs), [str(box.bundle.rootfs)], "mounts on the root")
    finally:
        subprocess.run(["umount", box.bundle.rootfs], check=True)


@differs(CONTROL)
def test_a_covered_root_is_an_error(t):
    """What somebody has mounted over it hides the mount: delete says so, and works once that is gone."""
    box = container(t, "sleep", "1000")
    box.run_detached()
    subprocess.run(["mount", "-t", "tmpfs", "over", box.bundle.rootfs], check=True)
    contains(box.delete("--force").exits(1).err, "is covered by another mount", "stderr")
    subprocess.run(["umount", box.bundle.rootfs], check=True)
    box.delete("--force").ok()


@differs(CONTROL)
@parametrize("name, top", [("mounted", {}), ("plain", PLAIN)])
def test_exec_has_the_same_root(t, name, top):
    """A further process is in the container's chroot, at its working directory, with its devices."""
    box = container(t, "sleep", "1000", **top)
    (box.bundle.rootfs / "mark").write_text("here")
    box.run_detached()
    equal(box.exec("cat", "/mark", "/../mark").out, "herehere", f"{name}: file")
    equal(box.exec("pwd", flags=["--cwd", "/etc"]).out.strip(), "/etc", "working directory")
    other = box.exec_detached("sleep", "999")
    equal(os.readlink(f"/proc/{other.pid}/root"), os.readlink(f"/proc/{box.pid}/root"), "root")
    contains(box.exec("true", flags=["--cwd", "/no/such"]).err, "/no/such", "stderr")
    box.end_executed()
    box.delete("--force").ok()


@differs(CONTROL)
def test_exec_without_any_namespace(t):
    """No namespace at all: nothing to join, and still the container's root."""
    box = container(t, "sleep", "1000", also=("pid", "network", "ipc", "uts", "cgroup"), hostname="", **PLAIN)
    (box.bundle.rootfs / "mark").write_text("here")
    box.run_detached()
    equal(box.exec("cat", "/mark").out, "here", "file")
    box.delete("--force").ok()


@differs(CONTROL)
def test_terminal(t):
    """A terminal of the container's own devpts, whose slave is /dev/console as well."""
    box = container(t, "sh", "-c", "tty", process={"terminal": True})
    with listener(t) as server:
        box.run_detached("--console-socket", t.scratch / "console.sock")
        _, (master,) = receive(server)
    contains(read_master(master), "/dev/pts/0", "what the terminal shows")
    contains(below(box.bundle.rootfs), f"{box.bundle.rootfs}/dev/console", "mount points")
    box.delete("--force").ok()


@differs(CONTROL)
def test_hooks_find_the_mounts(t):
    """createRuntime and createContainer see the mounts below the root's path; startContainer is in the root."""
    box = container(t, "sleep", "1000")
    out = t.scratch / "seen"
    script = f"test -e {box.bundle.rootfs}/proc/uptime && echo $0 >> {out}"
    box.bundle.edit(lambda config: config.update(hooks={
        kind: [{"path": "/bin/sh", "args": ["sh", "-c", script, kind]}] for kind in ("createRuntime", "createContainer")}))
    box.bundle.edit(lambda config: config["hooks"].update(
        startContainer=[{"path": "/bin/sh", "args": ["sh", "-c", "test -e /proc/uptime -a ! -e /usr/share"]}]))
    box.run_detached()
    equal(out.read_text().split(), ["createRuntime", "createContainer"], "hooks that found it")
    box.delete("--force").ok()


@differs(CONTROL)
def test_a_warning_says_what_it_is(t):
    """create logs that a chroot holds nobody back."""
    box = container(t, "true", **PLAIN)
    log = t.scratch / "log"
    t.runtime("--log", log, "run", "--bundle", box.bundle.path, box.id)
    contains(log.read_text(), "without a mount namespace", "log")


def new_user(config):
    config["linux"]["namespaces"].append({"type": "user"})
    config["linux"].update({key: [{"containerID": 0, "hostID": 0, "size": 65536}]
                            for key in ("uidMappings", "gidMappings")})


@differs(CONTROL)
@parametrize("name, edit, top, words", [
    ("mount", new_user, {}, "/mounts/0: without a mount namespace nothing can be mounted"),
    ("read-only", new_user, {"mounts": []}, "/root/readonly: without a mount namespace"),
    ("host", lambda config: None, {"root": {"path": "/"}}, "/root/path: without a mount namespace"),
    ("mask", lambda config: config["linux"].update(maskedPaths=["/proc/kcore"]), {},
     "/linux/maskedPaths: unable to restrict sys entries without a private MNT namespace")])
def test_what_cannot_be_is_refused(t, name, edit, top, words):
    """With the property's pointer, before anything is made."""
    before = mounts()
    box = container(t, "true", **top)
    box.bundle.edit(edit)
    contains(box.run().exits(1).err, words, f"{name}: stderr")
    equal(mounts(), before, "mounts")
    t.no_state()


@differs(CONTROL)
def test_in_a_user_namespace_without_mounts(t):
    """With the devices in the image there is nothing to mount."""
    box = container(t, "sleep", "1000", **PLAIN)
    nodes = {"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9}
    (box.bundle.rootfs / "dev").mkdir(exist_ok=True)
    for node, minor in [*((name, os.makedev(1, minor)) for name, minor in nodes.items()), ("tty", os.makedev(5, 0))]:
        path = pathlib.Path(box.bundle.rootfs / "dev" / node)
        path.unlink(missing_ok=True)
        os.mknod(path, 0o20666, minor)
        os.chmod(path, 0o666)
    box.bundle.edit(new_user)
    box.run_detached()
    equal(os.readlink(f"/proc/{box.pid}/root"), str(box.bundle.rootfs), "root")
    box.delete("--force").ok()


# ---- what asks for a mount, or for none -----------------------------------------------------------------------------

@differs(CONTROL)
@parametrize("name, top", [("mounted", {}), ("plain", PLAIN)])
def test_without_pivot_it_is_the_same_chroot(t, name, top):
    """--no-pivot unmounts the host's procfs and sysfs in a namespace of the container's own; here they stay."""
    before = mounts()
    box = container(t, "sleep", "1000", **top)
    box.run_detached("--no-pivot")
    equal(os.readlink(f"/proc/{box.pid}/root"), str(box.bundle.rootfs), f"{name}: root")
    equal([line for line in mounts() if not line[1].startswith(str(box.bundle.rootfs))], before, "the host's mounts")
    box.delete("--force").ok()
    equal(mounts(), before, "mounts after delete")


@differs(CONTROL)
@parametrize("word, tags", [("private", []), ("slave", []), ("shared", ["shared"]),
                            ("unbindable", ["unbindable"])])
def test_propagation_is_that_of_its_root_alone(t, word, tags):
    """rootfsPropagation changes the mount that is made for the container, and no mount of the host's."""
    before = mounts()
    box = container(t, "sleep", "1000", mounts=[], root={"path": "rootfs", "readonly": False})
    box.bundle.edit(lambda config: config["linux"].update(rootfsPropagation=word))
    box.run_detached()
    root, = [line for line in mounts() if line[1] == str(box.bundle.rootfs)]
    equal([tag.split(":")[0] for tag in root[3:root.index("-")]], tags, "propagation of the root")
    equal([line for line in mounts() if not line[1].startswith(str(box.bundle.rootfs))], before, "the host's mounts")
    box.delete("--force").ok()
    equal(mounts(), before, "mounts after delete")


@differs(CONTROL)
def test_readiness_is_heard(t):
    """The notify socket is bound into the root on the host, and nothing of it is left."""
    before, manager = mounts(), manager_of(t)
    box = container(t, "sleep", "1000", root={"path": "rootfs", "readonly": False}, mounts=[])
    child = start_run(t, box, manager)
    contains(below(box.bundle.rootfs), f"{box.bundle.rootfs}/run/notify", "mount points")
    say(box, "READY=1")
    equal(manager.message(), ("READY=1\n", 0), "what the service manager hears")
    box.kill("KILL").ok()
    child.wait()
    equal(mounts(), before, "mounts after run")


@differs(CONTROL)
@parametrize("how", ["without /proc", "with /proc"])
def test_the_links_in_dev(t, how):
    """They lead to /proc, and are made where it is mounted (runtime-linux.md, "Dev symbolic links"); ptmx needs none."""
    proc = [{"destination": "/proc", "type": "proc", "source": "proc"}] if how == "with /proc" else []
    box = container(t, "sh", "-c", "for l in ptmx fd stdin stdout stderr; do readlink /dev/$l; done; true",
                    mounts=proc, root=PLAIN["root"])
    links = ["/proc/self/fd", *(f"/proc/self/fd/{number}" for number in range(3))]
    equal(box.run().exits(0).lines(), ["pts/ptmx", *(links if proc else [])], "links")
