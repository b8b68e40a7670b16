# SPDX-License-Identifier: Apache-2.0
"""E18: a neighbour exchanges names of a root that it shares, above and below what is mounted there.

A directory that something is mounted on is a mount point in the victim's mount namespace alone, so everybody else may
rename it (CVE-2019-19921, CVE-2023-27561). Whatever the names lead to, what was mounted has to have its masks.
"""

import contextlib
import json
import shutil

from harness import equal, eventually, true
from marks import attacker, parametrize
from test_races import swapping
from world import ended_well

ROUNDS = 100, 3000, 60  # of each variant
PATIENT = {"deadline": 1200}


class Refusals:
    """How many starts the attack cost, and what the runtime said."""

    def __init__(self):
        self.count, self.refused, self.last = 0, 0, ""

    def add(self, result):
        self.count += 1
        if result.code != 0:
            self.refused, self.last = self.refused + 1, result.err.strip()
        return result.code == 0

    def report(self, t):
        true(self.refused < self.count, f"every start failed, the last with {self.last!r}")
        t.note(f"{self.refused} of {self.count} starts refused ({100 * self.refused / self.count:.1f} %)"
               + (f", the last with {self.last[-160:]!r}" if self.last else ""))


def started(t, bundle, number, flags=()):
    return ended_well(t, t.runtime("run", "--bundle", bundle.path, *flags, f"{t.prefix}-round{number}"))


def under_attack(t, bundle, judge, flags=()):
    """Starts the container often; judge(what it printed) is a word for what is wrong, or nothing."""
    refusals, hits = Refusals(), []
    for number in range(t.rounds(*ROUNDS)):
        result = started(t, bundle, number, flags)
        wrong = judge(result.out) if refusals.add(result) else ""
        if wrong:
            hits.append(wrong)
    true(not hits, f"{len(hits)} of {refusals.count} starts ({refusals.refused} refused), "
                   f"for instance: {', '.join(sorted(set(hits))[:4])}")
    refusals.report(t)


@contextlib.contextmanager
def in_a_container(t, directory, first, second):
    """The same as swapping(), by a container with the default rights and filter that has the directory as a volume."""
    box = t.container(bundle=t.plant(t.bundle("/swapper", "/volume", first, second), "swapper"))
    default = t.runtime("spec", "--seccomp", "default", "--bundle", t.host_folder("defaults"))
    made = json.loads((t.scratch / "defaults/config.json").read_text()) if default.code == 0 else {}
    box.bundle.config["linux"]["seccomp"] = made.get("linux", {}).get("seccomp")
    if not box.bundle.config["linux"]["seccomp"]:
        del box.bundle.config["linux"]["seccomp"]  # of a control
    (box.bundle.rootfs / "volume").mkdir()
    box.bundle.add_mount("/volume", "bind", str(directory), "rbind")
    child = box.run_in_background()
    try:
        yield
        equal(child.poll(), None, "the attacker in the container goes on")
    finally:
        box.runtime("kill", box.id, "KILL")
        child.wait()
        eventually(lambda: box.runtime("delete", "--force", box.id).code == 0, "the attacker's container stays")


ATTACKERS = {"the host": swapping, "a container": in_a_container}


# ---- names that something is mounted on -------------------------------------------------------------------------

# Prints its mounts, whatever the names lead to in that moment, and tries what masks and read-only paths forbid.
WITNESS = """
    for i in 1 2 3 4 5 6 7 8 9; do
        cat /proc/self/mountinfo 2>/dev/null && break; cat /p2/self/mountinfo 2>/dev/null && break
    done
    for i in 1 2 3 4; do for p in /proc /p2; do
        (: >> $p/sys/kernel/core_pattern) 2>/dev/null && echo "core_pattern is open"
        [ -s $p/timer_list ] && [ -n "$(head -c 1 $p/timer_list 2>/dev/null)" ] && echo "timer_list is open"
    done; done
    true
"""


def mounts(text):
    """{(id, type, root): names below the first component}, and their parents."""
    found = []
    for left, right in (line.split(" - ") for line in text.splitlines() if " - " in line):
        number, parent, _, root, point = left.split()[:5]
        found.append((number, parent, right.split()[0], root, "/".join(point.split("/")[2:])))
    return found


