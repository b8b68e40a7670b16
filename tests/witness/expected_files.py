# SPDX-License-Identifier: Apache-2.0
"""Directories, devices and single paths, as the probe has to see them."""

import os
import posixpath
import stat

import facts as host_facts
from creds import NOBODY, Node
from expected_mounts import DEVICES

DIRECTORIES = ["/", "/dev", "/dev/mqueue", "/dev/pts", "/dev/shm", "/proc", "/sys", "/sys/fs/cgroup", "/tmp"]
PATHS = ["/proc/acpi", "/proc/asound", "/proc/bus", "/proc/fs", "/proc/interrupts", "/proc/irq", "/proc/kcore",
         "/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/sys", "/proc/sysrq-trigger",
         "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware"]
# runtime-linux.md, "Dev symbolic links", and config-linux.md for ptmx
LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
         "ptmx": "pts/ptmx"}
TMPFILE = {"tmpfs"}  # the kernel's file systems that know O_TMPFILE
# The rules that are always there (runc): `m` for all, and these may be opened. Numbers, -1 for all minors.
ALWAYS_OPEN = {(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2), (136, -1), (10, 200)}


def tell(expectation):
    expectation.say("cwd", expectation.process.get("cwd", "/"))
    expectation.say("root.above", "itself")
    view = View(expectation)
    view.directory("cwd", expectation.process.get("cwd", "/"))
    for path in DIRECTORIES:
        view.directory(path, path)
    view.devices()
    for path in PATHS + expectation.how["paths"]:
        view.path(path)


