# SPDX-License-Identifier: Apache-2.0
"""Rules that are read off the sources. Each takes a Tree and returns sentences, none where all is well."""

import functools
import pathlib
import re
import statistics
import subprocess
import tempfile

import tree as trees

MAX_FILE, MEAN_FILE, MAX_FUNCTION, MEDIAN_FUNCTION = 400, 150, 60, 8
ROOMS = ("namespaces", "process", "rootfs", "cgroups", "seccomp")
FLOORS = {"base": 0, "spec": 1, "plan": 1, **{room: 2 for room in ROOMS}, "runtime/record": 3, "runtime/stage": 3,
          "runtime/attached": 4, "runtime/compile": 4, "runtime/steps": 5, "runtime/container": 6, "cli": 7}
STAGE = "runtime/stage"  # a program of its own, not a library
INCLUDE = re.compile(r'^#include "(\w+/[^"]+)"', re.MULTILINE)

RAW_CALLS = ("open", "openat", "creat", "mount", "umount", "umount2", "chmod", "fchmod", "fchmodat", "chown", "fchown",
             "lchown", "fchownat", "system", "popen", "fork", "vfork", "dlopen",
             "getpwnam", "getpwnam_r", "getpwuid", "getpwuid_r", "getgrnam", "getgrgid")
WORDS = re.compile(r"std::(cout|cerr|clog|filesystem)\b|#include <(iostream|regex|filesystem|fstream|pwd\.h|grp\.h|dlfcn\.h)>")
EXCEPTION = re.compile(r"\btry\s*\{|\bcatch\s*\(|\bthrow\b")
# The third-party edge: where exceptions of a library end. (nlohmann's SAX parser reports errors by value.) guarded.hpp
# is for what gets past that.
EXCEPTION_EDGE = {"src/cli/flag_set.cpp", "src/base/yaml.cpp", "src/base/guarded.hpp"}
THIRD_PARTY = {r"#include <nlohmann/": ("src/spec/", "src/cli/render.cpp", "src/cli/render_events.cpp",
                                        "src/cli/render_features.cpp"),  # parsed here, rendered there
               r"#include <CLI/": ("src/cli/",), r"#include <yaml-cpp/": ("src/base/yaml.cpp",)}


def file_sizes(tree):
    """No source over 400 lines, and a mean under 150."""
    sizes = {path: len(tree.text(path).splitlines()) for path in tree.below("src/", *trees.SOURCE)}
    long = [f"{path} has {size} lines" for path, size in sizes.items() if size > MAX_FILE]
    mean = statistics.mean(sizes.values())
    return long + ([f"the mean is {mean:.0f} lines"] if mean >= MEAN_FILE else [])


def spans(tree):
    """{path: [(first line, last line, name)]} of functions, as ctags sees them; those without a name are left out."""
    with tempfile.TemporaryDirectory() as folder:
        for path in tree.below("src/", *trees.SOURCE):
            target = pathlib.Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(tree.text(path))
        command = ["ctags", "--languages=C++", "--langmap=C++:+.hpp", "--kinds-C++=f", "--fields=+ne", "-R", "-f", "-", "src"]
        tags = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    found = {}
    for tag in tags.splitlines():
        place, (name, path, *_) = re.search(r"\tline:(\d+).*\tend:(\d+)", tag), tag.split("\t")
        if place:
            found.setdefault(path, []).append((int(place[1]), int(place[2]), name))
    return found


def functions(tree):
    """[(path, name, lines)]"""
    return [(path, name, end - begin + 1) for path, found in spans(tree).items() for begin, end, name in found]


def function_sizes(tree):
    """No function over 60 lines, and a median of at most 8."""
    found = functions(tree)
    long = [f"{path}: {name} has {size} lines" for path, name, size in found if size > MAX_FUNCTION]
    median = statistics.median(size for *_, size in found)
    return long + ([f"the median is {median} lines"] if median > MEDIAN_FUNCTION else [])


def included(text):
    """The rooms that a source includes something of."""
    return [trees.room_of(f"src/{path}") for path in INCLUDE.findall(text)]


def may_know(room, other):
    """True if a room may include or link another one."""
    return room == other or FLOORS[other] < FLOORS[room]


def includes(tree):
    """Includes go down, never sideways, and name rooms that exist."""
    wrong = []
    for path in tree.below("src/", *trees.SOURCE):
        room = trees.room_of(path)
        for other in included(tree.text(path)):
            if room not in FLOORS or other not in FLOORS:
                wrong.append(f"{path}: {room} or {other} stands on no floor")
            elif not may_know(room, other):
                wrong.append(f"{path} includes {other}, which is not below {room}")
    return wrong


def links(tree):
    """{room: rooms it links} of src/CMakeLists.txt."""
    text = re.sub(r"#.*", "", tree.text("src/CMakeLists.txt"))
    text = text.replace("runtime_", "runtime/")  # the target of a room of runtime
    found = {}
    for name, body in re.findall(r"^room\(([\w/]+)\s([^)]*)\)", text, re.MULTILINE):
        _, _, linked = body.partition("LINKS")
        found[name] = set(linked.split())
    planned = re.search(r"^  room\(\$\{name\} SOURCES \$\{sources\} LINKS ([^)]*)\)", text, re.MULTILINE)
    for name in re.findall(r"^planning_room\((\w+)\)", text, re.MULTILINE):
        found[name] = set(planned[1].split()) if planned else set()
    for name, body in re.findall(r"target_link_libraries\(([\w/]+)\s([^)]*)\)", text):
        if name in found:
            found[name] |= set(body.split()) & set(FLOORS)
    return found


