# SPDX-License-Identifier: Apache-2.0
"""go-runc: what the library reads and parses from the verbs that answer."""

import contextlib
import itertools
import json
import os

from caller import cgroup_of, reap, separate
from gorunc import GoRunc, NullIO
from harness import contains, equal, eventually, true
from marks import breaks, parametrize
from test_go_runc import full, made, removed, sleeper, started

GROUPS = {"cpu", "cpuset", "memory", "pids", "blkio", "hugetlb", "intel_rdt"}
OPTIONS = [("-ef",), ("aux",), ("-eopid,comm",)]


def unsigned(value, where="stats"):
    """Every number of the document fits Go's uint64; a float or a negative one would lose all of it."""
    if isinstance(value, dict):
        for name, part in value.items():
            if name != "psi":  # averages, which its structs have as floats
                unsigned(part, f"{where}.{name}")
    elif isinstance(value, list):
        for part in value:
            unsigned(part, where)
    elif value is not None and not isinstance(value, str):
        true(isinstance(value, bool) or (isinstance(value, int) and 0 <= value < 1 << 64), f"{where} is {value!r}")


def test_state_is_json_from_one_pipe(t):
    """`state` is JSON with stdout and stderr in one pipe, and has id, pid, status, bundle, rootfs and created."""
    library = full(t)
    name, pid, pipes = made(t, library, "true")
    state = library.state(name)
    equal((state["id"], state["pid"], state["status"]), (name, pid, "created"), "state")
    equal(os.path.basename(state["rootfs"]), "rootfs", "the rootfs")
    library.delete(name, force=True).silent()
    pipes.read()


def test_state_through_a_life(t):
    """`state` says created, running and stopped, the last with pid 0, and always the same creation time, bundle and
    annotations.
    """
    library, bundle = full(t), t.bundle("sleep", "60").edit(lambda config: config.update(annotations={"a.b": "c d"}))
    name, pid, pipes = made(t, library, bundle=bundle)
    seen = [library.state(name)]
    library.start(name).silent()
    seen.append(library.state(name))
    library.kill(name, 9).silent()
    reap(pid)
    seen.append(library.state(name))
    equal([(state["status"], state["pid"]) for state in seen],
          [("created", pid), ("running", pid), ("stopped", 0)], "states")
    equal(len({(state["created"], state["bundle"], json.dumps(state["annotations"])) for state in seen}), 1, "how many")
    equal((seen[0]["annotations"], seen[0]["bundle"]), ({"a.b": "c d"}, str(bundle.path)), "annotations and bundle")
    library.delete(name).silent()
    pipes.read()


@parametrize("_, empty", [("an empty root", True), ("no root named, and none there", False)])
def test_list_of_nobody(t, _, empty):
    """`list --format=json` with {} is an empty list or null, and no error."""
    equal(GoRunc(t, root=t.directory("empty") if empty else None).list(), [], "list")


def test_list_of_some(t):
    """`list --format=json` has every container with the fields of its state."""
    library = full(t)
    first, second = sleeper(t, library), sleeper(t, library)
    found = {document["id"]: (document["pid"], document["status"]) for document in library.list()}
    equal(found, {name: (pid, "running") for name, pid in (first, second)}, "list")
    removed(library, *first)
    removed(library, *second)


def test_ps_as_json(t):
    """`ps --format json` is a list of numbers of the host, of init and of what was executed; of nobody when all have
    ended.
    """
    library = full(t)
    name, pid = sleeper(t, library)
    process = {**t.bundle().config["process"], "args": ["sleep", "61"]}
    library.exec(name, process, io=NullIO(), detach=True, pid_file=t.scratch / "exec.pid").silent()
    executed = int((t.scratch / "exec.pid").read_text())
    equal(sorted(library.ps(name)), sorted([pid, executed]), "processes")
    library.kill(name, 9).silent()
    reap(executed)
    reap(pid)
    equal(library.ps(name), [], "processes of a stopped container")
    library.delete(name).silent()


@parametrize("options", OPTIONS)
def test_top(t, options):
    """`ps --format table ID "{}"` is the table of ps(1) with these options, with nobody but the container's processes
    in it.
    """
    library = full(t)
    name, pid = sleeper(t, library)
    headers, rows = library.top(name, options)
    equal([row[headers.index("PID")] for row in rows], [str(pid)], "pids")
    removed(library, name, pid)


def test_stats(t):
    """`events --stats` is one document of unsigned numbers, and has the groups that the library decodes."""
    library = full(t)
    name, pid = sleeper(t, library)
    document = library.stats(name)
    equal((document["type"], document["id"]), ("stats", name), "event")
    equal(GROUPS - set(document["data"]), set(), "groups that are missing")
    unsigned(document["data"])
    removed(library, name, pid)


