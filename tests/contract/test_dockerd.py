# SPDX-License-Identifier: Apache-2.0
"""dockerd: what it asks the runtime itself, and what its containers need of it."""

import json
import os
import signal
import subprocess
import termios

from caller import reap, separate
from dockerd import docker_task, features, hook, parse_runtime_version, wrapper
from gorunc import GoRunc
from harness import BASE_ENV, absent, contains, equal, true
from marks import parametrize
from shim import TaskError, error_of

STRANGERS = {  # what other runtimes have in the same root
    "crun": {"status": '{"pid": 1, "cgroup-path": "/x", "bundle": "/x", "created": "2024-01-01T00:00:00Z"}',
             "config.json": "{}"},
    "youki": {"state.json": '{"ociVersion":"v1.0.2","id":"youki","status":"running","pid":1,"bundle":"/x"}'},
    "empty": {}, "half": {"state.json": "{"}, "runsc": {"runsc_runsc.state": "{}", "runsc_runsc.lock": ""}}


def docker(t, *args, edit=None, **options):
    bundle = t.bundle(*(args or ("sleep", "60")))
    return docker_task(t, bundle.edit(edit) if edit else bundle, **options)


def parent_gone():
    """/docker is dockerd's: who makes a cgroup in it does not remove it."""
    os.rmdir("/sys/fs/cgroup/docker")


def over(box, status=137):
    equal(box.wait(), status, "exit status")
    box.delete()
    parent_gone()


@parametrize("how", [("nothing",), ("runtimeArgs",)])
def test_features_of_a_runtime(t, how):
    """`features` with {} in front prints, on stdout alone, JSON with mountOptions and linux."""
    document = features(t, *([] if how == "nothing" else ["--debug"]))
    true(isinstance(document["linux"], dict) and "rbind" in document["mountOptions"], f"features are {document}")


def test_version_for_docker_info(t):
    """`--version` has one line with the word, name before and number after it, and a line with the commit."""
    text = separate([t.path, "--version"], env=BASE_ENV).ok().out
    equal(text.count("version"), 1, "how often the word is there")
    name, version, commit = parse_runtime_version(text)
    equal(name, "runc" if t.control else "bulkhead", "name")
    true(version[0].isdigit() and commit, f"version {version!r} and commit {commit!r}")


def test_the_cgroup_of_docker(t):
    """`/docker/ID` is the container's cgroup, to the letter, and goes with it."""
    box = docker(t).create("null").start()
    equal(str(box.cgroup), f"/sys/fs/cgroup/docker/{box.id}", "cgroup")
    box.kill()
    over(box)
    equal(box.cgroup.exists(), False, "the cgroup is still there")


def test_globals_given_twice(t):
    """Through the script of runtimeArgs every global comes twice, and the last, which is the shim's, wins."""
    script = t.scratch / "script"
    box = docker(t, command=script)
    wrapper(t, script, t.path, ["--debug", "--root", t.scratch / "wrong", "--log", t.scratch / "wrong.log",
                                "--log-format", "text", "--criu=/x"])
    box.create("null").start()
    contains(error_of(box.start), "already running", "the error")
    equal(box.status(), "running", "status")
    box.kill()
    over(box)
    equal([(t.scratch / name).exists() for name in ("wrong", "wrong.log")], [False, False], "what the first ones made")


@parametrize("_, words", [("--log=X", ["--log=X"]), ("-log X", ["-log", "X"]), ("-root=X", ["-root=X"]),
                          ("--rootless=false", ["--rootless=false"])])
def test_other_spellings_in_front(t, _, words):
    """The script of runtimeArgs may have {}: both spellings of a global are one, and the last wins."""
    script = t.scratch / "script"
    box = docker(t, command=script)
    wrapper(t, script, t.path, [word.replace("X", str(t.scratch / "wrong")) for word in words])
    box.create("null").start()
    contains(error_of(box.start), "already running", "the error")
    box.kill()
    over(box)
    equal((t.scratch / "wrong").exists(), False, "what the first one made")


def test_a_root_shared_with_others(t):
    """`list` in a root with other runtimes' directories names its own containers, with status 0."""
    box = docker(t).create("null").start()
    for name, files in STRANGERS.items():
        (box.runtime.root / name).mkdir()
        for file, text in files.items():
            (box.runtime.root / name / file).write_text(text)
    answer = separate(box.runtime.argv("list", "--format=json"), **box.runtime.how())
    equal(answer.code, 0, "exit status")
    equal([entry["id"] for entry in json.loads(answer.out)], [box.id], "list")
    for name, files in STRANGERS.items():
        equal(sorted(os.listdir(box.runtime.root / name)), sorted(files), f"what is in {name}")
        subprocess.run(["rm", "-r", box.runtime.root / name], check=True)
    box.kill()
    over(box)


