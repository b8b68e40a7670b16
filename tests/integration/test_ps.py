# SPDX-License-Identifier: Apache-2.0
"""ps: the container's processes, by their pids on the host, as JSON and as the table of ps(1)."""

import json
import os
import time

import isolation
import leaks
from harness import absent, contains, equal, eventually, stop, true
from hooks import removed
from marks import parametrize
from test_kill import cgroup_of, family

JSON = [("separate", "--format", "json"), ("short", "-f", "json"), ("equals", "--format=json"),
        ("one dash", "-format", "json")]


def running(t):
    """A container of three processes; (container, their pids)."""
    box, children = family(t, "sleep 61 & sleep 62 & wait; sleep 63")
    return box, sorted([box.pid, *children])


def in_json(t, box):
    return sorted(json.loads(t.runtime("ps", "--format", "json", box.id).ok().out))


def rows(t, box, *options):
    """(words of the header, [words of each row])"""
    lines = [line.split() for line in t.runtime("ps", box.id, *options).ok().lines()]
    return lines[0], lines[1:]


# ---- json -----------------------------------------------------------------------------------------------

@parametrize("_, *flags", JSON)
def test_pids_in_json(t, _, flags):
    """The JSON form is an array of numbers, the pids on the host, on one line."""
    box, pids = running(t)
    result = t.runtime("ps", *flags, box.id).ok()
    equal(len(result.lines()), 1, "lines")
    equal(sorted(json.loads(result.out)), pids, "pids")


def test_pids_of_a_created_one(t):
    """A created container has the process that waits."""
    box = t.sleeper()
    box.create().ok()
    equal(in_json(t, box), [box.pid], "pids")
    equal(len(rows(t, box)[1]), 1, "rows")


def test_pids_of_a_paused_one(t):
    """A paused container has its processes."""
    box, pids = running(t)
    t.runtime("pause", box.id).ok()
    equal(in_json(t, box), pids, "pids")
    equal(len(rows(t, box)[1]), len(pids), "rows")


def test_pids_of_a_stopped_one(t):
    """A stopped container has none: an empty array, or null."""
    box = t.container("true")
    box.run_detached().ok()
    box.wait()
    true(t.runtime("ps", "-f", "json", box.id).ok().out.strip() in ("null", "[]"), "there is something")


def test_the_table_of_a_stopped_one(t):
    """Its table is the header."""
    box = t.container("true")
    box.run_detached().ok()
    box.wait()
    header, body = rows(t, box)
    contains(header, "PID", "header")
    equal(body, [], "rows")


@parametrize("sharing", ["private", "shared"])
def test_pids_of_cgroups_below(t, sharing):
    """Processes in cgroups below the container's belong to it."""
    box, children = family(t, "sleep 61 & sleep 62 & wait; sleep 63", private=sharing == "private")
    for name, pid in zip(("a", "a/b"), children):
        (cgroup_of(box) / name).mkdir(parents=True)
        (cgroup_of(box) / name / "cgroup.procs").write_text(str(pid))
    equal(in_json(t, box), sorted([box.pid, *children]), "pids")
    equal(sorted(int(row[1]) for row in rows(t, box)[1]), sorted([box.pid, *children]), "rows")
    t.runtime("kill", "--all", box.id, "KILL").exits(0)
    box.wait()
    removed(box, "--force")


def test_only_its_own(t):
    """Another container's processes are not in it, nor are the host's."""
    box, pids = running(t)
    other, others = running(t)
    equal(in_json(t, box), pids, "pids")
    equal(in_json(t, other), others, "pids of the other one")
    true(not set(pids) & set(others), "they share processes")


# ---- the table ------------------------------------------------------------------------------------------

