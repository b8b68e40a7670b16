# SPDX-License-Identifier: Apache-2.0
"""E01 to E07: names of the image that lead out of it, below mount targets and what the runtime makes itself."""

import os

from harness import contains, equal, true
from marks import attacker, parametrize
from world import clear, link, mount_points, refused, strike, without_mounts

UP = "../" * 12


def dev_link(t, bundle, how):
    """rootfs/dev leads to the canary."""
    if how == "chain":
        link(bundle.rootfs / "step", t.can)
    link(bundle.rootfs / "dev", {"absolute": t.can, "relative": UP + str(t.can), "chain": "step"}[how])


DEV = [(f"{how}, {mounted}", how, mounted) for how in ("absolute", "relative", "chain")
       for mounted in ("tmpfs on /dev", "no /dev mount")]


def dev_bundle(t, mounted):
    bundle = t.bundle("sh", "-c", "echo x > /dev/null && echo started").writable()
    if mounted != "tmpfs on /dev":
        bundle.edit(lambda config: without_mounts(config, "/dev"))
    return bundle


@attacker("A1")
@parametrize("_, how, mounted", DEV)
def test_E01_dev_is_a_link(t, _, how, mounted):
    """rootfs/dev leads out (CVE-2026-47766, CVE-2026-41579): neither run nor create and start touch what is there."""
    bundle = dev_bundle(t, mounted)
    dev_link(t, bundle, how)
    strike(t, t.container(bundle=bundle))
    box = t.container(bundle=bundle)
    if box.create().code == 0:
        box.start()
        box.wait()


@attacker("A1")
@parametrize("_, how, mounted", DEV)
def test_E01_harmless_dev_is_a_directory(t, _, how, mounted):
    """A /dev that is a directory, or in the image not there at all, is filled."""
    bundle = dev_bundle(t, mounted)
    if how == "absolute" and mounted == "tmpfs on /dev":
        clear(bundle.rootfs / "dev")
    equal(t.container(bundle=bundle).run().exits(0).out, "started\n", "stdout")


PLACES = ["to a directory", "to the canary", "to itself", "to /proc/self/cwd", "a file", "a fifo"]


def spoil(t, bundle, name, how):
    """Puts something else where a directory is expected."""
    path = bundle.rootfs / name
    clear(path)
    if how == "a file":
        path.write_text("")
    elif how == "a fifo":
        os.mkfifo(path)
    else:
        path.symlink_to({"to a directory": "/tmp", "to the canary": str(t.can), "to itself": name,
                         "to /proc/self/cwd": "/proc/self/cwd"}[how])


def pseudo_file_system(t, name, kind, how):
    """Refused, or the real thing is at its place with its masks."""
    bundle = t.bundle("cat", "/proc/self/mountinfo")
    spoil(t, bundle, name, how)
    result = strike(t, t.container(bundle=bundle))
    if result.code == 0:
        points = mount_points(result.out)
        true((f"/{name}", kind, "/") in points, f"no {kind} on /{name}: {points}")
        masks = [path for path in bundle.config["linux"]["maskedPaths"] if path.startswith(f"/{name}/")]
        missing = {path for path in masks if os.path.exists(path)} - {point for point, *_ in points}
        equal(missing, set(), "masks that are not there")


@attacker("A1")
@parametrize("how", PLACES)
def test_E02_proc_is_something_else(t, how):
    """rootfs/proc is a link, a file or a fifo (CVE-2019-19921, CVE-2023-27561): no procfs elsewhere, no mask
    missing."""
    pseudo_file_system(t, "proc", "proc", how)


@attacker("A1")
@parametrize("_", PLACES[:1])
def test_E02_harmless_proc_is_missing(t, _):
    """An image without /proc gets one."""
    bundle = t.bundle("cat", "/proc/self/comm")
    clear(bundle.rootfs / "proc")
    equal(t.container(bundle=bundle).run().exits(0).out, "cat\n", "comm")


