# SPDX-License-Identifier: Apache-2.0
"""Hooks that fail: the effect on the verb and the container, and the error."""

import json
import signal

import pytest

from harness import absent, contains, equal, eventually, read_text, true
from hooks import KINDS, OF_CREATE, Journal, removed, shell, whole_life
from marks import differs, parametrize

pytestmark = pytest.mark.any_cgroups

OLD_START = "runc 1.1.5 returns from start before the startContainer hooks run"
OLD_POSTSTART = "runc runs poststart hooks in create until 1.5.0"
OLD_POSTSTOP = "runc reports a failing poststop hook as delete's failure and skips the rest"
BEFORE = {"startContainer": ["create"], "poststart": ["create"]}

FAILING = "echo to-stdout; echo to-stderr >&2; exit 7"
PROGRAM = "echo program >> {log}/order; exec sleep 60"


def failing(t, kind, script=FAILING, others=()):
    """A container whose second hook of that kind fails; the other hooks note that they ran."""
    journal = Journal(t)
    hooks = {**journal.noting(*others),
             kind: [journal.note("first"), journal.note("failing", script), journal.note("third")]}
    return journal, journal.box("sh", "-c", PROGRAM.format(log=journal.path), hooks=hooks)


def lead_to(box, kind):
    """Runs the verbs up to the one that runs this kind of hook; returns its result."""
    if kind in OF_CREATE:
        return box.create()
    box.create().ok()
    if kind != "poststop":
        return box.start()
    return box.delete()


def is_gone(t, box):
    """Fails unless there is no such container, and nothing that delete --force could find."""
    contains(t.runtime("state", box.id).exits(1).err, "does not exist", "what state says")
    t.no_state()


def says(result, *words):
    for word in words:
        contains(result.err, word, "stderr")


def warns(warnings, *words):
    for word in words:
        contains(warnings(), word, "the log")


# ---- the effect of a failure ----------------------------------------------------------------------------

@parametrize("kind", OF_CREATE)
def test_a_failing_hook_fails_create(t, kind):
    """create fails, the later hooks of create do not run, no container is left, and poststop hooks run."""
    later = OF_CREATE[OF_CREATE.index(kind) + 1:]
    journal, box = failing(t, kind, others=[*later, "startContainer", "poststop"])
    result = box.create().exits(1)
    says(result, "to-stdout", "to-stderr", "exit status 7")
    equal(journal.order(), ["first", "failing", "poststop"], "what ran")
    true(not box.pid_file.exists(), "there is a pid file")
    is_gone(t, box)


@parametrize("kind", OF_CREATE)
def test_the_error_names_the_hook(t, kind):
    """The error has the kind and the number of the failed hook."""
    _, box = failing(t, kind)
    result = box.create().exits(1)
    says(result, f"/hooks/{kind}/1" if t.bulkhead else "hook #1")


@parametrize("kind", OF_CREATE)
def test_a_failing_hook_fails_run(t, kind):
    """`run` fails as create does; the program never runs."""
    journal, box = failing(t, kind, others=["poststop"])
    result = box.run()
    true(result.code not in (0, 7), f"the hook's status is not run's: {result}")
    says(result, "to-stdout", "to-stderr")
    equal(journal.order(), ["first", "failing", "poststop"], "what ran")
    is_gone(t, box)


@parametrize("kind", ["prestart", "startContainer", "poststart"])
def test_a_failing_hook_fails_a_detached_run(t, kind):
    """`run --detach` waits for the hooks and fails with them."""
    journal, box = failing(t, kind, others=["poststop"])
    result = box.run_detached()
    if kind == "startContainer" and t.control:
        return  # runc does not wait for startContainer hooks; see OLD_START
    true(result.code != 0, f"run succeeds: {result}")
    says(result, "to-stdout", "to-stderr")
    equal([word for word in journal.order() if word != "program"], ["first", "failing", "poststop"], "what ran")
    is_gone(t, box)


@differs(OLD_START)
def test_a_failing_start_container_hook_fails_start(t):
    """start fails, the program never runs, start stops and removes the container, and poststop hooks run."""
    journal, box = failing(t, "startContainer", others=["poststart", "poststop"])
    box.create().ok()
    result = box.start().exits(1)
    says(result, "to-stdout", "to-stderr", "/hooks/startContainer/1")
    equal(box.wait(), -9, "status of the program that never ran")
    equal(journal.order(), ["first", "failing", "poststop"], "what ran")
    is_gone(t, box)


