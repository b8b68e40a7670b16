# SPDX-License-Identifier: Apache-2.0
"""go-runc: the terminal over the console socket, and the pidfd over its own."""

import json
import os
import select
import signal
import termios

from caller import holders, reap, wait
from gorunc import read_pid_file
from harness import absent, contains, equal, status_field, true
from marks import breaks, parametrize
from master import Master
from test_go_runc import full, removed, sleeper

NO_PIDFD = "runc 1.1.5 has no --pidfd-socket"
MADE = [("create",), ("run",), ("exec",)]


def with_terminal(t, library, verb, socket, script, **fields):
    """(id, pid of the process with the terminal, pid of init) by this verb, which has ended with 0 and said nothing."""
    options = {"pid_file": t.scratch / "pid", "console_socket": socket.path}
    bundle = t.bundle("sh", "-c", script, terminal=True, **fields)
    if verb == "exec":
        name, init = sleeper(t, library)
        library.exec(name, bundle.config["process"], detach=True, **options).silent()
        return name, read_pid_file(t.scratch / "pid"), init
    name = t.fresh_id()
    library.run_or_error(*library.words(verb, bundle.path, name, {**options, "detach": verb == "run"})).silent()
    pid = read_pid_file(t.scratch / "pid")
    return name, pid, pid


def goes(library, verb, name, init):
    """The rest of a container whose process with the terminal has ended and been collected."""
    if verb == "exec":
        library.kill(name, 9).silent()
        reap(init)
    library.delete(name).silent()


@parametrize("verb", MADE)
def test_a_master_over_the_socket(t, verb):
    """`{}` with a terminal has sent one master in one message when it has ended; the caller only accepts then, and
    answers nothing.
    """
    library = full(t)
    socket = library.console_socket()
    name, pid, init = with_terminal(t, library, verb, socket, "read line; echo got $line; exit 3")
    data, number = socket.receive()
    true(1 <= len(data) < 4096, f"the message is {data!r}")
    equal(select.select([socket.listener], [], [], 0)[0], [], "more connections")
    socket.close()
    master = Master(number)
    if verb == "create":
        library.start(name).silent()
    master.type("word\n")
    contains(master.end(), "got word\n", "what was shown")
    equal(reap(pid), 3, "exit status")
    goes(library, verb, name, init)


@parametrize("verb", MADE)
def test_nobody_else_has_the_terminal(t, verb):
    """Behind `{}` the master is the caller's alone, and the process has nothing of the caller's but its terminal."""
    library = full(t)
    socket = library.console_socket()
    name, pid, init = with_terminal(t, library, verb, socket, "echo ready; read line")
    master = Master(socket.receive()[1])
    socket.close()
    if verb == "create":
        library.start(name).silent()
    master.shows("ready")
    equal(holders(master.number), "nobody below us", "holders of the master")
    links = {os.readlink(f"/proc/{pid}/fd/{number}") for number in (0, 1, 2)}
    true(len(links) == 1 and all("pts/" in link for link in links), f"0, 1 and 2 are {links}")
    master.type("\n")
    master.end()
    reap(pid)
    goes(library, verb, name, init)


@parametrize("verb", [("create",), ("exec",)])
def test_the_size_is_the_callers(t, verb):
    """The caller sets the size on its master, by `{}`'s terminal the process learns of it, with a SIGWINCH."""
    library = full(t)
    socket = library.console_socket()
    script = "trap 'stty size; exit 0' WINCH; echo ready; while :; do read -t 1 x; done"
    name, pid, init = with_terminal(t, library, verb, socket, script)
    master = Master(socket.receive()[1])
    socket.close()
    if verb == "create":
        library.start(name).silent()
    master.shows("ready")
    master.resize(31, 117)
    contains(master.end(), "31 117\n", "what was shown")
    equal(reap(pid), 0, "exit status")
    goes(library, verb, name, init)


@parametrize("_, size, expected", [
    ("size", {"height": 33, "width": 121}, [33, 121]), ("nothing", {"height": 0, "width": 0}, [0, 0])])
def test_the_console_size(t, _, size, expected):
    """The consoleSize of the process is in force when the master arrives; 0x0 is no size and no error."""
    library = full(t)
    socket = library.console_socket()
    name, pid, _ = with_terminal(t, library, "create", socket, "exit 0", consoleSize=size)
    number = socket.receive()[1]
    socket.close()
    equal(list(termios.tcgetwinsize(number)), expected, "size")
    removed(library, name, pid)
    Master(number).end()


