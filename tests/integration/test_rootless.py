# SPDX-License-Identifier: Apache-2.0
"""Containers of a caller who is not root: with one id, with ranges, with and without cgroups."""

import json
import os
import pathlib
import stat

import isolation
from harness import BASE_ENV, absent, contains, equal, eventually, status_field, true
from marks import differs, needs, parametrize
from test_terminal import below_a_terminal, listener, read_master, receive
from unprivileged import (FIRST_SUBID, GID, SETPRIV, SUBIDS, UID, become_root_of_a_user_namespace, become_user,
                          become_user_with_ranges, delegate, mapping, needs_mapping_tools, rootless,
                          with_user_namespace)

def user_box(t, *args, uid=0, gid=0, **process):
    become_user(t)
    return t.container(bundle=rootless(t.bundle(*args, **process), uid, gid))


def user_shell(t, script, **options):
    return user_box(t, "sh", "-c", script, **options)


def ranged_box(t, *args, **process):
    become_user_with_ranges(t)
    maps = [[mapping(0, own), mapping(1, FIRST_SUBID, SUBIDS)] for own in (UID, GID)]
    bundle = rootless(t.bundle(*args))
    bundle.edit(lambda config: config["linux"].update(uidMappings=maps[0], gidMappings=maps[1]))
    return t.container(bundle=bundle.process(**process))


def without(bundle, kind):
    """Takes a namespace out of the list."""
    return bundle.edit(lambda config: config["linux"].update(
        namespaces=[each for each in config["linux"]["namespaces"] if each["type"] != kind]))


# ---- ids ------------------------------------------------------------------------------------------------

def test_the_caller_is_root_inside(t):
    """One uid and one gid: the caller's, which are 0 inside."""
    equal(user_shell(t, "id -u; id -g; cat /proc/self/uid_map").run().ok().out.split(),
          ["0", "0", "0", str(UID), "1"], "ids")


@differs("runc 1.1.5 wants user 0 in the map")
def test_the_caller_as_itself(t):
    """uid == uid and no 0: the container is set up all the same, and the program is who its caller is."""
    box = user_shell(t, "id -u; id -g; echo x > /dev/null; ls -d /dev/pts", uid=UID, gid=GID)
    equal(box.run().ok().out.split(), [str(UID), str(GID), "/dev/pts"], "ids")


def test_without_a_user_namespace_it_is_refused(t):
    """Nobody but root can do without; the error says so."""
    become_user(t)
    bundle = rootless(t.bundle("true"))
    without(bundle, "user")
    if t.bulkhead:  # runc 1.1 ignores maps then
        bundle.edit(lambda config: (config["linux"].pop("uidMappings"), config["linux"].pop("gidMappings")))
    contains(t.container(bundle=bundle).create().exits(1).err, "rootless container requires user namespaces", "stderr")
    t.no_state()


def test_ids_of_others_are_refused(t):
    """Nobody may map an id that is not its own."""
    become_user(t)
    bundle = with_user_namespace(t.bundle("true").without_namespace("network"), [mapping(0, 0)], [mapping(0, 0)])
    true(t.container(bundle=bundle).create().code != 0, "another's id was mapped")
    t.no_state()


@needs(needs_mapping_tools)
def test_ranges_are_mapped_by_the_helpers(t):
    """newuidmap and newgidmap write what /etc/subuid and /etc/subgid allow."""
    box = ranged_box(t, "cat", "/proc/self/uid_map", "/proc/self/gid_map")
    equal(box.run().ok().out.split(), ["0", str(UID), "1", "1", str(FIRST_SUBID), str(SUBIDS),
                                       "0", str(GID), "1", "1", str(FIRST_SUBID), str(SUBIDS)], "maps")


@needs(needs_mapping_tools)
def test_ranges_have_other_users(t):
    """A user of the range can run the program."""
    box = ranged_box(t, "id", "-u", user={"uid": 1000, "gid": 1000})
    equal(box.run().ok().out.split(), ["1000"], "uid")


@needs(needs_mapping_tools)
def test_another_user_of_the_range_can_be_killed(t):
    """The owner of the user namespace may signal whoever is in it, whatever its uid."""
    box = ranged_box(t, "sh", "-c", "sleep 60 & sleep 61", user={"uid": 1000, "gid": 1000})
    box.run_detached().ok()
    equal(int(status_field(box.proc("status"), "Uid").split()[0]), FIRST_SUBID + 999, "the user on the host")
    box.kill("KILL").ok()
    box.wait_dead()
    box.delete("--force").ok()
    box.wait()
    t.no_state()