def test_the_program_does_not_run_after_a_failing_start_container_hook(t):
    """The program does not run, whatever start returns."""
    journal, box = failing(t, "startContainer")
    box.create().ok()
    box.start()
    box.wait()
    equal(journal.order(), ["first", "failing"], "what ran")
    box.delete("--force").ok()


@differs(OLD_START)
@parametrize("how", ["attached", "kept"])
def test_a_failing_start_container_hook_fails_run(t, how):
    """run fails with the hook's output, also with --keep, and leaves nothing."""
    journal, box = failing(t, "startContainer", others=["poststop"])
    result = box.run(*(["--keep"] if how == "kept" else []))
    true(result.code not in (0, 7), f"the hook's status is not run's: {result}")
    says(result, "to-stdout", "to-stderr")
    equal(journal.order(), ["first", "failing", "poststop"], "what ran")
    is_gone(t, box)


@differs(OLD_POSTSTART)
def test_a_failing_poststart_hook_fails_start(t):
    """start fails, kills the running program and removes the container, and poststop hooks run."""
    journal, box = failing(t, "poststart", others=["poststop"])
    box.create().ok()
    result = box.start().exits(1)
    says(result, "to-stdout", "to-stderr", "/hooks/poststart/1")
    equal(box.wait(), -9, "status of the program")
    equal([word for word in journal.order() if word != "program"], ["first", "failing", "poststop"], "what ran")
    is_gone(t, box)


@differs(OLD_POSTSTART)
def test_a_failing_poststart_hook_fails_run(t):
    """An attached run fails, kills the program and leaves nothing."""
    journal, box = failing(t, "poststart", others=["poststop"])
    result = box.run()
    true(result.code not in (0, 7), f"the hook's status is not run's: {result}")
    says(result, "to-stdout", "to-stderr")
    equal([word for word in journal.order() if word != "program"], ["first", "failing", "poststop"], "what ran")
    is_gone(t, box)


@differs(OLD_POSTSTOP)
@parametrize("flag", ["", "--force"])
def test_a_failing_poststop_hook_is_a_warning(t, flag):
    """delete succeeds with a warning that shows the output; the later hooks run."""
    journal, box = failing(t, "poststop")
    warnings = t.runtime.warned()
    box.create().ok()
    box.delete(*([flag] if flag else [])).ok()
    warns(warnings, "warning", "to-stdout", "to-stderr", "exit status 7", "/hooks/poststop/1")
    equal(journal.order(), ["first", "failing", "third"], "what ran")
    is_gone(t, box)


@differs(OLD_POSTSTOP)
def test_a_failing_poststop_hook_does_not_change_runs_status(t):
    """An attached run still returns the program's status."""
    journal = Journal(t)
    hooks = {"poststop": [journal.note("failing", FAILING), journal.note("last")]}
    box = journal.box("sh", "-c", "exit 23", hooks=hooks)
    warnings = t.runtime.warned()
    equal(box.run().exits(23).err, "", "stderr")
    warns(warnings, "warning", "to-stdout")
    equal(journal.order(), ["failing", "last"], "what ran")


def test_the_container_is_gone_whatever_poststop_says(t):
    """delete removes the container although a poststop hook fails."""
    _, box = failing(t, "poststop")
    box.create().ok()
    box.delete("--force")
    is_gone(t, box)


@differs(OLD_POSTSTOP)
def test_a_failing_poststop_hook_after_a_failing_create(t):
    """The error of create names both failures."""
    journal = Journal(t)
    hooks = {"prestart": [shell("echo one; exit 1")], "poststop": [shell("echo two; exit 2"), journal.note("last")]}
    box = journal.box(hooks=hooks)
    result = box.create().exits(1)
    says(result, "one", "two", "/hooks/prestart/0", "/hooks/poststop/0")
    equal(journal.order(), ["last"], "what ran")
    is_gone(t, box)


