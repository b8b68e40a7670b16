# SPDX-License-Identifier: Apache-2.0
"""A runtime in a container: bulkhead makes, limits, enters and removes containers of its own below the container's cgroup."""

import json
import os
import shutil

import pytest

import bundles

from harness import contains, equal, eventually, read_text, true
from marks import differs, needs, parametrize
from resources import MIB, handed_down, lacks, no_controllers
from test_delegation import BY_SYSTEMD_ONLY, writable
from test_notify_socket import expect_ready, manager_of, say_as
from unprivileged import mapping, with_user_namespace

pytestmark = pytest.mark.released

EVERY_CAPABILITY = [f"CAP_{name}" for name in """
    CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_ADMIN NET_RAW IPC_LOCK
    SYS_CHROOT SYS_PTRACE SYS_ADMIN SYS_NICE SYS_TTY_CONFIG MKNOD SETFCAP AUDIT_WRITE BPF PERFMON""".split()]
INNER = "/inner"
LIBRARIES = ("/usr/lib", "/lib", "/lib64")  # Debian's runc is linked with some
# Nobody may stand in a cgroup that hands controllers down: the container's program goes out of the way and hands down what there
# is, as the image of Docker in Docker does. Further programs are then born where it is.
ASIDE = """mkdir /sys/fs/cgroup/init && echo 0 > /sys/fs/cgroup/init/cgroup.procs &&
for each in $(cat /sys/fs/cgroup/cgroup.controllers); do echo +$each > /sys/fs/cgroup/cgroup.subtree_control; done"""


def inner_bundle(outer, name, *args, **resources):
    """A bundle in the outer container's image, and its path in there."""
    path = outer.rootfs / INNER.lstrip("/") / name
    (path / "rootfs/bin").mkdir(parents=True)
    shutil.copy(bundles.BUSYBOX, path / "rootfs/bin/busybox")
    for applet in ("sh", "sleep", "cat", "true", "mkdir", "echo"):
        (path / "rootfs/bin" / applet).symlink_to("busybox")
    for directory in ("dev", "proc", "sys"):
        (path / "rootfs" / directory).mkdir()
    config = bundles.default_config()
    config["process"]["args"] = list(args)
    config["linux"].update(resources={"devices": [{"allow": False, "access": "rwm"}], **resources}, maskedPaths=[],
                           readonlyPaths=[])
    (path / "config.json").write_text(json.dumps(config))
    return f"{INNER}/{name}"


def outer_box(t, prepare=ASIDE, mapped=False, without=(), **limits):
    """A running container that may do everything but what is taken from it, with the runtime in it."""
    bundle = writable(t.bundle("sh", "-c", f"{prepare} && > /tmp/ready; sleep 300").writable())
    shutil.copy(t.runtime.path, bundle.rootfs / "bin/runtime")
    rights = [each for each in EVERY_CAPABILITY if each not in without]
    bundle.capabilities(**{kind: rights for kind in ("bounding", "effective", "permitted")})
    bundle.edit(lambda config: (config["linux"].update(maskedPaths=[], readonlyPaths=[]),
                                config["linux"]["resources"].update(limits)))
    (bundle.rootfs / "run").mkdir()
    bundle.add_mount("/run", "tmpfs", "tmpfs", "mode=755")
    if mapped:
        os.chmod(t.scratch.parent, 0o711)
        with_user_namespace(bundle, [mapping(0, 100000, 65536)], [mapping(0, 100000, 65536)])
        bundle.edit(lambda config: [each["options"].remove("gid=5") for each in config["mounts"] if "gid=5" in each.get("options", [])])
    for directory in LIBRARIES if t.control else ():
        bundle.add_mount(directory, "bind", directory, "rbind", "ro")
    return t.container(bundle=bundle)


def started(box):
    box.run_detached().ok()
    eventually((box.bundle.rootfs / "tmp/ready").exists, "the container cannot prepare itself")
    return box


def inside(box, *words):
    """Runs the inner runtime."""
    return box.exec("/bin/runtime", "--root", "/run/inner", *words)


def leaving(box, *words):
    """The same for what leaves a container behind, which would keep our pipes."""
    script = '"$@" < /dev/null > /tmp/said 2>&1; code=$?; cat /tmp/said; exit $code'
    return box.exec("sh", "-c", script, "sh", "/bin/runtime", "--root", "/run/inner", *words)


def test_a_whole_life(t):
    """create, start, exec, pause, kill and delete, all in the container; nothing is left in its cgroup."""
    live(t, outer_box(t))


