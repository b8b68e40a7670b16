# SPDX-License-Identifier: Apache-2.0
"""Session keyrings: the caller's keys stay outside (E48)."""

import ctypes
import os

from harness import absent, contains, true
from marks import differs, needs

LIBC = ctypes.CDLL(None, use_errno=True)
ADD_KEY, KEYCTL = {"x86_64": (248, 250), "aarch64": (217, 219)}[os.uname().machine]
JOIN, SETPERM, SESSION, POSSESSOR = 1, 5, -3, 0x3f000000
SECRET = b"bulkhead-it-secret"


def no_keyrings():
    return None if os.path.exists("/proc/keys") else "this kernel has no keyrings"


def hold_a_secret():
    """Makes a key in this process's session that only a possessor of the key can see."""
    true(LIBC.syscall(KEYCTL, JOIN, None) > 0, "no session keyring")
    key = LIBC.syscall(ADD_KEY, b"user", SECRET, b"x", 1, SESSION)
    true(key > 0 and LIBC.syscall(KEYCTL, SETPERM, key, POSSESSOR) == 0, "no key")


def keys_seen(t, *flags):
    """/proc/keys in the container: the keys that its program may view."""
    bundle = t.bundle("cat", "/proc/keys").edit(lambda config: config["linux"].pop("maskedPaths"))
    return t.container(bundle=bundle).run(*flags).ok().out


@needs(no_keyrings)
def test_the_callers_keys_are_not_reachable(t):
    """The container has no key of the caller's session."""
    hold_a_secret()
    contains(open("/proc/keys", encoding="ascii").read(), SECRET.decode(), "the caller's keys")
    absent(keys_seen(t), SECRET.decode(), "the container's keys")


@needs(no_keyrings)
def test_no_new_keyring_keeps_the_callers(t):
    """With --no-new-keyring the container has the caller's keys."""
    hold_a_secret()
    contains(keys_seen(t, "--no-new-keyring"), SECRET.decode(), "the container's keys")


@differs("runc names it _ses.ID, so that another container of that id finds it")
@needs(no_keyrings)
def test_the_session_is_anonymous_and_nobody_elses(t):
    """The keyring has no name to join it by, and only its possessors have rights on it."""
    found = [line.split() for line in keys_seen(t).splitlines() if "_ses" in line]
    true(any(fields[8] == "_ses:" and fields[4] == "3f000000" for fields in found), f"keyrings are {found}")
