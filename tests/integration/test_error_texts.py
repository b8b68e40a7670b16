# SPDX-License-Identifier: Apache-2.0
"""Puts every refusal through every caller's matcher: the resulting class is the class of runc's own text for the same
 situation, or a better one with a reason."""

import os
import pathlib
import socket
import sys

import pytest

from harness import contains, equal, true
from marks import differs, parametrize
from test_lifecycle import created, running, stopped

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "contract/callers"))
import matchers  # pylint: disable=wrong-import-position

pytestmark = pytest.mark.any_cgroups


# ---- running a verb -----------------------------------------------------------------------------------

def told(t, *words, **options):
    """Runs a verb as an engine does, with a log: (exit code, error in the log, stderr)."""
    log = t.scratch / "log.json"
    result = t.runtime("--log", log, "--log-format", "json", *words, **options)
    text = matchers.shim_last_error(log.read_text()) if log.exists() else None
    return result.code, text, result.err


def create(t, box, *flags, **options):
    return told(t, "create", "--bundle", box.bundle.path, "--pid-file", box.pid_file, *flags, box.id, **options)


def run(t, box, *flags):
    return told(t, "run", "--bundle", box.bundle.path, *flags, box.id)


# ---- containers that cannot be made ---------------------------------------------------------------------

def program(*args, file=None, mode=0o755, **process):
    """A container with this program; `file` is the content of /program, if there is one."""
    def provoke(t, verb=create):
        box = t.container(*args, **process)
        if file is not None:
            box.bundle.program("program", file, mode)
        return verb(t, box)
    return provoke


def at_run(provoke):
    return lambda t: provoke(t, run)


def edited(change):
    """A container whose document change(config, bundle) has changed."""
    def provoke(t):
        box = t.container("true")
        box.bundle.edit(lambda config: change(config, box.bundle))
        return create(t, box)
    return provoke


def with_mount(make):
    """A container with a mount that make(bundle) describes."""
    return edited(lambda config, bundle: config["mounts"].append(make(bundle)))


def bind(source, destination):
    return {"type": "bind", "source": str(source), "destination": destination, "options": ["rbind"]}


def directory_onto_a_file(bundle):
    bundle.program("file", "")
    return bind(bundle.path, "/file")


def file_onto_a_directory(bundle):
    (bundle.path / "file").write_text("")
    return bind(bundle.path / "file", "/tmp")


def flags(*words, terminal=False, socket_name=None):
    def provoke(t):
        box = t.container("true", terminal=terminal)
        more = ["--console-socket", t.scratch / socket_name] if socket_name else []
        if socket_name == "listening":
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(t.scratch / socket_name))
            listener.listen()
        return told(t, *words, "--bundle", box.bundle.path, *more, box.id)
    return provoke


def hook(path, *args):
    entry = {"path": path, "args": [path, *args]}
    return edited(lambda config, bundle: config.update(hooks={"createRuntime": [entry]}))


def taken_id(t):
    box = t.sleeper()
    box.create().ok()
    return create(t, box)


def id_of(name):
    return lambda t: told(t, "create", "--bundle", t.container("true").bundle.path, name)


def no_config(t):
    box = t.container("true")
    (box.bundle.path / "config.json").unlink()
    return create(t, box)


def broken_config(t):
    box = t.container("true")
    (box.bundle.path / "config.json").write_text("{\"ociVersion\": ")
    return create(t, box)


def invalid_root(path):
    return edited(lambda config, bundle: config["root"].update(path=path))


def namespace(path):
    return edited(lambda config, bundle: config["linux"]["namespaces"][1].update(path=path))


