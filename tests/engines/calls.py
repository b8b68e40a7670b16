# SPDX-License-Identifier: Apache-2.0
"""Which runtime an engine really called: the kernel tells of each execution of a program (inotify(7))."""

import ctypes
import os
import struct

IN_CLOSE_NOWRITE, IN_OPEN, IN_Q_OVERFLOW, IN_NONBLOCK = 0x10, 0x20, 0x4000, os.O_NONBLOCK
EVENT = struct.Struct("iIII")

libc = ctypes.CDLL(None, use_errno=True)


class Calls:
    """Counts how often each of these programs is opened, which execve(2) does once."""

    def __init__(self, programs):
        self.descriptor = libc.inotify_init1(IN_NONBLOCK)
        self.programs, self.watched = programs, {}
        self.watch()

    def watch(self):
        """Of the files that the programs are now: one that was replaced is another."""
        for name, path in self.programs.items():
            # Two kinds of events: equal ones that follow each other would be told as one.
            watch = libc.inotify_add_watch(self.descriptor, os.fsencode(path), IN_OPEN | IN_CLOSE_NOWRITE)
            if watch < 0:
                raise OSError(ctypes.get_errno(), f"inotify_add_watch {path}")
            self.watched[watch] = name

    def since_last(self):
        """{name: calls since this was asked last}."""
        counts = dict.fromkeys(self.watched.values(), 0)
        while True:
            try:
                events = os.read(self.descriptor, 1 << 16)
            except BlockingIOError:
                return counts
            for place in range(0, len(events), EVENT.size):  # a watch of a file: no name follows
                watch, mask, _, _ = EVENT.unpack_from(events, place)
                if mask & IN_Q_OVERFLOW:
                    raise OverflowError("more calls in one case than /proc/sys/fs/inotify/max_queued_events")
                counts[self.watched[watch]] += bool(mask & IN_OPEN)
