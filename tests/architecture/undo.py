# SPDX-License-Identifier: Apache-2.0
"""A step whose undo is forgotten does not compile: tried, with every one of them deleted."""

import json
import pathlib
import re
import shlex
import subprocess
import tempfile

WALKER, STEPS = "src/runtime/steps/walk.cpp", "src/runtime/steps/host_steps.hpp"
DECLARED = re.compile(r"^struct (\w+) \{\n\s*static constexpr Undo undo =\s*(\w+)\([^;]*;\n", re.MULTILINE)
FUNCTION = re.compile(r"^void undo\([^;]*;\n", re.MULTILINE)


def headers(tree):
    """{header of host steps: [(step, how it is undone)]}"""
    found = {path: DECLARED.findall(tree.text(path)) for path in tree.below("src/plan/host_", ".hpp")}
    return {path: steps for path, steps in found.items() if steps}


def compiled(build, replaced):
    """What the compiler says of the walker, with some headers replaced; empty: nothing."""
    rows = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    row = next(row for row in rows if row["file"].endswith("/" + WALKER))
    words = [word for word in shlex.split(row["command"]) if word != "-c"]
    at = words.index("-o")
    with tempfile.TemporaryDirectory() as folder:
        for path, text in replaced.items():
            place = pathlib.Path(folder, path.removeprefix("src/"))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        command = [*words[:at], *words[at + 2:], "-fsyntax-only", "-fmax-errors=0"]
        command[1:1] = ["-I", folder]
        done = subprocess.run(command, cwd=row["directory"], capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def accepted(build, _):
    """The step's walker compiles as it is: what is seen below comes from what was deleted."""
    said = compiled(build, {})
    return [f"{WALKER} does not compile: {said[:300]}"] if said else []


def without_functions(build, tree):
    """Without undo() functions, each step that declares one is an error."""
    said = compiled(build, {STEPS: FUNCTION.sub("", tree.text(STEPS))})
    undone = [step for steps in headers(tree).values() for step, kind in steps if kind == "undone"]
    wrong = [] if undone else ["no step declares an undo()"]
    return wrong + [f"{step} compiles without its undo()" for step in undone if not re.search(rf"plan::{step}\]", said)]


def without_declarations(build, tree):
    """Without the declaration of how it is undone, each step is an error."""
    all_of = headers(tree)
    said = compiled(build, {path: re.sub(r"^ *static constexpr Undo undo =[^;]*;\n", "", tree.text(path), flags=re.MULTILINE)
                                     for path in all_of})
    return [f"{step} compiles without its Undo" for steps in all_of.values() for step, _ in steps
            if not re.search(rf"plan::{step}[;\]’'‘]", said)]
