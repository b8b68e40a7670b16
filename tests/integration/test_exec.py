# SPDX-License-Identifier: Apache-2.0
"""exec: another program in a running container, its streams, its status, its arguments."""

import os
import signal
import subprocess

import leaks
from harness import contains, equal, eventually, true
from marks import differs, parametrize


def running(t, *args, **process):
    """A running container that lives until it is killed."""
    box = t.container(*(args or ("sleep", "60")), **process)
    box.run_detached().ok()
    return box


def output(box, *command, flags=()):
    """The output of a program that exec runs in the container."""
    return box.exec(*command, flags=flags).ok().out


def background(box, script, flags=(), **streams):
    """An attached exec of a shell script that has printed its first line."""
    child = box.exec_in_background("sh", "-c", script, flags=flags, stdout=subprocess.PIPE, **streams)
    equal(child.stdout.readline(), b"ready\n", "first line")
    return child


def alone(box):
    """Waits until only the first process is in the container's cgroup, and collects what has ended."""
    procs = box.cgroup() / "cgroup.procs"
    eventually(lambda: procs.read_text().split() == [str(box.pid)], f"processes are {procs.read_text().split()}")
    leaks.reap_orphans()


def was_refused(box, result, *sentences):
    """Fails unless exec failed with one of the two codes and a reason, and the container goes on, alone."""
    true(result.code in (1, 255), f"it was not refused: {result}")
    true(result.err != "", f"no reason: {result}")
    for sentence in sentences:
        contains(result.err, sentence, "stderr")
    equal(box.status(), "running", "status")
    alone(box)


# ---- streams ----------------------------------------------------------------------------------------------

def test_output_goes_where_the_callers_goes(t):
    """stdout and stderr of the program are the caller's two streams."""
    result = running(t).exec("sh", "-c", "echo out; echo err >&2").exits(0)
    equal((result.out, result.err), ("out\n", "err\n"), "streams")


def test_input_is_the_callers(t):
    """The program reads the caller's stdin up to its end."""
    equal(running(t).exec("cat", stdin=b"one\ntwo\n").ok().out, "one\ntwo\n", "stdout")


def test_much_output_arrives_complete(t):
    """A megabyte through a pipe arrives complete."""
    equal(len(output(running(t), "head", "-c", "1000000", "/dev/zero")), 1000000, "length")


def test_streams_are_the_callers_own_files(t):
    """Without a terminal no process relays: 1 is the caller's file itself."""
    target = t.scratch / "target"
    with open(target, "wb") as stream:
        process = running(t).exec_detached("sleep", "61", stdout=stream)
    equal(process.descriptors()[1], str(target), "stdout")


def test_the_output_of_the_container_is_another(t):
    """The output of an exec is not in the container's own output."""
    box = t.shell("echo own; sleep 60")
    target = t.scratch / "target"
    with open(target, "wb") as stream:
        box.run_detached(stdout=stream).exits(0)
    eventually(lambda: target.read_text() == "own\n", "the container prints nothing")
    equal(output(box, "echo", "other"), "other\n", "stdout of exec")
    equal(target.read_text(), "own\n", "the container's output")


def test_a_reader_that_has_gone_is_a_signal(t):
    """A program that writes into a closed pipe gets SIGPIPE, whatever the caller has set for that signal."""
    box = running(t)
    reading, writing = os.pipe()
    os.close(reading)
    box.exec("sh", "-c", "sleep 0.1; cat /bin/busybox", stdout=writing).exits(128 + signal.SIGPIPE)
    os.close(writing)


@differs("runc 1.1.5 hands a descriptor of its own to the program on the closed number")
@parametrize("_, *closed", [("0", 0), ("1", 1), ("2", 2), ("012", 0, 1, 2)])
def test_closed_streams(t, _, closed):
    """If the caller has closed any of 0, 1 and 2, the program runs and has no stray descriptor."""
    process = running(t).exec_detached("sleep", "61", setup={"close": list(closed)})
    found = process.descriptors()
    true(set(found) <= {0, 1, 2}, f"descriptors are {found}")
    for number in closed:
        true(found.get(number, "/dev/null") == "/dev/null", f"{number} is {found.get(number)}")


# ---- exit codes -------------------------------------------------------------------------------------------

@parametrize("status", [0, 1, 2, 42, 126, 127, 255])
def test_the_status_is_the_programs(t, status):
    """The exit code of an attached exec is the program's own."""
    running(t).exec("sh", "-c", f"exit {status}").exits(status)


@parametrize("name", ["SEGV", "ABRT", "TERM", "KILL", "USR1"])
def test_a_fatal_signal_is_128_and_its_number(t, name):
    """The exit code for a program that signal n has ended is 128+n."""
    running(t).exec("sh", "-c", f"kill -{name} $$; sleep 5").exits(128 + getattr(signal, f"SIG{name}"))


@parametrize("_, program, sentence", [
    ("no such name", "frobnicate", "executable file not found in $PATH"),
    ("no such file", "/no/such", "no such file or directory"),
    ("no permission", "/etc/passwd", "permission denied"),
    ("a directory", "/etc", "permission denied"),
    ("through a file", "/etc/passwd/x", "not a directory")])
