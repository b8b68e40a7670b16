# SPDX-License-Identifier: Apache-2.0
"""Runs what the changes since a revision can have broken: tests/changed.py [REV], for daily work.

The unit and kernel tests by the graph of the build: a program that has a changed file in it, itself or through a header. The
user's view by the folder of what changed: ROOMS says which topics look closest. What is not sure is left to scripts/test.
"""

import concurrent.futures
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "support"))

import run as tier  # noqa: E402  (the path above must come first)
import running  # noqa: E402
import tiers  # noqa: E402

BUILD = running.ROOT / "build/check"
SECONDS = 600
# {where a file is: topics of the integration cases}
ROOMS = {
    "src/base/": ("lifecycle", "run", "paths"),
    "src/spec/": ("bad_input", "parser", "spec_from"),
    "src/plan/": ("error_texts", "run", "bundle_themes"),
    "src/namespaces/": ("namespaces", "joins", "sysctl", "user_namespace"),
    "src/process/": ("credentials", "environment", "exec_user", "scheduling"),
    "src/rootfs/": ("devices", "mounts", "overlay", "paths", "propagation"),
    "src/cgroups/": ("cgroup_identity", "cgroup_removal", "limits", "pause", "resources_refusals"),
    "src/seccomp/": ("exec_seccomp", "seccomp", "seccomp_listener"),
    "src/runtime/": ("exec", "hooks", "kill", "lifecycle", "run"),
    "src/cli/": ("error_texts", "exit_codes", "listing", "probes"),
    "bundles/": ("bundles", "bundle_themes"),
    "README.md": ("readme",),
    "tests/integration/": ("lifecycle", "run"),
}
# {where a file is: a suite}
SUITES = {
    "src/runtime/stage/": tiers.EXPLAIN,
    "tests/explain/": tiers.EXPLAIN,
    "tests/faults/": tiers.Suite("faults", (*tiers.PYTEST, "tests/faults", "-k", "test_creation_of_a_bundle and default")),
    "tests/engines/": tiers.Suite("engines, smoke", ("tests/engines/run", "--smoke")),
    "tests/vm/": tiers.Suite("guest", ("tests/vm/run",)),
    "tests/witness/": tiers.Suite("witness", (*tiers.PYTEST, "tests/witness")),
    "tests/conformance/": tiers.Suite("coverage", ("tests/conformance/coverage", "--build", "build/check")),
    "tests/contract/callers/": tiers.CONTRACT,
}


def said_by(*command):
    return subprocess.run(command, cwd=running.ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


def changed_since(revision):
    """Names of files, as git knows them: changed since then, and new ones that it does not know yet."""
    tracked = said_by("git", "diff", "--name-only", revision)
    new = said_by("git", "ls-files", "--others", "--exclude-standard")
    return sorted({*tracked.split("\n"), *new.split("\n")} - {""})


def default_revision():
    return "HEAD" if changed_since("HEAD") else "HEAD~1"


def contents():
    """{object: the sources and headers that it was made of}, as the compiler told at the last build."""
    found, current = {}, set()
    for line in said_by("ninja", "-C", str(BUILD), "-t", "deps").splitlines():
        if line.startswith("    "):
            current.add((BUILD / line.strip()).resolve())
        elif ": #deps" in line:
            current = found[line.partition(":")[0]] = set()
    return found


def objects_of(program):
    return [line for line in said_by("ninja", "-C", str(BUILD), "-t", "inputs", f"tests/{program}").splitlines()
            if line.endswith(".o")]


def programs_with(files):
    """The test programs that have one of the files in them; one that was never built may have any."""
    paths, made_of = {(running.ROOT / file).resolve() for file in files}, contents()
    names = [line.split(":")[0].removeprefix("tests/")
             for line in said_by("ninja", "-C", str(BUILD), "-t", "targets", "all").splitlines()
             if re.match(r"tests/test_\w+: CXX_EXECUTABLE_LINKER", line)]
    return [name for name in names
            if any(made_of.get(each) is None or made_of[each] & paths for each in objects_of(name) if "stage.dir" not in each)]


def topics_for(files):
    found = set()
    for file in files:
        own = re.fullmatch(r"tests/integration/test_(\w+)\.py", file)
        words = (own[1],) if own and (running.ROOT / file).exists() else next(
            (topics for place, topics in ROOMS.items() if file.startswith(place)), ())
        found.update(words)
    return sorted(found)


def own_cases(file):
    """The suite that runs the cases of a changed file of the contract or the attacks, or None."""
    path = running.ROOT / file
    own = re.fullmatch(r"tests/(contract|escape)/test_(\w+)\.py", file)
    return tiers.Suite(f"{own[1]}: {own[2]}", (*tiers.PYTEST, "--patience", "2", file)) if own and path.exists() else None


def suites_for(files, revision):
    found = {suite.name: suite for file in files for place, suite in SUITES.items() if file.startswith(place)}
    found.update({suite.name: suite for file in files if (suite := own_cases(file))})
    files = [f"tests/integration/test_{topic}.py" for topic in topics_for(files)]
    cases = [tiers.Suite(f"integration: {len(files)} topics", (*tiers.PYTEST, "-n", "3", *files))] if files else []
    lint = tiers.Suite("lint", ("tests/lint/run", "--since", revision))
    return [*cases, *found.values(), tiers.ARCHITECTURE, lint]


def misnamed():
    """Topics of ROOMS that there are not."""
    return [topic for topics in ROOMS.values() for topic in topics
            if not (HERE / f"integration/test_{topic}.py").exists()]


def main(argv):
    if misnamed():
        raise SystemExit(f"tests/changed.py: no integration cases of the topics {misnamed()}")
    revision = argv[0] if argv else default_revision()
    files = changed_since(revision)
    tier.say(f"==> {len(files)} files changed since {revision}")
    programs = programs_with(files)
    if programs:
        tier.say(f"==> build check: {' '.join(programs)}")
        subprocess.run(["cmake", "--build", "--preset", "check", "--target", *programs], cwd=running.ROOT, check=True)
    this = tier.Round(SECONDS)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:  # the programs beside the suites: these mostly wait
        tested = pool.submit(this.google, "check", [BUILD / "tests" / name for name in programs])
        this.suites(suites_for(files, revision), tier.AT_A_TIME - 1)
        tested.result()
    return this.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