@attacker("A1")
@parametrize("how", PLACES)
def test_E03_sys_is_something_else(t, how):
    """The same for /sys."""
    pseudo_file_system(t, "sys", "sysfs", how)


@attacker("A1")
@parametrize("_", PLACES[:1])
def test_E03_harmless_sys_is_missing(t, _):
    """An image without /sys gets one."""
    bundle = t.bundle("ls", "/sys/kernel")
    clear(bundle.rootfs / "sys")
    t.container(bundle=bundle).run().exits(0)


def bound(t, bundle, destination, directory):
    """Adds a bind of a host file, or of a host directory with that file in it, as /shown or destination."""
    source = t.host_folder("source")
    (source / "word").write_text("bound\n")
    bundle.add_mount(destination, "bind", str(source if directory else source / "word"), "bind", "ro")


@attacker("A1")
@parametrize("how", ["absolute", "relative", "chain"])
def test_E04_target_file_is_a_link(t, how):
    """The target of a bind of a file is a link to a host file that does not exist: it is not made."""
    bundle = t.bundle("cat", "/lnk").writable()
    link(bundle.rootfs / "step", t.can / "new")
    link(bundle.rootfs / "lnk", {"absolute": t.can / "new", "relative": f"{UP}{t.can}/new", "chain": "step"}[how])
    bound(t, bundle, "/lnk", directory=False)
    result = strike(t, t.container(bundle=bundle))
    true(result.code != 0 or result.out == "bound\n", f"the bind went elsewhere: {result}")


@attacker("A1")
@parametrize("_", ["absolute"])
def test_E04_harmless_target_file_is_a_link_inside(t, _):
    """A target that is a link within the image works."""
    bundle = t.bundle("cat", "/etc/real").writable().program("etc/real", "image\n", 0o644)
    link(bundle.rootfs / "lnk", "/etc/real")
    bound(t, bundle, "/lnk", directory=False)
    equal(t.container(bundle=bundle).run().exits(0).out, "bound\n", "content")


@attacker("A1")
@parametrize("_, directory, destination", [("directory", True, "/lnk/x"), ("file", False, "/lnk/x"), ("deep", True,
                        "/lnk/a/b/c"),
                                           ("existing", True, "/lnk/inner")])
def test_E05_target_below_a_link(t, _, directory, destination):
    """A parent of the target is a link to a host directory: nothing is made or mounted there."""
    bundle = t.bundle("ls", "/").writable()
    link(bundle.rootfs / "lnk", t.can)
    bound(t, bundle, destination, directory)
    strike(t, t.container(bundle=bundle))


@attacker("A1")
@parametrize("_, directory, destination", [("directory", True, "/lnk/x"), ("file", False, "/lnk/x"), ("deep", True,
                        "/lnk/a/b/c"),
                                           ("existing", True, "/lnk/inner")])
def test_E05_harmless_target_below_a_link_inside(t, _, directory, destination):
    """A parent that is a link within the image works, as images with /var/run need."""
    bundle = t.bundle("cat", destination + ("/word" if directory else "")).writable()
    (bundle.rootfs / "real/inner").mkdir(parents=True)
    link(bundle.rootfs / "lnk", "/real")
    bound(t, bundle, destination, directory)
    equal(t.container(bundle=bundle).run().exits(0).out, "bound\n", "content")


DOTS = [("leading", UP + "{can}/x"), ("absolute", "/" + UP + "{can}/x"), ("inner", "/tmp/" + UP + "{can}/x"),
        ("through nothing", "/none/" + UP + "{can}/x"), ("300 deep", "/d" * 300), ("trailing slash", "/tmp/x/"),
        ("double slash", "//tmp//x"), ("single dots", "/./tmp/././x")]
NO_PLACE = [("only dots", "/" + UP), ("5000 bytes", "/" + "x" * 4999), ("long path", "/directory" * 420),
            ("root", "/"), ("dot", "/.")]


