# SPDX-License-Identifier: Apache-2.0
"""exec with an invalid command line; and a failure of exec leaves nothing, ends in bounded time, and has the right code."""

import os

import pytest

import leaks
from harness import absent, contains, equal, true
from marks import differs, parametrize
from test_exec import alone, running
from test_exec_flags import refused

pytestmark = pytest.mark.any_cgroups


# ---- the command line -------------------------------------------------------------------------------------

@parametrize("words", [[], ["--cwd", "/"]])
def test_without_an_id(t, words):
    """exec needs a container."""
    result = t.runtime("exec", *words)
    true(result.code == 1, f"exit code: {result}")
    t.no_state()


def test_without_a_command(t):
    """Without a program and a file exec fails in runc's words."""
    refused(running(t), [], "process args cannot be empty", command=())


@parametrize("flags", [
    ["--frobnicate"], ["--tty=perhaps"], ["--detach=2"], ["--no-new-privs=x"], ["-z"], ["--cwdd", "/"]])
def test_unknown_words(t, flags):
    """exec refuses an option that it does not have, and a value that an option does not accept."""
    refused(running(t), flags)


@parametrize("flag", ["--cwd", "--env", "--user", "--process", "--pid-file", "--cgroup", "--console-socket"])
def test_a_value_that_is_missing(t, flag):
    """An option without its value at the end of the line is an error."""
    result = t.runtime("exec", flag)
    true(result.code == 1, f"exit code: {result}")


@parametrize("_, name", [("climbing", "../x"), ("a path", "a/b"), ("nothing", ""), ("a dot", "."), ("two dots", ".."),
                         ("two lines", "x\ny")])
def test_an_id_that_is_none(t, _, name):
    """No container has such a name; exec does not look at a file outside the state root."""
    result = t.runtime("exec", name, "true")
    true(result.code in (1, 255) and result.err != "", f"it was not refused: {result}")
    t.no_state()


def test_an_id_of_another_root(t):
    """exec finds a container in its own state root only."""
    box = running(t)
    result = t.runtime.exec([t.runtime.path, "--root", str(t.scratch / "other"), "exec", box.id, "true"]).exits(255)
    contains(result.err, "does not exist", "stderr")


def test_an_empty_program(t):
    """A program with an empty name is not found."""
    refused(running(t), [], command=("",))


def test_help_names_the_options(t):
    """`exec --help` lists every option of runc."""
    text = t.runtime("exec", "--help").exits(0).out
    for word in ("--console-socket", "--cwd", "--env", "--tty", "--user", "--additional-gids", "--process", "--detach",
                 "--pid-file", "--process-label", "--apparmor", "--no-new-privs", "--cap", "--preserve-fds", "--cgroup",
                 "--ignore-paused"):
        contains(text, word, "help")


# ---- what a failure leaves --------------------------------------------------------------------------------

FAILURES = [
    ("program", [], ["/no/such"]),
    ("cwd", ["--cwd", "/no/such"], ["true"]),
    ("user", ["--user", "nobody"], ["true"]),
    ("cgroup", ["--cgroup", "nowhere"], ["true"]),
    ("pid file", ["--pid-file", "/no/such/pid"], ["true"]),
    ("file", ["--process", "/no/such"], []),
    ("console", ["--tty", "--detach", "--console-socket", "/no/such"], ["true"])]


@parametrize("_, flags, command", FAILURES)
def test_a_failure_is_an_error_of_exec(t, _, flags, command):
    """Exit code 255, `exec failed` and the reason, on one line of stderr; nothing on stdout."""
    box = running(t)
    result = box.exec(*command, flags=flags)
    equal(result.code, 255, "exit code")
    contains(result.err, "exec failed: ", "stderr")
    equal((len(result.err.splitlines()), result.out), (1, ""), "lines of stderr, and stdout")
    alone(box)


@parametrize("_, flags, command", FAILURES)
def test_a_failure_closes_the_callers_pipe(t, _, flags, command):
    """After a failed exec no process keeps the caller's stdout and stderr, which have the reason."""
    box = running(t)
    reading, writing = os.pipe()
    result = box.exec(*command, flags=flags, stdout=writing, stderr=writing)
    true(result.code != 0, "exec succeeded")
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        true(pipe.read() != b"", "no reason")
    leaks.reap_orphans()
    equal(leaks.descendants(os.getpid()).keys(), {box.pid}, "processes below the caller")


@parametrize("_, flags, command", FAILURES)
def test_failures_do_no_harm(t, _, flags, command):
    """After ten failures the container runs as before, its record is the same, and exec works."""
    box = running(t)
    record = (t.root / box.id / "state.json").read_bytes()
    for _ in range(10):
        true(box.exec(*command, flags=flags).code != 0, "exec succeeded")
    equal((t.root / box.id / "state.json").read_bytes(), record, "record")
    equal(box.exec("echo", "fine").ok().out, "fine\n", "stdout")
    alone(box)


def test_a_failure_tells_no_secret(t):
    """The error has neither the environment nor the arguments after the first."""
    result = running(t).exec("/no/such", "--password=hush", flags=["--env", "SECRET=hush"]).exits(255)
    absent(result.err, "hush", "stderr")


def test_a_log_that_cannot_be_written(t):
    """If the directory of the log is missing, exec fails and starts nothing."""
    box = running(t)
    result = t.runtime("--log", t.scratch / "no/log", "exec", box.id, "echo", "ran")
    true(result.code != 0, f"it was accepted: {result}")
    absent(result.out, "ran", "stdout")
    alone(box)


@differs("runc keeps no copy of the config")
@parametrize("how", ["gone", "damaged"])
def test_the_copy_of_the_config(t, how):
    """Only the owner can read the copy. Without it exec fails, and delete still works."""
    box = running(t)
    copy, = [file for file in (t.root / box.id).iterdir() if "config" in file.name]
    equal(copy.stat().st_mode & 0o777, 0o600, "mode")
    copy.unlink() if how == "gone" else copy.write_text("{")
    contains(box.exec("true").exits(255).err, "exec failed: ", "stderr")
    equal(box.status(), "running", "status")
    box.delete("--force").ok()
    box.wait()
    t.no_state()


def test_a_container_without_files(t):
    """In a root file system that has become empty the program is not found; after the repair exec works again."""
    bundle = t.bundle("sleep", "60")
    box = t.container(bundle=bundle)
    box.run_detached().ok()
    (bundle.rootfs / "bin").rename(bundle.rootfs / "gone")
    contains(box.exec("true").exits(255).err, "executable file not found in $PATH", "stderr")
    (bundle.rootfs / "gone").rename(bundle.rootfs / "bin")
    box.exec("true").ok()
