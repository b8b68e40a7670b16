# SPDX-License-Identifier: Apache-2.0
"""E47, E71, E78 and E79: what is shared with the host: cgroups, propagation of mounts, namespaces by path, volumes."""

import contextlib
import os
import pathlib
import subprocess

import pytest

from harness import Failure, equal, eventually, true
from marks import attacker, parametrize
from test_ids_and_rights import as_user
from test_races import swapping
from world import ended_well, link, mount_points, refused, strike

ADMIN = {kind: ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"] for kind in ("bounding", "effective", "permitted")}


@contextlib.contextmanager
def volume(t, propagation):
    """A tmpfs of the host with that propagation, and a submount in it."""
    path = t.host_folder("volume")
    mount("-t", "tmpfs", "volume", path)
    try:
        for name in ("inner", "outer", "nested"):
            (path / name).mkdir()
        mount("-t", "tmpfs", "nested", path / "nested")
        for point in (path, path / "nested"):
            mount("--make-private", point)
            if propagation != "private":
                mount("--make-shared", point)
            if propagation == "slave":
                mount("--make-slave", point)
        yield path
    finally:
        for _ in range(5):
            if subprocess.run(["umount", "-l", "-R", str(path)], stderr=subprocess.DEVNULL,
                              check=False).returncode != 0:
                break


def mount(*words):
    subprocess.run(["mount", *map(str, words)], check=True)


def host_points():
    return {line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()}


# Volume of the host, option of the bind, rootfsPropagation; does the host see the container's mounts, and does the
# container see the host's?
# Without a word it is a slave, as in runc. For a way out, both the bind and the root have to say shared.
PROPAGATIONS = [("shared, none", "shared", None, None, False, True),
                ("shared, rprivate", "shared", "rprivate", None, False, False),
                ("shared, rslave", "shared", "rslave", None, False, True),
                ("shared, rshared", "shared", "rshared", None, False, True),
                ("shared, rshared, root rshared", "shared", "rshared", "rshared", True, True),
                ("shared, rprivate, root rshared", "shared", "rprivate", "rshared", False, False),
                ("private, rshared", "private", "rshared", None, False, False),
                ("private, rslave", "private", "rslave", None, False, False),
                ("slave, rslave", "slave", "rslave", None, False, False),
                ("slave, rprivate", "slave", "rprivate", None, False, False)]
SCRIPT = """mount -t tmpfs inside /vol/inner; echo ready
n=0; while [ ! -e /vol/go ] && [ $n -lt 200 ]; do usleep 20000; n=$((n+1)); done
cat /proc/self/mountinfo"""


@attacker("A2")
@parametrize("_, kind, option, root, outwards, inwards", PROPAGATIONS)
def test_E71_mounts_propagate(t, _, kind, option, root, outwards, inwards):
    """A volume of the host, shared, slave or private, bound with each propagation: mounts of one side are seen on the
    other only where both say so, and the container's are gone with it."""
    with volume(t, kind) as path:
        bundle = t.bundle("sh", "-c", SCRIPT).capabilities(**ADMIN)
        bundle.add_mount("/vol", "bind", str(path), "rbind", *([option] if option else []))
        if root:
            bundle.edit(lambda config: config["linux"].update(rootfsPropagation=root))
        box = t.container(bundle=bundle)
        output = t.scratch / "output"
        with open(output, "wb") as file:
            child = t.runtime.start(t.runtime.command("run", "--bundle", bundle.path, box.id), stdout=file, stderr=file)
            eventually(lambda: "ready" in output.read_text() or child.poll() is not None, "it does not start",
                       t.runtime.seconds)
            true(child.poll() is None, f"it ended: {output.read_text()}")
            mount("-t", "tmpfs", "outside", path / "outer")
            seen_outside = str(path / "inner") in host_points()
            (path / "go").touch()
            equal(child.wait(t.runtime.seconds), 0, "exit code")
        points = [point for point, *_ in mount_points(output.read_text().partition("ready\n")[2])]
        equal(seen_outside, outwards, "the host sees the container's mount")
        if t.bulkhead or not inwards:  # seeing less than allowed is no attack: crun makes everything private
            equal("/vol/outer" in points, inwards, "the container sees the host's mount")
        true("/vol/nested" in points, "the submount is missing")


@attacker("A2")
@parametrize("_, kind, option, *__", PROPAGATIONS)
def test_E71_harmless_volume_is_bound(t, _, kind, option, __):
    """The volume with its submount is there."""
    with volume(t, kind) as path:
        (path / "nested/word").write_text("nested\n")
        bundle = t.bundle("cat", "/vol/nested/word").add_mount("/vol", "bind", str(path), "rbind",
                                                               *([option] if option else []))
        equal(t.container(bundle=bundle).run().exits(0).out, "nested\n", "content")


ROOTS = [("rprivate", False), ("private", False), ("rslave", False), ("slave", False), ("rshared", True),
         ("shared", True), ("unbindable", False)]


@attacker("A2")
@parametrize("word, shared", ROOTS)
def test_E71_root_propagates(t, word, shared):
    """rootfsPropagation: the container's root is what was asked for, and whatever it is, a mount below it does not
    come out at the host, whose root is another mount."""
    bundle = t.bundle("sh", "-c", "mount -t tmpfs x /tmp; cat /proc/self/mountinfo").capabilities(**ADMIN)
    bundle.edit(lambda config: config["linux"].update(rootfsPropagation=word))
    before = host_points()
    result = strike(t, t.container(bundle=bundle))
    equal(host_points() - before, set(), "mounts on the host")
    if result.code == 0 and t.bulkhead:
        root = [line for line in result.lines() if line.split()[4] == "/"][-1]
        equal("shared:" in root, shared, f"the root's tags: {root}")


@attacker("A2")
@parametrize("*_", ROOTS[:1])
def test_E71_harmless_root_by_default(t, _):
    """Without the property a mount in the container works."""
    bundle = t.bundle("sh", "-c", "mount -t tmpfs x /tmp && echo mounted").capabilities(**ADMIN)
    equal(t.container(bundle=bundle).run().exits(0).out, "mounted\n", "stdout")


@contextlib.contextmanager
def network(t):
    """A process in a network namespace of its own: its pid."""
    child = subprocess.Popen(["unshare", "-n", "sleep", "60"])
    try:
        eventually(lambda: os.readlink(f"/proc/{child.pid}/ns/net") != os.readlink("/proc/self/ns/net"), "no namespace")
        yield child
    finally:
        child.kill()
        child.wait()
    del t


def joining(t, path, *args, kind="network"):
    bundle = t.bundle(*args).without_namespace(kind)
    return bundle.edit(lambda config: config["linux"]["namespaces"].append({"type": kind, "path": str(path)}))


PATHS = ["fifo", "link to a fifo", "socket's place", "dying process", "zombie", "wrong type", "link to itself",
         "mount namespace's directory", "user namespace"]


@attacker("A4")
@parametrize("how", PATHS)
def test_E78_namespace_path_is_false(t, how):
    """A namespace path that is a fifo, of a process that has ended, or of another type: refused in time, without
    blocking."""
    place = t.host_folder("names") / "ns"
    child = subprocess.Popen(["true"])
    try:
        if how == "dying process":
            path = pathlib.Path(f"/proc/{child.pid}/ns/net")
            child.wait()
        elif how == "zombie":
            path = pathlib.Path(f"/proc/{child.pid}/ns/net")
            eventually(lambda: pathlib.Path(f"/proc/{child.pid}/stat").read_text().split()[2] == "Z", "no zombie")
        else:
            path = false_path(place, how)
        refused(t, t.container(bundle=joining(t, path, "true")).run())
    finally:
        child.wait()


def false_path(place, how):
    if how in ("fifo", "link to a fifo"):
        os.mkfifo(place.with_name("fifo"))
        link(place, "fifo")
        return place if how.startswith("link") else place.with_name("fifo")
    if how == "socket's place":
        os.mknod(place, 0o140666)
    elif how == "link to itself":
        link(place, place.name)
    else:
        link(place, {"wrong type": "/proc/self/ns/ipc", "user namespace": "/proc/self/ns/user"}.get(how, "/proc/1/ns"))
    return place


@attacker("A4")
@parametrize("_", PATHS[:1])
def test_E78_harmless_namespace_path_is_a_link(t, _):
    """A link to a namespace is followed, as engines need it."""
    with network(t) as other:
        place = t.host_folder("names") / "ns"
        link(place, f"/proc/{other.pid}/ns/net")
        inside = t.container(bundle=joining(t, place, "readlink", "/proc/self/ns/net")).run().exits(0).out.strip()
        equal(inside, os.readlink(f"/proc/{other.pid}/ns/net"), "namespace")


@attacker("A3")
@pytest.mark.timeout(600)
@parametrize("how", ["fifo", "wrong type", "the host's"])
def test_E78_namespace_path_is_swapped(t, how):
    """The path changes all the time between a right namespace and a fifo, one of another type, or the host's: the
    container is in one of the two, or is refused; it never hangs and never is in a namespace half its own."""
    with network(t) as other:
        place = t.host_folder("names")
        link(place / "a", f"/proc/{other.pid}/ns/net")
        if how == "fifo":
            os.mkfifo(place / "b")
        else:
            link(place / "b", "/proc/self/ns/uts" if how == "wrong type" else f"/proc/{os.getpid()}/ns/net")
        allowed = {os.readlink(f"/proc/{other.pid}/ns/net"),
                   *([os.readlink("/proc/self/ns/net")] if how == "the host's" else [])}
        bundle = joining(t, place / "a", "readlink", "/proc/self/ns/net")
        started = 0
        with swapping(t, place, "a", "b"):
            for number in range(t.rounds(40, 3000, 15)):
                result = ended_well(t, t.runtime("run", "--bundle", bundle.path, f"{t.prefix}-{number}"))
                started += result.code == 0
                true(result.code != 0 or result.out.strip() in allowed, f"it is in {result.out}")
        t.note(f"{started} started")


@attacker("A3")
@pytest.mark.timeout(600)
@parametrize("_", ["fifo"])
def test_E78_harmless_namespaces_are_joined(t, _):
    """Two namespaces of another process are joined."""
    with network(t) as other:
        script = "readlink /proc/self/ns/net; readlink /proc/self/ns/ipc"
        bundle = t.bundle("sh", "-c", script).without_namespace("ipc", "network")
        for kind, name in (("network", "net"), ("ipc", "ipc")):
            path = f"/proc/{other.pid}/ns/{name}"
            bundle.edit(lambda config, kind=kind,
                        path=path: config["linux"]["namespaces"].append({"type": kind, "path": path}))
        lines = t.container(bundle=bundle).run().exits(0).lines()
        equal(lines, [os.readlink(f"/proc/{other.pid}/ns/{name}") for name in ("net", "ipc")], "namespaces")


TRY = """for d in /vol /vol/nested; do
    $d/status | sed -n "s,^Uid:,$d ,p" | tr '\\t' ' '
    head -c 1 $d/zero > /dev/null 2>&1 && echo "$d device"
    { touch $d/made; } 2>/dev/null && echo "$d written"
done; echo end"""
# Options, and what a user may do at the top and in the submount: set-user-id (s), device (d), write (w).
FLAGS = [("nothing", [], "sdw", "sdw"), ("nosuid", ["nosuid"], "dw", "sdw"), ("nodev", ["nodev"], "sw", "sdw"),
         ("ro", ["ro"], "sd", "sdw"), ("noexec", ["noexec"], "dw", "sdw"), ("rro", ["rro"], "sd", "sd"),
         ("rnosuid", ["rnosuid"], "dw", "dw"), ("rnodev", ["rnodev"], "sw", "sw"),
         ("rnoexec", ["rnoexec"], "dw", "dw"), ("all", ["rro", "rnosuid", "rnodev"], "", ""),
         ("ro and nosuid", ["ro", "nosuid", "nodev"], "", "sdw")]


def dangerous(t, path):
    """Set-user-id programs, devices and public directories, at the top and below."""
    for place in (path, path / "nested"):
        subprocess.run(["cp", str(t.built("status")), str(place / "status")], check=True)
        os.chown(place / "status", 0, 0)
        (place / "status").chmod(0o4755)
        os.mknod(place / "zero", 0o666 | 0o020000, os.makedev(1, 5))
        (place / "zero").chmod(0o666)
        place.chmod(0o777)


def flags_of(t, path, options, *args):
    bundle = t.bundle(*args, user={"uid": 1000, "gid": 1000}, noNewPrivileges=False)
    return t.container(bundle=bundle.add_mount("/vol", "bind", str(path), "rbind", *options))


def possible(lines, place):
    """The letters of what worked at a place."""
    found = "s" if any(line.startswith(f"{place} ") and line.split()[1:3] == ["1000", "0"] for line in lines) else ""
    return found + ("d" if f"{place} device" in lines else "") + ("w" if f"{place} written" in lines else "")


@attacker("A2")
@parametrize("name, options, top, below", FLAGS)
def test_E79_flags_of_a_volume(t, name, options, top, below):
    """A volume with set-user-id programs and device nodes, and a submount with the same: each flag is in force where
    it was asked for, the recursive ones below, too."""
    with volume(t, "private") as path:
        dangerous(t, path)
        result = strike(t, flags_of(t, path, options, "sh", "-c", TRY))
        true("end" in result.lines(), f"it did not run: {result}")
        equal((possible(result.lines(), "/vol"), possible(result.lines(), "/vol/nested")), (top, below),
              f"possible with {name}")


@attacker("A2")
@parametrize("_, options, *__", FLAGS)
def test_E79_harmless_volume_with_flags(t, _, options, __):
    """The volume can be read."""
    with volume(t, "private") as path:
        (path / "nested/word").write_text("nested\n")
        path.chmod(0o755)
        equal(flags_of(t, path, options, "cat", "/vol/nested/word").run().exits(0).out, "nested\n", "content")


WINDOWS = [("ro", ["ro"], "ro"), ("several", ["ro", "nosuid", "nodev", "noexec"], "ro,nosuid,nodev,noexec")]


@attacker("A3")
@pytest.mark.timeout(300)
@parametrize("_, options, words", WINDOWS)
def test_E79_flags_come_late(t, _, options, words):
    """Somebody watches the mounts of the container's process while it is made: the volume is never there without its
    flags."""
    with volume(t, "private") as path:
        bundle = t.bundle("true").add_mount("/observed", "bind", str(path), "rbind", *options)
        seen = 0
        for number in range(t.rounds(20, 500, 10)):
            child = t.runtime.start(t.runtime.command("run", "--bundle", bundle.path, f"{t.prefix}-{number}"))
            watch = subprocess.run([str(t.built("observer")), str(child.pid), "/observed", words],
                                   stdout=subprocess.PIPE, text=True, check=False)
            equal(child.wait(t.runtime.seconds), 0, "exit code")
            if watch.returncode != 0:
                raise Failure(f"in round {number} the volume was there {watch.stdout.strip()}")
            seen += watch.stdout == "seen\n"
        t.note(f"seen in {seen} rounds")


@attacker("A3")
@pytest.mark.timeout(300)
@parametrize("_, options, words", WINDOWS)
def test_E79_harmless_flags_are_there(t, _, options, words):
    """The flags are there in the end."""
    with volume(t, "private") as path:
        bundle = t.bundle("cat", "/proc/self/mountinfo").add_mount("/observed", "bind", str(path), "rbind", *options)
        lines = t.container(bundle=bundle).run().exits(0).lines()
        line = [line for line in lines if line.split()[4] == "/observed"][-1]
        equal(set(words.split(",")) - set(line.split()[5].split(",")), set(), "missing flags")


MAPPED = [{"containerID": 0, "hostID": 1000, "size": 1}, {"containerID": 1000, "hostID": 0, "size": 1}]


@attacker("A4")
@parametrize("whose", ["file of the host's root", "file of a user"])
def test_E79_idmapped_volume(t, whose):
    """A volume with an id map: owners are what the map says, in both directions, and a set-user-id file of root's is
    one of the user's."""
    with volume(t, "private") as path:
        dangerous(t, path)
        (path / "users").write_text("")
        os.chown(path / "users", 1000, 1000)
        box = mapped_box(t, path, "stat", "-c", "%u",
                         "/vol/status" if whose.startswith("file of the host") else "/vol/users")
        equal(box.run().exits(0).out, "1000\n" if whose.startswith("file of the host") else "0\n", "owner")


def mapped_box(t, path, *args):
    bundle = t.bundle(*args).add_mount("/vol", "bind", str(path), "bind")
    bundle.config["mounts"][-1].update(uidMappings=MAPPED, gidMappings=MAPPED)
    bundle.save()
    return t.container(bundle=bundle)


@attacker("A4")
@parametrize("_", ["file of the host's root"])
def test_E79_harmless_idmapped_volume_is_mounted(t, _):
    """A volume with an id map can be mounted at all."""
    with volume(t, "private") as path:
        mapped_box(t, path, "true").run().exits(0)


OUTSIDE = """for d in /sys/fs/cgroup /sys/fs/cgroup/runner /sys/fs/cgroup/theirs; do
    mkdir $d/made 2>/dev/null && echo "made in $d"
    { echo 1 > $d/cgroup.freeze; } 2>/dev/null && echo "frozen $d"
    { echo 0 > $d/cgroup.procs; } 2>/dev/null && echo "moved to $d"
done; echo end"""


@attacker("A2")
@parametrize("how", ["rbind", "rbind ro"])
def test_E47_rootless_cgroups(t, how):
    """An unprivileged container without a cgroup namespace, /sys bound from the host, below a cgroup that the user
    owns (CVE-2023-25809), with the cgroup mount of `spec --rootless`: nothing outside its own subtree is writable."""
    theirs = pathlib.Path("/sys/fs/cgroup/theirs")
    theirs.mkdir()
    try:
        for place in (theirs, theirs / "cgroup.procs", theirs / "cgroup.freeze"):
            os.chown(place, 1000, 1000)
        result = ended_well(t, t.runtime.exec(rootless_sys(t, how, "sh", "-c", OUTSIDE)))
        true(result.code != 0 or result.lines() == ["end"], f"what worked: {result.lines()}")
    finally:
        eventually(lambda: removed(theirs), "the cgroup stays")


def removed(path):
    for directory, _, _ in os.walk(path, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(directory)
    return not path.exists()


def rootless_sys(t, how, *args):
    """The command of an unprivileged container with the host's /sys."""
    box = t.container(*args)
    box.bundle.without_namespace("cgroup", "network")
    config = box.bundle.config
    cgroup = [entry for entry in config["mounts"] if entry["type"] == "cgroup"]
    config["mounts"] = [entry for entry in config["mounts"] if not entry["destination"].startswith("/sys")]
    box.bundle.add_mount("/sys", "none", "/sys", "rbind", "nosuid", "noexec", "nodev",
                         *(["ro"] if how.endswith("ro") else []))
    config["mounts"] += cgroup
    return as_user(t, box)


@attacker("A2")
@parametrize("how", ["rbind", "rbind ro"])
def test_E47_harmless_rootless_with_sys(t, how):
    """Such a container starts."""
    result = t.runtime.exec(rootless_sys(t, how, "ls", "/sys/kernel"))
    equal(result.code, 0, f"exit code of {result}")
