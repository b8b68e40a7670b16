# SPDX-License-Identifier: Apache-2.0
"""ctr run: how a container begins and ends, and its streams."""

import pathlib
import subprocess

from cases import case
from engine import IMAGE
from harness import command_line, contains, equal


@case(each=[0, 3, 255], smoke=True)
def run(t, code):
    """`ctr run` returns the program's status: {}."""
    result = t.run(*t.lingering("sh", "-c", f"echo hello; exit {code}")).exits(code)
    equal(result.out, "hello\n", "output")


@case()
def streams(t):
    """Output and errors come apart, and the whole of stdin arrives, with its end."""
    data = "0123456789abcdef\n" * 20000
    result = t.run(*t.lingering("sh", "-c", "cat; echo wrong >&2"), stdin=data.encode()).exits(0)
    equal((len(result.out), result.out == data, result.err), (len(data), True, "wrong\n"), "what was said")


@case()
def missing_program(t):
    """A program that is not there is named, and nothing of the container stays."""
    contains(t.run("/bin/absent").exits(1).err, "/bin/absent", "stderr")
    result = t.run("absent").exits(1)
    contains(result.err, "executable file not found in $PATH", "stderr")
    equal(t("container", "ls", "-q").out, "", "containers")


@case()
def not_executable(t):
    """A file that may not be executed is refused as such."""
    contains(t.run("/etc/passwd").exits(1).err, "permission denied", "stderr")


@case()
def second_of_a_name(t):
    """An id that is in use is refused, and the first container lives on."""
    t.sleeper()
    contains(t.run("true").exits(1).err, "already exists", "stderr")
    t.becomes("RUNNING")


@case()
def pid_file(t):
    """--pid-file names the container's process."""
    t.sleeper("--pid-file", "c1.pid")
    pid = (t.directory / "c1.pid").read_text()
    t.eventually(lambda: command_line(pid) == "sleep\x00600\x00", "that process is the container's")
    equal(int(pid), t.pid(), "the pid of `ctr task ls`")


@case(smoke=True)
def log(t):
    """--log-uri writes both streams into a file."""
    log = t.directory / "log"
    # The shim's file is closed at the end of the first stream: it sleeps, so that neither ends too early.
    script = "echo out; echo err >&2; sleep 1"
    t("run", "--detach", "--log-uri", f"file://{log}", *t.words(), IMAGE, "c1", "sh", "-c", script).exits(0)
    t.becomes("STOPPED")
    t.eventually(lambda: log.exists() and sorted(log.read_text().splitlines()) == ["err", "out"], "the log is complete")


@case()
def many_at_once(t):
    """Eight containers that run at the same time have each their own output and status."""
    children = [t.background("run", "--rm", *t.words(), IMAGE, f"c{n}", *t.lingering("sh", "-c", f"echo {n}; exit {n}"),
                             stdout=subprocess.PIPE, text=True) for n in range(8)]
    found = [(child.communicate(timeout=30 * t.factor)[0], child.returncode) for child in children]
    equal(found, [(f"{n}\n", n) for n in range(8)], "output and status of each")


@case()
def root_of_states(t):
    """--runc-root is where the runtime keeps the state of the container, until its end."""
    root = pathlib.Path("/run/elsewhere")
    t.sleeper("--runc-root", root)
    equal([each.name for each in (root / "default").iterdir() if each.is_dir()], ["c1"], "states")
    t.sweep()
    equal([each.name for each in (root / "default").iterdir() if each.is_dir()], [], "states")
