# SPDX-License-Identifier: Apache-2.0
"""Breaks properties in the code, one at a time, and looks which of the tests that their rows name notice."""

import dataclasses
import hashlib
import time

import mutants
import trial

PARSER = "unit test_spec: "  # its tests see what is read, not what becomes of it


@dataclasses.dataclass(frozen=True)
class Mutant:
    document: str  # config or features
    pointer: str
    tests: tuple


@dataclasses.dataclass(frozen=True)
class Outcome:
    mutant: Mutant
    noticed: list
    silent: list
    skipped: list

    @property
    def survived(self):
        """Nobody noticed; or the parser's tests did, and nobody who looks for the effect."""
        return all(test.startswith(PARSER) for test in self.noticed)


def all_mutants(documents, read):
    """Every property with tests: of config.json what the parser reads, of the features document each."""
    return [Mutant(kind, pointer, row.tests) for document in documents for row in document.rows if row.tests
            for kind in [document.name.partition("-")[0]] for pointer in row.pointers
            if kind == "features" or (kind == "config" and pointer in read)]


def draw(documents, read, seed, count, wanted=()):
    """`count` properties, or those that are wanted. Rows that come and go change little of what a seed draws."""
    found = all_mutants(documents, read)
    if wanted:
        return [mutant for mutant in found if mutant.pointer in wanted]
    return sorted(found, key=lambda mutant: lot(seed, mutant))[:count]


def lot(seed, mutant):
    return hashlib.sha256(f"{seed} {mutant.document} {mutant.pointer}".encode()).digest()


def run(drawn):
    """The outcome of each, after the named tests have passed with nothing broken."""
    mutants.prepare()
    everything = sorted({test for mutant in drawn for test in mutant.tests})
    begin = time.monotonic()
    mutants.build(everything)
    print(f"built in {time.monotonic() - begin:.0f} s", flush=True)
    failed = [test for test, verdict in trial.verdicts(everything).items() if verdict == "failed"]
    if failed:
        raise SystemExit("mutate: these fail with nothing broken: " + ", ".join(failed))
    print(f"{len(everything)} tests named, none fails with nothing broken", flush=True)
    return [outcome_of(mutant) for mutant in drawn]


def outcome_of(mutant):
    begin = time.monotonic()
    mutants.break_property(mutant.document, mutant.pointer)
    mutants.build(mutant.tests)
    found = trial.verdicts(mutant.tests)
    outcome = Outcome(mutant, *([test for test in mutant.tests if found[test] == verdict]
                                for verdict in ("failed", "passed", "skipped")))
    show(outcome, time.monotonic() - begin)
    return outcome


def show(outcome, seconds):
    mutant = outcome.mutant
    print(f"{'FAIL' if outcome.survived else 'ok':4} {mutant.document}: {mutant.pointer}: {len(outcome.noticed)} of "
          f"{len(mutant.tests)} tests noticed ({seconds:.1f} s)", flush=True)
    if outcome.survived and outcome.noticed:
        print("     only the parser's tests notice, none that looks for the effect", flush=True)
    for word, tests in (("does not notice", outcome.silent), ("is not run here", outcome.skipped)):
        for test in tests:
            print(f"     {test} {word}", flush=True)