# The classes of a failed create or exec, for each caller.
MISSING = {"dockerd": 127, "docker": 127, "podman": "not found", "podman run": 127, "podman exec": 127}
REFUSED = {"dockerd": 126, "docker": 126, "podman": "permission", "podman run": 126, "podman exec": 126}
NO_FOLDER = {"dockerd": 127, "docker": 125, "podman": "other", "podman run": 126, "podman exec": 125}
OTHER = {"dockerd": 128, "docker": 125, "podman": "other", "podman run": 126, "podman exec": 125}
# The text for a missing config.json, the same as runc 1.1.5's, has "not found": podman run takes the program to be missing.
NO_DOCUMENT = {**OTHER, "podman run": 127}
NO_PROGRAM = "unable to start container process: exec: "
NO_LOG = "runc's init says it to the container's stderr, and the log says nothing: Docker shows an exit status"


# situation: (how, class, part of the text of either runtime)
MAKING = {
    "missing in PATH": (program("no-such-tool"), MISSING,
                        NO_PROGRAM + '"no-such-tool": executable file not found in $PATH'),
    "missing, absolute": (program("/no/such/tool"), MISSING,
                          NO_PROGRAM + '"/no/such/tool": stat /no/such/tool: no such file or directory'),
    "missing, relative": (program("./no-such-tool"), MISSING,
                          NO_PROGRAM + '"./no-such-tool": stat ./no-such-tool: no such file or directory'),
    "empty name": (program(""), MISSING, NO_PROGRAM + '"": executable file not found in $PATH'),
    "not executable, absolute": (program("/program", file="x", mode=0o644), REFUSED,
                                 NO_PROGRAM + '"/program": permission denied'),
    "not executable, in PATH": (program("program", file="x", mode=0o644, env=["PATH=/"]), MISSING,
                                NO_PROGRAM + '"program": executable file not found in $PATH'),
    "a directory": (program("/etc"), REFUSED, NO_PROGRAM + '"/etc": '),
    "below a file": (program("/bin/busybox/tool"), NO_FOLDER, NO_PROGRAM + '"/bin/busybox/tool": '),
    "behind a closed directory": (edited(lambda config, bundle: (
        bundle.program("root/tool", "x", 0o700), os.chmod(bundle.rootfs / "root", 0o700),
        config["process"].update(args=["/root/tool"], user={"uid": 1000, "gid": 1000}))), REFUSED,
        NO_PROGRAM + '"/root/tool": '),
    "no program": (edited(lambda config, bundle: config["process"].update(args=[])), OTHER, "args must not be empty"),
    "cwd is a file": (program("true", cwd="/bin/busybox"), NO_FOLDER, "not a directory"),
    "cwd is relative": (program("true", cwd="tmp"), OTHER, "Cwd must be an absolute path"),
    "bind source missing": (with_mount(lambda bundle: bind("/no/such/source", "/tmp")), MISSING, "/no/such/source"),
    "directory onto a file": (with_mount(directory_onto_a_file), NO_FOLDER, "/file"),
    "file onto a directory": (with_mount(file_onto_a_directory), NO_FOLDER, "/tmp"),
    "unknown file system": (with_mount(lambda bundle: {"type": "nosuchfs", "source": "x", "destination": "/tmp"}),
                            OTHER, "no such device"),
    "rootfs missing": (invalid_root("nowhere"), MISSING, "invalid rootfs: "),
    "rootfs is a file": (invalid_root("config.json"), NO_FOLDER, "not a directory"),
    "config.json missing": (no_config, NO_DOCUMENT, "JSON specification file config.json not found"),
    "config.json broken": (broken_config, OTHER, "unexpected "),
    "bundle missing": (lambda t: told(t, "create", "--bundle", "/no/such/bundle", "x"), MISSING, "/no/such/bundle: "),
    "namespace missing": (namespace("/no/such/ns"), MISSING, "/no/such/ns: no such file or directory"),
    "namespace is none": (namespace("/dev/null"), OTHER, ""),
    "sysctl unknown": (edited(lambda config, bundle: config["linux"].update(sysctl={"net.ipv4.no_such": "1"})),
                       MISSING, "/proc/sys/net/ipv4/no_such"),
    "hook missing": (hook("/no/such/hook"), MISSING, "/no/such/hook: no such file or directory"),
    "hook fails": (hook("/bin/sh", "-c", "exit 3"), OTHER, "exit status 3"),
    "hook not executable": (hook("/etc/passwd"), REFUSED, "permission denied"),
    "device below a file": (edited(lambda config, bundle: config["linux"].update(
        devices=[{"type": "c", "path": "/bin/busybox/x", "major": 1, "minor": 3}])), NO_FOLDER, "/bin/busybox"),
    "id taken": (taken_id, OTHER, "container with given ID already exists"),
    "id is a path": (id_of("../x"), OTHER, "invalid container ID format"),
    "id empty": (id_of(""), OTHER, "container "),
    "terminal without a socket": (flags("create", terminal=True), OTHER, "cannot allocate tty if "),
    "detached terminal without a socket": (flags("run", "--detach", terminal=True), OTHER, "cannot allocate tty if "),
    "socket without a terminal": (flags("create", socket_name="listening"), OTHER, "cannot use console socket if "),
    "socket of an attached run": (flags("run", terminal=True, socket_name="listening"), OTHER,
                                  "cannot use console socket if "),
    "nobody at the socket": (flags("create", terminal=True, socket_name="nobody"), MISSING,
                             "no such file or directory"),
}
STARTING = {
    "script without its interpreter": (program("/program", file="#!/no/such/interpreter\n"), MISSING,
                                       "exec /program: no such file or directory"),
    "no format": (program("/program", file="\x01\x02"), OTHER, "exec /program: exec format error"),
}