@needs(needs_mapping_tools)
def test_more_than_the_ranges_is_refused(t):
    """What the helpers refuse is an error with their words; nothing is left."""
    box = ranged_box(t, "true")
    box.bundle.edit(lambda config: config["linux"].update(uidMappings=[mapping(0, UID), mapping(1, 1, 10)]))
    contains(box.create().exits(1).err, "newuidmap", "stderr")
    t.no_state()


# ---- groups ---------------------------------------------------------------------------------------------

def test_setgroups_is_denied_with_one_gid(t):
    """Who maps without help cannot be allowed to drop groups (CVE-2014-8989)."""
    equal(user_box(t, "cat", "/proc/self/setgroups").run().ok().out, "deny\n", "setgroups")


@needs(needs_mapping_tools)
def test_setgroups_is_allowed_with_ranges(t):
    """newgidmap vouches for ranges: groups are allowed, and are exactly those of the config."""
    box = ranged_box(t, "cat", "/proc/self/setgroups", "/proc/self/status")
    out = box.run().ok().out
    equal(out.splitlines()[0], "allow", "setgroups")
    equal(set(status_field(out, "Groups").split()) - {"0"}, set(), "groups")


@differs("runc refuses groups of every caller who is not root")
@needs(needs_mapping_tools)
def test_groups_with_ranges(t):
    """additionalGids of the range are set."""
    box = ranged_box(t, "id", "-G", user={"uid": 0, "gid": 0, "additionalGids": [5, 6]})
    equal(set(box.run().ok().out.split()) - {"0"}, {"5", "6"}, "groups")


def test_groups_with_one_gid_are_refused(t):
    """additionalGids where setgroups is denied are an error."""
    box = user_box(t, "true", user={"uid": 0, "gid": 0, "additionalGids": [5]})
    contains(box.create().exits(1).err, "cannot set any additional groups in a rootless container", "stderr")
    t.no_state()


# ---- the inside -----------------------------------------------------------------------------------------

def test_the_default_mounts_are_there(t):
    """Every mount of `spec --rootless` is mounted, and /sys is read-only."""
    out = user_box(t, "cat", "/proc/mounts").run().ok().out
    points = {line.split()[1]: line.split() for line in out.splitlines()}
    for point in ("/", "/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys", "/sys/fs/cgroup"):
        true(point in points, f"{point} is not mounted")
    contains(points["/sys"][3].split(","), "ro", "options of /sys")
    contains(points["/"][3].split(","), "ro", "options of /")


def test_devices_are_the_hosts(t):
    """They cannot be made, so they are bound; they work and cannot be changed."""
    box = user_shell(t, "echo x > /dev/null && head -c 2 /dev/zero | od -An -tx1; chmod 600 /dev/null || echo kept")
    equal(box.run().out.split(), ["00", "00", "kept"], "output")


def test_masks_and_read_only_paths_hold(t):
    """What the config masks and protects is masked and protected without root, too."""
    out = user_shell(t, "ls /sys/firmware | wc -l; wc -c < /proc/timer_list; (echo 1 > /proc/sys/kernel/sysrq) "
                        "2>/dev/null || echo protected").run().ok().out
    equal(out.split(), ["0", "0", "protected"], "masked and read-only paths")


def test_the_root_is_the_users(t):
    """A root file system of the caller can be written, as its owner."""
    become_user(t)
    bundle = rootless(t.bundle("sh", "-c", "echo hello > /tmp/file; stat -c %u /tmp/file")).writable()
    equal(t.container(bundle=bundle).run().ok().out.split(), ["0"], "owner inside")
    equal((bundle.rootfs / "tmp/file").stat().st_uid, UID, "owner outside")


def test_missing_mount_targets_are_made(t):
    """In a root of the caller's own, mount points that are missing are made."""
    become_user(t)
    bundle = rootless(t.bundle("ls", "-d", "/new/place"))
    os.chown(bundle.rootfs, UID, GID)
    bundle.add_mount("/new/place", "tmpfs", "tmpfs")
    equal(t.container(bundle=bundle).run().ok().out.split(), ["/new/place"], "target")