@parametrize("_, *flags", [("default",), ("table", "--format", "table"), ("short", "-f", "table")])
def test_the_table(t, _, flags):
    """The table is what `ps -ef` prints of these processes, with its header."""
    box, pids = running(t)
    lines = [line.split() for line in t.runtime("ps", *flags, box.id).ok().lines()]
    equal(lines[0], ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"], "header")
    equal(sorted(int(line[1]) for line in lines[1:]), pids, "pids")
    contains([line[-2:] for line in lines[1:]], ["sleep", "61"], "commands")


@parametrize("_, *options", [("-e -o", "-e", "-o", "pid,ppid,comm"), ("-eo", "-eo", "ppid,pid"), ("aux", "aux"),
                             ("-e -f", "-e", "-f"),
                             ("-axo", "-axo", "user,pid,args"), ("last", "-eo", "state,ppid,pid"),
                             ("renamed", "-eo", "pid,args=PIDS")])
def test_options_of_ps(t, _, options):
    """Options are those of ps(1); the rows are found by the column PID, wherever it is."""
    box, pids = running(t)
    header, body = rows(t, box, *options)
    equal(sorted(int(row[header.index("PID")]) for row in body), pids, f"pids of {body}")


@parametrize("_, *options", [("no column", "-eo", "comm,args"), ("renamed", "-eo", "pid=NUMBER,comm")])
def test_a_table_without_pid(t, _, options):
    """Without a column PID nobody can say which rows are the container's: an error."""
    box, _ = running(t)
    contains(t.runtime("ps", box.id, *options).exits(1).err, "PID", "stderr")


def test_an_option_that_ps_does_not_know(t):
    """What ps(1) refuses is an error."""
    box, _ = running(t)
    result = t.runtime("ps", box.id, "--no-such-option")
    true(result.code != 0 and result.err, str(result))


def test_options_are_no_shell_text(t):
    """Options are passed as they are."""
    box, _ = running(t)
    t.runtime("ps", box.id, "-ef; touch made", "$(touch made)", cwd=t.scratch)
    true(not (t.scratch / "made").exists(), "a shell has read the options")


def test_commands_with_digits_are_no_pids(t):
    """A process outside whose command has the pid of one inside is not shown."""
    box, pids = running(t)
    decoy = t.runtime.start(["/bin/sh", "-c", "sleep 30; :", str(pids[0]), "PID"])
    try:
        header, body = rows(t, box, "-ef")
        equal(sorted(int(row[header.index("PID")]) for row in body), pids, "pids")
    finally:
        leaks.kill_descendants(decoy.pid)
        stop(decoy)
        leaks.reap_orphans()


def test_the_title_is_no_trap(t):
    """A process that calls itself PID, with spaces and line ends, does not disturb the table."""
    box = t.container("sh", "-c", "sleep 60; :", "PID 1 2\n 77 PID")
    box.run_detached().ok()
    eventually(lambda: len(leaks.descendants(box.pid)) == 1, "the child is not there")
    header, body = rows(t, box)
    found = {int(row[header.index("PID")]) for row in body}
    equal(found, {box.pid, *leaks.descendants(box.pid)}, "pids")


# ---- what is refused ------------------------------------------------------------------------------------

@parametrize("word", ["yaml", "JSON", ""])
def test_another_format(t, word):
    """A format that does not exist is an error."""
    box, _ = running(t)
    result = t.runtime("ps", "--format", word, box.id)
    if word == "" and result.code == 0:
        return  # as good as not given
    contains(result.exits(1).err, "format", "stderr")


@parametrize("kind", ["json", "table"])
def test_of_an_unknown_one(t, kind):
    """The error says that it does not exist."""
    t.root.mkdir()
    contains(t.runtime("ps", "--format", kind, "nobody").exits(1).err, "does not exist", "stderr")


def test_an_id_is_needed(t):
    """No id is wrong usage."""
    t.root.mkdir()
    result = t.runtime("ps")
    true(result.code != 0 and result.err, str(result))


def test_without_its_cgroup(t):
    """A stopped container whose cgroup is gone: no processes, or an error; no crash."""
    box = t.container("true")
    box.create().ok()
    top = cgroup_of(box)
    box.start().ok()
    box.wait()
    isolation.remove_tree(top)
    for form in ("json", "table"):
        result = t.runtime("ps", "--format", form, box.id)
        true(result.code in (0, 1), str(result))
    box.delete().ok()


def test_many_processes(t):
    """Three hundred processes are all there, in both forms."""
    box, _ = family(t, "i=0; while [ $i -lt 300 ]; do sleep 61 & i=$((i+1)); done; wait", 300)
    pids = sorted([box.pid, *leaks.descendants(box.pid)])
    equal(in_json(t, box), pids, "pids")
    equal(len(rows(t, box)[1]), len(pids), "rows")


def test_while_they_come_and_go(t):
    """ps of a container whose processes come and go succeeds each time."""
    box = t.shell("while :; do sleep 0.01 & sleep 0.01; done")
    box.run_detached().ok()
    for _ in range(10):
        true(box.pid in in_json(t, box), "the first process is missing")
        contains([row[1] for row in rows(t, box)[1]], str(box.pid), "pids")


def test_the_environment_of_ps_is_harmless(t):
    """Variables that change the output of ps(1) do not change what is found."""
    box, pids = running(t)
    env = {"PATH": "/usr/bin:/bin", "PS_FORMAT": "comm", "PS_PERSONALITY": "aix", "COLUMNS": "20"}
    result = t.runtime("ps", "--format", "json", box.id, env=env).ok()
    equal(sorted(json.loads(result.out)), pids, "pids")
    t.runtime("ps", box.id, env=env)


@parametrize("kind", ["json", "table"])
def test_a_killed_ps(t, kind):
    """SIGKILL at any moment changes nothing; no ps(1) is left."""
    box, _ = running(t)
    for step in range(12):
        child = t.runtime.start(t.runtime.command("ps", "--format", kind, box.id))
        time.sleep(step * 0.002)
        stop(child)
    equal(box.status(), "running", "status")
    eventually(lambda: leaks.reap_orphans() or set(leaks.descendants(os.getpid())) ==
               {box.pid, *leaks.descendants(box.pid)}, "a process is left")
    removed(box, "--force")
    absent(t.runtime("list", "-q").ok().out, box.id, "list")
