# SPDX-License-Identifier: Apache-2.0
"""nvidia-container-runtime: it changes config.json in place before create, and becomes the runtime."""

import json
import os

from caller import reap
from dockerd import hook, nvidia
from gorunc import NullIO, read_pid_file
from harness import contains, equal
from marks import parametrize
from shim import Task, error_of

FORMS = [("--bundle B", ["--bundle", "B"]), ("--bundle=B", ["--bundle=B"]), ("-bundle B", ["-bundle", "B"]),
         ("-bundle=B", ["-bundle=B"]), ("-b B", ["-b", "B"]), ("-b=B", ["-b=B"]), ("no bundle", [])]


def wrapped(t, *args, hooked=None):
    """A task whose runtime is the wrapper."""
    path = nvidia(t, hooked or hook(t.scratch / "seen"))
    return Task(t, t.bundle(*args), namespace="k8s.io", command=path)


@parametrize("_, words", FORMS)
def test_the_config_of_the_moment(t, _, words):
    """With {} the wrapper finds the bundle, and so does the runtime: the config is the changed one, and its hook has
    run.
    """
    box = wrapped(t, "sh", "-c", 'echo "$NVIDIA"; read x')
    words = [word.replace("B", str(box.bundle.path)) for word in words]
    io, pipes = box.io("stdin")
    box.runtime.run_or_error("create", *words, "--pid-file", t.scratch / "pid", box.id, io=io).silent()
    seen = json.loads((t.scratch / "seen").read_text())
    box.pid = read_pid_file(t.scratch / "pid")
    equal((seen["state"]["bundle"], seen["state"]["pid"]), (str(box.bundle.path), box.pid), "state")
    box.start()
    equal(pipes.read()[0], "visible\n", "the variable")
    box.wait()
    box.delete()


def test_only_create_changes_it(t):
    """What is changed in config.json after create is of no interest to start, exec, kill and delete."""
    box = wrapped(t, "sh", "-c", "read x; exit 3").create("stdin")
    (box.bundle.path / "config.json").write_text("{")
    box.runtime.start(box.id).silent()
    process = {**box.bundle.config["process"], "args": ["true"]}
    box.runtime.exec(box.id, process, io=NullIO(), detach=True, pid_file=t.scratch / "exec.pid").silent()
    equal(reap(read_pid_file(t.scratch / "exec.pid")), 0, "exit status of the process")
    box.pipes.read()
    equal(reap(box.pid), 3, "exit status")
    box.runtime.delete(box.id).silent()


def test_config_json_is_gone(t):
    """delete does without the bundle, which the engine may have removed already."""
    box = wrapped(t, "true").create("null").start()
    reap(box.pid)
    for name in ("config.json", "init.pid"):
        os.unlink(box.bundle.path / name)
    box.runtime.delete(box.id).silent()


def test_its_hook_fails(t):
    """A prestart hook that the wrapper has put in fails the create with its words: no device, no container."""
    box = wrapped(t, "true", hooked=hook("/dev/null", code="import sys; sys.exit('nvidia-container-cli: no driver')"))
    contains(error_of(box.create), "nvidia-container-cli: no driver", "the error")
    equal(os.listdir(box.runtime.root), [], "state root")