def test_the_id_is_free_after_a_failing_hook(t):
    """After a failed hook the id can be created again."""
    journal = Journal(t)
    box = journal.box(hooks={"createRuntime": [shell(f"test -e {journal.path}/ready")]})
    for _ in range(3):
        box.create().exits(1)
        is_gone(t, box)
    (journal.path / "ready").touch()
    box.create().ok()
    removed(box)


@parametrize("kind", OF_CREATE)
def test_a_failing_hook_shows_in_the_log(t, kind):
    """Engines read the log file: its last error has the hook's output."""
    _, box = failing(t, kind)
    log = t.scratch / "log.json"
    command = [t.runtime.path, "--root", str(t.root), "--log", str(log), "--log-format", "json", "create", "--bundle",
               str(box.bundle.path), box.id]
    t.runtime.exec(command).exits(1)
    last = json.loads(log.read_text().splitlines()[-1])
    equal(last["level"], "error", "level")
    contains(last["msg"], "to-stderr", "message")


# ---- how hooks fail -------------------------------------------------------------------------------------

@parametrize("kind", OF_CREATE)
def test_a_hook_that_dies_of_a_signal(t, kind):
    """A hook that a signal ends has failed, whatever it did before."""
    journal, box = failing(t, kind, "echo so-far; kill -KILL $$")
    result = box.create().exits(1)
    says(result, "so-far", "killed")
    equal(journal.order(), ["first", "failing"], "what ran")
    is_gone(t, box)


@differs("see the cases above")
@parametrize("kind", ["startContainer", "poststart", "poststop"])
def test_later_hooks_that_die_of_a_signal(t, kind):
    """The same holds for hooks of start and delete."""
    journal, box = failing(t, kind, "echo so-far; kill -SEGV $$")
    warnings = t.runtime.warned()
    lead_to(box, kind).exits(0 if kind == "poststop" else 1)
    warns(warnings, "so-far", f"signal {int(signal.SIGSEGV)}")
    contains(journal.order(), "failing", "what ran")
    is_gone(t, box)


MISSING = {"missing": "/no/such/hook", "directory": "/usr", "not executable": "/etc/passwd",
           "below a file": "/etc/passwd/hook", "no program": "{scratch}/empty"}


def wrong_path(t, name):
    path = MISSING[name].format(scratch=t.scratch)
    if name == "no program":
        (t.scratch / "empty").write_bytes(b"\0\0\0")
        (t.scratch / "empty").chmod(0o755)
    return path


@parametrize("_, kind, name", [(f"{kind}, {name}", kind, name) for kind in OF_CREATE for name in MISSING])
def test_a_hook_that_cannot_be_executed(t, _, kind, name):
    """A path that is no program counts as a failing hook; the error names the path."""
    journal = Journal(t)
    path = wrong_path(t, name)
    box = journal.box(hooks={kind: [{"path": path}, journal.note("second")], **journal.noting("poststop")})
    says(box.create().exits(1), path)
    equal(journal.order(), ["poststop"], "what ran")
    is_gone(t, box)


@differs(OLD_START)
@parametrize("name", list(MISSING))
def test_a_start_container_hook_that_cannot_be_executed(t, name):
    """The same holds for a path in the container."""
    journal = Journal(t)
    path = wrong_path(t, name)
    hooks = {"startContainer": [{"path": path}, journal.note("second")], **journal.noting("poststop")}
    box = journal.box("sh", "-c", PROGRAM.format(log=journal.path), hooks=hooks)
    for directory in ("usr", "etc"):
        (box.bundle.rootfs / directory).mkdir(exist_ok=True)
    if name == "no program":
        box.bundle.program(path, "\0\0\0")
    box.create().ok()
    says(box.start().exits(1), path)
    equal(journal.order(), ["poststop"], "what ran")
    is_gone(t, box)


@differs(OLD_POSTSTART)
@parametrize("name", list(MISSING))
def test_a_poststart_hook_that_cannot_be_executed(t, name):
    """The same holds for hooks that run after the program has started."""
    journal = Journal(t)
    path = wrong_path(t, name)
    box = journal.box(hooks={"poststart": [{"path": path}], **journal.noting("poststop")})
    box.create().ok()
    says(box.start().exits(1), path)
    equal(journal.order(), ["poststop"], "what ran")
    is_gone(t, box)


