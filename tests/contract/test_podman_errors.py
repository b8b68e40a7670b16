# SPDX-License-Identifier: Apache-2.0
"""podman: how it learns why something failed, and which exit code its user gets."""

import json

import matchers
from caller import separate
from harness import absent, contains, equal, true
from marks import breaks, parametrize
from podman import Podman, log_message, process, refused
from test_podman import end, made, running

CAUSES = [("in PATH", "nothere", "not found", 127), ("absolute", "/no/such", "not found", 127),
          ("a directory", "/etc", "permission", 126), ("data", "/etc/passwd", "permission", 126),
          ("data of another user", "/root/x", "permission", 126)]


def bundle_with(t, program):
    return t.bundle(program).program("/root/x", "#!/bin/sh\n", mode=0o644)


@parametrize("_, program, kind, code", CAUSES)
def test_run_of_what_cannot_be(t, _, program, kind, code):
    """`podman run` of a program that is {} and cannot be executed: the oci-log is one document with a known text."""
    error = refused(Podman(t).create, t.fresh_id(), bundle_with(t, program).path)
    equal((error.kind, matchers.podman_run(error.text)), (kind, code), "class and exit code")
    if t.bulkhead:  # runc's log has a warning, too, where the machine lacks the memory controller
        equal(error.stderr.rstrip("\n"), error.log, "stderr and the log")


@parametrize("_, program, kind, code", CAUSES[:4])
def test_exec_of_what_cannot_be(t, _, program, kind, code):
    """`podman exec` of a program that is {} and cannot be executed: one document in its own log, and a known text."""
    podman = Podman(t)
    box = running(t, podman)
    error = refused(podman.exec, box.name, process(program))
    true(error.log is not None, "the oci-log is not one document")
    equal((error.kind, matchers.podman_exec(error.log)), (kind, code), "class and exit code")
    equal(podman.state(box.name)["status"], "running", "the container after it")
    end(podman, box)


@parametrize("_, how", [("plain", {}), ("flags of the engine", {"flags": ["--debug"]})])
def test_from_stderr_alone(t, _, how):
    """A runtime that podman does not know to write JSON ({}): the class comes from what conmon read."""
    podman = Podman(t, json_log=False, **how)
    error = refused(podman.create, t.fresh_id(), t.bundle("/no/such").path)
    equal((error.log, error.kind), (None, "not found"), "log and class")


def test_one_document_and_no_more(t):
    """A failed create leaves one line in the oci-log: level error, a text, a time; a success leaves none."""
    podman = Podman(t)
    box = made(t, podman, "true")
    log = t.scratch / f"run-{box.name}/oci-log"
    equal(log.read_text() if log.exists() else "", "", "the log of a success")
    podman.start(box.name).silent()
    end(podman, box, 0)
    name = t.fresh_id()
    refused(podman.create, name, t.bundle("true", cwd="/etc/passwd/x").path)
    text = (t.scratch / f"run-{name}/oci-log").read_text()
    true(text.endswith("\n"), f"no end of line: {text!r}")
    rows = text.splitlines()
    if t.bulkhead:  # runc warns of the memory controller that this machine may lack
        equal(len(rows), 1, "lines")
    document = json.loads(rows[-1])
    equal((document["level"], set(document) - {"level", "msg", "time"}), ("error", set()), "level and other keys")


def test_a_second_line_spoils_the_log(t):
    """Where the oci-log has two documents podman takes none of them, and stderr still says the same."""
    podman, name = Podman(t), t.fresh_id()
    for _ in range(2):
        error = refused(podman.create, name, t.bundle("/no/such").path)
    equal((error.log, error.kind), (None, "not found"), "log and class")
    equal(log_message(t.directory(f"run-{name}") / "oci-log"), None, "the log")


def test_a_warning_beside_a_failure(t):
    """Where there is something to warn of, too, the class of a failure does not change, and stderr has no warning."""
    bundle = t.bundle("/no/such").capabilities(bounding=["CAP_KILL", "CAP_OF_THE_FUTURE"])
    error = refused(Podman(t).create, t.fresh_id(), bundle.path)
    equal(error.kind, "not found", "class")
    absent(error.stderr, "CAP_OF_THE_FUTURE", "stderr")


def test_a_warning_beside_a_success(t):
    """Where `create` succeeds and has something to warn of, the stderr that the container gets stays empty."""
    podman, bundle = Podman(t), t.bundle("true").capabilities(bounding=["CAP_KILL", "CAP_OF_THE_FUTURE"])
    box = podman.create(t.fresh_id(), bundle.path).made()
    podman.start(box.name).silent()
    equal((box.exit_code(), box.read()), (0, ("", "")), "exit code and output")
    podman.delete(box.name).silent()


def test_not_about_the_program(t):
    """An id that is in use is neither "not found" nor a matter of permissions: podman's exit code is 126, not 127."""
    podman = Podman(t)
    box = made(t, podman, "true")
    error = refused(podman.create, box.name, t.bundle("true").path, pid_file=t.scratch / "second")
    equal((error.kind, matchers.podman_run(error.text)), ("other", 126), "class and exit code")
    podman.start(box.name).silent()
    end(podman, box, 0)


def test_a_user_sees_stderr(t):
    """`start` of what runs already: words of runc on stderr, nothing on stdout, and no JSON, as a user reads it."""
    podman = Podman(t)
    box = running(t, podman)
    answer = podman.start(box.name).failed()
    contains(answer.err, "cannot start an already running container", "stderr")
    absent(answer.err, "{", "stderr")
    equal(answer.out, "", "stdout")
    end(podman, box)


@parametrize("verb, phrase", [("pause", "does not exist"), ("resume", "does not exist"), ("start", "does not exist"),
                              ("kill", "does not exist")])
def test_verbs_for_nobody(t, verb, phrase):
    """`{}` for a container that nobody knows fails with 1 and the words of runc, on stderr alone."""
    answer = Podman(t).direct(verb, "nobody", *(["9"] if verb == "kill" else []), path=False)
    equal((answer.code, answer.out), (1, ""), "exit code and stdout")
    contains(answer.err, phrase, "stderr")


def test_pause_twice_and_resume_twice(t):
    """A second `pause` says that the container is not running, a second `resume` that it is not paused."""
    podman = Podman(t)
    box = running(t, podman)
    podman.pause(box.name).silent()
    contains(podman.pause(box.name).failed().err, "container not running", "the second pause")
    podman.resume(box.name).silent()
    contains(podman.resume(box.name).failed().err, "container not paused", "the second resume")
    end(podman, box)


@breaks("has checkpoint and answers for it, with criu and without")
def test_does_not_claim_checkpoints(t):
    """A runtime without checkpoints does not claim any: `checkpoint --help` fails, and `restore --lsm-mount-context`
    does not ask for its value."""
    probe = separate([t.path, "checkpoint", "--help"], env={"XDG_RUNTIME_DIR": ""})
    restore = separate([t.path, "restore", "--lsm-mount-context"], env={"XDG_RUNTIME_DIR": ""})
    true(probe.code != 0, f"it claims checkpoints: {probe}")
    true(not matchers.lsm_mount_context(restore.out + restore.err), f"it claims to restore pods: {restore}")
