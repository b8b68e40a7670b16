# SPDX-License-Identifier: Apache-2.0
"""Where Debian's runc 1.1.5 differs from the expectation, and why the expectation stays as it is."""

import dataclasses
import difflib
import re


@dataclasses.dataclass(frozen=True)
class Known:
    expected: str  # regular expression of an expected line
    seen: str  # template of the line that stands there instead; \1 .. are the groups of `expected`
    why: str
    way: str = ""  # only when started like this


TABLE = [
    Known(r"descriptor\.0=char 1:3 own read-write owner .*", r"descriptor.0=pipe read owner \d+:0",
          "an attached runc copies the streams through pipes of its own", "run"),
    Known(r"descriptor\.(\d)=file write owner .*", r"descriptor.\1=pipe write owner \d+:0",
          "an attached runc copies the streams through pipes of its own", "run"),
    Known(r"descriptor\.(\d)=(.*) owner 0:0", r"descriptor.\1=\2 owner \d+:0",
          "runc gives the user 0 to 2, files of the caller too; bulkhead pipes and sockets only"),
    Known(r"signals\.blocked=none", r"signals.blocked=[\d ]+",
          "runc hands over what its caller blocks, as far as its Go runtime does not use the signal"),
    Known(r"directory\./tmp=mode 1770 (.*)", r"directory./tmp=mode 1777 \1",
          "runc 1.1.5 gives a tmpfs the mode of the directory below it even if a mode was asked for"),
    Known(r"mount=/var/cache (.*),mode=755 (.*)", r"mount=/var/cache \1 \2",
          "runc 1.1.5 sets the mode of the directory below a tmpfs by chmod"),
    Known(r"path\./var/spool=directory on tmpfs read EACCES (.*)", r"path./var/spool=directory on tmpfs read empty \1",
          "runc 1.1.5 gives a tmpfs the mode of the directory below it even if a mode was asked for"),
    Known(r"(directory./dev/mqueue=|node./dev/mqueue=directory )mode 1777 owner 0:0(.*)",
          r"\1mode 1777 owner 0:65534\2",
          "runc 1.1.5 makes the ipc namespace before the ids are mapped"),
    Known(r"mount=/run (.*) options rw,nosuid,relatime (.*)", r"mount=/run \1 options rw,nosuid,noatime \2",
          "runc adds words about access times up, and mount(2) takes noatime first"),
    Known(r"keyring=keyring;(\d+);(\d+);3f000000;_ses", r"keyring=keyring;\1;\2;3f1[0-9a-f]{5};_ses\.it\d+-\d+-\d+",
          "runc names the session keyring after the container, and its user may search it"),
    Known(r"mount=(.*) type tmpfs source tmpfs options ro,nosuid,nodev,noexec,relatime "
          r"super rw,size=4k,nr_inodes=1,mode=555(.*)",
          r"mount=\1 type tmpfs source tmpfs options ro,relatime super ro\2",
          "runc masks directories with a tmpfs of the default size, suid, dev and exec allowed"),
    Known(r"mount=(.*) root /null type tmpfs (.*) options ro,nosuid,noexec super (.*)",
          r"mount=\1 root /null type tmpfs \2 options rw,nosuid super \3",
          "runc masks files with a null device that can be changed through the mask"),
    Known(r"mount=(.*) type devtmpfs (.*) options ro,nosuid,noexec,relatime super (.*) propagation private",
          r"mount=\1 type devtmpfs \2 options rw,relatime super \3 propagation slave",
          "runc binds devices of the host as they are"),
    Known(r"path\.(/dev/.*)=node on tmpfs (.*) write EROFS", r"path.\1=node on tmpfs \2 write ok",
          "runc binds devices of the host as they are"),
    Known(r"path\.(.*)=node on tmpfs read empty write EROFS", r"path.\1=node on tmpfs read empty write ok",
          "runc masks files with a null device that can be changed through the mask"),
    Known(r"mount=(.*) options ro(.*) super rw(.*)", r"mount=\1 options ro\2 super ro\3",
          "runc makes the superblock of a new file system read-only as well (MS_RDONLY of mount(2))"),
    Known(r"directory\./sys/fs/cgroup=mode 0755 (.*)", r"directory./sys/fs/cgroup=mode 0700 \1",
          "the caller's umask reaches the mode of the container's cgroup directory"),
]
# What bulkhead itself does not do as it should; an entry goes when the fault is mended.
OPEN = [
    Known(r"directory\./sys/fs/cgroup=mode 0755 owner 1000:(\d+) mount create EOPNOTSUPP",
          r"directory./sys/fs/cgroup=mode 0755 owner (0|65534):\1 mount create EACCES",
          "the user does not own the cgroup that is mounted writable (config-linux.md, Cgroup ownership: SHOULD); "
          "runc's cgroupfs driver does not do it either"),
    Known(r"mount=/ (.*) propagation shared", r"mount=/ \1 propagation shared,slave",
          "a root with rootfsPropagation shared still receives what is mounted below it on the host"),
]


def without_known(want, have, way, control):
    """What was seen, with the expected line put where a known difference stands; and the reasons."""
    table, reasons = TABLE + OPEN if control else OPEN, []
    expected, lines, result = want.splitlines(), have.splitlines(), []
    matcher = difflib.SequenceMatcher(None, expected, lines, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        result += lines[c:d] if tag == "equal" else excused(expected[a:b], lines[c:d], way, table, reasons)
    return "".join(line + "\n" for line in result), reasons


def instead(known, line):
    """The pattern of what may stand in place of an expected line, or None."""
    match = re.fullmatch(known.expected, line)
    return match and re.sub(r"\\(\d)", lambda number: re.escape(match[int(number[1])]), known.seen)


def excused(expected, seen, way, table, reasons):
    left = list(seen)
    for line in expected:
        for known in table:
            pattern = instead(known, line) if known.way in ("", way) else None
            found = [each for each in left if pattern and re.fullmatch(pattern, each)]
            if found:
                left[left.index(found[0])] = line
                reasons += [] if known.why in reasons else [known.why]
                break
    return left
