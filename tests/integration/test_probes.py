# SPDX-License-Identifier: Apache-2.0
"""What engines ask a runtime before they use it, wherever they ask it from, and what they read in the answers."""

import json
import os
import pathlib
import shutil
import sys

import pytest

from harness import absent, contains, equal, true
from marks import differs, parametrize
from unprivileged import become_user, within_reach

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "contract/callers"))
import matchers  # pylint: disable=wrong-import-position

pytestmark = pytest.mark.any_cgroups

VERBS = ["create", "run", "start", "state", "exec", "ps", "events", "kill", "pause", "resume", "update", "delete",
         "list", "spec", "features"]
QUESTIONS = {"version": ["--version"], "features": ["features"], "help": ["--help"]}


def globals_of_go_runc(t):
    """As go-runc puts them in front of every call; the root need not exist."""
    return ["--root", t.scratch / "no-such-root", "--debug", "--log", t.scratch / "log.json", "--log-format", "json",
            "--systemd-cgroup", "--rootless=true"]


def ask(t, *words, **options):
    """The runtime with nothing in front; its words are looked at by the caller."""
    return t.runtime.exec([t.runtime.path, *map(str, words)], **{"env": {}, **options})


# ---- from wherever -----------------------------------------------------------------------------------------

def bare(t, words):
    return ask(t, *words)


def with_globals(t, words):
    return ask(t, *globals_of_go_runc(t), *words)


def without_descriptors(t, words):
    return ask(t, *words, setup={"close": [0]})


def in_a_directory_that_is_gone(t, words):
    gone = t.scratch / "gone"
    gone.mkdir()
    script = 'cd "$1" && rmdir "$1" && shift && exec "$@"'
    return t.runtime.exec(["/bin/sh", "-c", script, "sh", str(gone), t.runtime.path, *words], env={})


def as_a_user(t, words):
    become_user(t)
    return t.runtime.exec([*t.runtime.prefix, t.runtime.path, *words], env={"HOME": "/no/such"})


def as_a_user_with_a_runtime_directory(t, words):
    become_user(t)
    return t.runtime.exec([*t.runtime.prefix, t.runtime.path, *words], env={"XDG_RUNTIME_DIR": "/no/such"})


def without_run(t, words):
    """The machine's root without /run, /tmp and /proc, in a mount namespace of its own."""
    script = 'for d in /run /proc; do mount -t tmpfs none $d; mount -o remount,ro $d; done; exec "$@"'
    return t.runtime.exec(["unshare", "--mount", "/bin/sh", "-c", script, "sh", within_reach(t), *words],
                          env={"PATH": os.environ["PATH"]})


def alone(t, words):
    """A root directory that has the runtime in it and nothing else."""
    root = t.scratch / "alone"
    root.mkdir()
    shutil.copy(t.runtime.path, root / "runtime")
    os.mkdir(root / "dev")
    os.mknod(root / "dev/null", 0o20666, os.makedev(1, 3))
    return t.runtime.exec(["chroot", str(root), "/runtime", *words], env={"PATH": os.environ["PATH"]})


PLACES = {place.__name__: place for place in (bare, with_globals, without_descriptors, in_a_directory_that_is_gone,
                                              as_a_user, without_run)}
STRANGE_PLACES = {place.__name__: place for place in (as_a_user_with_a_runtime_directory, alone)}


def answers_the_same(t, place, question):
    words = QUESTIONS[question]
    expected = ask(t, *words).ok().out
    true(expected, "no answer")
    equal(place(t, words).ok().out, expected, f"the answer {place.__name__}")
    true(not (t.scratch / "no-such-root").exists(), "a state root was made")


@parametrize("_, place, question", [
    (f"{question} {name}", place, question) for name, place in PLACES.items() for question in QUESTIONS])
def test_a_question_is_answered_anywhere(t, _, place, question):
    """On stdout alone, with nothing on stderr, the same everywhere, and nothing is made for it."""
    answers_the_same(t, place, question)


@pytest.mark.released
@differs("runc makes its state root for any question, and Debian's needs its libraries")
@parametrize("_, place, question", [
    (f"{word} {name}", place, word) for name, place in STRANGE_PLACES.items() for word in QUESTIONS])
def test_a_question_is_answered_without_anything(t, _, place, question):
    """There is nothing that the program needs to find or to make."""
    answers_the_same(t, place, question)


# ---- --version ---------------------------------------------------------------------------------------------

@parametrize("_, words", [("bare", []), ("go-runc", None)])
def test_the_version_for_go_runc(t, _, words):
    """go-runc finds commit and spec; the version only of what calls itself runc."""
    result = ask(t, *(globals_of_go_runc(t) if words is None else words), "--version").ok()
    found = matchers.go_runc_version(result.out)
    equal(bool(found["runc"]), bool(t.control), "a version under the name runc")
    true(found["spec"].startswith("1.") and found["commit"], f"commit and spec are {found}")


@parametrize("flag", ["--version", "-v"])
def test_the_version_for_dockerd(t, flag):
    """dockerd finds name, version and commit: one line has the word version, and the version has no colon before it."""
    result = ask(t, flag).ok()
    name, version, commit = matchers.dockerd_version(result.out)
    equal(name, "bulkhead" if t.bulkhead else "runc", "name")
    true(version[0].isdigit() and " " not in version, f"version is {version!r}")
    true(commit and ":" not in commit, f"commit is {commit!r}")
    equal(sum("version" in line for line in result.lines()), 1, "lines with the word version")


