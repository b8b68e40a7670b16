# SPDX-License-Identifier: Apache-2.0
"""What README.md tells a user without root to type, typed by one."""

import os
import pathlib
import pty

import pytest

from harness import BASE_ENV, contains, equal, eventually
from marks import differs
from test_terminal import read_master
from unprivileged import GID, SETPRIV, UID, become_user

README = pathlib.Path(__file__).resolve().parent.parent.parent / "README.md"


def commands(title):
    """The indented lines of one section."""
    section = README.read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]
    return [line[4:] for line in section.splitlines() if line.startswith("    ")]


@differs("another program")
@pytest.mark.timeout(90)
def test_three_commands_without_root(t):
    """From nothing to a shell in a container: exactly three lines, as they are, by a user."""
    become_user(t)
    lines = commands("Without root")
    equal(len(lines), 3, "commands")
    for name in ("home", "run", "bin"):
        (t.scratch / name).mkdir()
        os.chown(t.scratch / name, UID, GID)
    (t.scratch / "bin/bulkhead").symlink_to(t.runtime.path)
    env = {"PATH": f"{t.scratch}/bin:{BASE_ENV['PATH']}", "HOME": str(t.scratch / "home"),
           "XDG_RUNTIME_DIR": str(t.scratch / "run")}
    master, slave = pty.openpty()
    os.fchown(slave, UID, GID)
    child = t.runtime.start([*SETPRIV, "sh", "-ec", "\n".join(lines)], env=env, cwd="/", setup={"tty": os.ttyname(slave)})
    state = t.scratch / "run/bulkhead/hello"
    eventually(lambda: child.poll() is not None or state.exists(), "the container does not start", 30)
    os.write(master, b"echo $$ $((6 * 7)); exit 5\n")
    code = child.wait(30)
    os.close(slave)
    contains(read_master(master), "1 42\n", "the terminal")
    os.close(master)
    equal(code, 5, "status")
    equal(os.listdir(state.parent), [], "states")
