# SPDX-License-Identifier: Apache-2.0
"""Exit statuses of the runtime itself, verb by verb, and the one message and the one log line after each failure."""

import json
import os
import re

from buildkit import Attached
from caller import go_time, pipe, separate, spawn, wait
from gorunc import TemporaryFile, library
from harness import contains, equal, true
from marks import breaks, parametrize

# What fails in each verb, for a container that nobody knows.
UNKNOWN = [("start", ["start", "nobody"]), ("kill", ["kill", "nobody", "9"]), ("delete", ["delete", "nobody"]),
           ("pause", ["pause", "nobody"]), ("resume", ["resume", "nobody"]), ("state", ["state", "nobody"]),
           ("ps", ["ps", "--format", "json", "nobody"]), ("events", ["events", "--stats", "nobody"]),
           ("update", ["update", "--pids-limit", "5", "nobody"]), ("exec", ["exec", "nobody", "true"])]


@parametrize("verb, words", UNKNOWN)
def test_of_an_unknown_container(t, verb, words):
    """`{}` of an unknown id fails with 1 (`exec` with 255), writes nothing to stdout, and says `does not exist`."""
    answer = separate(library(t).argv(*words))
    equal((answer.code, answer.out), (255 if verb == "exec" else 1, ""), "exit status and stdout")
    contains(answer.err, "does not exist", "stderr")


@parametrize("verb, words", UNKNOWN)
def test_the_log_says_what_stderr_says(t, verb, words):
    """A failing `{}` adds exactly one line to the log: JSON with level error, the time, and the message of stderr."""
    runc = library(t)
    answer = separate(runc.argv(*words)).failed()
    document, = [json.loads(row) for row in runc.log.read_text().splitlines()]
    equal(document["level"], "error", "level")
    go_time(document["time"])
    equal(set(document), {"level", "msg", "time"}, "keys")
    contains(answer.err, document["msg"], "stderr")


@parametrize("verb, words", UNKNOWN)
def test_one_write_of_one_line(t, verb, words):
    """A failing `{}` says why with one write of one line to stderr: who reads once has read it all."""
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_DIRECT)  # a packet for each write
    child = spawn(library(t).argv(*words), stderr=writer)
    os.close(writer)
    wait(child)
    text = os.read(reader, 8192).decode()
    equal((text.count("\n"), text[-1:]), (1, "\n"), f"newlines of {text!r}, and its end")
    contains(text, "does not exist", "the first write")
    equal(os.read(reader, 8192), b"", "the second write")
    os.close(reader)


def test_of_every_verb_that_succeeds(t):
    """create, start, pause, resume, update, kill and delete of a container end with 0, without a word in any stream."""
    runc, box = library(t), t.sleeper()
    resources = t.scratch / "resources.json"
    resources.write_text("{}")
    for words in (["create", "--bundle", box.bundle.path, "--pid-file", box.pid_file, box.id], ["start", box.id],
                  ["pause", box.id], ["resume", box.id], ["update", "--resources", resources, box.id],
                  ["kill", box.id, "0"], ["kill", box.id, "9"]):
        child = spawn(runc.argv(*words), stdout=os.open(t.scratch / "said", os.O_CREAT | os.O_WRONLY | os.O_APPEND),
                      stderr=os.open(t.scratch / "said", os.O_CREAT | os.O_WRONLY | os.O_APPEND))
        equal((wait(child), (t.scratch / "said").read_text()), (0, ""), f"exit status and words of {words[0]}")
    box.wait()
    separate(runc.argv("delete", box.id)).silent()
    equal(runc.log.read_text() if runc.log.exists() else "", "", "the log")


@parametrize("code", [0, 1, 42, 126, 127, 255])
def test_of_an_attached_run(t, code):
    """An attached `run` ends with its process's status: {}."""
    name, bundle = t.fresh_id(), t.bundle("sh", "-c", f"exit {code}")
    equal(separate(library(t).argv("run", "--bundle", bundle.path, name)).code, code, "exit status")


@parametrize("word, code", [("KILL", 137), ("TERM", 143), ("HUP", 129), ("SEGV", 139), ("ABRT", 134), ("INT", 130)])
def test_of_an_exec_that_is_killed(t, word, code):
    """An attached `exec` whose process dies of SIG{} ends with 128 and the signal's number."""
    box = t.running()
    equal(separate(library(t).argv("exec", box.id, "sh", "-c", f"kill -{word} $$")).code, code, "exit status")


@parametrize("code", [0, 1, 42, 126, 127, 255])
def test_of_an_attached_exec(t, code):
    """An attached `exec` ends with its process's status: {}."""
    box = t.running()
    equal(separate(library(t).argv("exec", box.id, "sh", "-c", f"exit {code}")).code, code, "exit status")


@parametrize("kind, args, text", [
    ("missing", ["no-such"], "executable file not found in $PATH"),
    ("absolute", ["/no/such"], "no such file or directory"), ("directory", ["/etc"], "permission denied"),
    ("not_executable", ["/etc/passwd"], "permission denied")])
def test_of_a_program_that_cannot_run(t, kind, args, text):
    """`create` and `run` fail with 1, and `exec`, attached or not, with 255, where the program is {}: engines read
    why in the text."""
    runc, bundle, box = library(t), t.bundle(*args), t.running()
    for verb in ("create", "run"):
        answer = separate(runc.argv(verb, "--bundle", bundle.path, t.fresh_id()))
        equal(answer.code, 1, f"exit status of {verb}")
        contains(answer.err, text, f"stderr of {verb}")
    for flags in ([], ["--detach"]):
        answer = separate(runc.argv("exec", *flags, box.id, *args))
        equal(answer.code, 255, f"exit status of exec {flags}")
        contains(answer.err, text, f"stderr of exec {flags}")
    equal(box.status(), "running", "status of the container")


