# SPDX-License-Identifier: Apache-2.0
"""containerd's shim: a create that fails, for every kind of reason, with a log to decode and nothing behind."""

import json
import os

from harness import contains, equal, true
from marks import parametrize
from shim import error_of
from test_shim import task


def process(**fields):
    return lambda config: config["process"].update(fields)


def mounted(**fields):
    return lambda config: config["mounts"].append({"destination": "/mnt", "type": "bind", **fields})


def linux(**fields):
    return lambda config: config["linux"].update(fields)


def hooks(kind, script):
    return lambda config: config.update(hooks={kind: [{"path": "/bin/sh", "args": ["sh", "-c", script]}]})


def joins(kind, path):
    def change(config):
        del config["hostname"]
        config["linux"].update(namespaces=[{"type": "mount"}, {"type": kind, "path": path}])
    return change


CONFIGS = [
    ("no such program", process(args=["no-such"]), 'exec: "no-such": executable file not found in $PATH'),
    ("no such file", process(args=["/no/such"]), 'exec: "/no/such": stat /no/such: no such file or directory'),
    ("not executable", process(args=["/etc/passwd"]), 'exec: "/etc/passwd": permission denied'),
    ("a directory", process(args=["/etc"]), "permission denied"),
    ("no arguments", process(args=[]), "args"),
    ("a relative cwd", process(cwd="tmp"), "cwd"),
    ("an unknown rlimit", process(rlimits=[{"type": "RLIMIT_NONE", "hard": 1, "soft": 1}]), "RLIMIT_NONE"),
    ("an unknown AppArmor profile", process(apparmorProfile="no-such-profile"), "apparmor"),
    ("no such mount source", mounted(source="/no/such", options=["rbind"]), "no such file or directory"),
    ("an unknown file system", mounted(source="x", type="no-such-type"), "no such device"),
    ("a namespace that is not there", joins("network", "/no/such"), "/no/such"),
    ("a namespace of another kind", joins("network", "/proc/self/ns/pid"), "create failed"),
    ("a namespace twice", linux(namespaces=[{"type": "mount"}, {"type": "mount"}]), "mount"),
    ("no such rootfs", lambda config: config.update(root={"path": "no-such"}), "no-such"),
    ("a failing createRuntime hook", hooks("createRuntime", "echo why >&2; exit 3"), "hook"),
    ("a failing prestart hook", hooks("prestart", "exit 1"), "hook"),
    ("a failing createContainer hook", hooks("createContainer", "exit 1"), "hook"),
    ("an unknown seccomp action", linux(seccomp={"defaultAction": "SCMP_ACT_NONE"}), "SCMP_ACT_NONE"),
    ("an unknown sysctl", linux(sysctl={"no.such": "1"}), "no.such"),
    ("a sysctl of the host", linux(sysctl={"kernel.panic": "1"}), "kernel.panic"),
    ("a controller that is not there", linux(resources={"unified": {"no.such": "1"}}), "no.such"),
]
TEXTS = [("no JSON", "{", ""), ("nothing", "", ""), ("another type", '{"ociVersion": 5}', ""),
         ("a strange version", '{"ociVersion": "bad"}', "")]


def nothing_is_left(box):
    """No process (leaks.py looks), no cgroup (the same), no pid, no state; what the shim made is there."""
    equal((box.bundle.path / "init.pid").exists(), False, "pid file")
    left = os.listdir(box.runtime.root) if os.path.isdir(box.runtime.root) else []
    equal(left, [], "state root")
    box.runtime.delete(box.id, force=True).silent()


@parametrize("_, edit, text", CONFIGS)
def test_create_with(t, _, edit, text):
    """A create with {} in its config fails: one error to decode, both pipes at their end, nothing behind."""
    box = task(t, "true", edit=edit)
    error = error_of(box.create, "stdin")
    contains(error, "OCI runtime create failed: ", "the error")
    contains(error.lower(), text.lower(), "the error")
    nothing_is_left(box)


@parametrize("_, text, __", TEXTS)
def test_create_of(t, _, text, __):
    """A create of a config.json with {} in it fails with one error to decode, and nothing behind."""
    box = task(t)
    (box.bundle.path / "config.json").write_text(text)
    error = error_of(box.create)
    true(len(error) > len("OCI runtime create failed: ") + 5, f"the error is {error}")
    nothing_is_left(box)


def test_create_without_a_config(t):
    """A create in a bundle without config.json fails, names the file, and leaves nothing."""
    box = task(t)
    os.unlink(box.bundle.path / "config.json")
    contains(error_of(box.create), "config.json", "the error")
    nothing_is_left(box)


@parametrize("status", [("created",), ("running",), ("stopped",)])
def test_an_id_that_is_taken(t, status):
    """A second create of an id whose container is {} fails with runc's words and leaves the first one as it is."""
    first = task(t, "sleep", "60")
    first.create("null")
    if status != "created":
        first.start()
    if status == "stopped":
        first.kill()
        first.wait()
    second = task(t, "true")
    second.id = first.id
    contains(error_of(second.create), "container with given ID already exists", "the error")
    equal((second.bundle.path / "init.pid").exists(), False, "pid file of the second")
    equal(first.status(), status, "status of the first")
    if status == "stopped":
        first.delete()
    else:
        first.kill()
        first.wait()
        first.delete()


def test_the_id_is_free_again(t):
    """After a create that failed the same id and bundle make a container."""
    box = task(t, "no-such")
    error_of(box.create)
    box.bundle.process(args=["sh", "-c", "exit 4"])
    box.create().start()
    equal(box.wait(), 4, "exit status")
    box.pipes.read()
    box.delete()


def test_a_hook_says_why(t):
    """What a failing hook wrote to stderr, or its path, is in the error that containerd shows."""
    box = task(t, edit=hooks("createRuntime", "echo the network is down >&2; exit 3"))
    contains(error_of(box.create), "the network is down", "the error")
    nothing_is_left(box)


def test_a_start_that_fails_in_a_hook(t):
    """A startContainer hook that fails fails start, or ends the container; both are deleted without force."""
    box = task(t, edit=hooks("startContainer", "exit 1")).create("null")
    try:
        box.start()
    except Exception as error:
        contains(str(error), "OCI runtime start failed: ", "the error")
    box.wait()
    box.delete()


def test_the_bundle_is_as_it_was(t):
    """A failing create neither changes config.json nor what the shim has put beside it."""
    box = task(t, "no-such")
    for name in ("options.json", "runtime", "address"):
        (box.bundle.path / name).write_text(name)
    before = (box.bundle.path / "config.json").read_bytes()
    error_of(box.create)
    equal((box.bundle.path / "config.json").read_bytes(), before, "config.json")
    equal(json.loads(before)["process"]["args"], ["no-such"], "the arguments")
    equal(sorted(os.listdir(box.bundle.path)),
          ["address", "config.json", "log.json", "options.json", "rootfs", "runtime"], "the bundle")