def below(text, kind):
    """What is mounted in the file system of this type that is one of the root's directories: {names}, or None."""
    rows = mounts(text)
    tops = [number for number, _, each, root, rest in rows if each == kind and root == "/" and not rest]
    return {rest for _, parent, _, _, rest in rows if parent in tops} if tops else None


def victim(t):
    """A container whose root its neighbour may write: p2 lies there for what it needs."""
    bundle = t.bundle("sh", "-c", WITNESS).writable()
    (bundle.rootfs / "p2").mkdir()
    return bundle


def wrong_with(text, known):
    """The first thing that this container has and should not have, or the other way round."""
    opened = [line for line in text.splitlines() if line.endswith(" is open")]
    if opened:
        return opened[0]
    for kind, expected in known.items():
        seen = below(text, kind)
        if seen is not None and seen != expected:
            return f"{kind}: {sorted(expected ^ seen)}"
    return ""


def known_mounts(t, bundle):
    """What is there in peace."""
    text = started(t, bundle, "peace").exits(0).out
    known = {kind: below(text, kind) for kind in ("proc", "sysfs")}
    true(len(known["proc"]) > 5 and known["sysfs"], f"no masks in peace: {known}")
    equal(wrong_with(text, known), "", "in peace")
    return known


NAMES = [(f"{name}, from {place}", name, place) for name, place in
         [("proc", "the host"), ("proc", "a container"), ("sys", "the host"), ("dev", "the host")]]


@attacker("A3")
@parametrize("_, name, place", NAMES)
def test_E18_mount_points_are_exchanged(t, _, name, place):
    """/proc, /sys or /dev of the root changes places with an empty directory while a container is made: each that
    starts has every mask and read-only path on the file system that it belongs to."""
    bundle = victim(t)
    known = known_mounts(t, bundle)
    with ATTACKERS[place](t, bundle.rootfs, name, "p2"):
        under_attack(t, bundle, lambda text: wrong_with(text, known))


@attacker("A3")
@parametrize("_, name, __", NAMES)
def test_E18_harmless_mount_points_stay(t, _, name, __):
    """Renamed before and not meanwhile, the same root works."""
    bundle = victim(t)
    (bundle.rootfs / name).rename(bundle.rootfs / "kept")
    (bundle.rootfs / "p2").rename(bundle.rootfs / name)
    known_mounts(t, bundle)


# ---- the way to the root ----------------------------------------------------------------------------------------

WAYS = [("with pivot_root", False), ("with a hook", True)]


def two_roots(t, hook):
    """Two directories with a root each; the way to it is the first."""
    bundle = victim(t)
    for name in ("way", "p2"):
        (bundle.path / name).mkdir()
    shutil.copytree(bundle.rootfs, bundle.path / "p2/rootfs", symlinks=True)
    bundle.rootfs.rename(bundle.path / "way/rootfs")
    bundle.rootfs = bundle.path / "way/rootfs"
    bundle.edit(lambda config: config["root"].update(path="way/rootfs"))
    if hook:
        bundle.edit(lambda config: config.update(hooks={"createRuntime": [{"path": "/bin/true"}]}))
    return bundle


@attacker("A3")
@parametrize("_, hook", WAYS)
def test_E18_the_way_to_the_root_is_exchanged(t, _, hook):
    """A parent of the root changes places with another that has a root, too: a container has one of the two."""
    bundle = two_roots(t, hook)
    known = known_mounts(t, bundle)
    with swapping(t, bundle.path, "way", "p2"):
        under_attack(t, bundle, lambda text: wrong_with(text, known))


@attacker("A3")
@parametrize("_, hook", WAYS)
def test_E18_harmless_the_way_to_the_root_stays(t, _, hook):
    """It leads there in peace."""
    known_mounts(t, two_roots(t, hook))


# ---- in a volume ------------------------------------------------------------------------------------------------

VOLUMES = [("in a volume", "/vol/a", "a", "z"), ("the place of the volume", "/vol", "vol", "p2")]