def test_of_a_forced_delete(t):
    """`delete --force` of an unknown id ends with 0 and says nothing, as often as it is called."""
    runc = library(t)
    runc.delete("nobody", force=True).silent()
    box = t.running()
    runc.delete(box.id, force=True).silent()
    box.wait()
    runc.delete(box.id, force=True).silent()


@breaks({kind: "prints its help on stdout" for kind in ("flag", "argument", "too_many")})
@parametrize("kind, words", [
    ("flag", ["kill", "--no-such-flag", "x"]), ("verb", ["no-such-verb"]), ("argument", ["state"]),
    ("bundle", ["create", "--bundle", "/no/such/dir", "x"]), ("too_many", ["start", "x", "y", "z"])])
def test_of_a_wrong_command_line(t, kind, words):
    """A wrong {} on the command line is a failure whose message is in the log that stands in front of it."""
    runc = library(t)
    answer = separate(runc.argv(*words)).failed()
    document, = [json.loads(row) for row in runc.log.read_text().splitlines()]
    true(document["msg"] and document["msg"] in answer.err, f"the log says {document}, and stderr {answer.err!r}")
    equal(answer.out, "", "stdout")


@parametrize("kind, text", [("json", "{"), ("type", '{"ociVersion": 7}'), ("empty", "")])
def test_of_a_wrong_config(t, kind, text):
    """A config.json that is no document ({}) fails `create` with 1, in the log too, and leaves nothing."""
    runc, bundle = library(t), t.bundle("true")
    (bundle.path / "config.json").write_text(text)
    answer = separate(runc.argv("create", "--bundle", bundle.path, t.fresh_id()))
    equal(answer.code, 1, "exit status")
    true(json.loads(runc.log.read_text().splitlines()[-1])["msg"] in answer.err, "the log says something else")
    t.no_state()


def test_a_log_for_many_verbs(t):
    """One log collects every verb's error after the others: it is appended to, and what was there stays."""
    runc = library(t)
    runc.log.write_text('{"level":"info","msg":"mine","time":"2020-01-01T00:00:00Z"}\n')
    for _, words in UNKNOWN:
        separate(runc.argv(*words)).failed()
    documents = [json.loads(row) for row in runc.log.read_text().splitlines()]
    equal(documents[0]["msg"], "mine", "first line")
    equal(len(documents), 1 + len(UNKNOWN), "lines")


def test_stdout_and_stderr_that_cannot_be_written(t):
    """A failure with stdout and stderr opened only for reading still has its exit status and its log line."""
    runc = library(t)
    null = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    equal(wait(spawn(runc.argv("kill", "nobody", "9"), stdout=null, stderr=null)), 1, "exit status")
    os.close(null)
    contains(json.loads(runc.log.read_text())["msg"], "does not exist", "the log")


@parametrize("verb, code", [("create", 1), ("exec", 255)])
def test_of_a_terminal_without_a_socket(t, verb, code):
    """`{}` --detach with a terminal and without --console-socket is refused, and the message names the socket."""
    runc, box = library(t), t.running()
    if verb == "create":
        answer = separate(runc.argv("create", "--bundle", t.bundle("sh", terminal=True).path, t.fresh_id()))
    else:
        process = {**box.bundle.config["process"], "terminal": True}
        with TemporaryFile(t.scratch, "process", json.dumps(process)) as path:
            answer = separate(runc.argv("exec", "--detach", "--process", path, box.id))
    equal(answer.code, code, "exit status")
    true(re.search("tty|terminal", answer.err) and "console" in answer.err, f"the message is {answer.err!r}")


def test_of_a_container_that_exists(t):
    """A second `create` of an id fails with 1, says so, and the first container is not touched."""
    runc, box = library(t), t.running()
    answer = separate(runc.argv("create", "--bundle", box.bundle.path, box.id))
    equal(answer.code, 1, "exit status")
    contains(answer.err, "already exist", "stderr")
    equal(box.status(), "running", "status")


def test_streams_of_an_attached_exec(t):
    """The streams of an attached exec are the process's own, apart from each other, and end with it."""
    step = Attached(library(t).argv("exec", t.running().id, "sh", "-c", "read a; echo out $a; echo err $a >&2; exit 5"))
    step.say(b"word\n")
    answer = step.finish()
    equal((answer.out, answer.err, answer.code), ("out word\n", "err word\n", 5), "the exec")


def test_a_pipe_that_the_container_keeps(t):
    """`create` and `start` end although the container's process keeps their stdout, and the pipe ends with it."""
    runc, box = library(t), t.container("sh", "-c", "echo begun; exec sleep 60")
    reader, writer = pipe()
    child = spawn(runc.argv("create", "--bundle", box.bundle.path, "--pid-file", box.pid_file, box.id), stdout=writer)
    os.close(writer)
    equal(wait(child), 0, "exit status of create")
    runc.start(box.id).silent()
    equal(os.read(reader, 64), b"begun\n", "output")
    runc.kill(box.id, 9).silent()
    equal(os.read(reader, 64), b"", "the end")
    os.close(reader)
