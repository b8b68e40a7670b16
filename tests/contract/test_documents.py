# SPDX-License-Identifier: Apache-2.0
"""What the engines decode: the documents of state, list, ps and events, and the tables that people's scripts cut."""

import json
import os
import pathlib
import shutil
import threading

from caller import go_time, separate
from gorunc import GoRunc, library
from harness import Failure, contains, equal, eventually, true
from marks import breaks, parametrize

UINT64 = 1 << 64
WORDS = {"created", "running", "paused", "stopped"}
COLUMNS = ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]


def printed(t, *words):
    return separate(library(t).argv(*words)).ok().out


def test_state_from_created_to_stopped(t):
    """`state` has id, pid, status, bundle, rootfs and created through a whole life; only a stopped one has pid 0."""
    runc, box, seen = library(t), t.sleeper(), []

    def look():
        state = runc.state(box.id)
        equal((state["id"], state["bundle"], state["rootfs"]),
              (box.id, str(box.bundle.path), str(box.bundle.rootfs)), "id, bundle and rootfs")
        equal(state["pid"], 0 if state["status"] == "stopped" else box.pid, "pid")
        seen.append((state["status"], state["created"]))
    box.create().ok()
    look()
    box.start().ok()
    look()
    runc.pause(box.id).silent()
    look()
    runc.resume(box.id).silent()
    runc.kill(box.id, 9).silent()
    box.wait()
    look()
    equal([word for word, _ in seen], ["created", "running", "paused", "stopped"], "statuses")
    equal(len({created for _, created in seen}), 1, "times of creation")


def test_state_has_every_key(t):
    """`state` has all that runc prints, ociVersion and owner among it; annotations are those of the config."""
    box = t.sleeper()
    box.bundle.edit(lambda config: config.update(annotations={"org.example.key": "a \"quoted\" värld\n"}))
    box.create().ok()
    state = json.loads(printed(t, "state", box.id))
    true({"ociVersion", "id", "pid", "status", "bundle", "rootfs", "created", "owner"} <= set(state), f"{set(state)}")
    equal(state["annotations"], {"org.example.key": "a \"quoted\" värld\n"}, "annotations")
    go_time(state["created"])
    true(state["ociVersion"].startswith("1."), f"ociVersion {state['ociVersion']}")


def test_state_over_an_older_one(t):
    """Decoded on top of the state of the running container, the stopped one's document leaves no pid there."""
    box = t.running()
    known = json.loads(printed(t, "state", box.id))
    box.kill("KILL").ok()
    box.wait()
    known.update(json.loads(printed(t, "state", box.id)))
    equal((known["status"], known["pid"]), ("stopped", 0), "status and pid")


def test_a_rootfs_that_is_absolute(t):
    """rootfs is absolute where the config names it relative to the bundle; so is bundle where the caller's is not."""
    box = t.sleeper()
    equal(box.bundle.config["root"]["path"], "rootfs", "root.path")
    t.runtime("create", "--bundle", os.path.basename(box.bundle.path), box.id, cwd=box.bundle.path.parent).ok()
    state = library(t).state(box.id)
    equal((state["bundle"], state["rootfs"]), (str(box.bundle.path), str(box.bundle.rootfs)), "bundle and rootfs")


@parametrize("kind", ["missing", "empty"])
def test_an_empty_list(t, kind):
    """Where the default state root is {}, `list` in every form is empty, and succeeds: null or an empty array."""
    runc = GoRunc(t)
    shutil.rmtree(t.default_root, ignore_errors=True)  # of lines before this one, on a /run of our own
    if kind == "empty":
        t.default_root.mkdir()
    equal(runc.list(), [], "as the library decodes it")
    true(json.loads(separate(runc.argv("list", "--format=json")).ok().out) in (None, []), "the list is not empty")
    equal(separate(runc.argv("list", "--quiet")).ok().out, "", "the ids")
    equal(separate(runc.argv("list")).ok().out.split(), COLUMNS, "the table")


def test_a_list_of_some(t):
    """`list --format=json` has a document like that of `state` for each container, of every status."""
    boxes = [t.sleeper() for _ in range(3)]
    for box in boxes:
        box.create().ok()
    boxes[1].start().ok()
    boxes[2].kill("KILL").ok()
    boxes[2].wait()
    found = {entry["id"]: (entry["status"], entry["pid"]) for entry in library(t).list()}
    equal(found, {boxes[0].id: ("created", boxes[0].pid), boxes[1].id: ("running", boxes[1].pid),
                  boxes[2].id: ("stopped", 0)}, "the list")


def test_a_list_with_strangers(t):
    """Directories in the state root that are no container's, as of another runtime, do not spoil the list."""
    box = t.running()
    for name in ("stranger", "another"):
        (t.root / name).mkdir()
    (t.root / "another" / "status").write_text("{}")
    answer = separate(library(t).argv("list", "--format=json"))
    equal(answer.code, 0, "exit status")
    equal([entry["id"] for entry in json.loads(answer.out)], [box.id], "ids")
    (t.root / "another" / "status").unlink()
    for name in ("stranger", "another"):
        (t.root / name).rmdir()


def test_the_table_of_the_list(t):
    """`list` prints the columns ID PID STATUS BUNDLE CREATED OWNER; the fourth word of a row is the bundle."""
    box = t.running()
    header, row = printed(t, "list").splitlines()
    equal(header.split(), COLUMNS, "header")
    words = row.split()
    equal(words[:4], [box.id, str(box.pid), "running", str(box.bundle.path)], "row")
    go_time(words[4])
    equal(words[5], "root", "owner")


def test_the_quiet_list(t):
    """`list -q` prints the ids, one per line, and nothing else."""
    names = sorted(t.running().id for _ in range(2))
    equal(sorted(printed(t, "list", "-q").splitlines()), names, "ids")


