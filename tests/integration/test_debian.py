# SPDX-License-Identifier: Apache-2.0
"""The default document, byte for byte, on a real distribution: the tree of Debian 12 (tests/engines/tree)."""

import os
import pty
import shutil
import subprocess
import tempfile

import pytest

import cache
from harness import contains, equal, eventually
from marks import needs
from test_terminal import read_master

DEBIAN = cache.tree("bookworm")


def no_debian():
    if not (DEBIAN / ".complete").exists():
        return f"no {DEBIAN}: tests/engines/run makes it"
    apart = os.stat(DEBIAN).st_dev != os.stat(tempfile.gettempdir()).st_dev
    return f"{DEBIAN} and {tempfile.gettempdir()} are on two file systems: no hard links" if apart else None


def debian_bundle(t):
    """A bundle with the config.json of `spec` and the Debian tree as its rootfs."""
    bundle = t.bundle()
    shutil.rmtree(bundle.rootfs)
    subprocess.run(["cp", "-a", "--link", str(DEBIAN), str(bundle.rootfs)], check=True)
    t.runtime("spec", cwd=t.scratch).ok()
    (t.scratch / "config.json").replace(bundle.path / "config.json")
    return bundle


def typed(t, bundle, keys):
    """(exit code, what the terminal shows) if a person types these keys into the document's `sh`."""
    box = t.container(bundle=bundle)
    master, slave = pty.openpty()
    child = t.runtime.start(t.runtime.command("run", "--bundle", bundle.path, box.id), setup={"tty": os.ttyname(slave)})
    os.close(slave)
    eventually(lambda: box.status() == "running", "the container does not run")
    os.write(master, keys)
    text = read_master(master, 30)
    os.close(master)
    return child.wait(5), text


@needs(no_debian)
@pytest.mark.timeout(90)
def test_the_default_document_runs_debian(t):
    """bash, apt and python work below a terminal in the unchanged default document."""
    keys = b"bash -c 'echo shell-$((BASH_VERSINFO))'; apt --version; python3 -c 'print(\"py\", 6 * 7)'; exit 7\n"
    code, text = typed(t, debian_bundle(t), keys)
    equal(code, 7, "exit code")
    for expected in ("shell-5", "apt 2.6", "py 42"):
        contains(text, expected, "the terminal")


@needs(no_debian)
@pytest.mark.timeout(90)
def test_apt_cannot_write_to_a_read_only_root(t):
    """The document's root is read-only: a write fails with that error, and the image does not change."""
    code, text = typed(t, debian_bundle(t), b"apt-get update; touch /etc/x; exit 3\n")
    equal(code, 3, "exit code")
    contains(text, "Read-only file system", "the terminal")
