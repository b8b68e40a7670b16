# SPDX-License-Identifier: Apache-2.0
"""An executed program has the policy of the container's first process, whatever policy the caller has."""

import os
import signal

import pytest

from harness import absent, contains, equal, eventually, status_field, true
from marks import differs, needs, parametrize
from test_credentials import mask, sets
from test_exec import alone, output, running
from test_joins import joined, path_of
from test_keyring import hold_a_secret, no_keyrings, SECRET
from test_scheduling import io_priority
from test_seccomp import profile
from test_user_namespace import COUNT, FIRST, box_of, bundle_of

pytestmark = pytest.mark.any_cgroups

STATUS = ["Umask", "Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp",
          "Seccomp_filters", "SigBlk", "SigIgn", "SigCgt", "Cpus_allowed_list", "Mems_allowed_list",
          "Speculation_Store_Bypass", "THP_enabled"]
FIVE_SETS = ("bounding", "permitted", "effective", "inheritable", "ambient")


def facts(process):
    """What the kernel reports about a process and what must be the same for two processes of one container."""
    root, directory, pid = f"/proc/{process.pid}/root", f"/proc/{process.pid}/ns", process.pid
    found = {field: status_field(process.proc("status"), field) for field in STATUS}
    found |= {f"namespace {name}": os.readlink(f"{directory}/{name}") for name in sorted(os.listdir(directory))}
    found |= {name: process.proc(name) for name in ("limits", "mountinfo", "environ", "oom_score_adj", "personality",
                                                    "uid_map", "gid_map", "setgroups", "timens_offsets")}
    found |= {"cgroup": process.cgroup(), "root": (os.stat(root).st_dev, os.stat(root).st_ino),
              "cwd": os.readlink(f"/proc/{pid}/cwd"), "scheduler": os.sched_getscheduler(pid),
              "nice": os.getpriority(os.PRIO_PROCESS, pid), "I/O priority": io_priority(pid),
              "descriptors": sorted(process.descriptors()), "coredump_filter": process.proc("coredump_filter")}
    return found


def same(box, **options):
    """Compares init with an executed program, property by property; returns the common values."""
    box.begun("60")
    process = box.exec_detached("sleep", "61", **options)
    expected, found = facts(box), facts(process)
    equal({name: value for name, value in found.items() if value != expected[name]},
          {name: value for name, value in expected.items() if value != found[name]}, "what differs")
    return found


def boxed(t, change, **process):
    box = t.sleeper(**process)
    box.bundle.edit(change)
    box.run_detached().ok()
    return box


# ---- the same as init -------------------------------------------------------------------------------------

@parametrize("_, properties", [
                       ("default", {}),
                       ("another user", {"user": {"uid": 1000, "gid": 1001, "additionalGids": [5, 27]}}),
                       ("new privileges", {"noNewPrivileges": False}),
                       ("no capabilities", {"capabilities": {}}),
                       ("capabilities absent", {"capabilities": None}),
                       ("five sets", {"capabilities": {kind: ["CAP_CHOWN", "CAP_KILL"] for kind in FIVE_SETS},
                                       "user": {"uid": 1000, "gid": 1000}}),
                       ("limits", {"rlimits": [{"type": "RLIMIT_NOFILE", "soft": 64, "hard": 65},
                                               {"type": "RLIMIT_CORE", "soft": 0, "hard": 0},
                                               {"type": "RLIMIT_NPROC", "soft": 1000, "hard": 2000}]}),
                       ("no limits", {"rlimits": []}),
                       ("oom score", {"oomScoreAdj": 123}),
                       ("directory", {"cwd": "/tmp"}),
                       ("environment", {"env": ["PATH=/bin", "A=1", "B=", "A=2"]})])
def test_process_of_the_config(t, _, properties):
    """An executed program has every process property of the config."""
    same(boxed(t, lambda config: config["process"].update(properties)))


@differs("runc 1.1.5 does not know the property, or does not keep it for exec")
@parametrize("_, properties, name, value", [
    ("umask", {"user": {"uid": 0, "gid": 0, "umask": 0o77}}, "Umask", "0077"),
    ("scheduler", {"scheduler": {"policy": "SCHED_BATCH", "nice": 4}}, "scheduler", os.SCHED_BATCH),
    ("real time", {"scheduler": {"policy": "SCHED_RR", "priority": 3}}, "scheduler", os.SCHED_RR),
    ("I/O priority", {"ioPriority": {"class": "IOPRIO_CLASS_IDLE", "priority": 0}}, "I/O priority", (3, 0))])
def test_newer_properties_of_the_config(t, _, properties, name, value):
    """An executed program has the newer process properties too."""
    equal(same(boxed(t, lambda config: config["process"].update(properties)))[name], value, name)


