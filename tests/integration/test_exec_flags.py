# SPDX-License-Identifier: Apache-2.0
"""Each option of exec: its effect, and the behaviour without it."""

import os
import pathlib
import signal
import time

import pytest

from harness import Process, absent, contains, equal, eventually, status_field, true
from marks import differs, parametrize
from test_credentials import DEFAULT, mask
from test_exec import alone, output, running, was_refused
from test_terminal import listener, read_master, receive

pytestmark = pytest.mark.any_cgroups

BY_DEFAULT = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"]


def status(box, *flags):
    return output(box, "cat", "/proc/self/status", flags=flags)


def refused(box, flags, *sentences, command=("true",)):
    """Fails unless exec refuses the flags."""
    was_refused(box, box.exec(*command, flags=flags), *sentences)


# ---- detach, pid file -------------------------------------------------------------------------------------

@parametrize("flag", ["--detach", "-d", "-detach"])
def test_detach(t, flag):
    """With the flag exec returns while the program runs."""
    box = running(t)
    box.exec("sleep", "61", flags=[flag]).ok()
    program, = set((box.cgroup() / "cgroup.procs").read_text().split()) - {str(box.pid)}
    os.kill(int(program), signal.SIGKILL)
    alone(box)


@parametrize("*flags", [(), ("--detach=false",)])
def test_without_detach(t, flags):
    """Without --detach exec returns after the program has ended."""
    result = running(t).exec("sleep", "0.5", flags=flags).ok()
    true(result.seconds >= 0.5, f"it took {result.seconds} s")


@parametrize("how", ["attached", "detached"])
def test_pid_file(t, how):
    """The pid file holds the program's number on the host, in digits, and nothing else."""
    box, file = running(t), t.scratch / "pid"
    flags = ["--pid-file", file, *(["--detach"] if how == "detached" else [])]
    child = box.exec_in_background("sleep", "61", flags=flags)
    eventually(file.exists, "no pid file")
    text = file.read_bytes()
    true(text.isdigit(), f"the pid file holds {text!r}")
    eventually(lambda: "61" in pathlib.Path(f"/proc/{int(text)}/cmdline").read_text(), "it is another process")
    os.kill(int(text), signal.SIGKILL)
    equal(child.wait(10), 137 if how == "attached" else 0, "exit code")
    alone(box)


def test_a_pid_file_is_replaced(t):
    """exec replaces the content of the file, even a longer one."""
    box, file = running(t), t.scratch / "pid"
    file.write_text("1234567890" * 10)
    box.exec("true", flags=["--pid-file", file]).ok()
    true(file.read_text().isdigit() and len(file.read_text()) < 11, f"the pid file holds {file.read_text()!r}")


@parametrize("_, content", [("to a file", "precious"), ("to nothing", None)])
def test_a_link_is_replaced_not_followed(t, _, content):
    """exec replaces a symbolic link in the file's place, and does not write through it."""
    box, file, target = running(t), t.scratch / "pid", t.scratch / "target"
    if content:
        target.write_text(content)
    file.symlink_to(target)
    box.exec("true", flags=["--pid-file", file]).ok()
    true(not file.is_symlink() and file.read_text().isdigit(), "the link is still there")
    equal(target.read_text() if target.exists() else None, content, "target")


def test_a_relative_pid_file(t):
    """A relative name is relative to the caller's directory."""
    place = t.scratch / "place"
    place.mkdir()
    running(t).exec("true", flags=["--pid-file", "here.pid"], cwd=place).ok()
    equal(os.listdir(place), ["here.pid"], "files")


@parametrize("name", ["no/directory/pid", "a/directory"])
def test_a_pid_file_that_cannot_be_written_is_refused(t, name):
    """A missing directory, or a directory in the file's place, is an error, and no process starts."""
    (t.scratch / "a/directory").mkdir(parents=True)
    box = running(t)
    refused(box, ["--detach", "--pid-file", t.scratch / name], command=("sleep", "61"))
    true(not (t.scratch / "no").exists(), "a directory was made")


@parametrize("command", [["/no/such"], ["frobnicate"]])
def test_no_pid_file_of_a_failure(t, command):
    """A program that cannot be executed leaves no pid file, and no other file beside it."""
    place = t.scratch / "place"
    place.mkdir()
    running(t).exec(*command, flags=["--pid-file", place / "pid"]).exits(255)
    equal(os.listdir(place), [], "files")


def test_no_pid_file_unless_asked(t):
    """Without the flag exec makes no file in the caller's directory."""
    place = t.scratch / "place"
    place.mkdir()
    running(t).exec("true", cwd=place).ok()
    equal(os.listdir(place), [], "files")


# ---- terminal, sockets ------------------------------------------------------------------------------------

TERMINALS = "for n in 0 1 2; do test -t $n && echo $n; done; true"


