# SPDX-License-Identifier: Apache-2.0
"""Pods: containers around a pause container whose namespaces they share; and podman kube play."""

import json

from cases import GUEST, case
from engine import IMAGE
from harness import contains, equal, true

# Where podman itself makes the pod's cgroup, release 4.3 has it deny every device: runc, too, finds no /dev/null.
NO_DEVICES = {"bookworm": ("podman 4.3 without systemd denies the pod's cgroup every device",
                           "operation not permitted")}


def pod(t, *options):
    """A pod that has no cgroup of its own, so that every release can start it."""
    t("pod", "create", "--name", "pod", "--share-parent=false", *options).exits(0)


def member(t, name, script="exec sleep 600", *options):
    return t.start(script, "--pod", "pod", *options, name=name)


def links(t, name, kinds):
    return t.inside(name, f"for n in {' '.join(kinds)}; do readlink /proc/self/ns/$n; done").split()


@case()
def shared(t):
    """Two containers of a pod share network, IPC and host name, and nothing else."""
    pod(t, "--hostname", "podname")
    for name in ("one", "two"):
        member(t, name)
    one, two = (links(t, name, ["net", "ipc", "uts"]) for name in ("one", "two"))
    equal(one, two, "shared namespaces")
    one, two = (links(t, name, ["mnt", "pid", "cgroup"]) for name in ("one", "two"))
    equal([a == b for a, b in zip(one, two)], [False] * 3, "others are shared")
    equal(t.inside("two", "hostname"), "podname\n", "host name")


@case()
def talk(t):
    """Two containers of a pod meet at the loopback address and in /dev/shm."""
    pod(t)
    member(t, "one", "echo word > /dev/shm/file; while :; do echo hello | nc -l -p 7000; done")
    member(t, "two")
    t.eventually(lambda: t("exec", "two", "nc", "-w", "2", "127.0.0.1", "7000").out == "hello\n", "nobody answers")
    equal(t.inside("two", "cat /dev/shm/file"), "word\n", "the file")


@case()
def processes(t):
    """`--share pid`: process 1 is the pause process, and the containers see each other's."""
    pod(t, "--share", "pid,uts")
    member(t, "one", "exec sleep 621")
    member(t, "two", "exec sleep 622")
    lines = t.inside("one", "cat /proc/*/cmdline | tr '\\0' ' '")
    for text in ("/catatonit -P", "sleep 621", "sleep 622"):
        contains(lines, text, "the processes that the first sees")
    contains(t.inside("one", "tr '\\0' ' ' < /proc/1/cmdline"), "catatonit -P", "process 1")
    t("kill", "two").exits(0)
    equal(t("wait", "two").exits(0).out, "137\n", "status of the killed")
    equal(t.inside("one", "echo alive"), "alive\n", "the other one")


@case()
def life(t):
    """`podman pod stop`, `start`, `pause`, `kill` and `rm` do so to all of its containers."""
    pod(t)
    for name in ("one", "two"):
        member(t, name, "trap 'exit 7' TERM; while :; do sleep 0.05; done")

    def statuses():
        return [t.inspect(name, ".State.Status") for name in ("one", "two")]

    t("pod", "pause", "pod").exits(0)
    equal(statuses(), ["paused"] * 2, "statuses after pause")
    t("pod", "unpause", "pod").exits(0)
    t("pod", "stop", "--time", "20", "pod").exits(0)
    equal([t.inspect(name, ".State.ExitCode") for name in ("one", "two")], ["7", "7"], "statuses after stop")
    t("pod", "start", "pod").exits(0)
    equal(statuses(), ["running"] * 2, "statuses after start")
    t("pod", "kill", "pod").exits(0)
    t.eventually(lambda: statuses() == ["exited"] * 2, "they live")
    t("pod", "rm", "pod").exits(0)
    equal(t("ps", "--all", "--quiet").out, "", "containers left")