def with_volume(t, way, first, second):
    """A volume (or the root itself) with two directories that look alike, one of which is masked and read-only."""
    bundle = victim(t).process(args=["sh", "-c", LOOKS])
    volume = t.host_folder("volume")
    inside = first != "vol"
    directories = [volume / first, volume / second] if inside else [volume]
    for each in directories:
        (each / "ro").mkdir(parents=True)
        (each / "m").mkdir()
        (each / "m/secret").touch()
    (bundle.rootfs / "vol").mkdir()
    bundle.add_mount("/vol", "bind", str(volume), "rbind")
    bundle.edit(lambda config: config["linux"]["readonlyPaths"].append(f"{way}/ro"))
    bundle.edit(lambda config: config["linux"]["maskedPaths"].append(f"{way}/m"))
    return bundle, (volume if inside else bundle.rootfs)


# A working directory stays the same one, whatever its name is by now.
LOOKS = """
    cat /proc/self/mountinfo
    for i in 1 2 3 4 5 6 7 8 9; do for d in /vol/a /vol/z /vol /p2; do (
        cd $d 2>/dev/null && [ -d m ] && [ -d ro ] || exit
        ro=shut m=shut
        (: > ro/made) 2>/dev/null && ro=open
        [ -e m/secret ] && m=open
        echo "look: ro is $ro, m is $m"
    ) done; done
    true
"""


def wrong_with_volume(text):
    """Both have to be there, and in one directory."""
    points = [line.split()[4] for line in text.splitlines() if " - " in line]
    there = sorted(point.rpartition("/")[2] for point in points if point.endswith(("/ro", "/m")))
    looks = {line for line in text.splitlines() if line.startswith("look: ")}
    halves = looks & {"look: ro is open, m is shut", "look: ro is shut, m is open"}
    return f"mounted: {there}" if there != ["m", "ro"] else ", ".join(sorted(halves))


@attacker("A3")
@parametrize("_, way, first, second", VOLUMES)
def test_E18_masked_directories_are_exchanged(t, _, way, first, second):
    """The directory of a masked and a read-only path is exchanged, or the one that the volume is mounted on: whoever
    starts has both, and in one directory."""
    bundle, directory = with_volume(t, way, first, second)
    with swapping(t, directory, first, second):
        under_attack(t, bundle, wrong_with_volume)


@attacker("A3")
@parametrize("_, way, first, second", VOLUMES)
def test_E18_harmless_masked_directories_stay(t, _, way, first, second):
    """In peace both are there."""
    bundle, _ = with_volume(t, way, first, second)
    text = started(t, bundle, "peace").exits(0).out
    equal(wrong_with_volume(text), "", "in peace")
    true({f"{way}/m", f"{way}/ro"} <= {line.split()[4] for line in text.splitlines() if " - " in line}, "where they are")
    true("look: ro is shut, m is shut" in text, "no look at them")


# ---- an overlay -------------------------------------------------------------------------------------------------

def layered(t):
    """A root of layers whose upper one a neighbour may write."""
    bundle = victim(t)
    layers = t.host_folder("layers")
    bundle.rootfs.rename(layers / "base")
    uppers = t.host_folder("uppers")
    for name in ("upper", "work"):
        (uppers / name).mkdir()
    for name in ("proc", "p2"):
        (uppers / "upper" / name).mkdir()
    values = {"lower": layers / "base", "upper": uppers / "upper", "work": uppers / "work"}
    bundle.edit(lambda config: config.update(annotations={
        f"run.bulkhead.overlay.{name}": str(path) for name, path in values.items()}))
    return bundle, uppers / "upper", ("--overlay-from", layers, "--overlay-upper-from", uppers)


@attacker("A3")
def test_E18_names_of_a_layer_are_exchanged(t):
    """The upper layer of an overlay is written to by a neighbour meanwhile."""
    if not t.bulkhead:
        return  # no control makes the overlay itself
    bundle, upper, flags = layered(t)
    text = started(t, bundle, "peace", flags).exits(0).out
    known = {kind: below(text, kind) for kind in ("proc", "sysfs")}
    with swapping(t, upper, "proc", "p2"):
        under_attack(t, bundle, lambda text: wrong_with(text, known), flags)


@attacker("A3")
def test_E18_harmless_names_of_a_layer_stay(t):
    """In peace the overlay has its masks."""
    if not t.bulkhead:
        return
    bundle, _, flags = layered(t)
    text = started(t, bundle, "peace", flags).exits(0).out
    true(len(below(text, "proc")) > 5, "no masks")
