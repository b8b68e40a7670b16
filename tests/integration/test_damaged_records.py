# SPDX-License-Identifier: Apache-2.0
"""A state.json that differs from what bulkhead wrote: each verb reports it, list goes on, delete --force removes it."""

import fcntl
import json
import os
import pathlib
import re
import shutil
import signal

import pytest

from harness import Failure, absent, contains, equal, read_text, true
from marks import differs, parametrize

# The exit code of a verb if bulkhead itself fails.
FAILED = {"exec": 255}
# Prints the exit code of a verb for each id that it reads; a file for each id gets stderr.
LOOP = """
cd "$1"; shift
while read id; do
  "$@" "$id" $REST > /dev/null 2> "$id.$VERB"; echo "$id $?"
done
"""
# The verbs that look at one container, and what follows the id; each is cheap if it fails.
VERBS = {"state": "", "kill": "KILL", "events --stats": "", "exec": "true", "delete": "", "ps": "", "pause": "",
         "resume": "", "update --pids-limit 7": "", "start": ""}
WRONG = {"null": None, "true": True, "negative": -1, "real": 1.5, "list": [], "object": {"x": []},
         "huge": 9223372036854775807000, "large": 9223372036854775807, "text": "x"}
NO_REASON = "runc's record is another"


def fits(key, value, wrong):
    """True if this would be no damage: a text for a text, a boolean for a boolean, a large number where any number may stand."""
    if isinstance(value, (str, bool)):
        return isinstance(wrong, type(value))
    if isinstance(value, dict):
        return False
    return wrong == WRONG["large"] and key in ("cgroupInode", "startTime", "pidfdInode")


def wrong_types(record):
    for key, value in record.items():
        for name, wrong in WRONG.items():
            if not fits(key, value, wrong):
                yield f"{key} is {name}", json.dumps({**record, key: wrong}), f"/{key}"
    for name, wrong in WRONG.items():
        if name != "text":
            yield (f"an annotation is {name}", json.dumps({**record, "annotations": {"a/b": wrong}}),
                   "/annotations/a~1b")


def other_names(record):
    for key in record:
        yield f"no {key}", json.dumps({name: value for name, value in record.items() if name != key}), f"/{key}"
    yield "a strange name", json.dumps({**record, "keptCgrouqs": [1]}), "/keptCgrouqs"
    yield "another version", json.dumps({**record, "format": 9}), "/format: 9"
    yield "another's", json.dumps({**record, "id": "somebody-else"}), "/id"