@case()
def init_containers(t):
    """An init container runs to its end before the others begin."""
    pod(t)
    t("create", "--pod", "pod", "--init-ctr", "always", "-v", "common:/mnt", IMAGE, "sh", "-c",
      "sleep 0.3; date > /mnt/file").exits(0)
    t("create", "--pod", "pod", "--name", "main", "-v", "common:/mnt", IMAGE, "sh", "-c",
      "cat /mnt/file && echo there; exec sleep 600").exits(0)
    t("pod", "start", "pod").exits(0)
    t.wrote("main", "there")


@case()
def network_outlives(t):
    """A container of a pod that is restarted comes back into the same network namespace."""
    pod(t)
    member(t, "one")
    before = links(t, "one", ["net"])
    t("restart", "--time", "0", "one").exits(0)
    equal(links(t, "one", ["net"]), before, "network namespace")


@case(fails=NO_DEVICES)
def default_pod(t):
    """`podman run --pod new:NAME` makes a pod with a cgroup of its own, in which the containers are."""
    t.sleeper("--pod", "new:made", "--cgroupns", "host")
    cgroup = t.inside("box", "sed -n s/^0:://p /proc/self/cgroup")
    contains(cgroup, t("pod", "inspect", "--format", "{{.ID}}", "made").exits(0).out.strip(), "cgroup")


def document(**pod_spec):
    """A Kubernetes pod; JSON is YAML."""
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": pod_spec})


def play(t, **pod_spec):
    (t.directory / "pod.yaml").write_text(document(**pod_spec))
    t("play", "kube", "pod.yaml").exits(0)


def container(name, script, **more):
    return {"name": name, "image": IMAGE, "imagePullPolicy": "Never", "command": ["sh", "-c", script], **more}


def kube(t):
    """Two containers with an environment, a volume and a security context; then away with them."""
    (t.directory / "data").mkdir()
    mounts = [{"name": "data", "mountPath": "/mnt"}]
    first = container("one", "id -u > /mnt/one; echo $WORD; exec sleep 600", volumeMounts=mounts,
                      env=[{"name": "WORD", "value": "hello"}])
    second = container("two", "cat /proc/self/status; exec sleep 600",
                       securityContext={"runAsUser": 1000, "runAsGroup": 2000, "allowPrivilegeEscalation": False,
                                        "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True})
    play(t, containers=[first, second],
         volumes=[{"name": "data", "hostPath": {"path": str(t.directory / "data"), "type": "Directory"}}])
    t.wrote("web-one", "hello\n")
    equal((t.directory / "data/one").read_text(), "0\n", "what the first wrote")
    t.wrote("web-two", "NoNewPrivs:\t1\n")
    text = t("logs", "web-two").out
    for line in ("Uid:\t1000\t1000\t1000\t1000\n", "Gid:\t2000\t2000\t2000\t2000\n", "CapBnd:\t0000000000000000\n"):
        contains(text, line, "status of the second")
    true(t("exec", "web-two", "touch", "/file").code != 0, "the root can be written to")
    t("kill", "web-one", "web-two").exits(0)
    t("play", "kube", "--down", "pod.yaml").exits(0)
    equal(t("ps", "--all", "--quiet").out, "", "containers left")


@case(fails=NO_DEVICES)
def kube_play(t):
    """`podman kube play` of a pod with two containers, and `--down`."""
    kube(t)


@case(place=GUEST)
def kube_play_under_systemd(t):
    """`podman kube play` of a pod with two containers, and `--down`, with cgroups by systemd."""
    kube(t)


@case(fails=NO_DEVICES)
def kube_init_container(t):
    """`podman kube play`: an init container, and a restart of what fails."""
    spec = {"volumes": [{"name": "data", "emptyDir": {}}], "restartPolicy": "OnFailure"}
    mounts = [{"name": "data", "mountPath": "/mnt"}]
    script = "cat /mnt/file; test -e /mnt/again || { touch /mnt/again; exit 3; }; exec sleep 600"
    play(t, initContainers=[container("first", "echo from the first > /mnt/file", volumeMounts=mounts)],
         containers=[container("main", script, volumeMounts=mounts)], **spec)
    t.eventually(lambda: t("logs", "web-main").out.count("from the first") == 2, "it is not started again")