@differs(BY_SYSTEMD_ONLY)
def test_a_whole_life_in_a_user_namespace(t):
    """The same by root of a user namespace, who owns the outer cgroup."""
    live(t, outer_box(t, mapped=True))


def live(t, outer):
    path = inner_bundle(outer.bundle, "box", "sleep", "300")
    started(outer)
    top = outer.cgroup().parent
    leaving(outer, "create", "--bundle", path, "box").exits(0)
    true((top / "box").is_dir(), "the inner cgroup is not in the container's")
    inside(outer, "start", "box").exits(0)
    contains(inside(outer, "exec", "box", "cat", "/proc/self/cgroup").exits(0).lines(), "0::/", "the inner program's cgroup")
    inside(outer, "pause", "box").exits(0)
    contains((top / "box/cgroup.events").read_text(), "frozen 1", "cgroup.events")
    inside(outer, "resume", "box").exits(0)
    inside(outer, "delete", "--force", "box").exits(0)
    equal({path.name for path in top.iterdir() if path.is_dir()}, {"init"}, "cgroups")


def test_run_prints(t):
    """run in the container, attached."""
    outer = outer_box(t)
    path = inner_bundle(outer.bundle, "box", "sh", "-c", "cat /proc/self/cgroup; exit 7")
    started(outer)
    contains(inside(outer, "run", "--bundle", path, "box").exits(7).lines(), "0::/", "stdout")


def waits_for_readiness(t, without):
    """(service manager, outer container, command that starts the inner one, which has been created with NOTIFY_SOCKET)"""
    systemd, outer = manager_of(t), outer_box(t, without=without)
    outer.bundle.add_mount("/manager", "bind", str(t.scratch), "bind")
    path = inner_bundle(outer.bundle, "box", "sleep", "300")
    started(outer)
    runtime = ("env", "NOTIFY_SOCKET=/manager/manager.sock", "/bin/runtime", "--root", "/run/inner")
    outer.exec("sh", "-c", '"$@" < /dev/null > /dev/null 2>&1', "sh", *runtime, "create", "--bundle", path, "box").exits(0)
    return systemd, outer, (*runtime, "start", "box")


def test_readiness(t):
    """An inner container is made and started with NOTIFY_SOCKET."""
    systemd, outer, start = waits_for_readiness(t, ())
    child = outer.exec_in_background(*start)
    processes = outer.cgroup().parent / "box/cgroup.procs"
    pid = int(processes.read_text())
    eventually(lambda: read_text(f"/proc/{pid}/comm") == "sleep\n", "the inner program does not run")
    seen = next(line.split()[-2] for line in read_text(f"/proc/{pid}/status").splitlines() if line.startswith("NSpid:"))
    say_as(pid, "READY=1")
    expect_ready(t, systemd, seen)
    equal(child.wait(10), 0, "exit code of start")


@differs("binds a socket in the host's directory, which the container shares")
def test_readiness_without_the_right_to_trace(t):
    """`start` takes the socket from init, and says what it lacks; without NOTIFY_SOCKET the container can be started."""
    _, outer, start = waits_for_readiness(t, ("CAP_SYS_PTRACE",))
    contains(outer.exec(*start).exits(1).err, "NOTIFY_SOCKET: to take it from init needs CAP_SYS_PTRACE", "stderr")
    inside(outer, "start", "box").exits(0)
    inside(outer, "delete", "--force", "box").exits(0)


@needs(lacks("hugetlb"))
def test_the_inner_limit_holds(t):
    """A limit of the inner container, below that of the outer one."""
    huge = [{"pageSize": "2MB", "limit": 8 * MIB}]
    outer = outer_box(t, hugepageLimits=huge)
    path = inner_bundle(outer.bundle, "box", "sleep", "300", hugepageLimits=[{"pageSize": "2MB", "limit": 4 * MIB}])
    with handed_down("hugetlb"):
        started(outer)
        top = outer.cgroup().parent
        leaving(outer, "run", "--detach", "--bundle", path, "box").exits(0)
        equal((top / "box/hugetlb.2MB.max").read_text(), f"{4 * MIB}\n", "the inner limit")
        equal((top / "hugetlb.2MB.max").read_text(), f"{8 * MIB}\n", "the outer limit")
        inside(outer, "delete", "--force", "box").exits(0)
        outer.delete("--force").ok()
        outer.wait()