@differs("runc 1.1.5 is older than the property")
def test_personality(t):
    """linux.personality holds for executed programs."""
    box = boxed(t, lambda config: config["linux"].update(personality={"domain": "LINUX32"}))
    equal(same(box)["personality"].strip(), "00000008", "personality")


@parametrize("kind", ["pid", "network", "ipc", "uts", "cgroup"])
def test_without_a_namespace(t, kind):
    """If the container shares a namespace with the host, so does the executed program."""
    def change(config):
        config["linux"]["namespaces"] = [each for each in config["linux"]["namespaces"] if each["type"] != kind]
        if kind == "uts":
            config.pop("hostname")
        if kind in ("network", "cgroup"):
            config["mounts"] = [each for each in config["mounts"] if each["type"] not in ("sysfs", "cgroup")]
    found = same(boxed(t, change))
    name = {"network": "net"}.get(kind, kind)
    equal(found[f"namespace {name}"], os.readlink(f"/proc/self/ns/{name}"), "namespace")


@parametrize("kind", ["pid", "network", "ipc", "uts", "cgroup"])
def test_with_a_joined_namespace(t, kind):
    """An executed program is in a namespace that the container has joined."""
    first = running(t)
    second = t.container(bundle=joined(t.bundle("sleep", "60"), {kind: path_of(first, kind)}))
    second.run_detached().ok()
    same(second)
    second.end_executed()
    second.kill("KILL").ok()
    second.wait()


@differs("runc 1.1.5 has no time namespaces")
def test_in_a_time_namespace(t):
    """An executed program sees the container's clocks."""
    def change(config):
        config["linux"]["namespaces"].append({"type": "time"})
        config["linux"]["timeOffsets"] = {"boottime": {"secs": 10000000}}
    box = boxed(t, change)
    same(box)
    true(float(output(box, "cat", "/proc/uptime").split()[0]) > 10000000, "the clock is the host's")


@parametrize("flag", ["-n", "-u", "-i", "-m"])
def test_a_namespace_that_init_made_for_itself(t, flag):
    """If init has moved into a new namespace, the executed program is with init."""
    names = ["CAP_SYS_ADMIN"]
    box = t.container("unshare", flag, "sleep", "60",
                      capabilities={kind: names for kind in ("bounding", "permitted", "effective")})
    box.run_detached().ok()
    eventually(lambda: box.proc("cmdline").startswith("sleep"), "it does not get there")
    process = box.exec_detached("sleep", "61")
    for name in ("mnt", "net", "ipc", "uts", "pid", "cgroup"):
        equal(*[os.readlink(f"/proc/{each.pid}/ns/{name}") for each in (process, box)], name)


def test_a_user_namespace_that_init_made_for_itself(t):
    """Init's own user namespace does not change the users of exec, because any program may make such a namespace."""
    box = t.container("unshare", "-U", "sleep", "60", user={"uid": 1000, "gid": 1000})
    box.run_detached().ok()
    eventually(lambda: box.proc("cmdline").startswith("sleep"), "it does not get there")
    equal(output(box, "id", "-u"), "1000\n", "uid")
    equal(output(box, "id", "-u", flags=["--user", "0"]), "0\n", "uid of --user")


def test_mounts_that_the_container_made(t):
    """An executed program sees the mounts that the container has made since its start."""
    names = ["CAP_SYS_ADMIN"]
    box = t.shell("mount -t tmpfs none /tmp && touch /tmp/mine; exec sleep 60",
                  capabilities={kind: names for kind in ("bounding", "permitted", "effective")})
    box.run_detached().ok()
    eventually(lambda: box.proc("cmdline").startswith("sleep"), "it does not get there")
    equal(output(box, "ls", "/tmp"), "mine\n", "/tmp")
    equal(box.exec_detached("sleep", "61").proc("mountinfo"), box.proc("mountinfo"), "mounts")


def executes_without(t, kind):
    box = boxed(t, lambda config: config.update(
        mounts=[each for each in config["mounts"] if each["type"] != kind],
        linux={**config["linux"], "maskedPaths": [], "readonlyPaths": []}))
    equal(output(box, "echo", "fine"), "fine\n", "stdout")
    box.exec("/no/such").exits(255)


@parametrize("kind", ["devpts", "cgroup", "mqueue"])
def test_without_a_mount(t, kind):
    """exec works in a container without one of the usual mounts."""
    executes_without(t, kind)


@differs("runc 1.1.5 needs /proc/self/fd")
def test_without_procfs(t):
    """exec works in a container without /proc."""
    executes_without(t, "proc")


