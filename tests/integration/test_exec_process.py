# SPDX-License-Identifier: Apache-2.0
"""exec --process FILE: each property of the file, its defaults from the container, and invalid files."""

import json
import os
import resource

import pytest

from harness import absent, contains, equal, status_field, true
from marks import differs, needs, parametrize
from test_credentials import DEFAULT, mask, sets
from test_exec import alone, running, was_refused
from test_labels import has_module
from test_oom import may_not_lower
from test_scheduling import io_priority
from test_terminal import listener, read_master, receive

pytestmark = pytest.mark.any_cgroups

NEWER = "runc 1.1.5 is older than the property"


def output(box, *args, **fields):
    """The output of a program that a process file describes."""
    return box.runtime("exec", "--process", box.process_file(args=list(args), **fields), box.id).ok().out


def status(box, **fields):
    return output(box, "cat", "/proc/self/status", **fields)


def sleeping(box, **fields):
    """A detached program that a process file describes."""
    return box.exec_detached(flags=["--process", box.process_file(args=["sleep", "61"], **fields)]).begun("61")


def refused(box, file, *sentences, flags=()):
    """Fails unless exec refuses the file."""
    was_refused(box, box.runtime("exec", *flags, "--process", file, box.id), *sentences)


# ---- properties -------------------------------------------------------------------------------------------

@parametrize("flag", ["--process", "-p", "-process"])
def test_the_file_says_what_runs(t, flag):
    """The program has the args of the file and no others."""
    box = running(t)
    equal(t.runtime("exec", flag, box.process_file(args=["echo", "from", "the file"]), box.id).ok().out,
          "from the file\n", "stdout")


def test_a_relative_file(t):
    """A relative file name is relative to the caller's directory."""
    box = running(t)
    file = box.process_file(args=["echo", "here"])
    equal(t.runtime("exec", "--process", file.name, box.id, cwd=file.parent).ok().out, "here\n", "stdout")


def test_user_of_the_file(t):
    """uid, gid and groups are the file's only; exec does not add the container's groups."""
    box = running(t, user={"uid": 5, "gid": 6, "additionalGids": [7]})
    text = status(box, user={"uid": 1000, "gid": 1001, "additionalGids": [27, 100000]})
    equal([status_field(text, field).split() for field in ("Uid", "Gid", "Groups")],
          [["1000"] * 4, ["1001"] * 4, ["27", "100000"]], "ids")


def test_without_a_user_it_is_root(t):
    """A program of a file without user runs as 0:0, whatever user the container's process has."""
    text = status(running(t, user={"uid": 5, "gid": 6, "additionalGids": [7]}), user=None)
    equal([status_field(text, field).split() for field in ("Uid", "Gid", "Groups")], [["0"] * 4, ["0"] * 4, []], "ids")


def test_env_of_the_file(t):
    """env is the file's only, and HOME is that of its user; of two values the later counts."""
    found = output(running(t), "/bin/env", env=["A=1", "B=2", "A=3"], user={"uid": 1000, "gid": 1000}).splitlines()
    equal(sorted(entry for entry in found if not entry.startswith("PATH=")), ["A=3", "B=2", "HOME=/home/bob"], "env")


@parametrize("entries", [None, [], ["A=1"]])
def test_without_a_path_no_name_is_found(t, entries):
    """A file whose env has no PATH can name its program by a path only."""
    box = running(t)
    equal(output(box, "/bin/echo", "x", env=entries), "x\n", "stdout")
    refused(box, box.process_file(args=["echo", "x"], env=entries), "executable file not found in $PATH")


@parametrize("directory, expected", [("/etc", "/etc"), ("/", "/"), ("/home/bob", "/home/bob")])
def test_cwd_of_the_file(t, directory, expected):
    """The program's directory is the file's cwd."""
    equal(output(running(t, cwd="/tmp"), "readlink", "/proc/self/cwd", cwd=directory), f"{expected}\n", "cwd")


def test_rlimits_of_the_file(t):
    """exec sets exactly the file's rlimits; a lower hard limit of the container's process does not bind them."""
    box = running(t, rlimits=[{"type": "RLIMIT_NOFILE", "soft": 64, "hard": 64}])
    found = sleeping(box, rlimits=[{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200},
                                   {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}])
    equal(resource.prlimit(found.pid, resource.RLIMIT_NOFILE), (100, 200), "RLIMIT_NOFILE")
    equal(resource.prlimit(found.pid, resource.RLIMIT_CORE), (0, 0), "RLIMIT_CORE")
    equal(resource.prlimit(box.pid, resource.RLIMIT_NOFILE), (64, 64), "RLIMIT_NOFILE of init")


