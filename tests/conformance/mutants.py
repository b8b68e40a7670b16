# SPDX-License-Identifier: Apache-2.0
"""Broken builds: a copy of the sources below build/, in which one property is broken where the document is read.

The copy's parser comes to the property, and goes on without it, required or not: config.json is taken, and the property
has no effect. Only the one place is broken, also where several share an object (the rate of one of the four throttles),
in config.json and where the process or the resources come in a document of their own (exec, update). The features
document is written without a property that is broken there. Which one it is stands in a small source of the copy, so
that each mutant is a program of its own, compiles like the others and is there in seconds. The sources themselves are
never touched, and what is left below build/ makes the next run quick.
"""

import contextlib
import fcntl
import os
import shutil
import stat
import subprocess

import living
import table

PLACE = table.ROOT / "build/mutation"
BUILT = PLACE / "build/release"
BUILD_SECONDS = 3600

# {file: [(what is there once, what is there in the copy)]}
PLACES = {
    "src/spec/reader.hpp": [
        ('#include "base/error.hpp"\n', '#include "base/error.hpp"\n#include "spec/broken.hpp"\n'),
        ("        TRY(field->set(made, member));\n        given |= bit(field);\n",
         "        given |= bit(field);\n        if (is_broken(member)) continue;\n"
         "        TRY(field->set(made, member));\n"),
    ],
    "src/cli/render_features.cpp": [
        ('#include "cli/render_features.hpp"\n', '#include "cli/render_features.hpp"\n\n#include "spec/broken.hpp"\n'),
        ("    const Json document{\n", "    Json document{\n"),
        ("    return document.dump(", '    const Json::json_pointer at{std::string(spec::broken("features"))};\n'
         "    if (!at.empty() && document.contains(at)) document[at.parent_pointer()].erase(at.back());\n"
         "    return document.dump("),
    ],
}
HEADER = """// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "spec/json.hpp"

namespace bulkhead::spec {
std::string_view broken(std::string_view document);
bool is_broken(const json::Value& member);
}  // namespace bulkhead::spec
"""
SOURCE = """// SPDX-License-Identifier: Apache-2.0
// ccache:disable (a wrong entry, once there, would give the same mutant that nobody notices for ever)
#include "spec/broken.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace bulkhead::spec {

std::string_view broken(std::string_view document) { return document == "DOCUMENT" ? "POINTER" : ""; }

static bool matches(std::string_view pointer, std::string_view pattern) {
    return std::ranges::equal(split(pointer, '/'), split(pattern, '/'),
                              [](auto word, auto wanted) { return wanted == "*" || word == wanted; });
}

bool is_broken(const json::Value& member) {
    const std::string_view pattern = broken("config");
    if (pattern.empty() || !pattern.ends_with(member.key())) return false;
    const std::string pointer = member.pointer();
    return std::ranges::any_of(std::to_array<std::string_view>({"", "/process", "/linux/resources"}), [&](auto above) {
        return pattern.starts_with(above) && matches(pointer, pattern.substr(above.size()));
    });
}

}  // namespace bulkhead::spec
"""


def changed(name, text):
    """The text of a source as the copy has it."""
    for before, after in PLACES.get(name, ()):
        if text.count(before) != 1:
            raise LookupError(f"{name} has {text.count(before)} times, not once: {before.strip()!r}")
        text = text.replace(before, after)
    return text


def lost_places():
    """What a mutation run would not find in the sources."""
    for name in PLACES:
        try:
            changed(name, (table.ROOT / name).read_text())
        except LookupError as lost:
            yield f"mutate: {lost}"


@contextlib.contextmanager
def alone():
    """Two runs in one copy would break each other's properties."""
    PLACE.mkdir(parents=True, exist_ok=True)
    with open(PLACE.with_suffix(".lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"mutate: another run is at work in {PLACE}") from None
        yield


def prepare():
    """The copy, with nothing broken, and configured."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=table.ROOT,
                            check=True, stdout=subprocess.PIPE, text=True).stdout.split("\0")
    names = {name for name in listed if name and (table.ROOT / name).is_file()}
    for name in names:
        put(name, changed(name, (table.ROOT / name).read_bytes().decode(errors="surrogateescape")),
            (table.ROOT / name).stat().st_mode)
    for path in [path for path in PLACE.rglob("*") if path.is_file() and not path.is_relative_to(PLACE / "build")]:
        if str(path.relative_to(PLACE)) not in names:
            path.unlink()
    put("src/spec/broken.hpp", HEADER)
    break_property("", "")
    must(["cmake", "--preset", "release", "-DBULKHEAD_TESTS=ON"])


def put(name, text, mode=0o644):
    """Writes what is not there yet: the build takes the time of a file for its change."""
    path, content = PLACE / name, text.encode(errors="surrogateescape")
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    path.chmod(stat.S_IMODE(mode))


def break_property(document, pointer):
    put("src/spec/broken.cpp", SOURCE.replace("DOCUMENT", document).replace("POINTER", pointer))


def build(tests):
    """bulkhead, and the GoogleTest programs that these tests are in."""
    programs = {found[1] for found in map(living.GOOGLE.match, tests) if found}
    must(["cmake", "--build", "--preset", "release", "--target", "bulkhead", *sorted(programs)])


def must(command):
    """What fails here is a defect of the run: a mutant that nobody built is noticed by nobody."""
    if not shutil.which(command[0]):
        raise SystemExit(f"mutate: {command[0]} is missing")
    done = subprocess.run(command, check=False, cwd=PLACE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", timeout=BUILD_SECONDS, env={**os.environ, "CCACHE_BASEDIR": str(PLACE)})
    if done.returncode != 0:
        raise SystemExit(f"mutate: {' '.join(map(str, command))}:\n{done.stdout[-2000:]}")
