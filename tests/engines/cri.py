# SPDX-License-Identifier: Apache-2.0
"""containerd's CRI plugin, told what to do over its socket, as by a kubelet."""

import contextlib
import json
import os
import pathlib
import signal

import images
import snippets
from cases import NATIVE
from criapi import Client, Refused, messages
from engine import DIRECTORY, IMAGE, RUNTIMES, Engine
from harness import Failure
from pods import Pod

PAUSE, STOPS_BY_USR1 = "localhost/engines/pause:latest", "localhost/engines/usr1:latest"
NETWORK = "engines"
CNI_STATE = pathlib.Path("/var/lib/cni/networks", NETWORK)
# A machine that does not hand out the controllers has no cgroup for limits, nor privilege for a lower score.
WITHOUT_CONTROLLERS = "  disable_cgroup = true\n  restrict_oom_score_adj = true\n"
PLUGIN = 'plugins."io.containerd.grpc.v1.cri"'


def of_the_node(place):
    """What has nothing to do with the runtime."""
    return (f'version = 2\n[{PLUGIN}]\n  sandbox_image = "{PAUSE}"\n{WITHOUT_CONTROLLERS if place == NATIVE else ""}'
            f'[{PLUGIN}.cni]\n  bin_dir = "/usr/lib/cni"\n  conf_dir = "/etc/cni/net.d"\n')


def handlers(default):
    """Two of each runtime: with either driver of cgroups."""
    text = f'[{PLUGIN}.containerd]\n  default_runtime_name = "{default}"\n'
    for name, path in RUNTIMES.items():
        for handler, systemd in ((name, "false"), (f"{name}-systemd", "true")):
            table = f"{PLUGIN}.containerd.runtimes.{handler}"
            text += f'[{table}]\n  runtime_type = "io.containerd.runc.v2"\n'
            text += f'[{table}.options]\n  BinaryName = "{path}"\n  SystemdCgroup = {systemd}\n'
    return text


def network():
    """The configuration of CNI: a link to the host for each pod."""
    ipam = {"type": "host-local", "subnet": "10.88.77.0/24", "routes": [{"dst": "0.0.0.0/0"}]}
    return json.dumps({"cniVersion": "0.4.0", "name": NETWORK, "plugins": [{"type": "ptp", "ipam": ipam}]})


class Cri(Engine):
    def begin(self):
        for directory in ("/etc/containerd", "/etc/cni/net.d"):
            pathlib.Path(directory).mkdir(parents=True, exist_ok=True)
        self.configure(handlers(self.runtime))
        pathlib.Path("/etc/cni/net.d/10-engines.conflist").write_text(network())
        self.api = messages("/tmp/cri")
        self.start()
        environment = ["PATH=/bin"]
        for tag, config in [(IMAGE, {"Env": environment, "Cmd": ["sh"]}),
                            (PAUSE, {"Entrypoint": ["/bin/sleep", "1000000"]}),
                            (STOPS_BY_USR1, {"Env": environment, "Cmd": ["sh"], "StopSignal": "SIGUSR1"})]:
            images.save("/tmp/image.tar", tag, config)
            self.shell("ctr", "--namespace", "k8s.io", "image", "import", "/tmp/image.tar").exits(0)
            self.eventually(lambda: self("ImageStatus", image={"image": tag}).image.id, f"the CRI knows {tag}")
        self.fresh_directory(DIRECTORY)
        self.pod(network="POD").container("true").ends()  # what stays behind the first of all is no leak
        self.sweep()

    def configure(self, runtimes):
        pathlib.Path("/etc/containerd/config.toml").write_text(of_the_node(self.place) + runtimes)

    @contextlib.contextmanager
    def documented(self):
        """containerd with what docs/engines.md says of the runtime, until the end of a with statement."""
        self.end()
        self.configure(snippets.text_of(">>/etc/containerd/config.toml", self.runtime))
        self.start()
        try:
            yield
        finally:
            self.sweep()
            self.end()
            self.configure(handlers(self.runtime))
            self.start()

    def start(self):
        self.process = self.daemon("containerd")
        self.client = Client(self.api, 60 * self.factor)
        self.eventually(self.is_ready, "the CRI is ready", seconds=30)

    def is_ready(self):
        try:
            return all(each.status for each in self("Status").status.conditions)
        except Refused as refusal:
            if refusal.code in ("UNAVAILABLE", "UNIMPLEMENTED"):
                return False
            raise

    def end(self, number=signal.SIGTERM):
        self.client.close()
        self.process.send_signal(number)
        self.process.wait(30 * self.factor)

    def roots(self):
        own = pathlib.Path("/run/containerd/io.containerd.grpc.v1.cri")
        return [pathlib.Path("/run/containerd/runc/k8s.io"), own / "sandboxes", own / "containers"]

    def traces(self):
        """Network namespaces, addresses and links of pods."""
        leases = {str(path) for path in CNI_STATE.glob("10.*")}
        spaces = {str(path) for path in pathlib.Path("/run/netns").glob("*")}
        return leases | spaces | {str(path) for path in pathlib.Path("/sys/class/net").glob("veth*")}

    def __call__(self, method, **fields):
        return self.client(method, **fields)

    def refused(self, method, **fields):
        """What a call is refused with."""
        try:
            answer = self(method, **fields)
        except Refused as refusal:
            return refusal
        raise Failure(f"{method} is not refused: {answer}")

    def pod(self, handler="", network="NODE", **fields):
        """A sandbox that runs; `fields` are those of pods.configuration."""
        return Pod(self, handler, network=network, **fields)

    def gate(self):
        """The mount of a pipe as /gate, at which a container waits until open_gate()."""
        path = self.directory / "gate"
        os.mkfifo(path)
        return {"container_path": "/gate", "host_path": str(path)}

    def open_gate(self):
        with open(self.directory / "gate", "w", encoding="ascii") as gate:
            gate.write("go\n")

    def sweep(self):
        for each in self("ListPodSandbox").items:
            self("StopPodSandbox", pod_sandbox_id=each.id)
            self("RemovePodSandbox", pod_sandbox_id=each.id)
