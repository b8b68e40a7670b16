# SPDX-License-Identifier: Apache-2.0
"""containerd ends while pods run, and begins again."""

import os
import pathlib
import signal

from cases import case
from harness import equal

ENDINGS = [("SIGTERM", signal.SIGTERM), ("SIGKILL", signal.SIGKILL)]
TRAP = "trap 'exit 9' TERM; echo ready; while :; do read line </gate && echo $line; done"


def restart(t, number):
    t.end(number)
    t.start()


@case(each=ENDINGS, deadline=120)
def running(t, _, number):
    """Over {} of containerd pods and containers run on: the new one executes, logs, stops and removes them."""
    pod = t.pod(network="POD")
    address = pod.status().network.ip
    box = pod.container("sh", "-c", TRAP, mounts=[t.gate()]).says("ready")
    pid = box.pid()
    restart(t, number)
    equal((pod.status().state, pod.status().network.ip), (0, address), "the pod's state and address")
    equal((box.state(), box.pid()), ("RUNNING", pid), "the container")
    equal(box.exec_output("echo", "hello"), "hello\n", "output of exec")
    t.open_gate()
    box.says("go")
    equal(pod.output("echo", "more"), "more\n", "a new container of the pod")
    equal(box.stop(timeout=50).exit_code, 9, "status")
    pod.stop()
    pod.remove()


@case(each=ENDINGS, deadline=120)
def ended_meanwhile(t, _, number):
    """What ends while there is no containerd after {} is known as exited by the new one, and can be replaced."""
    pod = t.pod()
    box, killed = pod.container("sh", "-c", TRAP, mounts=[t.gate()]).says("ready"), pod.sleeper()
    pids = [box.pid(), killed.pid()]
    t.end(number)
    for pid, ending in zip(pids, (signal.SIGTERM, signal.SIGKILL), strict=True):
        os.kill(pid, ending)
        t.eventually(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "the container ends")
    t.start()
    equal(killed.ends().exit_code in (137, 255), True, f"its status: {killed.status()}")
    box.ends()
    for each in (box, killed):
        each.remove()
    equal(pod.output("echo", "again"), "again\n", "a new container of the pod")


@case(each=ENDINGS, deadline=120)
def sandbox_ended_meanwhile(t, _, number):
    """A pod whose sandbox ends while there is no containerd after {} is not ready, and is removed."""
    pod = t.pod(network="POD")
    pid = pod.pid()
    t.end(number)
    os.kill(pid, signal.SIGKILL)
    t.eventually(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "the sandbox ends")
    t.start()
    t.eventually(lambda: pod.status().state == 1, "the pod is not ready")
    pod.stop()
    pod.remove()
    equal(t.traces(), set(), "namespaces, addresses and links")
