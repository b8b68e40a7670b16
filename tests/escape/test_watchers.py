# SPDX-License-Identifier: Apache-2.0
"""E31: a container that watches what the runtime lets into its pid namespace."""

import contextlib

from attacks import attack
from harness import equal, eventually
from test_joins import end, joined, path_of

OF_THE_PROGRAM = 1 << 5 | 1 << 10 | 1 << 29  # KILL, NET_BIND_SERVICE, AUDIT_WRITE


@contextlib.contextmanager
def watcher(t):
    """A container in which attackers/watcher runs, and the file of what it saw."""
    out = t.host_folder("seen")
    bundle = t.plant(t.bundle("sh", "-c", "exec /watcher > /out/seen"), "watcher")
    box = t.container(bundle=bundle.add_mount("/out", "bind", str(out), "bind", "rw"))
    box.run_detached().ok()
    seen = out / "seen"
    eventually(lambda: seen.exists() and seen.read_text(), "the watcher sees nothing")
    yield box, seen
    box.delete("--force").ok()


def too_much(seen):
    """The pairs of capability sets with more than the program's."""
    return [line for line in seen.read_text().splitlines()
            if any(int(word, 16) & ~OF_THE_PROGRAM for word in line.split())]


@attack("E31", "A2", deadline=300)
def whoever_joins_shows_its_privileges(t):
    """Nobody who is seen on the way into a joined pid namespace holds more than the program."""
    with watcher(t) as (box, seen):
        for _ in range(t.rounds(50, 2000, 20)):
            t.container(bundle=joined(t.bundle("true"), {"pid": path_of(box, "pid")})).run().exits(0)
        equal(too_much(seen), [], "capabilities seen")


@whoever_joins_shows_its_privileges.twin
def whoever_joins_is_seen(t):
    """The watcher sees a program that has more capabilities than usual."""
    with watcher(t) as (box, seen):
        bundle = joined(t.bundle("sleep", "60"), {"pid": path_of(box, "pid")})
        sets = {kind: ["CAP_SYS_PTRACE"] for kind in ("bounding", "effective", "permitted")}
        guest = t.container(bundle=bundle.process(capabilities=sets))
        guest.run_detached().exits(0)
        eventually(lambda: "0000000000080000 0000000000080000" in too_much(seen), "the watcher is blind")
        end(guest)
