# SPDX-License-Identifier: Apache-2.0
"""containerd's console and its epoller: the master of a terminal, watched edge-triggered until it hangs up."""

import fcntl
import os
import select
import struct
import termios
import time

from caller import SECONDS, holders
from harness import Failure

EVENTS = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET


class Master:
    """EpollConsole: an event comes once for each change; who does not drain the master then waits for ever."""

    def __init__(self, number):
        self.number, self.shown, self.hung_up = number, b"", False
        termios.tcgetattr(number)  # ConsoleFromFile asks for it: what is no terminal is refused
        os.set_blocking(number, False)
        self.epoll = select.epoll(flags=select.EPOLL_CLOEXEC)
        self.epoll.register(number, EVENTS)

    def resize(self, rows, columns):
        fcntl.ioctl(self.number, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.number, text.encode())

    def until(self, condition, what, seconds=SECONDS):
        """Waits for events and reads what there is."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise Failure(f"{what}: not within {seconds} s; shown so far: {self.shown!r}; "
                              f"the master is held by {holders(self.number)}")
            for _, event in self.epoll.poll(0.2):
                self.drain()
                self.hung_up |= bool(event & select.EPOLLHUP)

    def drain(self):
        while True:
            try:
                part = os.read(self.number, 4096)
            except BlockingIOError:
                return
            except OSError:  # EIO: the last slave is closed
                return
            if not part:
                return
            self.shown += part

    def shows(self, text):
        self.until(lambda: text in self.text, f"the terminal shows {text!r}")

    def end(self):
        """Everything that was shown, when the last slave has been closed."""
        self.until(lambda: self.hung_up, "the master hangs up")
        self.drain()
        self.close()
        return self.text

    @property
    def text(self):
        return self.shown.decode().replace("\r\n", "\n")

    def close(self):
        self.epoll.close()
        os.close(self.number)
