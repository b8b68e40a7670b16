# SPDX-License-Identifier: Apache-2.0
"""Limits, cgroups and figures of the CRI: what takes controllers."""

import pathlib

from cases import GUEST, case
from harness import contains, equal, true

MIB = 1 << 20


def values(group, *names):
    return [(group / name).read_text().strip() for name in names]


@case(place=GUEST, each=["cgroupfs", "systemd"])
def limits(t, driver):
    """Memory and CPU of a container are in its cgroup, and those of an update, with the driver {}."""
    systemd = driver == "systemd"
    pod = t.pod(f"{t.runtime}-systemd" if systemd else t.runtime,
                linux={"cgroup_parent": "system.slice"} if systemd else {})
    resources = {"memory_limit_in_bytes": 64 * MIB, "cpu_period": 100000, "cpu_quota": 50000, "cpuset_cpus": "0"}
    box = pod.sleeper(resources=resources)
    group = box.cgroup()
    names = ("memory.max", "cpu.max", "cpuset.cpus")
    equal(values(group, *names), [str(64 * MIB), "50000 100000", "0"], "the limits")
    t("UpdateContainerResources", container_id=box.id, linux={"memory_limit_in_bytes": 96 * MIB, "cpu_quota": 70000,
                                                              "cpu_period": 100000})
    equal(values(group, *names), [str(96 * MIB), "70000 100000", "0"], "the updated limits")
    equal(box.exec("true").exit_code, 0, "status of an exec after it")


@case(place=GUEST)
def out_of_memory(t):
    """A container that takes more than its memory is OOMKilled, with 137."""
    script = t.killed_amidst("tail /dev/zero")
    box = t.pod().container("sh", "-c", script, resources={"memory_limit_in_bytes": 16 * MIB})
    status = box.ends()
    equal((status.exit_code, status.reason), (137, "OOMKilled"), "status and reason")


@case(place=GUEST)
def cgroup_of_the_pod(t):
    """Sandbox and containers are in the cgroup that a kubelet has made for the pod, with its limit above them."""
    parent = pathlib.Path("/sys/fs/cgroup/engines/pod")
    parent.mkdir(parents=True)
    try:
        pod = t.pod(linux={"cgroup_parent": "/engines/pod"})
        box = pod.sleeper(resources={"cpu_shares": 2})
        equal(box.cgroup(), parent / box.id, "the container's cgroup")
        contains(pathlib.Path(f"/proc/{pod.pid()}/cgroup").read_text(), f"/engines/pod/{pod.id}\n", "the sandbox's")
        equal(values(box.cgroup(), "cpu.weight"), ["1"], "the least weight")
        t.sweep()
        t.eventually(lambda: not any(each.is_dir() for each in parent.iterdir()), "their cgroups are removed")
    finally:
        parent.rmdir()
        parent.parent.rmdir()


@case(place=GUEST)
def scope_of_the_pod(t):
    """With the systemd driver each is a scope in the slice of the pod."""
    pod = t.pod(f"{t.runtime}-systemd", linux={"cgroup_parent": "system.slice"})
    box = pod.sleeper()
    scope = f"cri-containerd-{box.id}.scope"
    equal(str(box.cgroup()), f"/sys/fs/cgroup/system.slice/{scope}", "the container's cgroup")
    equal(t.shell("systemctl", "is-active", scope).out, "active\n", "what systemd says")
    box.stop()
    box.remove()
    true(t.shell("systemctl", "is-active", scope).out != "active\n", "the scope has ended")


@case(place=GUEST)
def documented(t):
    """The lines of docs/engines.md make it what every pod gets, and what a RuntimeClass names, in systemd's slices."""
    with t.documented():
        for handler in ("", t.runtime):
            pod = t.pod(handler, linux={"cgroup_parent": "system.slice"})
            box = pod.sleeper()
            equal(box.cgroup().name, f"cri-containerd-{box.id}.scope", "the container's cgroup")
            t.sweep()


@case(place=GUEST)
def slice_without_systemd(t):
    """A parent that is called a slice is a directory like others for the driver without systemd."""
    pod = t.pod(linux={"cgroup_parent": "engines.slice"})
    box = pod.sleeper()
    group = box.cgroup()
    equal(group.name, f"engines.slice:cri-containerd:{box.id}", "the container's cgroup")
    box.stop()
    box.remove()
    t.eventually(lambda: not group.exists(), "it is removed")


@case(place=GUEST)
def stats(t):
    """ContainerStats are the use of CPU and memory that the cgroup tells."""
    box = t.pod().container("sh", "-c", "dd if=/dev/zero of=/dev/shm/data bs=1M count=20; sleep 600",
                            resources={"memory_limit_in_bytes": 64 * MIB})
    t.eventually(lambda: "0+0" in box.text() or "20+0" in box.text(), "the data is written")

    def told():
        figures = t("ContainerStats", container_id=box.id).stats
        return figures.memory.working_set_bytes.value > 20 * MIB and figures.cpu.usage_core_nano_seconds.value > 0
    t.eventually(told, "the figures contain what is used")
    equal([each.attributes.id for each in t("ListContainerStats").stats], [box.id], "whose figures are listed")


@case(place=GUEST)
def scores(t):
    """The sandbox is nearly the last that the kernel kills for want of memory, a container as it is told."""
    pod = t.pod()
    box = pod.sleeper(resources={"oom_score_adj": 500})
    scores = [pathlib.Path(f"/proc/{pid}/oom_score_adj").read_text() for pid in (pod.pid(), box.pid())]
    equal(scores, ["-998\n", "500\n"], "oom_score_adj")
