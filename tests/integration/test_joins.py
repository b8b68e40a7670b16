# SPDX-License-Identifier: Apache-2.0
"""Namespaces joined by path, and containers with their own clocks."""

import contextlib
import os
import pty
import subprocess

import bundles
from harness import absent, contains, equal, eventually, read_text, status_field, true
from marks import differs, parametrize

LINKS = {"pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts", "mount": "mnt", "cgroup": "cgroup"}
JOINABLE = [kind for kind in LINKS if kind != "mount"]


def link(pid, kind):
    return os.readlink(f"/proc/{pid}/ns/{LINKS.get(kind, kind)}")


def joined(bundle, paths):
    """The bundle with every default namespace, and those of `paths` joined."""
    def change(config):
        kinds = [*LINKS, *[kind for kind in paths if kind not in LINKS]]
        config["linux"]["namespaces"] = [
            {"type": kind, **({"path": paths[kind]} if kind in paths else {})} for kind in kinds]
        if "uts" in paths:
            config.pop("hostname", None)
        if "user" not in paths and ("network" in paths or "cgroup" in paths):
            config["mounts"] = [m for m in config["mounts"] if m["type"] not in ("sysfs", "cgroup")]
    return bundle.edit(change)


def running(t):
    box = t.sleeper()
    box.run_detached().ok()
    return box


def path_of(box, kind):
    return f"/proc/{box.pid}/ns/{LINKS.get(kind, kind)}"


def end(box):
    """Ends a container: a dead process that nobody collects keeps the pid namespace, and so its first process, from ending."""
    box.kill("KILL").ok()
    box.wait()


@parametrize("kind", JOINABLE)
def test_a_namespace_is_joined(t, kind):
    """The namespace at the path is the container's; the others are its own."""
    first = running(t)
    second = t.container(bundle=joined(t.bundle("sleep", "60"), {kind: path_of(first, kind)}))
    second.run_detached().ok()
    for each in LINKS:
        if each == kind:
            equal(link(second.pid, each), link(first.pid, each), each)
        else:
            true(link(second.pid, each) != link(first.pid, each), f"{each} is shared")
    end(second)


def test_all_that_a_pod_shares_is_joined(t):
    """The container joins network, ipc, uts and pid namespace of another container at once."""
    first = running(t)
    shared = ["network", "ipc", "uts", "pid"]
    second = t.container(bundle=joined(t.bundle("sleep", "60"), {kind: path_of(first, kind) for kind in shared}))
    second.create().ok()
    equal(second.status(), "created", "status")
    second.start().ok()
    eventually(lambda: second.status() == "running", "it does not run")
    for kind in shared:
        equal(link(second.pid, kind), link(first.pid, kind), kind)
    end(second)


def test_a_joined_pid_namespace_shows_both(t):
    """In a joined pid namespace the program sees the other container's first process, and is not pid 1."""
    first = running(t)
    second = t.container(bundle=joined(t.bundle("sh", "-c", "cat /proc/1/cmdline | tr '\\0' ' '; echo; echo $$"),
                                       {"pid": path_of(first, "pid")}))
    command, pid = second.run().ok().lines()
    equal(command.strip(), "sleep 600", "pid 1")
    true(int(pid) != 1, "the program is pid 1")


def test_the_pid_file_names_the_program(t):
    """The pid is the program's, and its parent the caller, even if the runtime needs a second process."""
    first = running(t)
    second = t.container(bundle=joined(t.bundle("sleep", "61"), {"pid": path_of(first, "pid")}))
    second.create().ok()
    second.start().ok()
    eventually(lambda: "61" in second.proc("cmdline"), "the pid is not the program's")
    equal(second.state()["pid"], second.pid, "pid in state")
    second.kill("KILL").ok()
    equal(second.wait(), -9, "exit status")


def test_exit_status_through_a_joined_pid_namespace(t):
    """An attached run in a joined pid namespace returns the program's exit status."""
    first = running(t)
    second = t.container(bundle=joined(t.bundle("sh", "-c", "exit 7"), {"pid": path_of(first, "pid")}))
    second.run().exits(7)


def test_the_first_containers_processes_survive(t):
    """A delete of the container that joined leaves the other container alone."""
    first = running(t)
    second = t.container(bundle=joined(t.bundle("sleep", "60"), {"pid": path_of(first, "pid")}))
    second.run_detached().ok()
    second.delete("--force").ok()
    second.wait()
    equal(first.status(), "running", "the first container")


