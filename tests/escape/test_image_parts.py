# SPDX-License-Identifier: Apache-2.0
"""E82, E83: what an image says, and what it holds, before anything of it runs: labels that become annotations, and
files that are copied into memory."""

import os

from harness import absent, equal, true
from marks import attacker, differs, parametrize

PREFIX = "run.bulkhead.overlay."


# ---- labels that become annotations (as of CVE-2026-53488) ----------------------------------------------------------

def layered(t, upper, work, program=("sh", "-c", "echo mine > /mark; cat /mark")):
    """A root of a layer below a directory that is granted for reading, with the annotations of an image's label."""
    bundle = t.bundle(*program).writable()
    bundle.rootfs.rename(t.layers / "base")
    for name in ("proc", "sys", "dev"):
        (t.layers / "base" / name).mkdir(exist_ok=True)
    values = {"lower": t.layers / "base", "upper": upper, "work": work}
    bundle.edit(lambda config: config.update(annotations={PREFIX + name: str(path) for name, path in values.items()}))
    return bundle


def ground(t):
    """Directories of two tenants: layers that both may read, uppers of which each has its own."""
    t.layers, t.uppers = t.host_folder("layers"), t.host_folder("uppers")
    tenant = t.layers / "tenant"
    tenant.mkdir()
    (tenant / "mark").write_text("of the tenant\n")
    (t.layers / "work").mkdir()
    for name in ("upper", "work"):
        (t.uppers / name).mkdir()
    os.symlink("../layers/tenant", t.uppers / "link")
    return "--overlay-from", t.layers, "--overlay-upper-from", t.uppers


PLACES = {
    "a layer": lambda t: (t.layers / "tenant", t.layers / "work"),
    "a layer, and work where it may be": lambda t: (t.layers / "tenant", t.uppers / "work"),
    "work in a layer": lambda t: (t.uppers / "upper", t.layers / "tenant"),
    "a link to a layer": lambda t: (t.uppers / "link", t.uppers / "work"),
    "a way back": lambda t: (f"{t.uppers}/../layers/tenant", t.uppers / "work"),
}


@attacker("A1")
@differs("makes no overlay itself")
@parametrize("name", list(PLACES))
def test_E82_layer_of_a_tenant_is_written(t, name):
    """A label names a directory of layers, which the grant lets it read, as the place that is written to."""
    flags = ground(t)
    before = sorted(os.listdir(t.layers / "tenant"))
    bundle = layered(t, *PLACES[name](t))
    for given in (flags, flags[:2]):
        result = t.container(bundle=bundle).run(*given)
        true(result.code == 1 and f"/annotations/{PREFIX}" in result.err, f"not refused: {result}")
        absent(result.out, "mine", "stdout")
    equal((t.layers / "tenant/mark").read_text(), "of the tenant\n", "the tenant's layer")
    equal(sorted(os.listdir(t.layers / "tenant")), before, "names in the tenant's layer")


@attacker("A1")
@differs("makes no overlay itself")
@parametrize("_", list(PLACES)[:1])
def test_E82_harmless_upper_that_is_granted_is_written(t, _):
    """An upper directory below its own grant is written to, above the same layer."""
    flags = ground(t)
    equal(t.container(bundle=layered(t, t.uppers / "upper", t.uppers / "work")).run(*flags).exits(0).out, "mine\n", "stdout")
    equal((t.uppers / "upper/mark").read_text(), "mine\n", "the upper directory")


# ---- files that are copied into memory ------------------------------------------------------------------------------

def sparse(path, size):
    path.touch()
    os.truncate(path, size)


def deep(folder):
    """A hundred directories in each other: no name is longer than PATH_MAX, but the way is."""
    for _ in range(100):
        folder = folder / "d"
        folder.mkdir()


FILLS = {
    "a sparse file": lambda folder: sparse(folder / "huge", 1 << 40),
    "the largest size": lambda folder: sparse(folder / "huge", (1 << 44) - 4096),
    "depth": deep,
}


@attacker("A1")
@differs("has no limit but half of the host's memory, and it is the host that would be filled")
@parametrize("name", list(FILLS))
def test_E83_image_fills_the_memory(t, name):
    """What is below a tmpfs with tmpcopyup: it is copied by the runtime, before a process of the container runs."""
    bundle = t.bundle("true")
    (bundle.rootfs / "srv").mkdir()
    FILLS[name](bundle.rootfs / "srv")
    result = t.container(bundle=bundle.add_mount("/srv", "tmpfs", "tmpfs", "tmpcopyup")).run()
    true(result.code == 1 and "tmpcopyup copies at most 1024 MiB" in result.err, f"not refused: {result}")


TRAPS = ("fifo", "socket", "null")


@attacker("A1")
def test_E83_traps_are_not_opened(t):
    """A FIFO that nobody writes to, a socket, devices and links out among them: none is waited for, opened or copied."""
    bundle = t.bundle("sh", "-c", "ls /srv; cat /srv/out; true")
    srv = bundle.rootfs / "srv"
    srv.mkdir()
    os.mkfifo(srv / "fifo")
    os.mknod(srv / "socket", 0o140600)
    os.mknod(srv / "null", 0o20666, os.makedev(1, 5))
    os.symlink(t.can / "secret", srv / "out")
    result = t.container(bundle=bundle.add_mount("/srv", "tmpfs", "tmpfs", "tmpcopyup")).run()
    for trap in TRAPS:
        absent(result.out.split(), trap, "what was copied")
    true(result.code == 0 or not t.bulkhead, f"refused: {result}")


def copied(t, *options):
    """A small directory, copied."""
    bundle = t.bundle("sh", "-c", "cat /srv/file; readlink /srv/link; cat /srv/other")
    srv = bundle.rootfs / "srv"
    srv.mkdir()
    (srv / "file").write_text("text\n")
    os.link(srv / "file", srv / "other")
    os.symlink("file", srv / "link")
    out = t.container(bundle=bundle.add_mount("/srv", "tmpfs", "tmpfs", "tmpcopyup", *options)).run().exits(0).out
    equal(out, "text\nfile\ntext\n", "stdout")


@attacker("A1")
@parametrize("_", list(FILLS)[:1])
def test_E83_harmless_image_is_copied(t, _):
    """Files, a link and two names of one file are there, without a size and with one of the config's own."""
    copied(t)


@attacker("A1")
def test_E83_harmless_files_are_opened(t):
    """Without traps among them they are copied."""
    copied(t, "size=8m")
