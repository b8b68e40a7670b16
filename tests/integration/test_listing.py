# SPDX-License-Identifier: Apache-2.0
"""`list` in its three forms, and the pid file."""

import json
import os

from harness import contains, equal, true
from marks import differs, parametrize


def test_empty_list_is_null_in_json(t):
    """Without a container `list -f json` prints null (or []) and nothing else."""
    t.root.mkdir()
    true(t.runtime("list", "-f", "json").ok().out.strip() in ("null", "[]"), "stdout is not an empty list")


def test_empty_list_is_a_header_in_the_table(t):
    """Without a container the table is its header."""
    t.root.mkdir()
    lines = t.runtime("list").ok().lines()
    equal([line.split() for line in lines], [["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]], "table")


def test_empty_list_is_quiet(t):
    """Without a container `list -q` prints nothing."""
    t.root.mkdir()
    equal(t.runtime("list", "-q").ok().out, "", "stdout")


def two(t):
    boxes = [t.sleeper(), t.sleeper()]
    boxes[0].create().ok()
    boxes[1].run_detached().ok()
    return boxes


@parametrize("_, *flags", [("separate", "--format", "json"), ("short", "-f", "json"), ("equals", "--format=json"),
                           ("one dash", "-format", "json")])
def test_list_json(t, _, flags):
    """The JSON list is one line, an array of the objects that `state` prints."""
    boxes = two(t)
    result = t.runtime("list", *flags).ok()
    equal(len(result.lines()), 1, "lines")
    found = {entry["id"]: entry for entry in json.loads(result.out)}
    equal(set(found), {box.id for box in boxes}, "ids")
    for box in boxes:
        state = box.state()
        for key in ("ociVersion", "id", "pid", "status", "bundle", "rootfs", "created"):
            equal(found[box.id][key], state[key], key)
        equal(found[box.id]["owner"], "root", "owner")


def test_list_table(t):
    """The table has a header and a line per container; the fourth column is the bundle."""
    boxes = two(t)
    lines = [line.split() for line in t.runtime("list").ok().lines()]
    equal(lines[0], ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"], "header")
    found = {line[0]: line for line in lines[1:]}
    for box, status in zip(boxes, ("created", "running")):
        equal(found[box.id][1:4], [str(box.pid), status, str(box.bundle.path)], "columns")
        equal(found[box.id][-1], "root", "owner")


@parametrize("flag", ["-q", "--quiet"])
def test_list_quiet(t, flag):
    """`list -q` prints the ids, one a line."""
    boxes = two(t)
    equal(sorted(t.runtime("list", flag).ok().lines()), sorted(box.id for box in boxes), "ids")


def test_list_refuses_another_format(t):
    """A format that does not exist is an error."""
    t.root.mkdir()
    contains(t.runtime("list", "--format", "yaml").exits(1).err, "format", "stderr")


def test_list_passes_over_foreign_directories(t):
    """A directory in the state root that is no container does not break the list."""
    box = t.sleeper()
    box.create().ok()
    (t.root / "foreign").mkdir()
    result = t.runtime("list", "-q").exits(0)
    (t.root / "foreign").rmdir()
    true(box.id in result.lines(), f"ids are {result.lines()}")


@differs("runc 1.1.5 prints an empty list; newer ones fail")
def test_list_of_a_missing_root_is_an_error(t):
    """If an explicit --root does not exist, list fails."""
    t.runtime("list").exits(1)


@parametrize("verb", ["create", "run"])
def test_pid_file_is_digits_only(t, verb):
    """The pid file holds the decimal pid and no newline, complete when the verb returns."""
    box = t.sleeper()
    (box.create() if verb == "create" else box.run_detached()).ok()
    text = box.pid_file.read_text()
    true(text.isdigit(), f"the pid file holds {text!r}")
    equal(int(text), box.state()["pid"], "pid")


def test_pid_file_may_exist_and_be_empty(t):
    """Engines make the file beforehand; create overwrites it."""
    box = t.sleeper()
    box.pid_file.touch()
    box.create().ok()
    equal(box.pid, box.state()["pid"], "pid")


def test_old_pid_file_is_overwritten(t):
    """Nothing of a longer old content stays."""
    box = t.sleeper()
    box.pid_file.write_text("99999999999\n")
    box.create().ok()
    equal(box.pid_file.read_text(), str(box.state()["pid"]), "pid file")


def test_pid_file_does_not_follow_a_link(t):
    """create replaces a link in the place of the pid file, and does not write to its target."""
    box = t.sleeper()
    victim = t.scratch / "victim"
    victim.write_text("precious")
    box.pid_file.symlink_to(victim)
    box.create().ok()
    equal(victim.read_text(), "precious", "the link's target")
    equal(box.pid_file.read_text(), str(box.state()["pid"]), "pid file")
    true(not box.pid_file.is_symlink(), "the pid file is still a link")


def test_relative_pid_file_is_the_callers(t):
    """A relative pid file is in the caller's directory, not in the bundle."""
    box = t.sleeper()
    t.runtime("create", "--bundle", box.bundle.path, "--pid-file", "here.pid", box.id, cwd=t.scratch).ok()
    equal((t.scratch / "here.pid").read_text(), str(box.state()["pid"]), "pid file")


def test_pid_file_in_a_missing_directory_fails_clean(t):
    """If the pid file cannot be written, create fails and leaves nothing."""
    box = t.sleeper()
    t.runtime("create", "--bundle", box.bundle.path, "--pid-file", t.scratch / "no/such/p", box.id).exits(1)
    t.no_state()


def test_failed_create_leaves_no_pid_file(t):
    """A create that fails in the container leaves no pid file behind."""
    box = t.container("/no/such/program")
    box.create().exits(1)
    true(not box.pid_file.exists(), "there is a pid file")
    equal([name for name in os.listdir(t.scratch) if "pid" in name], [], "files")
