# SPDX-License-Identifier: Apache-2.0
"""Pods of the CRI: from start to removal, and their names, handlers and neighbours."""

import os
import pathlib

from cases import case
from harness import command_line, contains, equal, true


def namespaces(pid, *names):
    return [os.readlink(f"/proc/{pid}/ns/{name}") for name in names]


@case()
def life(t):
    """A sandbox is ready, stopped twice, removed twice, and then unknown."""
    pod = t.pod()
    equal((pod.status().state, pod.status().metadata.name), (0, "pod"), "state and name")
    t.eventually(lambda: "sleep\x00" in command_line(pod.pid()), "the sandbox's process is that of its image")
    for _ in range(2):
        pod.stop()
        equal(pod.status().state, 1, "state")
    for _ in range(2):
        pod.remove()
    equal(t.refused("PodSandboxStatus", pod_sandbox_id=pod.id).code, "NOT_FOUND", "the status of a removed one")


@case()
def version(t):
    """The CRI is version v1 of containerd, both conditions hold, and the runtime is this one."""
    answer = t("Version", version="v1")
    equal((answer.runtime_name, answer.runtime_api_version), ("containerd", "v1"), "version")
    hold = {each.type for each in t("Status").status.conditions if each.status}
    equal({"RuntimeReady", "NetworkReady"} - hold, set(), "the conditions that do not hold")
    t.pod().output("true")


@case()
def handlers(t):
    """A pod's runtime handler is the one of its RuntimeClass; one that is not configured is refused."""
    pod = t.pod(t.runtime)
    equal(pod.status().runtime_handler, t.runtime, "the handler")
    pod.output("true")
    config = {**pod.config, "metadata": {"name": "other", "uid": "other", "namespace": "engines"}}
    contains(t.refused("RunPodSandbox", config=config, runtime_handler="absent").details, "absent", "the refusal")


@case()
def shared_namespaces(t):
    """Two containers share the sandbox's network, IPC and host name, and have pids and mounts of their own."""
    pod = t.pod(network="POD")
    pids = [pod.pid(), pod.sleeper().pid(), pod.sleeper().pid()]
    sandbox, one, other = [namespaces(pid, "net", "ipc", "uts") for pid in pids]
    equal((one, other), (sandbox, sandbox), "the namespaces")
    true(sandbox[:2] != namespaces("self", "net", "ipc"), "they are not the host's")
    for name in ("pid", "mnt"):
        equal(len({*sum((namespaces(pid, name) for pid in [*pids, "self"]), [])}), 4, f"different namespaces {name}")


@case()
def shared_pids(t):
    """With the pid namespace of the pod a container sees the other's process and the sandbox's."""
    pod = t.pod(pid="POD")
    first = pod.container("sleep", "601").pid()
    t.eventually(lambda: "sleep" in command_line(first), "the first runs")
    out = pod.output("sh", "-c", "cat /proc/*/cmdline | tr '\\0' ' '")
    contains(out, "sleep 601", "the command lines")
    contains(out, "sleep 1000000", "the command lines")


@case()
def target_pids(t):
    """A container joins the pid namespace of one that runs, as for debugging."""
    pod = t.pod()
    target = pod.sleeper()
    options = {"network": 2, "pid": 3, "target_id": target.id}
    beside = pod.sleeper(security={"namespace_options": options})
    equal(namespaces(beside.pid(), "pid"), namespaces(target.pid(), "pid"), "the namespace")
    contains(beside.exec_output("cat", "/proc/1/cmdline"), "sleep\x00600", "its first process")


@case()
def namespaces_of_the_host(t):
    """With NODE a container has the host's network, pids and IPC."""
    box = t.pod(network="NODE", pid="NODE", ipc="NODE").sleeper()
    equal(namespaces(box.pid(), "net", "pid", "ipc"), namespaces("self", "net", "pid", "ipc"), "namespaces")


@case()
def network(t):
    """A pod has an address of CNI, which its containers see and the host reaches, and which is given back."""
    pod = t.pod(network="POD")
    address = pod.status().network.ip
    contains(pod.output("ip", "address", "show", "eth0"), f"inet {address}/", "the interface")
    t.shell("busybox", "ping", "-c", "1", "-W", "10", address).exits(0)
    true(any(address in trace for trace in t.traces()), "the address is leased")
    pod.stop()
    true(not any(address in trace for trace in t.traces()), "the lease is given back")
    equal(pod.status().network.ip, "", "the address of a stopped pod")


@case()
def host_name_and_resolver(t):
    """The pod's host name and its resolver's configuration are those of its containers."""
    dns = {"servers": ["192.0.2.1"], "searches": ["engines.test"], "options": ["ndots:3"]}
    pod = t.pod(network="POD", hostname="made-here", dns_config=dns)
    equal(set(pod.output("sh", "-c", "hostname; cat /etc/resolv.conf").splitlines()),
          {"made-here", "search engines.test", "nameserver 192.0.2.1", "options ndots:3"}, "host name and resolver")


@case()
def sysctls(t):
    """The sysctls of a pod are in force in its namespaces, and not in the host's."""
    values = {"net.ipv4.ip_unprivileged_port_start": "77", "kernel.shm_rmid_forced": "1"}
    files = ["/proc/sys/" + name.replace(".", "/") for name in values]
    before = [pathlib.Path(file).read_text() for file in files]
    pod = t.pod(network="POD", linux={"sysctls": values})
    equal(pod.output("cat", *files).split(), list(values.values()), "inside")
    equal([pathlib.Path(file).read_text() for file in files], before, "outside")


@case()
def lists(t):
    """Pods and containers are listed by label, by pod and by state."""
    one, other = t.pod(name="one", labels={"app": "one"}), t.pod(name="other", labels={"app": "other"})
    box, ended = one.sleeper(labels={"tier": "back"}), one.container("true")
    other.sleeper()
    ended.ends()
    equal([each.id for each in t("ListPodSandbox", filter={"label_selector": {"app": "one"}}).items], [one.id], "pods")
    mine = {each.id for each in t("ListContainers", filter={"pod_sandbox_id": one.id}).containers}
    equal(mine, {box.id, ended.id}, "containers of the pod")
    by_label = t("ListContainers", filter={"label_selector": {"tier": "back"}}).containers
    equal([each.id for each in by_label], [box.id], "containers by label")
    exited = t("ListContainers", filter={"state": {"state": 2}}).containers
    equal([each.id for each in exited], [ended.id], "containers that have ended")


@case()
def stop_with_containers(t):
    """StopPodSandbox ends the containers of the pod, RemovePodSandbox removes them."""
    pod = t.pod()
    box = pod.sleeper()
    pod.stop()
    equal((box.status().exit_code, box.state()), (137, "EXITED"), "the container")
    pod.remove()
    equal(t.refused("ContainerStatus", container_id=box.id).code, "NOT_FOUND", "the status of a removed container")


@case()
def three_at_once(t):
    """Pods beside each other have namespaces and addresses of their own."""
    pods = [t.pod(name=f"pod{n}", network="POD") for n in range(3)]
    equal(len({pod.status().network.ip for pod in pods}), 3, "addresses")
    equal(len({*sum((namespaces(pod.pid(), "net") for pod in pods), [])}), 3, "namespaces")