@differs("runc 1.1.5 leaves the caller's")
@parametrize("how", ["absent", "empty"])
def test_without_rlimits_they_are_the_containers(t, how):
    """A program of a file without rlimits, or with an empty list, has those of the container's process."""
    box = running(t, rlimits=[{"type": "RLIMIT_NOFILE", "soft": 64, "hard": 65}])
    found = sleeping(box, rlimits=None if how == "absent" else [])
    equal(resource.prlimit(found.pid, resource.RLIMIT_NOFILE), (64, 65), "RLIMIT_NOFILE")


def test_capabilities_of_the_file(t):
    """The five sets are the file's, more or fewer than the container's."""
    wish = {"bounding": ["CAP_CHOWN", "CAP_NET_RAW"], "permitted": ["CAP_CHOWN"], "effective": ["CAP_CHOWN"],
            "inheritable": ["CAP_CHOWN"], "ambient": ["CAP_CHOWN"]}
    found = sets(status(running(t), capabilities=wish, user={"uid": 1000, "gid": 1000}))
    equal(found, {kind: mask(names) for kind, names in wish.items()}, "sets")


def test_empty_capabilities_of_the_file_are_none(t):
    """An empty capabilities object means no capability at all."""
    equal(set(sets(status(running(t), capabilities={})).values()), {0}, "sets")


def test_without_capabilities_they_are_the_containers(t):
    """A program of a file without capabilities has those of the container's process."""
    found = sets(status(running(t), capabilities=None))
    equal(found, {**{kind: mask(DEFAULT) for kind in ("bounding", "permitted", "effective")}, "inheritable": 0,
                  "ambient": 0}, "sets")


@parametrize("value, expected", [(True, "1"), (False, "0"), (None, "0")])
def test_no_new_privileges_of_the_file(t, value, expected):
    """noNewPrivileges is the file's; absent means false."""
    equal(status_field(status(running(t), noNewPrivileges=value), "NoNewPrivs"), expected, "NoNewPrivs")


@differs("runc 1.1.5 leaves the caller's umask to every exec")
@parametrize("value", [0o77, 0, 0o27])
def test_umask_of_the_file(t, value):
    """The program's umask is user.umask of the file."""
    box = running(t, user={"uid": 0, "gid": 0, "umask": 0o2})
    equal(int(status_field(status(box, user={"uid": 0, "gid": 0, "umask": value}), "Umask"), 8), value, "Umask")


@differs("runc 1.1.5 leaves the caller's umask to every exec")
def test_without_any_umask_it_is_022(t):
    """If neither the file nor the container's process has a umask, it is 022; the caller's does not count."""
    box = running(t)
    file = box.process_file(args=["cat", "/proc/self/status"])
    result = t.runtime("exec", "--process", file, box.id, setup={"umask": 0o77}).ok()
    equal(status_field(result.out, "Umask"), "0022", "Umask")


@differs("runc 1.1.5 leaves the caller's umask to every exec")
def test_without_a_umask_it_is_the_containers(t):
    """A program of a file without user.umask has the umask of the container's process."""
    box = running(t, user={"uid": 0, "gid": 0, "umask": 0o77})
    equal(status_field(status(box, user={"uid": 0, "gid": 0}), "Umask"), "0077", "Umask")


def test_terminal_and_size_of_the_file(t):
    """terminal true gives a terminal of consoleSize, even without --tty."""
    box = running(t)
    file = box.process_file(args=["sh", "-c", "test -t 0 && stty size"], terminal=True,
                            consoleSize={"height": 33, "width": 111})
    with listener(t) as server:
        process = box.exec_detached(flags=["--process", file, "--console-socket", server.getsockname()])
        _, (master,) = receive(server)
    equal(read_master(master), "33 111\n", "size")
    os.close(master)
    equal(process.wait(), 0, "status")


def test_a_terminal_of_the_file_needs_a_socket(t):
    """A detached exec with a terminal and without a socket is refused in runc's words."""
    box = running(t)
    refused(box, box.process_file(args=["true"], terminal=True), "cannot allocate tty if ", flags=["--detach"])