@parametrize("verb", MADE)
def test_nobody_accepts(t, verb):
    """`{}` does not wait for its caller to accept: it ends with 0, and the process whose master goes down can be
    ended.
    """
    library = full(t)
    socket = library.console_socket()
    name, pid, init = with_terminal(t, library, verb, socket, "read line; exit 8")
    socket.close()
    if verb == "create":
        library.kill(name, 9)  # it may have ended: it was hung up on
    reap(pid)
    goes(library, verb, name, init)


@parametrize("verb", MADE)
def test_nobody_listens(t, verb):
    """`{}` with a console socket that is not there fails in the one pipe, and leaves no process behind."""
    library = full(t, debug=False)
    bundle = t.bundle("sleep", "60", terminal=True)
    path = t.scratch / "nowhere/pty.sock"
    if verb == "exec":
        name, pid = sleeper(t, library)
        answer = library.exec(name, bundle.config["process"], detach=True, console_socket=path).failed()
        equal(library.ps(name), [pid], "processes")
        removed(library, name, pid)
    else:
        words = library.words(verb, bundle.path, t.fresh_id(), {"console_socket": path, "detach": verb == "run"})
        answer = library.run_or_error(*words).failed()
        t.no_state()
    contains(answer.out, "no such file or directory", "the message")


@parametrize("_, terminal, with_socket, text", [
    ("a terminal and no socket", True, False, "cannot allocate tty if runc will detach without setting"),
    ("a socket and no terminal", False, True, "cannot use console socket if runc will not detach or")])
def test_one_without_the_other(t, _, terminal, with_socket, text):
    """`create` with {} is refused with the words of runc, and leaves nothing."""
    library = full(t, debug=False)
    socket = library.console_socket()
    answer = library.create(t.bundle("true", terminal=terminal).path, t.fresh_id(),
                            console_socket=socket.path if with_socket else None).failed()
    equal(select.select([socket.listener], [], [], 0)[0], [], "connections")
    socket.close()
    contains(answer.out.replace("bulkhead", "runc"), text, "the message")
    t.no_state()


@breaks(NO_PIDFD)
@parametrize("verb, word", [("create", "standard"), ("run", "standard"), ("exec", "setns")])
def test_a_pidfd_over_the_socket(t, verb, word):
    """`{}` with --pidfd-socket sends one pidfd of the process with runc's word for it; the signal sent through it ends
    the process.
    """
    library = full(t)
    socket = library.console_socket()
    options = {"pidfd_socket": socket.path, "pid_file": t.scratch / "pid"}
    bundle = t.bundle("sleep", "61")
    if verb == "exec":
        name, init = sleeper(t, library)
        words = ["exec", "--process", bundle.path / "process.json", "--pidfd-socket", socket.path, "--detach",
                 "--pid-file", t.scratch / "pid", name]
        (bundle.path / "process.json").write_text(json.dumps(bundle.config["process"]))
    else:
        name = t.fresh_id()
        words = library.words(verb, bundle.path, name, {**options, "detach": verb == "run"})
    equal(wait(library.begin(library.argv(*words), (-3, -3, -3), None)), 0, "exit status of the runtime")
    pid = read_pid_file(t.scratch / "pid")
    data, number = socket.receive()
    socket.close()
    equal(data.decode(), word, "the message")
    with open(f"/proc/self/fdinfo/{number}", encoding="ascii") as file:
        equal(status_field(file.read(), "Pid"), str(pid), "pid of the pidfd")
    signal.pidfd_send_signal(number, signal.SIGKILL)
    os.close(number)
    equal(reap(pid), 137, "exit status")
    goes(library, verb, name, None if verb != "exec" else init)


def test_the_socket_is_not_the_containers(t):
    """Neither the console socket's path nor its connection are to be seen in the container."""
    library = full(t)
    socket = library.console_socket()
    name, pid, _ = with_terminal(t, library, "create", socket, "ls -l /proc/self/fd; env; ls -R /dev")
    master = Master(socket.receive()[1])
    socket.close()
    library.start(name).silent()
    shown = master.end()
    absent(shown, "pty.sock", "what was shown")
    absent(shown, "socket:", "what was shown")
    reap(pid)
    library.delete(name).silent()
