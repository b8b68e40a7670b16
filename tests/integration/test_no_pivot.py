# SPDX-License-Identifier: Apache-2.0
"""--no-pivot: chroot, for hosts that run from an initramfs, without what such a host leaves lying below."""

from harness import absent, contains, equal, read_text
from marks import differs, parametrize

# A user namespace of its own may mount a procfs or sysfs only if its mount namespace shows a whole one already;
# the container's own is masked, so that can only be the host's.
NEW_TREE = {"procfs": "unshare -U -r -m -p -f mount -t proc proc /tmp && echo mounted",
            "sysfs": "unshare -U -r -m -n mount -t sysfs sysfs /tmp && echo mounted"}
BOB = {"uid": 1000, "gid": 1000}
CHROOT = {"capabilities": {kind: ["CAP_SYS_CHROOT"] for kind in ("bounding", "effective", "permitted")}}


def run(t, script, **process):
    bundle = t.bundle("sh", "-c", script, **process).add_mount("/tmp", "tmpfs", "tmpfs")
    return t.container(bundle=bundle).run("--no-pivot").ok()


def test_it_runs(t):
    """A container made without pivot_root runs, with the same root."""
    equal(run(t, "ls -A /; ls -A /..").out.split(),
          ["bin", "dev", "etc", "home", "proc", "root", "sys", "tmp"] * 2, "names")


def test_its_mounts_are_its_own(t):
    """mountinfo shows the container's mounts only, and the host's table stays as it was."""
    before = read_text("/proc/self/mountinfo")
    points = [line.split()[4] for line in run(t, "cat /proc/self/mountinfo").lines()]
    equal(points[0], "/", "the first mount point")
    equal(points.count("/proc"), 1, "mounts on /proc")
    equal(read_text("/proc/self/mountinfo"), before, "the host's mount table")


@parametrize("name", NEW_TREE)
def test_no_whole_kernel_tree_is_left(t, name):
    """Nobody in the container can mount a new procfs or sysfs without masks: none of the host's is in the namespace."""
    out = run(t, f"({NEW_TREE[name]}) 2>&1; true", user=BOB).out
    contains(out, "ermission denied", f"what mount says of {name}")


@parametrize("name", NEW_TREE)
def test_a_whole_one_would_be_found(t, name):
    """The same attempt succeeds where the container's own is not masked: it is the masks that stop it above."""
    bundle = t.bundle("sh", "-c", NEW_TREE[name], user=BOB).add_mount("/tmp", "tmpfs", "tmpfs")
    bundle.edit(lambda config: config["linux"].update(maskedPaths=[], readonlyPaths=[]))
    bundle.edit(lambda config: config.update(mounts=[
        mount if mount["destination"] != "/sys" else {**mount, "options": ["nosuid", "noexec", "nodev"]}
        for mount in config["mounts"] if mount["destination"] != "/sys/fs/cgroup"]))
    contains(t.container(bundle=bundle).run("--no-pivot").out, "mounted", f"what mount says of {name}")


def test_the_root_cannot_be_left(t):
    """The classic way out of a chroot ends at the container's root."""
    script = ("mkdir /tmp/a && exec 3< / && cd / && chroot /tmp/a /bin/true 2>/dev/null; "
              "cd /; for i in 1 2 3 4 5 6 7 8; do cd ..; done; ls -A . ./..")
    out = run(t, script, **CHROOT).out
    absent(out, "boot", "names")
    contains(out, "bin", "names")


def test_masks_are_there(t):
    """What is masked and read-only with pivot_root is so without."""
    equal(run(t, "wc -c < /proc/keys; (echo x > /proc/sys/kernel/domainname) 2>/dev/null || echo refused").out,
          "0\nrefused\n", "stdout")


@differs("runc has no such thing")
def test_the_steps_say_so(t):
    """explain shows chroot and which mounts go first."""
    bundle = t.bundle("true")
    out = t.runtime("explain", "--no-pivot", "--bundle", bundle.path, "x").ok().out
    contains(out, "change_root", "explain")
    contains(out, "/proc", "explain")
    absent(out, "pivot_root", "explain")
