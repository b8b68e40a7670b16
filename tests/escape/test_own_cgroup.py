# SPDX-License-Identifier: Apache-2.0
"""E28 and E29: what a container sees of cgroups, and names that lead out of its own."""

import os
import pathlib
import re
import time

from harness import Failure, equal, eventually, true
from marks import attacker, parametrize
from unprivileged import mapping, with_user_namespace
from world import mount_points, refused, strike, with_rights

TREE = pathlib.Path("/sys/fs/cgroup")
ADMIN = {kind: ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"] for kind in ("bounding", "effective", "permitted")}
LOOK = """cat /proc/self/cgroup /proc/1/cgroup
for way in /sys/fs/cgroup/.. /sys/fs/cgroup/../cgroup/.. /proc/1/root/sys/fs/cgroup/..; do
    [ -e $way/cgroup.procs ] && echo "seen: $way"
    { echo 0 > $way/cgroup.procs; } 2>/dev/null && echo "left: $way"
    { echo 1 > $way/cgroup.kill; } 2>/dev/null && echo "killed: $way"
done
mkdir /tmp/c && mount -t cgroup2 none /tmp/c 2>/dev/null && cat /proc/self/cgroup
[ -e /tmp/c/runner ] && echo "the host's cgroups are mounted"
{ echo 0 > /tmp/c/runner/cgroup.procs; } 2>/dev/null && echo "left: new mount"
cat /proc/self/cgroup; echo end"""
WAYS = [("default", False, False), ("writable mount", True, False), ("SYS_ADMIN", False, True),
        ("writable mount and SYS_ADMIN", True, True)]
# What an owner may do to its own cgroup is not what holds for it: with a user namespace it is delegated.
OWNERS_LOOK = LOOK.replace("echo end", """
for file in cgroup.freeze cgroup.kill cgroup.max.depth cgroup.max.descendants cgroup.type hugetlb.2MB.max; do
    { echo 1 > /sys/fs/cgroup/$file; } 2>/dev/null && echo "changed: $file"
    chown 0 /sys/fs/cgroup/$file 2>/dev/null && [ "$(stat -c %u /sys/fs/cgroup/$file)" = 0 ] && echo "owned: $file"
done
mkdir /sys/fs/cgroup/sub && mv /sys/fs/cgroup/sub /sys/fs/cgroup/../sub 2>/dev/null && echo "moved out"
rmdir /sys/fs/cgroup/sub; echo end""")


def cgroup_bundle(t, writable, admin, *args):
    bundle = t.bundle(*args).add_mount("/tmp", "tmpfs", "tmpfs", "mode=1777")
    if writable:
        entry = [mount for mount in bundle.config["mounts"] if mount["type"] == "cgroup"][0]
        entry["options"].remove("ro")
        bundle.save()
    return bundle.capabilities(**ADMIN) if admin else bundle


@attacker("A2")
@parametrize("_, writable, admin", WAYS)
def test_E28_cgroup_is_left(t, _, writable, admin):
    """Through /sys/fs/cgroup, by dots or by a cgroup2 mount of its own, a container reaches its own subtree only."""
    result = strike(t, t.container(bundle=cgroup_bundle(t, writable, admin, "sh", "-c", LOOK)))
    equal(version_two(result), {"0::/", "end"}, "what it sees and what worked")


def delegated_bundle(t, script):
    """A container that owns its cgroup, as root of a user namespace with every capability there is."""
    os.chmod(t.scratch.parent, 0o711)
    rights = ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_CHOWN", "CAP_FOWNER"]
    bundle = with_rights(cgroup_bundle(t, True, False, "sh", "-c", script), rights)
    maps = [mapping(0, 100000, 65536)]
    return with_user_namespace(bundle, maps, maps).edit(lambda config: [
        each["options"].remove("gid=5") for each in config["mounts"] if "gid=5" in each.get("options", [])])


@attacker("A2")
def test_E28_cgroup_owner_leaves(t):
    """Who owns its cgroup reaches no other, and changes nothing that holds for it."""
    box = t.container(bundle=delegated_bundle(t, OWNERS_LOOK))
    equal(version_two(strike(t, box)), {"0::/", "end"}, "what it sees and what worked")


@attacker("A2")
def test_E28_harmless_cgroup_owner_divides(t):
    """Who owns its cgroup divides it. Debian's controls hand it over with other drivers, or in other ways, only."""
    script = "mkdir /sys/fs/cgroup/sub && echo 0 > /sys/fs/cgroup/sub/cgroup.procs && echo divided; cat /proc/self/cgroup"
    result = t.container(bundle=delegated_bundle(t, script)).run()
    true(t.control or {"divided", "0::/sub"} <= version_two(result), f"it cannot divide its cgroup: {result}")


def version_two(result):
    """The lines, without those of a hybrid machine's version 1."""
    return {line for line in result.lines() if not re.match(r"[1-9]\d*:", line)}


@attacker("A2")
@parametrize("_, writable, admin", WAYS)
def test_E28_harmless_cgroup_is_its_own(t, _, writable, admin):
    """Its own cgroup is there; where the mount is writable, it can be divided."""
    sub = "/sys/fs/cgroup/sub"
    script = f"cat /proc/self/cgroup; mkdir {sub} && rmdir {sub} && echo divided; cat /sys/fs/cgroup/cgroup.procs"
    result = t.container(bundle=cgroup_bundle(t, writable, admin, "sh", "-c", script)).run()
    equal(version_two(result) & {"0::/", "divided"}, {"0::/", *(["divided"] if writable else [])}, "cgroup")
    true("1" in result.lines(), "init is not in its cgroup")


@attacker("A2")
def test_E28_cgroup_mount_shows_the_host(t):
    """Without a cgroup namespace, the cgroup mount shows the container's own cgroup and no other, or is read-only."""
    bundle = cgroup_bundle(t, True, False, "sh", "-c",
                           "cat /proc/self/mountinfo; ls /sys/fs/cgroup; mkdir /sys/fs/cgroup/runner/x")
    box = t.container(bundle=bundle.without_namespace("cgroup"))
    result = strike(t, box)
    mine = [root for point, kind, root in mount_points("\n".join(line for line in result.lines() if " - " in line))
            if point == "/sys/fs/cgroup"]
    true(result.code != 0 and not (TREE / "runner/x").exists(), f"it wrote into the host's tree: {result}")
    true(all(box.id in root for root in mine), f"roots of the mount: {mine}")


@attacker("A2")
def test_E28_harmless_cgroup_mount_without_namespace(t):
    """The mount is there without a cgroup namespace, too."""
    box = t.container(bundle=t.bundle("cat", "/sys/fs/cgroup/cgroup.procs").without_namespace("cgroup"))
    out = box.run().exits(0).out
    true(t.control or out.strip() != "", "no process in its cgroup")


UNIFIED = [("up", "../x", "1"), ("slash", "sub/memory.max", "1"), ("procs", "cgroup.procs", "0"),
           ("kill", "cgroup.kill", "1"), ("freeze", "cgroup.freeze", "1"), ("empty", "", "1"), ("dot", ".", "1"),
           ("newline", "pids.max\ncgroup.procs", "1"), ("second line", "hugetlb.2MB.max", "2097152\nnonsense"),
           ("subtree", "cgroup.subtree_control", "+pids"), ("type", "cgroup.type", "threaded"),
           ("NUL", "pids.max\0x", "1"), ("absolute", "/sys/fs/cgroup/runner/pids.max", "1"),
           ("unknown", "no.such", "1")]


@attacker("A4")
@parametrize("_, key, value", UNIFIED)
def test_E29_unified_key(t, _, key, value):
    """A key of `unified` that is no name of a limit, or a line of a value that is none, is refused."""
    bundle = t.bundle("true").edit(lambda config: config["linux"]["resources"].update(unified={key: value}))
    refused(t, t.container(bundle=bundle).run())


@attacker("A4")
@parametrize("*_", UNIFIED[:1])
def test_E29_harmless_unified_limit(t, _):
    """A limit by its file name is set."""
    bundle = t.bundle("cat", "/sys/fs/cgroup/hugetlb.2MB.max")
    bundle.edit(lambda config: config["linux"]["resources"].update(unified={"hugetlb.2MB.max": "2097152"}))
    equal(t.container(bundle=bundle).run().exits(0).out, "2097152\n", "hugetlb.2MB.max")


PATHS = [("dots", "/{id}/../../../../{can}/x"), ("leading dots", "../../../{can}/x"), ("only dots", ".."),
         ("double slash", "//{id}//x"), ("5000 bytes", "/" + "x" * 5000), ("NUL", "/{id}\0x"),
         ("newline", "/{id}\nx"), ("dot", "."), ("root", "/"), ("interface file", "/runner/cgroup.procs")]


@attacker("A4")
@parametrize("name, text", PATHS)
def test_E29_cgroups_path(t, name, text):
    """cgroupsPath with dots, empty parts, or what is no name: refused, or below the hierarchy; nothing stays."""
    box = t.container("cat", "/proc/1/cgroup")
    path = text.format(id=box.id, can=str(t.can).lstrip("/"))
    box.bundle.edit(lambda config: config["linux"].update(cgroupsPath=path))
    result = strike(t, box)
    true(name == "double slash" or result.code != 0, f"it was taken: {result}")
    remove_parents(box.id)


def remove_parents(name):
    """Parents stay by design; take them away, deepest first, so that only the container's own cgroup counts as left."""
    for directory, _, _ in os.walk(TREE / name, topdown=False):
        os.rmdir(directory)


@attacker("A4")
@parametrize("*_", PATHS[:1])
def test_E29_harmless_cgroups_path_below(t, _):
    """An ordinary path of two parts works and is gone afterwards, but for the parent."""
    box = t.container("cat", "/proc/1/cgroup")
    box.bundle.edit(lambda config: config["linux"].update(cgroupsPath=f"/{box.id}/inner"))
    box.run().exits(0)
    remove_parents(box.id)


def own_cgroup(t, name):
    path = TREE / f"{t.prefix}-{name}"
    path.mkdir()
    return path


STATES = ["occupied", "frozen", "occupied below", "a file's name"]


@attacker("A3")
@parametrize("how", STATES)
def test_E29_cgroup_of_somebody_else(t, how):
    """A cgroup that has somebody's processes in it, or is frozen, is not taken, not killed and not removed."""
    path = own_cgroup(t, "theirs")
    victim = os.fork()
    if victim == 0:
        time.sleep(60)
        os._exit(0)
    try:
        prepare(path, how, victim)
        box = t.container("true")
        text = f"/{path.name}" + ("/cgroup.procs" if how == "a file's name" else "")
        box.bundle.edit(lambda config: config["linux"].update(cgroupsPath=text))
        result = strike(t, box)
        true(result.code != 0, "it was taken")
        equal(os.waitpid(victim, os.WNOHANG)[0], 0, "the other process ended")
        true(path.is_dir(), "the cgroup was removed")
    finally:
        if (path / "cgroup.freeze").exists():
            (path / "cgroup.freeze").write_text("0")
        os.kill(victim, 9)
        os.waitpid(victim, 0)
        eventually(lambda: gone(path), "the cgroup stays")


def prepare(path, how, victim):
    """Makes the cgroup somebody else's."""
    if how == "occupied below":
        (path / "below").mkdir()
        (path / "below/cgroup.procs").write_text(str(victim))
    elif how == "frozen":
        (path / "cgroup.freeze").write_text("1")
    elif how == "occupied":
        (path / "cgroup.procs").write_text(str(victim))


def gone(path):
    try:
        for directory, _, _ in os.walk(path, topdown=False):
            os.rmdir(directory)
    except OSError:
        return False
    return not path.exists()


@attacker("A3")
@parametrize("_", STATES[:1])
def test_E29_harmless_cgroup_that_is_empty(t, _):
    """An empty cgroup that is there already can be used."""
    path = own_cgroup(t, "empty")
    box = t.container("cat", "/proc/self/comm")
    box.bundle.edit(lambda config: config["linux"].update(cgroupsPath=f"/{path.name}"))
    equal(box.run().exits(0).out, "cat\n", "stdout")
    if not gone(path):
        raise Failure("the cgroup is in use")
