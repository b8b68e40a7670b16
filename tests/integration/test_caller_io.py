# SPDX-License-Identifier: Apache-2.0
"""Output, messages, log and input: bulkhead survives callers that do not read or write, within the deadlines of bulkhead(8)."""

import contextlib
import json
import os
import socket
import subprocess
import time

import pytest

from harness import contains, equal, eventually, true
from marks import differs, parametrize
from slow_callers import BLOCKS, PATIENCE, end_in_time, fill, full_pipe

pytestmark = pytest.mark.any_cgroups


@pytest.mark.slow
@differs(BLOCKS)
@pytest.mark.timeout(90)
def test_nobody_reads_the_error(t):
    """The runtime gives up a message that nobody reads: the exit code is that of the failure, and the log has its line."""
    verbs = ["state", "start", "kill", "create", "exec", "frobnicate"]
    logs = {verb: t.scratch / f"{verb}.log" for verb in verbs}
    with full_pipe() as pipe:
        children = []
        for verb in verbs:
            words = [verb, "missing", *["true"] * (verb == "exec")]
            command = t.runtime.command("--log", logs[verb], "--log-format", "json", *words)
            children.append(t.runtime.start(command, stderr=pipe))
        codes = end_in_time(*children)
    equal(dict(zip(verbs, codes)), {**dict.fromkeys(verbs, 1), "exec": 255}, "exit codes")
    for log in logs.values():
        equal(json.loads(log.read_text())["level"], "error", "level in the log")


@pytest.mark.slow
@differs(BLOCKS)
@pytest.mark.timeout(90)
def test_nobody_reads_the_output(t):
    """The runtime gives up output that nobody reads, and reports an error."""
    box = t.sleeper()
    box.run_detached().ok()
    lines = [["state", box.id], ["list"], ["ps", box.id], ["features"], ["--help"], ["--version"],
             ["events", "--stats", box.id], ["events", "--interval", "100ms", box.id]]
    errors = t.scratch / "errors"
    with full_pipe() as pipe, open(errors, "ab") as stderr:
        codes = end_in_time(*[t.runtime.start(t.runtime.command(*line), stdout=pipe, stderr=stderr) for line in lines])
    equal(codes, [1] * len(lines), "exit codes")
    for line in errors.read_text().splitlines():
        contains(line, "write: nobody has read for 10 s", "stderr")
    equal((len(errors.read_text().splitlines()), box.status()), (len(lines), "running"), "messages, status")


@differs("Go's runtime fails with EAGAIN or waits, as it finds the descriptor")
@pytest.mark.timeout(60)
def test_a_non_blocking_pipe_is_waited_for(t):
    """Output is complete even if the caller has made its pipe non-blocking and reads late."""
    for _ in range(3):
        t.sleeper().run_detached().ok()
    whole = t.runtime("features").ok().out
    reading, writing = os.pipe()
    fill(writing)
    os.set_blocking(writing, False)
    child = t.runtime.start(t.runtime.command("features"), stdout=writing)
    os.close(writing)
    time.sleep(0.5)
    equal(child.poll(), None, "`features` before anybody reads")
    with os.fdopen(reading, "rb") as pipe:
        equal(pipe.read().lstrip(b"x").decode(), whole, "output")
    equal(child.wait(10), 0, "exit code")