def broken_text(text):
    for place in range(0, len(text) - 2, len(text) // 40):
        yield f"cut at {place}", text[:place], ""
    for place in range(1, len(text), len(text) // 40):
        changed = bytearray(text.encode())
        changed[place] ^= 1 << place % 8
        yield f"bit {place % 8} of {place}", bytes(changed), None
    for name, garbage in {"a list": "[]", "a number": "5", "text": '"x"', "nothing": "", "two": text * 2, "a NUL": text + "\0",
                          "a mark": "\ufeff" + text, "deep": "[" * 100_000, "large": " " * (5 << 20),
                          "bytes": bytes(range(256)) * 16, "twice": text.replace('"pid"', '"id": "x",\n  "pid"')}.items():
        yield f"{name} instead", garbage, ""


def in_its_place(path):
    """Everything but a file in the place of the record: (name, function that makes it)."""
    return [("a directory", lambda: (path.mkdir(), (path / "x").mkdir())), ("a fifo", lambda: os.mkfifo(path)),
            ("a link", lambda: path.symlink_to("config.json")), ("a link to nothing", lambda: path.symlink_to("gone"))]


class Records:
    """Many records below the state root, each with its variant and the text that errors must have (None: perhaps no error)."""

    def __init__(self, t):
        box = t.sleeper()
        box.bundle.edit(lambda config: config.update(annotations={"org.example/a": "b", "c": ""}))
        box.create().ok()
        place = t.root / box.id
        self.t, self.text, self.config = t, read_text(place / "state.json"), read_text(place / "config.json")
        self.id = box.id
        box.delete("--force").ok()
        self.said, self.names = {}, {}

    def directory(self, name, said):
        key = f"v{len(self.said)}"
        self.said[key], self.names[key] = said, name
        place = self.t.root / key
        place.mkdir(parents=True)
        (place / "config.json").write_text(self.config)
        return key, place / "state.json"

    def add(self, name, text, said):
        key, path = self.directory(name, said)
        data = text.encode(errors="surrogateescape") if isinstance(text, str) else text
        path.write_bytes(data.replace(b'"id": "%s"' % self.id.encode(), b'"id": "%s"' % key.encode()))

    def fill(self):
        record = json.loads(self.text)
        for name, text, said in [*wrong_types(record), *other_names(record), *broken_text(self.text)]:
            self.add(name, text, said)
        for number in range(len(in_its_place(pathlib.Path("/")))):
            _, path = self.directory(in_its_place(pathlib.Path("/"))[number][0], "not a regular file")
            in_its_place(path)[number][1]()

    def each(self, verb, keys, rest=""):
        """{key: (exit code, stderr)} of a verb for these records; one shell runs the verb for all."""
        name = verb.split()[0] + ("-force" if "--force" in verb else "")
        told = self.t.scratch / "told"
        told.mkdir(exist_ok=True)
        command = ["sh", "-c", LOOP, "sh", str(told), *self.t.runtime.command(*verb.split())]
        result = self.t.runtime.exec(command, stdin="".join(f"{key}\n" for key in keys).encode(), timeout=60,
                                     env={"PATH": os.environ["PATH"], "VERB": name, "REST": rest})
        codes = dict(line.split() for line in result.out.splitlines())
        equal(set(codes), set(keys), f"{verb}: what was tried")
        return {key: (int(code), read_text(told / f"{key}.{name}")) for key, code in codes.items()}


def listed(t):
    return {entry["id"]: entry for entry in json.loads(t.runtime("list", "--format", "json").ok().out)}


@differs(NO_REASON)
@pytest.mark.timeout(400)  # 120 with sanitizers on a quiet machine
def test_every_verb_says_what_is_wrong_with_the_record(t):
    """More than 250 damaged records: no verb crashes, each error names the property, and --force leaves nothing."""
    records = Records(t)
    records.fill()
    true(len(records.said) > 250, f"only {len(records.said)} records")
    entries = listed(t)
    equal(set(entries), set(records.said), "list: each record is there")
    damaged = {key for key, entry in entries.items() if entry["status"] == "damaged"}
    for key, said in records.said.items():
        if said is not None:
            true(key in damaged, f"list takes a record for sound: {records.names[key]}: {entries[key]}")
            contains(entries[key]["error"], said, f"list: {records.names[key]}")
    equal(len(t.runtime("list").ok().lines()), len(records.said) + 1, "lines of the table")
    keys = list(records.said)
    for verb, rest in VERBS.items():
        some = keys if verb != "delete" else list(damaged)
        for key, (code, err) in records.each(verb, some, rest).items():
            what = f"{verb}: {records.names[key]}: exit {code}, {err!r}"
            if key in damaged:
                true(code == FAILED.get(verb, 1), what)
                contains(err, f"container {key}: its record is damaged: state.json", what)
                contains(err, records.said[key] or "", what)
            else:
                true(code in (0, FAILED.get(verb, 1)), what)
    for key, (code, err) in records.each("delete --force", keys).items():
        equal(code, 0, f"delete --force: {records.names[key]}: {err}")
    t.no_state()


@differs(NO_REASON)
@parametrize("_, text", [
    ("of another runtime", '{"ociVersion": "v1.0.2", "id": "x", "status": "running", "pid": 1, "bundle": "/x"}'),
    ("half of one", "{"), ("nothing", "")])
def test_a_record_without_our_config_is_anothers(t, _, text):
    """In a state root that runtimes share, list omits such a record and --force does not remove it."""
    place = t.root / "strange"
    place.mkdir(parents=True)
    (place / "state.json").write_text(text)
    result = t.runtime("list", "--format", "json").exits(0)
    equal(json.loads(result.out) or [], [], "list")
    t.runtime("delete", "--force", "strange").exits(1)
    equal((place / "state.json").read_text(), text, "the record")
    shutil.rmtree(place)


def alter(t, box, **changes):
    """Changes values in the record, which bulkhead writes with one property a line; None removes a property."""
    path = t.root / box.id / "state.json"
    text = path.read_text()
    for key, value in changes.items():
        line = "" if value is None else f'  "{key}": {json.dumps(value)},\n'
        text, count = re.subn(rf'^  "{key}": .*,\n', lambda _: line, text, flags=re.M)
        equal(count, 1, f"lines of {key}")
    path.write_text(text)


def cut(t, box, behind):
    path = t.root / box.id / "state.json"
    text = path.read_text()
    path.write_text(text[:text.index(f'"{behind}"') + 6])


def cgroup_of(box):
    path = next(line[3:] for line in box.proc("cgroup").splitlines() if line.startswith("0::"))
    return pathlib.Path("/sys/fs/cgroup" + path)


@differs(NO_REASON)
@parametrize("_, damage", [
    ("an annotation that is a number", lambda t, box: alter(t, box, created=7)),
    ("cut behind the inode of the pidfd", lambda t, box: cut(t, box, "annotations")),
    ("without what is not needed", lambda t, box: alter(t, box, bundle=None, rootfs=None, created=None)),
    ("the mount of another machine", lambda t, box: alter(t, box, cgroupMount="/nowhere", created=None)),
    ("the mount alone", lambda t, box: alter(t, box, cgroupMount="/nowhere")),
    ("another pid", lambda t, box: alter(t, box, pid=1, created=None)),
    ("another start", lambda t, box: alter(t, box, startTime=1, bundle=None)),
    ("no process", lambda t, box: alter(t, box, pid=None, startTime=None, pidfdInode=None)),
])
def test_force_removes_all_that_is_proven(t, _, damage):
    """One of two proofs is enough: a pidfd for init, or path and inode for the cgroup."""
    box = t.sleeper()
    box.run_detached().ok()
    group = cgroup_of(box)
    damage(t, box)
    box.delete("--force").exits(0)
    box.wait()
    true(not group.exists(), "the cgroup is there")
    t.no_state()


@differs(NO_REASON)
@parametrize("_, changes", [
    ("no inode", {"cgroupInode": None}), ("a strange inode", {"cgroupInode": "x"}),
    ("perhaps it was there", {"privatePids": None}), ("no path", {"cgroupPath": 7})])
def test_what_may_be_anothers_stays(t, _, changes):
    """Init is proven and ends. The cgroup is not proven, or not proven to be ours: it stays, and a warning names it."""
    box = t.sleeper()
    box.run_detached().ok()
    group = cgroup_of(box)
    alter(t, box, **changes)
    warnings = t.runtime.warned()
    box.delete("--force").exits(0)
    contains(warnings(), "cgroup" if "cgroupPath" not in changes else "its record is damaged", "warning")
    box.wait()
    equal((group / "cgroup.procs").read_text(), "", "processes in the cgroup")
    group.rmdir()
    t.no_state()


@differs(NO_REASON)
@parametrize("_, changes", [
    ("its pid", lambda mine, other: {"pid": other["pid"]}),
    ("its pid and start", lambda mine, other: {"pid": other["pid"], "startTime": other["startTime"]}),
    ("its cgroup's path", lambda mine, other: {"cgroupPath": other["cgroupPath"]}),
    ("its cgroup's inode", lambda mine, other: {"cgroupInode": other["cgroupInode"]}),
    ("its pid, its path", lambda mine, other: {"pid": other["pid"], "cgroupPath": other["cgroupPath"]}),
])
def test_a_neighbour_is_never_meant(t, _, changes):
    """A damaged record has values of another container, which lives on."""
    box, neighbour = t.sleeper(), t.sleeper()
    for each in (box, neighbour):
        each.run_detached().ok()
    mine, other = (json.loads(read_text(t.root / each.id / "state.json")) for each in (box, neighbour))
    group = cgroup_of(box)
    alter(t, box, created=None, **changes(mine, other))
    box.delete("--force").exits(0)
    true(not neighbour.dead(), "the neighbour is dead")
    equal(neighbour.status(), "running", "the neighbour")
    if not box.dead():  # neither proof was left
        os.kill(box.pid, signal.SIGKILL)
    box.wait()
    if group.exists():
        group.rmdir()


@differs(NO_REASON)
def test_nothing_known_is_nothing_killed(t):
    """If a record holds nothing, only its directory goes, and the warning has the reason."""
    box = t.sleeper()
    box.run_detached().ok()
    group = cgroup_of(box)
    (t.root / box.id / "state.json").write_text("")
    contains(box.delete().exits(1).err, "delete --force removes it", "stderr")
    warnings = t.runtime.warned()
    box.delete("--force").exits(0)
    contains(warnings(), "its record is damaged: state.json: line 1", "warnings")
    true(not box.dead(), "init is dead")
    t.no_state()
    os.kill(box.pid, signal.SIGKILL)
    box.wait()
    group.rmdir()


@differs(NO_REASON)
def test_list_goes_on(t):
    """The damaged record gets one line with the reason; the others are as they were."""
    boxes = [t.sleeper() for _ in range(3)]
    for box in boxes:
        box.create().ok()
    alter(t, boxes[1], pid="x")
    table = t.runtime("list").ok().lines()
    equal(len(table), 4, "lines")
    contains(table[2], "state.json: /pid: \"x\": must be a whole number", "its line")
    equal([line.split()[2] for line in table[1:]], ["created", "damaged", "created"], "status")
    entry = listed(t)[boxes[1].id]
    equal((entry["pid"], entry["owner"]), (0, "root"), "what is known")
    absent(json.dumps(entry), "bundle", "JSON")
    boxes[1].delete("--force").exits(0)


@differs(NO_REASON)
def test_a_creation_under_way_is_left_alone(t):
    """delete does not remove a damaged record while the process that makes it lives."""
    records = Records(t)
    records.add("cut", records.text[:50], "")
    with open(t.root / "v0" / "creating", "w") as marker:
        fcntl.flock(marker, fcntl.LOCK_EX)
        t.runtime("delete", "--force", "v0").exits(0)
        true((t.root / "v0" / "state.json").exists(), "it is removed")
    t.runtime("delete", "--force", "v0").exits(0)
    t.no_state()


OTHER_FILES = ["config.json", "exec.fifo", "creating"]
FORMS = ["empty", "garbage", "a directory", "a fifo", "a link", "a link to nothing"]


@differs(NO_REASON)
@parametrize("_, name, form", [(f"{name} is {form}", name, form) for name in OTHER_FILES for form in FORMS])
def test_other_files_hold_nobody_up(t, _, name, form):
    """Damage to the other files that verbs read back (the kept config, the fifo, the creation file) hangs or kills no verb."""
    box = t.sleeper()
    box.create().ok()
    path = t.root / box.id / name
    if path.exists():
        path.unlink()
    if form in ("empty", "garbage"):
        path.write_bytes(b"" if form == "empty" else bytes(range(256)))
    else:
        dict(in_its_place(path))[form]()
    for verb, rest in VERBS.items():
        if verb not in ("kill", "delete"):
            words = verb.split()
            result = t.runtime(*words, box.id, *rest.split(), timeout=10)
            true(result.code in (0, FAILED.get(verb, 1)), f"{result}")
            if verb == "pause" and result.code == 0:
                t.runtime("resume", box.id).ok()
    box.delete("--force").exits(0)
    t.no_state()


@differs("runc has a garbage collector")
@pytest.mark.released  # a sanitizer needs terabytes of addresses
def test_no_memory_is_an_error(t):
    """An exception that a library throws at an unexpected place ends in a message and exit 1."""
    box = t.sleeper()
    box.bundle.edit(lambda config: config.update(annotations={f"a{n}": "x" * 1000 for n in range(12_000)}))
    limit = 24 << 20
    result = t.runtime("create", "--bundle", box.bundle.path, box.id, setup={"rlimits": {"RLIMIT_AS": [limit, limit]}})
    if result.code == 0:
        raise Failure("the limit is too high to show anything")
    equal(result.code, 1, f"exit code: {result}")
    contains(result.err, "bad_alloc", "stderr")
    t.no_state()
