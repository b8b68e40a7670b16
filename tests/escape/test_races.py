# SPDX-License-Identifier: Apache-2.0
"""E19 and E20: a neighbour exchanges names of a shared volume while a container with mounts below it is made."""

import contextlib
import os
import subprocess

import pytest

from harness import Failure, equal, true
from marks import attacker, parametrize
from world import ended_well, link, mount_points

ROUNDS = 100, 3000, 60


@contextlib.contextmanager
def swapping(t, directory, first, second):
    """Two names change places all the time."""
    command = [str(t.built("swapper")), str(directory), first, second]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        try:
            yield
        finally:
            swaps = child.poll() is None
            child.kill()
            child.wait()
    true(swaps, "the attacker has stopped by itself")


def volume_with(t, target):
    """A volume with a directory `a` and a link `s`."""
    volume = t.host_folder("volume")
    (volume / "a").mkdir()
    link(volume / "s", target)
    return volume


def rounds(t, volume, attempt):
    """Runs attempt(number) often under attack, and notes how many starts it cost."""
    failed, count, last = 0, t.rounds(*ROUNDS), ""
    with swapping(t, volume, "a", "s"):
        for number in range(count):
            result = ended_well(t, attempt(number))
            failed, last = (failed + 1, result.err) if result.code != 0 else (failed, last)
            if t.can.changes():
                raise Failure(f"in round {number}")
    true(failed < count, f"every start failed, the last with {last!r}")
    t.note(f"{failed} of {count} starts failed" + (f", the last with {last.strip()!r}" if last else ""))


def run_once(t, bundle, number):
    bundle.save()
    return t.runtime("run", "--bundle", bundle.path, f"{t.prefix}-{number}")


KINDS = [("directory", True), ("file", False)]


@attacker("A3")
@pytest.mark.timeout(600)
@parametrize("_, directory", KINDS)
def test_E19_target_is_made_in_a_race(t, _, directory):
    """Targets below /vol/a are made while `a` becomes a link to the host and back (CVE-2024-45310): never there."""
    volume = volume_with(t, t.can)
    source = t.host_folder("source")
    (source / "file").write_text("")
    bundle = t.bundle("true").writable().add_mount("/vol", "bind", str(volume), "rbind")
    bundle.add_mount("/vol/a", "bind", str(source), "bind")
    (bundle.rootfs / str(t.can).lstrip("/")).mkdir(parents=True)  # so that the link leads somewhere in the image, too

    def attempt(number):
        bundle.config["mounts"][-1].update(destination=f"/vol/a/b{number}" + ("/c" if directory else ""),
                                           source=str(source if directory else source / "file"))
        return run_once(t, bundle, number)
    rounds(t, volume, attempt)


@attacker("A3")
@pytest.mark.timeout(600)
@parametrize("_, directory", KINDS)
def test_E19_harmless_target_is_made_in_peace(t, _, directory):
    """Without the neighbour the target is made in the volume and mounted."""
    volume = volume_with(t, t.can)
    source = t.host_folder("source")
    (source / "file").write_text("bound\n")
    way = "/vol/a/b/c" if directory else "/vol/a/f"
    bundle = t.bundle("cat", way + ("/file" if directory else "")).writable()
    bundle.add_mount("/vol", "bind", str(volume), "rbind")
    bundle.add_mount(way, "bind", str(source if directory else source / "file"), "bind")
    equal(t.container(bundle=bundle).run().exits(0).out, "bound\n", "content")


ENDS = ["/", "../../..", "/proc"]


@attacker("A3")
@pytest.mark.timeout(600)
@parametrize("end", ENDS)
def test_E20_target_is_reached_in_a_race(t, end):
    """Mounts below /vol/a are made while `a` becomes a link to "/" and back (CVE-2021-30465): they end in the
    container, at one of the two places that the names had, and nothing of the host is in it."""
    volume = volume_with(t, end)
    (volume / "a/t").mkdir()
    name = f"t{os.getpid()}"
    bundle = t.bundle("sh", "-c", "cat /proc/self/mountinfo; ls /").writable()
    bundle.add_mount("/vol", "bind", str(volume), "rbind")
    bundle.add_mount(f"/vol/a/{name}", "tmpfs", "tmpfs")
    bundle.add_mount(f"/vol/a/{name}b", "bind", str(t.host_folder("source")), "rbind")
    inside = end.rstrip("/") if end.startswith("/") else ""
    allowed = {f"{place}/{name}{tail}" for place in ("/vol/a", "/vol/s", inside) for tail in ("", "b")}

    def attempt(number):
        result = run_once(t, bundle, number)
        if result.code == 0:
            look(result, bundle, allowed, {os.path.basename(path) for path in allowed})
        return result
    rounds(t, volume, attempt)
    true(not os.path.lexists(f"/{name}") and not os.path.lexists(f"/etc/{name}"), "made on the host")


def look(result, bundle, allowed, made):
    """Mount points are those of the config, the masks, or where the names led; "/" shows the image."""
    lines = [line for line in result.out.splitlines() if " - " in line]
    config = {entry["destination"] for entry in bundle.config["mounts"]}
    paths = {*bundle.config["linux"]["maskedPaths"], *bundle.config["linux"]["readonlyPaths"], "/", "/dev/console"}
    strange = {point for point, *_ in mount_points("\n".join(lines))} - config - paths - allowed
    equal(strange, set(), "strange mount points")
    names = {line for line in result.out.splitlines() if " - " not in line}
    equal(names - {"bin", "dev", "etc", "home", "proc", "root", "sys", "tmp", "vol"} - made, set(),
          "strange names in /")


@attacker("A3")
@pytest.mark.timeout(600)
@parametrize("_", ENDS[:1])
def test_E20_harmless_target_is_reached_in_peace(t, _):
    """Without the neighbour both mounts are where they should be."""
    volume = volume_with(t, "/")
    bundle = t.bundle("cat", "/proc/self/mountinfo").writable().add_mount("/vol", "bind", str(volume), "rbind")
    bundle.add_mount("/vol/a/t", "tmpfs", "tmpfs").add_mount("/vol/a/b", "bind", str(t.host_folder("source")), "rbind")
    points = {point for point, *_ in mount_points(t.container(bundle=bundle).run().exits(0).out)}
    equal({"/vol", "/vol/a/t", "/vol/a/b"} - points, set(), "missing mounts")