def bound_at(t, text):
    """A bundle with a bind at the destination, which is to print the file that it should find there."""
    destination = text.format(can=t.can)
    bundle = t.bundle("cat", os.path.normpath("/" + destination) + "/word").writable()
    bound(t, bundle, destination, directory=True)
    return t.container(bundle=bundle)


@attacker("A4")
@parametrize("_, text", DOTS)
def test_E06_destination_with_dots(t, _, text):
    """Destinations with dots, slashes or many levels end below the root."""
    result = strike(t, bound_at(t, text))
    true(result.code != 0 or result.out == "bound\n", f"the bind went elsewhere: {result}")


@attacker("A4")
@parametrize("_, text", DOTS)
def test_E06_harmless_destination_is_clamped(t, _, text):
    """They are not refused: dots are clamped at the root."""
    equal(bound_at(t, text).run().exits(0).out, "bound\n", "content")


@attacker("A4")
@parametrize("_, text", NO_PLACE)
def test_E06_destination_is_no_place(t, _, text):
    """The root itself, and what is too long for a path, is refused."""
    refused(t, bound_at(t, text).run())


@attacker("A4")
@parametrize("*_", NO_PLACE[:1])
def test_E06_harmless_destination_of_255_bytes(t, _):
    """The longest name there can be works."""
    equal(bound_at(t, "/" + "x" * 255).run().exits(0).out, "bound\n", "content")


WRITTEN = [".krun_config.json", ".krun_vm.json", "etc/hosts", "etc/resolv.conf", "etc/hostname", "etc/mtab",
           "etc/passwd", "run/.containerenv", ".dockerenv", "dev/console", ".bulkhead", "run/bulkhead"]
HANDLERS = {"run.oci.handler": "krun", "run.oci.keep_original_groups": "1", "module.wasm.image/variant": "compat",
            "io.katacontainers.config": "x", "krun.ram_mib": "64", "run.bulkhead.unknown": "1"}


@attacker("A1")
def test_E07_handlers_that_write(t):
    """Annotations that ask for handlers, and links at every name that a runtime has ever written in an image
    (CVE-2025-24965)."""
    bundle = t.bundle("true").writable()
    for name in WRITTEN:
        (bundle.rootfs / name).parent.mkdir(parents=True, exist_ok=True)
        link(bundle.rootfs / name, t.can / name.replace("/", "_"))
    bundle.edit(lambda config: config.update(annotations=HANDLERS))
    strike(t, t.container(bundle=bundle))


@attacker("A1")
def test_E07_harmless_handlers_without_links(t):
    """Unknown annotations are no reason to refuse."""
    bundle = t.bundle("echo", "fine").edit(lambda config: config.update(annotations={"some.thing": "else"}))
    contains(t.container(bundle=bundle).run().exits(0).out, "fine", "stdout")


@attacker("A1")
@parametrize("what", ["cwd", "masked path", "read-only path"])
def test_E05_other_paths_below_a_link(t, what):
    """cwd, maskedPaths and readonlyPaths below a link that leads out: nothing is made or mounted on the host."""
    bundle = t.bundle("true").writable()
    link(bundle.rootfs / "lnk", t.can)
    if what == "cwd":
        bundle.process(cwd="/lnk/made/here")
    else:
        key = "maskedPaths" if what == "masked path" else "readonlyPaths"
        bundle.edit(lambda config: config["linux"][key].extend(["/lnk/known", "/lnk/inner"]))
    strike(t, t.container(bundle=bundle))


@attacker("A1")
@parametrize("_", ["cwd"])
def test_E05_harmless_other_paths_below_a_link_inside(t, _):
    """A link that stays in the image leads to what is masked."""
    bundle = t.bundle("cat", "/real/secret", cwd="/lnk").writable().program("real/secret", "no\n", 0o644)
    link(bundle.rootfs / "lnk", "/real")
    bundle.edit(lambda config: config["linux"]["maskedPaths"].append("/lnk/secret"))
    equal(t.container(bundle=bundle).run().exits(0).out, "", "content")