def classes(text):
    """The class that each caller derives from the text of a failed create or exec."""
    dockerd, message = matchers.dockerd_start(matchers.dockerd_message(text))
    return {"dockerd": dockerd, "docker": matchers.docker_run(message), "podman": matchers.podman_error(text),
            "podman run": matchers.podman_run(text), "podman exec": matchers.podman_exec(text)}


def check(t, answer, code, expected, words, sort=classes):
    """Fails unless the log has the words, and every caller derives the expected class from the log and from stderr."""
    found, text, err = answer
    equal(found, code, f"exit code (the log says {text!r}, stderr {err!r})")
    true(text is not None, f"the log has no error that a shim finds; stderr is {err!r}")
    contains(text, words, "the log")
    for source in (text, err):
        equal(sort(source), expected, f"classes of {source!r}")
    if t.bulkhead:  # runc's log has more lines, and podman reads stderr then
        equal(matchers.oci_log((t.scratch / "log.json").read_text()), text, "what podman reads in the log")
        equal(err, text + "\n", "stderr")
        true("does not exist" in words or "does not exist" not in text, f"taken for a container that is gone: {text!r}")


@parametrize("_, provoke, expected, words", [(name, *row) for name, row in MAKING.items()])
def test_a_container_that_cannot_be_made(t, _, provoke, expected, words):
    """Every caller puts the refusal of create into the same class as runc's."""
    check(t, provoke(t), 1, expected, words)


@differs(NO_LOG)
@parametrize("_, provoke, expected, words", [(name, *row) for name, row in STARTING.items()])
def test_a_program_that_the_kernel_refuses(t, _, provoke, expected, words):
    """run reports an error of execve itself, in the class of the same mistake in create."""
    check(t, provoke(t, run), 1, expected, words)


@parametrize("name", list(STARTING))
def test_it_is_no_error_of_create(t, name):
    """create and start do not see an error of execve, as with runc: the container starts, and ends with 1."""
    box = t.container("/program")
    box.bundle.program("program", {"no format": "\x01\x02"}.get(name, "#!/no/such/interpreter\n"))
    for answer in (create(t, box), told(t, "start", box.id)):
        equal(answer, (0, None, ""), "answer")
    equal(box.wait(), 1, "exit status")


# ---- exec ------------------------------------------------------------------------------------------------

def executed(*command, words=(), file=None, mode=0o755, status="running"):
    def provoke(t):
        box = STATUSES[status](t)
        if file is not None:
            box.bundle.program("program", file, mode)
        return told(t, "exec", *words, box.id, *command)
    return provoke


