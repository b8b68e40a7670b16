# SPDX-License-Identifier: Apache-2.0
"""Rules that hold the manual and tests/run.py to the sources."""

import re

MANUAL = "man/bulkhead.8"
DEFAULTS_MANUAL = "man/bulkhead.yaml.5"
RUNNER, TIERS = "tests/run.py", "tests/tiers.py"


def verbs(tree):
    """The verbs of the command line."""
    return re.findall(r'CommandRow\{Command::\w+, "([\w-]+)"', tree.text("src/cli/commands.hpp"))


def manual_text(tree, manual=MANUAL):
    """A manual with roff's escapes undone."""
    return re.sub(r"\\f[BIRP]|\\&", "", tree.text(manual)).replace("\\-", "-").replace("\\_", "_")


def manual_of_verbs(tree):
    """Every verb of the command line has an entry: a heading or a tagged paragraph that begins with it."""
    found = re.findall(r"^\.(?:SS|SH|B|BR|BI|TP|IP)\s+\"?([\w-]+)", manual_text(tree), re.MULTILINE)
    return [f"{MANUAL} has no entry for {verb}" for verb in verbs(tree) if verb not in found]


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


SECURITY = "SECURITY.md"
CATALOGUE = 79  # E01 to E79; what tests/escape has after it was found here
ATTACK_ROW = re.compile(r"^\| (E\d\d) \| ([^|]+) \|[^|]*\| ([^|]+) \|$", re.MULTILINE)
SUITE_NAMES = re.compile(r"^(\w+): ([\w.]+(?:, [\w.]+)*)$")


def attacks(tree):
    """{number: cases} of tests/escape, without the harmless ones."""
    found = {}
    for path in tree.below("tests/escape/test_", ".py"):
        for number, name in re.findall(r"^def test_(E\d\d)_(?!harmless_)(\w+)", tree.text(path), re.MULTILINE):
            found.setdefault(number, []).append(name)
    return found


def cases_of(tree, suite):
    """What can be named of a suite: functions and files of Python, Suite.Name of GoogleTest."""
    names = set()
    for path in tree.below(f"tests/{suite}/", ".py", "_test.cpp"):
        text = tree.text(path)
        if path.endswith(".py"):
            names.update(re.findall(r"^def (?:test_)?(?:E\d\d_)?(\w+)", text, re.MULTILINE), [path.rsplit("/", 1)[-1].removesuffix(".py")])
        else:
            names.update(".".join(pair) for pair in re.findall(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", text, re.MULTILINE))
    return names


def known_attacks(tree):
    """Every attack of the catalogue and of tests/escape has its row in SECURITY.md, and every test that a row names exists."""
    rows = {number: tested for number, _, tested in ATTACK_ROW.findall(tree.text(SECURITY))}
    wrong, suites = [], {}
    for number, tested in rows.items():
        for part in tested.split("; ") if ": " in tested else []:
            named = SUITE_NAMES.match(part)
            if not named:
                wrong.append(f"{SECURITY}: {number}: {part!r} is not SUITE: CASE, CASE")
                continue
            suite = suites.setdefault(named[1], cases_of(tree, named[1]))
            wrong += [f"{SECURITY}: {number}: {named[1]} has no {name}" for name in named[2].split(", ") if name not in suite]
    found = attacks(tree)
    for number in sorted({f"E{number:02}" for number in range(1, CATALOGUE + 1)} | set(found)):
        if number not in rows:
            wrong.append(f"{SECURITY} has no row for {number}")
            continue
        wrong += [f"{SECURITY}: {number}: {name} of tests/escape is not named" for name in found.get(number, [])
                  if not re.search(rf"\b{name}\b", rows[number])]
    return wrong
