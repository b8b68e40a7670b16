# SPDX-License-Identifier: Apache-2.0
"""E14 and E24 to E27: procfs and sysfs, their masks, what may be mounted there, sysctls."""

import os

import bundles
from harness import equal, read_text, true
from marks import attacker, parametrize
from world import HOST_TEXTS, refused, strike

MASKS = [path for path in bundles.MASKED_PATHS if os.path.exists(path)]
NEAR_ROOT = ["CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_CHOWN", "CAP_FOWNER", "CAP_SETUID", "CAP_SETGID",
             "CAP_MKNOD",
             "CAP_NET_ADMIN", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_SYSLOG",
             "CAP_SETFCAP"]  # what engines give at most, without SYS_ADMIN
# Prints a line for each way that worked. $1 is the masked path.
UNMASK = """
read_it() { if [ -d "$1" ]; then ls -A "$1" 2>/dev/null; else head -c 100 "$1" 2>/dev/null; fi; }
seen() { [ -n "$(read_it "$2")" ] && echo "$1: $(read_it "$2" | head -n 1)"; }
seen plainly "$1"
for way in /proc/self/root /proc/1/root /proc/1/cwd /proc/self/task/self/root; do seen "$way" "$way$1"; done
if [ -d "$1" ]; then touch "$1/made" 2>/dev/null && echo made; else echo x > "$1"; seen written "$1"; fi
umount "$1" 2>/dev/null && echo umount
mount -o bind /etc "$1" 2>/dev/null && echo bind over
mount -o bind "$1" /tmp/there 2>/dev/null && echo bind from
rm -rf "$1" 2>/dev/null && echo removed
mv "$1" /tmp/moved 2>/dev/null && echo moved
chmod 777 "$1" 2>/dev/null && [ -d "$1" ] && echo chmod
unshare -Urm sh -c 'umount "$1" 2>/dev/null && echo "umount in a user namespace"' sh "$1" 2>/dev/null
unshare -Urm sh -c 'mount -o bind /proc /tmp/there 2>/dev/null && echo "a bind without the masks"' 2>/dev/null
unshare -Urmpf sh -c 'mount -t proc proc /tmp/there 2>/dev/null && echo "a proc of its own"' 2>/dev/null
unshare -Urmn sh -c 'mount -t sysfs sysfs /tmp/there 2>/dev/null && echo "a sysfs of its own"' 2>/dev/null
echo end
"""


def mask_box(t, path):
    bundle = t.bundle("sh", "-c", UNMASK, "sh", path)
    bundle.capabilities(**{kind: NEAR_ROOT for kind in ("bounding", "effective", "permitted")})
    bundle.add_mount("/tmp", "tmpfs", "tmpfs", "mode=1777")
    (bundle.rootfs / "tmp/there").mkdir(exist_ok=True)
    script = bundle.config["process"]["args"]
    script[2] = "mkdir /tmp/there\n" + script[2]
    return t.container(bundle=bundle.process(args=script))


@attacker("A2")
@parametrize("path", MASKS)
def test_E14_mask_is_lifted(t, path):
    """Root with many capabilities, though not SYS_ADMIN, tries to see behind a mask: through /proc/*/root, by writing,
    unmounting and binding, and with a procfs of its own in a user namespace of its own."""
    result = strike(t, mask_box(t, path))
    equal([line for line in result.lines() if not (line == "made" and not os.path.isdir(path))], ["end"],
          "ways that work")


@attacker("A2")
@parametrize("_", MASKS[:1])
def test_E14_harmless_no_mask_no_wall(t, _):
    """What is not masked is seen by those ways, and a procfs of one's own is possible where nothing is masked."""
    box = mask_box(t, "/proc/version")
    box.bundle.edit(lambda config: config["linux"].update(maskedPaths=[], readonlyPaths=[]))
    lines = box.run().exits(0).lines()
    ways = {line.split(":")[0] for line in lines}
    equal({"plainly", "/proc/self/root", "/proc/1/root"} - ways, set(), "ways that should work")
    true("a proc of its own" in ways, f"no procfs of its own: {lines}")