def writes_to_stderr(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/syscall") as file:
        return file.read().startswith("1 0x2 ")  # write(2, ...)
    return False


@differs(BLOCKS)
@pytest.mark.timeout(90)
def test_a_message_that_waits_holds_no_lock(t):
    """While callers do not read their errors, other callers can kill and delete the container."""
    box = t.sleeper()
    box.run_detached().ok()
    lines = [["start", box.id], ["delete", box.id], ["exec", "--user", "x", box.id, "true"]]
    with full_pipe() as pipe:
        children = [t.runtime.start(t.runtime.command(*line), stderr=pipe) for line in lines]
        for child in children:
            eventually(lambda: writes_to_stderr(child.pid), "it does not come to its message")
        box.kill("KILL").ok()
        box.wait()
        box.delete().ok()
        equal([child.poll() for child in children], [None] * 3, "those that wait")
        equal(end_in_time(*children), [1, 1, 255], "exit codes")


@differs("it fails, or ignores every error of write")
@parametrize("verb", ["state", "list", "features", "--version"])
def test_read_only_output_takes_everything(t, verb):
    """Success stays success on a stdout that nobody can write (go-runc's null): such a caller needs no output."""
    box = t.sleeper()
    box.run_detached().ok()
    with open("/dev/null", "rb") as null:
        t.runtime(verb, *[box.id] * (verb == "state"), stdout=null).ok()


@differs("it is killed by SIGPIPE, or ignores the error")
@parametrize("verb", ["state", "features"])
def test_a_reader_that_is_gone(t, verb):
    """If the reader of stdout has closed its end, the verb fails with an error; no signal kills it."""
    box = t.sleeper()
    box.run_detached().ok()
    reading, writing = os.pipe()
    os.close(reading)
    result = t.runtime(verb, *[box.id] * (verb == "state"), stdout=writing)
    os.close(writing)
    equal((result.code, result.err), (1, "stdout: write: broken pipe\n"), "exit code, stderr")


@differs("state ignores every error of write")
@parametrize("verb", ["state", "features"])
def test_a_full_disk_as_output(t, verb):
    """A stdout without space is an error."""
    box = t.sleeper()
    box.run_detached().ok()
    with open("/dev/full", "wb") as full:
        result = t.runtime(verb, *[box.id] * (verb == "state"), stdout=full)
    equal((result.code, result.err), (1, "stdout: write: no space left on device\n"), "exit code, stderr")


# ---- --log ------------------------------------------------------------------------------------------------

def special(t, kind):
    """A path that is not an ordinary place for a log."""
    path = t.scratch / "special"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(str(path))
    elif kind == "missing directory":
        path /= "log"
    return path


@differs("it waits for a reader of a fifo for ever, and has other words")
@parametrize("kind, words", [("fifo", "no such device or address"), ("socket", "no such device or address"),
                             ("directory", "is a directory"), ("missing directory", "no such file or directory")])
def test_a_log_that_cannot_be_opened(t, kind, words):
    """If the log cannot be opened, the verb does nothing; the message names the log, and nobody waits."""
    path, box = special(t, kind), t.sleeper()
    result = t.runtime("--log", path, "run", "--detach", "--bundle", box.bundle.path, box.id)
    equal((result.code, result.err), (1, f"--log: open {path}: {words}\n"), "exit code, stderr")
    t.no_state()


@pytest.mark.slow
@differs(BLOCKS)
@pytest.mark.timeout(90)
def test_a_log_that_nobody_reads(t):
    """A log fifo whose reader takes nothing does not keep the message from stderr."""
    path = special(t, "fifo")
    end = os.open(path, os.O_RDWR)
    fill(end)
    result = t.runtime("--log", path, "state", "missing", timeout=PATIENCE)
    os.close(end)
    equal(result.code, 1, "exit code")
    contains(result.err, "does not exist", "stderr")


def test_a_log_that_is_read(t):
    """A fifo with a reader gets the line."""
    path = special(t, "fifo")
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    t.runtime("--log", path, "--log-format", "json", "state", "missing").exits(1)
    contains(json.loads(os.read(reading, 8192))["msg"], "does not exist", "message")
    os.close(reading)


@differs("it reads the flags of the verb before it opens the log, or prints its help")
@parametrize("_, *words", [
    ("bad flag of the verb", "create", "--frobnicate", "ID"), ("unknown verb", "frobnicate"),
    ("missing operand", "start"), ("bad global", "--frobnicate", "state", "ID"),
    ("bad value", "create", "--preserve-fds", "x", "ID"), ("value missing", "create", "--bundle"),
    ("too many operands", "state", "ID", "ID"), ("bad root", "--root", "/", "state", "ID")])
def test_early_failures_are_in_the_log(t, _, words):
    """The log has any failure after --log on the command line, once, with the words of stderr; the last --log wins."""
    first, log = t.scratch / "first", t.scratch / "log"
    command = [t.runtime.path, "--log", str(first), f"--log={log}", "--log-format", "json", *words]
    result = t.runtime.exec(command).exits(1)
    document = json.loads(log.read_text())
    equal(list(document), ["level", "msg", "time"], "keys")
    equal(f"{document['msg']}\n", result.err, "stderr")
    true(not first.exists(), "the first --log was opened, too")


def writes_into(reading):
    """The contents of a pipe of packets (O_DIRECT), one string for each write(2)."""
    found = []
    os.set_blocking(reading, False)
    with contextlib.suppress(BlockingIOError):
        while packet := os.read(reading, 65536):
            found.append(packet.decode())
    os.close(reading)
    return found


def expect_one_write(t, *words):
    """A verb fails with one write to stderr, one line in the log and nothing on stdout."""
    log = t.scratch / "log"
    os.mkfifo(log)
    reader = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
    out, err = ends = [os.pipe2(os.O_DIRECT) for _ in range(2)]
    command = t.runtime.command("--log", log, "--log-format", "json", *words)
    code = t.runtime.start(command, stdout=out[1], stderr=err[1]).wait(20)
    text = os.read(reader, 65536).decode()
    os.close(reader)
    for _, writing in ends:
        os.close(writing)
    said = writes_into(err[0])
    equal((code != 0, len(said), said[0].count("\n"), said[0][-1]), (True, 1, 1, "\n"), f"exit code {code}: {said}")
    equal(writes_into(out[0]), [], "stdout")
    equal((text.count("\n"), json.loads(text)["level"]), (1, "error"), "lines in the log, level")


@parametrize("verb", ["state", "start", "kill", "delete", "exec"])
def test_one_message_is_one_write(t, verb):
    """A failure is one write with one line on stderr, and one line in the log; stdout stays empty."""
    expect_one_write(t, verb, "missing", *["true"] * (verb == "exec"))


@differs("two lines in its log, or its help on stdout")
@parametrize("verb", ["create", "run", "bad flag"])
def test_one_message_of_a_creation_is_one_write(t, verb):
    """The same holds if the stage has reported the failure, or if the command line is wrong."""
    box = t.container("/no/such/program")
    expect_one_write(t, *(["state", "--frobnicate"] if verb == "bad flag" else [verb, "--bundle", box.bundle.path]), box.id)


@differs("it writes every message whole")
def test_long_messages_are_whole_lines(t):
    """A message fits into PIPE_BUF, on stderr and in the log, and has its beginning and its end."""
    log = t.scratch / "log"
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "yes '\"\\\u20ac' | head -c 9000; echo the end; exit 3"]}
    box = t.container(bundle=t.bundle("true").edit(lambda config: config.update(hooks={"prestart": [hook]})))
    result = t.runtime("--log", log, "--log-format", "json", "create", "--bundle", box.bundle.path, box.id).exits(1)
    line = log.read_bytes()
    true(3000 < len(line) <= 4096 and len(result.err.encode()) <= 4096, f"{len(line)}, {len(result.err)} bytes")
    equal(f"{json.loads(line)['msg']}\n", result.err, "stderr")
    contains(result.err, "hook", "stderr")
    contains(result.err[-40:], "the end", "stderr")


