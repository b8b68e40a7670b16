# SPDX-License-Identifier: Apache-2.0
"""Pods and their containers, over the CRI."""

import json

from engine import IMAGE, cgroup_of
from harness import Failure, equal

MODES = {"POD": 0, "CONTAINER": 1, "NODE": 2, "TARGET": 3}


def configuration(t, name, network, pid, ipc, security, linux, **fields):
    options = {"network": MODES[network], "pid": MODES[pid], "ipc": MODES[ipc]}
    security = {**(security or {}), "namespace_options": {**options, **(security or {}).get("namespace_options", {})}}
    return {"metadata": {"name": name, "uid": name, "namespace": "engines"}, "log_directory": str(t.directory),
            "linux": {"security_context": security, **(linux or {})}, **fields}


class Pod:
    """A sandbox, from its start on."""

    def __init__(self, t, handler="", name="pod", network="NODE", pid="CONTAINER", ipc="POD", security=None, linux=None,
                 **fields):
        self.t, self.count = t, 0
        self.config = configuration(t, name, network, pid, ipc, security, linux, **fields)
        self.id = t("RunPodSandbox", config=self.config, runtime_handler=handler).pod_sandbox_id

    def status(self):
        return self.t("PodSandboxStatus", pod_sandbox_id=self.id).status

    def pid(self):
        """The sandbox's own process."""
        return json.loads(self.t("PodSandboxStatus", pod_sandbox_id=self.id, verbose=True).info["info"])["pid"]

    def create(self, *command, security=None, resources=None, image=IMAGE, **fields):
        """A container of the pod that is not started; its namespaces are the pod's unless `security` says otherwise."""
        self.count += 1
        options = self.config["linux"]["security_context"]["namespace_options"]
        linux = {"security_context": {"namespace_options": options, **(security or {})}, "resources": resources or {}}
        config = {"metadata": {"name": f"c{self.count}"}, "image": {"image": image}, "command": command,
                  "log_path": f"c{self.count}.log", "linux": linux, **fields}
        made = self.t("CreateContainer", pod_sandbox_id=self.id, config=config, sandbox_config=self.config)
        return Box(self.t, made.container_id, self.t.directory / f"c{self.count}.log")

    def container(self, *command, **fields):
        return self.create(*command, **fields).start()

    def sleeper(self, **fields):
        return self.container("sleep", "600", **fields)

    def output(self, *command, **fields):
        """What a program prints in a container of its own."""
        box = self.container(*command, **fields)
        equal(box.ends().exit_code, 0, f"the status of {command}, which said {box.text()!r}")
        return box.text()

    def stop(self):
        self.t("StopPodSandbox", pod_sandbox_id=self.id)

    def remove(self):
        self.t("RemovePodSandbox", pod_sandbox_id=self.id)


class Box:
    """A container of a pod."""

    def __init__(self, t, container_id, log):
        self.t, self.id, self.log = t, container_id, log

    def start(self):
        self.t("StartContainer", container_id=self.id)
        return self

    def status(self):
        return self.t("ContainerStatus", container_id=self.id).status

    def state(self):
        return self.t.api.ContainerState.Name(self.status().state).removeprefix("CONTAINER_")

    def ends(self):
        """Waits for the end; returns the status."""
        self.t.eventually(lambda: self.state() == "EXITED", "the container ends", seconds=20)
        return self.status()

    def pid(self):
        return json.loads(self.t("ContainerStatus", container_id=self.id, verbose=True).info["info"])["pid"]

    def cgroup(self):
        return cgroup_of(self.pid())

    def entries(self):
        """The lines of the log: (stream, tag, text)."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [tuple(line.split(" ", 3)[1:]) for line in lines]

    def text(self):
        return "".join(text + ("\n" if tag == "F" else "") for _, tag, text in self.entries())

    def says(self, part):
        self.t.eventually(lambda: part in self.text(), f"the log contains {part!r}")
        return self

    def exec(self, *command, timeout=0):
        return self.t("ExecSync", container_id=self.id, cmd=command, timeout=timeout)

    def exec_output(self, *command):
        done = self.exec(*command)
        if done.exit_code != 0:
            raise Failure(f"{command} ends with {done.exit_code}: {done.stderr}")
        return done.stdout.decode()

    def stop(self, timeout=0):
        self.t("StopContainer", container_id=self.id, timeout=timeout)
        return self.ends()

    def remove(self):
        self.t("RemoveContainer", container_id=self.id)
