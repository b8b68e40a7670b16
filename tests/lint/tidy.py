# SPDX-License-Identifier: Apache-2.0
"""clang-tidy over src/, in the units that the preset `check` compiles: a unit of eight files takes no longer than one file.

A unit that was clean is remembered by everything that went into it, and not looked at again.
"""

import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess

import cache

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build/check"
PROGRAM = "clang-tidy-19"
# Nearly half of the time goes into these.
PATHS = "clang-analyzer-*"
FOUND = re.compile(r"^(/\S+?:\d+):\d+: (?:error|warning): (.*)$", re.MULTILINE)
INCLUDED = re.compile(r'^#include "(.*)"$', re.MULTILINE)


class Unit:
    """What one call of the compiler makes."""

    def __init__(self, row):
        self.file, self.command = pathlib.Path(row["file"]), row["command"]
        self.output = re.search(r" -o (\S+)", row["command"])[1]  # from the folder of the build on

    def sources(self):
        """The source files: those that CMake has put together, or the file itself."""
        if BUILD not in self.file.parents:
            return [self.file]
        return [pathlib.Path(each) for each in INCLUDED.findall(self.file.read_text())]

    def contents(self):
        """Every file of the project that goes into it."""
        return frozenset().union(*map(closure, self.sources()))

    def name(self):
        """A word for it: the target and its number, or the file."""
        target, _, number = self.output.partition(".dir/")
        return f"{pathlib.Path(target).name} {re.search(r'unity_[0-9]+', number)[0]}" if "unity_" in number \
            else str(self.file.relative_to(ROOT))


def units():
    """The units of src/. The stage's own are left out: clang has not all of g++'s flags for it, and the same files are
    compiled for the unit tests."""
    rows = json.loads((BUILD / "compile_commands.json").read_text())
    found = [Unit(row) for row in rows if not row["file"].endswith(".S")]
    return [unit for unit in found if unit.output.startswith("src/") and "-ffreestanding" not in shlex.split(unit.command)]


@functools.cache
def closure(file):
    """A file and all of src/ that it includes."""
    found, waiting = set(), [file]
    while waiting:
        current = waiting.pop()
        if current not in found and current.exists():
            found.add(current)
            waiting += [ROOT / "src" / name for name in INCLUDED.findall(current.read_text())]
    return frozenset(found)


def near(all_units, changed):
    """The units that have a changed source in them; for a changed header that none of these includes, one that does."""
    files = {(ROOT / name).resolve() for name in changed}
    chosen = [unit for unit in all_units if files & set(unit.sources())]
    for header in sorted(file for file in files if file.suffix == ".hpp"):
        if not any(header in unit.contents() for unit in chosen):
            chosen += [unit for unit in all_units if header in unit.contents()][:1]
    return chosen


def stamp(unit, checks):
    """A file in the cache that stands for: this unit, as it is, was clean."""
    digest = hashlib.sha256()
    version = subprocess.run([PROGRAM, "--version"], stdout=subprocess.PIPE, check=True).stdout
    for part in (version, checks.encode(), unit.command.encode(), (ROOT / ".clang-tidy").read_bytes()):
        digest.update(part + b"\0")
    for path in sorted(unit.contents()):
        digest.update(path.read_bytes() + b"\0")
    return cache.TOP / "clang-tidy" / digest.hexdigest()


def said_of(file, checks="", options=()):
    """What clang-tidy says of a file: PLACE: sentence [check]"""
    command = [PROGRAM, "--quiet", f"--checks={checks}", str(file), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = sorted({f"{place.removeprefix(f'{ROOT}/')}: {sentence}" for place, sentence in FOUND.findall(done.stdout)})
    return found if found or done.returncode == 0 else [f"{PROGRAM} ended with {done.returncode}: {done.stderr[-300:]}"]


def findings(chosen, paths):
    """[(unit, what is said of it)], several at a time; `paths`: with the checks that follow paths through a function."""
    checks = "" if paths else f"-{PATHS}"

    def look(unit):
        clean = stamp(unit, checks)
        if clean.exists():
            return unit.name(), []
        said = said_of(unit.file, checks, ("-p", str(BUILD)))
        if not said:
            clean.parent.mkdir(parents=True, exist_ok=True)
            clean.touch()
        return unit.name(), said

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(look, chosen))
