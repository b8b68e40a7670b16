# SPDX-License-Identifier: Apache-2.0
"""BuildKit's runc worker: attached execs into a build step."""

import hashlib
import signal

from buildkit import WAITING, ended, errors, running
from harness import contains, equal, true
from marks import parametrize


@parametrize("code", [0, 7, 126, 255])
def test_the_status_of_an_exec(t, code):
    """An attached exec into a step ends with its process's status, {}, and leaves the step alone."""
    worker, name, step = running(t)
    answer = worker.execute(name, "sh", "-c", f"echo out; echo err >&2; exit {code}").finish()
    equal((answer.out, answer.err, answer.code), ("out\n", "err\n", code), "the exec")
    equal(worker.state(name)["status"], "running", "status")
    ended(worker, name, step)


def test_exec_as_another_user(t):
    """A user found below the state's rootfs, more environment and another directory are those of the exec."""
    worker, name, step = running(t)
    done = worker.execute(name, "sh", "-c", "id -u; id -g; pwd; echo $WORD", user="bob", env=["WORD=here"], cwd="/tmp")
    equal(done.finish().ok().out.split(), ["1000", "1000", "/tmp", "here"], "the exec")
    ended(worker, name, step)


def test_input_of_an_exec(t):
    """What the worker copies into an exec arrives whole, a megabyte of it, and so does its end."""
    worker, name, step = running(t)
    text = b"0123456789abcdef" * 65536
    done = worker.execute(name, "md5sum")
    for begin in range(0, len(text), 65536):
        done.attached.say(text[begin:begin + 65536])
    equal(done.finish().ok().out.split()[0], hashlib.md5(text).hexdigest(), "sum of what arrived")
    ended(worker, name, step)


def test_output_of_an_exec(t):
    """What an exec writes arrives whole, a megabyte of it, also where the exec ends at once after it."""
    worker, name, step = running(t)
    done = worker.execute(name, "sh", "-c", "yes 0123456 | head -c 1048576")
    equal(hashlib.md5(done.finish().ok().out.encode()).hexdigest(), hashlib.md5(b"0123456\n" * 131072).hexdigest(),
          "sum of what arrived")
    ended(worker, name, step)


def test_the_pid_file_of_an_exec(t):
    """The pid file of an attached exec is there while it runs, and names the process itself in the host's numbers."""
    worker, name, step = running(t)
    done = worker.execute(name, "sh", "-c", "echo ready; read word")
    done.attached.until("ready")
    with open(f"/proc/{done.pid()}/cmdline", encoding="utf-8") as file:
        contains(file.read(), "read word", "command line")
    done.finish()
    ended(worker, name, step)


def test_an_exec_that_is_canceled(t):
    """SIGKILL to the pid in the exec's pid file ends the attached runtime with 137, and the step goes on."""
    worker, name, step = running(t)
    done = worker.execute(name, "sh", "-c", WAITING)
    done.attached.until("ready")
    done.cancel()
    equal(done.finish().code, 137, "exit status")
    equal(worker.state(name)["status"], "running", "status")
    ended(worker, name, step)


def test_an_exec_that_is_canceled_at_once(t):
    """An exec that is canceled as soon as its pid file is there ends as killed, and the step goes on."""
    worker, name, step = running(t)
    done = worker.execute(name, "sleep", "60")
    done.cancel()
    equal(done.finish().code, 137, "exit status")
    equal(worker.state(name)["status"], "running", "status")
    ended(worker, name, step)


def test_signals_to_an_exec(t):
    """A signal to the runtime of an attached exec reaches its process and not the step's."""
    worker, name, step = running(t, f"trap 'exit 9' TERM; {WAITING}")
    done = worker.execute(name, "sh", "-c", f"trap 'exit 42' TERM; {WAITING}")
    done.attached.until("ready")
    done.attached.signal(signal.SIGTERM)
    equal(done.finish().code, 42, "exit status of the trap")
    ended(worker, name, step)


def test_an_exec_dies_with_its_step(t):
    """When a step is killed, the attached execs in it end, too, with 137."""
    worker, name, step = running(t)
    done = worker.execute(name, "sh", "-c", WAITING)
    done.attached.until("ready")
    ended(worker, name, step)
    equal(done.finish().code, 137, "exit status")


def test_a_terminal_of_an_exec(t):
    """An attached exec with a terminal answers to keys, follows SIGWINCH, and ends with its process's status."""
    worker, name, step = running(t)
    script = "trap 'stty size' WINCH; stty -echo; echo ready; while ! read word; do :; done; echo got $word; exit 8"
    done = worker.execute(name, "sh", "-c", script, terminal=True)
    done.attached.until("ready")
    done.attached.resize(20, 50)
    done.attached.until("20 50")
    done.attached.say(b"this\r")
    answer = done.finish()
    equal((answer.out, answer.code), ("got this\r\n", 8), "the exec")
    ended(worker, name, step)


def test_an_exec_that_cannot_run(t):
    """A missing program ends `exec` with 255, is said in the log, leaves no pid file, and the step goes on."""
    worker, name, step = running(t)
    done = worker.execute(name, "no-such-program")
    answer = done.finish()
    equal(answer.code, 255, "exit status")
    contains(answer.err, "executable file not found in $PATH", "stderr")
    equal("not found" in errors(worker.log)[-1]["msg"], True, "the log")
    true(not done.pid_file.exists(), "a pid file is left")
    ended(worker, name, step)