def test_a_bind_mount_keeps_its_locked_flags(t):
    """A source that is nosuid on the host stays so, whatever the config says."""
    become_user(t)
    bundle = rootless(t.bundle("cat", "/proc/mounts")).add_mount("/tmp", "bind", "/dev/shm", "rbind", "rw")
    out = t.container(bundle=bundle).run().ok().out
    line = [line.split() for line in out.splitlines() if line.split()[1] == "/tmp"][0]
    host = [line.split() for line in pathlib.Path("/proc/mounts").read_text().splitlines()
            if line.split()[1] == "/dev/shm"]
    if host:
        for flag in {"nosuid", "nodev", "noexec"} & set(host[0][3].split(",")):
            contains(line[3].split(","), flag, "options")


@differs("runc 1.1.5 makes /sys read-only, and not the cgroups mounted below")
@parametrize("_, own", [("its own cgroup namespace", True), ("the host's", False)])
def test_cgroups_of_the_host_cannot_be_written(t, _, own):
    """CVE-2023-25809: a recursive bind of /sys shows no cgroup that the caller could write."""
    become_user(t)
    top = delegate(t)
    (top / "victim").mkdir()
    os.chown(top / "victim", UID, GID)
    script = "find /sys/fs/cgroup -name victim -exec mkdir {}/broken \\; 2>/dev/null; true"
    bundle = rootless(t.bundle("sh", "-c", script))
    if not own:
        without(bundle, "cgroup")
        bundle.edit(lambda config: config.update(mounts=[each for each in config["mounts"] if each["type"] != "cgroup"]))
    try:
        t.container(bundle=bundle).run()
        true(not (top / "victim/broken").exists(), "the container made a cgroup of the host")
    finally:
        isolation.remove_tree(top)


# ---- the verbs ------------------------------------------------------------------------------------------

def test_the_whole_life(t):
    """create, state, list, start, kill and delete, all as the user."""
    box = user_box(t, "sleep", "60")
    box.create().ok()
    equal(box.status(), "created", "status")
    equal(int(status_field(box.proc("status"), "Uid").split()[0]), UID, "the user on the host")
    contains(t.runtime("list").ok().out, box.id, "list")
    box.start().ok()
    equal(box.status(), "running", "status")
    box.kill("KILL").ok()
    box.wait_dead()
    equal(box.wait(), -9, "exit status")
    equal(box.status(), "stopped", "status")
    box.delete().ok()
    t.no_state()


def test_delete_force_kills(t):
    """delete --force of a running container, without a cgroup to kill."""
    box = user_shell(t, "sleep 60 & sleep 61")
    box.run_detached().ok()
    box.delete("--force").ok()
    box.wait()
    t.no_state()


def test_the_exit_status_comes_through(t):
    """An attached run returns the program's status."""
    user_shell(t, "exit 42").run().exits(42)


def test_a_program_that_is_missing_is_an_error_of_create(t):
    """Failures of the stage are told, and nothing is left."""
    contains(user_box(t, "/bin/nothing").create().exits(1).err, "/bin/nothing", "stderr")
    t.no_state()


def test_a_console_socket_works(t):
    """The terminal of a container of a user goes to the user's socket."""
    box = user_shell(t, "test -t 0 && echo terminal", terminal=True)
    with listener(t) as server:
        os.chown(server.getsockname(), UID, GID)
        box.create("--console-socket", server.getsockname()).ok()
        _, (master,) = receive(server)
    box.start().ok()
    equal(read_master(master), "terminal\n", "output")
    os.close(master)
    equal(box.wait(), 0, "status")


def test_an_attached_terminal_works(t):
    """run on a terminal."""
    box = user_shell(t, "test -t 0 && echo terminal", terminal=True)
    code, text, *_ = below_a_terminal(t, box)
    equal((code, text), (0, "terminal\n"), "status and output")


@differs("another directory name")
def test_states_are_in_the_runtime_directory(t):
    """Without --root the states of a user are below XDG_RUNTIME_DIR."""
    box = user_box(t, "sleep", "60")
    place = t.scratch / "run"
    place.mkdir()
    os.chown(place, UID, GID)
    env = {**BASE_ENV, "XDG_RUNTIME_DIR": str(place)}
    verb = lambda *words: t.runtime.exec([*SETPRIV, t.runtime.path, *map(str, words)], env=env)
    verb("run", "--detach", "--bundle", box.bundle.path, "--pid-file", box.pid_file, box.id).ok()
    equal(json.loads(verb("state", box.id).ok().out)["status"], "running", "status")
    equal(os.listdir(place / "bulkhead"), [box.id], "states")
    equal(stat.S_IMODE((place / "bulkhead").stat().st_mode) & 0o777, 0o700, "mode")
    verb("delete", "--force", box.id).ok()
    box.wait()