@differs("runc 1.1.5 takes the container's")
@parametrize("value", [500, 0])
def test_oom_score_adj_of_the_file(t, value):
    """The program has the file's oomScoreAdj."""
    box = running(t, oomScoreAdj=321)
    equal(int(sleeping(box, oomScoreAdj=value).proc("oom_score_adj")), value, "oom_score_adj")


@differs("runc 1.1.5 takes the container's")
@needs(may_not_lower)
def test_a_lower_oom_score_adj_of_the_file(t):
    """The file's oomScoreAdj may be below the caller's, if the caller may lower it."""
    equal(int(sleeping(running(t), oomScoreAdj=-7).proc("oom_score_adj")), -7, "oom_score_adj")


def test_without_oom_score_adj_it_is_the_containers(t):
    """A program of a file without oomScoreAdj has that of the container's process."""
    box = running(t, oomScoreAdj=321)
    equal(int(sleeping(box, oomScoreAdj=None).proc("oom_score_adj")), 321, "oom_score_adj")


@differs(NEWER)
@parametrize("wish, policy, nice", [(None, os.SCHED_BATCH, 3),
                                    ({"policy": "SCHED_OTHER", "nice": 7}, os.SCHED_OTHER, 7)])
def test_scheduler_of_the_file(t, wish, policy, nice):
    """The program has the file's scheduler, else that of the container's process."""
    box = running(t, scheduler={"policy": "SCHED_BATCH", "nice": 3})
    process = sleeping(box, scheduler=wish)
    equal((os.sched_getscheduler(process.pid), os.getpriority(os.PRIO_PROCESS, process.pid)), (policy, nice),
          "scheduler")


@differs(NEWER)
@parametrize("wish, expected", [(None, (2, 6)), ({"class": "IOPRIO_CLASS_IDLE", "priority": 1}, (3, 1))])
def test_io_priority_of_the_file(t, wish, expected):
    """The program has the file's ioPriority, else that of the container's process."""
    box = running(t, ioPriority={"class": "IOPRIO_CLASS_BE", "priority": 6})
    equal(io_priority(sleeping(box, ioPriority=wish).pid), expected, "I/O priority")


# ---- invalid files ----------------------------------------------------------------------------------------

GOOD = {"cwd": "/", "args": ["/bin/true"]}


def file_of(t, content):
    """A file with these bytes, with this text, or with the shortest process and these other properties."""
    path = t.scratch / "process.json"
    text = json.dumps({**GOOD, **content}) if isinstance(content, dict) else content
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def limits(*values, kind="RLIMIT_CORE"):
    return {"rlimits": [{"type": kind, "soft": soft, "hard": hard} for soft, hard in values]}


def test_the_shortest_file(t):
    """A file needs only args and cwd: the valid twin of the files that are refused."""
    t.runtime("exec", "--process", file_of(t, {}), running(t).id).ok()


@parametrize("_, content", [
    ("empty", ""), ("a brace", "{"), ("a number", "7"), ("an array", "[]"), ("text", "process"),
    ("an empty object", "{}"), ("null", "null"), ("binary", b"\x7fELF\x00\xff"),
    ("args of the wrong type", {"args": "ls"}), ("args of numbers", {"args": [1]}),
    ("null args", {"args": None}), ("empty args", {"args": []}), ("no cwd", '{"args": ["/bin/true"]}'),
    ("a relative cwd", {"cwd": "tmp"}),
    ("a user of the wrong type", {"user": "root"}), ("a negative uid", {"user": {"uid": -1, "gid": 0}}),
    ("a uid that wraps", {"user": {"uid": 4294967296, "gid": 0}}),
    ("an unknown rlimit", limits((1, 1), kind="RLIMIT_X")), ("a negative rlimit", limits((-1, 1))),
    ("soft over hard", limits((2, 1))), ("a flag of the wrong type", {"noNewPrivileges": "yes"})])
def test_a_file_that_is_no_process_is_refused(t, _, content):
    """exec fails and starts no process, and the container goes on."""
    refused(running(t), file_of(t, content))


@differs("runc 1.1.5 reads the first object and takes the last of two properties")
@parametrize("_, content", [
    ("trailing text", json.dumps(GOOD) + " x"), ("two args", '{"args": ["x"], ' + json.dumps(GOOD)[1:]),
    ("no UTF-8", b'{"cwd": "/", "args": ["/bin/echo", "\xff"]}'), ("NUL", {"args": ["/bin/true", "a\0b"]}),
    ("an rlimit twice", limits((1, 1), (0, 0))),
    ("too deep", '{"x": ' + "[" * 100 + "]" * 100 + ", " + json.dumps(GOOD)[1:]),
    ("too large", {"x": "y" * (17 << 20)})])