def through_a_socket(t, box, *command, flags=()):
    """A detached exec with a terminal: (its output, its process)."""
    with listener(t) as server:
        process = box.exec_detached(*command, flags=["--tty", "--console-socket", server.getsockname(), *flags])
        data, (master,) = receive(server)
    true(len(data) >= 1, "the message has no data")
    text = read_master(master)
    os.close(master)
    return text, process


def test_tty(t):
    """--tty gives a terminal, whose master goes to --console-socket."""
    text, process = through_a_socket(t, running(t), "sh", "-c", TERMINALS)
    equal((text, process.wait()), ("0\n1\n2\n", 0), "output and status")


@parametrize("*flags", [(), ("--tty=false",)])
def test_without_tty(t, flags):
    """Without --tty the program has no terminal."""
    equal(output(running(t), "sh", "-c", TERMINALS, flags=flags), "", "output")


def test_the_terminal_of_the_container_is_not_that_of_exec(t):
    """A program of exec that asks for no terminal gets none, even if the container has one."""
    box = t.container("sleep", "60", terminal=True)
    with listener(t) as server:
        box.create("--console-socket", server.getsockname()).ok()
        _, (master,) = receive(server)
    box.start().ok()
    equal(output(box, "sh", "-c", TERMINALS), "", "output")
    os.close(master)


@parametrize("_, flags, sentence", [
    ("a terminal without socket", ["--tty", "--detach"], "cannot allocate tty if "),
    ("a socket without terminal", ["--detach", "--console-socket", "SOCKET"], "cannot use console socket if "),
    ("a socket without detach", ["--tty", "--console-socket", "SOCKET"], "cannot use console socket if ")])
def test_terminal_and_socket_belong_together(t, _, flags, sentence):
    """A detached terminal needs a socket, and a socket needs both: refused in runc's words."""
    box = running(t)
    with listener(t) as server:
        refused(box, [server.getsockname() if flag == "SOCKET" else flag for flag in flags], sentence)


@parametrize("how", ["not there", "nobody listens", "a file"])
def test_a_console_socket_that_nobody_serves_is_refused(t, how):
    """exec fails in bounded time and starts no process."""
    box, path = running(t), t.scratch / "console.sock"
    if how == "nobody listens":
        listener(t).close()
    elif how == "a file":
        path.write_text("")
    begin = time.monotonic()
    refused(box, ["--tty", "--detach", "--console-socket", path])
    true(time.monotonic() - begin < 10, "it took more than 10 s")


@differs("runc 1.1.5 has no --pidfd-socket")
@parametrize("how", ["attached", "detached"])
def test_pidfd_socket(t, how):
    """The socket gets the word setns and a pidfd of the program."""
    box = running(t)
    with listener(t) as server:
        flags = ["--pidfd-socket", server.getsockname(), *(["--detach"] if how == "detached" else [])]
        child = box.exec_in_background("sleep", "61", flags=[*flags, "--pid-file", t.scratch / "pid"])
        data, (pidfd,) = receive(server)
    equal(data.rstrip(b"\0"), b"setns", "data")
    eventually((t.scratch / "pid").exists, "no pid file")
    Process("the program", t.scratch / "pid").begun("61")
    info = pathlib.Path(f"/proc/self/fdinfo/{pidfd}").read_text()
    equal(status_field(info, "Pid"), (t.scratch / "pid").read_text(), "pid of the pidfd")
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    equal(child.wait(10), 137 if how == "attached" else 0, "exit code")
    os.close(pidfd)
    alone(box)


@differs("runc 1.1.5 has no --pidfd-socket")
@parametrize("how", ["not there", "nobody listens"])
def test_a_pidfd_socket_that_nobody_serves_is_refused(t, how):
    """exec fails in bounded time and starts no process."""
    box = running(t)
    if how == "nobody listens":
        listener(t).close()
    refused(box, ["--detach", "--pidfd-socket", t.scratch / "console.sock"], command=("sleep", "61"))


# ---- cwd, env ---------------------------------------------------------------------------------------------

@parametrize("flags, expected", [
    ((), "/tmp"), (("--cwd", "/etc"), "/etc"), (("--cwd=/home/bob",), "/home/bob"), (("--cwd", ""), "/tmp"),
    (("--cwd", "/etc/../etc/."), "/etc")])
def test_cwd(t, flags, expected):
    """The program's directory is that of the flag, else that of the container's process."""
    equal(output(running(t, cwd="/tmp"), "sh", "-c", "readlink /proc/self/cwd; pwd", flags=flags).split(),
          [expected] * 2, "directory")


@parametrize("directory", ["tmp", "./", ".."])
def test_a_relative_cwd_is_refused(t, directory):
    """The directory must be absolute."""
    refused(running(t), ["--cwd", directory])


def test_env(t):
    """--env adds to the environment of the container's process."""
    found = output(running(t), "env", flags=["--env", "A=1", "--env", "B=two words", "--env=C=", "-env", "D=a=b"])
    found = found.splitlines()
    equal(found, [*BY_DEFAULT, "A=1", "B=two words", "C=", "D=a=b", "HOME=/root"], "environment")


