# SPDX-License-Identifier: Apache-2.0
"""Rules that hold the pages for readers to the sources and to each other."""

import importlib.machinery
import importlib.util
import pathlib
import posixpath
import re

STEPS = "docs/design/steps.md"
GENERATOR = "scripts/generate-steps"
LINK = re.compile(r"\]\(([^)\s]+)\)")
LARGEST = {"README.md": ("lines", 120), "ARCHITECTURE.md": ("bytes", 15_000)}
DESIGN_PAGE = 8_000  # bytes; a page of docs/design is read in ten minutes


def generator():
    """scripts/generate-steps as a module."""
    path = str(pathlib.Path(__file__).resolve().parents[2] / GENERATOR)
    loader = importlib.machinery.SourceFileLoader("generate_steps", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def steps(tree):
    """What scripts/generate-steps writes is what stands in the files."""
    return [f"{path} is not what the steps say: run {GENERATOR}" for path, text in generator().generated(tree.files).items()
            if text != tree.text(path)]


def folders(tree):
    """Every folder of the tree."""
    found = set()
    for path in tree.files:
        while path := posixpath.dirname(path):
            found.add(path)
    return found


def links(tree):
    """A link of a page to something in the tree leads there."""
    known, wrong = folders(tree), []
    for page in tree.below("", ".md"):
        for target in LINK.findall(re.sub(r"`[^`\n]*`", "", tree.text(page))):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target.partition("#")[0].rstrip("/")))
            if "://" not in target and not target.startswith("#") and path not in tree.files and path not in known:
                wrong.append(f"{page} links to {target}, which is not there")
    return wrong


def mentioned(tree):
    """A source that a page names by its path exists."""
    known = folders(tree)
    return [f"{page} names {path}, which is not there" for page in tree.below("", ".md")
            for path in re.findall(r"`((?:src|tests|scripts|man|docs)/[\w./-]+)`", tree.text(page))
            if path.rstrip("/") not in tree.files and path.rstrip("/") not in known and not re.search("_[A-Z]{2}", path)]


def reached(tree):
    """Every page of docs/ is linked from another page."""
    targets = {posixpath.normpath(posixpath.join(posixpath.dirname(page), target.partition("#")[0]))
               for page in tree.below("", ".md") for target in LINK.findall(tree.text(page))}
    return [f"no page links to {page}" for page in tree.below("docs/", ".md") if page not in targets]


def sizes(tree):
    """The pages that everybody reads first stay short."""
    sizes_of = {"lines": lambda text: text.count("\n"), "bytes": lambda text: len(text.encode())}
    limits = {**LARGEST, **{page: ("bytes", DESIGN_PAGE) for page in tree.below("docs/design/", ".md") if page != STEPS}}
    return [f"{page} has {size} {unit}, more than {most}" for page, (unit, most) in limits.items()
            if (size := sizes_of[unit](tree.text(page))) > most]