# ---- cgroups --------------------------------------------------------------------------------------------

def own_cgroup(pid):
    return [line for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines()
            if line.startswith("0::")][0][3:]


def test_without_permission_there_is_no_cgroup(t):
    """Who may not make cgroups has none: the container stays in the caller's."""
    box = user_box(t, "sleep", "60")
    box.run_detached().ok()
    equal(own_cgroup(box.pid), own_cgroup("self"), "cgroup")


def test_a_delegated_cgroup_is_used(t):
    """Who has a cgroup of its own gets one in there, and it goes with the container."""
    box = user_box(t, "sleep", "60")
    top = delegate(t)
    try:
        box.run_detached().ok()
        true(own_cgroup(box.pid).startswith(f"/{top.name}/"), f"cgroup is {own_cgroup(box.pid)}")
        true(own_cgroup(box.pid) != f"/{top.name}/leaf", "the container is in the caller's cgroup")
        box.delete("--force").ok()
        box.wait()
        eventually(lambda: {each.name for each in top.iterdir() if each.is_dir()} == {"leaf"}, "the cgroup is left")
    finally:
        isolation.remove_tree(top)


@differs("runc 1.1.5 fails with the EACCES of cgroup.procs")
def test_a_cgroup_that_cannot_be_entered_is_given_up(t):
    """The directory can be made and a process cannot be moved into it: it is removed, and there is none."""
    box = user_box(t, "sleep", "60")
    top = delegate(t)
    os.chown(top / "cgroup.procs", 0, 0)
    try:
        box.run_detached().ok()
        equal(own_cgroup(box.pid), f"/{top.name}/leaf", "cgroup")
        equal({each.name for each in top.iterdir() if each.is_dir()}, {"leaf"}, "cgroups")
        box.delete("--force").ok()
        box.wait()
    finally:
        isolation.remove_tree(top)


@differs("runc 1.1.5 tells a named cgroup by other rules")
def test_a_cgroup_that_was_named_is_needed(t):
    """cgroupsPath is no wish: without permission it is an error, and nothing is left."""
    box = user_box(t, "true")
    box.bundle.edit(lambda config: config["linux"].update(cgroupsPath=f"/{box.id}"))
    contains(box.create().exits(1).err, "/linux/cgroupsPath", "stderr")
    t.no_state()


@differs("runc 1.1.5 tolerates it for every user")
def test_rootless_false_insists(t):
    """--rootless false: a missing permission is an error; true and auto tolerate it."""
    box = user_box(t, "true")
    create = lambda *flags: t.runtime.exec([*t.runtime.command(*flags, "run", "--bundle", box.bundle.path, box.id)])
    contains(create("--rootless", "false").exits(1).err, "make_cgroup", "stderr")
    t.no_state()
    for word in ("true", "auto"):
        create("--rootless", word).ok()


@differs("runc has no such option")
def test_disabled_makes_no_cgroup(t):
    """--cgroup-manager disabled: no cgroup, for root as for a user; the default device rules warn nobody."""
    box = t.sleeper()
    bundle = with_user_namespace(box.bundle, [mapping(0, 100000, 65536)], [mapping(0, 100000, 65536)])
    t.runtime.exec(t.runtime.command("--cgroup-manager", "disabled", "run", "--detach", "--bundle", bundle.path,
                                     "--pid-file", box.pid_file, box.id)).ok()
    equal(own_cgroup(box.pid), own_cgroup("self"), "cgroup")
    equal(box.status(), "running", "status")
    box.kill("KILL").ok()
    box.wait()
    box.delete().ok()


@differs("runc has no such option")
def test_disabled_warns_where_devices_could_be_made(t):
    """Root without a user namespace is told that the device rules of its config are not in force."""
    box, warnings = t.container("true"), t.runtime.warned()
    t.runtime("--cgroup-manager", "disabled", "run", "--bundle", box.bundle.path, box.id).ok()
    contains(warnings(), "no device rule is in force", "the log")


@differs("runc has no such option")
def test_disabled_warns_of_limits(t):
    """Limits that nobody enforces are named."""
    box, warnings = t.container("true"), t.runtime.warned()
    box.bundle.edit(lambda config: config["linux"]["resources"].update(pids={"limit": 9}))
    t.runtime("--cgroup-manager", "disabled", "run", "--bundle", box.bundle.path, box.id).ok()
    contains(warnings(), "without a cgroup this limit is not in force: config.json: /linux/resources/pids/limit",
             "the log")


