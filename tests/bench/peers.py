# SPDX-License-Identifier: Apache-2.0
"""A crun that is younger than the machine's own: Debian 13's, with every library it needs, in a folder of its own.

Debian 12 has crun 1.8.1, of 2023; a comparison with that alone would flatter. Nothing of it is installed: apt resolves,
downloads and checks the signatures with a state of its own in that folder, and crun runs by its own dynamic linker.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

PROJECT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = PROJECT / "build/bench-crun"
MIRROR = "http://deb.debian.org/debian"
RELEASE, PACKAGE = "trixie", "crun"
KEYRING = pathlib.Path("/usr/share/keyrings/debian-archive-keyring.gpg")
NEEDED = ("apt-get", "dpkg-deb", "dpkg")
SECONDS = 30  # for a mirror that does not answer


def give_up(sentence):
    sys.exit(f"bench: --fetch-crun: {sentence}")


def apt(state, *words):
    """apt-get with everything it remembers in `state`, and none of the machine's own settings of where to look."""
    settings = {
        "Dir::Etc::sourcelist": state / "sources.list", "Dir::Etc::sourceparts": "-",
        "Dir::Etc::preferencesparts": "-", "Dir::State": state / "state", "Dir::State::status": state / "status",
        "Dir::Cache": state / "cache", "APT::Sandbox::User": "root", "APT::Update::Error-Mode": "any", "APT::Install-Recommends": "false",
        "Acquire::Retries": 1, "Acquire::http::Timeout": SECONDS, "Acquire::Languages": "none"}
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    done = subprocess.run(["apt-get", *options, "--yes", "--quiet", *words], capture_output=True, text=True, check=False,
                          env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"})
    if done.returncode != 0:
        complaints = [line for line in done.stderr.splitlines() if line.startswith(("E:", "W:"))]
        give_up(f"apt-get {words[0]} failed (is there a network?): {' '.join(complaints) or done.stderr.strip()}")


def download(state, mirror):
    """The packages, downloaded into a state of apt's own; returns their files."""
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (state / folder).mkdir(parents=True)
    (state / "status").touch()  # nothing is installed there, so that everything is fetched
    (state / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror} {RELEASE} main\n")
    apt(state, "update")
    apt(state, "install", "--download-only", PACKAGE)
    return sorted((state / "cache/archives").glob("*.deb"))


def fetch(mirror=MIRROR, folder=FOLDER):
    """Fills the folder anew; ends the program with a sentence where that cannot be."""
    if missing := [name for name in NEEDED if not shutil.which(name)]:
        give_up(f"needs {', '.join(missing)}, which only Debian and its like have")
    if not KEYRING.exists():
        give_up(f"needs {KEYRING} (package debian-archive-keyring)")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=folder.name, dir=folder.parent) as place:
        state, root = pathlib.Path(place) / "apt", pathlib.Path(place) / "root"
        packages = download(state, mirror)
        for package in packages:
            subprocess.run(["dpkg-deb", "--extract", package, root], check=True)
        shutil.rmtree(folder, ignore_errors=True)
        root.rename(folder)
    folder.chmod(0o755)
    command = crun(folder)
    if not command:
        give_up(f"the packages hold no program: {' '.join(package.name for package in packages)}")
    print(f"fetched: {version(command)} and {len(packages) - 1} packages that it needs, into {folder}")


def crun(folder=FOLDER):
    """How the fetched crun is called: by its own linker, with its own libraries. Empty where it was not fetched."""
    programs, linkers = list(folder.glob("usr/bin/crun")), list(folder.glob("usr/lib/*/ld-linux-*.so.*"))
    if not programs or not linkers:
        return []
    return [str(word) for word in (linkers[0], "--library-path", linkers[0].parent, programs[0])]


def version(command):
    """The first line of --version."""
    text = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False).stdout
    return text.splitlines()[0] if text else "?"
