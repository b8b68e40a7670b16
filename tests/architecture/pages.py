# SPDX-License-Identifier: Apache-2.0
"""Rules that hold the pages for readers to the sources and to each other."""

import posixpath
import re

STEPS = "docs/design/steps.md"
LANES = {"## Host lane": ("src/plan/host_vocabulary.hpp", r"using HostOp = std::variant<([^;]*)>;"),
         "## Init lane": ("src/plan/vocabulary.hpp", r"using InitVocabulary = Vocabulary<([^;]*)>;")}
ROW = re.compile(r"^\| ([A-Z]\w+(?:, [A-Z]\w+)*) \|", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
LARGEST = {"README.md": ("lines", 120), "ARCHITECTURE.md": ("bytes", 15_000)}
DESIGN_PAGE = 8_000  # bytes; a page of docs/design is read in ten minutes


def words_of(table):
    """The steps that a table has a row for."""
    return [word for row in ROW.findall(table) for word in row.split(", ")]


def steps(tree):
    """docs/design/steps.md has one row for each step of the two vocabularies, in the lane of the step."""
    parts = re.split(r"^(## .* lane)", tree.text(STEPS), flags=re.MULTILINE)
    tables = dict(zip(parts[1::2], parts[2::2], strict=False))
    wrong = []
    for heading, (header, pattern) in LANES.items():
        found = re.search(pattern, tree.text(header))
        known = re.findall(r"\w+", found[1]) if found else []
        listed = words_of(tables.get(heading, ""))
        wrong += [f"{header}: no vocabulary found"] if not known else []
        wrong += [f"{STEPS} has no row for {step}" for step in known if step not in listed]
        wrong += [f"{STEPS}: {heading} has {step}, which {header} has not" for step in listed if step not in known]
        wrong += [f"{STEPS} has {step} {listed.count(step)} times" for step in sorted(set(listed)) if listed.count(step) > 1]
    return wrong


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
