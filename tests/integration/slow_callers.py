# SPDX-License-Identifier: Apache-2.0
"""Tools for cases about slow callers: full pipes, and waiting for several runtimes at a time."""

import contextlib
import os
import time

BLOCKS = "it waits for ever"
PATIENCE = 60  # seconds for what takes 10 s, for slow machines too


def fill(number):
    """Writes until the pipe accepts not one byte more."""
    os.set_blocking(number, False)
    for size in (4096, 1):
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(number, b"x" * size)
    os.set_blocking(number, True)


@contextlib.contextmanager
def full_pipe():
    """The writing end of a full pipe; the reading end stays open, and nobody reads from it."""
    reading, writing = os.pipe()
    fill(writing)
    try:
        yield writing
    finally:
        os.close(reading)
        os.close(writing)


def end_in_time(*children):
    """The exit codes of runtimes that wait for their caller at the same time."""
    end = time.monotonic() + PATIENCE
    return [child.wait(max(1, end - time.monotonic())) for child in children]