def test_stats_of_a_stopped_container(t):
    """`events --stats` of a container that is not running has the document's place empty, and says so on stderr."""
    library = full(t, debug=False)
    name, pid = sleeper(t, library)
    library.kill(name, 9).silent()
    reap(pid)
    answer = separate(library.argv("events", "--stats", name), **library.how()).failed()
    equal(answer.out, "", "stdout")
    contains(answer.err, "is not running", "stderr")
    library.delete(name).silent()


@breaks("runc 1.1.5 wants memory.events, and ends where the cgroup has no memory controller")
def test_events_at_intervals(t):
    """`events --interval=1s` writes a document each second, each readable as soon as it is written."""
    library = full(t)
    name, pid = sleeper(t, library)
    with contextlib.closing(library.events(name, 1)) as stream:
        seen = list(itertools.islice(stream, 2))
    equal([(document["type"], document["id"]) for document in seen], [("stats", name)] * 2, "events")
    unsigned([document["data"] for document in seen])
    removed(library, name, pid)


@breaks({"nulls": "runc 1.1.5 dereferences what is null"})
@parametrize("_, others", [("groups that are empty", {"memory": {}, "cpu": {}, "pids": {}, "blockIO": {}}),
                           ("nulls", {"memory": None, "cpu": None, "pids": None, "blockIO": None, "network": None})])
def test_update_over_a_pipe(t, _, others):
    """`update --resources=-` applies what comes over its stdin and leaves the rest as it was, devices too, beside {}.
    """
    library = full(t)
    bundle = t.bundle("sleep", "60").edit(lambda config: config["linux"]["resources"].update(
        unified={"hugetlb.2MB.max": "4194304", "cgroup.max.depth": "7"}))
    name, pid, pipes = made(t, library, bundle=bundle)
    library.update(name, {"devices": [{"allow": True, "access": "rwm"}], "hugepageLimits": [],
                          "unified": {"cgroup.max.depth": "3"}, **others}).silent()
    values = [(cgroup_of(pid) / file).read_text() for file in ("hugetlb.2MB.max", "cgroup.max.depth")]
    equal(values, ["4194304\n", "3\n"], "limits")
    library.start(name).silent()
    removed(library, name, pid)
    pipes.read()


@parametrize("_, text", [("no JSON", "{"), ("nothing", ""), ("another type", '{"memory": 5}')])
def test_update_of_nonsense(t, _, text):
    """`update --resources=-` with {} on stdin fails, and the container lives on."""
    library = full(t, debug=False)
    name, pid = sleeper(t, library)
    reader, writer = os.pipe2(os.O_CLOEXEC)
    os.write(writer, text.encode())
    os.close(writer)
    library.run_or_error("update", "--resources=-", name, stdin=reader).failed()
    os.close(reader)
    equal(library.state(name)["status"], "running", "status")
    removed(library, name, pid)


@parametrize("_, fields", [("nothing", {}), ("every field", {"debug": True, "root": "/run/nowhere", "criu": "x"}),
                           ("a log that cannot be opened", {"log": "/no/such/log.json"})])
def test_version(t, _, fields):
    """`--version` after {} of the object ends with 0, is silent on stderr, and has lines with commit and spec."""
    named, commit, spec = GoRunc(t, **({"log": t.scratch / "log.json", **fields} if fields else {})).version()
    if t.control:
        contains(named, "1.1.5", "version")
    true(commit and spec, f"commit {commit!r} and spec {spec!r}")


@parametrize("_, everything", [("nothing", False), ("every field", True)])
def test_features(t, _, everything):
    """`features` after {} of the object is JSON that has linux and the versions."""
    library = full(t) if everything else GoRunc(t)
    document = library.features()
    true(isinstance(document["linux"], dict), "linux is missing")
    true(document["ociVersionMin"] and document["ociVersionMax"], "versions are missing")


def test_a_state_that_is_deleted_meanwhile(t):
    """`state` beside a container's end and delete is a document or `does not exist`, and never half of one."""
    library = full(t, debug=False)
    name, pid, pipes = started(t, library, "true")
    child = os.fork()
    if child == 0:
        reap_and_delete = [eventually(lambda: library.state(name)["status"] == "stopped", "it does not stop"),
                           library.delete(name)]
        os._exit(reap_and_delete[1].code)
    words = set()
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        answer = library.run_or_error("state", name)
        gone = "does not exist" if "container does not exist" in answer.out else answer.out
        words.add(json.loads(answer.out)["status"] if answer.code == 0 else gone)
    equal(words - {"running", "stopped", "does not exist"}, set(), "other answers")
    reap(pid)
    pipes.read()
