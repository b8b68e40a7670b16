# SPDX-License-Identifier: Apache-2.0
"""A file system in a thread of the case, with as much of the protocol of linux/fuse.h (7.31) as a kernel's own control
 files need. A node answers each request; nothing is cached, and every inode is new."""

import contextlib
import ctypes
import errno
import itertools
import os
import stat
import struct
import threading

libc = ctypes.CDLL(None, use_errno=True)
LOOKUP, FORGET, GETATTR, SETATTR, MKDIR, RMDIR, OPEN, READ, WRITE, STATFS = 1, 2, 3, 4, 9, 11, 14, 15, 16, 17
RELEASE, FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT, BATCH_FORGET = 18, 25, 26, 27, 28, 29, 36, 42
UNANSWERED = (FORGET, BATCH_FORGET, INTERRUPT)
DIRECT_IO = 1
REQUEST_LIMIT = 1 << 18
MNT_DETACH = 2
NUMBERS = itertools.count(2)


def missing():
    """The reason why this machine cannot mount such a file system, or None."""
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        return f"/dev/fuse: {error.strerror}"
    return None


class File:
    """Text that a reader gets whole; a write is one call."""

    def __init__(self, text="", written=None):
        self.number, self.text, self.written = next(NUMBERS), text, written

    def read(self):
        return self.text() if callable(self.text) else self.text

    def write(self, text):
        if self.written is None:
            raise PermissionError(errno.EACCES, "cannot be written")
        self.written(text)


class Directory:
    """Names of nodes. Subclasses define mkdir(2) and rmdir(2); by default both fail with EPERM."""

    def __init__(self, **nodes):
        self.number, self.nodes = next(NUMBERS), nodes

    def make(self, name):
        raise PermissionError(errno.EPERM, name)

    def remove(self, name):
        raise PermissionError(errno.EPERM, name)


def attributes(node):
    kind = stat.S_IFDIR | 0o755 if isinstance(node, Directory) else stat.S_IFREG | 0o644
    return struct.pack("6Q10I", node.number, 0, 0, 0, 0, 0, 0, 0, 0, kind, 1, 0, 0, 0, 4096, 0)


class Mount:
    """Mounts the directory `root` at a path until close()."""

    def __init__(self, path, root, source="made-up"):
        self.path, root.number = str(path), 1
        self.nodes = {1: root}
        self.opened, self.handles = {}, itertools.count(1)
        self.device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self.device},rootmode=40755,user_id=0,group_id=0,allow_other"
        if libc.mount(source.encode(), self.path.encode(), b"fuse", 0, options.encode()) != 0:
            raise OSError(ctypes.get_errno(), f"mount({self.path})")
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def close(self):
        libc.umount2(self.path.encode(), MNT_DETACH)
        self.thread.join(5)
        os.close(self.device)

    def serve(self):
        while True:
            try:
                request = os.read(self.device, REQUEST_LIMIT)
            except InterruptedError:
                continue
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EAGAIN):  # the kernel took the request back before the read
                    continue
                return  # ENODEV: unmounted
            self.handle(request)

    def handle(self, request):
        """Answers a request; a subclass may do so later."""
        _, opcode, unique, number = struct.unpack_from("IIQQ", request)
        if opcode in UNANSWERED:
            return
        try:
            status, answer = 0, self.answer(opcode, number, request[40:])
        except OSError as error:
            status, answer = -error.errno, b""
        with contextlib.suppress(FileNotFoundError):  # the process that asked has been killed
            os.write(self.device, struct.pack("IiQ", 16 + len(answer), status, unique) + answer)

    def entry(self, node):
        self.nodes[node.number] = node
        return struct.pack("4Q2I", node.number, 0, 0, 0, 0, 0) + attributes(node)

    def answer(self, opcode, number, body):
        node = self.nodes.get(number)
        if opcode == INIT:
            major, minor = struct.unpack_from("II", body)
            return struct.pack("IIIIHHIIHHI28x", major, min(minor, 31), 0, 0, 16, 12, 1 << 16, 1, 0, 0, 0)
        if opcode in (LOOKUP, MKDIR, RMDIR):
            return self.named(opcode, node, body[8 if opcode == MKDIR else 0:].split(b"\0")[0].decode())
        if opcode in (GETATTR, SETATTR):
            return struct.pack("QII", 0, 0, 0) + attributes(node)
        if opcode in (OPEN, OPENDIR):
            return self.open(node)
        if opcode in (READ, READDIR):
            handle, offset, size = struct.unpack_from("QQI", body)
            return self.opened[handle][offset:offset + size] if opcode == READ else self.listing(node, offset, size)
        if opcode == WRITE:
            size, = struct.unpack_from("I", body, 16)
            node.write(body[40:40 + size].decode())
            return struct.pack("II", size, 0)
        if opcode == STATFS:
            return struct.pack("5Q4I24x", 0, 0, 0, 0, 0, 4096, 255, 4096, 0)
        if opcode in (RELEASE, RELEASEDIR, FLUSH):
            self.opened.pop(struct.unpack_from("Q", body)[0] if opcode != FLUSH else None, None)
            return b""
        raise OSError(errno.ENOSYS, f"opcode {opcode}")

    def named(self, opcode, directory, name):
        if opcode == RMDIR:
            directory.remove(name)
            return b""
        if opcode == MKDIR:
            directory.make(name)
        if name not in directory.nodes:
            raise FileNotFoundError(errno.ENOENT, name)
        return self.entry(directory.nodes[name])

    def open(self, node):
        handle = next(self.handles)
        self.opened[handle] = node.read().encode() if isinstance(node, File) else b""
        return struct.pack("QII", handle, DIRECT_IO, 0)

    def listing(self, directory, offset, size):
        listed = b""
        for place, (name, node) in enumerate(sorted(directory.nodes.items())):
            kind = stat.S_IFDIR if isinstance(node, Directory) else stat.S_IFREG
            entry = struct.pack("QQII", node.number, place + 1, len(name), kind >> 12) + name.encode()
            entry += bytes(-len(entry) % 8)
            if place >= offset and len(listed) + len(entry) <= size:
                listed += entry
        return listed
