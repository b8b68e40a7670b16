# SPDX-License-Identifier: Apache-2.0
"""Rules that hold the manual and tests/run.py to the sources."""

import re

MANUAL = "man/bulkhead.8"
DEFAULTS_MANUAL = "man/bulkhead.yaml.5"
RUNNER, TIERS = "tests/run.py", "tests/tiers.py"


def verbs(tree):
    """The verbs of the command line."""
    return re.findall(r'CommandRow\{Command::\w+, "([\w-]+)"', tree.text("src/cli/commands.hpp"))


def vocabulary(tree):
    """The words of both lanes' vocabularies."""
    sentences = tree.text("src/plan/describe_init.cpp") + tree.text("src/plan/describe_host.cpp")
    return re.findall(r'return \{\s*"(\w+)"', sentences)


def manual_text(tree, manual=MANUAL):
    """A manual with roff's escapes undone."""
    return re.sub(r"\\f[BIRP]|\\&", "", tree.text(manual)).replace("\\-", "-").replace("\\_", "_")


def manual_of_verbs(tree):
    """Every verb of the command line has an entry: a heading or a tagged paragraph that begins with it."""
    found = re.findall(r"^\.(?:SS|SH|B|BR|BI|TP|IP)\s+\"?([\w-]+)", manual_text(tree), re.MULTILINE)
    return [f"{MANUAL} has no entry for {verb}" for verb in verbs(tree) if verb not in found]


def manual_of_steps(tree):
    """Every word of the vocabulary is explained."""
    text = manual_text(tree)
    return [f"{MANUAL} does not name {word}" for word in vocabulary(tree) if not re.search(rf"\b{word}\b", text)]


def default_keys(tree):
    """The keys of bulkhead.yaml."""
    return re.findall(r'\{"([\w-]+)", &Reader::', tree.text("src/cli/defaults.cpp"))


def manual_of_defaults(tree):
    """Every key of bulkhead.yaml has an entry, and every entry is a key."""
    keys = default_keys(tree)
    found = re.findall(r"^\.TP\n\.\w+ \"?([\w-]+):", manual_text(tree, DEFAULTS_MANUAL), re.MULTILINE)
    return ([f"{DEFAULTS_MANUAL} has no entry for {key}" for key in keys if key not in found]
            + [f"{DEFAULTS_MANUAL} has {key}, which is no key" for key in found if key not in keys]
            + ([] if keys else ["src/cli/defaults.cpp: no keys found"]))


def test_folders(tree):
    """scripts/test runs tests/run.py, and its tiers have every folder of tests/ that has something to run."""
    runner, tiers = tree.text(RUNNER), tree.text(TIERS)
    wrong = [] if RUNNER in tree.text("scripts/test") else [f"scripts/test does not call {RUNNER}"]
    wrong += [f"{TIERS} does not call {path}" for path in tree.below("tests/", "/run", "/selftest")
              if f'"{path}"' not in tiers]
    wrong += [f"{TIERS} does not run {folder}" for folder in sorted({path.rpartition("/")[0] for path in tree.below("tests/", ".py")
                                                                     if "/test_" in path})
              if f'"{folder}"' not in tiers and f'"{folder}/run"' not in tiers]
    wrong += [f"{TIERS} does not boot {part}" for part in re.findall(r'= Part\("([\w-]+)"', tree.text("tests/vm/parts.py"))
              if f'"{part}"' not in tiers and part != "everyday"]
    compiled = {path.split("/")[1] for path in tree.below("tests/", "_test.cpp")}
    wrong += [f"tests/CMakeLists.txt does not know {room}" for room in sorted(compiled)
              if not re.search(rf"room_tests\({room}\b", tree.text("tests/CMakeLists.txt"))]
    return wrong + ([f"{RUNNER} does not look for test_*"] if '"test_*"' not in runner else [])