# ---- stdin ------------------------------------------------------------------------------------------------

def update(t, box, *writes):
    """(exit code, stderr) of an `update` whose caller writes these texts and keeps its pipe open."""
    errors = t.scratch / "errors"
    with open(errors, "wb") as stderr:
        child = t.runtime.start(t.runtime.command("update", "--resources=-", box.id), stdin=subprocess.PIPE,
                                stderr=stderr)
        for text in writes:
            child.stdin.write(text)
            child.stdin.flush()
            time.sleep(0.2)
        code = child.wait(PATIENCE)
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()
    return code, errors.read_text()


@parametrize("name, *writes", [("at once", b'{"cpu": {"idle": null}}'),
                               ("in parts", b'{"cpu": ', b'{"cpus": "", "mems": "}]\\"', b'"', b'}}'),
                               ("more behind it", b' {} {"cpu": 5} \n')])
def test_one_document_is_enough(t, name, writes):
    """`update` answers after the document is complete, even if nobody closes the pipe."""
    box = t.sleeper()
    box.run_detached().ok()
    begin = time.monotonic()
    code, err = update(t, box, *writes)
    if name == "in parts":  # a nonsensical value, which shows that update read the document to its end
        true(code == 1 and err, f"exit code {code}: {err}")
    else:
        equal((code, err), (0, ""), "exit code, stderr")
    true(time.monotonic() - begin < 8, "it waited")


@pytest.mark.slow
@differs(BLOCKS)
@pytest.mark.timeout(90)
@parametrize("_, *writes", [("nothing",), ("half", b'{"pids": {')])
def test_a_document_that_does_not_come(t, _, writes):
    """A caller that writes nothing more gets an error that names the missing document."""
    box = t.sleeper()
    box.run_detached().ok()
    equal(update(t, box, *writes), (1, "-: no whole JSON document, and nothing more for 10000 ms\n"), "answer")


@differs(BLOCKS)
@parametrize("what", ["exec --process", "config.json"])
def test_a_fifo_is_no_file(t, what):
    """The runtime refuses a fifo in the place of a file at once."""
    box = t.sleeper()
    if what == "config.json":
        os.unlink(box.bundle.path / "config.json")
        os.mkfifo(box.bundle.path / "config.json")
        contains(box.create().exits(1).err, "config.json: not a regular file", "stderr")
        t.no_state()
        return
    box.run_detached().ok()
    path = special(t, "fifo")
    contains(box.exec(flags=["--process", path]).exits(255).err, "special: not a regular file", "stderr")