# ---- checkpoint and restore ----------------------------------------------------------------------------------

@parametrize("_, before", [("bare", []), ("with a root", ["--root", "/run/x"])])
def test_checkpoints_as_podman_asks_for_them(t, _, before):
    """`checkpoint --help` and `restore --lsm-mount-context` say the same, and the same as features."""
    has = ask(t, *before, "checkpoint", "--help").code == 0
    answer = ask(t, *before, "restore", "--lsm-mount-context")
    said = answer.out + answer.err
    for newest in (True, False):
        equal(matchers.lsm_mount_context(said, newest), has, f"pods can be restored, by {said!r}")
    annotations = json.loads(ask(t, "features").ok().out)["annotations"]
    equal(annotations["org.opencontainers.runc.checkpoint.enabled"], str(has).lower(), "features")


# ---- verbs that are none, and help ---------------------------------------------------------------------------

@parametrize("verb", ["version", "frobnicate", "Create", "--", "checkpoint-all", "creat"])
def test_an_unknown_verb(t, verb):
    """Not zero, nothing on stdout that could be taken for an answer, one line on stderr and one in the log."""
    log = t.scratch / "log.json"
    words = [verb] if verb != "--" else ["--", "--version"]
    result = ask(t, "--log", log, "--log-format", "json", *words)
    true(result.code != 0, f"it is zero: {result}")
    equal(result.out, "", "stdout")
    equal(len(result.lines()) + len(result.err.splitlines()), 1, f"lines of {result.err!r}")
    if t.bulkhead:
        equal(result.err, f'unknown command "{words[-1]}"\n', "stderr")
        equal(matchers.shim_last_error(log.read_text()), result.err.strip(), "the log")
        equal(matchers.oci_log(log.read_text()), result.err.strip(), "podman's log")


@parametrize("_, *words", [*[(f"{verb} {flag}", verb, flag) for verb in VERBS for flag in ("--help", "-h")],
                           *[(f"help {verb}", "help", verb) for verb in VERBS]])
def test_help_for_a_verb(t, _, words):
    """On stdout, zero, whatever else the verb would ask for."""
    result = ask(t, *words).ok()
    contains(result.out.lower(), "usage", "stdout")
    contains(result.out, next(word for word in words if word in VERBS), "stdout")


@parametrize("words", [["--help"], ["-h"], ["-help"], ["help"], ["h"], [], ["--root", "/no/such", "--help"]])
def test_help_for_all(t, words):
    """Without a verb help is the answer, as with runc."""
    out = ask(t, *words).ok().out
    for verb in VERBS:
        contains(out, verb, "stdout")


def test_help_for_nothing(t):
    """Of a verb that is none there is no help."""
    result = ask(t, "help", "frobnicate")
    true(result.code != 0 and "frobnicate" in result.err, f"{result}")


@differs("runc gives create the id --help")
def test_help_wins_over_everything(t):
    """A --help after operands and other flags is still a question, and nothing is done."""
    box = t.sleeper()
    result = ask(t, "--root", t.root, "create", "--bundle", box.bundle.path, box.id, "--help").ok()
    contains(result.out, "Usage", "stdout")
    t.no_state()


# ---- --rootless, and what only crun has -----------------------------------------------------------------------

@parametrize("words", [
    f"--rootless={word}" for word in ("true", "false", "auto", "1", "0", "t", "F", "TRUE", "False", "")]
+ ["-rootless=false", "--rootless true", "--rootless false", "--rootless auto", "-rootless auto"])
def test_rootless_in_every_form(t, words):
    """strconv.ParseBool's words, auto and nothing; one dash or two, one word or two."""
    box = t.container("echo", "made")
    equal(t.runtime(*words.split(), "run", "--bundle", box.bundle.path, box.id).ok().out, "made\n", "stdout")


@parametrize("word", ["--rootless=maybe", "--rootless=yes", "--rootless=tRUE"])
def test_rootless_in_no_form(t, word):
    """Anything else is refused where a container would be made."""
    box = t.container("true")
    true(t.runtime(word, "create", "--bundle", box.bundle.path, box.id).code != 0, "it was taken")
    t.no_state()


@differs("only crun has them")
@parametrize("line", [
    "--cgroup-manager=cgroupfs", "--cgroup-manager cgroupfs", "--cgroup-manager=disabled", "--log-level=error",
    "--log-level warning", "--log=file:LOG", "--log file:LOG --log-level=debug --log-format=json"])
def test_globals_of_crun(t, line):
    """They are taken, and the container runs."""
    box, log = t.container("echo", "made"), t.scratch / "log"
    words = [word.replace("LOG", str(log)) for word in line.split()]
    equal(t.runtime(*words, "run", "--bundle", box.bundle.path, box.id).exits(0).out, "made\n", "stdout")
    equal(log.exists(), "LOG" in line, "the log is there")
    equal(log.exists() and '"level":"debug"' in log.read_text(), "debug" in line, "debug lines")


@differs("only crun has them")
@parametrize("word", ["--cgroup-manager=none", "--log-level=loud"])
def test_globals_of_crun_with_other_words(t, word):
    """A word that is none is refused, before anything is made."""
    result = t.runtime(word, "list").exits(1)
    contains(result.err, "must be one of", "stderr")
    absent(result.err, "flag needs an argument", "stderr")