OVER_PROC = [("self/attr", "/proc/self/attr", "dir"), ("self", "/proc/self", "dir"), ("1", "/proc/1", "dir"),
             ("1/fd", "/proc/1/fd", "dir"), ("sys", "/proc/sys", "dir"), ("sys/kernel", "/proc/sys/kernel", "dir"),
             ("the whole", "/proc", "dir"), ("the whole by a part of procfs", "/proc", "/proc/1"),
             ("the whole by /proc/sys", "/proc", "/proc/sys"), ("dots", "/tmp/../proc/self/attr", "dir"),
             ("through a link", "/way/self/attr", "dir"), ("self/status", "/proc/self/status", "file"),
             ("sysrq", "/proc/sysrq-trigger", "file"), ("tmpfs on sys", "/proc/sys", "tmpfs"),
             ("tmpfs", "/proc/1", "tmpfs"), ("keys", "/proc/keys", "file")]


@attacker("A4")
@parametrize("_, destination, what", OVER_PROC)
def test_E24_mount_below_proc(t, _, destination, what):
    """A mount over /proc or below it, which would hide what labels and checks are made with (CVE-2019-16884), is
    refused."""
    bundle = t.bundle("true")
    (bundle.rootfs / "way").symlink_to("/proc")
    if what == "tmpfs":
        bundle.add_mount(destination, "tmpfs", "tmpfs")
    else:
        source = t.host_folder("source")
        (source / "file").write_text("")
        bundle.add_mount(destination, "bind", {"dir": str(source), "file": f"{source}/file"}.get(what, what), "rbind")
    refused(t, t.container(bundle=bundle).run())


@attacker("A4")
@parametrize("*_", OVER_PROC[:1])
def test_E24_harmless_mount_for_lxcfs(t, _):
    """The files that lxcfs provides may be mounted."""
    bundle = t.bundle("cat", "/proc/uptime", "/proc/meminfo")
    source = t.host_folder("source")
    for name in ("uptime", "meminfo"):
        (source / name).write_text(f"{name} of lxcfs\n")
        bundle.add_mount(f"/proc/{name}", "bind", str(source / name), "bind", "ro")
    equal(t.container(bundle=bundle).run().exits(0).out, "uptime of lxcfs\nmeminfo of lxcfs\n", "content")


HARMLESS = {"kernel.core_pattern": "/proc/sys/kernel/core_pattern", "kernel.hostname": "/proc/sys/kernel/hostname",
            "net.ipv4.ip_forward": "/proc/sys/net/ipv4/ip_forward"}
SYSCTLS = [("dots", "net/../kernel/hostname", "owned"), ("dotted dots", "net....kernel.hostname", "owned"),
           ("fs.mqueue", "fs.mqueue/../../kernel/core_pattern", "owned"),
           ("slash first", "/net/ipv4/ip_forward", "1"), ("dot first", ".net.ipv4.ip_forward", "1"),
           ("double dot", "net..ipv4.ip_forward", "1"), ("only a prefix", "net.", "1"), ("empty", "", "1"),
           ("core_pattern", "kernel.core_pattern", "|/owned"), ("modprobe", "kernel.modprobe", "/owned"),
           ("hostname", "kernel.hostname", "owned"), ("vm", "vm.overcommit_memory", "1"),
           ("kernel", "kernel.panic", "1"), ("newline in the key", "net.ipv4.ip_forward\nkernel.core_pattern", "1"),
           ("NUL in the key", "net.ipv4.ip_forward\0x", "1"),
           ("newline in the value", "net.ipv4.ip_local_port_range", "1\n2"),
           ("NUL in the value", "net.ipv4.ip_forward", "1\0"), ("blank", "net.ipv4.ip_forward ", "1"),
           ("upper case", "KERNEL.msgmax", "1"), ("ipc prefix", "kernel.msgmaxx", "1"),
           ("shm prefix", "kernel.shm_rmid", "1"), ("star", "net.ipv4.*", "1"),
           ("plus ", "net.ipv4.conf.all+forwarding=1 kernel.core_pattern", "x")]


