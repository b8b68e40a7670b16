# SPDX-License-Identifier: Apache-2.0
"""The systemd driver of a user without privileges: the user's own systemd makes the scope."""

import json
import os
import pathlib

import pytest

from harness import absent, contains, equal, true
from marks import differs, needs, parametrize
from systemd import cgroups_path, create, is_gone, needs_systemd, resources, scope, show, systemctl, text
from unprivileged import GID, SETPRIV, UID, UserRuntime, become, rootless

RUNTIME_DIR = f"/run/user/{UID}"
MANAGER = f"/user.slice/user-{UID}.slice/user@{UID}.service"
# The user's runtime directory is mounted in the machine's mount namespace, not in that of the cases.
OUTSIDE = ["nsenter", "--target", "1", "--mount", f"--wd={os.getcwd()}", "--", *SETPRIV]
AS_USER = [*OUTSIDE, "env", f"XDG_RUNTIME_DIR={RUNTIME_DIR}"]
INSIDE = [*AS_USER, "systemd-run", "--user", "--scope", "--quiet", "--"]  # a process of the user's systemd
MIB = 1 << 20


def needs_user():
    if os.environ.get("BULKHEAD_VM") != "1":
        return "it adds a user to the machine, so only in the virtual machine"
    return needs_systemd()


def driven(function):
    return needs(needs_user)(pytest.mark.timeout(180)(function))


def add_line(path, line):
    words = pathlib.Path(path).read_text()
    if line not in words.splitlines():
        pathlib.Path(path).write_text(f"{words.rstrip()}\n{line}\n")


def settle():
    """A user, whose systemd runs and has been handed every controller."""
    add_line("/etc/passwd", f"tester:x:{UID}:{GID}::/:/bin/sh")
    add_line("/etc/group", f"tester:x:{GID}:")
    add_line("/etc/shadow", "tester:*:20000:0:99999:7:::")  # PAM looks for it
    drop_in = pathlib.Path("/run/systemd/system/user@.service.d/delegate.conf")
    if not drop_in.exists():
        drop_in.parent.mkdir(parents=True, exist_ok=True)
        drop_in.write_text("[Service]\nDelegate=cpu cpuset io memory pids\n")
        systemctl("daemon-reload")
    systemctl("start", f"user@{UID}.service")


class UserDriven(UserRuntime):
    """--systemd-cgroup for the verbs that make containers."""

    def command(self, *arguments, root=True):
        words = super().command(*arguments, root=root)
        at = len(words) - len(arguments)
        maker = arguments and arguments[0] in ("create", "run", "explain")
        return [*words[:at], "--systemd-cgroup", *words[at:]] if maker else words


def user(t, prefix):
    settle()
    become(t, prefix)
    t.runtime = UserDriven(t, prefix)
    return t


def sleeper(t):
    box = t.sleeper()
    rootless(box.bundle)
    box.bundle.edit(lambda config: config["linux"].update(resources={}))
    return box


def show_user(unit, *names):
    return show(unit, *names, user=AS_USER)


@driven
@parametrize("_, prefix", [("a session", AS_USER), ("the user's systemd", INSIDE)])
def test_the_scope_is_the_users(t, _, prefix):
    """From anywhere: the scope is below the user's own systemd, with its limits."""
    user(t, prefix)
    box = resources(sleeper(t), memory={"limit": 64 * MIB}, pids={"limit": 33})
    unit = scope(box, "user.slice")
    create(box)
    contains(str(box.cgroup()), f"{MANAGER}/user.slice/{unit}", "cgroup")
    equal(show_user(unit, "ActiveState", "MemoryMax", "TasksMax"), ("active", str(64 * MIB), "33"), "properties")
    equal((text(box, "memory.max"), text(box, "pids.max")), (str(64 * MIB), "33"), "files")
    box.start().ok()
    box.delete("--force").ok()
    true(is_gone(unit, AS_USER), f"{unit} is still there")


@driven
def test_without_a_path_it_is_in_user_slice(t):
    """The default of a user."""
    user(t, AS_USER)
    box = sleeper(t)
    create(box)
    contains(str(box.cgroup()), f"{MANAGER}/user.slice/", "cgroup")


@differs("runc lets what it executes out of the scope, and out of its limits")
@driven
def test_exec_from_a_session_is_in_the_scope(t):
    """Nobody but root moves a process from a session into the user's tree: systemd does."""
    user(t, AS_USER)
    box = sleeper(t)
    unit = scope(box, "user.slice")
    create(box)
    box.start().ok()
    box.exec_detached("sleep", "61")
    equal(box.executed[0].cgroup(), box.cgroup(), "cgroup")
    contains(str(box.cgroup()), unit, "cgroup")
    equal(box.exec("sh", "-c", "exit 7").code, 7, "exit code")


@differs("as above")
@driven
def test_exec_into_a_cgroup_below(t):
    """exec --cgroup, from a session, too."""
    user(t, AS_USER)
    box = sleeper(t)
    scope(box, "user.slice")
    create(box)
    box.start().ok()
    below = box.cgroup() / "below"
    below.mkdir()
    os.chown(below, UID, GID)
    for name in ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads"):
        os.chown(below / name, UID, GID)
    box.exec_detached("sleep", "61", flags=["--cgroup", "/below"])
    equal(box.executed[0].cgroup(), below, "cgroup")