@differs("runc has no explain")
def test_explain_tells_a_user_what_root_would_do(t):
    """Any user may ask about any bundle."""
    become_user(t)
    out = t.runtime("explain", "--bundle", t.bundle("true").path).ok().out
    contains(out, "attach_device_filter", "explain")
    out = t.runtime("explain", "--bundle", rootless(t.bundle("true")).path).ok().out
    contains(out, f"users 0 {UID} 1", "explain")
    absent(out, "attach_device_filter", "explain")


@differs("runc has no such option")
def test_disabled_contradicts_a_named_cgroup(t):
    """A cgroupsPath and no cgroup cannot both be had."""
    box = t.container("true")
    box.bundle.edit(lambda config: config["linux"].update(cgroupsPath=f"/{box.id}"))
    result = t.runtime.exec(t.runtime.command("--cgroup-manager", "disabled", "run", "--bundle", box.bundle.path, box.id))
    contains(result.exits(1).err, "/linux/cgroupsPath", "stderr")
    t.no_state()


@differs("runc kills init alone")
def test_kill_without_cgroup_and_pid_namespace_says_so(t):
    """Where neither can take all of the container, SIGKILL is refused with the reason; delete --force still removes."""
    become_user(t)
    bundle = rootless(t.bundle("sleep", "60"))
    without(bundle, "pid")
    bundle.edit(lambda config: config["linux"].update(maskedPaths=[], readonlyPaths=[]))
    bundle.edit(lambda config: config.update(mounts=[each for each in config["mounts"] if each["type"] != "proc"]))
    box = t.container(bundle=bundle)
    box.run_detached().ok()
    contains(box.kill("KILL").exits(1).err, "neither a cgroup nor a pid namespace", "stderr")
    box.kill("TERM").ok()
    box.delete("--force").ok()
    box.wait()


# ---- root of a user namespace ---------------------------------------------------------------------------

def test_root_of_a_user_namespace_runs_the_default_bundle(t):
    """As in rootless podman: the caller is 0 of a namespace of its own, and the bundle asks for none."""
    become_root_of_a_user_namespace(t)
    bundle = t.bundle("sh", "-c", "id -u; echo x > /dev/null; ls /dev")
    bundle.edit(lambda config: [each.get("options", []).remove("gid=5") for each in config["mounts"]
                                if each["type"] == "devpts"])
    out = t.container(bundle=bundle).run().ok().out.split()
    equal(out[0], "0", "uid")
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        contains(out, name, "/dev")


def test_spec_rootless_runs(t):
    """What `spec --rootless` writes for this caller runs for it, as it is."""
    become_user(t)
    bundle = t.bundle()
    os.chown(bundle.path, UID, GID)
    (bundle.path / "config.json").unlink()
    t.runtime.exec([*SETPRIV, t.runtime.path, "spec", "--rootless", "--bundle", str(bundle.path)]).ok()
    bundle.config = json.loads((bundle.path / "config.json").read_text())
    bundle.process(terminal=False, args=["id", "-u"])
    equal(t.container(bundle=bundle).run().ok().out, "0\n", "uid")


def test_spec_rootless_is_that_of_runc(t):
    """A user namespace with the caller as 0, no network namespace, no sysfs, no gid, no limits."""
    become_user(t)
    place = t.scratch / "new"
    place.mkdir()
    os.chown(place, UID, GID)
    t.runtime.exec([*SETPRIV, t.runtime.path, "spec", "--rootless", "--bundle", str(place)]).ok()
    text = (place / "config.json").read_text()
    config = json.loads(text)
    equal(config["linux"]["uidMappings"], [mapping(0, UID)], "uidMappings")
    equal(config["linux"]["gidMappings"], [mapping(0, GID)], "gidMappings")
    equal([each["type"] for each in config["linux"]["namespaces"]], ["pid", "ipc", "uts", "mount", "cgroup", "user"],
          "namespaces")
    true("resources" not in config["linux"], "there are limits")
    absent(text, "gid=5", "config.json")
    absent(text, '"sysfs"', "config.json")
    sys_mount = [each for each in config["mounts"] if each["destination"] == "/sys"][0]
    equal((sys_mount["source"], sys_mount["options"]), ("/sys", ["rbind", "nosuid", "noexec", "nodev", "ro"]), "/sys")