class View:
    def __init__(self, expectation):
        self.expectation, self.table = expectation, expectation.table
        self.config, self.who = expectation.config, expectation.credentials
        self.made = {}  # directories that the runtime makes on the way: path -> mode

    def owner(self, uid, gid):
        """An id of the machine as the container sees it."""
        shown = []
        for number, kind in ((uid, "uid"), (gid, "gid")):
            maps = self.config["linux"].get(f"{kind}Mappings")
            inside = [each["containerID"] + number - each["hostID"] for each in maps or []
                      if each["hostID"] <= number < each["hostID"] + each["size"]]
            shown.append(number if not maps else inside[0] if inside else NOBODY)
        return tuple(shown)

    def node_at(self, path):
        """Node of a directory, or None: a mount's root, or what the host sees there."""
        mount = self.table.at(path)
        if mount.point == path and not mount.host_path:
            if mount.kind == "cgroup2" and "cgroup" in self.expectation.own and "ro" not in mount.flags:
                return Node(mount.mode, self.who.uid, self.owner(0, 0)[1])  # config-linux.md, "Cgroup ownership"
            of_the_machine = mount.kind in ("proc", "sysfs", "cgroup2")
            return Node(mount.mode, *(self.owner(0, 0) if of_the_machine else mount.owner))
        backing = self.table.backing(path)
        status = self.table.facts.node(backing) if backing else None
        if status:
            uid, gid = self.owner(status.st_uid, status.st_gid)
            return Node(host_facts.mode_of(status), uid, gid)
        made = [mount.point for mount in self.table.list] + [self.config["process"].get("cwd", "/")]
        return Node(0o755, 0, 0) if any(each == path or each.startswith(path + "/") for each in made) else None

    def create(self, path, node):
        """open(2), O_TMPFILE: a read-only mount first, then permission, then what the file system can."""
        mount = self.table.at(path)
        if "ro" in mount.flags or mount.super.split(",")[0] == "ro":
            return "EROFS"
        if not self.who.may(node, 2 | 1):
            return "EACCES"
        if mount.host_path:
            return "ok" if self.table.facts.supports_tmpfile(mount.host_path) else "EOPNOTSUPP"
        return "ok" if mount.kind in TMPFILE else "EOPNOTSUPP"

    def directory(self, key, path):
        node = self.node_at(path)
        if node is None:
            self.expectation.say(f"directory.{key}", "ENOENT")
            return
        what = "mount" if self.table.is_mount(path) else "part"
        self.expectation.say(f"directory.{key}", f"mode {node.mode:04o} owner {node.uid}:{node.gid} {what} "
                                                 f"create {self.create(path, node)}")

    def may_open(self, kind, major, minor):
        """The device rules of config.json in their order, then those that are always there."""
        rules = (self.config["linux"].get("resources") or {}).get("devices") or []
        if (major, minor) in ALWAYS_OPEN or (major, -1) in ALWAYS_OPEN:
            return True
        allowed = False  # runc denies what nothing allows
        for rule in rules:
            if rule.get("type", "a") in ("a", kind) and rule.get("major") in (None, -1, major) \
                    and rule.get("minor") in (None, -1, minor) and {"r", "w"} & set(rule.get("access", "rwm")):
                allowed = rule["allow"]
        return allowed

    def opens(self, kind, major, minor, node):
        if not self.who.may(node, 4 | 2):
            return "EACCES"
        if not self.may_open(kind, major, minor):
            return "EPERM"
        if (major, minor) == (5, 0):
            return "ok" if self.config["process"].get("terminal") else "ENXIO"
        return "ok" if self.table.facts.device_exists(kind, major, minor) or major in (5, 136) else "ENXIO"

    def device(self, kind, major, minor, node):
        name = {"c": "char", "u": "char", "b": "block"}[kind]
        return (f"{name} {major}:{minor} mode {node.mode:04o} owner {node.uid}:{node.gid} "
                f"open {self.opens('b' if kind == 'b' else 'c', major, minor, node)}")

    def devices(self):
        links = LINKS | ({"core": "/proc/kcore"} if self.table.facts.node("/proc/kcore") else {})  # as runc
        found = {f"/dev/{name}": f"link {target}" for name, target in links.items()
                 if self.expectation.proc or not target.startswith("/proc/")}
        owner = (0, 0) if self.who.host_root else (NOBODY, NOBODY)  # nodes of the host, bound
        for name, number in DEVICES.items():
            found[f"/dev/{name}"] = self.device("c", *number, Node(0o666, *owner))
        for entry in self.config["linux"].get("devices") or []:
            self.asked_for(entry, found)
        uid = self.expectation.user.get("uid", 0)
        for mount in self.table.list:
            self.below(mount, found, uid)
        for path in sorted(found, key=lambda each: each.split("/")):
            self.expectation.say(f"node.{path}", found[path])

    def asked_for(self, entry, found):
        mode, uid, gid = entry.get("fileMode", 0o666), entry.get("uid", 0), entry.get("gid", 0)
        bound = self.table.at(entry["path"])
        if bound.point == entry["path"]:  # a node of the host: its owner and mode are the host's
            status = self.table.facts.node(entry["path"])
            mode, (uid, gid) = host_facts.mode_of(status), self.owner(status.st_uid, status.st_gid)
        parent = posixpath.dirname(entry["path"])
        if parent != "/dev":
            found[parent] = "directory mode 0755 owner 0:0"
        if entry["type"] == "p":
            found[entry["path"]] = f"pipe mode {mode:04o} owner {uid}:{gid}"
        else:
            found[entry["path"]] = self.device(entry["type"], entry["major"], entry["minor"], Node(mode, uid, gid))

    def below(self, mount, found, uid):
        """The mounts in /dev, and what the kernel has in them."""
        if not mount.point.startswith("/dev/"):
            return
        if mount.point == "/dev/console":
            found["/dev/console"] = self.device("c", 136, 0, Node(self.pty_mode(mount), uid, 5))
            found["/dev/pts/0"] = found["/dev/console"]
            return
        if mount.kind == "devtmpfs":
            return  # a device of the host: a node like any other
        node = self.node_at(mount.point)
        found[mount.point] = f"directory mode {node.mode:04o} owner {node.uid}:{node.gid}"
        if mount.kind == "devpts":
            mode = int(mount.super.rpartition("ptmxmode=")[2], 8)
            found[f"{mount.point}/ptmx"] = self.device("c", 5, 2, Node(mode, 0, 0))

    @staticmethod
    def pty_mode(mount):
        return int(next(word[5:] for word in mount.super.split(",") if word.startswith("mode=")), 8)

    def path(self, path):
        self.expectation.say(f"path.{path}", self.seen(path))

    def seen(self, path):
        mount = self.table.at(path)
        status = self.table.lookup(path)
        if status is None:
            return "ENOENT"
        if self.masked(path) and mount.kind == "tmpfs" and mount.root == "/":
            return "directory on tmpfs read empty write EROFS"
        read_only = "ro" in mount.flags or mount.super.split(",")[0] == "ro"
        write = "EROFS" if read_only else "ok"
        if self.masked(path):  # the null device, bound over it
            return f"node on tmpfs read empty write {write}"  # statfs(2): devtmpfs has the number of tmpfs
        if status == "mount":
            content = "empty" if self.who.may(self.node_at(path), 4 | 1) else "EACCES"
            return f"directory on {mount.kind} read {content} write {write}"
        kind = "directory" if stat.S_ISDIR(status.st_mode) else "file" if stat.S_ISREG(status.st_mode) else "node"
        return f"{kind} on {mount.kind} read {self.reads(path, status)} write {write}"

    def masked(self, path):
        return path in (self.config["linux"].get("maskedPaths") or []) and self.table.is_mount(path)

    def reads(self, path, status):
        node = Node(host_facts.mode_of(status), *self.owner(status.st_uid, status.st_gid))
        if not self.who.may(node, 4 | 1 if stat.S_ISDIR(status.st_mode) else 4):
            return "EACCES"
        if path == "/proc/kcore" and "sys_rawio" not in self.who.effective:
            return "EPERM"  # proc(5)
        backing = self.table.backing(path) or ""
        if os.path.isfile(backing) and not backing.startswith(("/proc/", "/sys/")):
            return "data" if status.st_size else "empty"
        return "data" if self.table.facts.has_content(backing) else "empty"
