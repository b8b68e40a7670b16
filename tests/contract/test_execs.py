# SPDX-License-Identifier: Apache-2.0
"""exec: a second process in a container, as people, engines and their process files ask for it."""

import json
import os
from subprocess import DEVNULL

from caller import ConsoleSocket, reap, separate, spawn, until_end, wait
from gorunc import library, read_pid_file
from harness import absent, contains, equal, eventually, true
from marks import breaks, parametrize


def said(t, box, *words):
    """What an attached exec wrote, in its words."""
    return separate(library(t).argv("exec", *words)).ok().out.split()


def ended(t):
    """Kills and collects what a detached exec has left to us."""
    pid = read_pid_file(t.scratch / "exec.pid")
    os.kill(pid, 9)
    reap(pid)


def execute(t, box, **fields):
    """The same of a process file: the container's process with other fields."""
    process = {**box.bundle.config["process"], **fields}
    runc = library(t)
    with runc.process_file({key: value for key, value in process.items() if value is not None}) as path:
        return separate(runc.argv("exec", "--process", path, box.id))


@parametrize("name, words, script, expected", [
    ("cwd", ["--cwd", "/tmp"], "pwd", "/tmp"), ("env", ["--env", "A=1", "--env", "B=2"], "echo $A$B", "12"),
    ("user", ["--user", "1000:1000"], "echo $(id -u):$(id -g)", "1000:1000"), ("u", ["-u", "5"], "id -u", "5"),
    ("groups", ["--user", "5", "-g", "77", "-g", "78"], "id -G | tr ' ' ,", "0,77,78"),
    ("no_new_privs", ["--no-new-privs"], "awk '/NoNewPrivs/ {print $2}' /proc/self/status", "1"),
    ("equals", ["--cwd=/tmp", "--env=A=1"], "echo $PWD$A", "/tmp1"), ("one_dash", ["-cwd", "/tmp"], "pwd", "/tmp")])
def test_flags(t, name, words, script, expected):
    """A flag of `exec` is followed: {}."""
    box = t.running()
    equal(said(t, box, *words, box.id, "sh", "-c", script), [expected], "what the process saw")


def test_options_end_at_the_id(t):
    """Everything after the id is the program's, whatever it looks like: nobody writes `--` between them."""
    box = t.running()
    equal(said(t, box, box.id, "echo", "--cwd", "/tmp", "-e", "--", "-t", "--detach"),
          ["--cwd", "/tmp", "-e", "--", "-t", "--detach"], "what echo was given")


def test_what_comes_from_the_container(t):
    """Without flags the environment, user, directory and limits are those of the container's process."""
    box = t.running(env=["PATH=/bin", "OWN=here"], cwd="/tmp", user={"uid": 1000, "gid": 1000, "additionalGids": [7]},
                  rlimits=[{"type": "RLIMIT_NOFILE", "hard": 321, "soft": 321}])
    equal(said(t, box, box.id, "sh", "-c", "echo $OWN; id -u; id -G | tr ' ' ,; pwd; ulimit -n"),
          ["here", "1000", "1000,7", "/tmp", "321"], "what the process saw")


def test_what_comes_from_the_process_file(t):
    """With --process nothing of the container's process is left where the file says something else."""
    box = t.running(env=["PATH=/bin", "OWN=here"], cwd="/tmp")
    script = "echo ${OWN:-none}; id -u; pwd; ulimit -n"
    answer = execute(t, box, args=["sh", "-c", script], env=["PATH=/bin"], user={"uid": 3, "gid": 4}, cwd="/",
                     rlimits=[{"type": "RLIMIT_NOFILE", "hard": 99, "soft": 99}]).ok()
    equal(answer.out.split(), ["none", "3", "/", "99"], "what the process saw")


@breaks("gives 0022 to every exec")
@parametrize("name, mask, expected", [("own", None, "0027"), ("other", 0o77, "0077")])
def test_umask(t, name, mask, expected):
    """The umask of an exec is the container's, unless the process file has its {}."""
    box = t.running(user={"uid": 0, "gid": 0, "umask": 0o27})
    user = {"uid": 0, "gid": 0, "umask": 0o27 if mask is None else mask}
    equal(execute(t, box, args=["sh", "-c", "umask"], user=user).ok().out.split(), [expected], "umask by --process")
    if mask is None:
        equal(said(t, box, box.id, "sh", "-c", "umask"), [expected], "umask by flags")


