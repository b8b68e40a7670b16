# SPDX-License-Identifier: Apache-2.0
"""containerd's shim: log.json, the one place where it looks for what a verb had to say."""

import json
import os
import stat

from caller import RFC3339, wait
from gorunc import NullIO
from harness import contains, equal, true
from marks import parametrize
from shim import error_of, errors_in, get_last_runtime_error
from test_shim import task

STRANGE = [("quotes", 'a"b'), ("a backslash", "a\\b"), ("a new line", "a\nb"), ("a tab", "a\tb"),
           ("letters", "gr\u00fc\u00df"), ("a control letter", "a\u0001b"), ("markup", "<a>&b"),
           ("a separator", "a\u2028b"), ("braces", '{"level":"info"}')]


def failing(box):
    """Whatever fails without a container."""
    return error_of(box.start)


def rows(box):
    return [json.loads(row) for row in box.log.read_text().split("\n") if row]


def test_one_line_for_a_failure(t):
    """A failing call writes one line of JSON with level error, msg and an RFC 3339 time, into a file of mode 0644 that
    it made.
    """
    box = task(t)
    failing(box)
    row, = rows(box)
    equal(row["level"], "error", "level")
    contains(row["msg"], "container does not exist", "msg")
    true(RFC3339.fullmatch(row["time"]), f"time is {row['time']}")
    equal(oct(stat.S_IMODE(box.log.stat().st_mode)), "0o644", "mode")
    equal(box.log.read_text()[-1], "\n", "the end of the line")


def test_success_is_silent(t):
    """A whole life with an exec, a pause and an update adds no line to the log."""
    box = task(t).create("null").start()
    equal(box.exec("one", "true", kind="null").wait(), 0, "exit status")
    box.pause()
    box.resume()
    box.update({"unified": {}})
    box.runtime.state(box.id)
    box.end()
    equal(box.log.read_text() if box.log.exists() else "", "", "the log")


def test_the_last_error_wins(t):
    """All verbs append to one file: after two failures containerd is told the second, and the first is still there."""
    box = task(t).create("null")
    contains(error_of(box.exec, "one", "no-such-1"), '"no-such-1"', "the error")
    contains(error_of(box.exec, "two", "no-such-2"), '"no-such-2"', "the error")
    box.start()
    contains(error_of(box.start), "already running", "the error")
    box.end()
    contains(error_of(box.start), "does not exist", "the error")
    equal(errors_in(box.log), 4, "errors in the log")


def test_the_log_is_never_truncated(t):
    """What others have written into the log stays in front, whether the calls after it succeed or fail."""
    box, before = task(t), '{"level":"info","msg":"before","time":"2024-01-01T00:00:00Z"}\n'
    box.log.write_text(before)
    box.create("null").start()
    error_of(box.start)
    box.end()
    true(box.log.read_text().startswith(before), f"the log is {box.log.read_text()}")


@parametrize("_, fails", [
    ("the program", lambda box, word: error_of(box.exec, "one", word)),
    ("the directory", lambda box, word: error_of(box.exec, "one", "true", process={"cwd": f"/{word}"}))])
def test_strange_letters(t, _, fails):
    """Whatever {} of an exec has in its name, the log stays readable to its end, and the message has it or an escape
    of it.
    """
    box = task(t).create("null").start()
    for what, word in STRANGE:
        text = fails(box, word)
        contains(text, "OCI runtime exec failed: ", what)
        contains(text, "no such file" if "cwd" in text or "chdir" in text else "not found", what)
    equal(errors_in(box.log), len(STRANGE), "errors in the log")
    box.end()


def test_a_long_message(t):
    """A message with a name of 3000 letters is one line all the same."""
    box = task(t).create("null").start()
    contains(error_of(box.exec, "one", "x" * 3000), "x" * 100, "the error")
    box.end()


def test_many_write_at_once(t):
    """Ten calls that fail at the same time leave ten whole lines in their common log."""
    box = task(t)
    children = [box.runtime.begin(box.runtime.argv("start", box.id), NullIO().inner, None) for _ in range(10)]
    equal([wait(child) for child in children], [1] * 10, "exit statuses")
    equal(errors_in(box.log), 10, "errors in the log")


def test_with_debug(t):
    """With --debug the log may say more, but stays JSON to its end, and the last error is the one of the call."""
    box = task(t)
    box.runtime.debug = True
    box.create("null").start()
    contains(error_of(box.exec, "one", "no-such"), "executable file not found", "the error")
    box.end()
    equal({row["level"] for row in rows(box)} - {"debug", "info"}, {"error"}, "levels")


@parametrize("_, words", [
    ("an unknown option", ["create", "--no-such-option", "ID"]), ("an unknown verb", ["no-such-verb"]),
    ("no id", ["start"]), ("too many ids", ["start", "a", "b"]), ("an id with a slash", ["state", "a/b"]),
    ("no value", ["create", "--bundle"]), ("an option of another verb", ["state", "--bundle", "x", "ID"])])
def test_early_failures(t, _, words):
    """A command line with {} fails with its message in the log, and not on stderr alone."""
    box = task(t)
    box.runtime.run_or_error(*words).failed()
    true(get_last_runtime_error(box.log), "the message is empty")
    equal(errors_in(box.log), 1, "errors in the log")


def test_the_message_is_the_one_of_stderr(t):
    """What a failing call says in its pipe is what it says in the log."""
    box = task(t)
    answer = box.runtime.start(box.id).failed()
    contains(answer.out, get_last_runtime_error(box.log), "the pipe")
    equal(answer.out.count("does not exist"), 1, "how often it is said")


def test_a_log_that_is_not_the_containers(t):
    """The log's descriptor does not get into the container, nor into what is executed there, nor into hooks."""
    box = task(t, "sh", "-c", "ls -l /proc/self/fd; read x")
    box.bundle.edit(lambda config: config.update(hooks={"createRuntime": [
        {"path": "/bin/sh", "args": ["sh", "-c", f"ls -l /proc/self/fd > {box.bundle.path}/seen"]}]}))
    box.create("stdin").start()
    process = box.exec("one", "ls", "-l", "/proc/self/fd")
    seen = [(box.bundle.path / "seen").read_text(), process.pipes.read()[0]]
    equal(process.wait(), 0, "exit status")
    seen.append(box.pipes.read()[0])
    box.wait()
    box.delete()
    equal(["log.json" in text for text in seen], [False] * 3, "who has the log open")


def test_a_directory_as_the_log(t):
    """A log that cannot be opened fails the call on stderr, and makes nothing."""
    box = task(t)
    os.mkdir(box.log)
    answer = box.runtime.create(box.bundle.path, box.id).failed()
    contains(answer.out, "is a directory", "the message")
    equal(os.path.exists(box.runtime.root) and os.listdir(box.runtime.root), False, "state root")
