# SPDX-License-Identifier: Apache-2.0
"""The mount table that a config grants, worked out entry by entry in the order of the standard."""

import dataclasses
import os
import posixpath

import facts as host_facts

# word: (flags it sets, flags it clears); mount(8) and config.md, "Linux mount options"
ATIME = {"noatime", "relatime", "strictatime"}
WORDS = {
    "ro": ({"ro"}, set()), "rw": (set(), {"ro"}), "nosuid": ({"nosuid"}, set()), "suid": (set(), {"nosuid"}),
    "nodev": ({"nodev"}, set()), "dev": (set(), {"nodev"}), "noexec": ({"noexec"}, set()),
    "exec": (set(), {"noexec"}), "noatime": ({"noatime"}, ATIME), "relatime": ({"relatime"}, ATIME),
    "strictatime": ({"strictatime"}, ATIME), "atime": ({"relatime"}, ATIME), "norelatime": ({"strictatime"}, ATIME),
    "nostrictatime": ({"relatime"}, ATIME), "nodiratime": ({"nodiratime"}, set()),
    "diratime": (set(), {"nodiratime"}), "nosymfollow": ({"nosymfollow"}, set()), "symfollow": (set(), {"nosymfollow"}),
}
RECURSIVE = {f"r{word}": effect for word, effect in WORDS.items()}
SHOWN = ["nosuid", "nodev", "noexec", "noatime", "nodiratime", "relatime", "nosymfollow", "idmapped"]
SUPERBLOCK = ["sync", "dirsync", "lazytime"]
PROPAGATION = {"private": "private", "shared": "shared", "slave": "slave", "unbindable": "unbindable"}
PROPAGATION |= {f"r{word}": kind for word, kind in PROPAGATION.items()}
IGNORED = {"defaults", "async", "nolazytime", "tmpcopyup", "silent", "loud", "idmap", "ridmap", "newinstance"}
BINDS = {"bind", "rbind"}
KINDS = {"cgroup": "cgroup2"}
LOWER = "run.bulkhead.overlay.lower"
DEFAULT_FLAGS = frozenset({"relatime"})  # mount(2): the default since Linux 2.6.30


@dataclasses.dataclass
class Mount:
    point: str
    root: str
    kind: str
    source: str
    flags: set
    super: str
    propagation: str = "private"
    host_path: str = ""  # where a bind comes from
    mode: int = 0o755
    owner: tuple = (0, 0)
    above: list = dataclasses.field(default_factory=list)  # layers of an overlay that hide files of host_path
    copy_of: str = ""  # tmpcopyup: where the content comes from

    def line(self):
        options = ",".join(["ro" if "ro" in self.flags else "rw", *[word for word in SHOWN if word in self.flags]])
        return (f"mount={self.point} root {self.root} type {self.kind} source {self.source} options {options} "
                f"super {self.super} propagation {self.propagation}")

    def clone(self, point, *more):
        """A bind mount of `point`, which lies on this mount, over itself."""
        inside = posixpath.relpath(point, self.point)
        root = self.root if inside == "." else posixpath.join(self.root, inside)
        below = posixpath.normpath(posixpath.join(self.host_path, inside)) if self.host_path else ""
        return dataclasses.replace(self, point=point, root=root, flags=self.flags | set(more), host_path=below)


@dataclasses.dataclass
class Options:
    flags: set
    cleared: set
    data: list
    propagation: str
    superblock: list
    bind: bool


def parse(words):
    options = Options(set(), set(), [], "", [], False)
    for word in words or []:
        if word in BINDS:
            options.bind = True
        elif word in WORDS or word in RECURSIVE:
            added, removed = (WORDS | RECURSIVE)[word]
            options.flags, options.cleared = (options.flags - removed) | added, (options.cleared - added) | removed
        elif word in PROPAGATION:
            options.propagation = PROPAGATION[word]
        elif word in SUPERBLOCK:
            options.superblock.append(word)
        elif word not in IGNORED:
            options.data.append(word)
    return options