def test_capabilities(t):
    """The capabilities of a process file are the exec's, and not the container's."""
    box = t.running()
    kinds = {kind: ["CAP_KILL"] for kind in ("bounding", "effective", "permitted")}
    answer = execute(t, box, args=["awk", "/^Cap(Prm|Eff|Bnd)/ {print $2}", "/proc/self/status"], capabilities=kinds)
    equal(answer.ok().out.split(), ["0000000000000020"] * 3, "capabilities")


def test_in_the_container_s_cgroup_and_namespaces(t):
    """An exec'd process is in the cgroup and in the namespaces of the container's process."""
    box = t.running()
    other = box.exec_detached("sleep", "61")
    equal(other.proc("cgroup"), box.proc("cgroup"), "cgroup")
    for kind in ("pid", "net", "ipc", "uts", "mnt", "cgroup"):
        equal(os.readlink(f"/proc/{other.pid}/ns/{kind}"), os.readlink(f"/proc/{box.pid}/ns/{kind}"), kind)


def test_into_a_created_container(t):
    """`exec` works in a container that is created and not started, which is still created afterwards."""
    box = t.container("sh", "-c", "exit 4")
    box.create().ok()
    equal(said(t, box, box.id, "hostname"), ["bulkhead-it"], "what the process saw")
    equal(box.status(), "created", "status")
    box.start().ok()
    equal(box.wait(), 4, "exit status")


def test_into_a_paused_container(t):
    """`exec` into a paused container is refused, and the message says paused; after resume it works."""
    runc, box = library(t), t.running()
    runc.pause(box.id).silent()
    contains(separate(runc.argv("exec", box.id, "true")).failed().err, "paused", "the message")
    runc.resume(box.id).silent()
    separate(runc.argv("exec", box.id, "true")).silent()


def test_into_a_paused_container_nevertheless(t):
    """A detached `exec --ignore-paused` into a paused container is taken, and its process goes on after `resume`."""
    runc, box = library(t), t.running()
    runc.pause(box.id).silent()
    child = spawn(runc.argv("exec", "--ignore-paused", "--detach", "--pid-file", t.scratch / "exec.pid", box.id,
                            "sleep", "61"))
    eventually(lambda: child.poll() is not None or len(runc.ps(box.id)) > 1, "nothing joins the container", 10)
    runc.resume(box.id).silent()
    equal(wait(child), 0, "exit status")
    true(read_pid_file(t.scratch / "exec.pid") in runc.ps(box.id), "the process is not in the container")
    ended(t)


def test_into_a_stopped_container(t):
    """`exec` into a container that has stopped is refused, and the message says stopped."""
    box = t.running()
    box.kill("KILL").ok()
    box.wait()
    answer = separate(library(t).argv("exec", box.id, "true")).failed()
    contains(answer.err, "stopped container", "the message")


@parametrize("kind, fields", [("missing", {"args": ["no-such"]}), ("directory", {"cwd": "/no/such/dir"}),
                              ("no_args", {"args": []}), ("relative", {"cwd": "tmp"}),
                              ("no_environment", {"env": ["="]})])
def test_a_detached_failure(t, kind, fields):
    """A detached exec that cannot begin ({}) fails, leaves no pid file and no process, and harms nobody."""
    runc, box = library(t), t.running()
    process = {**box.bundle.config["process"], "args": ["true"], **fields}
    answer = runc.exec(box.id, process, detach=True, pid_file=t.scratch / "exec.pid")
    true(answer.code != 0 and answer.out, f"{answer}")
    true(not (t.scratch / "exec.pid").exists(), "a pid file is left")
    equal(runc.ps(box.id), [box.pid], "processes")
    equal(runc.state(box.id)["status"], "running", "status")
    separate(runc.argv("exec", box.id, "true")).silent()