def test_a_program_that_cannot_be_executed_is_255(t, _, program, sentence):
    """Exit code 255, one line in the words that engines look for, and the container goes on."""
    box = running(t)
    result = box.exec(program).exits(255)
    contains(result.err, "exec failed: unable to start container process: exec: ", "stderr")
    equal(len(result.err.splitlines()), 1, "number of lines")
    contains(result.err, sentence, "stderr")
    equal((result.out, box.status()), ("", "running"), "stdout and status")
    alone(box)


@parametrize("_, text, sentence", [
    ("no interpreter", "#!/no/such/interpreter\n", "no such file or directory"),
    ("no format", "neither a script nor a program\n", "exec format error")])
def test_a_program_that_execve_refuses_is_255(t, _, text, sentence):
    """exec also reports an error that only execve finds."""
    bundle = t.bundle("sleep", "60").program("/bin/odd", text)
    box = t.container(bundle=bundle)
    box.run_detached().ok()
    result = box.exec("/bin/odd").exits(255 if t.bulkhead else 1)  # runc's child reports it by itself
    contains(result.err, sentence, "stderr")
    alone(box)


@parametrize("program", [["frobnicate"], ["/no/such"]])
def test_a_detached_failure_is_255_at_once(t, program):
    """--detach fails before it returns: exit code 255, no pid file, nothing left."""
    box, file = running(t), t.scratch / "pid"
    result = box.exec(program, flags=["--detach", "--pid-file", file]).exits(255)
    contains(result.err, "exec failed: ", "stderr")
    true(not file.exists(), "there is a pid file")
    alone(box)


@parametrize("_, directory, sentence", [("no such directory", "/no/such", "no such file or directory"),
                                        ("a file", "/etc/passwd", "not a directory")])
def test_a_directory_that_cannot_be_entered_is_255(t, _, directory, sentence):
    """exec makes no directory: a missing one is an error, and the container goes on."""
    box = running(t)
    result = box.exec("true", flags=["--cwd", directory]).exits(255)
    contains(result.err, "exec failed: ", "stderr")
    contains(result.err, sentence, "stderr")
    alone(box)


def test_the_error_is_in_the_log(t):
    """The file of --log has the failure in the same words, as JSON."""
    box, log = running(t), t.scratch / "log"
    t.runtime("--log", log, "--log-format", "json", "exec", box.id, "frobnicate").exits(255)
    contains(log.read_text(), "executable file not found in $PATH", "log")
    contains(log.read_text(), '"level":"error"', "log")


# ---- the command line -------------------------------------------------------------------------------------

def test_options_end_at_the_id(t):
    """All words after the id belong to the program, even if they look like options of exec."""
    box = running(t)
    contains(output(box, "ls", "-l", "/etc"), " passwd", "stdout")
    equal(output(box, "echo", "--tty", "-d", "--user", "5", "--", "-x"), "--tty -d --user 5 -- -x\n", "stdout")


def test_a_double_dash_ends_the_options(t):
    """exec removes a -- before the id; after the id it is the program."""
    box = running(t)
    equal(t.runtime("exec", "--user", "7", "--", box.id, "id", "-u").ok().out, "7\n", "stdout")
    contains(box.exec("--", "id").exits(255).err, "executable file not found in $PATH", "stderr")


def test_arguments_are_passed_verbatim(t):
    """Arguments with blanks, newlines, quotes and no content arrive unchanged."""
    arguments = ["a b", "", "c\nd", "'\"$HOME", "-n", "ü"]
    found = output(running(t), "sh", "-c", 'for i; do printf "<%s>" "$i"; done', "sh", *arguments)
    equal(found, "".join(f"<{argument}>" for argument in arguments), "arguments")


@differs("runc sends the arguments as JSON, which has no bytes")
def test_arguments_are_bytes(t):
    """An argument that is not UTF-8 arrives as it is."""
    equal(output(running(t), "sh", "-c", 'printf %s "$1" | od -An -tx1', "sh", "\udcff\udc80"), " ff 80\n", "bytes")


def test_many_arguments(t):
    """100,000 bytes of arguments arrive complete."""
    equal(output(running(t), "sh", "-c", 'echo "$# ${#1}"', "sh", *["y" * 100] * 1000), "1000 100\n", "arguments")


def test_the_program_is_looked_up_in_the_containers_path(t):
    """exec searches the PATH of the process, not the caller's."""
    bundle = t.bundle("/bin/sleep", "60").program("/tools/greet", "#!/bin/sh\necho hello\n")
    bundle.process(env=["PATH=/tools:/bin"])
    box = t.container(bundle=bundle)
    box.run_detached().ok()
    equal(output(box, "greet"), "hello\n", "stdout")


def test_the_callers_path_does_not_count(t):
    """exec does not find a program that only the caller's PATH would find."""
    bundle = t.bundle("sleep", "60").program("/tools/greet", "#!/bin/sh\necho hello\n")
    box = t.container(bundle=bundle)
    box.run_detached().ok()
    box.exec("greet", env={"PATH": "/tools:/bin"}).exits(255)


def test_a_relative_program_is_found_from_the_cwd(t):
    """A name with a slash is relative to the process's directory."""
    bundle = t.bundle("sleep", "60").program("/tools/greet", "#!/bin/sh\necho hello\n")
    box = t.container(bundle=bundle)
    box.run_detached().ok()
    equal(output(box, "./greet", flags=["--cwd", "/tools"]), "hello\n", "stdout")
    contains(box.exec("./greet").exits(255).err, "no such file or directory", "stderr")