def test_masks_and_read_only_paths_hold(t):
    """The executed program sees the container's masks, and a read-only root."""
    box = running(t)
    equal(output(box, "cat", "/proc/timer_list"), "", "/proc/timer_list")
    contains(box.exec("touch", "/x").exits(1).err, "ead-only", "stderr")
    contains(box.exec("sh", "-c", "echo 1 > /proc/sys/kernel/domainname").exits(1).err, "ead-only", "stderr")


def test_device_rules_hold(t):
    """The device filter of the container's cgroup is in force for executed programs."""
    names = ["CAP_MKNOD"]
    box = t.sleeper(capabilities={kind: names for kind in ("bounding", "permitted", "effective")})
    box.bundle.writable()
    box.run_detached().ok()
    result = box.exec("sh", "-c", "mknod /tmp/disk b 254 0; head -c 1 /tmp/disk")
    true(result.code != 0 and "not permitted" in result.err, f"a device could be opened: {result}")


# ---- callers ----------------------------------------------------------------------------------------------

@parametrize("what, setup", [
    ("ignored signals", {"ignore": [1, 2, 10, 13]}),
    ("limits", {"rlimits": {"RLIMIT_CORE": [0, 0], "RLIMIT_STACK": [1 << 20, 1 << 30]}}),
    ("groups", {"groups": [4, 24, 4321]}),
    ("few descriptors", {"rlimits": {"RLIMIT_NOFILE": [24, 1024]}}),
    ("descriptors", {"fds": {str(number): "/dev/zero" for number in range(3, 41)}})])
def test_a_strange_caller(t, what, setup):
    """Signals, groups and descriptors of the caller of exec do not reach the program."""
    box = running(t)
    if what == "limits":  # limits that the config does not name are the caller's, for init and for exec
        box = t.sleeper()
        box.run_detached(setup=setup).ok()
    same(box, setup=setup)


@differs("runc 1.1.5 leaves SIGUSR1 blocked")
def test_a_caller_that_blocks_signals(t):
    """The caller's signal mask does not reach the program."""
    same(running(t), setup={"block": [1, 2, 10, 15, 17, 34]})


@differs("runc 1.1.5 leaves the caller's umask to every exec")
@parametrize("value", [0o77, 0])
def test_a_caller_with_a_umask(t, value):
    """The caller's umask does not reach the program."""
    same(running(t), setup={"umask": value})


def test_a_nice_caller(t):
    """The program has the nice value of exec's caller, as with create: exec adds nothing."""
    box, file = running(t), t.scratch / "nice.pid"
    command = t.runtime.command("exec", "--detach", "--pid-file", file, box.id, "sleep", "61")
    t.runtime.exec(["nice", "-n", "5", *command]).ok()
    pid = int(file.read_text())
    equal(os.getpriority(os.PRIO_PROCESS, pid), min(19, 5 + os.getpriority(os.PRIO_PROCESS, 0)), "nice")
    os.kill(pid, signal.SIGKILL)
    alone(box)


def test_a_caller_elsewhere(t):
    """The caller's directory does not matter, and is not the program's."""
    box = running(t)
    equal(box.exec("readlink", "/proc/self/cwd", cwd="/usr/share").ok().out, "/\n", "cwd")


def test_a_dead_directory_of_the_caller(t):
    """exec works from a directory that was removed."""
    gone = t.scratch / "gone"
    gone.mkdir()
    box = running(t)
    script = 'cd "$1" && rmdir "$1" && shift && exec "$@"'
    equal(t.runtime.exec(["sh", "-c", script, "sh", str(gone), *t.runtime.command("exec", box.id, "pwd")]).ok().out,
          "/\n", "cwd")


@needs(no_keyrings)
def test_the_callers_keys_are_not_reachable(t):
    """The program has no key of the session of exec's caller."""
    bundle = t.bundle("sleep", "60").edit(lambda config: config["linux"].pop("maskedPaths"))
    box = t.container(bundle=bundle)
    box.run_detached().ok()
    hold_a_secret()
    contains(open("/proc/keys", encoding="ascii").read(), SECRET.decode(), "the caller's keys")
    absent(output(box, "cat", "/proc/keys"), SECRET.decode(), "the program's keys")


def test_its_files_in_proc_are_its_users(t):
    """The program's own user owns its files in /proc: no trace of the runtime's way there is left."""
    process = running(t).exec_detached("sleep", "61", flags=["--user", "1000:1000"])
    equal(os.stat(f"/proc/{process.pid}/environ").st_uid, 1000, "owner of /proc/PID/environ")


# ---- user namespaces --------------------------------------------------------------------------------------

def test_in_a_user_namespace(t):
    """The program is root inside and the mapped user outside, with exactly the groups and capabilities of init."""
    box = box_of(t, "sleep", "60")
    box.run_detached().ok()
    found = same(box)
    equal(found["Uid"].split(), [str(FIRST)] * 4, "uids on the host")
    equal(output(box, "id", "-u"), "0\n", "uid inside")