@driven
def test_limits_hold(t):
    """pids.limit stops a fork storm of a user."""
    user(t, AS_USER)
    box = t.shell("for n in 1 2 3 4 5 6 7 8; do sleep 60 & echo $n; done")
    rootless(box.bundle)
    resources_of(box, pids={"limit": 6})
    scope(box, "user.slice")
    result = box.run()
    contains(result.out, "3", "stdout")
    absent(result.out, "7", "stdout")
    contains(result.err, "can't fork", "stderr")


def resources_of(box, **limits):
    box.bundle.edit(lambda config: config["linux"].update(resources=limits))


@differs("runc needs XDG_RUNTIME_DIR or the address of the bus")
@driven
def test_later_verbs_need_no_environment(t):
    """The container's record says where its systemd is."""
    user(t, AS_USER)
    box = sleeper(t)
    unit = scope(box, "user.slice")
    create(box)
    box.start().ok()
    t.runtime.prefix = [*OUTSIDE, "env", "-i"]
    box.kill("KILL").ok()
    box.wait()
    box.delete().ok()
    true(is_gone(unit, AS_USER), f"{unit} is still there")


@differs("runc takes the address from the environment or not at all")
@driven
def test_without_a_bus_systemd_itself_is_asked(t):
    """A user without a session bus: systemd's own socket."""
    user(t, [*OUTSIDE, "env", f"XDG_RUNTIME_DIR={t.scratch}/run"])
    (t.scratch / "run/systemd").mkdir(parents=True)
    os.symlink(f"{RUNTIME_DIR}/systemd/private", t.scratch / "run/systemd/private")
    for path in (t.scratch / "run", t.scratch / "run/systemd"):
        os.chown(path, UID, GID)
    box = sleeper(t)
    scope(box, "user.slice")
    create(box)
    contains(str(box.cgroup()), MANAGER, "cgroup")


@differs("runc has its own words")
@driven
def test_no_systemd_of_the_user(t):
    """A clear error that names where it was looked for; nothing is made."""
    user(t, [*OUTSIDE, "env", f"XDG_RUNTIME_DIR={t.scratch}"])
    result = sleeper(t).create().exits(1)
    contains(result.err, f"cannot talk to systemd: unix:path={t.scratch}/bus: no such file or directory", "stderr")
    t.no_state()


@differs("Debian's runc asks busctl for the user's id")
@driven
def test_root_of_a_user_namespace_is_the_user(t):
    """uid 0 of a user namespace, as podman's runtime is: the user's systemd, not the machine's."""
    user(t, [*AS_USER, "unshare", "--user", "--map-root-user", "--mount"])
    box = t.sleeper()
    box.bundle.edit(lambda config: config["linux"].update(resources={"pids": {"limit": 9}}))
    box.bundle.edit(lambda config: [each["options"].remove("gid=5") for each in config["mounts"]
                                    if each["type"] == "devpts"])
    unit = scope(box, "user.slice")
    create(box)
    equal(show_user(unit, "ActiveState", "TasksMax"), ("active", "9"), "properties")
    box.delete("--force").ok()
    true(is_gone(unit, AS_USER), f"{unit} is still there")


@differs("Debian's runc runs the hook outside")
@driven
def test_a_hook_in_the_container_is_in_its_cgroup(t):
    """createContainer, from a session: for who is in the container's cgroup namespace, that is the root."""
    user(t, AS_USER)
    box = sleeper(t)
    unit = scope(box, "user.slice")
    seen = t.scratch / "seen"
    script = f"cat /proc/self/cgroup > {seen}"
    box.bundle.edit(lambda config: config.update(
        hooks={"createContainer": [{"path": "/bin/sh", "args": ["sh", "-c", script]}]}))
    create(box)
    equal(seen.read_text(), "0::/\n", "the hook's cgroup")
    contains(str(box.cgroup()), unit, "the container's cgroup")


@differs("its errors are runc's")
@driven
@parametrize("what", ["hugetlb", "a slice of the machine"])
def test_what_was_not_delegated(t, what):
    """A controller that the user's systemd does not hand down is named; nothing is left."""
    user(t, AS_USER)
    box = sleeper(t)
    unit = scope(box, "user.slice")
    if what == "hugetlb":
        resources_of(box, hugepageLimits=[{"pageSize": "2MB", "limit": 0}])
        said = box.create().exits(1).err
        contains(said, "config.json: /linux/resources/hugepageLimits/0: the cgroup controller \"hugetlb\" is not "
                 "available: cgroup /", "stderr")
        # The first one above that lacks it: earlier cases may have let the root hand it down.
        ends = [f"cgroup {where} cpuset cpu io memory pids\n" for where in ("/ has", "/user.slice hands down")]
        true(said.endswith(tuple(ends)), f"where it is missing: {said}")
    else:
        cgroups_path(box, f"system.slice:bh:{box.id}")  # of the user's systemd, too: just a name
        create(box)
        contains(str(box.cgroup()), f"{MANAGER}/system.slice/", "cgroup")
        return
    t.no_state()
    true(is_gone(unit, AS_USER), f"{unit} is there")


@differs("runc's state is its own")
@driven
def test_explain_shows_the_users_scope(t):
    """explain says where the scope will be."""
    user(t, AS_USER)
    box = sleeper(t)
    unit = scope(box, "user.slice")
    steps = json.loads(t.runtime("explain", "--json", "--bundle", box.bundle.path, box.id).ok().out)
    objects = [step["object"] for step in steps if step["verb"] == "start_unit"]
    equal(len(objects), 1, "start_unit steps")
    contains(objects[0], unit, "start_unit")
    true(is_gone(unit, AS_USER), f"explain has made {unit}")
    create(box)
    contains(str(box.cgroup()), f"{MANAGER}/user.slice/{unit}", "cgroup")