# ---- a container in each state ---------------------------------------------------------------------------

def unknown(t):
    return t.sleeper()


def paused(t):
    box = running(t)
    t.runtime("pause", box.id).ok()
    return box


STATUSES = {"unknown": unknown, "created": created, "running": running, "paused": paused, "stopped": stopped}
EXECUTING = {
    "missing in PATH": (executed("no-such-tool"), MISSING, '"no-such-tool": executable file not found in $PATH'),
    "missing, absolute": (executed("/no/such/tool"), MISSING, "stat /no/such/tool: no such file or directory"),
    "not executable": (executed("/program", file="x", mode=0o644), REFUSED,
                       NO_PROGRAM + '"/program": permission denied'),
    "a directory": (executed("/etc"), REFUSED, NO_PROGRAM + '"/etc": '),
    "cwd missing": (executed("true", words=["--cwd", "/no/such"]), MISSING, "/no/such"),
    "process file missing": (executed(words=["--process", "/no/such/file"]), MISSING,
                             "open /no/such/file: no such file or directory"),
    "detached terminal without a socket": (executed("true", words=["--detach", "--tty"]), OTHER,
                                           "cannot allocate tty if "),
    "socket without a terminal": (executed("true", words=["--detach", "--console-socket", "/no/such"]), OTHER,
                                  "cannot use console socket if "),
    "in none": (executed("true", status="unknown"), OTHER, "container does not exist"),
    "in a paused one": (executed("true", status="paused"), OTHER,
                        "cannot exec in a paused container (use --ignore-paused to override)"),
    "in a stopped one": (executed("true", status="stopped"), OTHER, "cannot exec in a stopped container"),
}
EXECUTING_LATE = {
    "script without its interpreter": (executed("/program", file="#!/no/such/interpreter\n"), MISSING,
                                       "exec /program: no such file or directory"),
    "no format": (executed("/program", file="\x01\x02"), OTHER, "exec /program: exec format error"),
}


def check_exec(t, answer, expected, words):
    true((answer[1] or "").startswith("exec failed: "), f"not as an exec fails: {answer}")
    check(t, answer, 255, expected, words)


@parametrize("_, provoke, expected, words", [(name, *row) for name, row in EXECUTING.items()])
def test_a_process_that_cannot_be_made(t, _, provoke, expected, words):
    """Every caller puts the refusal of exec into the same class as runc's; the exit code is 255."""
    check_exec(t, provoke(t), expected, words)


@differs(NO_LOG)
@parametrize("_, provoke, expected, words", [(name, *row) for name, row in EXECUTING_LATE.items()])
def test_a_process_that_the_kernel_refuses(t, _, provoke, expected, words):
    """An error of execve itself is an error of exec, with 255; runc's exec succeeds, and the process ends with 1."""
    check_exec(t, provoke(t), expected, words)


# ---- each verb in each state -------------------------------------------------------------------------------

def fates(text):
    """The conclusion of each caller about the container from a verb's refusal."""
    return {"shim kill": matchers.shim_kill(text), "shim delete": matchers.shim_delete(text),
            "CRI-O": matchers.crio_gone(text), "podman state": matchers.podman_state(text)}


ABSENT = {"shim kill": "no such container", "shim delete": True, "CRI-O": False, "podman state": True}
ENDED = {"shim kill": "finished", "shim delete": False, "CRI-O": True, "podman state": False}
THERE = {"shim kill": "unknown", "shim delete": False, "CRI-O": False, "podman state": False}
DONE = None  # the verb succeeds and prints nothing
GONE = (ABSENT, "container does not exist")
NOT_RUNNING = (ENDED, "container not running")
NOT_PAUSED = (THERE, "container not paused")

