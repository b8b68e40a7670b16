# SPDX-License-Identifier: Apache-2.0
"""The snippets of docs/engines.md: what a session installs and a case runs is what an operator reads there.

A fenced block says after its language what it is: a file (`/etc/...`), an addition to a file (`>>/etc/...`), the name
of a script, or `not-run`. The control gets the same text with runc in the place of bulkhead, in names and in paths;
where Docker keeps that name to itself, `path_alone` leaves the names.
"""

import ast
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
PAGE = HERE.parent.parent / "docs/engines.md"
FENCE = re.compile(r"^```(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NOT_RUN = "not-run"
USERS = ("install", "script", "environment", "text_of")
originals = {}  # of the files that were added to


def blocks(page):
    """[(what it is, text)]; a block that does not say what it is has ''."""
    return [(info.partition(" ")[2], text) for info, text in FENCE.findall(page)]


def text_of(name, runtime, path_alone=False):
    found = [text for each, text in blocks(PAGE.read_text()) if each == name]
    assert len(found) == 1, f"{PAGE.name} has {len(found)} blocks {name}"
    if runtime == "bulkhead":
        return found[0]
    return re.sub(r"/usr/sbin/bulkhead\b" if path_alone else r"\bbulkhead\b",
                  f"/usr/sbin/{runtime}" if path_alone else runtime, found[0])


def install(name, runtime):
    """Writes the file; the control's has the same name."""
    path = pathlib.Path(name.removeprefix(">>"))
    path.parent.mkdir(parents=True, exist_ok=True)
    before = ""
    if name.startswith(">>"):
        before = originals.setdefault(path, path.read_text() if path.exists() else "")
    path.write_text(before + text_of(name, runtime))


def script(name, runtime, path_alone=False):
    """The text, for a shell that stops at the first failure."""
    return ["sh", "-e", "-c", text_of(name, runtime, path_alone)]


def environment(name, runtime):
    """{variable: value} that systemd takes from a drop-in."""
    return dict(line.removeprefix("Environment=").split("=", 1) for line in text_of(name, runtime).splitlines()
                if line.startswith("Environment="))


def used():
    """What the sessions and the cases install and run, by their sources."""
    names = set()
    for file in HERE.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in USERS
                    and getattr(node.func.value, "id", "") == "snippets" and isinstance(node.args[0], ast.Constant)):
                names.add(node.args[0].value)
    return names


def problems(page, names):
    """A block that nobody runs, or that says not what it is; and what is run and is not there."""
    there = [name for name, _ in blocks(page)]
    return ([f"a block does not say what it is: {text[:60]!r}" for name, text in blocks(page) if not name]
            + [f"nobody runs the block {name}" for name in sorted(set(there) - names - {NOT_RUN, ""})]
            + [f"there is no block {name}" for name in sorted(names - set(there))]
            + [f"there are several blocks {name}" for name in sorted(names) if there.count(name) > 1]
            + [f"{there.count(NOT_RUN)} blocks are not run, which one may be"] * (there.count(NOT_RUN) > 1))