def test_another_user_of_the_map(t):
    """--user is a user of the container, and maps to the host."""
    box = box_of(t, "sleep", "60")
    box.run_detached().ok()
    process = box.exec_detached("sleep", "61", flags=["--user", "1000:100", "--additional-gids", "7"])
    text = process.proc("status")
    equal((status_field(text, "Uid").split()[0], status_field(text, "Gid").split()[0]),
          (str(FIRST + 1000), str(FIRST + 100)), "ids on the host")
    equal(set(status_field(text, "Groups").split()), {str(FIRST + 7)}, "groups on the host")


@parametrize("flags", [["--user", str(COUNT)], ["--user", f"0:{COUNT}"]])
def test_an_id_outside_the_map_is_refused(t, flags):
    """exec refuses an id that is not in the map."""
    box = box_of(t, "sleep", "60")
    box.run_detached().ok()
    contains(box.exec("true", flags=flags).exits(255).err, "exec failed: ", "stderr")
    equal(box.status(), "running", "status")


def test_capabilities_are_those_of_the_user_namespace(t):
    """--cap CAP_SYS_ADMIN in a user namespace gives power over the container's namespaces only."""
    box = box_of(t, "sleep", "60")
    box.run_detached().ok()
    script = "hostname changed && hostname"
    equal(output(box, "sh", "-c", script, flags=["--cap", "CAP_SYS_ADMIN"]), "changed\n", "name")
    true(os.uname().nodename != "changed", "the host's name has changed")
    contains(box.exec("hostname", "again").exits(1).err, "not permitted", "stderr")


def test_seccomp_in_a_user_namespace(t):
    """Without no_new_privs the user namespace's power loads the filter; the program has one filter, as init has."""
    bundle = bundle_of(t, "sleep", "60", noNewPrivileges=False)
    bundle.edit(lambda config: config["linux"].update(seccomp=profile("ALLOW", ("reboot", "ERRNO"))))
    box = t.container(bundle=bundle)
    box.run_detached().ok()
    equal(same(box)["Seccomp_filters"], "1", "filters")


@differs("runc 1.1.5 wants maps beside the path")
def test_a_user_namespace_that_was_joined(t):
    """If the container has joined another's user namespace, the executed program is in it."""
    first = box_of(t, "sleep", "60")
    first.run_detached().ok()
    bundle = t.bundle("sleep", "60")
    bundle.edit(lambda config: config["linux"]["namespaces"].append(
        {"type": "user", "path": f"/proc/{first.pid}/ns/user"}))
    second = t.container(bundle=bundle)
    second.run_detached().ok()
    same(second)


# ---- pid namespaces ---------------------------------------------------------------------------------------

def test_the_program_is_in_the_pid_namespace(t):
    """The program sees init as 1 and its own parent as 0, and is not pid 1 itself."""
    box = running(t)
    script = "echo $$; echo $PPID; cat /proc/1/cmdline | tr '\\0' ' '"
    pid, parent, command = output(box, "sh", "-c", script).splitlines()
    true(int(pid) > 1, f"pid is {pid}")
    equal((parent, command.strip()), ("0", "sleep 60"), "parent and pid 1")


def test_its_children_are_inits_when_it_ends(t):
    """An orphan of an executed program is a child of init, in the container."""
    box = running(t)
    orphan = output(box, "sh", "-c", "sleep 61 > /dev/null 2>&1 & echo $!").strip()
    equal(status_field(output(box, "cat", f"/proc/{orphan}/status"), "PPid"), "1", "parent")


def test_the_stage_is_not_there_any_more(t):
    """After the program has started, no process of the runtime is in the container."""
    box = running(t)
    listing = output(box, "sh", "-c", "for p in /proc/[0-9]*; do readlink $p/exe; done")
    equal(set(listing.split()), {"/bin/busybox"}, "programs in the container")


def test_nothing_of_the_runtime_is_mapped(t):
    """The program has no memory of the runtime."""
    process = running(t).exec_detached("sleep", "61")
    absent(process.proc("maps"), "memfd", "maps")


def test_capabilities_of_a_caller_do_not_leak(t):
    """A caller with all capabilities does not lend CAP_SYS_ADMIN to an executed program."""
    found = sets(output(running(t), "cat", "/proc/self/status"))
    true(not any(value & mask(["CAP_SYS_ADMIN"]) for value in found.values()), f"sets are {found}")


def test_the_timer_slack_is_the_default(t):
    """The timer slack of the program is the kernel's default."""
    equal(running(t).exec_detached("sleep", "61").proc("timerslack_ns").strip(), "50000", "timer slack")
