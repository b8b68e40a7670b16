# SPDX-License-Identifier: Apache-2.0
"""The project's own text files as a value that a self-test can change."""

import dataclasses
import functools
import pathlib
import re
import subprocess

SPDX = "SPDX-License-Identifier: Apache-2.0"
SOURCE = (".cpp", ".hpp")
COMMENT_OR_STRING = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Tree:
    """{path from the project's root: text}."""
    files: dict

    def plant(self, path, text):
        """The same tree with one file added or replaced."""
        return Tree({**self.files, path: text})

    def without(self, path):
        """The same tree without a file."""
        return Tree({name: text for name, text in self.files.items() if name != path})

    def below(self, folder, *endings):
        """Paths in a folder, sorted."""
        return sorted(path for path in self.files if path.startswith(folder) and (not endings or path.endswith(endings)))

    def text(self, path):
        """A file's text; empty where there is none."""
        return self.files.get(path, "")


def load(project):
    """Every file that git knows or would take, read as text; folders of builds are ignored by .gitignore."""
    listed = subprocess.run(["git", "-C", str(project), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            capture_output=True, text=True, check=True).stdout.split("\0")
    paths = [name for name in listed if name and (pathlib.Path(project) / name).is_file()]
    return Tree({name: (pathlib.Path(project) / name).read_text(errors="replace") for name in paths})


def stripped(text):
    """The text without comments; strings and characters are empty; lines stay where they are."""
    def blank(match):
        word = match[0]
        return ("" if word.startswith("/") else '""') + "\n" * word.count("\n")
    return COMMENT_OR_STRING.sub(blank, text)


@functools.cache
def code(text):
    """The cached form of stripped()."""
    return stripped(text)


def lines_with(text, pattern):
    """(number, line) of each line of code in which a pattern occurs."""
    return [(number, line.strip()) for number, line in enumerate(code(text).splitlines(), 1) if pattern.search(line)]


def room_of(path):
    """The room of a source: the folder below src/; runtime is a floor of rooms."""
    folders = path.split("/")[1:-1]
    return "/".join(folders[:2] if folders[0] == "runtime" else folders[:1])
