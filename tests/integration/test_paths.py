# SPDX-License-Identifier: Apache-2.0
"""Masked and read-only paths: every one of the default document, read, written and mounted over.

Which of the paths exist depends on the kernel; a path that is not there must do no harm.
"""

import json
import os

import bundles
from harness import absent, contains, equal, true
from marks import parametrize

ADMIN = ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"]


def there(paths):
    return [path for path in paths if os.path.exists(path)]


def absent_here(paths):
    return [path for path in paths if not os.path.exists(path)]


def has_admin(t, script):
    """A container that may mount and ignore file modes, so that only the masks stand in its way."""
    box = t.shell(script)
    box.bundle.capabilities(bounding=ADMIN, effective=ADMIN, permitted=ADMIN)
    return box


@parametrize("path", there(bundles.MASKED_PATHS))
def test_masked_is_empty(t, path):
    """A masked file reads as nothing, a masked directory lists as nothing."""
    script = f"if [ -d {path} ]; then ls -A {path}; else cat {path}; fi"
    equal(t.shell(script).run().ok().out, "", "content")


@parametrize("path", there(bundles.MASKED_PATHS))
def test_masked_is_what_it_seems(t, path):
    """The mask is the container's null device, or an empty read-only tmpfs."""
    if os.path.isdir(path):
        lines = t.output("cat", "/proc/self/mountinfo").splitlines()
        mine = [line for line in lines if line.split()[4] == path]
        true(mine and " - tmpfs " in mine[-1], f"mounts on {path}: {mine}")
        true("ro" in mine[-1].split()[5].split(","), f"mask is writable: {mine}")
    else:
        equal(t.output("stat", "-c", "%F %t:%T", path).strip(), "character special file 1:3", "kind")


@parametrize("path", there(bundles.MASKED_PATHS))
def test_masked_takes_nothing(t, path):
    """What is written to a mask is gone; nothing can be made in it."""
    if os.path.isdir(path):
        true(has_admin(t, f"touch {path}/x").run().code != 0, f"{path}/x could be made")
    else:
        equal(has_admin(t, f"echo x > {path}; cat {path}").run().exits(0).out, "", "content")


@parametrize("path", there(bundles.MASKED_PATHS))
def test_masked_cannot_be_mounted_over(t, path):
    """Without CAP_SYS_ADMIN a mask is neither taken away nor mounted over."""
    result = t.shell(f"umount {path} && echo gone; mount -t tmpfs x {path} && echo over; true").run().exits(0)
    equal(result.out, "", "what worked")


@parametrize("path", there(bundles.READONLY_PATHS))
def test_readonly_refuses(t, path):
    """A read-only path refuses a new file or an opening for writing, even with every file right."""
    script = f"if [ -d {path} ]; then touch {path}/x; else : > {path}; fi"
    result = has_admin(t, script).run()
    true(result.code != 0, f"{path} could be written")
    contains(result.err, "Read-only file system" if os.path.isfile(path) else path, "stderr")


@parametrize("path", there(bundles.READONLY_PATHS))
def test_readonly_is_a_readonly_mount(t, path):
    """A read-only path is a mount of its own with the flag ro."""
    lines = t.output("cat", "/proc/self/mountinfo").splitlines()
    mine = [line.split() for line in lines if line.split()[4] == path]
    true(mine and "ro" in mine[-1][5].split(","), f"mounts on {path}: {mine}")


@parametrize("path", absent_here(bundles.MASKED_PATHS + bundles.READONLY_PATHS))
def test_is_not_made(t, path):
    """A path of the default document that this kernel does not have is absent inside, too."""
    equal(t.shell(f"test -e {path} && echo there; true").run().ok().out, "", "test -e")


def test_sysctl_cannot_be_written(t):
    """/proc/sys refuses a write of a value that the kernel would take."""
    result = has_admin(t, "echo 1 > /proc/sys/net/ipv4/ip_forward").run()
    true(result.code != 0, "a sysctl could be written")
    contains(result.err, "Read-only file system", "stderr")


def test_sysctl_can_be_read(t):
    """A read-only path stays readable."""
    equal(t.output("cat", "/proc/sys/kernel/hostname"), "bulkhead-it\n", "hostname")


def test_masks_of_own_choice(t):
    """maskedPaths may name files and directories of the root file system."""
    bundle = t.bundle("sh", "-c", "cat /etc/secret; ls /etc/hidden").program("etc/secret", "no", 0o644)
    bundle.program("etc/hidden/key", "no", 0o644)
    bundle.edit(lambda config: config["linux"].update(maskedPaths=["/etc/secret", "/etc/hidden"]))
    equal(t.container(bundle=bundle).run().ok().out, "", "content")


def test_readonly_paths_of_own_choice(t):
    """readonlyPaths may name a directory below a writable root."""
    bundle = t.bundle("sh", "-c", "touch /home/x && ! touch /home/bob/x").writable()
    bundle.edit(lambda config: config["linux"].update(readonlyPaths=["/home/bob"]))
    t.container(bundle=bundle).run().exits(0)


def test_missing_paths_do_no_harm(t):
    """A masked or read-only path that does not exist is passed over."""
    bundle = t.bundle("echo", "fine").edit(lambda config: config["linux"].update(
        maskedPaths=["/no/such/file", "/proc/no/such"], readonlyPaths=["/no/such/dir", "/sys/no"]))
    equal(t.container(bundle=bundle).run().ok().out, "fine\n", "stdout")


def test_no_paths_no_masks(t):
    """With empty lists nothing is masked."""
    bundle = t.bundle("cat", "/proc/self/mountinfo").edit(
        lambda config: config["linux"].update(maskedPaths=[], readonlyPaths=[]))
    out = t.container(bundle=bundle).run().ok().out
    absent(out, " /proc/sys ", "mountinfo")
    absent(out, " /proc/keys ", "mountinfo")


def test_masks_hold_under_a_writable_root(t):
    """Masks are the same when the root file system is writable."""
    bundle = t.bundle("sh", "-c", "cat /proc/keys; echo x > /proc/sys/kernel/domainname").writable()
    result = t.container(bundle=bundle).run()
    equal(result.out, "", "stdout")
    contains(result.err, "Read-only file system", "stderr")


def test_the_masked_file_is_not_the_hosts_null(t):
    """The mask's null device is the container's own, made in its /dev, not the host's node."""
    inside = t.output("stat", "-c", "%i %d", "/proc/keys", "/dev/null").split("\n")
    host = os.stat("/dev/null")
    equal(inside[0], inside[1], "mask and /dev/null")
    true(inside[0] != f"{host.st_ino} {host.st_dev}", "the mask is the host's /dev/null")


NEWER = {"/proc/interrupts", "/sys/devices/virtual/powercap"}  # runc 1.1.5 did not mask these yet


def test_the_spec_documents_paths_are_the_default_ones(t):
    """The document that `spec` writes masks at least what the harness's default document masks."""
    t.runtime("spec", cwd=t.scratch).ok()
    written = json.loads((t.scratch / "config.json").read_text())["linux"]
    missing = set(bundles.MASKED_PATHS) - set(written["maskedPaths"]) - (NEWER if t.control else set())
    equal(missing, set(), "not masked")
    equal(sorted(written["readonlyPaths"]), sorted(bundles.READONLY_PATHS), "readonlyPaths")