def kilobytes(text):
    """A size as tmpfs takes it, rounded up to pages."""
    factor = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}.get(text[-1].lower(), 1)
    size = int(text.rstrip("kKmMgG")) * factor
    return -(-size // 4096) * 4


def count(text):
    return int(text.rstrip("kKmMgG")) * {"k": 1 << 10, "m": 1 << 20}.get(text[-1].lower(), 1)


def tmpfs_options(data, facts, owner):
    """What tmpfs prints (proc(5), mm/shmem.c): defaults are left out, the order is fixed."""
    given = dict(each.split("=", 1) for each in data)
    shown = []
    if "size" in given:
        shown.append(f"size={kilobytes(given['size'])}k")
    if "nr_inodes" in given:
        shown.append(f"nr_inodes={count(given['nr_inodes'])}")
    if int(given.get("mode", "1777"), 8) != 0o1777:
        shown.append(f"mode={int(given['mode'], 8):03o}")
    for key, of_the_namespace in zip(("uid", "gid"), owner):
        number = int(given.get(key, 0)) + of_the_namespace
        if number:
            shown.append(f"{key}={number}")
    return shown + (["inode64"] if facts.wide_inodes else [])


def devpts_options(data, facts, owner):
    given = dict(each.split("=", 1) for each in data)
    shown = [f"gid={int(given['gid']) + owner[1]}"] if "gid" in given else []
    modes = {key: int(given.get(key, default), 8) for key, default in (("mode", "600"), ("ptmxmode", "0"))}
    return shown + [f"{key}={mode:03o}" for key, mode in modes.items()]


def cgroup_options(data, facts, owner):
    """One superblock for all of cgroup2: what the machine's mount of it says."""
    mount = next(each for each in reversed(host_facts.host_mounts()) if each.kind == "cgroup2")
    return mount.super.split(",")[1:]


PRINTED = {"tmpfs": tmpfs_options, "devpts": devpts_options, "cgroup2": cgroup_options}
# config-linux.md, "Default Devices"; the owner and mode are those of every Linux machine
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
MODES = {"proc": 0o555, "sysfs": 0o555, "mqueue": 0o1777}

# Where the standard is silent and bulkhead chooses otherwise than runc; known.py has the other side of each.
# `ro` is an attribute of the mount, so the superblock (which may be the host's, too) stays as it is.
SUPERBLOCK_WORD = "rw"
# maskedPaths only "MUST NOT be readable": the mask of a directory has room for nothing, that of a file cannot be
# changed through it.
MASK = {"flags": {"ro", "nosuid", "nodev", "noexec", "relatime"}, "super": ["rw", "size=4k", "nr_inodes=1", "mode=555"]}
# A device of the host in a container that may not make its own: its owner and mode are out of reach.
BOUND_DEVICE = {"ro", "nosuid", "noexec"}
MASK_OF_A_FILE = ("ro", "noexec")


class Table:
    def __init__(self, config, facts, bundle, cgroup=""):
        self.config, self.facts, self.bundle, self.cgroup = config, facts, str(bundle), cgroup
        self.list = []
        self.own = {each["type"] for each in config["linux"].get("namespaces", []) if not each.get("path")}
        self.owner = tuple((config["linux"].get(f"{kind}Mappings") or [{"hostID": 0}])[0]["hostID"]
                           for kind in ("uid", "gid"))
        self.add_root()
        for entry in config.get("mounts") or []:
            self.add(entry)
        if "user" in self.own:
            self.add_devices()
        if config["process"].get("terminal"):
            self.add_console()
        for path in config["linux"].get("readonlyPaths") or []:
            self.protect(path)
        for path in dict.fromkeys(config["linux"].get("maskedPaths") or []):
            self.mask(path)
        if config["root"].get("readonly"):
            self.list[0].flags.add("ro")

    def bound(self, source, point, options):
        """A clone of a tree of the host. It keeps the flags of the mount it comes from, unless told otherwise; what
        is shared in the host is a slave here, as runc has it by default."""
        mount, root = host_facts.containing(source)
        flags = {word for word in mount.options.split(",") if word not in ("rw",)}
        if options.flags & ATIME:
            flags -= ATIME
        return Mount(point, root, mount.kind, mount.source, (flags - options.cleared) | options.flags, mount.super,
                     options.propagation or ("slave" if mount.shared else "private"),
                     host_path=os.path.realpath(source))

    def add_root(self):
        if LOWER in (self.config.get("annotations") or {}):
            self.list.append(self.overlay(self.config["annotations"]))
            return
        path = os.path.join(self.bundle, self.config["root"]["path"])
        root = self.bound(path, "/", parse([]))
        if self.config["linux"].get("rootfsPropagation"):
            root.propagation = PROPAGATION[self.config["linux"]["rootfsPropagation"]]
        self.list.append(root)

    @staticmethod
    def overlay(annotations):
        """bulkhead(8), "OVERLAY ROOT": layers below, and one of its own to write on if a size is given."""
        layers, upper = annotations[LOWER].split(":"), LOWER.replace("lower", "size") in annotations
        shown = f"{'rw' if upper else 'ro'},lower={len(layers)},upper={int(upper)},paths=0"
        return Mount("/", "/", "overlay", "overlay", {"relatime"}, shown, host_path=layers[-1], above=layers[:-1])

    def add(self, entry):
        point = posixpath.normpath(posixpath.join("/", entry["destination"]))
        kind = KINDS.get(entry.get("type"), entry.get("type"))
        options = parse(entry.get("options"))
        if options.bind:
            source = os.path.join(self.bundle, entry["source"])
            mount = self.bound(source, point, options)
            mount.mode = host_facts.mode_of(os.lstat(source))
            if entry.get("uidMappings"):
                mount.flags.add("idmapped")
            if "rbind" in entry["options"]:
                self.list += self.submounts(source, point, entry["options"])
        elif kind == "cgroup2" and "cgroup" not in self.own:
            # config-linux.md leaves it open; the container's own part and no more, as runc binds it
            mount = self.bound("/sys/fs/cgroup", point, options)
            mount.root = self.cgroup
        else:
            mount = self.fresh(entry, point, kind, options)
        self.list.append(mount)

    def submounts(self, source, point, words):
        """What is mounted below the source comes along; only words that begin with r reach it."""
        options, top = parse([word for word in words if word in RECURSIVE]), os.path.realpath(source)
        below = [each.point for each in host_facts.host_mounts() if each.point.startswith(top + "/")]
        return [self.bound(path, point + path[len(top):], options) for path in below]

    def fresh(self, entry, point, kind, options):
        flags = options.flags | (set() if options.flags & ATIME else DEFAULT_FLAGS)
        data = options.data
        if kind == "tmpfs" and not any(word.startswith("mode=") for word in data):
            data = [*data, f"mode={self.mode_below(point):o}"]
        shown = PRINTED.get(kind, lambda *_: [])(data, self.facts, self.owner)
        given = dict(each.split("=", 1) for each in data if "=" in each)
        mode = int(given.get("mode", "755"), 8) if kind == "tmpfs" else 0o755
        owner = (int(given.get("uid", 0)), int(given.get("gid", 0))) if kind == "tmpfs" else (0, 0)
        copied = "tmpcopyup" in (entry.get("options") or [])
        root = os.path.join(self.bundle, self.config["root"]["path"])
        return Mount(point, "/", kind, entry.get("source") or kind, flags,
                     ",".join([SUPERBLOCK_WORD, *[each for each in SUPERBLOCK if each in options.superblock], *shown]),
                     options.propagation or "private", mode=MODES.get(kind, mode), owner=owner,
                     copy_of=root + point if copied else "")

    def mode_below(self, point):
        """A tmpfs without `mode` takes over that of the directory it covers (runc)."""
        node = self.facts.node(os.path.join(self.bundle, self.config["root"]["path"]) + point)
        return host_facts.mode_of(node) if node else 0o1777

    def at(self, path):
        """The mount that a path lies on."""
        found = None
        for mount in self.list:
            inside = path == mount.point or mount.point == "/" or path.startswith(mount.point + "/")
            if inside and (found is None or len(mount.point) >= len(found.point)):
                found = mount
        return found

    def backing(self, path):
        """Where the host can look at what the container sees at a path; None for what only the container has."""
        mount = self.at(path)
        covering = [layer + path for layer in mount.above if os.path.isfile(layer + path)]
        if covering:
            return covering[0]
        kernel = {"proc": "/proc", "sysfs": "/sys"}.get(mount.kind)
        top = mount.host_path or (kernel and kernel + mount.root) or (path != mount.point and mount.copy_of)
        return posixpath.normpath(posixpath.join(top, posixpath.relpath(path, mount.point))) if top else None

    def is_mount(self, path):
        return any(mount.point == path for mount in self.list)

    def lookup(self, path):
        """lstat of what the container sees, "mount" for the root of a new file system, None if there is nothing."""
        backing = self.backing(path)
        if backing:
            return self.facts.node(backing)
        return "mount" if self.is_mount(path) else None

    def add_devices(self):
        """user_namespaces(7): no mknod there, so devices are those of the host, bound."""
        asked = [each["path"] for each in self.config["linux"].get("devices") or [] if each["type"] != "p"]
        for path in [f"/dev/{name}" for name in DEVICES] + asked:
            device = self.bound(path, path, parse([]))
            self.list.append(dataclasses.replace(device, flags=device.flags | BOUND_DEVICE, propagation="private"))

    def add_console(self):
        """runtime-linux.md does not name it, config.md "terminal": /dev/console is the pty's slave."""
        pts = next(mount for mount in self.list if mount.kind == "devpts")
        self.list.append(dataclasses.replace(pts, point="/dev/console", root="/0"))

    def protect(self, path):
        if self.lookup(path) is not None:
            self.list.append(self.at(path).clone(path, "ro"))

    def mask(self, path):
        status = self.lookup(path)
        if status is None:
            return
        if status == "mount" or host_facts.stat.S_ISDIR(status.st_mode):
            shown = MASK["super"] + tmpfs_options(["mode=1777"], self.facts, self.owner)
            self.list.append(Mount(path, "/", "tmpfs", "tmpfs", set(MASK["flags"]), ",".join(shown)))
        else:
            null = self.at("/dev/null").clone("/dev/null", *MASK_OF_A_FILE)
            self.list.append(dataclasses.replace(null, point=path))

    def lines(self):
        return [mount.line() for mount in sorted(self.list, key=lambda each: each.point)]