def test_the_prestart_hook_of_libnetwork(t):
    """A prestart hook reads the pid: its network namespace is there, and new, its root is still the host's, its
    program not begun.
    """
    file = t.scratch / "seen"
    box = docker(t, "sleep", "62", edit=lambda config: config.update(
        hooks={"prestart": [hook(file, "-exec-root=/var/run/docker", "ID", "CONTROLLER", env=["A=1"])]}))
    box.create("null")
    seen = json.loads(file.read_text())
    equal((seen["state"]["pid"], seen["state"]["id"]), (box.pid, box.id), "pid and id")
    equal(seen["net"], os.readlink(f"/proc/{box.pid}/ns/net"), "network namespace of the pid")
    true(seen["net"] != seen["own"], "the network namespace is the host's")
    equal(seen["root"], os.stat("/").st_ino, "root directory of the pid")
    absent(seen["comm"], "62", "command line of the pid")
    equal(seen["argv"][1:], ["-exec-root=/var/run/docker", "ID", "CONTROLLER"], "arguments")
    equal(seen["env"].get("A"), "1", "environment")
    box.start()
    box.kill()
    over(box)


def test_a_prestart_hook_that_fails(t):
    """When the network cannot be set up the create fails, with the hook's words in the error, and nothing is left."""
    fails = hook("/dev/null", code="import sys; sys.exit('failed to set key')")
    box = docker(t, edit=lambda config: config.update(hooks={"prestart": [fails]}))
    contains(error_of(box.create), "failed to set key", "the error")
    equal(os.listdir(box.runtime.root), [], "state root")
    parent_gone()


def test_the_network_between_create_and_start(t):
    """/proc/PID/ns/net of the created container takes a network from outside, which its program finds."""
    box = docker(t, "ip", "-o", "addr", "show", "lo").create()
    entered = ["nsenter", f"--net=/proc/{box.pid}/ns/net"]
    subprocess.run([*entered, "ip", "addr", "add", "10.9.8.7/32", "dev", "lo"], check=True)
    box.start()
    contains(box.pipes.read()[0], "10.9.8.7", "what the program sees")
    over(box, 0)


def test_a_paused_container_is_killed(t):
    """Docker kills a paused container, then resumes it: the kill succeeds, and whatever resume says, the container
    ends by it.
    """
    box = docker(t).create("null").start()
    box.pause()
    box.kill()
    try:
        box.resume()
    except TaskError as error:
        contains(str(error), "OCI runtime resume failed: ", "the error")
    over(box)


def test_a_paused_container_is_stopped(t):
    """A SIGTERM sent to a paused container is there when it is resumed."""
    box = docker(t, "sh", "-c", "trap 'exit 3' TERM; echo; while :; do read -t 1 x; done").create("stdin").start()
    equal(os.read(box.pipes.stdout[0], 1), b"\n", "what was written")
    box.pause()
    box.kill(signal.SIGTERM)
    box.resume()
    over(box, 3)
    box.pipes.read()


@parametrize("_, size, expected", [
    ("nothing", {"height": 0, "width": 0}, (0, 0)), ("a size", {"height": 41, "width": 123}, (41, 123))])
def test_the_size_of_an_exec(t, _, size, expected):
    """An executed process's ConsoleSize is set when its master arrives; 0x0 is none, and no error."""
    box = docker(t).create("null").start()
    process = box.exec("one", "sh", "-c", "read x", kind="terminal", process={"consoleSize": size})
    equal(tuple(termios.tcgetwinsize(process.master.number)), expected, "size")
    process.master.type("\n")
    process.master.end()
    equal(process.wait(), 0, "exit status")
    box.kill()
    over(box)


def test_the_process_of_an_exec(t):
    """The container's process with other Args, Env, User, Capabilities, an empty AppArmor profile and no ConsoleSize
    is executed.
    """
    box = docker(t).create("null").start()
    process = box.exec("0a1b2c", "sh", "-c", "echo $WORD; id -u; grep CapEff /proc/self/status", process={
        "env": ["PATH=/bin", "WORD=word"], "cwd": "/", "user": {"uid": 0, "gid": 0, "additionalGids": [0, 10]},
        "capabilities": {kind: ["CAP_KILL"] for kind in ("bounding", "effective", "permitted")}, "apparmorProfile": "",
        "oomScoreAdj": 0, "consoleSize": None})
    equal(process.pipes.read()[0].split(), ["word", "0", "CapEff:", "0000000000000020"], "what was written")
    equal(process.wait(), 0, "exit status")
    box.kill()
    over(box)


@parametrize("text, code, args", [
    ("no such file or directory", 127, ["/no/such"]), ("executable file not found", 127, ["no-such"]),
    ("permission denied", 126, ["/etc/passwd"]), ("is a directory: permission denied", 126, ["/etc"])])
def test_the_exit_code_of_docker_run(t, text, code, args):
    """From `{}` in the error of create the client makes its exit code."""
    error = error_of(docker(t, *args).create).lower()
    contains(error, text if code == 127 else "permission denied", "the error")
    wrong = ["permission denied", "is a directory"] if code == 127 else ["not a directory"]
    equal([word for word in wrong if word in error], [], "words that mean another code")
    parent_gone()


def test_a_bare_list(t):
    """`list` of the default root, which is not there before the first container, is empty."""
    equal(GoRunc(t).list(), [], "list")


def test_the_healthcheck_is_killed(t):
    """A check that takes too long is killed by its pid; the container lives on, and the pipes of the check end."""
    box = docker(t).create("null").start()
    process = box.exec("health", "sh", "-c", "echo begun; exec sleep 61")
    equal(os.read(process.pipes.stdout[0], 9), b"begun\n", "what was written")
    process.kill(9)
    equal(reap(process.pid), 137, "exit status")
    equal(process.pipes.read(), ["", ""], "what was written then")
    equal(box.status(), "running", "status")
    box.kill()
    over(box)
