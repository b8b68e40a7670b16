# SPDX-License-Identifier: Apache-2.0
"""nerdctl and containerd's own oci-hook: hooks that decode the state on their stdin and look at the bundle."""

import json
import os

from dockerd import hook
from gorunc import NullIO
from harness import contains, equal, true
from marks import parametrize
from shim import Task, error_of

ANNOTATIONS = {"nerdctl/name": "box", "nerdctl/state-dir": "/var/lib/nerdctl/x", "nerdctl/networks": '["bridge"]'}
# `containerd oci-hook`: its arguments are templates of the state.
OCI_HOOK = """
import json, sys
state = json.load(sys.stdin)
json.load(open(state["bundle"] + "/config.json"))
words = " ".join(sys.argv[2:]).replace("{{id}}", state["id"]).replace("{{pid}}", str(state["pid"]))
open(sys.argv[1], "w").write(words)
"""


def nerdctl_task(t, *args, kinds=("createRuntime", "poststop"), code=None, more=(), **fields):
    """A task whose hooks nerdctl has put into the config, with its annotations; each writes a file named after its
    kind.
    """
    bundle = t.bundle(*args)
    made = {kind: [hook(t.scratch / kind, *more, **({"code": code} if code else {}), **fields)] for kind in kinds}
    bundle.edit(lambda config: config.update(hooks=made, annotations=ANNOTATIONS))
    return Task(t, bundle, namespace="default")


def seen(t, kind):
    return json.loads((t.scratch / kind).read_text())


def test_the_state_of_create_runtime(t):
    """A createRuntime hook reads id, bundle, a pid, its status and the annotations, and the pid has a network
    namespace of its own.
    """
    box = nerdctl_task(t, "sleep", "60").create("null")
    found = seen(t, "createRuntime")
    state = found["state"]
    equal((state["id"], state["bundle"], state["pid"]), (box.id, str(box.bundle.path), box.pid), "state")
    equal(state["annotations"], ANNOTATIONS, "annotations")
    true(state["status"] in ("creating", "created"), f"status is {state['status']}")
    equal(found["net"], os.readlink(f"/proc/{box.pid}/ns/net"), "network namespace")
    true(found["net"] != found["own"], "the hook is not on the host")
    box.start().end()


def test_the_state_of_poststop(t):
    """A poststop hook has run when delete returns, and reads id, bundle, annotations and `stopped`; config.json is
    still there.
    """
    box = nerdctl_task(t, "true").create("null").start()
    box.wait()
    equal((t.scratch / "poststop").exists(), False, "the hook has run before delete")
    box.delete()
    state = seen(t, "poststop")["state"]
    equal((state["id"], state["bundle"], state["status"]), (box.id, str(box.bundle.path), "stopped"), "state")
    equal(state["annotations"], ANNOTATIONS, "annotations")


@parametrize("status", [("running",), ("created",)])
def test_poststop_of_a_crash(t, status):
    """`delete --force` of one that is {} runs the poststop hooks, too, after the container's end."""
    box = nerdctl_task(t, "sleep", "60").create("null")
    if status == "running":
        box.start()
    box.runtime.delete(box.id, force=True).silent()
    equal(box.wait(), 137, "exit status")
    equal(seen(t, "poststop")["state"]["status"], "stopped", "status")


def test_a_network_that_cannot_be_made(t):
    """A createRuntime hook that fails fails the create, and its last words are in the error."""
    box = nerdctl_task(t, "true", kinds=["createRuntime"], code="import sys; sys.exit('no more addresses')")
    contains(error_of(box.create), "no more addresses", "the error")
    equal(os.listdir(box.runtime.root), [], "state root")


def test_a_hook_that_takes_too_long(t):
    """A hook with a timeout is killed at it, and the create fails."""
    box = nerdctl_task(t, "true", kinds=["createRuntime"], code="import time; time.sleep(60)", timeout=1)
    contains(error_of(box.create), "OCI runtime create failed: ", "the error")
    equal(os.listdir(box.runtime.root), [], "state root")


def test_the_oci_hook_of_containerd(t):
    """The hook's arguments are its own; it finds the config below the bundle that the state names, and id and pid in
    it.
    """
    box = nerdctl_task(t, "sleep", "60", kinds=["createRuntime"], code=OCI_HOOK,
                       more=["cni", "{{id}}", "/proc/{{pid}}/ns/net"])
    box.create("null")
    equal((t.scratch / "createRuntime").read_text(), f"cni {box.id} /proc/{box.pid}/ns/net", "what the hook wrote")
    box.start().end()


def test_a_hook_has_its_own_environment(t):
    """A hook has the variables of its entry, and none of the container's."""
    box = nerdctl_task(t, "true", env=["CNI_PATH=/opt/cni/bin", "PATH=/bin"])
    box.bundle.env("SECRET=1")
    box.create("null")
    found = seen(t, "createRuntime")["env"]
    equal((found.get("CNI_PATH"), found.get("SECRET")), ("/opt/cni/bin", None), "environment")
    box.delete()
    box.wait()


def test_a_bundle_by_a_link(t):
    """The bundle in the state is the directory itself or the link that was named; a hook finds config.json below
    either.
    """
    box = nerdctl_task(t, "true", kinds=["createRuntime"])
    link = t.scratch / "link"
    link.symlink_to(box.bundle.path)
    box.runtime.create(link, box.id, pid_file=t.scratch / "pid", io=NullIO()).silent()
    state = seen(t, "createRuntime")["state"]
    true(os.path.samefile(state["bundle"], link), f"bundle is {state['bundle']}")
    equal(state["bundle"], box.runtime.state(box.id)["bundle"], "bundle of the state")
    pid = int((t.scratch / "pid").read_text())
    box.pid = pid
    box.delete()
    equal(box.wait(), 137, "exit status")
