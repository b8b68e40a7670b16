# SPDX-License-Identifier: Apache-2.0
"""A made-up resctrl, because none of our machines has one. It answers as Documentation/filesystems/resctrl.rst and
 fs/resctrl/ of the kernel describe: two caches of 20 bits, bandwidth in steps of 10 percent. `calls` records the requests."""

import errno
import os
import pathlib

import fuse

BITS, STEP, LEAST = 20, 10, 10
CACHES = ("0", "1")


class Refused(OSError):
    """An errno, and the words for info/last_cmd_status."""


def cache_mask(text):
    try:
        mask = int(text, 16)
    except ValueError:
        raise Refused(errno.EINVAL, "Non-hex character in the mask " + text) from None
    bits = bin(mask)[2:].strip("0")
    if mask == 0 or mask >= 1 << BITS:
        raise Refused(errno.EINVAL, "Mask out of range")
    if "0" in bits:
        raise Refused(errno.EINVAL, f"The mask {mask:x} has non-consecutive 1-bits")
    return f"{mask:05x}"


def bandwidth(text):
    if not text.isdecimal() or not LEAST <= int(text) <= 100:
        raise Refused(errno.EINVAL, f"MB value {text} out of range [{LEAST},100]")
    return str(-(-int(text) // STEP) * STEP)


RESOURCES = {"L3": cache_mask, "MB": bandwidth}


def birth(pid):
    """Start time and command line of a process, or None if there is no such process."""
    try:
        start = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
        return start, pathlib.Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return None


class Group(fuse.Directory):
    """A group that holds processes; `above` is the control group of which it monitors a part."""

    def __init__(self, tree, path, above=None):
        super().__init__(tasks=fuse.File(self.tasks, self.enter))
        self.tree, self.path, self.above, self.births = tree, path, above, {}
        counts = {"llc_occupancy": "4096", "mbm_local_bytes": "Unavailable", "mbm_total_bytes": "8192"}
        self.nodes["mon_data"] = fuse.Directory(**{
            f"mon_L3_0{cache}": fuse.Directory(**{name: fuse.File(text + "\n") for name, text in counts.items()})
            for cache in CACHES})
        if above is None:
            self.values = {"L3": dict.fromkeys(CACHES, "fffff"), "MB": dict.fromkeys(CACHES, "100")}
            self.nodes["schemata"] = fuse.File(self.schemata, self.change)
            self.nodes["mon_groups"] = Groups(tree, f"{path}/mon_groups", tree.counters, self)

    def tasks(self):
        return "".join(f"{pid}\n" for pid, born in self.births.items() if (birth(pid) or [None])[0] == born)

    def enter(self, text):
        pid = int(text)
        born = birth(pid)
        if born is None:
            raise self.tree.refused(Refused(errno.ESRCH, f"No task {pid}"))
        if self.above and str(pid) not in self.above.tasks().split():
            raise self.tree.refused(Refused(errno.EINVAL, "Can't move task to different control group"))
        for group in self.tree.groups():
            if group is not self.above:
                group.births.pop(pid, None)
        self.births[pid] = born[0]
        self.tree.calls.append(("tasks", self.path, pid, born[1]))

    def schemata(self):
        return "".join(f"{name:>6}:" + ";".join(f"{cache}={value}" for cache, value in values.items()) + "\n"
                       for name, values in self.values.items())

    def change(self, text):
        self.tree.calls.append(("schemata", self.path, text))
        try:
            if not text.endswith("\n"):
                raise Refused(errno.EINVAL, "no newline")
            for resource, values in self.parsed(text).items():
                self.values[resource].update(values)
        except Refused as error:
            raise self.tree.refused(error) from None
        self.tree.words = "ok"

    @staticmethod
    def parsed(text):
        staged = {}
        for line in text.splitlines():
            name, colon, values = line.strip().partition(":")
            if not colon or name not in RESOURCES:
                raise Refused(errno.EINVAL, f"Unknown or unsupported resource name '{name}'")
            for each in values.split(";"):
                cache, _, value = each.partition("=")
                if cache.strip() not in CACHES:
                    raise Refused(errno.EINVAL, "Unknown domain " + cache)
                if cache.strip() in staged.setdefault(name, {}):
                    raise Refused(errno.EINVAL, "Duplicate domain " + cache)
                staged[name][cache.strip()] = RESOURCES[name](value.strip())
        return staged


class Groups(fuse.Directory):
    """A directory whose directories are groups, at most `limit` of them."""

    def __init__(self, tree, path, limit, above=None, **nodes):
        super().__init__(**nodes)
        self.tree, self.path, self.limit, self.above = tree, path, limit, above

    def groups(self):
        return [node for node in self.nodes.values() if isinstance(node, Group)]

    def make(self, name):
        path = f"{self.path}/{name}".lstrip("/")
        self.tree.calls.append(("mkdir", path))
        if len(self.groups()) >= self.limit:
            raise self.tree.refused(Refused(errno.ENOSPC, "Out of RMIDs" if self.above else "Out of CLOSIDs"))
        self.nodes[name] = Group(self.tree, path, self.above)

    def remove(self, name):
        if not isinstance(self.nodes.get(name), Group):
            raise PermissionError(errno.EPERM, name)
        self.tree.calls.append(("rmdir", f"{self.path}/{name}".lstrip("/")))
        del self.nodes[name]


class Resctrl:
    """The whole tree, mounted; `line` is what mountinfo would show of a real resctrl."""

    def __init__(self, path, classes=3, counters=3):
        self.path, self.calls, self.words, self.counters = pathlib.Path(path), [], "ok", counters
        self.path.mkdir()
        self.root = Group(self, "")
        top = Groups(self, "", classes)
        top.nodes = {**self.root.nodes, "info": self.info()}
        self.top = top
        self.mount = fuse.Mount(path, top, "resctrl")
        self.line = f"9999 1 0:9999 / {path} rw,relatime - resctrl resctrl rw"

    def info(self):
        def files(**texts):
            return fuse.Directory(**{name: fuse.File(text + "\n") for name, text in texts.items()})
        return fuse.Directory(
            L3=files(cbm_mask="fffff", min_cbm_bits="1", num_closids="4"),
            MB=files(bandwidth_gran="10", delay_linear="1", min_bandwidth="10", num_closids="8"),
            last_cmd_status=fuse.File(lambda: self.words + "\n"))

    def refused(self, error):
        self.words = error.strerror
        return error

    def groups(self):
        """All groups, the monitoring groups included."""
        above = [self.root, *self.top.groups()]
        return above + [group for each in above for group in each.nodes["mon_groups"].groups()]

    def called(self, *kinds):
        return [call for call in self.calls if call[0] in kinds]

    def names(self):
        """The paths of all groups but the root."""
        return sorted(group.path for group in self.groups() if group is not self.root)

    def tasks(self, path=""):
        return [int(pid) for pid in (self.path / path / "tasks").read_text().split()]

    def schemata(self, path=""):
        """{"L3": "0=fffff;1=fffff", ...}"""
        return dict(line.strip().split(":") for line in (self.path / path / "schemata").read_text().splitlines())

    def prepare(self, name, *lines):
        """Makes a group as an administrator would."""
        os.mkdir(self.path / name)
        if lines:
            (self.path / name / "schemata").write_text("\n".join(lines) + "\n")
        self.calls.clear()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.mount.close()
        self.path.rmdir()
