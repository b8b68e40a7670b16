# SPDX-License-Identifier: Apache-2.0
"""The package: what it brings, that it works, and that it goes without a trace."""

import gzip
import os
import pathlib
import stat

import package
from cases import case
from harness import contains, equal, true

DOCUMENTS = "/usr/share/doc/bulkhead"


def packaged():
    """The package's files, without the directories that others have, too."""
    paths = [pathlib.Path(line) for line in package.dpkg("--listfiles", "bulkhead").splitlines()]
    return [path for path in paths if path.is_file() or path.name == "bulkhead"]


@case()
def is_as_installed(t):
    """Its files are root's, nobody else may write them, and dpkg finds each as it was packed."""
    t("--version").exits(0)
    for path in packaged():
        status = path.lstat()
        equal((status.st_uid, status.st_gid), (0, 0), f"owner of {path}")
        wanted = 0o755 if path.is_dir() or {"sbin", "libexec"} & set(path.parts) else 0o644
        equal(oct(stat.S_IMODE(status.st_mode)), oct(wanted), f"mode of {path}")
    equal(package.dpkg("--verify", "bulkhead"), "", "what dpkg --verify finds")
    contains(package.dpkg("--status", "bulkhead"), "Status: install ok installed", "status")


@case()
def has_what_cmake_installs(t):
    """`cmake --install` with DESTDIR makes the same files."""
    t("--version").exits(0)
    mine = {str(path): path.read_bytes() for path in packaged() if path.is_file()}
    others = {f"/{path.relative_to(package.INSTALLED)}": path for path in package.INSTALLED.rglob("*")
              if path.is_file()}
    equal(sorted(mine), sorted(others), "files")
    for name, path in others.items():
        true(mine[name] == path.read_bytes(), f"{name} is another file")
        equal(os.access(name, os.X_OK), os.access(path, os.X_OK), f"{name} may be executed")


@case()
def has_manual_and_licences(t):
    """The manual, two changelogs and the licences of what is linked in, for this version."""
    version = t("--version").exits(0).out.split()[2]
    contains(package.dpkg("--status", "bulkhead"), f"Version: {version}-1\n", "status")
    contains(gzip.open("/usr/share/man/man8/bulkhead.8.gz", "rt").read(), f"bulkhead {version}", "manual")
    contains(gzip.open("/usr/share/man/man5/bulkhead.yaml.5.gz", "rt").read(), f"bulkhead {version}", "the file's")
    contains(gzip.open(f"{DOCUMENTS}/changelog.Debian.gz", "rt").read(), f"bulkhead ({version}-1) ", "Debian's")
    contains(gzip.open(f"{DOCUMENTS}/changelog.gz", "rt").read(), "# Changelog", "changelog")
    text = pathlib.Path(DOCUMENTS, "copyright").read_text()
    for words in ("Apache-2.0", "Paul Moore", "Andrew G. Morgan", "Niels Lohmann", "University of Cincinnati",
                  "GNU C Library", "LGPL-2.1"):
        contains(text, words, "copyright")


@case()
def goes_without_a_trace(t):
    """Purged after a container ran, nothing of it is left, and nothing else is gone."""
    package.dpkg("--purge", "bulkhead")
    before = package.files()
    true(t.path not in before, "the program is gone")
    t.again()
    t.bundle("echo", "hello")
    equal(t("run", "packaged").exits(0).out, "hello\n", "output")
    package.dpkg("--remove", "bulkhead")
    true(not pathlib.Path(t.path).exists(), "the program is gone")
    package.dpkg("--purge", "bulkhead")
    after = package.files()
    t.again()
    equal((sorted(after - before), sorted(before - after)), ([], []), "files that came and went")


@case()
def is_replaced_under_a_container(t):
    """A container that runs while the package is installed anew is still one: exec, kill and delete find it."""
    t.bundle("sleep", "300")
    t.shell("sh", "-c", f"{t.path} run --detach kept >/dev/null 2>&1").exits(0)  # which keeps its streams
    t.again()
    equal(t("exec", "kept", "echo", "hello").exits(0).out, "hello\n", "output")
    t("kill", "kept", "KILL").exits(0)
    t.eventually(lambda: '"stopped"' in t("state", "kept").out.replace(" ", ""), "it stops")
    t("delete", "kept").exits(0)
