# SPDX-License-Identifier: Apache-2.0
"""Bundles: the default config.json as a value, and a busybox root file system that each run makes once."""

import json
import os
import pathlib
import shutil
import stat

BUSYBOX = "/usr/bin/busybox"
# The applets that the cases call. Every bundle links them; linking all of busybox would take longer than the containers.
APPLETS = """
    [ ash awk basename cat chmod chown chroot cp cut date dd df dirname dmesg du echo env expr fallocate false find free grep groups
    head hostname id ip kill less ln logname ls md5sum mkdir mkfifo mknod mktemp mount mv nc nproc nsenter od
    paste ping pivot_root printf ps pwd readlink realpath rm rmdir sed seq setpriv setsid sh sha256sum sleep sort
    stat stty su sync sysctl tail tar taskset tee test time timeout top touch tr true truncate tty umount uname uniq unlink
    unshare uptime usleep vi watch wc which who whoami xargs xz yes
""".split()
PATH_ENV = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEFAULT_CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
DEFAULT_NAMESPACES = ["pid", "network", "ipc", "uts", "mount", "cgroup"]
MASKED_PATHS = [
    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware",
    "/sys/devices/virtual/powercap", "/proc/scsi"]
READONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


def mount(destination, kind, source, *options):
    entry = {"destination": destination, "type": kind, "source": source}
    return {**entry, "options": list(options)} if options else entry


def default_mounts():
    return [
        mount("/proc", "proc", "proc"),
        mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
        mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620",
              "gid=5"),
        mount("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
        mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"),
        mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro"),
        mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", "ro"),
    ]


def default_process():
    return {
        "terminal": False,
        "user": {"uid": 0, "gid": 0},
        "args": ["sh"],
        "env": [PATH_ENV, "TERM=xterm"],
        "cwd": "/",
        "capabilities": {kind: list(DEFAULT_CAPABILITIES) for kind in ("bounding", "effective", "permitted")},
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
        "noNewPrivileges": True,
    }


def default_config():
    """The config.json of `RUNTIME spec`, but without a terminal."""
    return {
        "ociVersion": "1.0.2",
        "process": default_process(),
        "root": {"path": "rootfs", "readonly": True},
        "hostname": "bulkhead-it",
        "mounts": default_mounts(),
        "linux": {
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "namespaces": [{"type": kind} for kind in DEFAULT_NAMESPACES],
            "maskedPaths": list(MASKED_PATHS),
            "readonlyPaths": list(READONLY_PATHS),
        },
    }


def make_template(directory):
    """A root file system of one static program and the links to it."""
    for name in ("bin", "etc", "tmp", "root", "dev", "proc", "sys", "home/bob"):
        (directory / name).mkdir(parents=True)
    (directory / "tmp").chmod(0o1777)
    shutil.copy(BUSYBOX, directory / "bin/busybox")
    for applet in APPLETS:
        (directory / "bin" / applet).symlink_to("busybox")
    (directory / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000:Bob:/home/bob:/bin/sh\n")
    (directory / "etc/group").write_text("root:x:0:\nbob:x:1000:\n")


def copy_by_links(template, target):
    """Copies directories with their owners and modes, and hard-links the files in them."""
    for directory, _, names in os.walk(template):
        copy, status = os.path.join(target, os.path.relpath(directory, template)), os.stat(directory)
        os.makedirs(copy, exist_ok=True)
        os.chown(copy, status.st_uid, status.st_gid)
        os.chmod(copy, stat.S_IMODE(status.st_mode))
        for name in names:
            os.link(os.path.join(directory, name), os.path.join(copy, name), follow_symlinks=False)


class Bundle:
    """A directory with config.json and rootfs; a case may change both until the runtime reads them."""

    def __init__(self, directory, template):
        self.path = pathlib.Path(directory)
        self.rootfs = self.path / "rootfs"
        self.path.mkdir(parents=True)
        copy_by_links(template, self.rootfs)
        self.config = default_config()
        self.save()

    def save(self):
        (self.path / "config.json").write_text(json.dumps(self.config))

    def edit(self, change):
        """bundle.edit(lambda config: config["process"].update(cwd="/tmp"))"""
        change(self.config)
        self.save()
        return self

    def process(self, **properties):
        return self.edit(lambda config: config["process"].update(properties))

    def add_mount(self, *arguments):
        return self.edit(lambda config: config["mounts"].append(mount(*arguments)))

    def env(self, *entries):
        return self.process(env=[PATH_ENV, *entries])

    def namespaces(self, *kinds):
        return self.edit(lambda config: config["linux"].update(namespaces=[{"type": kind} for kind in kinds]))

    def without_namespace(self, *absent):
        return self.namespaces(*[kind for kind in DEFAULT_NAMESPACES if kind not in absent])

    def capabilities(self, **sets):
        """Replaces the sets; a set that is not named is absent."""
        return self.process(capabilities=dict(sets.items()))

    def writable(self):
        return self.edit(lambda config: config["root"].update(readonly=False))

    def program(self, name, text, mode=0o755):
        """Writes a file into the root file system, never through a link to the template."""
        target = self.rootfs / name.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.write_text(text)
        os.chmod(target, mode)
        return self
