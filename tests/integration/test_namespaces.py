# SPDX-License-Identifier: Apache-2.0
"""Every namespace: another one than the host's where asked for, the host's where absent."""

import os
import pathlib

import isolation
from harness import contains, equal, true
from marks import parametrize

LINKS = {"pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts", "mount": "mnt", "cgroup": "cgroup"}


def own(kind):
    return os.readlink(f"/proc/self/ns/{LINKS[kind]}")


def theirs(box, kind):
    return os.readlink(f"/proc/{box.pid}/ns/{LINKS[kind]}")


@parametrize("kind", list(LINKS))
def test_asked_for_is_new(t, kind):
    """The container is in a namespace of its own."""
    box = t.sleeper()
    box.run_detached().ok()
    true(theirs(box, kind) != own(kind), f"{kind} is the host's")


@parametrize("kind", ["pid", "network", "ipc", "uts", "cgroup"])
def test_absent_is_the_hosts(t, kind):
    """The container is in the caller's namespace."""
    bundle = t.bundle("sleep", "60").without_namespace(kind)
    if kind == "uts":
        bundle.edit(lambda config: config.pop("hostname"))
    if kind == "network":  # sysfs needs the owner of the network namespace; a bind works everywhere
        bundle.edit(lambda config: config.update(mounts=[m for m in config["mounts"] if m["destination"] != "/sys"
                                                         and m["type"] != "cgroup"]))
    box = t.container(bundle=bundle)
    box.run_detached().ok()
    equal(theirs(box, kind), own(kind), kind)


@parametrize("kind", ["user", "time"])
def test_never_asked_for_is_the_hosts(t, kind):
    """No user or time namespace is made unless the document says so."""
    box = t.sleeper()
    box.run_detached().ok()
    equal(os.readlink(f"/proc/{box.pid}/ns/{kind}"), os.readlink(f"/proc/self/ns/{kind}"), kind)


def test_the_program_is_pid_1(t):
    """In its pid namespace the program is process 1 and sees no other."""
    equal(t.output("sh", "-c", "echo $$; exec ls -d /proc/[0-9]*").split(), ["1", "/proc/1"], "pid and processes")


def test_the_program_leads_its_session(t):
    """The program is the leader of a new session."""
    box = t.sleeper()
    box.run_detached().ok()
    equal(os.getsid(box.pid), box.pid, "session")


def test_lo_is_up(t):
    """The loopback of a new network namespace is up and has its address; there is no other device."""
    out = t.output("ip", "-o", "addr")
    contains(out, "inet 127.0.0.1/8", "ip addr")
    equal({line.split()[1] for line in out.splitlines()}, {"lo"}, "devices")
    contains(t.output("ip", "link", "show", "lo"), "LOOPBACK,UP", "ip link")


def test_a_packet_passes_lo(t):
    """A connection to 127.0.0.1 works."""
    # The input of who listens does not end: it hangs up, and then the other end does, only when it has printed all.
    script = "sleep 60 | nc -l -p 8080 & until echo hello | nc 127.0.0.1 8080; do sleep 0.05; done"
    contains(t.shell(script).run().exits(0).out, "hello", "stdout")


def test_cgroup_namespace_hides_the_path(t):
    """In a cgroup namespace the container's cgroup is the root of the tree."""
    contains(t.output("cat", "/proc/self/cgroup").splitlines(), "0::/", "/proc/self/cgroup")


def test_cgroup_mount_shows_the_own_cgroup(t):
    """/sys/fs/cgroup in the container is its own cgroup, with itself in it."""
    equal(t.output("cat", "/sys/fs/cgroup/cgroup.procs").split()[:1], ["1"], "cgroup.procs")


def test_without_cgroup_namespace_the_path_is_seen(t):
    """Without it /proc/self/cgroup names the container's cgroup."""
    box = t.container(bundle=t.bundle("cat", "/proc/self/cgroup").without_namespace("cgroup"))
    line = [line for line in box.run().ok().lines() if line.startswith("0::")][0]
    true(line.endswith(f"/{box.id}"), f"path is {line}")


def cgroup_of(box):
    return [line for line in box.proc("cgroup").splitlines() if line.startswith("0::")][0][3:]


def test_default_cgroup_is_named_by_the_id(t):
    """Without cgroupsPath the cgroup's last part is the id, and init is in it when create returns."""
    box = t.sleeper()
    box.create().ok()
    equal(pathlib.Path(cgroup_of(box)).name, box.id, "cgroup")


def test_cgroups_path_is_obeyed(t):
    """An absolute cgroupsPath is the path below the cgroup2 mount; it is gone after delete."""
    box = t.sleeper()
    path = f"/{box.id}-parent/leaf"
    box.bundle.edit(lambda config: config["linux"].update(cgroupsPath=path))
    box.run_detached().ok()
    equal(cgroup_of(box), path, "cgroup")
    box.delete("--force").ok()
    parent = pathlib.Path(f"{isolation.cgroup2_mount()}/{box.id}-parent")
    true(not (parent / "leaf").exists(), "the cgroup is still there")
    parent.rmdir()


def test_ipc_objects_are_private(t):
    """System V objects of one container are not seen in another."""
    equal(len(t.output("cat", "/proc/sysvipc/shm").splitlines()), 1, "lines of /proc/sysvipc/shm")


def test_proc_shows_the_containers_own_processes(t):
    """/proc belongs to the new pid namespace: a process of the host is not in it."""
    equal(t.output("sh", "-c", f"test -d /proc/{os.getpid()} && echo there; true"), "", "stdout")