def sysctl_bundle(t, key, value, *args):
    return t.bundle(*args).edit(lambda config: config["linux"].update(sysctl={key: value}))


@attacker("A4")
@parametrize("_, key, value", SYSCTLS)
def test_E25_sysctl_key(t, _, key, value):
    """A sysctl that is not of the container's own namespaces, or a key or value that smuggles another
    (CVE-2022-0811)."""
    refused(t, t.container(bundle=sysctl_bundle(t, key, value, "true")).run())


@attacker("A4")
@parametrize("*_", SYSCTLS[:1])
def test_E25_harmless_sysctl_of_its_own(t, _):
    """Sysctls of the container's own namespaces are set, in both ways to write them."""
    bundle = t.bundle("cat", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/kernel/msgmax", "/proc/sys/kernel/domainname")
    wanted = {"net.ipv4.ip_forward": "1", "kernel.msgmax": "4242", "kernel.domainname": "box"}
    bundle.edit(lambda config: config["linux"].update(sysctl=wanted))
    equal(t.container(bundle=bundle).run().exits(0).out, "1\n4242\nbox\n", "values")


NOT_OWN = [("net.ipv4.ip_forward", "network"), ("kernel.msgmax", "ipc"), ("fs.mqueue.msg_max", "ipc"),
           ("kernel.domainname", "uts"), ("net/ipv4/ip_forward", "network")]


@attacker("A4")
@parametrize("key, kind", NOT_OWN)
def test_E25_sysctl_of_the_host(t, key, kind):
    """A sysctl of a namespace that the container shares with the host is refused."""
    bundle = sysctl_bundle(t, key, "1", "true").without_namespace(kind)
    if kind == "uts":
        bundle.edit(lambda config: config.pop("hostname"))
    refused(t, t.container(bundle=bundle).run())


@attacker("A4")
@parametrize("key, kind", NOT_OWN)
def test_E25_harmless_sysctl_of_the_container(t, key, kind):
    """The same key with the namespace is set."""
    del kind
    path = "/proc/sys/" + key.replace(".", "/")
    equal(t.container(bundle=sysctl_bundle(t, key, "1", "cat", path)).run().exits(0).out, "1\n", key)


@attacker("A4")
def test_E25_sysctl_of_a_joined_host_namespace(t):
    """A network namespace that is joined by path and is the host's: its sysctls are the host's."""
    bundle = sysctl_bundle(t, "net.ipv4.ip_forward", "1", "true").without_namespace("network")
    bundle.edit(lambda config: config["linux"]["namespaces"].append({"type": "network", "path": "/proc/self/ns/net"}))
    refused(t, t.container(bundle=bundle).run())


@attacker("A4")
def test_E25_harmless_joined_network(t):
    """A network namespace can be joined by path."""
    bundle = t.bundle("readlink", "/proc/self/ns/net").without_namespace("network")
    bundle.edit(lambda config: config["linux"]["namespaces"].append({"type": "network", "path": "/proc/self/ns/net"}))
    equal(t.container(bundle=bundle).run().exits(0).out.strip(), os.readlink("/proc/self/ns/net"), "namespace")


# Files that make the kernel do something on the host. What is written is what is there already, or asks for help only.
UPCALLS = [*HOST_TEXTS[:2], "/proc/sys/fs/binfmt_misc/register", "/proc/sysrq-trigger", "/sys/kernel/uevent_helper",
           "/sys/kernel/debug/sched_features", "/sys/kernel/security/x", "/proc/sys/kernel/hotplug",
           "/sys/power/state", "/proc/sys/vm/drop_caches", "/proc/acpi/call", "/proc/mtrr",
           "/sys/fs/cgroup/release_agent", "/proc/kcore", "/sys/firmware/efi/vars/new_var", "/proc/timer_stats",
           "/proc/irq/default_smp_affinity", "/proc/scsi/scsi"]
WRITE = 'if { cat "$2" > "$1"; } 2>/dev/null; then echo wrote; fi; echo end'


def harmless_text(path):
    """What may be written to the file even if the attack works."""
    if path == "/proc/sysrq-trigger":
        return "h"
    return read_text(path) if path in HOST_TEXTS and os.path.exists(path) else ""


@attacker("A2")
@parametrize("path", UPCALLS)
def test_E26_upcall_file_is_written(t, path):
    """Root with many capabilities cannot open for writing what makes the kernel run something on the host."""
    bundle = t.bundle("sh", "-c", WRITE, "sh", path, "/etc/text").program("etc/text", harmless_text(path), 0o644)
    bundle.capabilities(**{kind: NEAR_ROOT for kind in ("bounding", "effective", "permitted")})
    result = strike(t, t.container(bundle=bundle))
    masked = os.path.exists(path) and path in bundles.MASKED_PATHS  # those take everything and forget it
    equal(result.lines(), [*(["wrote"] if masked else []), "end"], "what worked")


@attacker("A2")
@parametrize("_", UPCALLS[:1])
def test_E26_harmless_own_file_is_written(t, _):
    """A file of procfs that is the process's own can be written."""
    bundle = t.bundle("sh", "-c", WRITE, "sh", "/proc/self/oom_score_adj", "/etc/text").program("etc/text", "500",
                                                                                                0o644)
    equal(t.container(bundle=bundle).run().exits(0).lines(), ["wrote", "end"], "what worked")


OWN = """mkdir /tmp/p
unshare -Urmpf sh -c 'mount -t proc proc /tmp/p && echo proc' 2>/dev/null
unshare -Urmn sh -c 'mount -t sysfs sysfs /tmp/p && echo sysfs' 2>/dev/null
unshare -Urm sh -c 'umount /proc/keys && echo umount; umount /proc/sys && echo umount' 2>/dev/null
unshare -Urm sh -c 'mount -o bind /proc /tmp/p && cat /tmp/p/keys && echo bind' 2>/dev/null
echo end"""


def user_bundle(t, *args):
    """A container that is root in a user namespace, without SYS_ADMIN over it, as engines make them."""
    bundle = t.bundle(*args).add_mount("/tmp", "tmpfs", "tmpfs", "mode=1777")
    bundle.capabilities(**{kind: NEAR_ROOT for kind in ("bounding", "effective", "permitted")})
    mapping = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    bundle.edit(lambda config: config["linux"]["namespaces"].append({"type": "user"}))
    bundle.edit(lambda config: config["linux"].update(uidMappings=mapping, gidMappings=mapping))
    for directory in (t.scratch, t.scratch.parent, bundle.path):
        directory.chmod(0o755)
    return bundle


@attacker("A2")
def test_E27_nested_proc(t):
    """From a container with a user namespace, in a further one: a procfs or sysfs of one's own would have no masks.
    The kernel refuses, because masks are there, and locked."""
    equal(strike(t, t.container(bundle=user_bundle(t, "sh", "-c", OWN))).lines(), ["end"], "what worked")


@attacker("A2")
def test_E27_harmless_nested_proc_without_masks(t):
    """Where nothing is masked, a procfs of one's own works: it is the masks that the kernel looks at."""
    bundle = user_bundle(t, "sh", "-c", OWN).edit(lambda config: config["linux"].update(maskedPaths=[],
                                                                                        readonlyPaths=[]))
    true("proc" in t.container(bundle=bundle).run().exits(0).lines(), "no procfs")