def test_a_pid_file_that_is_there_and_empty(t):
    """The pid file of a detached exec may be there before, empty: it is filled, with nothing but digits."""
    runc, box = library(t), t.running()
    (t.scratch / "exec.pid").write_text("")
    runc.exec(box.id, {**box.bundle.config["process"], "args": ["sleep", "61"]}, detach=True,
              pid_file=t.scratch / "exec.pid", stdio=(DEVNULL,) * 3).silent()
    true(read_pid_file(t.scratch / "exec.pid") in runc.ps(box.id), "the pid is not of the container")
    ended(t)


@parametrize("rows, columns", [(24, 80), (50, 132)])
def test_a_terminal_with_a_size(t, rows, columns):
    """consoleSize of a detached exec's process, height {}, is its terminal's from the first moment on."""
    runc, box, sock = library(t), t.running(), ConsoleSocket(t.directory("pty"))
    process = {**box.bundle.config["process"], "terminal": True, "args": ["stty", "size"],
               "consoleSize": {"height": rows, "width": columns}}
    runc.exec(box.id, process, console_socket=sock.path, detach=True, pid_file=t.scratch / "exec.pid").silent()
    _, master = sock.receive()
    sock.close()
    equal(until_end([master])[0].decode().split(), [str(rows), str(columns)], "size")
    equal(reap(read_pid_file(t.scratch / "exec.pid")), 0, "exit status")


def test_a_terminal_without_a_size(t):
    """consoleSize of 0 by 0, which dockerd sends before it knows better, is no error."""
    runc, box, sock = library(t), t.running(), ConsoleSocket(t.directory("pty"))
    process = {**box.bundle.config["process"], "terminal": True, "args": ["echo", "here"],
               "consoleSize": {"height": 0, "width": 0}}
    runc.exec(box.id, process, console_socket=sock.path, detach=True, pid_file=t.scratch / "exec.pid").silent()
    _, master = sock.receive()
    sock.close()
    equal(until_end([master])[0].decode(), "here\r\n", "what the terminal showed")
    equal(reap(read_pid_file(t.scratch / "exec.pid")), 0, "exit status")


def test_the_process_file_is_gone(t):
    """The process file is read before `exec` returns: it may be removed at once, and nothing looks for it again."""
    runc, box = library(t), t.running()
    process = {**box.bundle.config["process"], "args": ["sh", "-c", "sleep 0.1; echo done > /proc/1/root/dev/shm/f"]}
    runc.exec(box.id, process, detach=True, pid_file=t.scratch / "exec.pid", stdio=(DEVNULL,) * 3).silent()
    equal(os.listdir(runc.env["XDG_RUNTIME_DIR"]), [], "files")
    equal(reap(read_pid_file(t.scratch / "exec.pid")), 0, "exit status")
    equal(said(t, box, box.id, "cat", "/dev/shm/f"), ["done"], "what it wrote")


def test_many_at_once(t):
    """Execs beside each other each have their own streams and their own status, and the container goes on."""
    box = t.running()
    said = [[t.scratch / f"{number}.{stream}" for stream in ("out", "err")] for number in range(8)]
    children = []
    for number, (out, err) in enumerate(said):
        with open(out, "wb") as stdout, open(err, "wb") as stderr:
            children.append(box.exec_in_background("sh", "-c", f"echo {number}; echo -{number} >&2; exit {number}",
                                                   stdout=stdout, stderr=stderr))
    equal([child.wait(20) for child in children], list(range(8)), "exit statuses")
    equal([(out.read_text(), err.read_text()) for out, err in said],
          [(f"{number}\n", f"-{number}\n") for number in range(8)], "streams")
    equal(box.status(), "running", "status")


def test_the_caller_s_secrets(t):
    """Nothing of the caller's own environment reaches an exec'd process."""
    box, runc = t.running(), library(t)
    runc.env["SECRET_OF_THE_CALLER"] = "word"
    answer = separate(runc.argv("exec", box.id, "env"), env=runc.env).ok()
    absent(answer.out, "SECRET_OF_THE_CALLER", "environment")


def test_a_failed_exec_leaves_the_state_alone(t):
    """Behind an exec that failed, `state` is word for word what it was."""
    box = t.running()
    before = json.loads(separate(library(t).argv("state", box.id)).ok().out)
    separate(library(t).argv("exec", box.id, "no-such-program")).failed()
    equal(json.loads(separate(library(t).argv("state", box.id)).ok().out), before, "state")