# verb: its answer, by status: (class, part of the text)
TABLE = {
    ("state",): {"unknown": GONE, "created": DONE, "running": DONE, "paused": DONE, "stopped": DONE},
    ("start",): {"unknown": GONE, "created": DONE, "running": (THERE, "cannot start an already running container"),
                 "paused": (THERE, "cannot start a container in the paused state"),
                 "stopped": (THERE, "cannot start a container that has stopped")},
    ("pause",): {"unknown": GONE, "created": DONE, "running": DONE, "paused": NOT_RUNNING, "stopped": NOT_RUNNING},
    ("resume",): {"unknown": GONE, "created": NOT_PAUSED, "running": NOT_PAUSED, "paused": DONE, "stopped": NOT_PAUSED},
    ("delete",): {"unknown": GONE, "created": DONE, "running": (THERE, "that is not stopped: running"),
                  "paused": (THERE, "that is not stopped: paused"), "stopped": DONE},
    ("delete", "--force"): dict.fromkeys(["unknown", "created", "running", "paused", "stopped"], DONE),
    ("kill", "", "9"): {"unknown": GONE, "created": DONE, "running": DONE, "paused": DONE, "stopped": NOT_RUNNING},
    ("kill", "--all", "9"): {"unknown": GONE, "created": DONE, "running": DONE, "paused": DONE, "stopped": DONE},
    ("ps",): {"unknown": GONE, "created": DONE, "running": DONE, "paused": DONE, "stopped": DONE},
    ("update",): {"unknown": GONE, "created": DONE, "running": DONE, "paused": DONE, "stopped": NOT_RUNNING},
    ("events", "--stats"): {"unknown": GONE, "created": DONE, "running": DONE, "paused": DONE,
                            "stopped": (THERE, " is not running")},
}


@parametrize("_, words, status, expected", [(f"{' '.join(filter(None, words[:2]))} {status}", words, status, expected)
                                            for words, row in TABLE.items() for status, expected in row.items()])
def test_a_verb_in_a_state(t, _, words, status, expected):
    """From the answer of a verb in each state every caller concludes the same as from runc's."""
    box = STATUSES[status](t)
    name, flag, *rest = (*words, "", "")[:3]
    answer = told(t, name, *filter(None, [flag]), box.id, *filter(None, rest))
    if expected is DONE:
        equal((answer[0], answer[1], answer[2]), (0, None, ""), "exit code, log and stderr")
    else:
        check(t, answer, 1, *expected, sort=fates)


COMMAND_LINES = {
    "a signal that is none": (lambda t: told(t, "kill", running(t).id, "FRIDAY"), 'unknown signal "FRIDAY"'),
    "a number that is none": (lambda t: told(t, "kill", running(t).id, "99"), ""),
    "no id": (lambda t: told(t, "kill"), '"kill" requires a minimum of 1 argument(s)'),
    "two ids": (lambda t: told(t, "start", "one", "two"), '"start" requires exactly 1 argument(s)'),
}


@parametrize("_, provoke, words", [(name, *row) for name, row in COMMAND_LINES.items()])
def test_a_command_line_that_is_none(t, _, provoke, words):
    """No caller takes a mistake on the command line for a container that is gone."""
    check(t, provoke(t), 1, THERE, words, sort=fates)


# ---- the matchers themselves -------------------------------------------------------------------------------

@parametrize("_, log", [("broken", "{"), ("no time", '{"level":"error","msg":"x"}'), ("empty", ""),
                         ("no error", '{"level":"warning","msg":"x","time":"2026-01-02T03:04:05Z"}')])
def test_a_log_that_a_shim_cannot_use(t, _, log):
    """The shim's reader finds nothing in these logs, so the check above can fail."""
    equal(matchers.shim_last_error(log), None, "last error")


@parametrize("_, fate, text", [
    ("finished", "finished", "Container NOT running: No Such Process"),
    ("gone", "no such container", "x does not exist"), ("unknown", "unknown", "Container not running")])
def test_a_text_in_other_letters(t, _, fate, text):
    """The matchers distinguish upper and lower case if the callers do."""
    equal(matchers.shim_kill(text), fate, "fate")