@differs(OLD_POSTSTOP)
@parametrize("name", list(MISSING))
def test_a_poststop_hook_that_cannot_be_executed(t, name):
    """A poststop hook that cannot be executed is a warning."""
    journal = Journal(t)
    path = wrong_path(t, name)
    box = journal.box(hooks={"poststop": [{"path": path}, journal.note("second")]})
    warnings = t.runtime.warned()
    box.create().ok()
    box.delete().ok()
    warns(warnings, path)
    equal(journal.order(), ["second"], "what ran")
    is_gone(t, box)


def test_a_script_without_its_interpreter(t):
    """A script whose interpreter does not exist counts as a failing hook."""
    program = t.scratch / "script"
    program.write_text("#!/no/such/interpreter\n")
    program.chmod(0o755)
    journal = Journal(t)
    box = journal.box(hooks={"createContainer": [{"path": str(program)}]})
    says(box.create().exits(1), str(program))
    is_gone(t, box)


# ---- refused entries ------------------------------------------------------------------------------------

WRONG = {"relative path": ({"path": "bin/true"}, "path"), "empty path": ({"path": ""}, "path"),
         "no path": ({"args": ["x"]}, "path"), "timeout 0": ({"path": "/bin/true", "timeout": 0}, "timeout"),
         "negative timeout": ({"path": "/bin/true", "timeout": -1}, "timeout"),
         "timeout of text": ({"path": "/bin/true", "timeout": "1"}, "timeout"),
         "NUL in args": ({"path": "/bin/true", "args": ["a", "b\0c"]}, "args"),
         "NUL in env": ({"path": "/bin/true", "env": ["A=b\0c"]}, "env"),
         "NUL in the path": ({"path": "/bin/tr\0ue"}, "path")}


@differs("runc 1.1.5 accepts most of them, or fails when it comes to the hook")
@parametrize("_, kind, name", [(f"{kind}, {name}", kind, name) for kind in KINDS for name in WRONG])
def test_a_wrong_entry_is_refused(t, _, kind, name):
    """create refuses such an entry before anything happens; the error points at the entry."""
    entry, key = WRONG[name]
    journal = Journal(t)
    box = journal.box(hooks={**journal.noting("prestart"), kind: [journal.note("before"), entry]})
    result = box.create().exits(1)
    says(result, f"/hooks/{kind}/1", key)
    equal(journal.order(), [], "what ran")
    t.no_state()


def test_a_relative_path_is_an_error(t):
    """A hook's path must be absolute, because no rule gives the directory of a relative one."""
    box = Journal(t).box(hooks={"prestart": [{"path": "usr/bin/true"}]})
    says(box.create().exits(1), "usr/bin/true")
    t.no_state()


# ---- output ---------------------------------------------------------------------------------------------

@parametrize("kind", KINDS)
def test_output_of_a_hook_that_succeeds_is_not_shown(t, kind):
    """The verbs print nothing of a successful hook."""
    journal = Journal(t)
    whole_life(journal.box(hooks={kind: [journal.note(kind, "echo noise; echo noise >&2")]}))
    equal(journal.order(), [kind], "what ran")


@differs("runc 1.1.5 passes them to its stderr as they are")
def test_escape_sequences_do_not_reach_the_terminal(t):
    """The error shows a hook's output without control characters."""
    _, box = failing(t, "prestart", "printf 'a\\033]0;owned\\007b\\033[2Jc\\rd'; exit 1")
    result = box.create().exits(1)
    for character in "\x1b\x07\r":
        absent(result.err, character, "stderr")
    says(result, "owned")


@differs("runc 1.1.5 shows everything")
def test_long_output_is_cut(t):
    """Of 10 MB the error shows a readable part with the end, which has the reason."""
    _, box = failing(t, "prestart", "head -c 10000000 /dev/zero | tr '\\0' x; echo the-reason; exit 1")
    result = box.create().exits(1)
    true(len(result.err) < 70000, f"{len(result.err)} characters of output")
    says(result, "the-reason")


@parametrize("kind", OF_CREATE)
def test_nothing_is_left_on_the_host_by_a_failing_hook(t, kind):
    """A container that a hook ended leaves no mount below the root's path; the harness checks the rest after each case."""
    _, box = failing(t, kind)
    box.create().exits(1)
    eventually(lambda: str(box.bundle.rootfs) not in read_text("/proc/self/mountinfo"), "a mount is left")
