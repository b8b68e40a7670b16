# SPDX-License-Identifier: Apache-2.0
"""The kernel cannot end processes that a silent file server holds. Here a container has such processes, and so have verbs:
 no verb waits for ever, each error names what the verb could not do, and a later call can do it."""

import contextlib
import signal
import subprocess
import threading

import pytest

import fuse
import leaks
from harness import contains, equal, eventually, read_text, stop, true
from marks import differs, needs
from test_kill import cgroup_of

MOUNTED = "/server"
PPOLL = ("271", "73")  # on x86-64, on arm64
DYING = 30  # seconds for what takes ten, for a slow machine too


class Silence(fuse.Mount):
    """A file system that accepts every request and answers none about the name `hole` before let_go(): not even SIGKILL
     reaches a process that waits for the answer."""

    def __init__(self, path):
        self.asked, self.go_on = threading.Semaphore(0), threading.Event()
        super().__init__(path, fuse.Directory(a=fuse.Directory(), b=fuse.Directory(), c=fuse.Directory()))  # one lock each

    def handle(self, request):
        threading.Thread(target=super().handle, args=(request,), daemon=True).start()

    def named(self, opcode, directory, name):
        if name == "hole":
            self.asked.release()
            self.go_on.wait(120)
        return super().named(opcode, directory, name)

    def let_go(self):
        self.go_on.set()


@contextlib.contextmanager
def silent_server(t):
    """(server, directory of the host)"""
    directory = t.scratch / "server"
    directory.mkdir()
    server = Silence(directory)
    try:
        yield server, directory
    finally:
        server.let_go()
        server.close()


def reader(t, directory):
    """A container in which a process other than the first waits for the server."""
    box = t.shell(f"cat {MOUNTED}/a/hole & sleep 60")
    box.bundle.add_mount(MOUNTED, "bind", str(directory), "bind")
    box.run_detached().ok()
    return box


def call_of(pid):
    """The number of the system call that a process is in."""
    try:
        return read_text(f"/proc/{pid}/syscall").split(" ")[0]
    except OSError:
        return ""


def background(t, *words, **more):
    """(child, file of stderr)"""
    said = t.scratch / f"said-{words[0]}"
    with open(said, "wb") as stream:
        return t.runtime.start(t.runtime.command(*words), stderr=stream, **more), said


def stuck_ps(t, directory, box):
    """A `ps` verb whose mount namespace has a ps(1) that waits for the server: (child, file of stderr)."""
    program = t.scratch / "ps"
    program.write_text(f"#!/bin/sh\nexec cat {directory}/b/hole\n")
    program.chmod(0o755)
    line = f"mount --bind {program} /usr/bin/ps && exec \"$@\""
    said = t.scratch / "said-ps"
    with open(said, "wb") as stream:
        return t.runtime.start(["unshare", "--mount", "sh", "-c", line, "sh", *t.runtime.command("ps", box.id)],
                               stderr=stream), said


@differs("runc 1.1.5 waits for ever in exec and in ps")
@needs(fuse.missing)
@pytest.mark.timeout(90)
def test_a_file_server_that_does_not_answer(t):
    """state, kill, `ps -f json` and events are not held up; exec, ps and delete give up and name what they leave; delete works later."""
    with silent_server(t) as (server, directory):
        box = reader(t, directory)
        executing, of_exec = background(t, "exec", "--cwd", f"{MOUNTED}/c/hole", box.id, "true")
        showing, of_ps = stuck_ps(t, directory, box)
        processes = cgroup_of(box) / "cgroup.procs"
        for _ in ("the container", "exec", "ps"):
            true(server.asked.acquire(timeout=10), "the server is not asked")
        t.runtime("kill", "--all", box.id, "WINCH").ok()
        equal(box.status(), "running", "status")
        t.runtime("ps", "-f", "json", box.id).ok()
        t.runtime("events", "--stats", box.id).ok()
        watching, _ = background(t, "events", box.id, stdout=subprocess.DEVNULL)
        eventually(lambda: call_of(watching.pid) in PPOLL, "events does not wait")
        equal(stop(watching, signal.SIGTERM), -signal.SIGTERM, "exit code of events")
        executing.send_signal(signal.SIGTERM)
        deleting, of_delete = background(t, "delete", "--force", box.id)
        equal(showing.wait(DYING), 1, "exit code of ps")
        contains(read_text(of_ps), "ps: no answer within 10000 ms", "what ps says")
        equal(executing.wait(DYING), -signal.SIGTERM, "exit code of exec")
        contains(read_text(of_exec), "interrupted by signal 15; process ", "what exec says")
        contains(read_text(of_exec), "is left to init of the host: it was killed, and does not end (state D)", "what exec says")
        equal(deleting.wait(DYING), 1, "exit code of delete")
        contains(read_text(of_delete), "process(es) found after 10000 ms", "what delete says")
        interrupted, _ = background(t, "delete", "--force", box.id)
        eventually(lambda: call_of(interrupted.pid) in PPOLL, "delete does not wait")
        equal(stop(interrupted, signal.SIGTERM), -signal.SIGTERM, "exit code of a delete that is interrupted")
        server.let_go()
        eventually(lambda: leaks.reap_orphans() or not processes.read_text(), "they do not end")
        box.delete("--force").ok()
        t.no_state()
