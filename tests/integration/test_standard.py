# SPDX-License-Identifier: Apache-2.0
"""Sentences of the runtime-spec that no other topic is about."""

import os
import subprocess

import isolation
from harness import contains, equal, true
from hooks import Journal
from marks import differs, parametrize
from test_features import features


@parametrize("verb", ["state", "create", "start", "kill", "delete"])
def test_an_operation_needs_an_id(t, verb):
    """Without an id every operation is an error (runtime.md, "Operations")."""
    result = t.runtime(verb)
    true(result.code != 0, f"{verb} without an id succeeded")
    contains(result.out + result.err, verb, "output")
    t.no_state()


@parametrize("verb", ["create", "run"])
def test_without_a_bundle_it_is_the_current_directory(t, verb):
    """An absent --bundle is the current directory: one without config.json is an error, and nothing is made."""
    empty = t.scratch / "empty"
    empty.mkdir()
    contains(t.runtime(verb, "nobody", cwd=empty).exits(1).err, "config.json", "stderr")
    t.no_state()


@parametrize("_, size", [("a size", {"height": 5, "width": 6}), ("half of one", {"height": 5}),
                         ("more than a terminal can have", {"height": 65536, "width": 4294967295}), ("none", {})])
def test_console_size_without_a_terminal_is_ignored(t, _, size):
    """consoleSize is for a terminal (config.md, "Process"): without one, whatever it is, it changes nothing."""
    box = t.shell("test -t 0 && echo terminal; test -e /dev/console && echo console; echo end", terminal=False,
                  consoleSize=size)
    equal(box.run().ok().out, "end\n", "output")
    unset = t.shell("echo end", consoleSize=size)
    unset.bundle.edit(lambda config: config["process"].pop("terminal", None))
    equal(unset.run().ok().out, "end\n", "output where terminal is unset")


@differs("runc takes what is left of 16 bits")
def test_console_size_with_a_terminal_has_to_fit(t):
    """With a terminal it is the size of one, and its numbers have 16 bits."""
    box = t.container("true", terminal=True, consoleSize={"height": 65536, "width": 1})
    contains(box.create("--console-socket", t.scratch / "none").exits(1).err,
             "/process/consoleSize/height: 65536: must be a whole number from 0 to 65535", "stderr")


@parametrize("what", ["no ids", "no user"])
def test_an_absent_id_is_0(t, what):
    """uid and gid are required (config.md, "User"); engines leave them out where they are 0."""
    box = t.container("sh", "-c", "id -u; id -g")
    box.bundle.edit(lambda config: config["process"].pop("user") if what == "no user" else
                    config["process"].update(user={"umask": 0}))
    equal(box.run().ok().out, "0\n0\n", "ids")


# ---- the state (runtime.md, "State") ------------------------------------------------------------------------

def test_the_state_is_of_the_runtimes_version(t):
    """Whatever version the document is of: `state` and hooks see that of the standard that the runtime follows."""
    newest = features(t)["ociVersionMax"]
    journal = Journal(t)
    box = journal.watched("createRuntime")
    box.bundle.edit(lambda config: config.update(ociVersion="1.0.0"))
    box.create().ok()
    equal(box.state()["ociVersion"], newest, "ociVersion of `state`")
    equal(journal.seen("createRuntime")["state"]["ociVersion"], newest, "ociVersion of a hook's state")


@parametrize("how", ["relative", "absent"])
def test_the_bundle_is_absolute(t, how):
    """`bundle` is an absolute path, however the caller said it."""
    box = t.sleeper()
    words = ["--bundle", box.bundle.path.name] if how == "relative" else []
    cwd = box.bundle.path.parent if how == "relative" else box.bundle.path
    t.runtime("create", *words, box.id, cwd=cwd).ok()
    equal(box.state()["bundle"], str(box.bundle.path), "bundle")


def test_the_pid_is_in_the_state(t):
    """`pid` is that of the container's process, created and running."""
    box = t.sleeper()
    box.create().ok()
    equal((box.state()["status"], box.state()["pid"]), ("created", box.pid), "created")
    box.start().ok()
    equal((box.state()["status"], box.state()["pid"]), ("running", box.pid), "running")


# ---- create (runtime.md, "Create") ---------------------------------------------------------------------------

def test_create_applies_all_but_the_process(t):
    """Before start: root, mounts, masks, names, parameters and cgroup are there, the program is not."""
    box = t.sleeper()
    box.bundle.add_mount("/opt", "tmpfs", "tmpfs", "size=64k")
    box.bundle.edit(lambda config: (config.update(hostname="before-start"),
                                    config["linux"].update(sysctl={"net.ipv4.ip_default_ttl": "77"})))
    box.create().ok()
    enter = ["nsenter", f"--target={box.pid}", "--uts", "--net", "cat", "/proc/sys/kernel/hostname",
             "/proc/sys/net/ipv4/ip_default_ttl"]
    names = subprocess.run(enter, check=True, capture_output=True, text=True).stdout
    equal(names, "before-start\n77\n", "host name and parameter")
    mounts = {line.split()[4]: line for line in box.proc("mountinfo").splitlines()}
    contains(mounts.get("/opt", ""), "size=64k", "mount of the document")
    contains(mounts.get("/proc/sys", ""), " ro,", "read-only path")
    contains(mounts["/"].split()[5].split(","), "ro", "root")
    equal(os.listdir(f"/proc/{box.pid}/root/home"), ["bob"], "names in the container's /home")
    equal(box.cgroup().name, box.id, "cgroup")
    true("sleep" not in box.proc("cmdline"), "the program runs")


# ---- the place of the cgroup (config-linux.md, "Cgroups Path") --------------------------------------------------

def from_another_cgroup(t, box):
    """`create` by a caller that is in another cgroup than this case; returns the container's cgroup."""
    place = isolation.cgroup2_mount() / f"{t.prefix}-callers" / "own"
    place.mkdir(parents=True)
    enter = f"echo $$ > {place}/cgroup.procs; exec \"$@\""
    command = t.runtime.command("create", "--bundle", box.bundle.path, "--pid-file", box.pid_file, box.id)
    try:
        t.runtime.exec(["sh", "-c", enter, "sh", *command]).ok()
        found = box.cgroup()
        box.delete("--force").ok()
        box.wait()
    finally:
        isolation.remove_tree(place.parent)
    return found


@parametrize("how", ["absolute", "relative"])
def test_the_same_path_is_the_same_cgroup(t, how):
    """One value of cgroupsPath is one place, again and again; an absolute one for every caller."""
    box = t.sleeper()
    box.bundle.edit(lambda config: config["linux"].update(cgroupsPath=f"{'/' * (how == 'absolute')}{box.id}-place"))
    places = []
    for _ in range(2):
        box.create().ok()
        places.append(box.cgroup())
        box.delete("--force").ok()
        box.wait()
    if how == "absolute":
        places.append(from_another_cgroup(t, box))
    equal(set(places), {places[0]}, "places")
    equal(places[0].name, f"{box.id}-place", "its name")
    if how == "absolute":
        equal(places[0].parent, isolation.cgroup2_mount(), "where it is")