def test_without_env(t):
    """Without --env the environment is that of the container's process, and HOME; nothing of the caller's."""
    caller = {"PATH": "/usr/bin", "SECRET": "hush", "LC_ALL": "C", "NOTIFY_SOCKET": "/run/x"}
    equal(running(t).exec("env", env=caller).ok().lines(), [*BY_DEFAULT, "HOME=/root"], "environment")


def test_of_two_the_later_wins(t):
    """--env replaces a variable of the container's process, and a later --env an earlier one."""
    found = output(running(t), "env", flags=["--env", "TERM=vt100", "--env", "A=1", "--env", "A=2"]).splitlines()
    equal(sorted(found), sorted([BY_DEFAULT[0], "TERM=vt100", "A=2", "HOME=/root"]), "environment")


@parametrize("flag", ["-e", "-u", "-c", "-g"])
def test_short_forms(t, flag):
    """The one-letter forms of --env, --user, --cap and --additional-gids."""
    value, field, expected = {"-e": ("A=1", None, "A=1"), "-u": ("7", "Uid", "7"), "-g": ("77", "Groups", "77"),
                              "-c": ("CAP_CHOWN", "CapBnd", f"{mask([*DEFAULT, 'CAP_CHOWN']):016x}")}[flag]
    found = output(running(t), "sh", "-c", "env; cat /proc/self/status", flags=[flag, value])
    contains(status_field(found, field).split() if field else found.splitlines(), expected, flag)


def test_commas_do_not_separate(t):
    """One --env is one variable, even with commas."""
    contains(output(running(t), "env", flags=["--env", "A=1,B=2"]).splitlines(), "A=1,B=2", "environment")


def test_path_of_the_flag_finds_the_program(t):
    """The search for the program uses a PATH of --env."""
    bundle = t.bundle("sleep", "60").program("/tools/greet", "#!/bin/sh\necho hello\n")
    box = t.container(bundle=bundle)
    box.run_detached().ok()
    equal(output(box, "greet", flags=["--env", "PATH=/tools:/bin"]), "hello\n", "stdout")
    box.exec("greet").exits(255)


@parametrize("entry", ["NOTHING", ""])
def test_env_without_a_value_is_refused(t, entry):
    """A name without = is no variable."""
    refused(running(t), ["--env", entry])


# ---- descriptors ------------------------------------------------------------------------------------------

def with_zeros(box, *flags):
    """A detached exec by a caller that leaks descriptors 3 to 11."""
    return box.exec_detached("sleep", "61", flags=flags,
                             setup={"fds": {str(number): "/dev/zero" for number in range(3, 12)}})


@parametrize("count", [1, 2, 5])
def test_preserve_fds(t, count):
    """--preserve-fds N passes 3 .. 2+N and no more."""
    found = with_zeros(running(t), "--preserve-fds", str(count)).descriptors()
    equal(sorted(found), list(range(3 + count)), "descriptors")
    equal(found[3], "/dev/zero", "descriptor 3")


@parametrize("*flags", [(), ("--preserve-fds", "0")])
def test_without_preserve_fds(t, flags):
    """Without --preserve-fds no leaked descriptor reaches the program."""
    equal(sorted(with_zeros(running(t), *flags).descriptors()), [0, 1, 2], "descriptors")


def test_a_preserved_descriptor_works(t):
    """A preserved pipe carries data out of the container."""
    pipe = t.scratch / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDWR)
    running(t).exec("sh", "-c", "echo through >&3", flags=["--preserve-fds", "1"], setup={"fds": {"3": str(pipe)}}).ok()
    equal(os.read(reading, 100), b"through\n", "data")


@parametrize("word", ["-1", "x", ""])
def test_preserve_fds_is_a_number(t, word):
    """exec refuses words that are not a number."""
    box = running(t)
    if t.bulkhead or word != "-1":  # runc 1.1.5 takes -1 as 0
        refused(box, ["--preserve-fds", word])


@differs("runc 1.1.5 does not check if they are open; later ones refuse")
@parametrize("count", ["1", "3"])
def test_preserve_fds_of_a_closed_descriptor_is_refused(t, count):
    """exec refuses to preserve a descriptor that is not open."""
    refused(running(t), ["--preserve-fds", count])


def test_listen_fds_of_the_caller_stay_out(t):
    """LISTEN_FDS are for run and create: exec passes neither descriptors nor variables."""
    box = running(t)
    environment = {"PATH": "/usr/bin:/bin", "LISTEN_FDS": "2", "LISTEN_PID": "1"}
    process = box.exec_detached("sleep", "61", env=environment, setup={"fds": {"3": "/dev/zero", "4": "/dev/zero"}})
    equal(sorted(process.descriptors()), [0, 1, 2], "descriptors")
    absent(process.proc("environ"), "LISTEN_FDS", "environment")