def test_processes_as_numbers(t):
    """`ps --format json` is an array of numbers, in the host's numbering, with those of an exec among them."""
    box = t.running()
    other = box.exec_detached("sleep", "61")
    equal(sorted(library(t).ps(box.id)), sorted([box.pid, other.pid]), "pids")
    box.end_executed()
    equal(library(t).ps(box.id), [box.pid], "pids after the end of the exec")


def test_no_processes(t):
    """`ps --format json` of a created container has the one process that waits for `start`."""
    box = t.sleeper()
    box.create().ok()
    equal(library(t).ps(box.id), [box.pid], "pids")


@parametrize("kind, options", [("default", []), ("ef", ["-ef"]), ("aux", ["aux"]), ("o", ["-o", "pid,args"])])
def test_processes_as_a_table(t, kind, options):
    """`ps --format table ID` with options of ps ({}) is its header and the rows whose PID is the container's."""
    box = t.running()
    names, rows = library(t).top(box.id, *options)
    column = names.index("PID")
    equal([row[column] for row in rows], [str(box.pid)], "PID column")
    contains(" ".join(rows[0]), "sleep 60", "the row")


@parametrize("kind, options", [("without_pid", ["-o", "args"]), ("wrong", ["--no-such-option-of-ps"])])
def test_a_table_that_cannot_be(t, kind, options):
    """`ps ID` with options of ps that show no PID column, or that ps refuses ({}), fails."""
    answer = separate(library(t).argv("ps", t.running().id, *options))
    true(answer.code != 0 and answer.err, f"{answer}")


def numbers(document, path=""):
    """(path, number) of everything in it that is one."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield from numbers(value, f"{path}/{key}")
    elif isinstance(document, list):
        for place, value in enumerate(document):
            yield from numbers(value, f"{path}/{place}")
    elif isinstance(document, (int, float)) and not isinstance(document, bool):
        yield path, document


def test_stats(t):
    """`events --stats` is one document with type and id; but for averages of pressure its numbers are unsigned 64-bit
    integers."""
    box = t.running()
    document = library(t).stats(box.id)
    equal((document["type"], document["id"]), ("stats", box.id), "type and id")
    for path, number in numbers(document["data"]):
        average = "/psi/" in path and "/avg" in path
        true(average or (isinstance(number, int) and 0 <= number < UINT64), f"{path} is {number}")


def test_keys_of_stats(t):
    """The data of `events --stats` has cpu, memory, pids and blkio with the keys that the library decodes."""
    data = library(t).stats(t.running().id)["data"]
    true({"cpu", "memory", "pids", "blkio", "hugetlb"} <= set(data), f"{set(data)}")
    true({"usage", "throttling"} <= set(data["cpu"]), f"cpu: {set(data['cpu'])}")
    true({"kernel", "user"} <= set(data["cpu"]["usage"]), f"cpu.usage: {set(data['cpu']['usage'])}")
    kinds = {"pids": dict, "blkio": dict, "memory": dict, "hugetlb": dict, "cpu": dict}
    for key, kind in kinds.items():
        true(isinstance(data[key], kind), f"{key} is {data[key]!r}")
    for key in ("usage", "swap", "kernel", "kernelTCP"):
        true(isinstance(data["memory"].get(key, {}), dict), f"memory.{key}")


def test_stats_of_every_status(t):
    """`events --stats` works for a created and a paused container, and refuses a stopped one."""
    runc, box = library(t), t.sleeper()
    box.create().ok()
    equal(runc.stats(box.id)["type"], "stats", "type, created")
    box.start().ok()
    runc.pause(box.id).silent()
    equal(runc.stats(box.id)["type"], "stats", "type, paused")
    runc.resume(box.id).silent()
    box.kill("KILL").ok()
    box.wait()
    contains(separate(runc.argv("events", "--stats", box.id)).failed().err, "not running", "the message")


@breaks("`list` says on stderr that a container is only being made")
def test_state_while_it_is_made(t):
    """While others create and delete it, `state` and `list` print whole documents or an error, never half of one."""
    runc, bundle, name, over = library(t), t.bundle("true"), t.fresh_id(), threading.Event()
    wrong, seen = [], set()
    t.root.mkdir()

    def ask():
        while not over.is_set():
            answer = separate(runc.argv("state", name))
            try:
                if answer.code == 0:
                    seen.add(json.loads(answer.out)["status"])
                else:
                    contains(answer.err, "does not exist", "the message")
                json.loads(separate(runc.argv("list", "--format=json")).ok().out)
            except (ValueError, Failure) as problem:
                wrong.append(f"{answer}: {problem}")
    thread = threading.Thread(target=ask)
    thread.start()
    try:
        for _ in range(5):
            t.runtime("create", "--bundle", bundle.path, name).ok()
            t.runtime("delete", "--force", name).ok()
    finally:
        over.set()
        thread.join()
    equal(wrong, [], "what could not be read")
    true(seen <= WORDS | {"creating"}, f"statuses {seen}")


def test_a_zombie_is_stopped(t):
    """A process that has ended and that nobody has waited for is stopped: in `state`, in `list`, and for `delete`."""
    runc, box = library(t), t.container("true")
    box.create().ok()
    box.start().ok()
    eventually(lambda: pathlib.Path(f"/proc/{box.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z",
               "it does not end", 10)
    equal(runc.state(box.id)["status"], "stopped", "status")
    equal([entry["status"] for entry in runc.list()], ["stopped"], "statuses in the list")
    contains(runc.kill(box.id, 15).failed().out, "container not running", "the message of kill")
    runc.delete(box.id).silent()
    equal(box.wait(), 0, "exit status, which is still to be had")
