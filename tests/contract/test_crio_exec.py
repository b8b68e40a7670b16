# SPDX-License-Identifier: Apache-2.0
"""CRI-O: an exec that is attached to the runtime, with and without a terminal, and ExecSync."""

import os

import leaks
from caller import reap
from conmon import atoi
from crio import Crio
from harness import command_line, contains, equal, eventually, true
from marks import parametrize
from test_conmon_exec import process
from test_crio import end, running
from test_podman import without


def sleeper_below_us(seconds):
    """Waits for the process of an exec, a `sleep` of so many seconds; its pid."""
    def found():
        return [pid for pid in leaks.descendants(os.getpid()) if command_line(pid) == f"sleep\0{seconds}\0"]
    return eventually(found, "the process of the exec does not begin", 15)[0]


def test_pipes(t):
    """Without a terminal the caller's pipes are the process's own, each stream by itself, and end with it."""
    crio = Crio(t)
    box = running(t, crio)
    answer = crio.exec(box.name, process("sh", "-c", "cat; echo err >&2; exit 7")).finish(b"in\n")
    equal((answer.out, answer.err, answer.code), ("in\n", "err\n", 7), "answer")
    end(crio, box)


@parametrize("code", [0, 1, 126, 127, 255])
def test_exit_code(t, code):
    """The exit code of the runtime is that of the process: {}."""
    crio = Crio(t)
    box = running(t, crio)
    answer = crio.exec(box.name, process("sh", "-c", f"exit {code}")).finish()
    equal((answer.out, answer.err, answer.code), ("", "", code), "answer")
    end(crio, box)


def test_exit_by_a_signal(t):
    """The end by a signal is 128 and the number as an exit code."""
    crio = Crio(t)
    box = running(t, crio)
    equal(crio.exec(box.name, process("sh", "-c", "kill -9 $$")).finish().code, 137, "exit code")
    end(crio, box)


def test_much_output(t):
    """A megabyte on each of both streams comes complete."""
    crio = Crio(t)
    box = running(t, crio)
    script = "head -c 1048576 /dev/zero | tr '\\0' a; head -c 1048576 /dev/zero | tr '\\0' b >&2"
    answer = crio.exec(box.name, process("sh", "-c", script)).finish()
    equal((answer.out.count("a"), answer.err.count("b"), answer.code), (1048576, 1048576, 0), "bytes and exit code")
    end(crio, box)


def test_missing_program(t):
    """A program that is missing: not exit 0, and the words on stderr, which kubectl shows."""
    crio = Crio(t)
    box = running(t, crio)
    answer = crio.exec(box.name, process("nothere")).finish().failed()
    contains(answer.err, "executable file not found in $PATH", "stderr")
    equal(answer.out, "", "stdout")
    end(crio, box)


def test_terminal(t):
    """With a terminal the process has one of its own beside the caller's, whose keys and output are passed on."""
    crio = Crio(t)
    box = running(t, crio)
    script = "stty -echo; tty; echo ready; read line; echo got $line; exit 9"
    other = crio.exec(box.name, process("sh", "-c", script, terminal=True))
    other.until("ready\r\n").type(b"word\n")
    answer = other.finish()
    contains(answer.out, "/dev/pts/", "what is shown")
    contains(answer.out, "got word\r\n", "what is shown")
    equal(answer.code, 9, "exit code")
    end(crio, box)


def test_terminal_follows_the_size(t):
    """The size of the caller's terminal is the inner one's, at the beginning and with every SIGWINCH."""
    crio = Crio(t)
    box = running(t, crio)
    script = "stty -echo; stty size; echo ready; trap 'stty size; exit 2' WINCH; echo set; while :; do sleep 0.05; done"
    other = crio.exec(box.name, process("sh", "-c", script, terminal=True)).until("set\r\n")
    contains(other.shown.decode(), "24 80\r\n", "the first size")
    other.resize(50, 150)
    answer = other.finish()
    contains(answer.out, "50 150\r\n", "the later size")
    equal(answer.code, 2, "exit code")
    end(crio, box)


def test_terminal_passes_keys_for_signals(t):
    """The key for an interrupt goes to the process inside, not to the runtime."""
    crio = Crio(t)
    box = running(t, crio)
    script = "trap 'exit 6' INT; stty -echo; echo ready; while :; do sleep 0.05; done"
    other = crio.exec(box.name, process("sh", "-c", script, terminal=True)).until("ready\r\n")
    other.type(b"\x03")
    equal(other.finish().code, 6, "exit code")
    end(crio, box)