def reachable(room, linked):
    """Everything a room links, over however many steps."""
    seen, queue = set(), [room]
    while queue:
        for other in linked.get(queue.pop(), set()) - seen:
            seen.add(other)
            queue.append(other)
    return seen


def link_lines(tree):
    """Links go down, every room has its line, and what a room includes is linked."""
    linked = links(tree)
    rooms = {trees.room_of(path) for path in tree.below("src/", *trees.SOURCE)} - {STAGE}
    wrong = [f"{room} has no room() line" for room in sorted(rooms - set(linked))]
    wrong += [f"{room} links {other}, which is not below it" for room in linked for other in linked[room]
              if room not in FLOORS or other not in FLOORS or not may_know(room, other)]
    for path in tree.below("src/", *trees.SOURCE):
        room = trees.room_of(path)
        if room == STAGE:
            continue
        for other in set(included(tree.text(path))) - {room} - reachable(room, linked):
            wrong.append(f"{path} includes {other}, which {room} does not link")
    return wrong


def stage_files(tree):
    """The sources of the freestanding program, as src/CMakeLists.txt lists them."""
    text = tree.text("src/CMakeLists.txt")
    lane = re.search(r"set\(INIT_LANE([^)]*)\)", text)[1].replace("${CMAKE_CURRENT_SOURCE_DIR}/", "").split()
    own = re.search(r"add_executable\(stage \$\{INIT_LANE\}([^)]*)\)", text)[1].split()
    return {f"src/{name}" for name in lane + own}


@functools.cache
def called_like_system_calls(text):
    """Functions of this code that happen to be called like a system call; unqualified calls mean them."""
    return {name for name in RAW_CALLS if re.search(rf"^[\w:<>, &\[\]]+\s{name}\(", text, re.MULTILINE)
            and re.search(rf"^(?!\s*return\b)[\w:<>, ]*(Result<[^;=]*>|Fd|void|bool|long|int) {name}\(", text, re.MULTILINE)}


def own_functions(tree, room):
    """Those of a room."""
    return called_like_system_calls(
        "\n".join(trees.code(tree.text(path)) for path in tree.below(f"src/{room}/", *trees.SOURCE)))


def poison(tree):
    """No raw call that has a wrapper in src/base, and nothing that brings locales, NSS or shells."""
    wrong = []
    exempt = stage_files(tree)
    for path in tree.below("src/", *trees.SOURCE):
        if path.startswith("src/base/") or path in exempt:
            continue
        own = own_functions(tree, trees.room_of(path))
        calls = [rf"(?<![\w:])::{name}\s*\(" for name in RAW_CALLS]
        calls += [rf"(?:^|[=({{;,!&|?+]|\breturn\b)\s*{name}\s*\(" for name in RAW_CALLS if name not in own]
        for number, line in trees.lines_with(tree.text(path), re.compile("|".join([*calls, WORDS.pattern]))):
            wrong.append(f"{path}:{number}: {line}")
    return wrong


def exceptions(tree):
    """try, catch and throw only at the third-party edge."""
    found = {path for path in tree.below("src/", *trees.SOURCE) if trees.lines_with(tree.text(path), EXCEPTION)}
    return ([f"{path} has exceptions" for path in sorted(found - EXCEPTION_EDGE)]
            + [f"{path} has none any more: take it off the list" for path in sorted(EXCEPTION_EDGE - found)])


def third_party(tree):
    """nlohmann/json in src/spec, CLI11 in src/cli, yaml-cpp in one file."""
    return [f"{path}: {pattern}" for pattern, room in THIRD_PARTY.items() for path in tree.below("src/", *trees.SOURCE)
            if re.search(pattern, tree.text(path)) and not path.startswith(room)]


def is_licensed(path, text):
    """True if a file is one that carries a licence line."""
    name = pathlib.Path(path).name
    return name.endswith((".cpp", ".hpp", ".S", ".py", ".sh", ".cmake")) or name == "CMakeLists.txt" or text.startswith("#!")


def licences(tree):
    """The SPDX line comes first, or second after a shebang."""
    wrong = []
    for path, text in tree.files.items():
        if is_licensed(path, text):
            lines = [*text.splitlines()[:2], "", ""]
            if trees.SPDX not in lines[1 if lines[0].startswith("#!") else 0]:
                wrong.append(f"{path} does not begin with {trees.SPDX}")
    return wrong


def formatting(tree):
    """clang-format has nothing to change."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [*tree.below("src/", *trees.SOURCE), *tree.below("tests/", *trees.SOURCE)]
        for path in [*paths, ".clang-format"]:
            target = pathlib.Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(tree.text(path))
        said = subprocess.run(["clang-format", "--dry-run", "-Werror", *paths], cwd=folder, capture_output=True,
                              text=True, check=False).stderr
    return [f"{path}: {count} places" for path, count in count_by(re.findall(r"^(\S+?):\d+:\d+: error", said, re.M))]


def count_by(words):
    """[(word, how often)], sorted."""
    return [(word, words.count(word)) for word in sorted(set(words))]