@differs("runc 1.1.5 keeps its pipes, sockets and descriptors of the host's files")
def test_who_waits_there_holds_little(t):
    """Before start, the process that waits in the joined pid namespace has stdio, its socket to the runtime and the exec fifo."""
    first = running(t)
    second = t.container(bundle=joined(t.bundle("true"), {"pid": path_of(first, "pid")}))
    second.create().ok()
    kinds = sorted(os.readlink(f"/proc/{second.pid}/fd/{name}").rpartition("/")[2].partition(":")[0]
                   for name in os.listdir(f"/proc/{second.pid}/fd") if int(name) > 2)
    equal(kinds, ["exec.fifo", "socket"], "descriptors")
    second.start().ok()
    second.wait()


def test_a_terminal_in_a_joined_pid_namespace(t):
    """The program has its controlling terminal and its session in a joined pid namespace too."""
    first = running(t)
    bundle = joined(t.bundle("sh", "-c", "tty; exec sleep 60"), {"pid": path_of(first, "pid")}).process(terminal=True)
    box = t.container(bundle=bundle)
    master, slave = pty.openpty()
    child = box.run_in_background(stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    with contextlib.suppress(OSError):
        contains(os.read(master, 100).decode(), "/dev/", "tty")
    fields = box.proc("stat").rpartition(")")[2].split()
    equal(int(fields[3]), box.pid, "session")  # the program leads the session
    true(int(fields[4]) != 0, "no controlling terminal")
    box.kill("KILL").ok()
    child.wait(10)
    os.close(master)


# ---- what is refused ------------------------------------------------------------------------------------

def refused(t, paths, *words):
    box = t.container(bundle=joined(t.bundle("true"), paths))
    result = box.create()
    true(result.code != 0, f"it was accepted: {result}")
    if t.bulkhead:
        for word in words:
            contains(result.err, word, "error")
    t.no_state()


def test_a_path_that_is_not_there(t):
    """The error names the property and the path."""
    refused(t, {"network": "/run/no/such/namespace"}, "/linux/namespaces/1/path", "/run/no/such/namespace")


def test_a_namespace_of_another_type(t):
    """A path to a namespace of another type is an error."""
    refused(t, {"network": "/proc/self/ns/uts"}, "/linux/namespaces/1/path", "another type")


def test_a_file_that_is_no_namespace(t):
    """An ordinary file is an error."""
    refused(t, {"ipc": "/etc/passwd"}, "/linux/namespaces/2/path", "not a namespace")


@differs("runc 1.1.5 opens the fifo and waits for ever")
def test_a_fifo_does_not_block(t):
    """The runtime looks at the path before it opens it, and refuses a fifo at once."""
    fifo = t.scratch / "fifo"
    os.mkfifo(fifo)
    refused(t, {"network": str(fifo)}, "not a namespace")


@differs("runc 1.1.5 changes the root of the host's own mount namespace")
def test_the_hosts_mount_namespace_is_refused(t):
    """The runtime refuses the host's mount namespace, so the machine's root does not change."""
    refused(t, {"mount": "/proc/self/ns/mnt"}, "/linux/namespaces/4/path")


def test_a_mount_namespace_is_joined(t):
    """The runtime makes the container's mounts in the mount namespace at the path."""
    # The holder is a static program: the root of its namespace changes below it, and then it could load no library.
    holder = subprocess.Popen(["unshare", "--mount", "--propagation", "private", bundles.BUSYBOX, "sleep", "60"])
    try:
        eventually(lambda: read_text(f"/proc/{holder.pid}/comm") == "busybox\n", "the holder does not begin")
        box = t.container(bundle=joined(t.bundle("sleep", "60"), {"mount": f"/proc/{holder.pid}/ns/mnt"}))
        box.run_detached().ok()
        equal(link(box.pid, "mount"), link(holder.pid, "mount"), "mount namespace")
        box.delete("--force").ok()
    finally:
        holder.kill()
        holder.wait()


# ---- time -----------------------------------------------------------------------------------------------

def with_clocks(bundle, offsets, **namespace):
    def change(config):
        config["linux"]["namespaces"].append({"type": "time", **namespace})
        config["linux"]["timeOffsets"] = offsets
    return bundle.edit(change)


UPTIME = "cut -d. -f1 /proc/uptime"
NO_TIME = "runc 1.1.5 knows no time namespaces"


@differs(NO_TIME)
def test_clocks_are_moved(t):
    """With offsets of a day, a new time namespace has a /proc/uptime that is a day ahead."""
    day = 86400
    bundle = with_clocks(t.bundle("sh", "-c", UPTIME), {"boottime": {"secs": day}, "monotonic": {"secs": 7}})
    inside = int(t.output(bundle=bundle))
    with open("/proc/uptime", encoding="ascii") as uptime:
        outside = int(float(uptime.read().split()[0]))
    true(abs(inside - outside - day) <= 5, f"uptime is {inside} inside, {outside} outside")


@differs(NO_TIME)
def test_the_offsets_are_those_of_the_config(t):
    """/proc/self/timens_offsets shows the configured values, nanoseconds included."""
    bundle = with_clocks(t.bundle("cat", "/proc/self/timens_offsets"),
                         {"monotonic": {"secs": 172800, "nanosecs": 5}, "boottime": {"secs": 604800}})
    lines = {line.split()[0]: line.split()[1:] for line in t.output(bundle=bundle).splitlines()}
    equal(lines, {"monotonic": ["172800", "5"], "boottime": ["604800", "0"]}, "timens_offsets")


@differs(NO_TIME)
def test_a_time_namespace_without_offsets(t):
    """A time namespace without offsets differs from the host's, and its clocks are the host's."""
    box = t.container(bundle=with_clocks(t.bundle("sleep", "60"), {}))
    box.run_detached().ok()
    true(link(box.pid, "time") != link("self", "time"), "the time namespace is the host's")


@differs(NO_TIME)
def test_a_time_namespace_is_joined(t):
    """The container has another container's clocks."""
    first = t.container(bundle=with_clocks(t.bundle("sleep", "60"), {"boottime": {"secs": 100000}}))
    first.run_detached().ok()
    bundle = t.bundle("sleep", "60")
    bundle.edit(lambda config: config["linux"]["namespaces"].append({"type": "time", "path": path_of(first, "time")}))
    second = t.container(bundle=bundle)
    second.run_detached().ok()
    equal(link(second.pid, "time"), link(first.pid, "time"), "time namespace")


@differs(NO_TIME)
def test_offsets_that_the_kernel_refuses(t):
    """For a clock before its zero the kernel gives an error, and the message names the property."""
    box = t.container(bundle=with_clocks(t.bundle("true"), {"boottime": {"secs": -10 ** 12}}))
    result = box.create().exits(1)
    contains(result.err, "/linux/timeOffsets", "error")
    t.no_state()


# ---- a joined user namespace ----------------------------------------------------------------------------

@contextlib.contextmanager
def user_namespace(*more, groups="allow"):
    """The pid of a process in a new user namespace that maps 65536 ids to themselves; `groups` goes to setgroups."""
    holder = subprocess.Popen(["unshare", "--user", *more, "sleep", "60"])
    try:
        eventually(lambda: link(holder.pid, "user") != link("self", "user"), "unshare does not unshare")
        for name, text in (("setgroups", groups), ("uid_map", "0 0 65536"), ("gid_map", "0 0 65536")):
            with open(f"/proc/{holder.pid}/{name}", "w", encoding="ascii") as table:
                table.write(text)
        yield holder.pid
    finally:
        holder.kill()
        holder.wait()


def user_mappings(bundle):
    one = [{"containerID": 0, "hostID": 0, "size": 65536}]
    return bundle.edit(lambda config: config["linux"].update(uidMappings=one, gidMappings=one))


@differs("runc 1.1.5 cannot make a new pid namespace below a user namespace that it joins")
def test_a_user_namespace_is_joined(t):
    """The container is in the user namespace at the path, which owns the container's new namespaces."""
    with user_namespace() as pid:
        bundle = user_mappings(joined(t.bundle("sleep", "60"), {"user": f"/proc/{pid}/ns/user"}))
        box = t.container(bundle=bundle)
        box.create().ok()
        box.start().ok()
        eventually(lambda: box.status() == "running", "it does not run")
        equal(link(box.pid, "user"), link(pid, "user"), "user namespace")
        true(link(box.pid, "pid") != link("self", "pid"), "the pid namespace is the host's")
        equal(status_field(box.proc("status"), "NSpid").split()[-1], "1", "pid inside")
        box.delete("--force").ok()


@differs("as above")
def test_a_user_namespace_and_what_belongs_to_it(t):
    """The container joins user, network and ipc namespace of one holder, as in a pod."""
    with user_namespace("--net", "--ipc") as pid:
        paths = {"user": f"/proc/{pid}/ns/user", "network": f"/proc/{pid}/ns/net", "ipc": f"/proc/{pid}/ns/ipc"}
        box = t.container(bundle=user_mappings(joined(t.bundle("sh", "-c", "id -u; ls /sys/class/net"), paths)))
        absent(box.run().ok().out, "eth", "devices")


@differs("as above")
@parametrize("groups", ["allow", "deny"])
def test_the_groups_of_the_caller_stay_outside(t, groups):
    """If the user namespace denies setgroups, no process in it can drop the caller's groups: the runtime drops them before."""
    with user_namespace(groups=groups) as pid:
        said = ("sh", "-c", "id -G; cat /proc/self/setgroups")
        box = t.container(bundle=user_mappings(joined(t.bundle(*said), {"user": f"/proc/{pid}/ns/user"})))
        before = os.getgroups()
        os.setgroups([0, 4, 5])
        try:
            equal(box.run().ok().out.split(), ["0", groups], "groups, and if they may be set")
        finally:
            os.setgroups(before)