def test_nobody_keeps_the_terminal(t):
    """Behind the end nobody has the caller's terminal, and what the process wrote last is shown."""
    crio = Crio(t)
    box = running(t, crio)
    script = "head -c 20000 /dev/zero | tr '\\0' a; echo end"
    answer = crio.exec(box.name, process("sh", "-c", script, terminal=True)).finish()
    equal((answer.out.count("a"), answer.out[-5:], answer.code), (20000, "end\r\n", 0), "what is shown")
    end(crio, box)


def test_killed_runtime_with_a_terminal(t):
    """SIGKILL for the runtime's pid hangs up the inner terminal, which ends the process of the exec."""
    crio = Crio(t)
    box = running(t, crio)
    other = crio.exec(box.name, process("sleep", "61", terminal=True))
    pid = sleeper_below_us("61")
    other.kill()
    os.close(other.master)
    equal(reap(pid, 10), 129, "the end of the process")
    end(crio, box)


def test_killed_runtime_with_pipes(t):
    """Without a terminal the process of the exec outlives a runtime that is killed, and ends with the container."""
    crio = Crio(t)
    box = running(t, crio)
    other = crio.exec(box.name, process("sleep", "62"))
    pid = sleeper_below_us("62")
    other.kill()
    equal(os.waitpid(pid, os.WNOHANG), (0, 0), "the process, which lives")
    crio.call("kill", box.name, "KILL").silent()
    equal(reap(pid, 10), 137, "the end of the process")
    equal(other.read(), ("", ""), "output")
    end(crio, box)


def test_killed_runtime_in_the_nodes_namespace(t):
    """In the node's pid namespace `kill -a ID 9` ends what an exec, whose runtime was killed, has left."""
    crio = Crio(t)
    box = running(t, crio, change=without("pid"))
    other = crio.exec(box.name, process("sleep", "63"))
    pid = sleeper_below_us("63")
    os.kill(box.pid, 9)
    equal(box.exit_code(), 137, "exit code")
    other.kill()
    crio.kill_all(box.name)
    equal((reap(pid, 10), other.read()), (137, ("", "")), "the end of the process")
    crio.delete(box.name)


def test_stop_while_something_is_executed(t):
    """At the end of the container the attached exec ends, too: its code is 137, and its streams have ended."""
    crio = Crio(t)
    box = running(t, crio)
    other = crio.exec(box.name, process("sleep", "64"))
    sleeper_below_us("64")
    crio.call("kill", box.name, "KILL").silent()
    answer = other.finish()
    equal((answer.code, answer.out, answer.err), (137, "", ""), "answer")
    end(crio, box)


def test_sync(t):
    """ExecSync: conmon's exec with an empty pid file that is there, and with streams of its own."""
    crio = Crio(t)
    box = running(t, crio)
    other = crio.exec_sync(box.name, process("sh", "-c", "echo out; echo err >&2; exit 4")).made()
    equal((other.read(), other.exit_code()), (("out\n", "err\n"), 4), "output and exit code")
    end(crio, box)


def test_sync_that_takes_too_long(t):
    """ExecSync after its time: conmon kills the pid in the pid file, and no process of the exec is left."""
    crio = Crio(t)
    box = running(t, crio)
    other = crio.exec_sync(box.name, process("sleep", "63")).made()
    os.kill(other.pid, 9)
    equal((other.exit_code(), other.read()), (137, ("", "")), "exit code and output")
    end(crio, box)


def test_sync_of_a_missing_program(t):
    """ExecSync of a program that is missing: no pid in the file, and words that say "not found"."""
    crio = Crio(t)
    box = running(t, crio)
    other = crio.exec_sync(box.name, process("nothere"))
    contains(other.refused(), "not found", "the message")
    true(atoi(other.pid_file) <= 0, "a pid is told")
    end(crio, box)


@parametrize("_, with_terminal", [("without a terminal", False), ("with one", True)])
def test_special_cgroup(t, _, with_terminal):
    """A runtime that starts inside a cgroup of CRI-O's puts the process ({}) into the container's; nobody stays."""
    place = f"/sys/fs/cgroup/{t.prefix}-exec"
    os.mkdir(place)
    crio = Crio(t, cgroup=place)
    box = running(t, crio)
    answer = crio.exec(box.name, process("grep", "^0::", "/proc/1/cgroup", "/proc/self/cgroup",
                                         terminal=with_terminal)).finish()
    places = {row.partition("::")[2] for row in answer.out.splitlines()}
    equal((answer.code, places), (0, {"/"}), "exit code, and the cgroups of both as the container sees them")
    os.rmdir(place)
    end(crio, box)