@needs(no_controllers)
@pytest.mark.timeout(90)
def test_every_kind_of_limit(t):
    """memory, pids and cpu inside, and a hog in there that the inner limit ends."""
    outer = outer_box(t, memory={"limit": 256 * MIB}, pids={"limit": 200}, cpu={"shares": 1024})
    script = "x=a; while :; do x=$x$x; done"
    path = inner_bundle(outer.bundle, "box", "sh", "-c", script, memory={"limit": 16 * MIB, "swap": 16 * MIB},
                        pids={"limit": 10}, cpu={"shares": 512})
    started(outer)
    equal(inside(outer, "run", "--bundle", path, "box").code, 137, "exit code of the hog")
    equal(outer.status(), "running", "the outer container")


@differs("runc 1.1.5 takes the error of the kernel as it is")
@needs(lacks("hugetlb"))
def test_who_stands_in_the_way_is_told(t):
    """Where the container's programs are in the cgroup that should hand a controller down, the error says so."""
    outer = outer_box(t, prepare=":", hugepageLimits=[{"pageSize": "2MB", "limit": 8 * MIB}])
    path = inner_bundle(outer.bundle, "box", "true", hugepageLimits=[{"pageSize": "2MB", "limit": 4 * MIB}])
    with handed_down("hugetlb"):
        started(outer)
        result = inside(outer, "run", "--bundle", path, "box").exits(1)
        contains(result.err, "cannot hand down the controller hugetlb: there are processes in it", "stderr")
        equal({path.name for path in outer.cgroup().iterdir() if path.is_dir()}, set(), "cgroups")
        outer.delete("--force").ok()
        outer.wait()


KMSG = {"allow": True, "type": "c", "major": 1, "minor": 11, "access": "rw"}


@parametrize("what, rules", [("forbidden", []), ("allowed", [KMSG])])
def test_the_outer_device_rules_hold_inside(t, what, rules):
    """The inner container's program is a second one: it cannot allow what the outer one forbids."""
    outer = outer_box(t)
    outer.bundle.edit(lambda config: config["linux"]["resources"]["devices"].extend(rules))
    allow = [{"allow": True, "access": "rwm"}]
    path = inner_bundle(outer.bundle, "box", "sh", "-c", ": > /dev/mine", devices=allow)
    edit = outer.bundle.rootfs / path.lstrip("/") / "config.json"
    config = json.loads(edit.read_text())
    config["linux"]["devices"] = [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 11}]
    edit.write_text(json.dumps(config))
    started(outer)
    result = inside(outer, "run", "--bundle", path, "box")
    if what == "allowed":
        result.exits(0)
    else:
        contains(result.exits(1).err, "can't create /dev/mine: Operation not permitted", "stderr")


@parametrize("how, flags", [("running", ["--force"]), ("killed", [])])
def test_the_outer_delete_takes_all(t, how, flags):
    """Containers in the container go with it, their processes and their cgroups."""
    outer = outer_box(t)
    path = inner_bundle(outer.bundle, "box", "sh", "-c", "sleep 301 & sleep 302")
    started(outer)
    top = outer.cgroup().parent
    leaving(outer, "run", "--detach", "--bundle", path, "box").exits(0)
    true((top / "box").is_dir(), "the inner cgroup is not in the container's")
    if how == "killed":
        outer.kill("KILL").ok()
        outer.wait()
    outer.delete(*flags).ok()
    true(not top.exists(), "cgroups are left")
    if how != "killed":
        outer.wait()
    t.no_state()


def test_three_deep(t):
    """A container in a container in a container."""
    outer = outer_box(t)
    middle = inner_bundle(outer.bundle, "middle", "sh", "-c", f"{ASIDE} && exec /bin/runtime --root /run/inner run --bundle /innermost box")
    place = outer.bundle.rootfs / middle.lstrip("/")
    config = json.loads((place / "config.json").read_text())
    config["process"]["capabilities"] = {kind: EVERY_CAPABILITY for kind in ("bounding", "effective", "permitted")}
    config["mounts"].append(bundles.mount("/run", "tmpfs", "tmpfs", "mode=755"))
    config["mounts"] += [bundles.mount(each, "bind", each, "rbind", "ro") for each in LIBRARIES if t.control]
    config["mounts"] = [{**each, "options": [word for word in each.get("options", []) if word != "ro" or each["type"] != "cgroup"]}
                        for each in config["mounts"]]
    config["root"]["readonly"] = False
    (place / "config.json").write_text(json.dumps(config))
    shutil.copy(t.runtime.path, place / "rootfs/bin/runtime")
    innermost = inner_bundle(outer.bundle, "innermost", "echo", "hello from below")
    shutil.move(outer.bundle.rootfs / innermost.lstrip("/"), place / "rootfs/innermost")
    started(outer)
    contains(inside(outer, "run", "--bundle", middle, "middle").exits(0).out, "hello from below", "stdout")
