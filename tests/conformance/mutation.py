# SPDX-License-Identifier: Apache-2.0
"""Breaks properties in the code and looks who notices.

A property is broken where it is read: its key in the parser's table becomes another one, and is not required any more,
so that the document is taken and the property has no effect. That happens in a worktree of git below build/, never in
the sources themselves; built is what the named tests need.
"""

import dataclasses
import os
import random
import re
import subprocess

import living
import table

PLACE = table.ROOT / "build/mutation"
BUILT = PLACE / "build/release"
SECONDS = 1200
CASE = re.compile(r"^(ok|FAIL)\s+(.*?) \(\d+\.\d+ s\)$")


@dataclasses.dataclass(frozen=True)
class Mutant:
    pointer: str
    key: object  # inventory.Key
    tests: tuple


@dataclasses.dataclass(frozen=True)
class Outcome:
    pointer: str
    noticed: list
    silent: list
    skipped: list

    @property
    def survived(self):
        return not self.noticed


def draw(documents, read, seed, count, wanted=()):
    """`count` of the properties that have a row and are read, or those that are wanted."""
    mutants = [Mutant(pointer, read[pointer], row.tests) for document in documents
               if document.name.startswith("config") for row in document.rows if row.tests
               for pointer in row.pointers if pointer in read]
    if wanted:
        return [mutant for mutant in mutants if mutant.pointer in wanted]
    return random.Random(seed).sample(mutants, min(count, len(mutants)))


def call(command, **options):
    return subprocess.run(command, cwd=PLACE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", timeout=SECONDS, **options)


def must(command, **options):
    done = call(command, **options)
    if done.returncode != 0:
        raise SystemExit(f"mutate: {' '.join(map(str, command))}:\n{done.stdout[-2000:]}")


def prepare():
    """The worktree, of the last commit."""
    if (PLACE / ".git").exists():
        must(["git", "checkout", "--quiet", "--force", "--detach", revision()])
    else:
        PLACE.parent.mkdir(exist_ok=True)
        subprocess.run(["git", "worktree", "prune"], cwd=table.ROOT, check=True)
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", PLACE, revision()], cwd=table.ROOT, check=True)
    must(["cmake", "--preset", "release", "-DBULKHEAD_TESTS=ON"], env=surroundings())


def revision():
    return subprocess.run(["git", "rev-parse", "HEAD"], cwd=table.ROOT, check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()


def surroundings():
    return {**os.environ, "CCACHE_BASEDIR": str(PLACE)}


def programs(tests):
    """The GoogleTest programs that these tests are in."""
    return {found[1] for found in map(living.GOOGLE.match, tests) if found}


def build(tests):
    must(["nice", "cmake", "--build", "--preset", "release", "--target", "bulkhead", *sorted(programs(tests))],
         env=surroundings())


def broken(text, key):
    """The text of the parser's table with another key in the place of this one."""
    begin = text.index(f"fields<{key.owner}> =")
    end = text.index("\n};\n", begin) if "};\n" not in text[begin:text.index("\n", begin) + 1] else text.index("\n", begin)
    changed, times = re.subn(rf'"{key.name}"(, Need::required|, set_\w+, Need::required)?',
                             lambda found: f'"x-{key.name}"' + (found[1] or "").replace(", Need::required", ""),
                             text[begin:end])
    if times != 1:
        raise SystemExit(f"mutate: {key.file} has {key.owner}/{key.name} {times} times")
    return text[:begin] + changed + text[end:]


def run(mutants):
    prepare()
    everything = sorted({test for mutant in mutants for test in mutant.tests})
    build(everything)
    sound = {test: verdict for test, verdict in verdicts(everything).items()}
    if any(verdict == "failed" for verdict in sound.values()):
        raise SystemExit("mutate: these fail with the sound program: "
                         + ", ".join(test for test, verdict in sound.items() if verdict == "failed"))
    return [outcome_of(mutant) for mutant in mutants]


def outcome_of(mutant):
    file = PLACE / mutant.key.file
    sound = file.read_text()
    try:
        file.write_text(broken(sound, mutant.key))
        build(mutant.tests)
        found = verdicts(mutant.tests)
    finally:
        file.write_text(sound)
    outcome = Outcome(mutant.pointer, *([test for test in mutant.tests if found[test] == verdict]
                                        for verdict in ("failed", "passed", "skipped")))
    print(f"{'FAIL' if outcome.survived else 'ok':4} {mutant.pointer}: {len(outcome.noticed)} of {len(mutant.tests)} tests "
          "noticed", flush=True)
    for word, tests in (("does not notice", outcome.silent), ("is not run here", outcome.skipped)):
        for test in tests:
            print(f"     {test} {word}", flush=True)
    return outcome


def verdicts(tests):
    """{test: passed, failed or skipped}."""
    found = {test: google_verdict(test) for test in tests if living.GOOGLE.match(test)}
    for suite in living.SUITES:
        found.update(suite_verdicts(suite, [test for test in tests if test.startswith(f"{suite}: ")]))
    return {test: found.get(test, "skipped") for test in tests}


def google_verdict(test):
    program, name = living.GOOGLE.match(test).groups()
    done = call([BUILT / "tests" / program, f"--gtest_filter={name}:{name}/*"])
    if done.returncode != 0:
        return "failed"
    return "passed" if re.search(r"\[  PASSED  \] [1-9]", done.stdout) else "skipped"


def suite_verdicts(suite, tests):
    """The cases of a suite in one run; one with parameters has failed if it fails with any of them."""
    if not tests:
        return {}
    filters = [option for test in tests for option in ("--filter", test.removeprefix(f"{suite}: "))]
    only = ["--only", "bulkhead"] if suite == "contract" else []
    done = call([table.ROOT / f"tests/{suite}/run", "--runtime", BUILT / "bulkhead", *only, *filters])
    found = {test: "skipped" for test in tests}
    for line in done.stdout.splitlines():
        result = CASE.match(line)
        for test in tests if result else ():
            if same(test.removeprefix(f"{suite}: "), result[2]) and found[test] != "failed":
                found[test] = "failed" if result[1] == "FAIL" else "passed"
    return found


def same(name, title):
    return title == name or title.startswith(name + "[")