def test_a_file_that_contradicts_itself_is_refused(t, _, content):
    """exec reads the file as strictly as config.json."""
    refused(running(t), file_of(t, content))


@differs("runc 1.1.5 names no property")
@parametrize("pointer, content", [
    ("/user/uid", {"user": {"uid": -1, "gid": 0}}), ("/args", {"args": []}), ("/cwd", {"cwd": "tmp"}),
    ("/rlimits/0/type", limits((1, 1), kind="RLIMIT_X"))])
def test_the_refusal_names_the_place(t, pointer, content):
    """The error has the property's JSON pointer."""
    refused(running(t), file_of(t, content), pointer)


def test_more_arguments_than_the_kernel_takes(t):
    """Three megabytes of arguments: exec reports execve's own error with the code of exec."""
    box = running(t)
    result = t.runtime("exec", "--process", box.process_file(args=["/bin/true", *["y" * 1000] * 3000]), box.id)
    true(result.code == (255 if t.bulkhead else 1), f"exit code: {result}")  # runc's child reports it by itself
    contains(result.err, "rgument list too long", "stderr")
    alone(box)


@parametrize("how", ["not there", "a directory", "no permission"])
def test_a_file_that_cannot_be_read_is_refused(t, how):
    """The error names the file."""
    box, path = running(t), t.scratch / "there"
    if how == "a directory":
        path.mkdir()
    if how == "no permission":  # root may read everything, so it is a socket
        os.mknod(path, 0o140600)
    refused(box, path, "there" if how != "a directory" else "")


@needs(has_module)
@parametrize("name, word", [("apparmorProfile", "apparmor"), ("selinuxLabel", "selinux")])
def test_a_label_of_the_file_that_cannot_be_set_is_refused(t, name, word):
    """Without the security module a label is an error (E23)."""
    box = running(t)
    refused(box, box.process_file(args=["true"], **{name: "some_label"}), word)


def test_empty_labels_of_the_file_ask_for_nothing(t):
    """An empty label, as engines write it, asks for nothing."""
    equal(output(running(t), "echo", "x", apparmorProfile="", selinuxLabel=""), "x\n", "stdout")


def test_unknown_properties_are_ignored(t):
    """A property that the standard does not have is no error; commandLine and username are for Windows."""
    found = output(running(t), "echo", "x", commandLine="cmd", somethingNew={"a": [1]},
                   user={"uid": 0, "gid": 0, "username": "admin"})
    equal(found, "x\n", "stdout")


def test_the_file_of_the_container_itself(t):
    """The process of config.json, except for args, is a valid process file."""
    box = t.container("sh", "-c", "echo same; sleep 60")
    box.run_detached().ok()
    file = t.scratch / "process.json"
    file.write_text(json.dumps(box.bundle.config["process"] | {"args": ["echo", "same"]}))
    equal(t.runtime("exec", "--process", file, box.id).ok().out, "same\n", "stdout")


@parametrize("_, globals_, flags", [
    ("containerd", ["--log", "LOG", "--log-format", "json"], ["--process", "FILE", "--detach", "--pid-file", "PID"]),
    ("conmon", ["--log-format=json", "--log", "LOG"], ["--pid-file", "PID", "--process", "FILE", "--detach"]),
    ("attached", [], ["--process", "FILE", "--pid-file", "PID"])])
def test_as_engines_call_it(t, _, globals_, flags):
    """The forms in which engines call exec; the pid file may already exist, empty."""
    box = running(t)
    pid, words = t.scratch / "pid", {"FILE": box.process_file(args=["sh", "-c", "exit 6"]), "LOG": t.scratch / "log"}
    pid.touch()
    result = t.runtime(*[words.get(word, word) for word in globals_], "exec",
                       *[{**words, "PID": pid}.get(word, word) for word in flags], box.id)
    equal((result.code, result.out, result.err), (0 if "--detach" in flags else 6, "", ""), "result")
    true(pid.read_text().isdigit(), f"the pid file holds {pid.read_text()!r}")
    alone(box)


def test_args_behind_the_id_do_not_count_with_a_file(t):
    """The file alone decides what runs; arguments after the id do not."""
    box = running(t)
    result = t.runtime("exec", "--process", box.process_file(args=["echo", "file"]), box.id, "echo", "line")
    absent(result.out, "line", "stdout")
