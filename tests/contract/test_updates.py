# SPDX-License-Identifier: Apache-2.0
"""update: documents as the CRI and dockerd send them; on a machine with few controllers they say little."""

import json

from caller import separate
from gorunc import TemporaryFile, library
from harness import contains, equal
from marks import breaks, parametrize

NOTHING = [
    ("empty", {}), ("nulls", {key: None for key in ("memory", "cpu", "pids", "blockIO", "network", "unified",
                                                    "hugepageLimits", "rdma", "devices")}),
    ("empty_parts", {"memory": {}, "cpu": {}, "blockIO": {}, "hugepageLimits": []}),
    ("nulls_inside", {"cpu": {"shares": None, "quota": None, "period": None, "cpus": "", "mems": ""},
                      "memory": {"limit": None, "swap": None}}),
    ("devices", {"devices": [{"allow": False, "access": "rwm"}]})]


@breaks({"nulls": "crashes", "nulls_inside": "crashes"})
@parametrize("name, document", NOTHING)
def test_documents_that_change_nothing(t, name, document):
    """A document of resources with {} is accepted in silence, and the container goes on as before."""
    runc, box = library(t), t.running()
    before = runc.stats(box.id)["data"]["pids"]
    runc.update(box.id, document).silent()
    equal(runc.stats(box.id)["data"]["pids"], before, "pids")
    equal(runc.state(box.id)["status"], "running", "status")


def test_devices_stay(t):
    """A device rule in an update is ignored: what the container could open it still can, and no more."""
    runc, box = library(t), t.running()
    runc.update(box.id, {"devices": [{"allow": False, "access": "rwm"}]}).silent()
    separate(runc.argv("exec", box.id, "sh", "-c", "echo word > /dev/null && head -c 1 /dev/zero > /dev/null")).silent()
    runc.update(box.id, {"devices": [{"allow": True, "access": "rwm"}]}).silent()
    answer = separate(runc.argv("exec", box.id, "sh", "-c", "mknod /dev/shm/m c 1 1 || : > /dev/shm/m; "
                                                            "head -c 1 /dev/shm/m"))
    equal(answer.out, "", "what was read")


@parametrize("form", ["--resources=-", "--resources -", "-r -", "--resources=FILE", "--resources FILE"])
def test_forms(t, form):
    """The document comes by `{}`."""
    runc, box = library(t), t.running()
    with TemporaryFile(t.scratch, "resources", json.dumps({"cpu": {}})) as path, open(path, "rb") as document:
        words = form.replace("FILE", path).split(" ")
        separate(runc.argv("update", *words, box.id), stdin=document).silent()


@parametrize("text", ["{", "[]", "7", '{"cpu": 5}', '{"memory": {"limit": "much"}}', ""])
def test_documents_that_are_none(t, text):
    """The text {!r} in place of a document is refused with a message, and the container goes on."""
    runc, box = library(t), t.running()
    with TemporaryFile(t.scratch, "resources", text) as path, open(path, "rb") as document:
        answer = separate(runc.argv("update", "--resources=-", box.id), stdin=document).failed()
    equal(answer.err.count("\n"), 1, "lines on stderr")
    equal(runc.state(box.id)["status"], "running", "status")


@parametrize("status", ["created", "paused"])
def test_in_other_statuses(t, status):
    """A container that is {} can be updated, and stays so."""
    runc, box = library(t), t.sleeper()
    box.create().ok()
    if status == "paused":
        box.start().ok()
        runc.pause(box.id).silent()
    runc.update(box.id, {"cpu": {}}).silent()
    equal(runc.state(box.id)["status"], status, "status")


def test_of_a_stopped_container(t):
    """An update of a container that has stopped fails with `container not running`."""
    runc, box = library(t), t.running()
    box.kill("KILL").ok()
    box.wait()
    contains(runc.update(box.id, {"cpu": {}}).failed().out, "not running", "the message")
