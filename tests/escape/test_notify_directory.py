# SPDX-License-Identifier: Apache-2.0
"""E81: a container with a notify socket and CAP_SYS_ADMIN writes where the runtime keeps its records."""

import os
import socket

from harness import equal, eventually, true
from marks import attacker

ADMIN = {kind: ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"] for kind in ("bounding", "effective", "permitted")}
# Makes its view writable by the mount, by the file system, and by a new mount of what is there; then nests and fills.
FILL = """mount -o remount,bind,rw /run/notify; mount -o remount,rw /run/notify
d=/run/notify; i=0; while [ $i -lt 60 ]; do d=$d/d; mkdir $d 2>/dev/null || break; i=$((i + 1)); done
dd if=/dev/zero of=/run/notify/bytes bs=64k count=64 2>/dev/null
ln /run/notify/notify.sock /run/notify/other 2>/dev/null; mv /run/notify/notify.sock /run/notify/d 2>/dev/null
: > /tmp/done; exec sleep 60"""
HONEST = ": > /tmp/done; exec sleep 60"


def environment(t):
    """NOTIFY_SOCKET of a service manager that is there and is not interested."""
    path = str(t.scratch / "manager.sock")
    t.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    t.manager.bind(path)
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "NOTIFY_SOCKET": path}


def started(t, script):
    """The container, once its script has done what it does; `start` has not been told that it is ready."""
    bundle = t.bundle("sh", "-c", script).add_mount("/tmp", "tmpfs", "tmpfs", "mode=1777").capabilities(**ADMIN)
    box, told = t.container(bundle=bundle), environment(t)
    box.create(env=told).exits(0)
    child = t.runtime.start(t.runtime.command("start", box.id), env=told)
    eventually(lambda: os.path.exists(f"/proc/{box.pid}/root/tmp/done"), "the script does not end", 20)
    child.kill()
    child.wait()
    return box


def bytes_below(path):
    """What the files of a directory hold, and how many entries it has."""
    size = entries = 0
    for folder, folders, files in os.walk(path):
        entries += len(folders) + len(files)
        size += sum(os.lstat(os.path.join(folder, name)).st_size for name in files)
    return size, entries


@attacker("A2")
def test_E81_record_that_cannot_be_deleted(t):
    """Sixty directories, one in the other, and four megabytes: none of it is in the state root, and delete works."""
    box = started(t, FILL)
    size, entries = bytes_below(t.root / box.id)
    true(entries < 10 and size < 1 << 20, f"the state directory has {entries} entries and {size} bytes")
    equal(box.delete("--force").code, 0, "delete --force")
    true(not (t.root / box.id).exists(), "the record is there for ever")


@attacker("A2")
def test_E81_harmless_record_of_an_honest_one(t):
    """A container that does nothing of that has its socket, and goes."""
    box = started(t, HONEST)
    true(os.path.exists(f"/proc/{box.pid}/root/run/notify/notify.sock"), "there is no socket")
    equal(box.delete("--force").code, 0, "delete --force")
